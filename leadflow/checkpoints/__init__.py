"""Paid answers and positions of jobs, durable before they are used."""

from leadflow.checkpoints.store import Checkpoints, StoredBatch

__all__ = ["Checkpoints", "StoredBatch"]

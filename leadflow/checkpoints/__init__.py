"""Paid answers and positions of jobs, durable before they are used. store.py lists what each write guarantees."""

from leadflow.checkpoints.leads import StoredBatch
from leadflow.checkpoints.store import Checkpoints

__all__ = ["Checkpoints", "StoredBatch"]

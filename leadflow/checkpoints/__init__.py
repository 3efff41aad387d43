"""Paid answers and the state of jobs, stored before they are used. store.py lists the guarantees of each write."""

from leadflow.checkpoints.leads import StoredBatch
from leadflow.checkpoints.store import Checkpoints

__all__ = ["Checkpoints", "StoredBatch"]

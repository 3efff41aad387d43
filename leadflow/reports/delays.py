"""Unusual delays of a job: silences between its events. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.history import History

THRESHOLD_S = 5.0


def delays(history: History, job: dict[str, Any], threshold_s: float = THRESHOLD_S) -> pd.DataFrame:
    """Return gaps between consecutive events of one stage and batch, and of all stages, that are unusual.

    A gap is unusual if it reaches the threshold and three times what is usual for gaps between the same two events, in
    this job's batches and in the last 20 jobs of its script. Pauses between runs are no delays.
    """
    return history.gaps(job, threshold_s)

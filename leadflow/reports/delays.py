"""Unusual delays of a job: silences between its events. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.history import History

THRESHOLD_S = 5.0


def delays(history: History, job: dict[str, Any], threshold_s: float = THRESHOLD_S) -> pd.DataFrame:
    """Return gaps between consecutive events of one stage (and batch) that reach the threshold.

    If there are earlier jobs of the same script, a gap is listed only if it is also three times their median.
    """
    return history.gaps(job, threshold_s)

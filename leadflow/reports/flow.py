"""The flow of a job's leads through its batches. Data only."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = [
    "batch",
    "rows",
    "phones_found",
    "litigator",
    "dnc",
    "delivered",
    "held",
    "retry",
    "lookup_s",
    "check_s",
    "deliver_s",
    "cache_s",
    "status",
    "started_at",
    "completed_at",
]


def flow(batches: pd.DataFrame) -> pd.DataFrame:
    """Return one row a batch: rows, phones found, flagged phones, outcomes, and the seconds of each stage."""
    return cast("pd.DataFrame", batches[_COLUMNS])

"""One batch: up to 200 leads that go through the steps of a run together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

import polars as pl

from leadflow.leads.verdicts import FLAGGED

if TYPE_CHECKING:
    from leadflow.stages.prepared_rows import PreparedRows

# Person key, disposition and reason of a lead, as the checkpoints and the history keep them.
Outcome = tuple[str, str, str]


@dataclass
class Batch:
    """The leads of one batch, and the facts that the steps record for the history.

    `number` and `first_row` are 1-based. Each step replaces `leads` with its result. `record` holds the rows of the
    batch, its start time, and the seconds that each step took. `prepared` are its rows for the sheet.
    """

    number: int
    first_row: int
    leads: pl.DataFrame
    record: dict[str, Any] = field(default_factory=dict)
    prepared: PreparedRows | None = None
    delivered_at: datetime | None = None

    def start(self) -> None:
        """Record the rows of the batch and the time at which its first step starts."""
        rows = self.leads.height
        self.record = {"first_row": self.first_row, "last_row": self.first_row + rows - 1, "rows": rows}
        self.record["started_at"] = datetime.now(timezone.utc)

    def callable_until(self) -> dict[str, date]:
        """Return for each delivered or renewed lead the date from which its row may not be called any more."""
        stays = pl.col("delivered") if "delivered" in self.leads.columns else pl.col("disposition") == "renewed"
        rows = self.leads.filter(stays).select_seq("person_key", "callable_until").iter_rows()
        return {key: date.fromisoformat(until) for key, until in rows if until}

    def summary(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """Return the facts that the history keeps of the batch when its leads have these outcomes.

        In a re-scrub, `delivered` counts the renewed leads and `held` the withdrawn ones.
        """
        dispositions = [disposition for _, disposition, _ in outcomes]
        return {
            **self.record,
            "phones_found": int(self.leads["phones"].list.len().sum() or 0),
            "litigator": self._flagged_by("litigator"),
            "dnc": self._flagged_by("dnc"),
            "delivered": dispositions.count("delivered") + dispositions.count("renewed"),
            "held": dispositions.count("held") + dispositions.count("withdrawn"),
            "retry": dispositions.count("retry"),
            "status": "done",
            "completed_at": datetime.now(timezone.utc),
        }

    def _flagged_by(self, check: str) -> int:
        """Return the number of phones that a check flagged, as the check's log line counts them."""
        if f"{check}_verdicts" not in self.leads.columns:
            return 0
        verdicts = self.leads[f"{check}_verdicts"].explode().drop_nulls()
        return int(verdicts.is_in([str(word) for word in FLAGGED]).sum())


def joined(batches: Sequence[Batch]) -> pl.DataFrame:
    """Return the leads of several batches as one frame, in the order of the batches."""
    return pl.concat([batch.leads for batch in batches], how="diagonal_relaxed")


def row_ranges(batches: Sequence[Batch]) -> Iterator[tuple[Batch, slice]]:
    """Yield each batch with its rows in the joined frame."""
    start = 0
    for batch in batches:
        stop = start + batch.leads.height
        yield batch, slice(start, stop)
        start = stop


def outcomes_of(leads: pl.DataFrame) -> list[Outcome]:
    """Return the outcome of each lead after the delivery.

    >>> row = {"person_key": ["k1"], "disposition": ["deliver"], "delivered": [False], "reason": [""]}
    >>> outcomes_of(pl.DataFrame(row))
    [('k1', 'retry', 'not_delivered')]
    """
    return [_outcome(*row) for row in leads.select_seq("person_key", "disposition", "delivered", "reason").iter_rows()]


def _outcome(key: str, disposition: str, delivered: bool, reason: str) -> Outcome:
    if delivered:
        return key, "delivered", ""
    return (key, "held", reason) if disposition == "held" else (key, "retry", reason or "not_delivered")


@contextmanager
def timed(name: str, *batches: Batch) -> Iterator[None]:
    """Record in each batch how many seconds the block took."""
    start = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - start
        for batch in batches:
            batch.record[name] = seconds

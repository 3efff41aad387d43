"""One batch: up to 200 leads that go through the steps of a run together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import Any

import polars as pl

# Person key, disposition and reason of a lead, as the checkpoints and the history keep them.
Outcome = tuple[str, str, str]


@dataclass
class Batch:
    """The leads of one batch, and the facts that the steps record for the history.

    `number` and `first_row` are 1-based. Each step replaces `leads` with its result. `record` holds the rows of the
    batch, its start time, and the seconds that each step took.
    """

    number: int
    first_row: int
    leads: pl.DataFrame
    record: dict[str, Any] = field(default_factory=dict)
    delivered_at: datetime | None = None

    def start(self) -> None:
        """Record the rows of the batch and the time at which its first step starts."""
        rows = self.leads.height
        self.record = {"first_row": self.first_row, "last_row": self.first_row + rows - 1, "rows": rows}
        self.record["started_at"] = datetime.now(timezone.utc)

    def callable_until(self) -> dict[str, date]:
        """Return for each delivered lead the date from which its row may not be called any more."""
        if "delivered" not in self.leads.columns:  # a re-scrub delivers nothing
            return {}
        delivered = self.leads.filter("delivered").select("person_key", "callable_until")
        return {key: date.fromisoformat(until) for key, until in delivered.iter_rows() if until}

    def summary(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """Return the facts that the history keeps of the batch when its leads have these outcomes.

        In a re-scrub, `delivered` counts the renewed leads and `held` the withdrawn ones.
        """
        verdicts = dict(self.leads["verdicts"].explode().drop_nulls().value_counts().iter_rows())
        dispositions = [disposition for _, disposition, _ in outcomes]
        return {
            **self.record,
            "phones_found": int(self.leads["phones"].list.len().sum() or 0),
            "litigator": verdicts.get("litigator", 0),
            "dnc": verdicts.get("dnc", 0) + verdicts.get("internal_dnc", 0) + verdicts.get("state_wireless", 0),
            "delivered": dispositions.count("delivered") + dispositions.count("renewed"),
            "held": dispositions.count("held") + dispositions.count("withdrawn"),
            "retry": dispositions.count("retry"),
            "status": "done",
            "completed_at": datetime.now(timezone.utc),
        }


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
    return [_outcome(*row) for row in leads.select("person_key", "disposition", "delivered", "reason").iter_rows()]


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

"""A batch of leads on its way through a job."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import polars as pl


@dataclass
class Batch:
    """A batch on its way: its number (1-based), the number of its first row, its leads, its timings in seconds, and when it was delivered."""

    number: int
    first_row: int
    leads: pl.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None


def outcome(row: tuple[str, str, bool, str]) -> tuple[str, str, str]:
    """From person key, disposition, delivered and reason of a row to what the checkpoints keep: key, disposition, reason."""
    key, disposition, delivered, reason = row
    if delivered:
        return key, "delivered", ""
    return (key, "held", reason) if disposition == "held" else (key, "retry", reason or "not_delivered")


def facts(batch: Batch, outcomes: list[tuple[str, str, str]]) -> dict[str, Any]:
    """What the history keeps of a batch that is through."""
    verdicts = batch.leads["verdicts"].explode().drop_nulls().value_counts()
    of = dict(verdicts.iter_rows())
    how = [d for _, d, _ in outcomes]
    return {
        **batch.facts,
        "phones_found": int(batch.leads["phones"].list.len().sum() or 0),
        "litigator": of.get("litigator", 0),
        "dnc": of.get("dnc", 0) + of.get("internal_dnc", 0) + of.get("state_wireless", 0),
        "delivered": how.count("delivered"),
        "held": how.count("held"),
        "retry": how.count("retry"),
        "status": "done",
        "completed_at": datetime.now(timezone.utc),
    }


class timed:
    """Adds the seconds spent to each batch's facts."""

    def __init__(self, *batches: Batch | str, name: str = "") -> None:
        self._batches = [b for b in batches if isinstance(b, Batch)]
        self._name = name or next(b for b in batches if isinstance(b, str))

    def __enter__(self) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        for batch in self._batches:
            batch.facts[self._name] = time.monotonic() - self._start

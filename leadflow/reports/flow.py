"""The accounting of a job and its flow through the batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadflow.job import LEFT_OUT

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = "batch rows phones_found litigator dnc delivered held retry lookup_s check_s deliver_s cache_s status started_at completed_at"


@dataclass(frozen=True)
class Accounting:
    """Where every extracted lead went; `held` has a count for each reason, those a resume tries again included."""

    known: bool
    extracted: int
    already_processed: int
    delivered: int
    held: dict[str, int]
    retry: dict[str, int]
    waiting: int

    @property
    def held_back(self) -> int:
        """Leads held back, for any reason."""
        return sum(self.held.values())

    @property
    def todo(self) -> int:
        """Leads that were to be processed."""
        return self.extracted - self.already_processed - sum(self.held.get(r, 0) for r in LEFT_OUT)

    @property
    def processed(self) -> int:
        """Leads whose outcome is known."""
        return self.todo - self.waiting

    @property
    def balanced(self) -> bool:
        """Whether extracted = already processed + delivered + held back, with nothing left waiting."""
        return self.known and self.waiting == 0 and self.extracted == self.already_processed + self.delivered + self.held_back


def accounting(counts: dict[str, Any]) -> Accounting:
    """The accounting from a job's counts."""
    held = {r: int(counts[r]) for r in LEFT_OUT if counts.get(r)}
    held |= _by_reason(counts.get("held"), "held")
    retry = _by_reason(counts.get("retry"), "unchecked")
    for reason, number in retry.items():
        held[reason] = held.get(reason, 0) + number
    extracted, before, delivered = (int(counts.get(n) or 0) for n in ("extracted", "already_processed", "delivered"))
    waiting = counts.get("waiting")
    if waiting is None:
        waiting = max(0, extracted - before - delivered - sum(held.values()))
    return Accounting("extracted" in counts, extracted, before, delivered, held, retry, int(waiting))


def _by_reason(value: Any, name: str) -> dict[str, int]:
    if isinstance(value, dict):
        return {str(k): int(n) for k, n in value.items() if n}
    return {name: int(value)} if value else {}


def flow(batches: pd.DataFrame) -> pd.DataFrame:
    """One row a batch: rows, phones found, flags, outcomes, and the seconds of each stage."""
    return batches[_COLUMNS.split(" ")]


def reasons(held: dict[str, int]) -> str:
    """The reasons with their counts, largest first."""
    return ", ".join(f"{reason} {n}" for reason, n in sorted(held.items(), key=lambda item: (-item[1], item[0])))


def tree(flowed: pd.DataFrame, totals: Accounting) -> str:
    """The data-flow tree in text."""
    skipped = {"already processed": totals.already_processed, **{r: totals.held.get(r, 0) for r in LEFT_OUT}}
    left_out = ", ".join(f"{n} {what}" for what, n in skipped.items() if n)
    lines = [f"Snowflake ({totals.extracted} rows)", "    │", f"    ├── Filtered ({totals.todo} unprocessed{'; ' + left_out if left_out else ''})"]
    records = flowed.astype(object).where(flowed.notna(), 0).to_dict("records")
    for place, row in enumerate(records, 1):
        branch, stem = ("└──", " ") if place == len(records) else ("├──", "│")
        held = f", {row['held']} held back" + (f", {row['retry']} to retry" if row["retry"] else "")
        lines += [
            "    │",
            f"    {branch} Batch {row['batch']} ({row['rows']} rows)",
            f"    {stem}   ├── idiCORE: {row['phones_found']} phones found",
            f"    {stem}   ├── Litigator: {row['litigator']} flagged",
            f"    {stem}   ├── DNC: {row['dnc']} flagged",
            f"    {stem}   └── Google Sheets: {row['delivered']} uploaded{held}",
        ]
    if not records:
        lines += ["    │", "    └── no batch was finished"]
    return "\n".join([*lines, "", total_line(totals)])


def total_line(totals: Accounting) -> str:
    """The totals in one line."""
    why = f" ({reasons(totals.held)})" if totals.held else ""
    waiting = f", {totals.waiting} waiting" if totals.waiting else ""
    return f"Total: {totals.processed} processed, {totals.delivered} clean, {totals.held_back} held back{why}, {totals.already_processed} already processed{waiting}"

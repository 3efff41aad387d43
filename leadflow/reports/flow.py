"""The accounting of a job and its flow through the batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadflow.leads.counts import LEFT_OUT

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
    def left_out(self) -> dict[str, int]:
        """Leads held back before anything was done with them, by reason."""
        return {reason: self.held[reason] for reason in LEFT_OUT if self.held.get(reason)}

    @property
    def held_here(self) -> dict[str, int]:
        """Leads that were processed and are held back for good, by reason."""
        final = {reason: n - self.retry.get(reason, 0) for reason, n in self.held.items() if reason not in LEFT_OUT}
        return {reason: n for reason, n in final.items() if n}

    @property
    def todo(self) -> int:
        """Leads that were to be processed."""
        return self.extracted - self.already_processed - sum(self.left_out.values())

    @property
    def processed(self) -> int:
        """Leads whose outcome is known."""
        return self.todo - self.waiting

    @property
    def balanced(self) -> bool:
        """Whether extracted = already processed + delivered + held back, with nothing left waiting."""
        return (
            self.known
            and self.waiting == 0
            and self.extracted == self.already_processed + self.delivered + self.held_back
        )


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


def accounting_of(job: dict[str, Any]) -> Accounting:
    """The accounting of a job's row. One that broke off with no lead extracted did not get as far: its zeros mean nothing."""
    counts = job["counts"]
    return accounting(counts if job["status"] == "COMPLETED" or counts.get("extracted") else {})


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
    lines = [
        f"Snowflake ({totals.extracted} rows)",
        "    │",
        f"    ├── Filtered ({totals.todo} unprocessed{'; ' + left_out if left_out else ''})",
    ]
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
    """The totals in one line; leads left out were never processed, and are told apart from those held back."""
    held = {reason: n for reason, n in totals.held.items() if reason not in LEFT_OUT}
    said = [
        f"{totals.processed} processed",
        f"{totals.delivered} clean",
        _with_reasons("held back", held),
        f"{totals.already_processed} already processed",
    ]
    said += [_with_reasons("left out", totals.left_out)] if totals.left_out else []
    said += [f"{totals.waiting} waiting"] if totals.waiting else []
    return f"Total: {', '.join(said)}"


def _with_reasons(what: str, held: dict[str, int]) -> str:
    return f"{sum(held.values())} {what}" + (f" ({reasons(held)})" if held else "")


def so_far(counts: dict[str, Any], leads: pd.DataFrame) -> dict[str, Any]:
    """The counts of a job that has not ended, from what was extracted and the outcomes known by now (History.leads)."""
    before = accounting(counts)
    if not before.known:
        return counts
    by: dict[str, dict[str, int]] = {"delivered": {}, "held": {}, "retry": {}, "processed": {}}
    for disposition, reason in zip(leads["disposition"], leads["reason"], strict=True):
        by[disposition][reason] = by[disposition].get(reason, 0) + 1
    # What an earlier run of the job left to another one is among the outcomes, and in its counts.
    at_first = before.already_processed - int(counts.get("elsewhere") or 0)
    listed = before.extracted - at_first - sum(before.left_out.values())
    known = {
        "extracted": before.extracted,
        "already_processed": at_first + sum(by["processed"].values()),
        **before.left_out,
    }
    return {
        **known,
        "delivered": sum(by["delivered"].values()),
        "held": by["held"],
        "retry": by["retry"],
        "waiting": listed - len(leads),
    }

"""The accounting of a job: where every extracted lead went. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from leadflow.leads.counts import LEFT_OUT, MEANWHILE

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Accounting:
    """The outcomes of all extracted leads. `held` counts all leads held back by reason, including those to retry.

    In a re-scrub, `extracted` are the leads whose checks were old; they are renewed, withdrawn, or to retry.
    """

    known: bool
    extracted: int
    already_processed: int
    delivered: int
    held: dict[str, int]
    retry: dict[str, int]
    waiting: int
    renewed: int = 0
    withdrawn: dict[str, int] = field(default_factory=dict[str, int])
    rescrub: bool = False

    @property
    def held_back(self) -> int:
        """Leads held back, for any reason."""
        return sum(self.held.values())

    @property
    def left_out(self) -> dict[str, int]:
        """Leads held back before any step ran, by reason."""
        return {reason: self.held[reason] for reason in LEFT_OUT if self.held.get(reason)}

    @property
    def held_final(self) -> dict[str, int]:
        """Leads that went through the steps and are finally held back, by reason."""
        final = {reason: n - self.retry.get(reason, 0) for reason, n in self.held.items() if reason not in LEFT_OUT}
        return {reason: n for reason, n in final.items() if n}

    @property
    def todo(self) -> int:
        """Leads for the steps to process: neither already processed nor left out."""
        return self.extracted - self.already_processed - sum(self.left_out.values())

    @property
    def processed(self) -> int:
        """Leads to process that have an outcome."""
        return self.todo - self.waiting

    @property
    def balanced(self) -> bool:
        """Whether every extracted lead has one outcome, and no lead is waiting."""
        done = self.delivered + self.renewed + sum(self.withdrawn.values())
        is_sum = self.extracted == self.already_processed + done + self.held_back
        return self.known and self.waiting == 0 and is_sum


def accounting(counts: dict[str, Any]) -> Accounting:
    """Return the accounting from a job's counts."""
    held = {reason: int(counts[reason]) for reason in LEFT_OUT if counts.get(reason)}
    held |= _by_reason(counts.get("held"), "held")
    retry = _by_reason(counts.get("retry"), "unchecked")
    for reason, number in retry.items():
        held[reason] = held.get(reason, 0) + number
    extracted, before, delivered = (int(counts.get(n) or 0) for n in ("extracted", "already_processed", "delivered"))
    renewed, withdrawn = int(counts.get("renewed") or 0), _by_reason(counts.get("withdrawn"), "withdrawn")
    waiting = counts.get("waiting")
    if waiting is None:
        waiting = max(0, extracted - before - delivered - renewed - sum([*withdrawn.values(), *held.values()]))
    known = "extracted" in counts
    return Accounting(known, extracted, before, delivered, held, retry, int(waiting), renewed, withdrawn)


def accounting_of(job: dict[str, Any]) -> Accounting:
    """Return the accounting of a job's row. It is unknown if the job broke off before any lead was extracted."""
    counts = job["counts"]
    found = accounting(counts if job["status"] == "COMPLETED" or counts.get("extracted") else {})
    return replace(found, rescrub=job.get("job_type") == "rescrub")


def _by_reason(value: Any, name: str) -> dict[str, int]:
    if isinstance(value, dict):
        return {str(k): int(n) for k, n in value.items() if n}
    return {name: int(value)} if value else {}


def reasons(held: dict[str, int]) -> str:
    """Return the reasons with their counts, largest first."""
    return ", ".join(f"{reason} {n}" for reason, n in sorted(held.items(), key=lambda item: (-item[1], item[0])))


def counts_so_far(counts: dict[str, Any], leads: pd.DataFrame) -> dict[str, Any]:
    """Return the counts of a job that has not ended, from its extraction and the recorded outcomes (History.leads)."""
    before = accounting(counts)
    if not before.known:
        return counts
    by = _by_disposition(leads)
    # The counts of an earlier run include the leads that it left to another job. `leads` lists their outcomes too.
    at_first = before.already_processed - int(counts.get("elsewhere") or 0)
    # Leads that were left out after they were listed are among `leads` too.
    left_out = {reason: n for reason, n in before.left_out.items() if reason != MEANWHILE}
    listed = before.extracted - at_first - sum(left_out.values())
    left_out[MEANWHILE] = by["held"].pop(MEANWHILE, 0)
    return {
        "extracted": before.extracted,
        "already_processed": at_first + sum(by["processed"].values()),
        **left_out,
        "delivered": sum(by["delivered"].values()),
        "held": by["held"],
        "retry": by["retry"],
        "renewed": sum(by["renewed"].values()),
        "withdrawn": by["withdrawn"],
        "waiting": listed - len(leads),
    }


def _by_disposition(leads: pd.DataFrame) -> dict[str, dict[str, int]]:
    names = ("delivered", "held", "retry", "processed", "renewed", "withdrawn")
    by: dict[str, dict[str, int]] = {name: {} for name in names}
    for disposition, reason in zip(leads["disposition"], leads["reason"], strict=True):
        by[disposition][reason] = by[disposition].get(reason, 0) + 1
    return by

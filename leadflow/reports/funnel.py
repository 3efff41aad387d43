"""The funnel from extracted to delivered: the leads that each step removed, and those that remain. Data only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leadflow.leads.counts import LEFT_OUT
from leadflow.reports import rescrub
from leadflow.reports.accounting import Accounting

_LABELS = {
    "suppressed": "asked not to be called",
    "suppressed_meanwhile": "asked not to be called meanwhile",
    "duplicate": "duplicates",
    "no_identity": "no identity",
    "no_person_name": "no person's name",
    "over_limit": "over the row limit",
    "no_match": "not found",
    "no_phone": "no phone found",
    "near_match": "near matches to review",
    "duplicate_person": "same person as another lead",
    "all_suppressed": "every phone flagged",
    "litigator": "litigators",
    "reassigned_check": "reassigned-numbers check missing or not clean",
    "in_other_job": "left to another job",
    "not_covered": "not covered by the do-not-call list",
}
_LOOKUP = ("no_match", "ambiguous", "near_match", "deceased", "duplicate_person", "no_phone")
_BEFORE = (*_LOOKUP, "litigator", "all_suppressed")


@dataclass(frozen=True)
class Step:
    """A line of the funnel. `leads` counts the leads of a level, or those that a step removed. `left` remain."""

    name: str
    leads: int
    left: int
    kind: str

    @property
    def level(self) -> bool:
        """Whether `leads` counts the leads of a level, not the leads that a step removed."""
        return self.kind in ("extracted", "todo", "delivered")


def steps(totals: Accounting) -> list[Step]:
    """Return the funnel, top to bottom, without the steps that removed no lead.

    Kinds: extracted, todo and delivered are levels. left_out, held, litigator and open remove leads.
    """
    first = "checks are old" if totals.rescrub else "extracted"
    found = [Step(first, totals.extracted, totals.extracted, "extracted")]
    left = totals.extracted
    for name, leads, kind in rescrub.candidates(totals) if totals.rescrub else _candidates(totals):
        if kind == "todo":
            found.append(Step(name, leads, leads, kind))
        elif leads:
            left -= leads
            found.append(Step(name, leads, max(0, left), kind))
    name, leads = ("renewed", totals.renewed) if totals.rescrub else ("delivered", totals.delivered)
    return [*found, Step(name, leads, leads, "delivered")]


def _candidates(totals: Accounting) -> Iterator[tuple[str, int, str]]:
    yield "already processed", totals.already_processed, "left_out"
    for reason in LEFT_OUT:
        yield _label(reason), totals.left_out.get(reason, 0), "left_out"
    yield "to look up", totals.todo, "todo"
    held = totals.held_final
    for reason in (*_BEFORE, *sorted(set(held) - set(_BEFORE))):
        yield _label(reason), held.get(reason, 0), "litigator" if reason == "litigator" else "held"
    for reason, leads in sorted(totals.retry.items(), key=lambda item: -item[1]):
        yield f"may still clear: {_label(reason)}", leads, "open"
    yield "waiting", totals.waiting, "open"


def _label(reason: str) -> str:
    return _LABELS.get(reason, reason.replace("_", " "))

"""Settle: from lookup and both checks to what happens with each lead. Fails closed."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

from leadflow.settings import Policy
from leadflow.stages.frames import same_kind
from leadflow.verdicts import Verdict, worst

F = TypeVar("F")


def settle(leads: F, policy: Policy) -> F:
    """Adds verdicts (a list, one a phone), disposition (deliver, held or retry) and reason (text).

    A phone is callable only if both checks answered for it and neither objects. retry means that an answer is
    missing: it is not final, and a resume asks again.
    """
    return same_kind(leads, lambda frame: _settle(frame, policy))


def _settle(leads: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    litigator, dnc = _verdicts(leads, "litigator_verdicts"), _verdicts(leads, "dnc_verdicts")
    both = [_both(phones, a, b) for phones, a, b in zip(leads["phones"].to_list(), litigator, dnc, strict=True)]
    statuses = leads["lookup_status"].to_list() if "lookup_status" in leads.columns else ["found"] * leads.height
    outcomes = [_outcome(s, v, a, policy) for s, v, a in zip(statuses, both, litigator, strict=True)]
    return leads.with_columns(
        pl.Series("verdicts", [[str(v) for v in row] for row in both], pl.List(pl.String)),
        pl.Series("disposition", [d for d, _ in outcomes], pl.String),
        pl.Series("reason", [r for _, r in outcomes], pl.String),
    )


def _verdicts(leads: pl.DataFrame, column: str) -> list[list[Verdict]]:
    if column not in leads.columns:
        return [[] for _ in range(leads.height)]
    return [[Verdict(word) for word in words or []] for words in leads[column].to_list()]


def _both(phones: list[str] | None, litigator: list[Verdict], dnc: list[Verdict]) -> list[Verdict]:
    """The worst of both for each phone; a check that is missing is unchecked."""
    checks = [litigator[i : i + 1] + dnc[i : i + 1] for i in range(len(phones or []))]
    return [worst(*check, *[Verdict.UNCHECKED] * (2 - len(check))) for check in checks]


def _outcome(status: str, verdicts: list[Verdict], litigator: list[Verdict], policy: Policy) -> tuple[str, str]:
    if status in ("failed", "skipped"):
        return "retry", "lookup_failed"
    if status != "found":
        return "held", status
    if not verdicts:
        return "held", "no_phone"
    if policy.hold_lead_on_litigator and Verdict.LITIGATOR in verdicts:
        return "held", "litigator"
    if policy.hold_lead_on_litigator and (Verdict.UNCHECKED in litigator or len(litigator) < len(verdicts)):
        # The unanswered phone may be a litigator's, and a litigator's other phones are no safer.
        return "retry", "unchecked"
    if any(is_callable(v, policy) for v in verdicts):
        return "deliver", ""
    if Verdict.UNCHECKED in verdicts:
        return "retry", "unchecked"
    return "held", "all_suppressed"


def is_callable(verdict: Verdict | str, policy: Policy) -> bool:
    """Whether a phone with this verdict may be given to callers."""
    return verdict == Verdict.CLEAN or (policy.deliver_wireless and verdict == Verdict.CLEAN_WIRELESS)

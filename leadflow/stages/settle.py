"""Settle: from lookup and both checks to what happens with each lead. Fails closed."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

from leadflow.leads.phones import E164
from leadflow.leads.verdicts import WORST_FIRST, Verdict
from leadflow.settings import Policy
from leadflow.stages.coverage import NOT_COVERED
from leadflow.stages.frames import same_kind
from leadflow.stages.list_columns import per_lead, per_phone

F = TypeVar("F")
_WORDS = [verdict.value for verdict in WORST_FIRST]
_UNCHECKED = Verdict.UNCHECKED.value
_VERDICT = pl.Enum(_WORDS)
_CHECKS = ("litigator_verdicts", "dnc_verdicts")
_NOT_COVERED = "not_covered"


def settle(leads: F, policy: Policy) -> F:
    """Adds verdicts (a list, one a phone), disposition (deliver, held or retry) and reason (text).

    A phone is callable only if both checks answered for it and neither objects. retry means that an answer is
    missing: it is not final, and a resume asks again. Its reason is not_covered if all that is missing is a do-not-call
    list that covers the phones.
    """
    return same_kind(leads, lambda frame: _settle(frame, policy))


def _settle(leads: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    there = [name for name in _CHECKS if name in leads.columns]
    gaps = [name for name in (NOT_COVERED,) if name in leads.columns]
    phones = per_phone(leads, *there, *gaps).with_columns(
        _known(name) if name in there else pl.lit(_UNCHECKED, _VERDICT).alias(name) for name in _CHECKS
    )
    rank = pl.min_horizontal(pl.col(name).to_physical() for name in _CHECKS)
    phones = phones.with_columns(pl.lit(pl.Series(_WORDS)).gather(rank).alias("verdict"))
    phones = phones.with_columns(_is_unanswered(gaps).alias("unanswered"))
    found = per_lead(
        phones, leads.height, verdicts=pl.col("verdict"), litigators=pl.col(_CHECKS[0]), unanswered=pl.col("unanswered")
    )
    status = leads["lookup_status"] if "lookup_status" in leads.columns else pl.lit("found")
    found = found.with_columns(status.alias("status")).with_columns(_reason(policy).alias("reason"))
    return leads.with_columns(found["verdicts"], found.select(_disposition())["disposition"], found["reason"])


def _known(name: str) -> pl.Expr:
    """The verdict beside a phone; one that is missing, that is no verdict, or that stands beside no phone, is unchecked."""
    is_phone = pl.col("phones").str.contains(E164).fill_null(False)
    return pl.when(is_phone).then(pl.col(name).cast(_VERDICT, strict=False)).fill_null(_UNCHECKED).alias(name)


def _is_unanswered(gaps: list[str]) -> pl.Expr:
    """Whether a phone is unchecked for another reason than that the do-not-call list does not cover it."""
    is_gap = (pl.col(gaps[0]).fill_null("") != "") & (pl.col(_CHECKS[0]) != _UNCHECKED) if gaps else pl.lit(False)
    return (pl.col("verdict") == _UNCHECKED) & ~is_gap


def _reason(policy: Policy) -> pl.Expr:
    """Why a lead is not delivered; "" if it is."""
    status, verdicts = pl.col("status"), pl.col("verdicts")
    callables = [word for word in _WORDS if is_callable(word, policy)]
    unchecked = verdicts.list.contains(_UNCHECKED)
    # The unanswered phone may be a litigator's, and a litigator's other phones are no safer.
    doubtful = pl.lit(policy.hold_lead_on_litigator) & pl.col("litigators").list.contains(_UNCHECKED)
    return (
        pl.when(status.is_in(["failed", "skipped"]))
        .then(pl.lit("lookup_failed"))
        # A lead that the vendor does not know may have phones of the script's own.
        .when((status != "found") & ~((status == "no_match") & (verdicts.list.len() > 0)))
        .then(status)
        .when(verdicts.list.len() == 0)
        .then(pl.lit("no_phone"))
        .when(pl.lit(policy.hold_lead_on_litigator) & verdicts.list.contains(Verdict.LITIGATOR.value))
        .then(pl.lit("litigator"))
        .when(doubtful)
        .then(pl.lit(_UNCHECKED))
        .when(verdicts.list.set_intersection(pl.lit(callables, dtype=pl.List(pl.String))).list.len() > 0)
        .then(pl.lit(""))
        .when(unchecked)
        .then(
            pl.when(pl.col("unanswered").list.contains("true")).then(pl.lit(_UNCHECKED)).otherwise(pl.lit(_NOT_COVERED))
        )
        .otherwise(pl.lit("all_suppressed"))
    )


def _disposition() -> pl.Expr:
    word = pl.col("reason")
    held = (
        pl.when(word.is_in(["lookup_failed", _UNCHECKED, _NOT_COVERED])).then(pl.lit("retry")).otherwise(pl.lit("held"))
    )
    return pl.when(word == "").then(pl.lit("deliver")).otherwise(held).alias("disposition")


def is_callable(verdict: Verdict | str, policy: Policy) -> bool:
    """Whether a phone with this verdict may be given to callers."""
    return verdict == Verdict.CLEAN or (policy.deliver_wireless and verdict == Verdict.CLEAN_WIRELESS)

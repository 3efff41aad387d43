"""Settle leads: decide the disposition of each lead from the lookup and both checks. Fails closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar, cast

import polars as pl

from leadflow.leads.phones import E164
from leadflow.leads.reassigned import needs_check
from leadflow.leads.verdicts import WORST_FIRST, Verdict
from leadflow.settings import ComplianceSettings, Policy
from leadflow.stages.coverage import NOT_COVERED
from leadflow.stages.frames import as_text, same_kind
from leadflow.stages.list_columns import per_lead, per_phone
from leadflow.stages.scrub_texts import FURTHER_VERDICTS

F = TypeVar("F")
_WORDS = [verdict.value for verdict in WORST_FIRST]
_UNCHECKED = Verdict.UNCHECKED.value
_VERDICT = pl.Enum(_WORDS)
_CHECKS = ("litigator_verdicts", "dnc_verdicts")
_NOT_COVERED = "not_covered"
REASSIGNED = "reassigned_verdicts"
REASSIGNED_CHECK = "reassigned_check"


def settle(leads: F, policy: Policy, compliance: ComplianceSettings | None = None) -> F:
    """Add `verdicts` (lists of text, one for each phone), `disposition` (deliver, held or retry) and `reason` (text).

    `leads` is a pandas or polars frame with the columns that the lookup and both checks add; a missing check counts as
    unchecked. A phone is callable only if both checks answered and neither flagged it; in a frame with the column
    `further_verdicts`, only if the further checks say the same. `retry` is not final: an answer
    is missing, and a resume requests it again. Its reason is not_covered if only a do-not-call list that covers the
    phones is missing. A phone of a state in compliance.hold_without_reassigned_check is callable only if
    `reassigned_verdicts` has clean for it; a lead without another phone is held as reassigned_check.

    >>> leads = pl.DataFrame(
    ...     {"phones": [["+15045550143"]], "litigator_verdicts": [["clean"]], "dnc_verdicts": [["dnc"]]}
    ... )
    >>> settle(leads, Policy()).select("disposition", "reason").row(0)
    ('held', 'all_suppressed')
    """
    states = (compliance or ComplianceSettings()).hold_without_reassigned_check
    return same_kind(leads, lambda frame: _settle(frame, policy, tuple(states)))


def _settle(leads: pl.DataFrame, policy: Policy, states: tuple[str, ...]) -> pl.DataFrame:
    checks = [*_CHECKS, *(name for name in (FURTHER_VERDICTS,) if name in leads.columns)]
    there = [name for name in checks if name in leads.columns]
    gaps = [name for name in (NOT_COVERED,) if name in leads.columns]
    phones = per_phone(leads, *there, *gaps).with_columns_seq(
        _known(name) if name in there else pl.lit(_UNCHECKED, _VERDICT).alias(name) for name in checks
    )
    rank = pl.min_horizontal(pl.col(name).to_physical() for name in checks)
    phones = phones.with_columns_seq(
        _litigator_unknown(checks, policy).alias("unknown"), pl.lit(pl.Series(_WORDS)).gather(rank).alias("verdict")
    )
    phones = _with_reassigned(phones, leads, policy, states).with_columns_seq(_is_unanswered(gaps).alias("unanswered"))
    found = per_lead(
        phones,
        leads.height,
        verdicts=pl.col("verdict"),
        litigators=pl.col("unknown"),
        unanswered=pl.col("unanswered"),
        barred=pl.col("barred"),
    )
    status = leads["lookup_status"] if "lookup_status" in leads.columns else pl.lit("found")
    found = found.with_columns_seq(status.alias("status")).with_columns_seq(_reason(policy).alias("reason"))
    return leads.with_columns_seq(found["verdicts"], found.select_seq(_disposition())["disposition"], found["reason"])


def _known(name: str) -> pl.Expr:
    """Parse the verdict of a phone; a missing or unknown verdict, or one without a phone, is unchecked."""
    is_phone = pl.col("phones").str.contains(E164).fill_null(False)
    return pl.when(is_phone).then(pl.col(name).cast(_VERDICT, strict=False)).fill_null(_UNCHECKED).alias(name)


def _litigator_unknown(checks: list[str], policy: Policy) -> pl.Expr:
    """Whether a check that knows litigators has not answered for a phone: then it may be a litigator's.

    A further check is not asked about leads without a callable phone, whose other phones say nothing then.
    """
    unknown = pl.col(_CHECKS[0]) == _UNCHECKED
    if FURTHER_VERDICTS not in checks:
        return unknown
    words = [word for word in _WORDS if is_callable(word, policy)]
    is_open = pl.all_horizontal(pl.col(name).is_in(words) for name in _CHECKS).any().over("row")
    return unknown | (is_open & (pl.col(FURTHER_VERDICTS) == _UNCHECKED))


def _with_reassigned(
    phones: pl.DataFrame, leads: pl.DataFrame, policy: Policy, states: tuple[str, ...]
) -> pl.DataFrame:
    """Add `barred`: the phone would be callable but for the reassigned-numbers check. Its verdict is then that one's.

    Without an answer of the check, because it is not set or the lead has no date, the verdict is hold.
    """
    answers = phones_needing_check(leads, states)
    if not answers:
        return phones.with_columns_seq(pl.lit(False).alias("barred"))
    found = [
        "" if verdict == Verdict.CLEAN else verdict if verdict in _WORDS else Verdict.HOLD.value
        for verdict in (
            answers.get(place, Verdict.CLEAN.value) for place in phones.select_seq("row", "phones").iter_rows()
        )
    ]
    is_open = pl.col("verdict").is_in([word for word in _WORDS if is_callable(word, policy)])
    phones = phones.with_columns_seq(pl.Series("reassigned", found, pl.String))
    is_barred = is_open & (pl.col("reassigned") != "")
    return phones.with_columns_seq(
        pl.when(is_barred).then("reassigned").otherwise("verdict").alias("verdict"), is_barred.alias("barred")
    )


def phones_needing_check(leads: pl.DataFrame, states: tuple[str, ...]) -> dict[tuple[int, str], str]:
    """Map the phones that need the reassigned-numbers check, by row and number, to the check's verdict, "" without one.

    A state column and a ZIP column that are not there say nothing: then the area codes alone decide.
    """
    if not states:
        return {}
    there = [name for name in (REASSIGNED,) if name in leads.columns]
    verdict = pl.col(REASSIGNED) if there else pl.lit("").alias(REASSIGNED)
    phones = per_phone(leads, *there).select_seq("row", "phones", verdict)
    rows = cast("Iterable[tuple[int, str, str | None]]", phones.iter_rows())
    where, zips = _texts(leads, "state"), _texts(leads, "zip")
    return {
        (row, phone): answer or ""
        for row, phone, answer in rows
        if phone and needs_check(phone, where[row] if where else None, zips[row] if zips else "", states)
    }


def _texts(leads: pl.DataFrame, name: str) -> list[str]:
    """Return a column as text, [] if it is not there."""
    return as_text(leads, [name])[name].to_list() if name in leads.columns else []


def _is_unanswered(gaps: list[str]) -> pl.Expr:
    """Whether a phone is unchecked for a reason other than the coverage of the do-not-call list."""
    is_gap = (pl.col(gaps[0]).fill_null("") != "") & (pl.col(_CHECKS[0]) != _UNCHECKED) if gaps else pl.lit(False)
    return (pl.col("verdict") == _UNCHECKED) & ~is_gap


def _reason(policy: Policy) -> pl.Expr:
    """Return the reason why a lead is held back, "" if it is not."""
    status, verdicts = pl.col("status"), pl.col("verdicts")
    callables = [word for word in _WORDS if is_callable(word, policy)]
    unchecked = verdicts.list.contains(_UNCHECKED)
    # The phone without an answer may be a litigator's, and then the lead's other phones may not be called either.
    litigator_unknown = pl.lit(policy.hold_lead_on_litigator) & pl.col("litigators").list.contains("true")
    return (
        pl.when(status.is_in(["failed", "skipped"]))
        .then(pl.lit("lookup_failed"))
        # A lead without a match may have phones from the script.
        .when((status != "found") & ~((status == "no_match") & (verdicts.list.len() > 0)))
        .then(status)
        .when(verdicts.list.len() == 0)
        .then(pl.lit("no_phone"))
        .when(pl.lit(policy.hold_lead_on_litigator) & verdicts.list.contains(Verdict.LITIGATOR.value))
        .then(pl.lit("litigator"))
        .when(litigator_unknown)
        .then(pl.lit(_UNCHECKED))
        .when(verdicts.list.set_intersection(pl.lit(callables, dtype=pl.List(pl.String))).list.len() > 0)
        .then(pl.lit(""))
        .when(unchecked)
        .then(
            pl.when(pl.col("unanswered").list.contains("true")).then(pl.lit(_UNCHECKED)).otherwise(pl.lit(_NOT_COVERED))
        )
        .when(pl.col("barred").list.contains("true"))
        .then(pl.lit(REASSIGNED_CHECK))
        .otherwise(pl.lit("all_suppressed"))
    )


def _disposition() -> pl.Expr:
    word = pl.col("reason")
    held = (
        pl.when(word.is_in(["lookup_failed", _UNCHECKED, _NOT_COVERED])).then(pl.lit("retry")).otherwise(pl.lit("held"))
    )
    return pl.when(word == "").then(pl.lit("deliver")).otherwise(held).alias("disposition")


def is_callable(verdict: Verdict | str, policy: Policy) -> bool:
    """Whether callers may get a phone with this verdict.

    >>> is_callable("clean", Policy()), is_callable("unchecked", Policy())
    (True, False)
    """
    return verdict == Verdict.CLEAN or (policy.deliver_wireless and verdict == Verdict.CLEAN_WIRELESS)

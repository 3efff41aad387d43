"""Make phones of the house's own do-not-call list uncallable."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TypeVar

import polars as pl

from leadflow.leads.suppressions import Suppressed
from leadflow.leads.verdicts import WORST_FIRST, Scrub, Verdict
from leadflow.stages.frames import same_kind
from leadflow.stages.list_columns import per_lead, per_phone
from leadflow.stages.scrub_texts import INTERNAL_CHECKS, scrub_text

F = TypeVar("F")
_INTERNAL = Verdict.INTERNAL_DNC.value
_WORSE = [verdict.value for verdict in WORST_FIRST[: WORST_FIRST.index(Verdict.INTERNAL_DNC)]]


def with_suppressed(leads: F, suppressed: Suppressed, verdicts: str = "dnc_verdicts") -> F:
    """Set the verdict of each suppressed phone to internal_dnc, in place of every verdict that is less bad.

    `leads` is a pandas or polars frame with person_key, `phones` (lists of E.164) and a column of `verdicts` (lists of
    text, one for each phone). All phones of a suppressed person count. A missing verdict stays unchecked. The result
    also has `internal_checks` (lists of text: the check of each phone on the list, "" for the others), for the ledger.

    >>> leads = pl.DataFrame({"person_key": ["k"], "phones": [["+15045550143"]], "dnc_verdicts": [["clean"]]})
    >>> with_suppressed(leads, Suppressed(frozenset({"+15045550143"})))["dnc_verdicts"].to_list()
    [['internal_dnc']]
    """
    return same_kind(leads, lambda frame: _with_suppressed(frame, suppressed, verdicts) if suppressed else frame)


def is_suppressed(leads: pl.DataFrame, suppressed: Suppressed) -> pl.Series:
    """Return for each lead whether its person or one of its phones is suppressed."""
    found = leads.select_seq(
        pl.col("person_key").is_in(list(suppressed.keys))
        | (pl.col("phones").list.set_intersection(list(suppressed.phones)).list.len().fill_null(0) > 0)
    )
    return found.to_series()


def _with_suppressed(leads: pl.DataFrame, suppressed: Suppressed, verdicts: str) -> pl.DataFrame:
    there = [verdicts] if verdicts in leads.columns else []
    phones = per_phone(leads, *there)
    if not there:
        phones = phones.with_columns_seq(pl.lit(Verdict.UNCHECKED.value).alias(verdicts))
    keys = leads.select_seq("person_key", pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    phones = phones.join(keys, on="row", how="left", maintain_order="left")
    listed = pl.col("phones").is_in(list(suppressed.phones)) | pl.col("person_key").is_in(list(suppressed.keys))
    worse = pl.col(verdicts).is_in(_WORSE).fill_null(False)
    known = pl.col(verdicts).fill_null(Verdict.UNCHECKED.value)
    phones = phones.with_columns_seq(
        pl.when(listed & ~worse).then(pl.lit(_INTERNAL)).otherwise(known).alias("verdict"),
        pl.when(listed).then(pl.lit(_check_text())).otherwise(pl.lit("")).alias("check"),
    )
    found = per_lead(phones, leads.height, verdict=pl.col("verdict"), check=pl.col("check"))
    return leads.with_columns_seq(found["verdict"].alias(verdicts), found["check"].alias(INTERNAL_CHECKS))


def _check_text() -> str:
    """Return the check of a phone that is on the list, as text without the phone."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    return scrub_text(Scrub("", "internal", Verdict.INTERNAL_DNC, "leadflow", "listed", now, now.date().isoformat()))

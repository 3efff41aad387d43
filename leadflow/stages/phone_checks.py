"""Name the phones of a lead that may not be called, by their place in the lead, for the history: no phone is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from leadflow.leads.verdicts import CALLABLE, Scrub, Verdict
from leadflow.stages.list_columns import TEXTS
from leadflow.stages.scrub_texts import CHECKS, INTERNAL_CHECKS, read_scrub

_KINDS = {**CHECKS, "reassigned": "reassigned_checks", "internal": INTERNAL_CHECKS}
_CODE = re.compile(r"[A-Za-z0-9]{1,3}")
_WORD = re.compile(r"[A-Za-z_.-]{1,30}")
_STAYS = ("delivered", "renewed")


def phone_checks(leads: pl.DataFrame) -> dict[str, str]:
    """Map the key of each lead to its phones that may not be called, as a JSON list; leads without any are missing.

    `leads` are settled: they have `phones` and `verdicts`, and the scrubs of their checks if there are any. Each item
    has phone (its place in the lead, from 1), verdict, and of the check that gave it: check, by (provider), code, list
    (its date) and at (UTC). What a vendor sent is kept only if it has the form of a code or a date.

    >>> leads = pl.DataFrame({"person_key": ["k"], "phones": [["+15045550143"]], "verdicts": [["dnc"]]})
    >>> phone_checks(leads)
    {'k': '[{"phone": 1, "verdict": "dnc"}]'}
    """
    if not {"phones", "verdicts"} <= set(leads.columns):
        return {}
    kinds = {kind: name for kind, name in _KINDS.items() if name in leads.columns}
    there = pl.col("disposition") if "disposition" in leads.columns else pl.lit("").alias("disposition")
    delivered = pl.col("delivered") if "delivered" in leads.columns else pl.lit(False).alias("delivered")
    lists = [pl.col(name).cast(TEXTS) for name in ("verdicts", *kinds.values())]
    found, described = dict[str, str](), dict[tuple[str, ...], dict[str, str]]()
    for key, disposition, is_delivered, verdicts, *texts in leads.select_seq(
        "person_key", there, delivered, *lists
    ).iter_rows():
        stays = bool(is_delivered) or disposition in _STAYS
        items: list[dict[str, Any]] = []
        for place in _places(verdicts or [], stays):
            said = (verdicts[place], *(_entry(entries, place) for entries in texts))
            if said not in described:
                described[said] = _described(said[0], dict(zip(kinds, said[1:], strict=True)))
            items.append({"phone": place + 1, **described[said]})
        if items:
            found[key] = json.dumps(items)
    return found


def _places(verdicts: list[str], stays: bool) -> Iterator[int]:
    """Yield the places of the phones that may not be called.

    A wireless one may be called, unless the lead is held back because of it.
    """
    for place, verdict in enumerate(verdicts):
        if verdict != Verdict.CLEAN and not (stays and verdict in CALLABLE):
            yield place


def _entry(entries: list[str | None] | None, place: int) -> str:
    return (entries[place] if entries is not None and place < len(entries) else None) or ""


def _described(verdict: str, texts: dict[str, str]) -> dict[str, str]:
    """Describe a verdict and the check that gave it, from the scrubs of a phone by kind."""
    scrubs = (read_scrub(text, "", kind) for kind, text in texts.items())
    scrub = next((scrub for scrub in scrubs if scrub is not None and scrub.verdict == verdict), None)
    return {"verdict": str(verdict), **(_said_by(scrub) if scrub else {})}


def _said_by(scrub: Scrub) -> dict[str, str]:
    said = {
        "check": scrub.check,
        "by": scrub.provider if _WORD.fullmatch(scrub.provider) else "",
        "code": scrub.code if _CODE.fullmatch(scrub.code) else "",
        "list": _day(scrub.list_date),
        "at": scrub.checked_at.isoformat(timespec="seconds"),
    }
    return {name: text for name, text in said.items() if text}


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""

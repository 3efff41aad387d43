"""Carry the scrub of each phone beside the leads, as a JSON text without the phone, from the checks to the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import lru_cache

import polars as pl

from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.stages.list_columns import per_phone

# The columns of both checks: for each phone of the lead the text of its scrub, "" if it has none.
CHECKS = {"litigator": "litigator_checks", "dnc": "dnc_checks"}
# Only phones of some states have this one.
_SOME = {"reassigned": "reassigned_checks"}
# The further checks of providers.PhoneCheck: the worst verdict of each phone, and the texts of its scrubs, one a line.
FURTHER_VERDICTS, FURTHER_CHECKS = "further_verdicts", "further_checks"
# The kinds of check that are leadflow's own. Every other kind in a record is that of a further check.
OWN_KINDS = (*CHECKS, *_SOME, "internal")
# The same for the house's own list, with texts for the phones on it alone.
INTERNAL_CHECKS = "internal_checks"


def scrub_text(scrub: Scrub) -> str:
    """Return a scrub as text, without its phone."""
    return _text(
        scrub.verdict, scrub.provider, scrub.code, scrub.checked_at, scrub.list_date, scrub.policy, scrub.calling_window
    )


@lru_cache(maxsize=1_024)  # the scrubs of one answer differ in little but the phone
def _text(
    verdict: Verdict, provider: str, code: str, at: datetime, list_date: str, policy: str, calling_window: str
) -> str:
    fields = {
        "verdict": str(verdict), "provider": provider, "code": code,
        "checked_at": at.astimezone(timezone.utc).isoformat(), "list_date": list_date, "policy": policy,
        "calling_window": calling_window,
    }  # fmt: skip
    return json.dumps({name: value for name, value in fields.items() if value != ""})


def read_scrub(text: str | None, phone: str, kind: str) -> Scrub | None:
    """Return the scrub of such a text; None if the text is blank or cannot be read.

    >>> at = datetime(2026, 11, 1, tzinfo=timezone.utc)
    >>> scrub = Scrub("+15045550143", "dnc", Verdict.CLEAN, "dncscrub", "C", at, "2026-11-01")
    >>> read_scrub(scrub_text(scrub), "+15045550143", "dnc") == scrub, read_scrub("?", "+15045550143", "dnc")
    (True, None)
    """
    said = _said(text or "")
    return None if said is None else Scrub(phone, kind, *said)


@lru_cache(maxsize=1_024)
def _said(text: str) -> tuple[Verdict, str, str, datetime, str, str, str] | None:
    """Return what a text says, in the order of Scrub's fields after phone and check."""
    try:
        fields = json.loads(text)
        provider, code, list_date, policy, window = (
            str(fields.get(name, "")) for name in ("provider", "code", "list_date", "policy", "calling_window")
        )
        at = datetime.fromisoformat(fields["checked_at"])
        return Verdict(fields["verdict"]), provider, code, at, list_date, policy, window
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def further_text(scrub: Scrub) -> str:
    """Return the scrub of a further check as one line of text, with its kind and without its phone."""
    return json.dumps({"kind": scrub.check, **json.loads(scrub_text(scrub))})


def further_scrubs(text: str | None, phone: str) -> Iterator[Scrub]:
    """Yield the scrubs of a phone's further checks. A line that cannot be read is left out."""
    for line in (text or "").splitlines():
        try:
            kind = str(json.loads(line)["kind"])
        except (ValueError, TypeError, KeyError):
            continue
        if scrub := read_scrub(line, phone, kind):
            yield scrub


def has_checks(leads: pl.DataFrame) -> bool:
    """Whether a frame has the scrubs of any check."""
    return any(name in leads.columns for name in CHECKS.values())


def scrubs_of(leads: pl.DataFrame, *beside: str) -> Iterator[tuple[int, tuple[str, ...], dict[str, Scrub | None]]]:
    """Yield each phone's row (position of its lead), its entries of the lists `beside`, and its scrubs by kind.

    The first of the entries is the phone. Phones that could not be read are left out. A scrub against the
    reassigned-numbers database, or of a further check, is among the scrubs only if the phone has one.
    """
    known = {name: kind for kind, name in {**CHECKS, **_SOME}.items()}
    there = [name for name in known if name in leads.columns]
    more = [name for name in (FURTHER_CHECKS,) if name in leads.columns]
    kinds, first = [known[name] for name in there], 1 + len(beside)
    for row, *cells in per_phone(leads, *beside, *there, *more).iter_rows():
        if phone := cells[0]:
            found: dict[str, Scrub | None] = dict.fromkeys(CHECKS)
            for kind, text in zip(kinds, cells[first:], strict=False):
                if scrub := read_scrub(text, phone, kind):
                    found[kind] = scrub
            if more:
                found |= {scrub.check: scrub for scrub in further_scrubs(cells[-1], phone)}
            yield row, tuple(cell or "" for cell in cells[:first]), found

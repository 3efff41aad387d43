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
    fields = {name: value for name, value in vars(scrub).items() if name not in ("phone", "check") and value != ""}
    at = scrub.checked_at.astimezone(timezone.utc).isoformat()
    return json.dumps({**fields, "verdict": str(scrub.verdict), "checked_at": at})


@lru_cache(maxsize=8_192)  # settle, delivery and ledger read the same texts, within seconds
def read_scrub(text: str | None, phone: str, kind: str) -> Scrub | None:
    """Return the scrub of such a text; None if the text is blank or cannot be read.

    >>> at = datetime(2026, 11, 1, tzinfo=timezone.utc)
    >>> scrub = Scrub("+15045550143", "dnc", Verdict.CLEAN, "dncscrub", "C", at, "2026-11-01")
    >>> read_scrub(scrub_text(scrub), "+15045550143", "dnc") == scrub, read_scrub("?", "+15045550143", "dnc")
    (True, None)
    """
    try:
        fields = json.loads(text or "")
        known = {name: str(fields.get(name, "")) for name in ("provider", "code", "list_date", "policy")}
        return Scrub(
            phone=phone,
            check=kind,
            verdict=Verdict(fields["verdict"]),
            checked_at=datetime.fromisoformat(fields["checked_at"]),
            calling_window=str(fields.get("calling_window", "")),
            **known,
        )
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
    names = (*beside, *there, *more)
    for row, *cells in per_phone(leads, *names).select("row", "phones", *names).iter_rows():
        if phone := cells[0]:
            texts = zip(there, cells[1 + len(beside) :], strict=False)
            found = {known[name]: read_scrub(text, phone, known[name]) for name, text in texts}
            found = {kind: scrub for kind, scrub in found.items() if kind in CHECKS or scrub is not None}
            if more:
                found |= {scrub.check: scrub for scrub in further_scrubs(cells[-1], phone)}
            yield row, tuple(cell or "" for cell in cells[: 1 + len(beside)]), {**dict.fromkeys(CHECKS), **found}

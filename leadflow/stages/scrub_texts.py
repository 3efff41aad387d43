"""Carry the scrub of each phone beside the leads, as a JSON text without the phone, from the checks to the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import TypeVar

import polars as pl

from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.stages.list_columns import per_phone

T = TypeVar("T")
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


def from_scrubs(
    leads: pl.DataFrame, make: Callable[[Mapping[str, Scrub | None]], T], *beside: str
) -> Iterator[tuple[int, str, tuple[str | None, ...], T]]:
    """Yield each phone with the row of its lead, its entries of the lists `beside`, and what `make` returns.

    `make` receives the scrubs of a phone by kind, and is called once for all phones with the same texts: the scrubs
    have no phone. A scrub against the reassigned-numbers database, or of a further check, is among them only if the
    phone has one. An entry is None where its list is too short. Phones that could not be read are left out.
    """
    kinds = {name: kind for kind, name in {**CHECKS, **_SOME}.items() if name in leads.columns}
    there = [*kinds, *(name for name in (FURTHER_CHECKS,) if name in leads.columns)]
    end = 2 + len(beside)
    made: dict[tuple[str | None, ...], T] = {}
    for row in per_phone(leads, *beside, *there).iter_rows():
        if phone := row[1]:
            texts = row[end:]
            if texts not in made:
                made[texts] = make(_by_kind(dict(zip(there, texts, strict=True)), kinds))
            yield row[0], phone, row[2:end], made[texts]


def _by_kind(texts: Mapping[str, str | None], kinds: Mapping[str, str]) -> dict[str, Scrub | None]:
    found: dict[str, Scrub | None] = dict.fromkeys(CHECKS)
    for name, kind in kinds.items():
        if scrub := read_scrub(texts[name], "", kind):
            found[kind] = scrub
    return found | {scrub.check: scrub for scrub in further_scrubs(texts.get(FURTHER_CHECKS), "")}

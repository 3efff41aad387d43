"""Read what a user asks to suppress: phones in any writing, lead keys, or a frame of leads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any, cast

import polars as pl

from leadflow.errors import ColumnsError, InputError
from leadflow.leads.phone_columns import names_phones_only
from leadflow.leads.phone_text import phones_in, places_in, reads_like_phone
from leadflow.leads.suppressions import EVERYWHERE, Suppression, with_id
from leadflow.settings.compliance import SCOPE, ComplianceSettings
from leadflow.stages.frames import same_kind, text_of

# A key that leadflow computes: an md5. A key of another form cannot be told from a phone.
_KEY = re.compile(r"[0-9a-f]{32}")
_LONGEST = {"reason": 200, "by": 100}
_KEYS = ("personkey", "leadkey")


@dataclass(frozen=True, repr=False)
class Request:
    """One request: a phone (E.164) or a lead key, and the position (from 1) of the entry that names it."""

    position: int
    phone: str = ""
    lead_key: str = ""


@dataclass(frozen=True)
class Terms:
    """What a request says of itself: why, who took it, when, in which scope and until when (None: for ever)."""

    reason: str
    by: str
    at: datetime
    scope: str = EVERYWHERE
    expires: date | None = None
    source: str = "engine.suppress"

    def entry(self, request: Request) -> Suppression:
        """Return the entry of the list for a request under these terms."""
        words = self.reason, self.source, self.by, self.at, self.scope, self.expires
        return with_id(Suppression("", request.phone, request.lead_key, *words))


def read_terms(
    settings: ComplianceSettings, reason: str, by: str, scope: str, expires: date | str | None, source: str
) -> Terms:
    """Check the terms of a request. Raises InputError, before anything is written.

    A request is kept for settings.keep_opt_outs_years (Va. Code 59.1-514: ten years), so an earlier expiry is refused.
    """
    words = {"reason": reason, "by": by}
    for name, text in words.items():
        if not isinstance(text, str) or not text.strip():  # pyright: ignore[reportUnnecessaryIsInstance] - from users
            raise InputError(f"{name} is missing; give {name} as a text, as in {name}='asked on the phone'")
        if len(text) > _LONGEST[name] or reads_like_phone(text, local=False):
            raise InputError(f"{name} is longer than {_LONGEST[name]} characters or has a phone in it; shorten it")
    plain = str(scope).strip().lower()
    if not re.fullmatch(SCOPE, plain):
        raise InputError(f"scope must be {EVERYWHERE!r} or a campaign's name of letters, digits, blanks and _ . -")
    now = utc_second()
    return Terms(reason.strip(), by.strip(), now, plain, _expiry(expires, now.date(), settings), source)


def utc_second() -> datetime:
    """Return the time, in UTC, to the second: SUPPRESSIONS keeps no more."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def _expiry(expires: date | str | None, today: date, settings: ComplianceSettings) -> date | None:
    if expires is None:
        return None
    try:
        text = expires.isoformat() if isinstance(expires, date) else str(expires)
        day = date.fromisoformat(text[:10] if isinstance(expires, datetime) else text)
    except ValueError:
        raise InputError("expires is no date; write it as in expires='2040-01-31', or None for ever") from None
    years = settings.keep_opt_outs_years
    least = date(today.year + years, today.month, min(today.day, 28) if today.month == 2 else today.day)
    if day < least:
        raise InputError(
            f"expires is {day}, less than {years} years from now; a request not to be called is kept for {years} years "
            f"(LEADFLOW_COMPLIANCE__KEEP_OPT_OUTS_YEARS; Va. Code 59.1-514), so give {least} or later, or None"
        )
    return day


def read_requests(phones: object, person_key: object) -> list[Request]:
    """Return the requests, each once. Raises InputError that names the position of what cannot be read, not its text.

    `phones` is a text or a list of texts, each with one US phone or several, or with a key that leadflow computed, or
    a pandas or polars frame with columns of phones, with person_key or "Lead Key", or with both.
    """
    found = _of_frame(phones) if _is_frame(phones) else list(_of_texts([] if phones is None else phones))
    found += [Request(n, lead_key=key) for n, key in enumerate(_keys(person_key), 1)]
    if not found:
        raise InputError("nothing to suppress was given: give phones, person_key=, or a frame that is not empty")
    unique: dict[tuple[str, str], Request] = {}
    for request in found:
        unique.setdefault((request.phone, request.lead_key), request)
    return list(unique.values())


def _is_frame(value: object) -> bool:
    return hasattr(value, "columns") or hasattr(value, "collect")


def _listed(value: object) -> list[object]:
    """Return the entries of a list-like value; a single value is a list of one."""
    if isinstance(value, str | int | float):
        return [value]
    if isinstance(value, Iterable):
        return list(cast("Iterable[object]", value))
    raise InputError(f"a {type(value).__name__} was given; give a text, a list of texts, or a frame")


def _of_texts(phones: object) -> Iterable[Request]:
    for position, entry in enumerate(_listed(phones), 1):
        text = text_of(entry)
        if _KEY.fullmatch(text.strip()):
            yield Request(position, lead_key=text.strip())
            continue
        read = places_in(text)
        if not read or "" in read:
            raise InputError(
                f"entry {position} is no US phone; nothing was changed. Correct it or leave it out. The key of a lead "
                "is given as person_key="
            )
        yield from (Request(position, phone=phone) for phone in read)


def _keys(person_key: object) -> list[str]:
    keys = [] if person_key is None else [text_of(key).strip() for key in _listed(person_key)]
    for position, key in enumerate(keys, 1):
        if not key:
            raise InputError(f"lead key {position} is empty; nothing was changed")
        if phones_in(key):
            raise InputError(f"lead key {position} reads like a phone; give phones as the first argument")
    return keys


def _of_frame(frame: Any) -> list[Request]:
    found: list[Request] = []

    def read(leads: pl.DataFrame) -> pl.DataFrame:
        found.extend(_of_leads(leads))
        return leads

    same_kind(frame, read)
    return found


def _of_leads(leads: pl.DataFrame) -> Iterable[Request]:
    keys = next((name for name in leads.columns if _plain(name) in _KEYS), None)
    columns = [name for name in leads.columns if name.lower() == "phones" or names_phones_only(name)]
    if keys is None and not columns:
        raise ColumnsError.missing(["phones", "person_key"], leads.columns)
    for position, row in enumerate(leads.iter_rows(named=True), 1):
        if keys is not None and (key := text_of(row[keys]).strip()):
            yield Request(position, lead_key=key)
        for name in columns:
            read = places_in(text_of(row[name]))
            if "" in read:
                raise InputError(
                    f"row {position}, column {name!r}: there is something that is no US phone; nothing was changed. "
                    "Correct it or leave it out"
                )
            yield from (Request(position, phone=phone) for phone in read)


def _plain(name: str) -> str:
    return re.sub("[ _]", "", name).lower()

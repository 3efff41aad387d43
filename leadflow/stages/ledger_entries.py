"""Make the entries of SCRUB_LEDGER: one for each check of each phone of a lead, and for each event of a phone.

An entry is never changed, and its id is a hash of what it says. So an entry that is written again is found to be there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timezone
from operator import itemgetter
from typing import NamedTuple

import polars as pl

from leadflow.leads.verdicts import Scrub
from leadflow.services.warehouse.tables import LEDGER_COLUMNS, LONGEST_WORDS
from leadflow.stages.coverage import NOT_COVERED
from leadflow.stages.list_columns import TEXTS, per_phone
from leadflow.stages.scrub_texts import INTERNAL_CHECKS, from_scrubs, has_checks, read_scrub

CHECK, DELIVERED, WITHDRAWN = "check", "delivered", "withdrawn"
# The reason of a check whose list has a date that cannot be read: the check never counts.
UNREADABLE_LIST = "the list's date cannot be read"
# What an entry's id is made of. A resume may repeat a delivery at another time, and it is still the same one.
_EVENT_ID = ("EVENT", "JOB_ID", "LEAD_KEY", "PHONE")
_CHECK_ID = (*_EVENT_ID, "EVENT_AT", "KIND", "PROVIDER", "CODE", "VERDICT", "LIST_DATE", "POLICY", "REASON")
_values_of_check, _values_of_event = itemgetter(*_CHECK_ID), itemgetter(*_EVENT_ID)
_values_of = itemgetter(*LEDGER_COLUMNS)
Entry = dict[str, str]
Values = tuple[str, ...]  # of an entry, in the order of LEDGER_COLUMNS


class _Said(NamedTuple):
    """What the entries of many phones say alike: event, time, the values after PHONE, and their part of the id."""

    event: str
    at: str
    words: Values
    hashed: str = ""


def entry_id(entry: Mapping[str, str]) -> str:
    """Return the id of an entry: 32 hexadecimal digits of the SHA-256 of its values, joined by the character 31.

    The values of a check are EVENT, JOB_ID, LEAD_KEY, PHONE, EVENT_AT, KIND, PROVIDER, CODE, VERDICT, LIST_DATE, POLICY
    and REASON; those of another event are the first four. Times are as in 2026-11-01 15:30:00, and NULL is "".
    """
    return _hashed("\x1f".join(_values_of_check(entry) if entry["EVENT"] == CHECK else _values_of_event(entry)))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def check_entry(lead_key: str, scrub: Scrub, job_id: str, reason: str = "", verdict: str = "") -> Entry:
    """Return the entry of one check. `verdict` is what counted if it was not the scrub's, and `reason` says why.

    >>> from leadflow.leads.verdicts import Verdict
    >>> at = datetime(2026, 11, 1, 15, 30, tzinfo=timezone.utc)
    >>> scrub = Scrub("+15045550143", "dnc", Verdict.CLEAN, "dncscrub", "C", at, "2026-10-30")
    >>> entry = check_entry("k1", scrub, "june-1")
    >>> entry["EVENT_AT"], entry["VERDICT"], entry["LIST_DATE"]
    ('2026-11-01 15:30:00', 'clean', '2026-10-30')
    """
    return _entry(_said_of_check(scrub, reason, verdict), lead_key, scrub.phone, job_id)


def event_entry(event: str, lead_key: str, phone: str, job_id: str, at: datetime, reason: str = "") -> Entry:
    """Return the entry of an event other than a check: DELIVERED or WITHDRAWN, with a reason of leadflow's own words.

    The same event of the same phone of a lead is recorded once for each job, at the time of the first record.
    """
    return _entry(_said_of_event(event, at, reason), lead_key, phone, job_id)


def entries_frame(entries: Iterable[Entry]) -> pl.DataFrame:
    """Return entries as a frame of LEDGER_COLUMNS, all text, each entry once."""
    return _frame(map(_values_of, entries))


def entries_of(leads: pl.DataFrame, job_id: str, at: datetime) -> pl.DataFrame:
    """Return the entries of leads with the columns of the checks and of `deliver`, which need not be there.

    A lead that was not delivered has entries for its checks only. `at` is the time of the delivery.
    """
    job_id = _clean(job_id)
    return _frame([*_checks(leads, job_id), *_internal(leads, job_id), *_deliveries(leads, job_id, at)])


def _keys(leads: pl.DataFrame) -> list[str]:
    return [_clean(str(key)) for key in leads["person_key"].to_list()]


def _frame(entries: Iterable[Values]) -> pl.DataFrame:
    once: dict[str, Values] = {}
    for values in entries:
        once.setdefault(values[0], values)
    columns = zip(*once.values(), strict=True) if once else ((),) * len(LEDGER_COLUMNS)
    return pl.DataFrame(dict(zip(LEDGER_COLUMNS, columns, strict=True)), dict.fromkeys(LEDGER_COLUMNS, pl.String))


def _checks(leads: pl.DataFrame, job_id: str) -> Iterator[Values]:
    if not has_checks(leads):
        return
    keys = _keys(leads)
    beside = [name for name in (NOT_COVERED, "dnc_verdicts") if name in leads.columns]
    for row, phone, cells, (scrubs, checks) in from_scrubs(leads, _said_of_checks, *beside):
        said = dict(zip(beside, cells, strict=True))
        if gap := said.get(NOT_COVERED):
            checks = _said_without_cover(scrubs, gap, said.get("dnc_verdicts") or "")
        for check in checks:
            yield _values(check, keys[row], phone, job_id)


def _said_of_checks(scrubs: Mapping[str, Scrub | None]) -> tuple[Mapping[str, Scrub | None], list[_Said]]:
    return scrubs, [_said_of_check(scrub) for scrub in scrubs.values() if scrub]


def _said_without_cover(scrubs: Mapping[str, Scrub | None], gap: str, verdict: str) -> Iterator[_Said]:
    """Yield the checks of a phone that the list does not cover. It answered, but what counted is "unchecked"."""
    for kind, scrub in scrubs.items():
        if scrub:
            yield (_said_of_check(scrub, f"not covered: {gap}", verdict) if kind == "dnc" else _said_of_check(scrub))


def _internal(leads: pl.DataFrame, job_id: str) -> Iterator[Values]:
    """Yield an entry for each phone that is on the house's own do-not-call list."""
    if INTERNAL_CHECKS not in leads.columns:
        return
    keys = _keys(leads)
    rows: Iterator[tuple[int, str, str | None]] = per_phone(leads, INTERNAL_CHECKS).iter_rows()
    for row, phone, text in rows:
        if phone and (scrub := read_scrub(text, "", "internal")):
            yield _values(_said_of_check(scrub), keys[row], phone, job_id)


def _deliveries(leads: pl.DataFrame, job_id: str, at: datetime) -> Iterator[Values]:
    """Yield an entry for each phone in the row of a delivered lead, or one without a phone if they are not known."""
    if "delivered" not in leads.columns:
        return
    said = _said_of_event(DELIVERED, at)
    shown = pl.col("shown_phones") if "shown_phones" in leads.columns else pl.lit([""], TEXTS)
    rows: Iterator[tuple[bool, list[str] | None]] = leads.select_seq("delivered", shown.alias("phones")).iter_rows()
    for key, (is_delivered, phones) in zip(_keys(leads), rows, strict=True):
        for phone in (phones or [""]) if is_delivered else ():
            yield _values(said, key, phone, job_id)


def _entry(said: _Said, lead_key: str, phone: str, job_id: str) -> Entry:
    return dict(zip(LEDGER_COLUMNS, _values(said, _clean(lead_key), phone, _clean(job_id)), strict=True))


def _values(said: _Said, lead_key: str, phone: str, job_id: str) -> Values:
    event, at, words, hashed = said
    digest = _hashed(f"{event}\x1f{job_id}\x1f{lead_key}\x1f{phone}{hashed}")
    return (digest, event, at, lead_key, phone, *words, job_id)


def _said_of_check(scrub: Scrub, reason: str = "", verdict: str = "") -> _Said:
    day = _readable(scrub.list_date)
    if scrub.list_date and not day:
        reason = UNREADABLE_LIST
    words = (scrub.check, scrub.provider, scrub.code, verdict or str(scrub.verdict), day, scrub.policy, reason)
    at, words = _moment(scrub.checked_at), tuple(map(_word, words))
    return _Said(CHECK, at, words, "".join(f"\x1f{word}" for word in (at, *words)))


def _said_of_event(event: str, at: datetime, reason: str = "") -> _Said:
    return _Said(event, _moment(at), ("",) * 6 + (_word(reason),))


def _moment(at: datetime) -> str:
    moment = at if at.tzinfo is None else at.astimezone(timezone.utc)
    return moment.isoformat(" ", "seconds")[:19]


def _word(text: str) -> str:
    return _clean(text)[:LONGEST_WORDS]


def _clean(text: str) -> str:
    """Remove the character that Snowflake cannot store."""
    return text.replace("\x00", "")


def _readable(day: str) -> str:
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        return ""

"""Make the entries of SCRUB_LEDGER: one for each check of each phone of a lead, and for each event of a phone.

An entry is never changed, and its id is a hash of what it says. So an entry that is written again is found to be there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from functools import lru_cache
from operator import itemgetter

import polars as pl

from leadflow.leads.verdicts import Scrub
from leadflow.services.warehouse.tables import LEDGER_COLUMNS, LONGEST_WORDS
from leadflow.stages.coverage import NOT_COVERED
from leadflow.stages.list_columns import TEXTS, per_phone
from leadflow.stages.scrub_texts import INTERNAL_CHECKS, has_checks, read_scrub, scrubs_of

CHECK, DELIVERED, WITHDRAWN = "check", "delivered", "withdrawn"
# The reason of a check whose list has a date that cannot be read: the check never counts.
UNREADABLE_LIST = "the list's date cannot be read"
# What an entry's id is made of. A resume may repeat a delivery at another time, and it is still the same one.
_EVENT_ID = ("EVENT", "JOB_ID", "LEAD_KEY", "PHONE")
_CHECK_ID = (*_EVENT_ID, "EVENT_AT", "KIND", "PROVIDER", "CODE", "VERDICT", "LIST_DATE", "POLICY", "REASON")
_values_of_check, _values_of_event = itemgetter(*_CHECK_ID), itemgetter(*_EVENT_ID)
_BLANK = dict.fromkeys(LEDGER_COLUMNS, "")
Entry = dict[str, str]


def entry_id(entry: Mapping[str, str]) -> str:
    """Return the id of an entry: 32 hexadecimal digits of the SHA-256 of its values, joined by the character 31.

    The values of a check are EVENT, JOB_ID, LEAD_KEY, PHONE, EVENT_AT, KIND, PROVIDER, CODE, VERDICT, LIST_DATE, POLICY
    and REASON; those of another event are the first four. Times are as in 2026-11-01 15:30:00, and NULL is "".
    """
    values = _values_of_check(entry) if entry["EVENT"] == CHECK else _values_of_event(entry)
    return hashlib.sha256("\x1f".join(values).encode()).hexdigest()[:32]


def check_entry(lead_key: str, scrub: Scrub, job_id: str, reason: str = "", verdict: str = "") -> Entry:
    """Return the entry of one check. `verdict` is what counted if it was not the scrub's, and `reason` says why.

    >>> from leadflow.leads.verdicts import Verdict
    >>> at = datetime(2026, 11, 1, 15, 30, tzinfo=timezone.utc)
    >>> scrub = Scrub("+15045550143", "dnc", Verdict.CLEAN, "dncscrub", "C", at, "2026-10-30")
    >>> entry = check_entry("k1", scrub, "june-1")
    >>> entry["EVENT_AT"], entry["VERDICT"], entry["LIST_DATE"]
    ('2026-11-01 15:30:00', 'clean', '2026-10-30')
    """
    day = _readable(scrub.list_date)
    if scrub.list_date and not day:
        reason = UNREADABLE_LIST
    return _entry(
        CHECK, lead_key, scrub.phone, job_id, scrub.checked_at,
        KIND=scrub.check, PROVIDER=scrub.provider, CODE=scrub.code, VERDICT=verdict or str(scrub.verdict),
        LIST_DATE=day, POLICY=scrub.policy, REASON=reason,
    )  # fmt: skip


def event_entry(event: str, lead_key: str, phone: str, job_id: str, at: datetime, reason: str = "") -> Entry:
    """Return the entry of an event other than a check: DELIVERED or WITHDRAWN, with a reason of leadflow's own words.

    The same event of the same phone of a lead is recorded once for each job, at the time of the first record.
    """
    return _entry(event, lead_key, phone, job_id, at, REASON=reason)


def entries_frame(entries: Iterable[Entry]) -> pl.DataFrame:
    """Return entries as a frame of LEDGER_COLUMNS, all text, each entry once."""
    once: dict[str, Entry] = {}
    for entry in entries:
        once.setdefault(entry["ENTRY_ID"], entry)
    columns = {name: [entry[name] for entry in once.values()] for name in LEDGER_COLUMNS}
    return pl.DataFrame(columns, dict.fromkeys(LEDGER_COLUMNS, pl.String))


def entries_of(leads: pl.DataFrame, job_id: str, at: datetime) -> pl.DataFrame:
    """Return the entries of leads with the columns of the checks and of `deliver`, which need not be there.

    A lead that was not delivered has entries for its checks only. `at` is the time of the delivery.
    """
    return entries_frame([*_checks(leads, job_id), *_internal(leads, job_id), *_deliveries(leads, job_id, at)])


def _checks(leads: pl.DataFrame, job_id: str) -> Iterable[Entry]:
    if not has_checks(leads):
        return
    keys = leads["person_key"].to_list()
    gaps = [NOT_COVERED] if NOT_COVERED in leads.columns else []
    beside = [name for name in ("dnc_verdicts", *gaps) if name in leads.columns]
    for row, (_, *cells), scrubs in scrubs_of(leads, *beside):
        said = dict(zip(beside, cells, strict=True))
        for kind, scrub in scrubs.items():
            if scrub is None:
                continue
            gap = said.get(NOT_COVERED, "") if kind == "dnc" else ""
            # The check answered, but its list does not cover the phone: what counted is "unchecked".
            verdict, reason = (said.get("dnc_verdicts", ""), f"not covered: {gap}") if gap else ("", "")
            yield check_entry(str(keys[row]), scrub, job_id, reason, verdict)


def _internal(leads: pl.DataFrame, job_id: str) -> Iterable[Entry]:
    """Yield an entry for each phone that is on the house's own do-not-call list."""
    if INTERNAL_CHECKS not in leads.columns:
        return
    keys = leads["person_key"].to_list()
    for row, phone, text in per_phone(leads, INTERNAL_CHECKS).iter_rows():
        if phone and (scrub := read_scrub(text, phone, "internal")):
            yield check_entry(str(keys[row]), scrub, job_id)


def _deliveries(leads: pl.DataFrame, job_id: str, at: datetime) -> Iterable[Entry]:
    """Yield an entry for each phone in the row of a delivered lead, or one without a phone if they are not known."""
    if "delivered" not in leads.columns:
        return
    shown = pl.col("shown_phones") if "shown_phones" in leads.columns else pl.lit([""], TEXTS)
    for key, phones in leads.filter("delivered").select_seq("person_key", shown.alias("phones")).iter_rows():
        for phone in phones or [""]:
            yield event_entry(DELIVERED, str(key), phone, job_id, at)


def _entry(event: str, lead_key: str, phone: str, job_id: str, at: datetime, **words: str) -> Entry:
    entry = {**_said(event, at, **words), "LEAD_KEY": _clean(lead_key), "PHONE": phone, "JOB_ID": _clean(job_id)}
    entry["ENTRY_ID"] = entry_id(entry)
    return entry


@lru_cache(maxsize=1_024)  # the checks of one answer differ in lead and phone alone
def _said(event: str, at: datetime, **words: str) -> Entry:
    moment = at if at.tzinfo is None else at.astimezone(timezone.utc)
    said = {name: _clean(text)[:LONGEST_WORDS] for name, text in words.items() if text}
    return {**_BLANK, **said, "EVENT": event, "EVENT_AT": moment.isoformat(" ", "seconds")[:19]}


def _clean(text: str) -> str:
    """Remove the character that Snowflake cannot store."""
    return text.replace("\x00", "")


@lru_cache(maxsize=1_024)
def _readable(day: str) -> str:
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        return ""

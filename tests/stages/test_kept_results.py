"""Results that are kept, since they repeat from lead to lead: whatever was asked before, an answer is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.leads import callable_until, reassigned
from leadflow.leads.calling_hours import lead, text, windows, zones
from leadflow.leads.calling_hours.table import read_hours
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.settings import Policy
from leadflow.stages import checks, ledger_entries, scrub_texts
from leadflow.stages.call_windows import call_windows
from leadflow.stages.list_columns import TEXTS
from leadflow.stages.phone_checks import phone_checks
from leadflow.stages.shown_phones import with_shown_phones

_KEPT = [
    scrub_texts._text, scrub_texts._said, callable_until._counts_until,
    reassigned._is_in, checks.scrubbed_at, lead._of_address, lead._of_number, text._in_words, text._minutes_in,
    windows.joined, zones._zones,
]  # fmt: skip
_ZONES = [timezone.utc, timezone(timedelta(hours=-6)), timezone(timedelta(hours=5, minutes=30))]
_TIMES = st.datetimes(
    datetime(2026, 10, 1), datetime(2026, 11, 29), timezones=st.sampled_from([None, *_ZONES]), allow_imaginary=False
)
_WORDS = st.sampled_from(["", "C", "c", "True", "1", "2026-11-01", "nonsense", "nul\x00l"])
_SCRUBS = st.builds(
    Scrub, st.just("+15045550143"), st.sampled_from(["dnc", "litigator"]), st.sampled_from(Verdict), _WORDS, _WORDS,
    _TIMES, _WORDS, _WORDS, _WORDS,
)  # fmt: skip
_FEW = [
    Scrub("", "", verdict, provider, "C", datetime(2026, 11, day, tzinfo=timezone.utc), list_date, "p", window)
    for verdict, provider, day, list_date, window in [
        (Verdict.CLEAN, "dncscrub", 1, "2026-11-01", "10:00-19:00;10:00-18:00;No calls"),
        (Verdict.CLEAN, "dncscrub", 2, "2026-11-01", ""),
        (Verdict.CLEAN, "list", 2, "nonsense", ""),
        (Verdict.DNC, "dncscrub", 2, "2026-11-01", ""),
        (Verdict.LITIGATOR, "dncscrub", 2, "", ""),
    ]
]
_NUMBERS = st.sampled_from(["+15045550143", "+12075550143", "+14165550143", "+17875550143", ""])
_HOURS = read_hours()


def _read(scrub):
    return scrub_texts.read_scrub(scrub_texts.scrub_text(scrub), scrub.phone, scrub.check)


_OF_A_SCRUB = {
    "text": scrub_texts.scrub_text,
    "read": _read,
    "entry": lambda scrub: ledger_entries.check_entry("k1", scrub, "june"),
    "until": lambda scrub: callable_until.counts_until(scrub, 31),
    "shown time": lambda scrub: checks.scrubbed_at(scrub.checked_at),
}


def _anew(ask, *arguments, **named):
    """The answer when nothing was asked before."""
    for kept in _KEPT:
        kept.cache_clear()
    return ask(*arguments, **named)


@pytest.mark.parametrize("ask", _OF_A_SCRUB.values(), ids=_OF_A_SCRUB)
@given(first=_SCRUBS, change=st.fixed_dictionaries({}, optional={"code": _WORDS, "list_date": _WORDS}), zone=st.data())
@settings(max_examples=100, deadline=None)
def test_a_scrub_says_the_same_after_one_much_like_it(ask, first, change, zone):
    at = first.checked_at
    moved = at.astimezone(zone.draw(st.sampled_from(_ZONES))) if at.tzinfo else at
    second = replace(first, phone="+12075550199", checked_at=moved, **change)
    expected = _anew(ask, second)
    _anew(ask, first)
    assert ask(second) == expected


_LEADS = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["LA", "la", "Maine", "?", " ", ""]),
        "phones": st.lists(_NUMBERS, max_size=3),
        "answer": st.sampled_from(["", "10:00-19:00;10:00-18:00;No calls", "junk"]),
    }
)


@given(first=_LEADS, second=_LEADS, part=st.sampled_from(["state", "phones", "answer"]))
@settings(max_examples=300, deadline=None)
def test_the_windows_of_a_lead_are_the_same_after_one_that_differs_in_a_part(first, second, part):
    def ask(state, phones, answer):
        found = lead.lead_windows(state, phones, _HOURS, dict.fromkeys(phones, answer))
        described = lead.describe_lead(state, phones, _HOURS, dict.fromkeys(phones, answer))
        return found, described, windows.joined(found), reassigned.needs_check("+15045550143", state, "04530", ["ME"])

    other = {**first, part: second[part]}
    expected = _anew(ask, **other)
    _anew(ask, **first)
    assert ask(**other) == expected


_DAYS = st.lists(st.sampled_from([(480, 1260), (540, 1200), None]), min_size=7, max_size=7).map(tuple)
_PARTS = {
    "zone": st.sampled_from(["America/Chicago", "America/Phoenix", "Pacific/Guam"]),
    "days": _DAYS,
    "holidays": st.sampled_from([(), ("US",)]),
    "calls_a_day": st.sampled_from([None, 1, 3]),
}
_WINDOWS = st.builds(windows.Window, **_PARTS)


@pytest.mark.parametrize("part", _PARTS)
@given(first=_WINDOWS, beside=_WINDOWS, data=st.data())
@settings(max_examples=100, deadline=None)
def test_windows_are_described_the_same_after_some_that_differ_in_a_part(part, first, beside, data):
    second = replace(first, **{part: data.draw(_PARTS[part])})
    for shown in ([second, beside], [beside, second]):
        expected = _anew(text.describe, shown)
        _anew(text.describe, [first, beside])
        assert text.describe(shown) == expected


_TEXTS = st.sampled_from([*map(scrub_texts.scrub_text, _FEW), "", "nonsense"])
_VERDICTS = st.sampled_from(["clean", "clean_wireless", "dnc", "litigator", "unchecked"])
_PHONE = st.tuples(_NUMBERS, _TEXTS, _TEXTS, _VERDICTS, st.sampled_from(["", "area code 504"]))
_LISTS = ("phones", "litigator_checks", "dnc_checks", "verdicts", "dnc_not_covered")


def _frame(leads):
    columns = [pl.Series(name, [[phone[n] for phone in one] for one in leads], TEXTS) for n, name in enumerate(_LISTS)]
    keys = pl.Series("person_key", [f"k{n}" for n in range(len(leads))], pl.String)
    return pl.DataFrame([keys, *columns]).with_columns(
        dnc_verdicts="verdicts", disposition=pl.lit("deliver"), delivered=pl.lit(True), state=pl.lit("LA")
    )


def _said(frame):
    """What the stages make of scrubs, by lead."""
    shown = with_shown_phones(frame, Policy(deliver_wireless=True))
    entries = ledger_entries.entries_of(shown, "june", datetime(2026, 11, 29))
    checks, found = phone_checks(frame), call_windows(shown, _HOURS)
    return {
        key: (phones, until, window, checks.get(key), entries.filter(LEAD_KEY=key).to_dicts())
        for (key, phones, until), window in zip(
            shown.select("person_key", "shown_phones", "callable_until").iter_rows(), found, strict=True
        )
    }


@given(leads=st.lists(st.lists(_PHONE, max_size=4), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_a_lead_says_the_same_beside_others_and_alone(leads):
    frame = _frame(leads)
    alone = [_said(frame[n]) for n in range(frame.height)]
    assert _said(frame) == {key: said for one in alone for key, said in one.items()}


def test_an_entry_that_is_changed_changes_no_other():
    scrub = Scrub("+15045550143", "dnc", Verdict.CLEAN, "dncscrub", "C", datetime(2026, 11, 1, tzinfo=timezone.utc))
    entry = ledger_entries.check_entry("k1", scrub, "june")
    expected = dict(entry)
    entry["CODE"] = "D"
    assert ledger_entries.check_entry("k1", scrub, "june") == expected

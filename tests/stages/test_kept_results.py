"""Results that are kept, since they repeat from lead to lead: whatever was asked before, an answer is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.leads import callable_until, reassigned
from leadflow.leads.calling_hours import lead, text, windows, zones
from leadflow.leads.calling_hours.table import read_hours
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.stages import checks, ledger_entries, scrub_texts

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


def test_an_entry_that_is_changed_changes_no_other():
    scrub = Scrub("+15045550143", "dnc", Verdict.CLEAN, "dncscrub", "C", datetime(2026, 11, 1, tzinfo=timezone.utc))
    entry = ledger_entries.check_entry("k1", scrub, "june")
    expected = dict(entry)
    entry["CODE"] = "D"
    assert ledger_entries.check_entry("k1", scrub, "june") == expected

"""Until when a row may be called: the earliest end of its phones' checks and of their lists, never later."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.leads.callable_until import NO_LONGER, callable_until, counts_until
from leadflow.leads.verdicts import Scrub, Verdict

_AT = datetime(2026, 11, 1, 15, 30, tzinfo=timezone.utc)
_TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(timezone.utc))
_AGES = st.floats(0.01, 31) | st.integers(1, 31)


def _check(at=_AT, list_date="", kind="dnc"):
    return Scrub("+15045550143", kind, Verdict.CLEAN, "dncscrub", "C", at, list_date)


@st.composite
def _checks(draw):
    at = draw(_TIMES)
    day = at.date() - timedelta(days=draw(st.integers(0, 31)))
    return _check(at, draw(st.sampled_from(["", day.isoformat()])))


@given(st.lists(_checks(), min_size=1, max_size=8), _AGES, st.integers(0, 86_399))
def test_before_that_date_every_check_counts_all_day_long(checks, age, second):
    until = callable_until(checks, age)
    last = datetime.combine(until - timedelta(days=1), datetime.min.time(), timezone.utc) + timedelta(seconds=second)
    for check in checks:
        # A call is after its checks: before them nothing is known.
        if last >= check.checked_at:
            assert check.fresh(last, timedelta(days=age))


@given(st.lists(_checks(), min_size=1, max_size=8), _AGES)
def test_on_the_day_after_some_check_counts_no_more(checks, age):
    after = datetime.combine(callable_until(checks, age), datetime.max.time(), timezone.utc)
    assert not all(check.fresh(after, timedelta(days=age)) for check in checks)


@given(st.lists(_checks(), min_size=1, max_size=8), _AGES, _checks())
def test_one_check_more_never_makes_it_later(checks, age, more):
    assert callable_until([*checks, more], age) == min(callable_until(checks, age), counts_until(more, age))


@pytest.mark.parametrize(
    ("check", "age", "until"),
    [
        (_check(), 31, date(2026, 12, 2)),
        (_check(), 25, date(2026, 11, 26)),
        (_check(), 0.5, date(2026, 11, 2)),
        (_check(), 0.1, date(2026, 11, 1)),  # over before the day ends: not callable on the day itself
        (_check(_AT.replace(hour=23, minute=59)), 31, date(2026, 12, 2)),
        (_check(list_date="2026-10-30"), 31, date(2026, 12, 1)),  # a list of day D counts up to D + 31
        (_check(list_date="2026-11-01"), 31, date(2026, 12, 2)),
        (_check(list_date="2026-11-02"), 31, date(2026, 12, 2)),  # it is that day already in Kiribati
        (_check(list_date="2026-11-05"), 31, NO_LONGER),  # a list of the future
        (_check(list_date="2026-09-01"), 31, NO_LONGER),  # too old when it was used
        (_check(list_date="soon"), 31, NO_LONGER),
        (_check(list_date="11/01/2026"), 31, NO_LONGER),
        (_check(_AT.replace(tzinfo=None)), 31, date(2026, 12, 2)),
        (_check(_AT.astimezone(timezone(timedelta(hours=-8)))), 31, date(2026, 12, 2)),
        (_check(datetime.max.replace(tzinfo=timezone.utc)), 31, NO_LONGER),
        (_check(), 400, date(2026, 12, 2)),  # never more than the law's 31 days
        (None, 31, NO_LONGER),
    ],
)
def test_the_edges(check, age, until):
    assert callable_until([check], age) == until


def test_a_row_without_checks_is_over():
    assert callable_until([], 31) == NO_LONGER
    assert callable_until([_check(), None], 31) == NO_LONGER

"""The lines of a report on opt-outs: how old the open ones are, how long the others took, nothing about phones."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from leadflow.reports.opt_outs import OptOut, business_days, opt_out_lines

NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)  # a Friday


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 400))
def test_business_days_are_the_weekdays_after_the_first_day(start, days):
    end = start + timedelta(days=days)
    assert business_days(start, end) == sum((start + timedelta(days=n)).weekday() < 5 for n in range(1, days + 1))


def test_a_day_before_the_start_counts_none():
    assert business_days(date(2026, 11, 27), date(2026, 11, 1)) == 0


def test_nothing_asked_nothing_said():
    assert opt_out_lines([], NOW) == []
    assert opt_out_lines([OptOut(NOW, None, "k", forgotten=True)], NOW) == []


def test_open_ones_with_their_age_oldest_first():
    asked = [OptOut(NOW - timedelta(days=2), None, "k1"), OptOut(NOW - timedelta(days=10))]
    first, *rest = opt_out_lines(asked, NOW)
    assert "2 opt-outs are open; the oldest has used 8 of 10 business days" in first
    assert rest == [
        "open: a phone, 8 business days since 2026-11-17 12:00 UTC",
        "open: lead k1, 2 business days since 2026-11-25 12:00 UTC",
    ]


def test_one_that_is_late_is_said_first():
    [first, _] = opt_out_lines([OptOut(NOW - timedelta(days=16))], NOW)
    assert "the oldest is LATE: 12 business days (47 CFR 64.1200(d)(3))" in first


def test_done_ones_of_ninety_days():
    asked = [
        OptOut(NOW - timedelta(days=30), NOW - timedelta(days=30) + timedelta(minutes=3)),
        OptOut(NOW - timedelta(days=20), NOW - timedelta(days=1)),
        OptOut(NOW - timedelta(days=4_000), NOW),
    ]
    [line] = opt_out_lines(asked, NOW)
    assert line == (
        "2 opt-outs of the last 90 days are done; the slowest took 19.0 days, and 1 took more than 10 business days"
    )


def test_many_open_ones_are_shortened():
    lines = opt_out_lines([OptOut(NOW, None, f"k{n}") for n in range(50)], NOW)
    assert len(lines) == 22
    assert lines[-1] == "open: 30 more, all younger"

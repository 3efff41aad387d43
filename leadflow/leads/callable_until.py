"""Until when a row may be called: until the oldest check of the phones that it shows no longer counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

from leadflow.leads.verdicts import OLDEST, Scrub, list_counts

# Stands for "no longer": a check whose age or list cannot be told never counts.
NO_LONGER = date(1970, 1, 1)


def callable_until(checks: Iterable[Scrub | None], max_age_days: float) -> date:
    """Return the date (UTC) from which a row may not be called any more; it may be called before that date.

    `checks` holds both checks of each phone that the row shows, None for one that is missing. A check counts for
    `max_age_days`, at most 31, and its list for 31 days. A missing check, and one whose list has no readable date,
    count as over: the result is then 1970-01-01. So it is without any check.

    A caller compares it with the date where they are. That is never after the date in UTC, except in Guam and the
    Northern Marianas, where the row is over some hours early.

    Source: 47 CFR 64.1200(c)(2)(i)(D) and 16 CFR 310.4(b)(3)(iv), a version of the registry obtained no more than 31
    days before the date of the call.

    >>> from leadflow.leads.verdicts import Verdict
    >>> at = datetime(2026, 11, 1, 15, 30, tzinfo=timezone.utc)
    >>> clean = Scrub("+15045550143", "dnc", Verdict.CLEAN, "dncscrub", "", at, list_date="2026-10-30")
    >>> callable_until([clean], 31), callable_until([clean], 25), callable_until([clean, None], 31)
    (datetime.date(2026, 12, 1), datetime.date(2026, 11, 26), datetime.date(1970, 1, 1))
    """
    return min((counts_until(check, max_age_days) for check in checks), default=NO_LONGER)


def counts_until(check: Scrub | None, max_age_days: float) -> date:
    """Return the date (UTC) from which one check no longer counts; 1970-01-01 for None and for unreadable dates."""
    return NO_LONGER if check is None else _counts_until(check.checked_at, check.list_date, max_age_days)


@lru_cache(maxsize=1_024)  # the checks of one answer have the same times
def _counts_until(at: datetime, list_date: str, max_age_days: float) -> date:
    try:
        at = at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)
        over = (at + min(timedelta(days=max_age_days), OLDEST)).date()
        return min(over, _list_counts_until(list_date, at)) if list_date else over
    except (ValueError, OverflowError):
        return NO_LONGER


def _list_counts_until(list_date: str, checked_at: datetime) -> date:
    day = date.fromisoformat(list_date)
    return day + OLDEST + timedelta(days=1) if list_counts(day, checked_at) else NO_LONGER

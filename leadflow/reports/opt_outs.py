"""How long requests not to be called took, and which are still open. Data only.

Source: 47 CFR 64.1200(d)(3), in force 2025-04-11: a request is honoured within a reasonable time, at most ten business
days. Federal holidays are counted as business days here, so that the law's time is never over before this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_MOST_DAYS = 10
_MOST_SHOWN = 20
_LOOKS_BACK = timedelta(days=90)


@dataclass(frozen=True)
class OptOut:
    """A request: when it was made, when nothing was left to do (None: open), and the lead's key, "" for a phone.

    `forgotten` is the mark of a person who was forgotten, which is no request not to be called.
    """

    asked_at: datetime
    done_at: datetime | None = None
    person_key: str = ""
    forgotten: bool = False


def business_days(start: date, end: date) -> int:
    """Return the number of business days after one day, up to and including another; holidays count.

    >>> business_days(date(2026, 11, 27), date(2026, 11, 30)), business_days(date(2026, 11, 28), date(2026, 11, 29))
    (1, 0)
    """
    weeks, rest = divmod(max(0, (end - start).days), 7)
    after = (start + timedelta(days=7 * weeks + n) for n in range(1, rest + 1))
    return 5 * weeks + sum(day.weekday() < 5 for day in after)


def opt_out_lines(opt_outs: Iterable[OptOut], now: datetime) -> list[str]:
    """Return the lines of a report: the open requests with their age, and how long those of 90 days took."""
    asked = sorted((one for one in opt_outs if not one.forgotten), key=lambda one: one.asked_at)
    still_open = [one for one in asked if one.done_at is None]
    done = [one for one in asked if one.done_at is not None and one.asked_at >= now - _LOOKS_BACK]
    lines = [_summary(still_open, now)] if still_open else []
    lines += [f"open: {_named(one)}, {_age(one, now)} since {_shown(one.asked_at)}" for one in still_open[:_MOST_SHOWN]]
    if more := len(still_open) - _MOST_SHOWN:
        lines += [f"open: {more} more, all younger"] if more > 0 else []
    if done:
        slowest = max(done, key=lambda one: (one.done_at or now) - one.asked_at)
        took = (slowest.done_at or now) - slowest.asked_at
        late = sum(_days(one, one.done_at or now) > _MOST_DAYS for one in done)
        lines.append(
            f"{len(done)} opt-outs of the last {_LOOKS_BACK.days} days are done; the slowest took {_span(took)}, and "
            f"{late} took more than {_MOST_DAYS} business days"
        )
    return lines


def _summary(still_open: list[OptOut], now: datetime) -> str:
    oldest = _days(still_open[0], now)
    state = (
        f"the oldest is LATE: {oldest} business days"
        if oldest > _MOST_DAYS
        else f"the oldest has used {oldest} of {_MOST_DAYS} business days"
    )
    return (
        f"{len(still_open)} opt-outs are open; {state} (47 CFR 64.1200(d)(3)). engine.complete_suppressions() does "
        "what is left, or says why not"
    )


def _days(one: OptOut, until: datetime) -> int:
    return business_days(one.asked_at.date(), until.date())


def _age(one: OptOut, now: datetime) -> str:
    days = _days(one, now)
    return f"{days} business day{'s' if days != 1 else ''}"


def _named(one: OptOut) -> str:
    return f"lead {one.person_key}" if one.person_key else "a phone"


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(took: timedelta) -> str:
    seconds = max(0.0, took.total_seconds())
    if seconds < 7_200:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3_600:.1f} hours" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"

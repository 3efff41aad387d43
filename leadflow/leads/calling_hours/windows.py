"""Windows: the hours of a week in one time zone, whether a moment lies inside, and when the next one opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

# A span of a day, in minutes after midnight: the start belongs to it, the end does not.
Span = tuple[int, int]
# The spans of a week, Monday first; None is a day without calls.
Days = tuple[Span | None, ...]

# 47 CFR 64.1200(c)(1): no telephone solicitation before 8 am or after 9 pm, local time at the called party's location.
FEDERAL: Span = (8 * 60, 21 * 60)
FEDERAL_DAYS: Days = (FEDERAL,) * 7
_HORIZON = timedelta(days=400)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Window:
    """The hours in which a call is allowed, in one zone. `holidays` are codes of `holidays_of`: no calls on these days.

    `whose` says in words why the window counts, as in "Texas".
    """

    zone: str
    days: Days
    holidays: tuple[str, ...] = ()
    whose: str = ""
    calls_a_day: int | None = None

    def allows(self, at: datetime) -> bool:
        """Whether an aware moment lies inside.

        >>> Window("America/New_York", FEDERAL_DAYS).allows(datetime(2026, 11, 25, 13, tzinfo=timezone.utc))
        True
        """
        local = at.astimezone(ZoneInfo(self.zone))
        span = self.days[local.weekday()]
        minute = local.hour * 60 + local.minute
        return span is not None and span[0] <= minute < span[1] and not self.is_holiday(local.date())

    def is_holiday(self, day: date) -> bool:
        """Whether no calls are allowed on a day, by the window's own calendar."""
        return any(day in holidays_of(code, day.year) for code in self.holidays)

    def opens(self, at: datetime) -> datetime | None:
        """Return the first moment from `at` on that lies inside, or None if there is none within 400 days."""
        if self.allows(at):
            return at
        if not any(self.days):
            return None
        first = at.astimezone(ZoneInfo(self.zone)).date()
        for n in range(_HORIZON.days):
            for moment in self._starts(first + timedelta(days=n)):
                if moment >= at and self.allows(moment):
                    return moment
        return None

    def _starts(self, day: date) -> Iterator[datetime]:
        """Yield the moments of a day at which the window may open: the span's start, and changes of the clock."""
        span = self.days[day.weekday()]
        if span is None:
            return
        zone, start = ZoneInfo(self.zone), time(span[0] // 60, span[0] % 60)
        walls = (datetime.combine(day, start, zone).replace(fold=fold) for fold in (0, 1))
        yield from sorted({wall.astimezone(timezone.utc) for wall in walls} | clock_changes(self.zone, day))


def next_open(windows: Iterable[Window], at: datetime) -> datetime | None:
    """Return the first whole minute from `at` on that lies inside all windows, in UTC; None within 400 days.

    >>> next_open([Window("America/New_York", FEDERAL_DAYS)], datetime(2026, 11, 25, 3, tzinfo=timezone.utc))
    datetime.datetime(2026, 11, 25, 13, 0, tzinfo=datetime.timezone.utc)
    """
    windows = list(windows)
    at = at.astimezone(timezone.utc)
    now = at.replace(second=0, microsecond=0)
    now += _MINUTE if now < at else timedelta(0)
    last = now + _HORIZON
    while windows and now <= last:
        opened = [window.opens(now) for window in windows]
        if None in opened:
            return None
        latest = max(moment for moment in opened if moment is not None)
        if latest == now:
            return now
        now = latest.astimezone(timezone.utc)
    return None


@lru_cache(maxsize=4_096)
def narrowed(days: Days, *others: Days) -> Days:
    """Return the hours that lie inside all of several weeks in one zone.

    >>> narrowed(FEDERAL_DAYS, ((600, 1320),) * 6 + (None,))[5:]
    ((600, 1260), None)
    """
    for other in others:
        days = tuple(_both(a, b) for a, b in zip(days, other, strict=True))
    return days


def _both(a: Span | None, b: Span | None) -> Span | None:
    if a is None or b is None:
        return None
    start, end = max(a[0], b[0]), min(a[1], b[1])
    return (start, end) if start < end else None


@lru_cache(maxsize=4_096)
def joined(windows: tuple[Window, ...]) -> tuple[Window, ...]:
    """Return one window for each zone, inside all of the given ones of that zone."""
    by_zone: dict[str, list[Window]] = {}
    for window in windows:
        by_zone.setdefault(window.zone, []).append(window)
    return tuple(
        Window(
            zone,
            narrowed(*(window.days for window in group)),
            tuple(sorted({code for window in group for code in window.holidays})),
        )
        for zone, group in by_zone.items()
    )


@lru_cache(maxsize=4_096)
def clock_changes(zone: str, day: date) -> frozenset[datetime]:
    """Return the moment of a local day, in UTC, at which the zone's clocks change; empty on nearly all days."""
    tz = ZoneInfo(zone)
    low = datetime.combine(day, time(), tz).astimezone(timezone.utc)
    high = datetime.combine(day + timedelta(days=1), time(), tz).astimezone(timezone.utc)
    before = low.astimezone(tz).utcoffset()
    if high.astimezone(tz).utcoffset() == before:
        return frozenset()
    while high - low > _MINUTE:
        middle = low + (high - low) // 2 // _MINUTE * _MINUTE
        if middle.astimezone(tz).utcoffset() == before:
            low = middle
        else:
            high = middle
    return frozenset({high})


@lru_cache(maxsize=512)
def holidays_of(code: str, year: int) -> dict[date, str]:
    """Return the holidays of a year with their names. `code` is "US", or a state's as in "US-LA".

    A state's are those of the federal government and of the state, with the days on which they are observed. A state
    need not forbid calls on all of them; the union is the safe reading. Source: the library `holidays`.

    >>> holidays_of("US-LA", 2026)[date(2026, 2, 17)]
    'Mardi Gras'
    """
    import holidays

    federal = holidays.country_holidays("US", years=year)
    state = code.partition("-")[2]
    found = {**federal, **holidays.country_holidays("US", subdiv=state, years=year)} if state else dict(federal)
    # A holiday of next year may be observed in this one, as New Year's Day on 31 December.
    return {day: name for day, name in found.items() if day.year == year}


def is_holiday_code(code: str) -> bool:
    """Whether the library `holidays` knows a code, as in "US" or "US-LA"."""
    import holidays

    country, _, state = code.partition("-")
    return country == "US" and (code == "US" or state in holidays.country_holidays("US").subdivisions)

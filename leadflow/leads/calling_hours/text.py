"""The windows of a lead as a short text for callers, in the lead's own time, and back.

Mon-Sat 9am-8pm, no Sun, no holidays (Central)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache, reduce
from itertools import groupby
from operator import and_
from zoneinfo import ZoneInfo

from leadflow.leads.calling_hours.windows import Days, Span, Window
from leadflow.leads.calling_hours.zones import LABELS

NO_CALLS = "no calls"
_DAY = 24 * 60
_WEEK = 7 * _DAY
_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ZONE_OF = {label: zone for zone, label in LABELS.items()}
# The clocks of US zones differ in winter and in summer; a text must hold in both.
_SEASONS = (datetime(2026, 1, 15, 12, tzinfo=timezone.utc), datetime(2026, 7, 15, 12, tzinfo=timezone.utc))
_TIME = r"(?:\d{1,2}(?::\d\d)?[ap]m|noon|midnight)"
_SPANS = rf"{_TIME}-{_TIME}(?: and {_TIME}-{_TIME})*"
_DAYS = rf"(?:every day|(?:{'|'.join(_NAMES)})(?:-(?:{'|'.join(_NAMES)}))?)"
_OPEN = re.compile(rf"({_DAYS}) ({_SPANS})")
_CLOSED = re.compile(rf"no ({_DAYS})")
_CALLS = re.compile(r"at most (\d+) calls? in 24 h")
_WHOLE = re.compile(r"(.+) \((\w+)\)")


def describe(windows: Sequence[Window]) -> str:
    """Return the hours inside all windows in the zone of the first, in words; they hold in winter and in summer.

    >>> describe([Window("America/Chicago", ((540, 1200),) * 6 + (None,), ("US-LA",))])
    'Mon-Sat 9am-8pm, no Sun, no holidays (Central)'
    """
    if not windows:
        return NO_CALLS
    zone = windows[0].zone
    minutes = reduce(and_, (_minutes_in(zone, window.zone, window.days) for window in windows))
    calls = min((window.calls_a_day for window in windows if window.calls_a_day), default=None)
    return _in_words(zone, minutes, any(window.holidays for window in windows), calls)


@lru_cache(maxsize=4_096)
def _in_words(zone: str, minutes: int, has_holidays: bool, calls: int | None) -> str:
    """Return in words the minutes of a week, one bit each, and what else holds."""
    if not minutes:
        return NO_CALLS
    week = [_spans(minutes >> (n * _DAY) & ((1 << _DAY) - 1)) for n in range(7)]
    parts = [_group(days, spans) for days, spans in _grouped(week)]
    if has_holidays:
        parts.append("no holidays")
    if calls:
        parts.append(f"at most {calls} call{'s' if calls > 1 else ''} in 24 h")
    return f"{', '.join(parts)} ({LABELS[zone]})"


def read_description(text: str) -> tuple[Window, ...] | None:
    """Return the windows that a text of `describe` stands for; None for any other text. "" stands for none.

    Of a day with two spans only the first counts, because a window has one span a day.

    >>> read_description("Mon-Sat 9am-8pm, no Sun (Central)")[0].days[4:]
    ((540, 1200), (540, 1200), None)
    >>> read_description("after work")
    """
    text = text.strip()
    if text.lower() == NO_CALLS:
        return (Window("America/New_York", (None,) * 7, whose="the sheet's Call Window"),)
    whole = _WHOLE.fullmatch(text)
    if whole is None or whole[2] not in _ZONE_OF:
        return None
    days: list[Span | None] = [None] * 7
    told: set[int] = set()
    holidays, calls = (), None
    for part in whole[1].split(", "):
        if opened := _OPEN.fullmatch(part):
            found, span = _positions(opened[1]), _span(opened[2].split(" and ")[0])
            if span is None or not found or told & set(found):
                return None
            told |= set(found)
            for n in found:
                days[n] = span
        elif part == "no holidays":
            holidays = ("US",)
        elif most := _CALLS.fullmatch(part):
            calls = int(most[1])
        elif closed := _CLOSED.fullmatch(part):
            told |= set(_positions(closed[1]))
        else:
            return None
    if told != set(range(7)):
        return None
    return (Window(_ZONE_OF[whole[2]], tuple(days), holidays, "the sheet's Call Window", calls),)


def clock(minute: int) -> str:
    """Return a minute of the day as US callers write it.

    >>> clock(540), clock(750), clock(720), clock(1440)
    ('9am', '12:30pm', 'noon', 'midnight')
    """
    if minute == _DAY // 2:
        return "noon"
    if minute % _DAY == 0:
        return "midnight"
    hour, rest = divmod(minute, 60)
    minutes = f":{rest:02}" if rest else ""
    return f"{hour % 12 or 12}{minutes}{'am' if hour < 12 else 'pm'}"


@lru_cache(maxsize=4_096)
def _minutes_in(zone: str, there: str, days: Days) -> int:
    """Return the minutes of a week in `zone`, one bit each, at which it is in the hours of `there` all year."""
    week = sum(((1 << (span[1] - span[0])) - 1) << (n * _DAY + span[0]) for n, span in enumerate(days) if span)
    later = {_offset(zone, season) - _offset(there, season) for season in _SEASONS}
    return reduce(and_, (_turned(week, minutes) for minutes in later))


def _offset(zone: str, at: datetime) -> int:
    """Return the minutes by which a zone's clocks are before UTC."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return int(offset.total_seconds() // 60)


def _turned(bits: int, minutes: int) -> int:
    """Return the bits of a week so many minutes later."""
    minutes %= _WEEK
    return (bits << minutes | bits >> (_WEEK - minutes)) & ((1 << _WEEK) - 1)


def _spans(bits: int) -> list[Span]:
    return [(run.start(), run.end()) for run in re.finditer("1+", f"{bits:0{_DAY}b}"[::-1])]


def _grouped(week: list[list[Span]]) -> list[tuple[list[int], list[Span]]]:
    """Return runs of days with the same spans."""
    return [([n for n, _ in run], spans) for spans, run in groupby(enumerate(week), key=lambda day: day[1])]


def _group(days: list[int], spans: list[Span]) -> str:
    names = _NAMES[days[0]] if len(days) == 1 else f"{_NAMES[days[0]]}-{_NAMES[days[-1]]}"
    if len(days) == 7:
        names = "every day"
    return f"{names} {' and '.join(f'{clock(start)}-{clock(end)}' for start, end in spans)}" if spans else f"no {names}"


def _positions(names: str) -> range:
    if names == "every day":
        return range(7)
    first, _, last = names.partition("-")
    return range(_NAMES.index(first), _NAMES.index(last or first) + 1)


def _span(text: str) -> Span | None:
    start, end = (_minute(part) for part in text.split("-"))
    end = end or _DAY
    return (start, end) if start < end <= _DAY else None


def _minute(text: str) -> int:
    if text in ("noon", "midnight"):
        return _DAY // 2 if text == "noon" else 0
    hour, _, rest = text[:-2].partition(":")
    return (int(hour) % 12 + (12 if text.endswith("pm") else 0)) * 60 + int(rest or 0)

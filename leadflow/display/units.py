"""Durations, times, money and shares as all displays write them."""

from __future__ import annotations

from datetime import datetime, timezone

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def duration(seconds: float) -> str:
    """Return a duration in its two largest units.

    >>> [duration(s) for s in (0.04, 3.14, 42, 60, 177.4, 4_800, 90_000)]
    ['0.0 s', '3.1 s', '42 s', '1 min', '2 min 57 s', '1 h 20 min', '1 d 1 h']
    """
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    units = (("d", _DAY, _HOUR, "h"), ("h", _HOUR, _MINUTE, "min"), ("min", _MINUTE, 1, "s"))
    for unit, size, smaller, smaller_unit in units:
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return f"{whole} s"


def local_time(moment: datetime) -> str:
    """Return a moment in the time zone of this machine, which the text names, as in "2026-11-28 09:05 EST"."""
    there = datetime.fromtimestamp(moment.timestamp(), timezone.utc).astimezone()
    return f"{there:%Y-%m-%d %H:%M} {there.tzname()}"


def money(dollars: float) -> str:
    """Return an amount of money.

    >>> money(1234.5), money(0.004)
    ('$1,234.50', '$0.004')
    """
    return f"${dollars:,.2f}" if dollars == 0 or dollars >= 0.01 else f"${dollars:.2g}"


def percent(share: float) -> str:
    """Return a share (0 to 1) in percent.

    >>> percent(0.384), percent(0.004)
    ('38 %', '0.4 %')
    """
    return f"{100 * share:.1f} %" if 0 < share < 0.095 else f"{100 * share:.0f} %"

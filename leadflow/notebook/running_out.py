"""A sentence about delivered rows that run out: the oldest check of their phones soon no longer counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from html import escape

# How many days ahead the panel warns.
AHEAD_DAYS = 7


def sentence(rows: Mapping[date, int], today: date) -> str:
    """Return the sentence, from the number of rows by the date (UTC) from which they may not be called; "" for none.

    >>> sentence({date(2026, 11, 20): 12, date(2026, 12, 4): 312}, date(2026, 11, 28))
    '12 rows have run out and may not be called. 312 rows run out in 6 days.'
    >>> sentence({date(2026, 11, 30): 1, date(2026, 12, 4): 1}, date(2026, 11, 28))
    '2 rows run out within 6 days, the first in 2 days.'
    """
    over = sum(count for day, count in rows.items() if day <= today)
    soon = {day: count for day, count in rows.items() if day > today}
    said = [f"{_rows(over, 'has', 'have')} run out and may not be called."] if over else []
    if soon:
        first, last = (_days((day - today).days) for day in (min(soon), max(soon)))
        when = f"in {last}" if len(soon) == 1 else f"within {last}, the first in {first}"
        said.append(f"{_rows(sum(soon.values()), 'runs', 'run')} out {when}.")
    return " ".join(said)


def _rows(count: int, one: str, many: str) -> str:
    return f"{count:,} row{'' if count == 1 else 's'} {one if count == 1 else many}"


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def to_html(text: str) -> str:
    """Return the sentence with what to do about it as HTML; empty for no sentence."""
    if not text:
        return ""
    how = "<code>lf.stale()</code> lists them, <code>engine.rescrub()</code> checks them again."
    return f'<div style="border-left:3px solid #f2a541;padding:4px 12px;line-height:1.5">{escape(text)} {how}</div>'

"""DNCScrub's CallingWindow, as in "8:00-21:00;8:00-21:00;8:00-21:00": weekday; Saturday; Sunday.

Source: https://docs.dncscrub.com/api-reference/scrub/output-guide (read 2026-11). It documents only hours; how a day
without calls is written is not documented. What cannot be read counts as no answer, and never as an open window.
"""

from __future__ import annotations

import re
from functools import lru_cache

from leadflow.leads.calling_hours.windows import Days, Span

# Recorded in the place of an answer that cannot be read: it may be any text.
UNREADABLE = "unreadable"
_SPAN = re.compile(r"(\d{1,2}):([0-5]\d)(?::00)?\s*-\s*(\d{1,2}):([0-5]\d)(?::00)?")
_CLOSED = ("", "no calls", "no call", "none", "closed")
_MIDNIGHT = 24 * 60


@lru_cache(maxsize=1_024)
def read_calling_window(text: str) -> Days | None:
    """Return the hours of a week, Monday first; None for an answer that is empty or cannot be read.

    A day whose hours are empty, end as they begin, or say that there are no calls, is a day without calls.

    >>> read_calling_window("8:00-21:00;9:00-20:00;No calls")[4:]
    ((480, 1260), (540, 1200), None)
    >>> read_calling_window("25:00-26:00;;"), read_calling_window("")
    (None, None)
    """
    plain = " ".join(text.split()).lower()
    if plain and plain in _CLOSED:
        return (None,) * 7
    parts = [part.strip() for part in plain.split(";")]
    if len(parts) != 3 or not any(parts):
        return None
    spans = [_span(part) for part in parts]
    if "" in spans:
        return None
    weekday, saturday, sunday = (None if isinstance(span, str) else span for span in spans)
    return (*[weekday] * 5, saturday, sunday)


def storable_window(value: object) -> str:
    """Return an answer for the records: its text if it can be read, "" if there is none, else "unreadable".

    >>> storable_window(" 8:00-21:00; 8:00-21:00 ;8:00-21:00"), storable_window(None), storable_window("call Ann first")
    ('8:00-21:00; 8:00-21:00 ;8:00-21:00', '', 'unreadable')
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    if not isinstance(value, str) or read_calling_window(value) is None:
        return UNREADABLE
    return value.strip()


def _span(part: str) -> Span | str | None:
    """Return the hours of a day, None for a day without calls, "" for text that cannot be read."""
    if part in _CLOSED:
        return None
    found = _SPAN.fullmatch(part)
    if found is None:
        return ""
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if max(start, end) > _MIDNIGHT or start > end:
        return ""
    return (start, end) if start < end else None

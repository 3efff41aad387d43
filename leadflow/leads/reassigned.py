"""Which phones need the reassigned-numbers check before a sales call, and since when it must have been answered.

Source: 10 MRSA 1499-B (Maine), in force 2024-07-16. Which date counts for a lead without consent or contact is unclear,
so a lead without a date has no clean answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, timezone
from functools import lru_cache

from leadflow.leads.area_codes import STATE_OF, state_code
from leadflow.leads.postal import ZERO_PREFIXES

_ISO = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ].*)?")
_US = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[T ].*)?")
_FIRST_YEAR = 1970
_ZERO_STATES = {prefix[:2].upper() for prefix in ZERO_PREFIXES} - {"NY"}  # all of whose ZIPs begin with 0


def needs_check(phone: str, state: str | None, zip_code: str, states: Collection[str]) -> bool:
    """Whether a phone may be called only after the check: its area code or its lead's address is in one of `states`.

    `state` is the lead's in any spelling, or None if the frame has none. A state that cannot be read may be any of
    them, unless the ZIP says otherwise.

    >>> needs_check("+12075550143", "LA", "", ["ME"]), needs_check("+15045550143", "Maine", "", ["ME"])
    (True, True)
    >>> needs_check("+15045550143", "?", "70112", ["ME"]), needs_check("+15045550143", "?", "04530", ["ME"])
    (False, True)
    """
    if not states:
        return False
    if STATE_OF.get(phone[2:5]) in states:
        return True
    return state is not None and _is_in(state, zip_code, tuple(states))


@lru_cache(maxsize=4_096)
def _is_in(state: str, zip_code: str, states: tuple[str, ...]) -> bool:
    code = state_code(state)
    return code in states if code else any(_may_be_in(zip_code, other) for other in states)


def _may_be_in(zip_code: str, state: str) -> bool:
    """Whether a ZIP may be of a state; only states whose ZIPs all begin with 0 can be told from others."""
    is_zip = len(zip_code) == 5 and zip_code.isascii() and zip_code.isdecimal()
    return not is_zip or state not in _ZERO_STATES or f"{state.lower()}{zip_code[:3]}" in ZERO_PREFIXES


def read_day(text: str, today: date | None = None) -> date | None:
    """Return the date of consent or last contact in a cell; None if it cannot be read, or lies in the future.

    >>> read_day("2026-01-05 10:00:00.000"), read_day("1/5/2026"), read_day("spring"), read_day("2999-01-01")
    (datetime.date(2026, 1, 5), datetime.date(2026, 1, 5), None, None)
    """
    text = text.strip()
    if found := _ISO.fullmatch(text):
        year, month, day = found.groups()
    elif found := _US.fullmatch(text):
        month, day, year = found.groups()
    else:
        return None
    try:
        read = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return read if date(_FIRST_YEAR, 1, 1) <= read <= (today or datetime.now(timezone.utc).date()) else None

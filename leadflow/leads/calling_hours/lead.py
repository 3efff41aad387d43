"""The windows of one lead: those of its state and of its numbers, each in its own zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from leadflow.leads.area_codes import STATE_OF, state_code
from leadflow.leads.calling_hours.table import CallingHours, StateHours
from leadflow.leads.calling_hours.vendor import read_calling_window
from leadflow.leads.calling_hours.windows import Window
from leadflow.leads.calling_hours.zones import STATE_ZONES, number_zones

_NEVER = (None,) * 7
# What the windows of a number depend on: its area code, its zones, and DNCScrub's calling window.
_Number = tuple[str, tuple[str, ...], str]


def lead_windows(
    state: str, phones: Sequence[str], hours: CallingHours, answers: Mapping[str, str] | None = None
) -> tuple[Window, ...]:
    """Return the windows inside all of which a moment must lie for a call; the first is the lead's own if it is known.

    `state` is the lead's, in any spelling; `phones` are E.164; `answers` are DNCScrub's calling windows by phone. A
    state or a number with several zones has one window in each. A state that cannot be read may be the strictest one,
    so its hours are the strictest of all, in the zones of the numbers. A number outside the US may never be called.
    Without a state and a number nothing is known, and the result is empty: then no moment is allowed.

    >>> from leadflow.leads.calling_hours.table import read_hours
    >>> [(w.zone, w.days[5]) for w in lead_windows("La.", ["+12125550143"], read_hours())]
    [('America/Chicago', (480, 1200)), ('America/New_York', (480, 1260))]
    """
    answers = answers or {}
    numbers = tuple((phone[2:5], number_zones(phone), answers.get(phone, "")) for phone in phones if phone)
    return _windows(state, numbers, hours)


@lru_cache(maxsize=4_096)
def _windows(state: str, numbers: tuple[_Number, ...], hours: CallingHours) -> tuple[Window, ...]:
    code = state_code(state)
    windows = list(_of_state(hours.of(code), STATE_ZONES[code], code)) if code in STATE_ZONES else []
    if state.strip() and not windows:
        everywhere = dict.fromkeys(zone for _, zones, _ in numbers for zone in zones)
        windows = list(_of_state(hours.strictest, tuple(everywhere), "a state that cannot be read"))
    for number in numbers:
        windows += _of_number(*number, hours)
    return tuple(dict.fromkeys(windows))


def _of_state(hours: StateHours, zones: Sequence[str], whose: str) -> Iterator[Window]:
    for zone in zones:
        yield Window(zone, hours.days, hours.holidays, whose, hours.calls_a_day)


def _of_number(area_code: str, zones: tuple[str, ...], answer: str, hours: CallingHours) -> Iterator[Window]:
    if not zones:
        yield Window("America/New_York", _NEVER, whose="a number that is no US consumer's")
        return
    code = STATE_OF.get(area_code, "")
    whose = f"the number's area, {code}" if code else "the number's area"
    yield from _of_state(hours.of(code), zones, whose)
    if (days := read_calling_window(answer)) is not None:
        for zone in zones:
            yield Window(zone, days, whose="DNCScrub's calling window")

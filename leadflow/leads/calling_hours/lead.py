"""The windows of one lead: those of its state and of its numbers, each in its own zones, and these in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain

from leadflow.leads.area_codes import STATE_OF, state_code
from leadflow.leads.calling_hours.table import CallingHours, StateHours
from leadflow.leads.calling_hours.text import describe
from leadflow.leads.calling_hours.vendor import read_calling_window
from leadflow.leads.calling_hours.windows import Window
from leadflow.leads.calling_hours.zones import STATE_ZONES, number_zones

_NEVER = (None,) * 7
# What the windows of a number depend on: the state of its area code, its zones, and DNCScrub's calling window.
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
    return tuple(dict.fromkeys(_windows(state, _numbers(phones, answers or {}), hours)))


def describe_lead(
    state: str, phones: Sequence[str], hours: CallingHours, answers: Mapping[str, str] | None = None
) -> str:
    """Return the windows of `lead_windows` in words, as `describe` does.

    >>> from leadflow.leads.calling_hours.table import read_hours
    >>> describe_lead("La.", ["+12125550143"], read_hours())
    'Mon-Sat 8am-8pm, no Sun, no holidays (Central)'
    """
    return describe(_windows(state, _numbers(phones, answers or {}), hours))


def _numbers(phones: Sequence[str], answers: Mapping[str, str]) -> list[_Number]:
    found = ((STATE_OF.get(phone[2:5], ""), number_zones(phone), answers.get(phone, "")) for phone in phones if phone)
    return list(dict.fromkeys(found))


def _windows(state: str, numbers: Sequence[_Number], hours: CallingHours) -> list[Window]:
    everywhere = tuple(dict.fromkeys(zone for _, zones, _ in numbers for zone in zones))
    return [*_of_address(state, everywhere, hours), *chain(*(_of_number(*number, hours) for number in numbers))]


@lru_cache(maxsize=4_096)
def _of_address(state: str, everywhere: tuple[str, ...], hours: CallingHours) -> tuple[Window, ...]:
    code = state_code(state)
    if code in STATE_ZONES:
        return _of_state(hours.of(code), STATE_ZONES[code], code)
    return _of_state(hours.strictest, everywhere, "a state that cannot be read") if state.strip() else ()


@lru_cache(maxsize=4_096)
def _of_number(code: str, zones: tuple[str, ...], answer: str, hours: CallingHours) -> tuple[Window, ...]:
    if not zones:
        return (Window("America/New_York", _NEVER, whose="a number that is no US consumer's"),)
    windows = _of_state(hours.of(code), zones, f"the number's area, {code}" if code else "the number's area")
    if (days := read_calling_window(answer)) is not None:
        windows += tuple(Window(zone, days, whose="DNCScrub's calling window") for zone in zones)
    return windows


def _of_state(hours: StateHours, zones: Sequence[str], whose: str) -> tuple[Window, ...]:
    return tuple(Window(zone, hours.days, hours.holidays, whose, hours.calls_a_day) for zone in zones)

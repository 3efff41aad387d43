"""The coverage of a do-not-call list: it clears numbers of its area codes, in states whose lists it includes.

Sources: https://www.compliancepoint.com/marketing-compliance/state-do-not-call-lists/ and the FAQ of dnc.com (states
with lists of their own), https://docs.dncscrub.com/api-reference/scrub/output-guide (code L: no wireless calls)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leadflow.errors import SettingsError
from leadflow.leads.area_codes import STATE_OF, is_us, state_code

# States whose own do-not-call lists are not part of the national registry, as of 2026-11.
STATE_LISTS = frozenset({"CO", "FL", "IN", "LA", "MA", "MO", "OK", "PA", "TN", "TX", "WY"})
# States where wireless numbers may not be solicited at all, as of 2026-11.
NO_WIRELESS = frozenset({"AZ", "LA", "NJ", "TX", "WY"})
FEDERAL, WIRELESS = "federal", "wireless"


@dataclass(frozen=True)
class Coverage:
    """What a list holds: the lists named in `covers`, for the area codes `area_codes`."""

    covers: frozenset[str]
    area_codes: frozenset[str]

    def gap(self, digits: str, lead_state: str | None = None) -> str:
        """Return why a ten-digit number is not covered; "" if it is.

        `lead_state` is a state code, "" if it is unknown, None if the number belongs to no lead.

        >>> coverage = Coverage(covers_of(["CO"]), frozenset({"303", "202", "504"}))
        >>> coverage.gap("3035550143"), coverage.gap("2025550143", "CA"), coverage.gap("2125550143")
        ('', '', 'area code 212')
        >>> coverage.gap("5045550143"), coverage.gap("2025550143", "NJ"), coverage.gap("2025550143", "")
        ('state list LA', 'wireless NJ', 'no readable state')
        """
        code = digits[:3]
        if code not in self.area_codes:
            return f"area code {code}"
        states = [STATE_OF.get(code, "")] if lead_state is None else [STATE_OF.get(code, ""), lead_state]
        return next((gap for state in states if (gap := self._gap_in(state))), "")

    def _gap_in(self, state: str) -> str:
        if not state:
            return "no readable state"
        if state in self.covers:
            return ""
        if state in STATE_LISTS:
            return f"state list {state}"
        return f"wireless {state}" if state in NO_WIRELESS and WIRELESS not in self.covers else ""


def covers_of(names: Sequence[str]) -> frozenset[str]:
    """Return the lists that the setting names, and always the national registry. Raises SettingsError.

    >>> sorted(covers_of(["Louisiana", "wireless"]))
    ['LA', 'federal', 'wireless']
    """
    found = {name: _list_name(name) for name in names}
    if unknown := [name for name, known in found.items() if not known]:
        known = ", ".join([FEDERAL, *sorted(STATE_LISTS | NO_WIRELESS), WIRELESS])
        raise SettingsError(f"LEADFLOW_DNC__LIST_COVERS names {unknown[0]!r}; known are {known}")
    return frozenset({FEDERAL, *found.values()})


def _list_name(name: str) -> str:
    plain = name.strip().lower()
    if plain in (FEDERAL, WIRELESS):
        return plain
    state = state_code(plain)
    return state if state in STATE_LISTS | NO_WIRELESS else ""


def area_codes_of(codes: Iterable[str]) -> frozenset[str]:
    """Return the area codes that the setting declares. Raises SettingsError for one that no US consumer has."""
    found = frozenset(code.strip() for code in codes)
    if wrong := sorted(code for code in found if not is_us(code)):
        raise SettingsError(f"LEADFLOW_DNC__LIST_AREA_CODES names {wrong[0]!r}, which is no US area code")
    return found

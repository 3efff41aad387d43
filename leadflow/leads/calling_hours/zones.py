"""The time zones of states and of numbers, each as one of eleven zones with the rules of today.

Source: 49 CFR part 71 (Standard Time Zone Boundaries), read 2026-11. A state with several zones lists the one with
most people first. Arizona has Mountain time too, because the Navajo Nation keeps daylight saving time.
"""

from __future__ import annotations

from functools import lru_cache

from leadflow.leads.area_codes import STATE_OF
from leadflow.leads.phones import time_zones

# The zones and the names that callers know them by.
LABELS = {
    "America/New_York": "Eastern",
    "America/Chicago": "Central",
    "America/Denver": "Mountain",
    "America/Los_Angeles": "Pacific",
    "America/Phoenix": "Arizona",
    "America/Anchorage": "Alaska",
    "America/Adak": "Aleutian",
    "Pacific/Honolulu": "Hawaii",
    "America/Puerto_Rico": "Atlantic",
    "Pacific/Guam": "Chamorro",
    "Pacific/Pago_Pago": "Samoa",
}
_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC, _ARIZONA, _ALASKA, _ALEUTIAN, _HAWAII, _ATLANTIC, _CHAMORRO, _SAMOA = LABELS

# Zones of the phonenumbers library whose clocks have agreed with one of the eleven since 2007.
_SAME = {
    "America/Boise": _MOUNTAIN,
    "America/Detroit": _EASTERN,
    "America/Indiana/Indianapolis": _EASTERN,
    "America/Juneau": _ALASKA,
    "America/Kentucky/Louisville": _EASTERN,
    "America/North_Dakota/Center": _CENTRAL,
    "America/St_Thomas": _ATLANTIC,
    "Pacific/Saipan": _CHAMORRO,
}

STATE_ZONES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ["CT", "DC", "DE", "GA", "MA", "MD", "ME", "NC", "NH", "NJ", "NY", "OH", "PA", "RI", "SC", "VA", "VT", "WV"],
        (_EASTERN,),
    ),
    **dict.fromkeys(["AL", "AR", "IA", "IL", "LA", "MN", "MO", "MS", "OK", "WI"], (_CENTRAL,)),
    **dict.fromkeys(["CO", "MT", "NM", "UT", "WY"], (_MOUNTAIN,)),
    **dict.fromkeys(["CA", "WA"], (_PACIFIC,)),
    **dict.fromkeys(["FL", "IN", "KY", "MI"], (_EASTERN, _CENTRAL)),
    **dict.fromkeys(["KS", "ND", "NE", "SD", "TX"], (_CENTRAL, _MOUNTAIN)),
    "TN": (_CENTRAL, _EASTERN),
    "ID": (_MOUNTAIN, _PACIFIC),
    "NV": (_PACIFIC, _MOUNTAIN),
    "OR": (_PACIFIC, _MOUNTAIN),
    "AZ": (_ARIZONA, _MOUNTAIN),
    "AK": (_ALASKA, _ALEUTIAN),
    "HI": (_HAWAII,),
    "PR": (_ATLANTIC,),
    "VI": (_ATLANTIC,),
    "GU": (_CHAMORRO,),
    "MP": (_CHAMORRO,),
    "AS": (_SAMOA,),
}


def number_zones(e164: str) -> tuple[str, ...]:
    """Return the zones of a US number's area, as in ("America/Chicago",); empty for a number outside the US.

    For an area code that the phonenumbers library cannot place, these are the zones of its state, or all zones.

    >>> number_zones("+15045550143"), number_zones("+14575550143"), number_zones("+14165550143")
    (('America/Chicago',), ('America/Chicago',), ())
    """
    from leadflow.leads.area_codes import not_a_consumer

    found = time_zones(e164)
    if not found or not_a_consumer(e164):
        return ()
    return _zones(found, STATE_OF.get(e164[2:5], ""))


@lru_cache(maxsize=4_096)
def _zones(found: tuple[str, ...], state: str) -> tuple[str, ...]:
    zones = tuple(dict.fromkeys(_SAME.get(zone, zone) for zone in found))
    # The library answers with all zones of the North American plan for a number that it cannot place.
    return zones if all(zone in LABELS for zone in zones) else STATE_ZONES.get(state, tuple(LABELS))

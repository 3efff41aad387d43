"""Compare a person in an idiCORE answer with the person of a lead, and detect leads that no answer can match.

A false match gives a stranger's phones to a caller. A missed match wastes a paid answer. Therefore one name and one
address must agree; past names and past addresses count. A required part that is missing never agrees. A part that only
one side has (a middle name, Jr, a unit, a direction) does not prevent a match; a part that differs on both sides does.
A lookup for a lead without a readable name or address would be wasted: `unsearchable` detects such leads beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from leadflow.leads.matching.addresses import Place, read_place, same_place
from leadflow.leads.matching.names import Name, names_of, readings, same_name, searched_name
from leadflow.leads.matching.text import spellings

__all__ = ["UNSEARCHABLE", "is_same", "searched_name", "unsearchable"]

NO_NAME = "no_person_name"
NO_ADDRESS = "unreadable_address"
UNSEARCHABLE = (NO_ADDRESS, NO_NAME)
# Latin letters that have one form in the other case; the long s, for one, is another letter in lower case than folded.
_LATIN = re.compile("[\x00-\u012f\u0132-\u0148\u014a-\u017e]*")


class Asked(Protocol):
    """The person of a lead."""

    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def zip(self) -> str: ...


def unsearchable(person: Asked) -> str:
    """Return the reason why no answer can match this person, or "" if one can. Never raises.

    leadflow buys no lookup for a person with a reason.
    `no_person_name`: N/A, an estate, a trust, a company, a person marked as deceased, no given name, or no surname.
    `unreadable_address`: no comparable place, or neither a ZIP nor a city with a state.

    >>> from leadflow.leads.people import Person
    >>> [unsearchable(Person("k", "Ann", last, "12 Elm St", "Bath", "ME", "04530")) for last in ("Lee", "Lee Trust")]
    ['', 'no_person_name']
    >>> unsearchable(Person("k", "Ann", "Lee", "General Delivery", "Bath", "ME", "04530"))
    'unreadable_address'
    """
    names, home = _read(person)
    if not names:
        return NO_NAME
    return "" if home else NO_ADDRESS


def is_same(person: Asked, found: dict[str, Any]) -> bool:
    """Whether one name and one address of the found person agree with those of the lead's person. Never raises."""
    names, home = _read(person)
    if home is None or not any(_has_name(names, person, name) for name in dicts(found, "name")):
        return False
    return any(is_home(home, person, address) for address in dicts(found, "address"))


def _read(person: Asked) -> tuple[list[Name], Place | None]:
    return _read_fields(person.first_name, person.last_name, person.address, person.city, person.state, person.zip)


@lru_cache(maxsize=4_096)  # needed before the lookup, and again for each person found, batches later
def _read_fields(
    first: str, last: str, address: str, city: str, state: str, zip_code: str
) -> tuple[list[Name], Place | None]:
    """Return the names of a lead's person, if they are a person's, and the address, if it is comparable."""
    home = read_place(address, city, state, zip_code)
    return names_of(first, last), home if home is not None and home.has_area else None


def _has_name(mine: list[Name], person: Asked, name: dict[str, Any]) -> bool:
    """Whether a found name is one of the lead's."""
    has_more = name.get("middle") or name.get("suffix")
    fields = name.get("first"), name.get("last")
    if mine and not has_more and _is_written_alike((person.first_name, person.last_name), fields):
        return True  # most answers repeat the request, and reading a name takes ten times as long
    theirs = [reading for umlauts in spellings(*name.values()) for reading in readings(name, umlauts)]
    return any(same_name(one, other) for one in mine for other in theirs)


def is_home(home: Place, person: Asked, address: dict[str, Any]) -> bool:
    """Whether a found address is the lead's place."""
    fields = [address.get(part) for part in ("data", "city", "state", "zip")]
    if _is_written_alike((person.address, person.city, person.state, person.zip), fields):
        return True  # most answers repeat the request, and reading an address takes half the time of a match
    place = read_place(*fields, told=(person.city, person.state))
    return place is not None and same_place(home, place)


def _is_written_alike(asked: Sequence[str], found: Sequence[Any]) -> bool:
    """Whether all fields are the same text but for the case of Latin letters, which `fold` removes too."""
    for mine, theirs in zip(asked, found, strict=True):
        if type(theirs) is not str or mine.lower() != theirs.lower() or not _LATIN.fullmatch(mine + theirs):
            return False
    return True


def dicts(found: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """Return the entries of one part of a found person that are JSON objects."""
    items = found.get(part)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

"""Measure how close a person in an answer is to the lead's person, if they are not certainly the same.

This module does not decide on delivery. If all persons found are only close, the lead is held back until a user
accepts one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from leadflow.leads import matching
from leadflow.leads.matching import addresses, names, text

if TYPE_CHECKING:
    from nicknames import NickNamer

    from leadflow.leads.people import Person

_LONGEST_SHOWN = 120


@dataclass(frozen=True, repr=False)
class Closeness:
    """The found person's closest name and address, as written, and the parts that agree with the lead's."""

    name: str = ""
    address: str = ""
    agrees: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()


def is_near_match(person: Person, found: dict[str, Any]) -> bool:
    """Whether surname and whole address agree with the lead's, and one given name is a nickname of the other.

    The nicknames come from the `nicknames` library (Apache 2.0). Never raises.

    >>> from leadflow.leads.people import Person
    >>> lead = Person("k", "Bob", "Lee", "12 Elm St", "Bath", "ME", "04530")
    >>> home = [{"data": "12 ELM ST", "city": "BATH", "state": "ME", "zip": "04530"}]
    >>> is_near_match(lead, {"name": [{"first": "ROBERT", "last": "LEE"}], "address": home})
    True
    >>> is_near_match(lead, {"name": [{"first": "MARY", "last": "LEE"}], "address": home})
    False
    """
    home = addresses.read_place(person.address, person.city, person.state, person.zip)
    if home is None or not any(_is_home(home, person, address) for address in _items(found, "address")):
        return False
    return any(_same_but_for_nickname(*pair) for name in _items(found, "name") for pair in _pairs(person, name))


def closeness(person: Person, found: dict[str, Any]) -> Closeness:
    """Compare a found person with the lead, for a user's review. Never raises."""
    name, name_agrees, name_differs = _closest(_items(found, "name"), lambda item: _name_parts(person, item))
    home = addresses.read_place(person.address, person.city, person.state, person.zip)
    address, place_agrees, place_differs = _closest(
        _items(found, "address"), lambda item: _place_parts(person, home, item)
    )
    return Closeness(
        _shown(name, ("first", "middle", "last", "suffix")) or _shown(name, ("data",)),
        _shown(address, ("data", "city", "state", "zip")),
        (*name_agrees, *place_agrees),
        (*name_differs, *place_differs),
    )


_Parts = dict[str, bool]


def _closest(items: list[dict[str, Any]], parts_of: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    """Choose the item with the most parts that agree; return it, the parts that agree and the parts that differ."""
    read = [(item, parts_of(item)) for item in items or [{}]]
    item, parts = max(read, key=lambda pair: (sum(pair[1].values()), -len(pair[1])))
    return item, [part for part, same in parts.items() if same], [part for part, same in parts.items() if not same]


def _name_parts(person: Person, item: dict[str, Any]) -> _Parts:
    options = [_compared(mine, theirs) for mine, theirs in _pairs(person, item)]
    return max(options, key=lambda parts: sum(parts.values()), default={"surname": False, "given name": False})


def _compared(mine: names.Name, theirs: names.Name) -> _Parts:
    given = bool(mine.given and theirs.given) and names.same_given(mine, theirs)
    family = bool(mine.family and theirs.family) and names.same_family(mine, theirs)
    parts = {"surname": family, "given name": given}
    if not given and _are_nicknames(mine, theirs):
        parts["nickname"] = True
    if mine.generation and theirs.generation:
        parts["generation"] = mine.generation == theirs.generation
    return parts


def _place_parts(person: Person, home: addresses.Place | None, item: dict[str, Any]) -> _Parts:
    place = _place_of(person, item)
    if home is None or place is None:
        return {"street": False, "area": False}
    same_number = home.number == place.number and home.is_box == place.is_box
    same_sides = home.sides <= place.sides or place.sides <= home.sides
    street = same_number and same_sides and addresses.same_street(home.street, place.street)
    parts = {"street": street, "area": addresses.same_area(home, place)}
    if home.unit and place.unit:
        parts["unit"] = addresses.same_unit(home.unit, place.unit)
    return parts


def _same_but_for_nickname(mine: names.Name, theirs: names.Name) -> bool:
    if not _are_nicknames(mine, theirs):
        return False
    short, long = mine.given[0], theirs.given[0]
    swapped = theirs._replace(given=[short, *theirs.given[1:]], first=short + theirs.first[len(long) :])
    return names.same_name(mine, swapped)


def _are_nicknames(mine: names.Name, theirs: names.Name) -> bool:
    """Whether two given names are nicknames of each other or of one name: Bob and Robert, Peggy and Meg."""
    if not mine.given or not theirs.given or mine.given[0] == theirs.given[0]:
        return False
    return bool(_formal_names(mine.given[0]) & _formal_names(theirs.given[0]))


@lru_cache(maxsize=4096)
def _formal_names(name: str) -> frozenset[str]:
    """Return the name and the formal names that it may be short for."""
    return frozenset({name, *_nicknames().canonicals_of(name)})


@lru_cache(maxsize=1)
def _nicknames() -> NickNamer:
    from nicknames import NickNamer

    return NickNamer()


# Helpers over the other modules of matching.


def _items(found: dict[str, Any], part: str) -> list[dict[str, Any]]:
    return matching.dicts(found, part)


def _pairs(person: Person, item: dict[str, Any]) -> Iterator[tuple[names.Name, names.Name]]:
    """Yield the lead's name with each reading of a found name."""
    mine = names.names_of(person.first_name, person.last_name)
    for umlauts in text.spellings(*item.values()):
        for theirs in names.readings(item, umlauts):
            yield from ((one, theirs) for one in mine)


def _is_home(home: addresses.Place, person: Person, item: dict[str, Any]) -> bool:
    return matching.is_home(home, person, item)


def _place_of(person: Person, item: dict[str, Any]) -> addresses.Place | None:
    fields = (item.get(part) for part in ("data", "city", "state", "zip"))
    return addresses.read_place(*fields, told=(person.city, person.state))


def _shown(item: dict[str, Any], names: Iterable[str]) -> str:
    """Return the text of these fields in one line, for a user."""
    texts = (str(item[name]) for name in names if isinstance(item.get(name), str | int) and item.get(name) is not True)
    return " ".join(" ".join(texts).split())[:_LONGEST_SHOWN]

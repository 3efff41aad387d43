"""Parse an address (line, city, state, ZIP) into a place, and compare two places."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import NamedTuple

from leadflow.leads.matching.address_text import CARE_OF, Line, address_words, alike
from leadflow.leads.matching.address_words import (
    ALIKE,
    HIGHWAYS,
    NEAR,
    NO_PLACES,
    SIDES,
    STATES,
    SUFFIXES,
    UNITS,
    UNITS_WITH_NUMBER,
    WRITTEN,
)
from leadflow.leads.matching.boxes import read_box
from leadflow.leads.matching.lots_and_mileposts import read_lot, read_milepost
from leadflow.leads.matching.puerto_rico import read_puerto_rican
from leadflow.leads.matching.streets import is_house, read_street
from leadflow.leads.matching.text import LONGEST, fold

# Words that are no part of a name before an address.
_PARTS = SIDES | SUFFIXES | UNITS | UNITS_WITH_NUMBER | NEAR | NO_PLACES | HIGHWAYS
_MOST_NAMES = 6  # words before an address: a building's name or the recipient
_TAIL = re.compile(r"(.*[^\s,].*),\s*([^,0-9]+?),\s*([A-Za-z. ]+?)\.?,?\s*([0-9]{5}(?:-[0-9]{4})?)?\s*")
_DIGITS, _ZIP = re.compile("[0-9]*"), re.compile("[0-9]{5}(-[0-9]{4})?")
_REPDIGIT_ZIPS = frozenset(
    ["22222", "33333", "44444", "55555"]
)  # of Arlington, Fort Lauderdale, Newton Falls and Young America


class Place(NamedTuple):
    """An address in the form that is compared."""

    number: str
    street: list[str]
    sides: frozenset[str]
    unit: list[str]
    is_box: bool
    community: str
    city: str
    state: str
    zip: str

    @property
    def has_area(self) -> bool:
        """Whether the place has a ZIP, or a city and a state."""
        return bool(self.zip or (self.city and self.state))


def read_place(
    line: object, city: object, state: object, zip_code: object, told: tuple[str, str] = ("", "")
) -> Place | None:
    """Parse an address. Return None if the line has no house number with street, no box, no lot and no milepost.

    The line may end with city, state and ZIP. If the fields for city and state are empty, the function takes them from
    the line's end: after commas, or if they equal the city and state in `told`.
    """
    area = [read_city(city), read_state(state), read_zip(zip_code)]
    if not (area[0] or area[1]) and (parts := _split_at_commas(line)):
        line, area = parts[0], [read_city(parts[1]), read_state(parts[2]), area[2] or read_zip(parts[3])]
    found = address_words(line)
    tail = _cut_area(found, area[0] or read_city(told[0]), area[1] or read_state(told[1]))
    if tail is not None:
        found, *written = tail
        area = [field or text for field, text in zip(area, written, strict=True)]
    read = read_line(found)
    return None if read is None else Place(*read, *area)


def read_line(found: list[str]) -> Line | None:
    """Parse the words of a line. Ignore the recipient and a building's name before the address."""
    if CARE_OF in found:
        start = found.index(CARE_OF)
        return _read_alone(found[:start]) or _read_behind_names(found[start + 1 :], is_marked=True)
    return _read_alone(found) or _read_behind_names(found, is_marked=False)


def _read_alone(found: list[str]) -> Line | None:
    if not found:
        return None
    street = read_puerto_rican(found) or read_street(found)
    return street or read_box(found) or read_milepost(found) or read_lot(found)


def _read_behind_names(found: list[str], is_marked: bool) -> Line | None:
    """Parse a line after a name: JOHN SMITH 12 ELM ST. Without C/O, name and street must have their usual form."""
    for start in range(1, min(len(found), _MOST_NAMES + 1)):
        if not is_marked and not _may_be_name(found[start - 1]):
            return None
        rest = found[start:]
        if (
            is_house(rest[0])
            and (line := read_street(rest))
            and (is_marked or (_is_whole(line) and not is_house(rest[1])))
        ):
            return line
        if is_marked and not is_house(rest[0]) and (line := read_box(rest)):
            return line
    return None


def _may_be_name(word: str) -> bool:
    known = ALIKE.get(word, word)
    return (
        word.isalpha()
        and len(word) > 1
        and known not in _PARTS
        and word not in WRITTEN
        and known not in ("mile", "box", "rr", "rural", "km", "carr")
    )


def _is_whole(line: Line) -> bool:
    return len(line.street) > 1 and line.street[-1] in SUFFIXES


# City, state and ZIP


def _keeping_texts(read: Callable[[object], str]) -> Callable[[object], str]:
    """Keep what was read from texts. A vendor's value may be of any type, also one that no cache takes."""
    kept = lru_cache(maxsize=4096)(read)

    @wraps(read)
    def reader(value: object) -> str:
        return kept(value) if isinstance(value, str) else read(value)

    return reader


@_keeping_texts
def read_city(value: object) -> str:
    """Return a city as one word: FORT WORTH equals Ft. Worth, COEUR D ALENE equals Coeur d'Alene; "" for N/A etc."""
    found = address_words(value)
    return "" if NO_PLACES.issuperset(part for word in found for part in word.split("/")) else "".join(alike(found))


@_keeping_texts
def read_state(value: object) -> str:
    """Return the two-letter code of a US state, district, territory or military post, from code or name, or ""."""
    return STATES.get("".join(c for c in fold(value) if c.isalpha()), "")


@_keeping_texts
def read_zip(value: object) -> str:
    """Return the five digits of a ZIP, with leading zeros restored; "" for other text and for placeholders (99999)."""
    digits = _DIGITS.match(fold(value).strip())
    text = digits.group() if digits else ""
    text = text.zfill({3: 5, 4: 5, 8: 9}.get(len(text), 0))
    is_placeholder = len(set(text[:5])) == 1 and text[:5] not in _REPDIGIT_ZIPS
    return text[:5] if len(text) in (5, 9) and not is_placeholder else ""


def _split_at_commas(line: object) -> tuple[str, str, str, str] | None:
    """Return street, city, state and ZIP of a text such as "123 Main St, Houston, TX 77002"."""
    if not isinstance(line, str) or len(line) > LONGEST:
        return None
    parts = _TAIL.fullmatch(line)
    return (parts[1], parts[2], parts[3], parts[4] or "") if parts and read_state(parts[3]) else None


def _cut_area(found: list[str], city: str, state: str) -> tuple[list[str], str, str, str] | None:
    """Cut this city, this state and a ZIP from the line's end; return the rest and the cut parts, or None."""
    has_zip = bool(found) and _ZIP.fullmatch(found[-1]) is not None
    zip_code, rest = (read_zip(found[-1]), found[:-1]) if has_zip else ("", found)
    if not city or not state or not rest:
        return None
    for length in (1, 2, 3):
        end = len(rest) - length
        if end > 2 and read_state(" ".join(rest[end:])) == state:
            for start in range(end - 1, 1, -1):  # keep two words: number and street, or a box
                if "".join(alike(rest[start:end])) == city:
                    return rest[:start], city, state, zip_code
    return None


# Two places


def same_place(mine: Place, theirs: Place) -> bool:
    """Whether two addresses are one place. A part that only one of them has (a unit, a direction) does not count."""
    if mine.number != theirs.number or mine.is_box != theirs.is_box or not same_area(mine, theirs):
        return False
    sides_agree = (
        mine.sides <= theirs.sides or theirs.sides <= mine.sides
    )  # Main St matches N Main St; N Main St does not match S Main St
    return sides_agree and same_street(mine.street, theirs.street) and same_unit(mine.unit, theirs.unit)


def same_area(mine: Place, theirs: Place) -> bool:
    """Whether two places have the same ZIP, or else the same city and state.

    City and state suffice because ZIPs change more often than a town has two streets of one name. Boxes need the same
    ZIP: each ZIP of a city numbers its boxes anew. If only one side has a Puerto Rican community, the ZIP must be
    the same. Without data to compare the areas do not agree.
    """
    if mine.community != theirs.community:
        return not (mine.community and theirs.community) and bool(mine.zip) and mine.zip == theirs.zip
    if mine.zip and theirs.zip and (mine.zip == theirs.zip or mine.is_box):
        return mine.zip == theirs.zip
    return bool(mine.city and mine.state) and (mine.city, mine.state) == (theirs.city, theirs.state)


def same_street(mine: list[str], theirs: list[str]) -> bool:
    """Whether all words agree. Spacing does not matter. One side may omit the suffix, but Oak St is not Oak Ct.

    A highway without a kind equals the US or state road of that number: no place has both with one number.
    """
    if mine[1:] == theirs[1:] and {mine[0], theirs[0]} <= HIGHWAYS and {mine[0], theirs[0]} != {"us", "sr"}:
        return True
    one, other = "".join(mine), "".join(theirs)
    return one == other or one == _without_suffix(theirs) or _without_suffix(mine) == other


def _without_suffix(street: list[str]) -> str:
    return "".join(street[:-1] if street[-1] in SUFFIXES else street)


def same_unit(mine: list[str], theirs: list[str]) -> bool:
    """Whether two units agree. One may be empty, or shorter (the apartment without the building).

    >>> same_unit(["5"], ["4", "5"]), same_unit(["5", "4"], ["4", "5"]), same_unit(["5", "5"], ["4", "5"])
    (True, False, False)
    """
    if not mine or not theirs or "".join(mine) == "".join(theirs):
        return True
    short, long = sorted((mine, theirs), key=len)
    rest = iter(long)
    return all(word in rest for word in short)

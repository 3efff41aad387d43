"""Parse lines with a house number, a street, and a unit before or after them."""

from __future__ import annotations

import re

from leadflow.leads.matching.address_text import LETTER_HYPHEN, Line, alike
from leadflow.leads.matching.address_words import (
    ALIKE,
    DISTANCES,
    NEAR,
    NO_PLACES,
    NUMBERED,
    PARTS,
    SIDES,
    SUFFIXES,
    UNITS,
    UNITS_WITH_NUMBER,
    WRITTEN,
    WRITTEN_TENS,
)
from leadflow.leads.matching.text import word_set

# 123, 43-15, 123-A; N65W123, N1234 and 2S650 of the grids of Wisconsin and Illinois
_HOUSE = re.compile(r"0*([0-9]+)(?:-([0-9]+))?-?([a-z]?)|([nsew][0-9]+(?:[nsew][0-9]+)?|[0-9]+[nsew][0-9]+)")
_GRID = re.compile("[nsew][0-9]+")
_PLOT = re.compile("[a-z]{1,2}-?[0-9]+[a-z]?")  # block and lot of Puerto Rico
_ORDINALS = word_set("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")
_ORDINAL = re.compile("[0-9]+(st|nd|rd|th)")
_BOX_BESIDE_STREET = re.compile(r" p ?o ?box [0-9].*")
# One name for each kind of numbered road. "County Road 12" equals "CR 12"; US 90 and State Road 90 differ.
_FORMS = {
    "cr": "county rd|cr|c r",
    "sr": "(?:state|st) (?:rd|rte|hwy)|sr|sh",
    "us": "(?:us|u s)(?: (?:hwy|rte))?",
    "fm": "(?:fm|farm to market|farm market)(?: rd)?",
    "i": "(?:ih?|interstate)(?: hwy)?(?= ?[0-9])",
}


def _road_pattern(forms: str) -> re.Pattern[str]:
    return re.compile(rf"^((?:[ns]?[ew]? )?)(?:{forms}) ?(?=[0-9]|[a-z]\b)")


_ROADS = [(_road_pattern(forms), rf"\1{kind} ") for kind, forms in _FORMS.items()]
_ANY_ROAD = _road_pattern("|".join(_FORMS.values()))
_HALF = re.compile("[0-9]/[0-9]")
_ALL_UNITS = UNITS | UNITS_WITH_NUMBER
_KING = re.compile(r"\b(?:mlk|m l king)\b")


def read_street(found: list[str], plots: bool = False) -> Line | None:
    """Parse words that begin with a house number and a street, or return None. `plots` allows numbers such as A-17.

    >>> read_street("one main st apt 4".split()) == read_street("# 4 1 main street".split())
    True
    """
    found, unit = _cut_unit_before(found)
    if len(found) > 1 and found[0] in ("#", "no", "number"):
        found = found[1:]
    house = _read_house(found, plots)
    if house is None:
        return None
    number, letter, found = house
    unit = unit + [part for part in (letter,) if part]
    if found and _HALF.fullmatch(found[0]):  # 12 1/2: a second house on the lot
        unit, found = [*unit, found[0]], found[1:]
    if not found or NO_PLACES.issuperset("/".join(found).split("/")) or _is_distance(found):
        return None
    street, unit_after = cut_unit(_road(found))
    street, sides = _cut_sides(street)
    if not street or _is_unit_alone(street):
        return None
    return Line(number, street, sides, unit + unit_after)


def is_house(word: str) -> bool:
    """Whether a word is a house number in digits."""
    return _HOUSE.fullmatch(word) is not None


def house_number(word: str, plots: bool = False) -> tuple[str, str] | None:
    """Return the house number and the letter after it, or None. 0 is not a house number."""
    if plots and _PLOT.fullmatch(word) and not _GRID.fullmatch(word):
        return LETTER_HYPHEN.sub("", word), ""
    house = _HOUSE.fullmatch(word)
    if house is None:
        return None
    number, second, letter, grid = house.groups()
    number = grid or number + (second or "")
    return (number, letter or "") if number.strip("0") else None


def _read_house(found: list[str], plots: bool) -> tuple[str, str, list[str]] | None:
    """Return the house number, its letter, and the words after it."""
    if not found:
        return None
    if len(found) > 2 and _GRID.fullmatch(found[0]) and _GRID.fullmatch(found[1]):
        return found[0] + found[1], "", found[2:]
    if house := house_number(found[0], plots):
        return *house, found[1:]
    number, used = _written(found)
    rest = found[used:]
    return (str(number), "", rest) if number and rest and not _is_counted(number, rest[0]) else None


def _written(found: list[str]) -> tuple[int, int]:
    """Return the written-out number at the beginning (up to 9,999) and its count of words; 0 if there is none."""
    total = used = 0
    if found[0] not in WRITTEN and found[0].partition("-")[0] not in WRITTEN_TENS:
        return 0, 0
    for scale in (1000, 100, 1):
        number, length = _below_hundred(found[used:])
        names_scale = scale == 1 or found[used + length : used + length + 1] == [
            "thousand" if scale == 1000 else "hundred"
        ]
        if number and names_scale:
            total, used = total + number * scale, used + length + (scale > 1)
            used += bool(used and scale > 1 and found[used : used + 1] == ["and"])
    return total, used


def _below_hundred(found: list[str]) -> tuple[int, int]:
    if not found:
        return 0, 0
    tens, hyphen, ones = found[0].partition("-")
    if tens in WRITTEN_TENS and hyphen:
        return (WRITTEN_TENS[tens] + WRITTEN[ones], 1) if WRITTEN.get(ones, 10) < 10 else (0, 0)
    if tens in WRITTEN_TENS:
        follows = WRITTEN.get(found[1], 10) if len(found) > 1 else 10
        return (WRITTEN_TENS[tens] + follows, 2) if follows < 10 else (WRITTEN_TENS[tens], 1)
    return (WRITTEN[tens], 1) if tens in WRITTEN and not hyphen else (0, 0)


def _is_counted(number: int, noun: str) -> bool:
    """Whether the number is part of a street's name, as in Seven Hills Dr and Eight Mile Rd."""
    plural = noun.endswith("s") and noun not in ("us", "s")
    is_ordinal = number % 10 == 0 and noun in _ORDINALS  # Twenty-First St
    return noun in DISTANCES or noun == "notch" or is_ordinal or (number > 1 and plural)


def _is_distance(found: list[str]) -> bool:
    """Whether the words after a number make it a distance: 5 MILES N OF TOWN does, 5 Mile Rd does not."""
    return (
        found[0] in DISTANCES
        and len(found) > 1
        and (found[1] in NEAR or (ALIKE.get(found[1]) in SIDES and len(found) != 3))
    )


def _road(found: list[str]) -> list[str]:
    """Return a street's words with one name for each kind of numbered road, and for Dr. Martin Luther King Jr."""
    text = _KING.sub("martin luther king", " ".join(alike(found)))
    text = _BOX_BESIDE_STREET.sub("", text)
    for form, name in _ROADS if _ANY_ROAD.match(text) else ():
        text = form.sub(name, text)
    return text.split()


def _cut_unit_before(found: list[str]) -> tuple[list[str], list[str]]:
    """Cut a unit before the house number and return it too: "Apt 4, 123 Main St", "2nd Floor, One Main St"."""
    start = 0
    while length := _unit_length(found[start:]):
        start += length
        if len(found) > start + 1 and _read_house(found[start:], plots=False):
            return found[start:], _unit(found[:start])
    return found, []


def _unit_length(found: list[str]) -> int:
    """Return how many words at the beginning are a unit: its word and its number, or a part such as REAR."""
    word = ALIKE.get(found[0], found[0]) if found else ""
    if word in PARTS:
        return 1
    if found[1:2] and ALIKE.get(found[1]) == "fl" and (found[0] in _ORDINALS or _ORDINAL.fullmatch(found[0])):
        return 2
    length = 0
    while length < len(found) and ALIKE.get(found[length], found[length]) in _ALL_UNITS:
        length += 1
    return length + 1 if length and length < len(found) else 0


def cut_unit(found: list[str]) -> tuple[list[str], list[str]]:
    """Cut a unit after the street and return it too. The first word of a street's name is not a unit: Front St."""
    first = 2 if found and found[0] in SIDES else 1
    if len(found) > first + 1 and found[-1] == "fl" and found[-2].isdigit():  # 2nd floor
        found = [*found[:-2], "fl", found[-2]]
    end = next((n for n in range(first, len(found)) if _starts_unit(found[n:])), len(found))
    while end > first and found[end - 1] in PARTS:
        end -= 1
    if end == len(found) > first + 1 and _is_bare_unit(*found[-2:]):
        end -= 1
    return found[:end], _unit(found[end:])


def _starts_unit(found: list[str]) -> bool:
    return found[0] in UNITS or (found[0] in UNITS_WITH_NUMBER and _has_unit_number(found))


def _is_unit_alone(found: list[str]) -> bool:
    """Whether the words are a unit without a street: 123 # 4 has no street, 123 Ste Marie Ave has one."""
    return found[0] in _ALL_UNITS and (len(found) == 1 or _has_unit_number(found))


def _has_unit_number(found: list[str]) -> bool:
    return len(found) > 1 and (len(found[1]) == 1 or any(c.isdigit() for c in found[1]))


def _is_bare_unit(before: str, word: str) -> bool:
    """Whether a word after a street's suffix is a unit (123 Main St 4B), not a direction or a road's number."""
    is_number = any(c.isdigit() for c in word)
    is_letter = len(word) == 1 and word not in SIDES
    return (is_number or is_letter) and before in SUFFIXES and before not in NUMBERED


def _unit(found: list[str]) -> list[str]:
    """Return the unit without the word for its kind: # 4B, Ste 4B and Unit 4-B are equal."""
    named = [word for word in alike(found) if word not in _ALL_UNITS]
    return [word.lstrip("0") or "0" for word in named]


def _cut_sides(found: list[str]) -> tuple[list[str], frozenset[str]]:
    """Cut the directions before and after a street's name and return them too. N St and Avenue N are names."""
    sides: set[str] = set()
    if len(found) > 1 and found[-1] in SIDES and not (len(found) == 2 and found[0] in SUFFIXES):
        found, sides = found[:-1], {found[-1]}
    if len(found) > 1 and found[0] in SIDES and not (len(found) == 2 and found[1] in SUFFIXES):
        found, sides = found[1:], {*sides, found[0]}
    found = found[1:] if len(found) > 2 and found[0] == "dr" else found  # Dr. Martin Luther King
    return found[:1] + [word for word in found[1:] if word != "jr"], frozenset(sides)

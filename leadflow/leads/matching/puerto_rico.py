"""Parse Puerto Rican lines: a community, a street with its number before or after it, a kilometre, or an apartment.

USPS Publication 28, section 29. Several communities of one ZIP may have streets of the same name, so the community is
part of the comparison.
"""

from __future__ import annotations

import re
from itertools import pairwise

from leadflow.leads.matching.address_text import Line, alike
from leadflow.leads.matching.address_words import ALIKE, COMMUNITIES, ROADS_OF_COMMUNITIES, SPANISH_ROADS
from leadflow.leads.matching.streets import cut_unit, house_number, read_street
from leadflow.leads.matching.text import word_set

_ALWAYS = frozenset({"urb", "cond"})  # no US street has these words
_BLOCK = re.compile("[0-9]{1,3}|[a-z]{1,2}")
_BUILDINGS = frozenset({"cond", "res"})
_NUMBER_WORDS = word_set("# no num number nbr casa")
_BLOCKS = word_set("bloque bloq blq")
_UNIT_WORDS = word_set("apt apto apartamento edif edificio bldg building torre")


def read_puerto_rican(found: list[str]) -> Line | None:
    """Parse a line with a community, a calle or a carretera; return None for other lines.

    >>> one = read_puerto_rican("urb las gladiolas 150 calle a".split())
    >>> one == read_puerto_rican("calle a 150 urb las gladiolas".split()), one.number, one.community
    (True, '150', 'lasgladiolas')
    """
    if SPANISH_ROADS.isdisjoint(found) and COMMUNITIES.keys().isdisjoint(found):
        return None
    found = _with_block(found)
    if any(word in _BLOCKS and after[0].isdigit() for word, after in pairwise(found)):
        return None  # a block without a house number
    kind, name, rest = _cut_community(found)
    roads = [ALIKE.get(word, word) for word in rest]
    if not kind and SPANISH_ROADS.isdisjoint(roads):
        return None
    line = _read_kilometre(roads) or read_street(rest, plots=True) or _read_number_behind(rest)
    return line._replace(community="".join(name)) if line else _read_within(kind, name, rest)


def _with_block(found: list[str]) -> list[str]:
    """Replace BLOQUE 5 #12 with 5-12, the post's form of block and house."""
    start = next((n for n, word in enumerate(found) if word in _BLOCKS), None)
    if start is None:
        return found
    numbers = [word for word in found[start + 1 : start + 4] if word not in _NUMBER_WORDS][:2]
    if len(numbers) < 2 or not numbers[1][0].isdigit() or not _BLOCK.fullmatch(numbers[0]):
        return found
    end = found.index(numbers[1], start + 1 + (found[start + 1] == numbers[1])) + 1
    return [*found[:start], "-".join(numbers), *found[end:]]


def _cut_community(found: list[str]) -> tuple[str, list[str], list[str]]:
    """Return the community's kind and name, and the line without them."""
    is_spanish = not SPANISH_ROADS.isdisjoint(found)
    for start, word in enumerate(found):
        kind = COMMUNITIES.get(word, "")
        if not kind or (start and not is_spanish and kind not in _ALWAYS):
            continue
        end = start + 1
        while end < len(found) and not _ends_community(found[end], found[end - 1 : end] == [word]):
            end += 1
        if end > start + 1 and len(found[start + 1]) > 1:
            return kind, alike(found[start + 1 : end]), found[:start] + found[end:]
    return "", [], found


def _ends_community(word: str, is_first: bool) -> bool:
    if word in _NUMBER_WORDS or any(c.isdigit() for c in word):
        return True
    return not is_first and (
        ALIKE.get(word, word) in ROADS_OF_COMMUNITIES or word in _UNIT_WORDS or word in COMMUNITIES
    )


def _read_kilometre(roads: list[str]) -> Line | None:
    """Parse kilometre 4.5 of road 123, in either order. Ignore the words between and after them."""
    numbers = {word: number for word, number in pairwise(alike(roads)) if number[0].isdigit()}
    road = next((numbers[word] for word in ("carr", "carretera", "pr", "rte") if word in numbers), None)
    return Line(f"km{numbers['km']}", ["carr", road]) if road and "km" in numbers else None


def _read_number_behind(rest: list[str]) -> Line | None:
    """Parse a street with its number after it: CALLE A 150, CALLE 3 # A-17 APT 2."""
    if not rest or ALIKE.get(rest[0], rest[0]) not in ROADS_OF_COMMUNITIES or rest[0] == "km":
        return None
    for place in range(2, len(rest)):
        house = house_number(rest[place], plots=True)
        if house is not None:
            street = [word for word in rest[:place] if word not in _NUMBER_WORDS]
            number, letter = house
            behind, unit = cut_unit(["calle", *alike(rest[place + 1 :])])
            known = len(street) > 1 and (len(behind) == 1)
            return Line(number, alike(street), unit=[*([letter] if letter else []), *unit]) if known else None
    return None


def _read_within(kind: str, name: list[str], rest: list[str]) -> Line | None:
    """Parse a place in a community without streets: a plot, or an apartment in a building."""
    if kind and len(rest) == 1 and (house := house_number(rest[0], plots=True)):
        return Line(house[0], ["within", *name], unit=[part for part in house[1:] if part])
    return _read_flat(kind, name, rest)


def _read_flat(kind: str, name: list[str], rest: list[str]) -> Line | None:
    """Parse an apartment in a condominium or public housing, with the building's number: EDIF 4 APT 12."""
    if kind not in _BUILDINGS or not rest or ALIKE.get(rest[0], rest[0]) not in ("apt", "bldg", "#", "torre"):
        return None
    _, unit = cut_unit(
        ["cond", *alike([word if word not in ("torre", "edif", "edificio") else "bldg" for word in rest])]
    )
    has_flat = any(ALIKE.get(word, word) in ("apt", "#") for word in rest) and any(c.isdigit() for c in rest[-1])
    return Line("-".join(["apt", *unit]), name) if has_flat and unit else None

"""Parse lines without a house number: a milepost of a highway, or a lot in a named park."""

from __future__ import annotations

from leadflow.leads.matching.address_text import Line, alike
from leadflow.leads.matching.address_words import ALIKE, NEAR, PARK_WORDS, PLOTS, SIDES, SUFFIXES

_MOST_WORDS = 5  # in a park's name


def read_milepost(found: list[str]) -> Line | None:
    """Parse a milepost as in rural Alaska: MILE 12.5 ALASKA HWY, or ALASKA HWY MILE 12.5.

    >>> read_milepost("mile 12p5 sterling highway".split()) == read_milepost("sterling hwy mp 12p5".split())
    True
    """
    found = [word for word in found if word not in ("marker", "#")] if ALIKE.get(found[0]) == "mile" else found
    start = next((n for n in (0, len(found) - 2) if _is_mark(found, n)), None)
    if start is None:
        return None
    road = alike(found[:start] + found[start + 2 :])
    is_towards = road[0] in SIDES or road[0] in NEAR  # MILE 12 N OF TOWN
    if is_towards or SUFFIXES.issuperset(road) or any(word.isdigit() for word in road):
        return None
    return Line(f"mile{found[start + 1]}", road)


def _is_mark(found: list[str], start: int) -> bool:
    return start >= 0 and len(found) > 2 and ALIKE.get(found[start]) == "mile" and found[start + 1][0].isdigit()


def read_lot(found: list[str]) -> Line | None:
    """Parse a lot: LOT 5 SHADY ACRES, SHADY ACRES MHP TRLR 5. A street without a house number is not a park.

    >>> read_lot("lot 5 shady acres".split()) == read_lot("shady acres mobile home park spc 5".split())
    True
    """
    plots = [
        n
        for n, word in enumerate(found[:-1])
        if ALIKE.get(word, word) in PLOTS and n in (0, len(found) - 2, len(found) - 3)
    ]
    if not plots:
        return None
    start = plots[0]
    end = start + 1 + (found[start + 1] in ("#", "no"))
    if end >= len(found) or not (any(c.isdigit() for c in found[end]) or len(found[end]) == 1):
        return None
    park = alike(found[:start] + found[end + 1 :])
    name = [word for word in park if word not in PARK_WORDS]
    is_street = park[-1:] and park[-1] in SUFFIXES and len(name) == len(park)
    if not name or is_street or len(park) > _MOST_WORDS or name[0] in SIDES or not all(word.isalpha() for word in park):
        return None
    return Line(f"lot{found[end].lstrip('0')}", name)

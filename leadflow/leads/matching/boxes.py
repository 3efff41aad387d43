"""Parse boxes: those of a post office, of a rural or highway contract route, and of the military post.

USPS Publication 28, sections 24 (rural routes: RFD and RD are RR), 25 (highway contract: star routes are HC), 28
(post office boxes: a drawer, a bin and a caller number are boxes), and the Domestic Mail Manual, 703.2 (PSC, CMR and
UNIT, each with a box). Words after a box are ignored. A route, a ship or a unit without a box is not parsed: many
people share such an address.
"""

from __future__ import annotations

import re

from leadflow.leads.matching.address_text import LETTER_HYPHEN, Line
from leadflow.leads.matching.address_words import ALIKE
from leadflow.leads.matching.text import word_set

_NUMBER = r"0*([a-z]?[ -]?[0-9][0-9a-z-]*|[a-z])(?![\w/])"  # not the N of N/A
_KINDS = r"(?:box|mail box|drawer|drwr|bin|lock box|lockbox|buzon|(?:firm )?caller(?: service| box)?)"
_BOX = rf"(?:p ?o )?{_KINDS}"
_RURAL = r"rr|r r|rfd|r f d|rd|r d|r|rte|rural(?: free)? delivery|rural (?:rte|rd|rr)"
_CONTRACT = r"hcr|h c r|hc|h c|hwy contract|star|sr|s r|srt|srr"
_ROUTE = rf"(?:({_RURAL})|{_CONTRACT})(?: rte)?(?: ?0*([0-9]+[a-z]{{0,2}}|[a-z]))?"
_BETWEEN = r"(?: (?!box)[a-z]+){0,3}?"  # the post office of the route
_MILITARY = r"(psc|cmr|unit|omc) ?0*([0-9]+[a-z]?)"

_POST = re.compile(
    rf"(?:p ?o ?b(?:x|ox)? |p ?o ?(?={_KINDS} )|post ?(?:ofc|off) |post(?:al)? (?=box )|apartado |apdo |(?={_KINDS} ))"
    rf"(?:{_KINDS} )*{_NUMBER}"
)
_POST_ALONE = re.compile(r"p ?o 0*([0-9]+)$")  # PO 12
_POST_BEHIND = re.compile(rf".* p ?o ?box {_NUMBER}")  # DEPT 5 PO BOX 12
_ROUTE_BOX = re.compile(rf"{_ROUTE}{_BETWEEN} {_BOX} {_NUMBER}")
_BOX_ROUTE = re.compile(rf"{_KINDS} {_NUMBER} {_ROUTE}(?: |$)")
_MILITARY_BOX = re.compile(rf"(?:^|.* (?=psc|cmr)){_MILITARY} {_BOX} {_NUMBER}")
_BOX_MILITARY = re.compile(rf"{_BOX} {_NUMBER} {_MILITARY}(?: |$)")
_WITHOUT_BOX = word_set("psc cmr rr rfd hc hcr")
_ROUTE_ALONE = re.compile("(?:psc|cmr|rr|rfd|hcr?)[0-9]+")
_HAS_BOX = word_set("box bx bzn mailbox drawer drwr bin caller lockbox pob po p buzon apartado apdo")


def read_box(found: list[str]) -> Line | None:
    """Parse a box and its route, or return None. The whole number counts: 12-3 is not 12.

    >>> read_box("rfd 3 box 12".split()) == read_box("box 12 rural route 3".split())
    True
    """
    found = _with_box(found)
    if _HAS_BOX.isdisjoint(found) and "po" not in "".join(found[:2]):
        return None
    text = " ".join(ALIKE.get(word, word) for word in found if word not in ("#", "no", "number", "num", "nbr"))
    if military := _MILITARY_BOX.match(text):
        kind, unit, number = military.groups()
        return _box([kind, unit], number)
    if military := _BOX_MILITARY.match(text):
        number, kind, unit = military.groups()
        return _box([kind, unit], number)
    if route := _ROUTE_BOX.match(text):
        rural, name, number = route.groups()
        return _box(["rr" if rural else "hc", name or ""], number)
    if route := _BOX_ROUTE.match(text):
        number, rural, name = route.groups()
        return _box(["rr" if rural else "hc", name or ""], number)
    post = _POST_BEHIND.match(text) or _POST.match(text) or _POST_ALONE.match(text)
    return None if post is None else _box(["po"], post[1])


def _with_box(found: list[str]) -> list[str]:
    """Insert the missing word "box" into forms such as PSC 3 # 1234 and CMR 402 77."""
    is_route = found[0] in _WITHOUT_BOX or _ROUTE_ALONE.fullmatch(found[0]) is not None
    if not is_route or not _HAS_BOX.isdisjoint(found):
        return found
    start = 1 if _ROUTE_ALONE.fullmatch(found[0]) else 2
    behind = found[start:]
    if behind[:1] == ["#"]:
        return [*found[:start], "box", *behind[1:]]
    is_military = found[0].startswith(("psc", "cmr"))
    return [*found[:start], "box", *behind] if is_military and len(behind) == 1 and behind[0].isdigit() else found


def _box(street: list[str], number: str) -> Line:
    return Line(LETTER_HYPHEN.sub("", number), [word for word in street if word], is_box=True)

"""Whether a person whom idiCORE found is the one who was asked for.

A wrong yes gives a stranger's phones to a caller; a wrong no throws away an answer that was paid for. So a name and an
address must agree, past names and addresses included. What is missing where it is needed never agrees. What only one
side says (a middle name, Jr, a unit, a direction) does not stand in the way; what both say differently does.
Addresses are read with the abbreviations of USPS Publication 28.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from leadflow.services.idicore import Person

_LONGEST = 300  # no name or address is longer; what is, is not one
_MOST_WORDS = 8  # of a whole name in one field
_SURNAME = 4  # letters from which half a double surname stands for the whole: not "Van", "Ben" or "O"

# Apostrophes join (O'Neil, ONEIL); what cannot be seen is not there.
_DROPPED = dict.fromkeys(map(ord, "'`\u00b4\u2018\u2019\u02bc\u2032\u00ad\u200b\u200c\u200d\u2060\ufeff"))
# Letters that do not decompose, and the slash in a written-out one half.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i", "\u2044": "/"}
)
# How a keyboard without these letters writes them; the other way is to drop the mark.
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_MARKS = re.compile("(?<=[a-z])[\u0300-\u036f]+")  # of Latin letters only: elsewhere a mark makes another letter
_FRACTION = re.compile("([\u00bc-\u00be\u2150-\u215e])")

_GENERATIONS = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "ii", "2nd": "ii", "iii": "iii", "3rd": "iii", "iv": "iv", "4th": "iv"}
_SAINTS = {"st": "saint", "ste": "sainte"}
# They belong to the surname, wherever the vendor cuts the name: "ANA VAN DER" + "BERG" is no Ana Berg.
_PARTICLES = frozenset(
    ["van", "von", "der", "den", "de", "del", "della", "dos", "das", "la", "las", "los", "saint", "sainte", "san", "santa", "mc", "mac"]
)

# Each group is one word, read as its first form (Publication 28, appendices B and C): whole words where the spacing may
# differ (Harbor View, Harborview), short ones where no name is made of them.
_SIDE_WORDS = """
n north; s south; e east; w west; ne northeast; nw northwest; se southeast; sw southwest
"""
_SUFFIX_WORDS = """
aly alley allee ally; ave avenue av aven avenu avn avnue; blvd boulevard boul boulv; byp bypass;
cir circle circ circl crcl; cres crescent; ct court crt; cv cove; dr drive driv drv doctor; expy expressway expwy;
fwy freeway frwy; hwy highway highwy hiway hiwy; ln lane; loop loops; pass; path paths; pike pikes;
pkwy parkway parkwy pkway pky; pl place; plz plaza plza; rd road; row; rte route rt; run; sq square sqr sqre;
st street str strt saint; ter terrace terr; tpke turnpike trnpk tpk; trce trace traces; trl trail trails;
walk walks; way; xing crossing
"""
_UNIT_WORDS = """
apt apartment; bldg building; bsmt basement; dept department; fl floor flr; lower lowr; no number; ofc office;
ph penthouse; rm room; spc space; ste suite sainte; trlr trailer; upper uppr; front frnt
"""
_STREET_WORDS = """
beach bch; bend bnd; branch br; brook brk; bridge brg; cliff clf; county co cnty; creek crk;
center ctr centre cntr cent; canyon cyn canyn; estate est; estates ests; falls fls; field fld; forest frst;
fort ft frt; gardens gdns; glen gln; green grn; grove grv; harbor hbr harbour; hill hl; hills hls; hollow holw;
heights hts; island is; junction jct; key ky; lake lk; lakes lks; meadows mdws; mill ml; mills mls; mount mt;
mountain mtn; orchard orch; point pt; port prt; ridge rdg; river riv; shore shr; spring spg; springs spgs;
station sta; township twp; union un; village vlg; valley vly; view vw; vista vis
"""
_ORDINALS = """
1 first; 2 second; 3 third; 4 fourth; 5 fifth; 6 sixth; 7 seventh; 8 eighth; 9 ninth; 10 tenth; 11 eleventh;
12 twelfth
"""


def _table(text: str) -> dict[str, str]:
    """What each word is read as."""
    groups = [group.split() for group in text.split(";")]
    return {word: group[0] for group in groups for word in group}


_ALIKE = _table(";".join((_STREET_WORDS, _UNIT_WORDS, _ORDINALS, _SUFFIX_WORDS, _SIDE_WORDS)))
_SIDES = frozenset(_table(_SIDE_WORDS).values())
_SUFFIXES = frozenset(_table(_SUFFIX_WORDS).values())
_NUMBERED = frozenset({"hwy", "rd", "rte", "loop"})  # "Old Highway 90", "Park Road 4": what follows is no unit
_HIGHWAYS = frozenset({"hwy", "rte", "us", "sr"})
_UNITS = frozenset({"apt", "unit", "ste", "#"})
_UNITS_WITH_NUMBER = frozenset({"bldg", "dept", "fl", "lot", "no", "ofc", "ph", "rm", "spc", "trlr"})  # not "Old Trailer Park"
_PARTS = frozenset({"rear", "front", "upper", "lower", "bsmt"})

_LETTER_HYPHEN = re.compile("-(?=[a-z])|(?<=[a-z])-| ")  # 12-A is 12A
_ORDINAL = re.compile("^([0-9]+)(?:st|nd|rd|th)$")
_INITIALS = re.compile(r"\b([a-z])\.(?=[a-z]\b)")
_HYPHEN_BEFORE_FRACTION = re.compile("-(?=[0-9]/[0-9])")
_HOUSE = re.compile(r"0*([0-9]+)(?:-([0-9]+))?-?([a-z]?)|([nsew][0-9]+[nsew][0-9]+)")  # 123, 43-15, 123-A, N65W123
_BOX = re.compile(
    r"(?:p ?o ?|post (?:ofc|off) |(rr|r r|rural rte|rte|hc|hcr|hwy contract)(?: rte)? 0*([0-9]+) |)box (?:no |# )*"
    r"0*([a-z]?[ -]?[0-9][0-9a-z-]*|[a-z])\b"
)
_BOX_BESIDE_STREET = re.compile(r" p ?o ?box [0-9].*")
# One name for each kind of numbered road; "County Road 12" and "CR 12" are one, US 90 and State Road 90 are two.
_ROADS = [
    (re.compile(rf"^((?:[ns]?[ew]? )?)(?:{forms}) ?(?=[0-9]|[a-z]\b)"), rf"\1{kind} ")
    for kind, forms in (
        ("cr", "county rd|cr|c r"),
        ("sr", "(?:state|st) (?:rd|rte|hwy)|sr|sh"),
        ("us", "(?:us|u s)(?: (?:hwy|rte))?"),
        ("fm", "(?:fm|farm to market|farm market)(?: rd)?"),
        ("i", "(?:ih?|interstate)(?: hwy)?(?= ?[0-9])"),
    )
]
_KING = re.compile(r"\b(?:mlk|m l king)\b")


class _Name(NamedTuple):
    """A name as words: `first` without the middle name, in one word; `free` when it came from one field of text."""

    first: str
    given: list[str]
    family: list[str]
    generation: str
    free: bool = False


class _Place(NamedTuple):
    """An address as it is compared."""

    number: str
    street: list[str]
    sides: frozenset[str]
    unit: list[str]
    is_box: bool
    city: str
    state: str
    zip: str


def is_same(person: Person, found: dict[str, Any]) -> bool:
    """Whether one of the found person's names and one of the addresses are those of the person asked for. Never raises."""
    home = _place(person.address, person.city, person.state, person.zip)
    if home is None or not any(_has_name(person, name) for name in _dicts(found, "name")):
        return False
    return any(_is_home(home, person, address) for address in _dicts(found, "address"))


def _has_name(person: Person, name: dict[str, Any]) -> bool:
    first, last = person.first_name, person.last_name
    mine = [_name(first, "", last, "", umlauts) for umlauts in _spellings(first, last)]
    theirs = [reading for umlauts in _spellings(*name.values()) for reading in _readings(name, umlauts)]
    return any(_same_name(one, other) for one in mine for other in theirs)


def _is_home(home: _Place, person: Person, address: dict[str, Any]) -> bool:
    fields = (address.get(part) for part in ("data", "city", "state", "zip"))
    place = _place(*fields, told=(person.city, person.state))
    return place is not None and _same_place(home, place)


def _dicts(found: dict[str, Any], part: str) -> list[dict[str, Any]]:
    items = found.get(part)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


# Text


def _fold(value: object, umlauts: bool = False) -> str:
    """Text without case, accents and apostrophes; "" for what is no text. Other scripts keep their letters as they are."""
    if isinstance(value, int) and 0 < value < 10**9:
        value = str(value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        return ""
    if value.isascii():
        return value.translate(_DROPPED).casefold()
    text = unicodedata.normalize("NFC", value.translate(_DROPPED)).casefold()
    text = _FRACTION.sub(r" \1", text.translate(_UMLAUTS) if umlauts else text)
    return _MARKS.sub("", unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS))


def _spellings(*texts: object) -> tuple[bool, ...]:
    """Whether umlauts are written out: no, and also yes where there may be any."""
    return (False,) if all(text.isascii() for text in texts if isinstance(text, str)) else (False, True)


def _words(text: str, kept: str = "") -> list[str]:
    """The words between punctuation; marks stay with their letters, and so do the characters `kept`."""
    if text.isascii():
        return _ascii_words(kept).findall(text)
    return "".join(c if c.isalnum() or c in kept or unicodedata.category(c)[0] == "M" else " " for c in text).split()


@lru_cache
def _ascii_words(kept: str) -> re.Pattern[str]:
    return re.compile(f"[A-Za-z0-9{re.escape(kept)}]+")


# Names


def _readings(name: dict[str, Any], umlauts: bool) -> Iterator[_Name]:
    """The vendor's name: its fields, or else every way to cut the text of the whole name in two."""
    suffix = name.get("suffix")
    if _name_words(name.get("first"), umlauts) and _name_words(name.get("last"), umlauts):
        yield _name(name["first"], name.get("middle"), name["last"], suffix, umlauts)
        return
    text = name.get("data")
    family, _, given = text.partition(",") if isinstance(text, str) else ("", "", "")
    if any(word not in _GENERATIONS for word in _name_words(given, umlauts)):  # "SMITH, JOHN", not "JOHN SMITH, JR"
        yield _name(given, "", family, suffix, umlauts)._replace(free=True)
        return
    words, generation = _cut_generation(_name_words(text, umlauts))
    for cut in range(1, len(words) if len(words) <= _MOST_WORDS else 0):
        first, last = " ".join(words[:cut]), " ".join(words[cut:])
        yield _name(first, "", last, suffix or generation, umlauts)._replace(free=True)


def _name_words(value: object, umlauts: bool) -> list[str]:
    """The words that have a letter: "-" and "." leave none, so that nobody is found by them."""
    words = (word for word in _words(_fold(value, umlauts)) if any(c.isalpha() for c in word))
    return [_SAINTS.get(word, word) for word in words]


def _name(first: object, middle: object, last: object, suffix: object, umlauts: bool) -> _Name:
    firsts, born = _cut_generation(_name_words(first, umlauts))
    family, born_too = _cut_generation(_name_words(last, umlauts))
    given = firsts + _name_words(middle, umlauts)
    keep = len(given)
    while keep > 1 and given[keep - 1] in _PARTICLES:
        keep -= 1
    generation = _GENERATIONS.get("".join(_words(_fold(suffix))), "") or born_too or born
    return _Name("".join(firsts[:keep]), given[:keep], given[keep:] + family, generation)


def _cut_generation(words: list[str]) -> tuple[list[str], str]:
    """Without Jr, Sr, II, III or IV at the end, and which it was; a name is not emptied."""
    if len(words) > 1 and words[-1] in _GENERATIONS:
        return words[:-1], _GENERATIONS[words[-1]]
    return words, ""


def _same_name(mine: _Name, theirs: _Name) -> bool:
    """Given name and surname agree, or all words do, wherever the name was cut. A father is not his son: Sr is not Jr."""
    if not (mine.given and mine.family and theirs.given and theirs.family):
        return False
    if mine.generation and theirs.generation and mine.generation != theirs.generation:
        return False
    if "".join(mine.given + mine.family) == "".join(theirs.given + theirs.family):
        return True
    return _same_given(mine, theirs) and _same_family(mine, theirs)


def _same_given(mine: _Name, theirs: _Name) -> bool:
    """Equal however spaced, or word by word, as far as both go: "John A" is JOHN and J, but not JOHN B."""
    pairs = zip(mine.given, theirs.given, strict=False)
    return mine.first == theirs.first or all(_same_or_initial(one, other) for one, other in pairs)


def _same_or_initial(one: str, other: str) -> bool:
    """A single Latin letter is an initial; in other scripts one character may be a whole name."""
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) == 1 and short.isascii() and long.startswith(short))


def _same_family(mine: _Name, theirs: _Name) -> bool:
    """Equal however spaced; or the first of a double surname alone, as US records shorten García López.

    Not the second alone, which is how cousins are told apart; and not in free text, where JOHN THOMAS SMITH
    would be a John Thomas.
    """
    short, long = sorted((mine.family, theirs.family), key=len)
    if "".join(short) == "".join(long):
        return True
    is_double = len(long) == 2 and all(len(word) >= _SURNAME and word not in _PARTICLES for word in long)
    return is_double and short == long[:1] and not theirs.free


# Places


def _same_place(mine: _Place, theirs: _Place) -> bool:
    if mine.number != theirs.number or mine.is_box != theirs.is_box or not _same_area(mine, theirs):
        return False
    sides_agree = mine.sides <= theirs.sides or theirs.sides <= mine.sides  # "Main St" is N Main St, which is not S Main St
    return sides_agree and _same_street(mine.street, theirs.street) and _same_unit(mine.unit, theirs.unit)


def _same_area(mine: _Place, theirs: _Place) -> bool:
    """The same ZIP; or else the same city and state, for ZIPs are split, moved and mistyped more often than towns have a street twice.

    A box is counted anew in each ZIP of a city, so two ZIPs are two boxes. Nothing to compare is no agreement.
    """
    if mine.zip and theirs.zip and (mine.zip == theirs.zip or mine.is_box):
        return mine.zip == theirs.zip
    return bool(mine.city and mine.state) and (mine.city, mine.state) == (theirs.city, theirs.state)


def _same_street(mine: list[str], theirs: list[str]) -> bool:
    """All words agree, however spaced; one side may leave out the suffix, but Oak St is not Oak Ct.

    A highway without its kind is the US or state road of that number: no number is given to both in one place.
    """
    if mine[1:] == theirs[1:] and {mine[0], theirs[0]} <= _HIGHWAYS and {mine[0], theirs[0]} != {"us", "sr"}:
        return True
    one, other = "".join(mine), "".join(theirs)
    return one == other or one == _without_suffix(theirs) or _without_suffix(mine) == other


def _without_suffix(street: list[str]) -> str:
    return "".join(street[:-1] if street[-1] in _SUFFIXES else street)


def _same_unit(mine: list[str], theirs: list[str]) -> bool:
    """One may be silent, or say less (the flat without the building): neighbours in a tower share names, but not a flat."""
    silent = not mine or not theirs
    return silent or "".join(mine) == "".join(theirs) or set(mine) <= set(theirs) or set(theirs) <= set(mine)


def _place(line: object, city: object, state: object, zip_code: object, told: tuple[str, str] = ("", "")) -> _Place | None:
    """An address read; None without a house number and a street, or a box.

    City, state and ZIP may stand at the end of the line too. Where their fields are empty, they are sought there as
    those `told`, and hold only if found.
    """
    words = _address_words(line)
    area = [_city(city), _city(state), _zip(zip_code)]
    tail = _cut_area(words, area[0] or _city(told[0]), area[1] or _city(told[1]))
    if tail is not None:
        words, *written = tail
        area = [field or text for field, text in zip(area, written, strict=True)]
    read = _read_box(words) or _read_street(words)
    return None if read is None else _Place(*read, *area)


def _address_words(line: object) -> list[str]:
    """The words, with # as one, N.E. and P.O. in one, and hyphens and fractions left in numbers."""
    text = _INITIALS.sub(r"\1", _fold(line))
    text = _HYPHEN_BEFORE_FRACTION.sub(" ", text).replace("#", " # ")
    return [word for word in (word.strip("-/") for word in _words(text, kept="#-/")) if word]


def _alike(words: list[str]) -> list[str]:
    """Each word as those like it are read, and 4th as 4."""
    parts = " ".join(words).replace("-", " ").replace("/", " ").split()
    return [_ORDINAL.sub(r"\1", part) if part[0].isdigit() else _ALIKE.get(part, part) for part in parts]


def _city(value: object) -> str:
    """A city or state in one word: FORT WORTH is Ft. Worth, and COEUR D ALENE Coeur d'Alene."""
    return _known_city(value) if isinstance(value, str) else "".join(_alike(_address_words(value)))


@lru_cache(maxsize=4096)
def _known_city(text: str) -> str:
    return "".join(_alike(_address_words(text)))


def _zip(value: object) -> str:
    """The five digits, with the zero that a spreadsheet took from the front; "" for anything else."""
    digits = re.match(r"[0-9]*", _fold(value).strip())
    text = digits.group() if digits else ""
    text = text.zfill({3: 5, 4: 5, 8: 9}.get(len(text), 0))
    return text[:5] if len(text) in (5, 9) and text.strip("0") else ""


def _cut_area(words: list[str], city: str, state: str) -> tuple[list[str], str, str, str] | None:
    """The line without this city, this state and a ZIP at its end, and what was cut; None where they are not there."""
    has_zip = bool(words) and re.fullmatch(r"[0-9]{5}(-[0-9]{4})?", words[-1]) is not None
    zip_code, rest = (_zip(words[-1]), words[:-1]) if has_zip else ("", words)
    if not city or not rest or _city(rest[-1]) != state:
        return None
    for start in range(len(rest) - 2, 1, -1):  # a number and a street, or the two words of a box, are left
        if _city(" ".join(rest[start:-1])) == city:
            return rest[:start], city, state, zip_code
    return None


_Read = tuple[str, list[str], frozenset[str], list[str], bool]


def _read_box(words: list[str]) -> _Read | None:
    """A box of the post office, or of a rural route: its whole number counts, 12-3 is not 12, and the route's."""
    box = _BOX.match(" ".join(_ALIKE.get(word, word) for word in words))
    if box is None:
        return None
    kind, route, number = box.groups()
    street = [("hc" if kind.startswith("h") else "rr"), route] if kind else ["po"]
    return _LETTER_HYPHEN.sub("", number), street, frozenset(), [], True


def _read_street(words: list[str]) -> _Read | None:
    words, unit = _cut_unit_before(words)
    house = _HOUSE.fullmatch(words[0]) if words else None
    if house is None:
        return None
    number, second, letter, grid = house.groups()
    unit = unit + [part for part in (letter,) if part]
    if len(words) > 1 and re.fullmatch("[0-9]/[0-9]", words[1]):  # the half house in the yard
        unit, words = [*unit, words[1]], words[1:]
    street, unit_after = _cut_unit(_road(words[1:]))
    street, sides = _cut_sides(street)
    if not street or _is_unit_alone(street):
        return None
    return grid or number + (second or ""), street, sides, unit + unit_after, False


def _road(words: list[str]) -> list[str]:
    """A street's words with one name for each kind of numbered road, and for Dr. Martin Luther King Jr."""
    text = _KING.sub("martin luther king", " ".join(_alike(words)))
    text = _BOX_BESIDE_STREET.sub("", text)
    for form, name in _ROADS:
        text = form.sub(name, text)
    return text.split()


def _cut_unit_before(words: list[str]) -> tuple[list[str], list[str]]:
    """Without the unit before the house number: "Apt 4, 123 Main St"."""
    start = 0
    while start < len(words) and _ALIKE.get(words[start], words[start]) in _UNITS | _UNITS_WITH_NUMBER:
        start += 1
    if start and len(words) > start + 1 and _HOUSE.fullmatch(words[start + 1]):
        return words[start + 1 :], _unit(words[start : start + 1])
    return words, []


def _cut_unit(words: list[str]) -> tuple[list[str], list[str]]:
    """Without the unit behind the street, and the unit. The first word of a street's name is never one: Front St."""
    first = 2 if words and words[0] in _SIDES else 1
    if len(words) > first + 1 and words[-1] == "fl" and words[-2].isdigit():  # 2nd floor
        words = [*words[:-2], "fl", words[-2]]
    end = next((n for n in range(first, len(words)) if _starts_unit(words[n:])), len(words))
    while end > first and words[end - 1] in _PARTS:
        end -= 1
    if end == len(words) > first + 1 and _is_bare_unit(*words[-2:]):
        end -= 1
    return words[:end], _unit(words[end:])


def _starts_unit(words: list[str]) -> bool:
    return words[0] in _UNITS or (words[0] in _UNITS_WITH_NUMBER and _has_unit_number(words))


def _is_unit_alone(words: list[str]) -> bool:
    """ "123 # 4" names no street; "123 Ste Marie Ave" does."""
    return words[0] in _UNITS | _UNITS_WITH_NUMBER and (len(words) == 1 or _has_unit_number(words))


def _has_unit_number(words: list[str]) -> bool:
    return len(words) > 1 and (words[1][0].isdigit() or len(words[1]) == 1)


def _is_bare_unit(before: str, word: str) -> bool:
    """A number or letter behind a street's suffix: "123 Main St 4B"; but not a direction, or the number of a road."""
    is_number = any(c.isdigit() for c in word)
    is_letter = len(word) == 1 and word not in _SIDES
    return (is_number or is_letter) and before in _SUFFIXES and before not in _NUMBERED


def _unit(words: list[str]) -> list[str]:
    """What tells a unit, without the word for it: # 4B, Ste 4B and Unit 4-B are one."""
    named = [word for word in _alike(words) if word not in _UNITS | _UNITS_WITH_NUMBER]
    return [word.lstrip("0") or "0" for word in named]


def _cut_sides(words: list[str]) -> tuple[list[str], frozenset[str]]:
    """Without the directions around a street's name, and which; N St and Avenue N are names."""
    sides: set[str] = set()
    if len(words) > 1 and words[-1] in _SIDES and not (len(words) == 2 and words[0] in _SUFFIXES):
        words, sides = words[:-1], {words[-1]}
    if len(words) > 1 and words[0] in _SIDES and not (len(words) == 2 and words[1] in _SUFFIXES):
        words, sides = words[1:], {*sides, words[0]}
    words = words[1:] if len(words) > 2 and words[0] == "dr" else words  # Dr. Martin Luther King
    return words[:1] + [word for word in words[1:] if word != "jr"], frozenset(sides)

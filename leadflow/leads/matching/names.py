"""Parse name fields into the words of a person's name, and compare two names.

Not every name is a person's. Placeholders, estates, trusts, companies and persons marked as deceased have no name to
compare. The parser removes titles, credentials and roles in a deed. From two people in one field (JOHN & MARY) it
takes the first, because one lookup is for one person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from leadflow.leads.matching.name_words import (
    BARRED,
    BARRED_ENDS,
    BARRED_IN_BRACKETS,
    BARRED_PAIRS,
    COMPANIES,
    COMPANIES_OR_NAMES,
    COMPANIONS,
    CREDENTIALS,
    ENDS_OF_COMPANIES,
    ESTATES,
    GENERATIONS,
    JOINING,
    KINDS_OF_TRUST,
    NAMES_OR_COMPANIES,
    NO_GIVEN_NAMES,
    PARTICLES,
    PLACEHOLDER_WORDS,
    PLACEHOLDERS,
    ROLE_PAIRS,
    ROLES,
    ROLES_OR_NAMES,
    SAINTS,
    TITLES,
    TITLES_OR_NAMES,
    TRUSTS,
)
from leadflow.leads.matching.text import fold, spellings, word_set, words

_MOST_WORDS = 8  # in a whole name in one field
_SURNAME = 4  # minimum letters of half a double surname that may stand for the whole: not "Van", "Ben" or "O"

_BRACKETS = re.compile(r'\([^()]*\)?|\[[^\[\]]*\]?|\{[^{}]*\}?|"[^"]*"|\u201c[^\u201d]*\u201d')
_NOT_AVAILABLE = re.compile(r"\bn\s*[/\\]\s*a\b|^\W*n\W+a\W*$")
_ROLE_SIGNS = re.compile(
    r"\b(?:c\s*/\s*o|h\s*[/&]\s*w|w\s*[/&]\s*h|[afnd]\s*/\s*[kb]\s*/\s*a|t\s*/\s*[ce]|l\s*/\s*e|u\s*/\s*[adtw](?:\s*/\s*[dt])?)\b"
)
_INITIAL_BY_SLASH = re.compile(r"(?<!\w)[^\W\d]\s*[/\\]|[/\\]\s*[^\W\d](?!\w)")
_DOTTED = re.compile(r"\b([a-z]{1,2})\.(?=[a-z]\b)")  # M.D., Ph.D.
_LETTERS = re.compile(r"\b[a-z](?:[. ]{1,2}[a-z]\b){2,}")  # L.L.C., R I P
_MEDICAL = re.compile(r"\bm\.? d\b(?=\.?\W*$)")
_DEATH = re.compile("[\u2020\u2021\u271d\u271e\u26b0]|deceas|deseased|decesed")  # also joined to a name
_KEYBOARD = re.compile(r"x{2,}|([a-z])\1{3,}|([a-hj-z])\2{2}")  # xx, aaaa; not III
_PLAIN = re.compile(r"(?!.*\b[a-z][ -]+[a-z]\b)(?!.*deceas)[a-z -]*")
_ROLE = "ttee"

_UNUSUAL = (
    *(
        BARRED,
        BARRED_ENDS,
        ESTATES,
        TITLES,
        TITLES_OR_NAMES,
        CREDENTIALS,
        ROLES,
        frozenset(ROLE_PAIRS),
        JOINING,
        PLACEHOLDERS,
    ),
    *(
        NO_GIVEN_NAMES,
        PLACEHOLDER_WORDS,
        COMPANIES,
        COMPANIES_OR_NAMES,
        NAMES_OR_COMPANIES,
        word_set("of for the est na late dec not opt opted single married widow widower"),
    ),
)
# A middle initial A is usual; it is part of a role only with the words beside it.
_LOOKED_AT = frozenset().union(*_UNUSUAL) - {"a", "an"}


class Name(NamedTuple):
    """A name as words. `first` is the given name as one word, without the middle name.

    `free` means that the name comes from one text field. A name without a given name or a surname is not a person's.
    """

    first: str
    given: list[str]
    family: list[str]
    generation: str
    free: bool = False


_NOBODY = Name("", [], [], "")


def names_of(first: object, last: object) -> list[Name]:
    """Return the name of a lead's person in each spelling of its umlauts; empty if it is not a person's name.

    >>> [name.family for name in names_of("Dr. Ann", "Lee, MD")], names_of("Estate of Ann", "Lee")
    ([['lee']], [])
    """
    found = (read_name(first, "", last, "", umlauts) for umlauts in spellings(first, last))
    return [name for name in found if is_person(name)]


def searched_name(first: str, last: str) -> tuple[str, str]:
    """Return the name for the lookup: as written, or without extra words (SMITH TR, DR ANN) if there are any.

    >>> searched_name("Dr. Ann", "Lee ET AL"), searched_name("Séan", "O'Neil")
    (('ANN', 'LEE'), ('Séan', "O'Neil"))
    """
    folded = fold(first), fold(last)
    read = _two_parts(*folded)
    if not all(read) or read == tuple(_lettered(words(text)) for text in folded):
        return first, last
    return " ".join(read[0]).upper(), " ".join(read[1]).upper()


def is_person(name: Name) -> bool:
    """Whether the name has a given name and a surname."""
    return bool(name.given and name.family)


def readings(name: dict[str, Any], umlauts: bool) -> Iterator[Name]:
    """Yield the vendor's name from its fields, or else each way to split the whole name into two parts."""
    suffix = name.get("suffix")
    if _has_letter(name.get("first")) and _has_letter(name.get("last")):
        yield read_name(name["first"], name.get("middle"), name["last"], suffix, umlauts)
        return
    text = name.get("data")
    family, _, given = text.partition(",") if isinstance(text, str) else ("", "", "")
    if any(
        word not in GENERATIONS and word not in CREDENTIALS for word in name_words(given, umlauts)
    ):  # "SMITH, JOHN", not "JOHN SMITH, JR"
        yield read_name(given, "", family, suffix, umlauts)._replace(free=True)
        return
    whole, generation = _cut_generation(_persons_words(fold(text, umlauts), behind=True))
    for cut in range(1, len(whole) if len(whole) <= _MOST_WORDS else 0):
        first, last = " ".join(whole[:cut]), " ".join(whole[cut:])
        yield read_name(first, "", last, suffix or generation, umlauts)._replace(free=True)


def read_name(first: object, middle: object, last: object, suffix: object, umlauts: bool) -> Name:
    """Parse the fields into a name; return an empty name if they do not name a person."""
    firsts, family = _two_parts(fold(first, umlauts), fold(last, umlauts))
    firsts, born = _cut_generation(firsts)
    family, born_too = _cut_generation(family)
    behind = words(fold(suffix)) if suffix else []
    if not (firsts and family) or not BARRED.isdisjoint(behind):
        return _NOBODY
    given = firsts + name_words(middle, umlauts) if middle else firsts
    keep = len(given)
    while keep > 1 and given[keep - 1] in PARTICLES:
        keep -= 1
    generation = GENERATIONS.get("".join(behind), "") or born_too or born
    return Name("".join(firsts[:keep]), given[:keep], given[keep:] + family, generation)


def name_words(value: object, umlauts: bool) -> list[str]:
    """Return the words that contain a letter. "-" and "." have none, so they cannot match a person."""
    return _lettered(words(fold(value, umlauts)))


def _has_letter(value: object) -> bool:
    return isinstance(value, str) and any(map(str.isalpha, value))


def _lettered(found: list[str]) -> list[str]:
    return [SAINTS.get(word, word) for word in found if any(c.isalpha() for c in word)]


@lru_cache(maxsize=4_096)  # read before the lookup, and again for its request and for the person found
def _two_parts(first: str, last: str) -> tuple[list[str], list[str]]:
    """Return the words of the given name and of the surname; empty if the two fields do not name a person."""
    firsts, lasts = _lettered(words(first)), _lettered(words(last))
    if (
        _PLAIN.fullmatch(first)
        and _PLAIN.fullmatch(last)
        and _LOOKED_AT.isdisjoint(firsts)
        and _LOOKED_AT.isdisjoint(lasts)
        and lasts != ["a"]
    ):
        return ([] if _KEYBOARD.fullmatch(first) else firsts), ([] if _KEYBOARD.fullmatch(last) else lasts)
    if _is_barred(first) or _is_barred(last) or _is_trust(firsts + lasts):
        return [], []
    if _is_company(_names_alone(first), _names_alone(last)):
        return [], []
    if any(len(found) > 1 and _says_nothing(found) for found in (firsts, lasts)) or (firsts, lasts) == (["n"], ["a"]):
        return [], []
    given, family = _persons_words(first, behind=False), _persons_words(last, behind=True)
    if _ends_with_joining(first) and len(family) > 1:  # "JOHN &" beside "MARY SMITH"
        family = family[1:]
    if not given and firsts and not _says_nothing(firsts):  # "DR" beside "JOHN SMITH"
        given, family = family[:1], family[1:]
    elif not family and lasts and not _says_nothing(lasts):  # "JOHN SMITH" beside "TR"
        given, family = _cut_surname(given)
    if _says_nothing(given + family) or _is_no_given_name(given) or (len(family) > 1 and _says_nothing(family)):
        return [], []
    return given, family


def _cut_surname(found: list[str]) -> tuple[list[str], list[str]]:
    start = max(0, len(found) - 1)
    while start > 1 and found[start - 1] in PARTICLES:
        start -= 1
    return found[:start], found[start:]


def _says_nothing(found: list[str]) -> bool:
    return all(word in PLACEHOLDER_WORDS or word in PLACEHOLDERS for word in found)


def _is_no_given_name(given: list[str]) -> bool:
    """Whether a given name cannot be a person's: a word such as NULL, or several words without a name."""
    if given[:1] == ["the"] or (len(given) == 1 and given[0] in NO_GIVEN_NAMES):
        return True
    return len(given) > 1 and PLACEHOLDER_WORDS.issuperset(given)


def _is_barred(text: str) -> bool:
    """Whether a field marks its person as deceased (THE LATE JOHN) or as not to be called (DO NOT CALL)."""
    found = _lettered(words(_joined(text)))
    if _DEATH.search(text) or not BARRED.isdisjoint(found) or not BARRED_PAIRS.isdisjoint(pairwise(found)):
        return True
    lead = found[1:] if found[:1] == ["the"] else found
    if len(found) > 1 and (found[-1] in BARRED_ENDS or (lead[:1] == ["late"] and len(lead) > 1)):
        return True
    return any(not BARRED_IN_BRACKETS.isdisjoint(words(aside)) for aside in _BRACKETS.findall(text))


def _joined(text: str) -> str:
    """Join three or more single letters into one word."""
    return _LETTERS.sub(lambda letters: re.sub("[. ]", "", letters[0]), text)


def _names_alone(text: str) -> list[str]:
    """Return the words before a role in a deed, including "&"."""
    return _cut_role(words(_signed(text), kept="&"))


def _signed(text: str) -> str:
    """Replace signs with words: C/O and H/W with a role, separators of two people with "&"."""
    text = _ROLE_SIGNS.sub(f" {_ROLE} ", _NOT_AVAILABLE.sub(" ", _joined(text)))
    return re.sub(r"[&+;/\\]", " & ", text)


def _cut_role(found: list[str]) -> list[str]:
    """Cut roles such as ET UX or TRUSTEE OF ...: at the front only the role, otherwise everything from it on."""
    while found and (length := _role_length(found)):
        found = found[length:]
    for start in range(1, len(found)):
        if _role_length(found[start:]) or found[start] in ROLES_OR_NAMES:
            return found[:start]
    return found


def _role_length(found: list[str]) -> int:
    if found[1:2] and found[1] in ROLE_PAIRS.get(found[0], ()):
        return 2
    return int(found[0] in ROLES and found[0] not in ROLES_OR_NAMES)


def _is_company(first: list[str], last: list[str]) -> bool:
    """Whether the words name a company, an office, a trust or an estate."""
    found = first + last
    seen = set(found)
    if (
        "of" in seen
        or ("for" in seen and len(found) > 2)
        or not ESTATES.isdisjoint(seen)
        or not COMPANIES.isdisjoint(seen)
        or _is_estate(first, last)
    ):
        return True
    if any(word == "&" and after in COMPANIONS for word, after in pairwise(found)):
        return True
    ends = last[-1:] and (last[-1] in COMPANIES_OR_NAMES or last[-1] in ENDS_OF_COMPANIES)
    signs = sum(word in COMPANIES_OR_NAMES for word in found)
    if signs and (signs > 1 or not NAMES_OR_COMPANIES.isdisjoint(seen) or (ends and last[-1] in ENDS_OF_COMPANIES)):
        return len(found) > 2
    return bool(
        ends
        and last[-1] in COMPANIES_OR_NAMES
        and (len(last) > 1 or (len(first) > 1 and all(len(w) > 1 for w in first)))
    )


def _is_trust(found: list[str]) -> bool:
    """Whether the words name a trust: SMITH REV LIV TR, SMITH FAMILY TR. SMITH TR names a trustee."""
    return any(kind in KINDS_OF_TRUST and word in TRUSTS for kind, word in pairwise(found))


def _is_estate(first: list[str], last: list[str]) -> bool:
    """Whether the words name an estate: SMITH EST, or EST before a name. John Est is a person's name."""
    return first[:1] == ["est"] or "est" in (last[1:] if len(last) > 1 else []) or "est" in first[1:]


def _persons_words(text: str, behind: bool) -> list[str]:
    """Return the words of the first person in a field. In a surname (`behind`) remove credentials."""
    if _is_barred(text):
        return []
    outside = _BRACKETS.sub(" ", text)
    text = outside if _lettered(words(outside)) else text
    plain = _ROLE_SIGNS.sub(f" {_ROLE} ", _NOT_AVAILABLE.sub(" ", text))
    if _INITIAL_BY_SLASH.search(plain):
        return []
    if behind:
        plain = _MEDICAL.sub("md", _DOTTED.sub(r"\1", plain))
    found = _cut_role(words(re.sub(r"[&+;/\\]", " & ", plain), kept="&"))
    cleaned = (_without_titles(_lettered(person), behind) for person in _people(found))
    return next((person for person in cleaned if person), [])


def _people(found: list[str]) -> Iterator[list[str]]:
    """Yield the words of each person: split at "&" and AND."""
    start = 0
    for end in [*(n for n, word in enumerate(found) if word in JOINING and len(found) > 1), len(found)]:
        yield found[start:end]
        start = end + 1


def _without_titles(found: list[str], behind: bool) -> list[str]:
    found = [word for word in found if word not in PLACEHOLDERS and not _KEYBOARD.fullmatch(word)]
    while found[:1] and _is_title(found, behind):
        found = found[1:]
    while len(found) > 1 and found[-1] in CREDENTIALS:
        found = found[:-1]
    return [] if behind and len(found) == 1 and found[0] in CREDENTIALS else found


def _is_title(found: list[str], behind: bool) -> bool:
    if len(found) == 1:
        return found[0] in TITLES and not behind
    return found[0] in TITLES or (found[0] in TITLES_OR_NAMES and not behind)


def _ends_with_joining(text: str) -> bool:
    found = words(_signed(text), kept="&")
    return len(found) > 1 and found[-1] in JOINING


def _cut_generation(found: list[str]) -> tuple[list[str], str]:
    """Cut Jr, Sr, II, III or IV from the end and return it too; never remove the only word."""
    if len(found) > 1 and found[-1] in GENERATIONS:
        return found[:-1], GENERATIONS[found[-1]]
    return found, ""


def same_name(mine: Name, theirs: Name) -> bool:
    """Whether given name and surname agree, or all words do, wherever the name was split. Sr is not Jr."""
    if not (is_person(mine) and is_person(theirs)):
        return False
    if mine.generation and theirs.generation and mine.generation != theirs.generation:
        return False
    if "".join(mine.given + mine.family) == "".join(theirs.given + theirs.family):
        return True
    return same_given(mine, theirs) and same_family(mine, theirs)


def same_given(mine: Name, theirs: Name) -> bool:
    """Whether given names are equal without spaces, or agree word by word: "John A" matches JOHN and J, not JOHN B."""
    pairs = zip(mine.given, theirs.given, strict=False)
    return mine.first == theirs.first or all(_same_or_initial(one, other) for one, other in pairs)


def _same_or_initial(one: str, other: str) -> bool:
    """Whether two words are equal, or one is the other's initial. Only a Latin letter can be an initial."""
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) == 1 and short.isascii() and long.startswith(short))


def same_family(mine: Name, theirs: Name) -> bool:
    """Whether surnames are equal without spaces, or one is the first half of the other, a double surname.

    US records shorten García López to García. The second half alone does not match: it distinguishes cousins. Halves
    do not match in free text either: JOHN THOMAS SMITH would match John Thomas.
    """
    short, long = sorted((mine.family, theirs.family), key=len)
    if "".join(short) == "".join(long):
        return True
    is_double = len(long) == 2 and all(len(word) >= _SURNAME and word not in PARTICLES for word in long)
    return is_double and short == long[:1] and not theirs.free

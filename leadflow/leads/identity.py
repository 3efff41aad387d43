"""Normalise the identity of a lead to one text per person. Python and SQL compute the same text.

Two spellings have the same text only if USPS Publication 28 treats them as equal: case, blanks, punctuation, accents,
ST and STREET, N and NORTH, 4TH and FOURTH, APT and #, Maine and ME, 4530 and 04530-1234. There is no fuzzy comparison:
a different house number, unit, name, generation (Jr), city, state or ZIP means a different person. If two persons had
the same text, leadflow would never process one of them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from leadflow.leads.columns import IDENTITY
from leadflow.leads.matching.address_words import ALIKE
from leadflow.leads.matching.name_words import SAINTS
from leadflow.leads.postal import STATE_CODES, ZERO_PREFIXES, ZIP_DIGITS

# Characters that separate words.
_BLANKS = (
    '\t\n\v\f\r!"$%&()*+,-./:;<=>?@[\\]^_{}'
    "\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\u00ab\u00bb\u00b7\u2022\u2026\u201c\u201d\u2212"
    + "".join(map(chr, (*range(0x2000, 0x200B), *range(0x2010, 0x2016))))
)
_ACCENTED = {
    letter: base
    for letter in map(chr, range(0xDF, 0x180))
    if letter.lower() == letter
    and (base := unicodedata.normalize("NFKD", letter)[0]).isascii()
    and base.isalpha()
    and letter != base
} | {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00f0": "d", "\u0131": "i"}
_UNSEEN = "'`\u00b4\u2018\u2019\u02bc\u2032\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_FROM = _BLANKS + "".join(_ACCENTED) + _UNSEEN  # the last ones have no counterpart, so they are removed
_TO = " " * len(_BLANKS) + "".join(_ACCENTED.values())
_TRANSLATION = {ord(letter): _TO[n] if n < len(_TO) else None for n, letter in enumerate(_FROM)}
_PAIRS = {"\u00df": "ss", "\u00e6": "ae", "\u0153": "oe"}

_MARKS = "[\u0300-\u036f]"
_NUMBERS_JOINED = "([0-9]) ?[-/\u2010-\u2015] ?([0-9])"  # 12-3 is neither 123 nor 12 3
_DOTTED_SIDES = "(^|[ ,])([ns])[.]([ew])[.]"  # N.E., which is not N E
_NUMBERED = " ([0-9]+)(st|nd|rd|th) "
_LEADING_ZEROS = "^  0+([1-9])"
# Other spellings of an address or a city. Two blanks separate words, so that each word has its own blanks.
_PHRASES = {
    " p  o  box ": " po  box ", " post  ofc  box ": " po  box ", " pob ": " po  box ", " pobox ": " po  box ",
    " rural  rte ": " rr ", " r  r ": " rr ",
}  # fmt: skip
# People write "#" for an apartment or a unit, but not for a suite, a lot or a floor.
_UNITS = {"apt": "#", "unit": "#"}


@lru_cache(maxsize=1)
def _replacements() -> dict[str, str]:
    """Map each text to its replacement. No replacement creates a word to replace: order matters only for phrases."""
    words = {f" {word} ": f" {_standard(word)} " for word in (*ALIKE, *_UNITS) if _standard(word) != word}
    return {**words, **_PHRASES, " #  # ": " # "}


def _standard(word: str) -> str:
    standard = ALIKE.get(word, word)
    standard = _UNITS.get(standard, standard)
    return standard if standard == word else _standard(standard)


@lru_cache(maxsize=1)
def _by_word() -> tuple[dict[str, tuple[str, str]], list[tuple[str, str]]]:
    """Return the replacements of one word by that word, and all others in their order."""
    found = _replacements().items()
    alone = {written.strip(): (written, standard) for written, standard in found if written == f" {written.strip()} "}
    words = {word: pair for word, pair in alone.items() if " " not in word and pair[0] not in _PHRASES}
    return words, [
        (written, standard) for written, standard in found if words.get(written.strip(), ("",))[0] != written
    ]


def _replaced(words: str) -> str:
    """Make all replacements. It looks at the words that are there, since most of the 200 replacements find nothing."""
    alone, others = _by_word()
    for word in alone.keys() & set(words.split(" ")):
        words = words.replace(*alone[word])
    for written, standard in others:
        words = words.replace(written, standard)
    return words


def identity_text(first_name: str, last_name: str, address: str, city: str, state: str, zip_code: str) -> str:
    """Return the normalised identity of a person. identity_sql computes the same text in the warehouse.

    >>> one = identity_text("Ann", "O'Neil", "12 North Elm Street, Apt 4", "St. Louis", "Missouri", "63101-1234")
    >>> one == identity_text("ANN ", "ONEIL", "12  N ELM ST #4", "Saint Louis", "MO", "63101")
    True
    >>> identity_text("Ann", "Lee", "12-3 Elm St", "", "", "") == identity_text("Ann", "Lee", "123 Elm St", "", "", "")
    False
    """
    parts = [part.replace("|", " ") for part in (first_name, last_name, address, city, state, zip_code)]
    parts[2] = re.sub(_NUMBERS_JOINED, r"\1~\2", re.sub(_DOTTED_SIDES, r"\1\2\3 ", parts[2].lower()))
    parts[5] = parts[5].replace(".", "~")
    first, last, line, town, region, code = _plain("|".join(parts)).split("|")
    words = re.sub(" +", "  ", f" {line.replace('#', ' # ')} | {town} ")
    words = re.sub(_NUMBERED, r" \1 ", re.sub(_LEADING_ZEROS, r"  \1", words))
    words = _replaced(words)
    line, town = words.split("|")
    region = region.replace(" ", "")
    region = STATE_CODES.get(region, region)
    names = (_saints(name).replace(" ", "") for name in (first, last))
    code = _zip_text(re.sub("~0*$", "", code.replace(" ", "")), region)
    return "|".join((*names, line, town.replace(" ", ""), region, code))


def _plain(text: str) -> str:
    text = text.lower()
    for written, standard in _PAIRS.items():
        text = text.replace(written, standard)
    return re.sub(_MARKS, "", text).translate(_TRANSLATION)


def _saints(name: str) -> str:
    name = f" {name} "
    for written, standard in SAINTS.items():
        name = name.replace(f" {written} ", f" {standard} ")
    return name


def _zip_text(code: str, state: str) -> str:
    if not (code.isascii() and code.isdecimal() and len(code) in ZIP_DIGITS):
        return code
    five = code.zfill(ZIP_DIGITS[len(code)])[:5]
    return five if len(code) in (5, 9) or state + five[:3] in ZERO_PREFIXES else code


# The same in SQL. It uses only functions and regular expressions that both Snowflake and DuckDB support.

_A_LEVEL = 12  # nested replacements per level; SQL parsers limit the depth


def identity_sql(rows: str) -> str:
    """Return a query for "lf_row" and "lf_identity". `rows` is a query for "lf_row" and the parts as text columns.

    >>> identity_sql('SELECT 1 AS "lf_row", ...').startswith("WITH lf_text AS (SELECT")
    True
    """
    levels = [("lf_text", f'SELECT "lf_row", {_plain_sql()} AS "t" FROM ({rows}) r'), ("lf_split", _split_sql())]
    chain = list(_replacements().items())
    for start in range(0, len(chain), _A_LEVEL):
        words = '"w"'
        for written, standard in chain[start : start + _A_LEVEL]:
            words = f"REPLACE({words}, {_literal(written)}, {_literal(standard)})"
        levels.append((f"lf_words_{start}", f'SELECT "lf_row", "n", "s", "z", {words} AS "w" FROM {levels[-1][0]}'))
    known = ", ".join(f"{name} AS ({query})" for name, query in levels)
    address = """SPLIT_PART("w", '|', 1) || '|' || REPLACE(SPLIT_PART("w", '|', 2), ' ', '')"""
    identity = f"""{address} || '|' || "s" || '|' || {_zip_sql()} AS "lf_identity" FROM {levels[-1][0]}"""
    return f"""WITH {known} SELECT "lf_row", "n" || '|' || {identity}"""


def _plain_sql() -> str:
    """Return SQL for the six parts in one text with bars between, normalised like _plain."""
    first, last, address, city, state, code = (f"""REPLACE("{part}", '|', ' ')""" for part in IDENTITY)
    address = _regexp(_regexp(f"LOWER({address})", _DOTTED_SIDES, r"\1\2\3 "), _NUMBERS_JOINED, r"\1~\2")
    parts = (first, last, address, city, state, f"REPLACE({code}, '.', '~')")
    text = "LOWER({})".format(" || '|' || ".join(parts))
    for written, standard in _PAIRS.items():
        text = f"REPLACE({text}, {_literal(written)}, {_literal(standard)})"
    return f"TRANSLATE({_regexp(text, _MARKS, '')}, {_literal(_FROM)}, {_literal(_TO)})"


def _split_sql() -> str:
    first, last, line, town, region, code = (f"""SPLIT_PART("t", '|', {n})""" for n in range(1, 7))
    words = f"' ' || REPLACE({line}, '#', ' # ') || ' | ' || {town} || ' '"
    words = _regexp(words, " +", "  ")
    words = _regexp(_regexp(words, _LEADING_ZEROS, r"  \1"), _NUMBERED, r" \1 ")
    names = []
    for name in (first, last):
        name = f"' ' || {name} || ' '"
        for written, standard in SAINTS.items():
            name = f"REPLACE({name}, ' {written} ', ' {standard} ')"
        names.append(f"REPLACE({name}, ' ', '')")
    code = _regexp(f"REPLACE({code}, ' ', '')", "~0*$", "")
    columns = {"n": " || '|' || ".join(names), "s": _state_sql(region), "z": code, "w": words}
    picked = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
    return f'SELECT "lf_row", {picked} FROM lf_text'


def _state_sql(region: str) -> str:
    """Return SQL that finds a state's code in one text of " name:code"; no name contains a colon at this point."""
    name = f"REPLACE({region}, ' ', '')"
    codes = _literal("".join(f" {name}:{code}" for name, code in STATE_CODES.items()) + " ")
    return f"""COALESCE(NULLIF(SPLIT_PART(SPLIT_PART({codes}, ' ' || {name} || ':', 2), ' ', 1), ''), {name})"""


def _zip_sql() -> str:
    """Return SQL like _zip_text: "z" is the ZIP and "s" the code of the state."""
    digits = """TRANSLATE("z", '0123456789', '') = ''"""
    prefixes = _literal(f"|{'|'.join(sorted(ZERO_PREFIXES))}|")
    cases = ["""WHEN LENGTH("z") IN (5, 9) THEN LEFT("z", 5)"""]
    for length, filled in ZIP_DIGITS.items():
        five = f"""LEFT(LPAD("z", {filled}, '0'), 5)"""
        if length not in (5, 9):
            cases.append(
                f"""WHEN LENGTH("z") = {length} AND CONTAINS({prefixes}, '|' || "s" || LEFT({five}, 3) || '|') """
                f"THEN {five}"
            )
    return f"""(CASE WHEN NOT {digits} THEN "z" {" ".join(cases)} ELSE "z" END)"""


def _regexp(text: str, pattern: str, replacement: str) -> str:
    written = replacement.replace("\\", "\\\\")  # Snowflake reads \\ in a constant as one backslash
    return f"REGEXP_REPLACE({text}, '{pattern}', '{written}')"


def _literal(text: str) -> str:
    """Return text as an SQL constant. Characters with a special meaning in SQL are written as numbers."""
    pieces = re.split(r"([\x00-\x1f'$?%\\])", text)
    return (
        " || ".join(f"CHR({ord(p)})" if re.fullmatch(r"[\x00-\x1f'$?%\\]", p) else f"'{p}'" for p in pieces if p)
        or "''"
    )

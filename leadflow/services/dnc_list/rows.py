"""Read the rows of a do-not-call list: return the numbers, or the reason why a row cannot be read.

A number that is overlooked would be called, so every digit of a row must belong to a whole phone number: a row with
other digits, or without a number, makes the list unusable. One header row at the top is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadflow.leads.phone_text import reads_like_phone

_SEP = "[^0-9A-Za-z]{0,6}"
_BODY = rf"([2-9][0-9]{{2}}){_SEP}([2-9][0-9]{{2}}){_SEP}([0-9]{{4}})"
_TAIL = r"(?:\.0{1,2})?(?:[ ,;\t]*(?:[xX]|[eE][xX][tT]\.?|[eE][xX][tT][eE][nN][sS][iI][oO][nN]|#)[ .:]*[0-9]{1,6})?"
_PHONE = rf"(?:\+?1{_SEP})?{_BODY}{_TAIL}"
# Signs before a number are not separators: "-" marks a number taken off a list, "+504" is Honduras.
_HEAD = r"(?:[^0-9]*[^0-9+\-\s(\[])?[\s(\[]*"
# These are valid in both RE2 (pyarrow) and Python.
PLAIN = r"^[2-9][0-9]{2},?[2-9][0-9]{6}$"
ONE = rf"^{_HEAD}{_PHONE}[^0-9]*$"
_MARKS = "(?:a|d|i|u|add|added|adds|del|delete|deleted|remove|removed|insert|update)"
CHANGE = rf"(?i)(?:^|[^A-Za-z]){_MARKS}(?:$|[^A-Za-z])"
# New, changed, removed: such a letter in a cell of its own may be the mark of a change list.
CODE = r'(?i)[,;\t|]\s*"?(?:c|n|r|new)"?\s*(?:$|[,;\t|])|^\s*"?(?:c|n|r|new)"?\s*[,;\t|]'
CELL_END = "\x1f"
CHANGE_CELL = rf"(?i)(?:^|{CELL_END})\s*{_MARKS}\s*(?:$|{CELL_END})"
_FOREIGN_DIGIT = r"[^\P{N}0-9]"

_FIND = re.compile(rf"(?<![0-9+])(?:\+?1{_SEP})?{_BODY}{_TAIL}(?![0-9])")
_CHANGE, _CHANGE_CELL, _CODE = re.compile(CHANGE), re.compile(CHANGE_CELL), re.compile(CODE)
_SIGN = re.compile(r"[+-][\s(\[]*$")
_BETWEEN = re.compile(r"[\s,;|/\"'()\[\]]+(?:\+?)")
_WORD = re.compile(r"[^\W\d_]{2}")
_NUMBERED = re.compile(r"[^\W\d_]{2}[ _]?\d{1,2}(?![\w.+-])")
_CHANGE_HEADER = re.compile(r"(?i)\b(?:change|action|operation|delta|add\W*(?:or\W*)?del)")
_SECTION = re.compile(
    r"\s*(?:(?:area\s*codes?|npa|ac)\s*[:=#]?\s*([2-9]\d\d)\s*:?|([2-9]\d\d)\s*:|\[([2-9]\d\d)\])\s*"
    r"((?:[2-9]\d\d[-. ]?\d{4}(?:[\s,;]+|$))*)",
    re.IGNORECASE | re.ASCII,
)
_SEVENS = re.compile(r"\s*((?:[2-9]\d\d[-. ]?\d{4}(?:[\s,;]+|$))+)", re.ASCII)
_MOST_NAMED = 5


class Numbers:
    """A set of ten-digit numbers, one bit a number: 1.25 MB for each area code that occurs.

    `area_codes` are those of rows that hold one number only: a second number in a row may be of any area code.
    """

    def __init__(self) -> None:
        self._bits: dict[int, np.ndarray] = {}
        self.area_codes: set[str] = set()
        self.count = 0

    def add(self, numbers: np.ndarray, covers: bool = True) -> None:
        """Add numbers (int64); with `covers` their area codes count as held by the list."""
        codes = numbers // 10_000_000
        for code in np.unique(codes):
            bits = self._bits.setdefault(int(code), np.zeros(1_250_000, np.uint8))
            lines = numbers[codes == code] % 10_000_000
            for bit in range(8):
                bits[lines[lines & 7 == bit] >> 3] |= 1 << bit
            if covers:
                self.area_codes.add(f"{code:03}")
        self.count += len(numbers)

    def among(self, digits: Iterable[str]) -> set[str]:
        """Return which of these numbers (ten digits, as text) are in the set."""
        return {number for number in digits if self._has(int(number))}

    def _has(self, number: int) -> bool:
        bits, line = self._bits.get(number // 10_000_000), number % 10_000_000
        return bits is not None and bool(bits[line >> 3] >> (line & 7) & 1)


@dataclass
class Faults:
    """The numbers (from 1) of the first rows that cannot be read, and the fault of the first of them."""

    rows: list[int] = field(default_factory=list)
    what: str = ""

    def note(self, row: int, what: str) -> bool:
        """Record a fault; return whether there are enough to stop."""
        self.what = self.what or what
        self.rows.append(row)
        return len(self.rows) >= _MOST_NAMED


class SectionsError(Exception):
    """The text is in sections, an area code and then seven-digit numbers, and must be read line by line."""


class RowReader:
    """Adds the numbers of rows to `numbers` and records the `faults`; a table has no header and no blank rows."""

    def __init__(self, numbers: Numbers, *, has_header: bool = True, has_blanks: bool = True) -> None:
        self.numbers = numbers
        self.faults = Faults()
        self._has_blanks = has_blanks
        self._row = 0
        self._top = 0 if has_header else -1

    def read(self, texts: pa.Array, beside: pa.Array | None = None) -> bool:
        """Read a batch of rows, as texts, with the text of their other columns if any; return False to stop.

        Raises SectionsError for a text in sections.
        """
        texts = texts.fill_null("")
        if not self._top and (words := np.flatnonzero(_matches(texts, r"[^\s\x{FEFF}]"))).size:
            self._top = self._row + int(words[0]) + 1
        goes_on = True
        for place in _take_single(texts, beside, self.numbers):
            marks = beside[place].as_py() if beside is not None else ""
            goes_on = goes_on and self._read_other(self._row + int(place) + 1, texts[place].as_py(), marks or "")
        self._row += len(texts)
        return goes_on

    def _read_other(self, row: int, text: str, marks: str) -> bool:
        """Read a row that is not simply one number; return False if there are enough faults."""
        if not text.strip("\ufeff \t\r\n\v\f\xa0") and self._has_blanks:
            return True
        if row == self._top:
            if _SECTION.fullmatch(text):
                raise SectionsError
            if _is_header(text):
                return not (_CHANGE_HEADER.search(text) and self.faults.note(row, "a header of a change list"))
        if not _CHANGE_CELL.search(marks) and (found := phones_of_row(text)):
            self.numbers.add(np.array(found, np.int64), covers=len(found) == 1)
            return True
        return not self.faults.note(row, fault_of_row(text, marks))


def _matches(texts: pa.Array, pattern: str) -> np.ndarray:
    options = pc.MatchSubstringOptions(pattern)
    return pc.call_function("match_substring_regex", [texts], options).to_numpy(zero_copy_only=False)


def _take_single(texts: pa.Array, beside: pa.Array | None, numbers: Numbers) -> np.ndarray:
    """Add the rows that hold one number and no other digit; return the positions of all others."""
    changes = _matches(beside.fill_null(""), CHANGE_CELL) if beside is not None else np.zeros(len(texts), bool)
    plain = _matches(texts, PLAIN) & ~changes
    _add(texts.filter(pa.array(plain)), ",", "", numbers)
    places = np.flatnonzero(~plain)
    if not places.size:
        return places
    others = texts.take(pa.array(places))
    doubtful = changes[places] | _matches(others, CHANGE) | _matches(others, CODE)
    doubtful |= _matches(others, _FOREIGN_DIGIT)
    single = _matches(others, ONE) & ~doubtful
    _add(others.filter(pa.array(single)), ONE, r"\1\2\3", numbers)
    return places[~single]


def _add(texts: pa.Array, pattern: str, replacement: str, numbers: Numbers) -> None:
    if len(texts):
        digits = pc.call_function("replace_substring_regex", [texts], pc.ReplaceSubstringOptions(pattern, replacement))
        numbers.add(pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False))


def phones_of_row(text: str) -> list[int]:
    """Return the numbers of a row; none if it has other digits, a range, or the mark of a change list.

    >>> phones_of_row("+1 (504) 555-0143 x12; 202-555-0199")
    [5045550143, 2025550199]
    >>> phones_of_row("504: 5550143 5550144"), phones_of_row("5045550100-5045550199"), phones_of_row("5045550143,D")
    ([], [], [])
    """
    if (
        _CHANGE.search(text)
        or _CODE.search(text)
        or any(mark.isnumeric() and mark not in "0123456789" for mark in text)
    ):
        return []
    found = list(_FIND.finditer(text))
    gaps = [text[one.end() : other.start()] for one, other in pairwise(found)]
    if not found or not all(map(_BETWEEN.fullmatch, gaps)) or _SIGN.search(text[: found[0].start()]):
        return []
    left = _FIND.sub("", text)
    return [] if re.search("[0-9]", left) else [int("".join(one.groups())) for one in found]


def _is_header(text: str) -> bool:
    """Return whether a row is words: "Phone 1" is; "5E+09" and "Ann 5550143" are not."""
    printable = text.replace("\t", " ").strip("\ufeff").isprintable()
    words = _NUMBERED.sub("", text)
    return printable and bool(_WORD.search(text)) and not re.search(r"\d", words) and not reads_like_phone(words)


def fault_of_row(text: str, marks: str = "") -> str:
    """Return the fault of a row, without quoting the row."""
    if _CHANGE.search(text) or _CHANGE_CELL.search(marks):
        return "the mark of a change list (A or D)"
    if _CODE.search(text):
        return "a code letter beside the number"
    if not re.search(r"\d", text):
        return "no number"
    if re.search(r"\d[eE][+-]?\d", text):
        return "a number in scientific notation"
    if re.search(r"\d\s*(?:-|\.\.+|to|thru|through|\u2013)\s*\d{3,}\D*$", text) and re.search(r"\d{7}", text):
        return "a range, or digits beside a number"
    if re.fullmatch(r"\D*[2-9]\d\d\D?\d{4}\D*", text):
        return "a seven-digit number without its area code"
    return "digits that are no whole phone number, such as a date or an id beside it"


def section_numbers(lines: Iterable[str], numbers: Numbers) -> Faults:
    """Read a text in sections: an area code such as "504:", then seven-digit numbers after and below it."""
    faults, code = Faults(), ""
    for row, text in enumerate(lines, 1):
        if not text.strip("\ufeff \t\r\n\v\f\xa0"):
            continue
        if head := _SECTION.fullmatch(text.strip("\ufeff")):
            code, sevens = next(part for part in head.groups()[:3] if part), head[4]
        elif code and (line := _SEVENS.fullmatch(text)):
            sevens = line[1]
        elif faults.note(row, fault_of_row(text)):
            break
        else:
            continue
        lines = re.findall(r"([2-9]\d\d)[-. ]?(\d{4})", sevens)
        numbers.add(np.array([int(code + exchange + line) for exchange, line in lines], np.int64))
    return faults

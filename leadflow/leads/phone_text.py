"""Find phones in free text: read the numbers in a cell, and detect cells that look like a phone.

`phones_in` reads only unambiguous US numbers. `reads_like_phone` is wider: it detects every text that a person could
dial. leadflow uses it to withhold cells from callers.
phonenumbers.PhoneNumberMatcher, at its most lenient, finds two thirds of the formats in the tests and mistakes
timestamps for phones. This module uses the library only for international numbers and numbers in letters.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from urllib.parse import unquote

from leadflow.leads.phones import to_e164

_WORDS_OF = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WORDS = {word: n for n, word in enumerate(_WORDS_OF)} | {"oh": 0}
_WORD = "|".join(_WORDS)
_DIGIT_OF = {**_WORDS, "o": 0}
_FEWEST_WORDS = 3
_WORD_AMONG_DIGITS = rf"[0-9][^0-9a-z]{{0,3}}(?:{_WORD}|o)[^0-9a-z]{{0,3}}[0-9]"
_TOLL_FREE = "8(?:00|22|33|44|55|66|77|88)"
_PHONE_WORD = (
    "(?:tel|tele|telephone|cellphone|phone|ph|phn|cell|mobile|mob|landline|call|called|calling|callto|dial|ring|reach|"
    "fax|sms|text|txt|whats ?app|wa|voicemail|vm|contact)s?"
)
_FILLER = "at|me|us|him|her|them|on|back|no|nr|num|nbr|number|is|now|or|home|work|cell|phone|mobile|text"
_BETWEEN = rf"(?:[^a-z0-9]|(?:{_FILLER})(?![a-z])){{0,12}}?"

# Characters that can represent a digit, a blank or a dash: all except ASCII and the letters of Latin languages.
_FOREIGN = r"[^\x00-\x7f\x{c0}-\x{24f}\x{300}-\x{36f}\x{1e00}-\x{1eff}]"
# Two filters of a whole column by polars' regex, so that Python reads only few cells. Neither has false negatives.
# The first takes about 0.2 microseconds per cell, the second three times as long.
FIRST_LOOK = (
    rf"(?:[0-9][^0-9]*){{7}}|{_FOREIGN}|[0-9][.,][0-9]+[eE]|"
    r"[0-9]{3} ?[-.)] ?[A-Za-z]|1[^0-9A-Za-z]{1,3}8[0-9]{2}[^0-9A-Za-z]{1,3}[A-Za-z]|"
    rf"(?i:(?:(?:{_WORD}).*?){{{_FEWEST_WORDS}}}|{_WORD_AMONG_DIGITS}|8[0-9]{{2}}[a-z]{{7}})"
)
MAY_HOLD_PHONE = "(?i)" + "|".join(
    [
        rf"(?:[0-9][^0-9]*){{10}}|{_FOREIGN}",
        r"[0-9]{3} ?- ?[0-9]{4}",
        rf"{_PHONE_WORD}[^0-9]*(?:[0-9][^0-9]*){{7}}",
        r"[+][^0-9a-z]{0,3}(?:[0-9][^0-9]*){7}",
        r"[0-9][.,][0-9]+e[+]?[0-9]",
        rf"(?:(?:{_WORD}).*?){{{_FEWEST_WORDS}}}|{_WORD_AMONG_DIGITS}",
        r"[0-9]{3} ?[-.)] ?[a-z]|8[0-9]{2}[a-z]{7}|1[^0-9a-z]{1,3}8[0-9]{2}[^0-9a-z]{1,3}[a-z]",
        r"(?:[0-9OolI][^0-9A-Za-z]{0,5}){10}",
    ]
)
# Cells that hold only a date, a time, or both. They are frequent, and never a phone.
IS_DATE = (
    r"(?i)^(?:(?:19|20)\d\d-[01]\d-[0-3]\d|[0-3]?\d/[0-3]?\d/(?:19|20)\d\d)?[t ]?"
    r"(?:[0-2]?\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)? ?(?:[ap]m)? ?(?:z|utc|[+-]\d\d:?\d\d)?$"
)

_SEP = r"[\W_]{0,5}"
_LAST = r"\d{4}|\d\d[\W_]{1,3}\d\d"
_NANP = re.compile(rf"(?<!\d)(?:\+?0*1?{_SEP})?([2-9]\d\d)({_SEP})([2-9]\d\d)({_SEP})({_LAST})(?!\d)")
_LIKE = r"[\dol|i]"
_LOOKALIKE = re.compile(
    rf"(?<!\w)(?:\+?1?{_SEP})?([2-9]{_LIKE}{{2}})({_SEP})([2-9]{_LIKE}{{2}})({_SEP})({_LIKE}{{4}})(?!\w)"
)
_PAIRS = re.compile(r"(?<!\d)\d\d([ .\-/])\d\d\1\d\d\1\d\d\1\d\d(?!\d)")
_SINGLES = re.compile(r"(?<!\d)\d(?:[\W_]{1,3}\d){9,10}(?!\d)")
_THOUSANDS = re.compile(r"(?<![\d$.,])\d{1,2}(?:([,'. _])\d{3})(?:\1\d{3}){2}(?!\d)")
_JOINED = re.compile(r"(?<!\d)(?:1?[2-9]\d\d[2-9]\d{6}){2,}(?!\d)")
_SCIENTIFIC = re.compile(r"(?<![\d.,])(\d{1,11})[.,](\d{1,15})e\+?0*(\d{1,2})(?!\d)")
_LOCAL = re.compile(r"(?<!\d)(?<!\d[-.])[2-9]\d\d ?- ?\d{4}(?!\d)(?!-\d)")
_AFTER_WORD = re.compile(rf"(?<![a-z]){_PHONE_WORD}(?![a-z]){_BETWEEN}(\+?\d(?:[ .\-()/+_]{{0,3}}\d){{6,14}})(?!\d)")
_INTERNATIONAL = re.compile(r"\+\+?[ (]{0,2}(\d(?:[ .\-()/]{0,3}\d){6,14})(?!\d)")
_DIALLED_OUT = re.compile(
    r"(?<!\d)(?<!\d[\-_/.])(?:011|00)[ .\-]*([1-9]\d{0,2}[ .\-]+\d(?:[ .\-()/]{0,3}\d){5,14})(?!\d)"
)
_SEVEN_LETTERS = "[a-z]{7}|[a-z]{3}[-.][a-z]{4}|[a-z]{4}[-.][a-z]{3}|[a-z]{2}[-.][a-z]{5}"
_VANITY = (
    re.compile(
        rf"(?<![a-z\d])\+?1[\W_]{{1,3}}{_TOLL_FREE}[\W_]{{1,3}}(?=[a-z\d\-. ]{{0,7}}[a-z]{{3}})(?:[a-z\d][\-. ]?){{7,}}"
    ),
    re.compile(rf"(?<![a-z\d])1?{_TOLL_FREE}(?:\)?[\-.]|\) ?)(?:{_SEVEN_LETTERS})(?![a-z])"),
    re.compile(rf"(?<![a-z\d])1?{_TOLL_FREE}[a-z]{{7}}(?![a-z])"),
    re.compile(r"(?<!\d)[2-9]\d\d(?:[\-.]|\) ?)[2-9]\d\d[\-.][a-z]{4}(?![a-z])"),
)
# A number with many decimals, or an IP address. But 1.5045550143 is a phone with its country code.
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_DECIMAL = re.compile(rf"[-+]?(?!0*1\.)\d+\.\d{{8,}}|{_OCTET}(?:\.{_OCTET}){{3}}")
# The text before 214932-9006 in 20260526-214932-9006a0, which is a timestamp and not a phone.
_IN_A_CODE = re.compile(r"\d[\-_/.]$")
_DIGITS_ONLY = re.compile(r"\+?\(?\d+(?:[ .\-()/]{1,2}\d+){1,5}")
_AREA_APART = re.compile(r"(?<![a-z])(?:area|code)[^a-z\d]{1,3}[2-9]\d\d\D{1,20}[2-9]\d\d[\W_]{0,3}\d{4}(?!\d)")
_SPOKEN_DASH = re.compile(r"(?<=\d) (?:dash|hyphen|dot|point) (?=\d)")
_BLANKS = re.compile(r"\s{2,}")
_ANY_WORD = re.compile(_WORD)
_NUMERAL = re.compile("|".join(_DIGIT_OF))
_NUMERALS = rf"(?:{_NUMERAL.pattern})+"
_NUMERALS_RUN = re.compile(rf"(?<![a-z]){_NUMERALS}(?![a-z])")
_BEFORE_NUMERALS = re.compile(rf"(\d|(?<![a-z]){_NUMERALS})[\s\-]+(?={_NUMERALS}(?![a-z]))")
_BEFORE_DIGITS = re.compile(rf"((?<![a-z]){_NUMERALS})[\s\-]+(?=\d)")
_AMONG_DIGITS = re.compile(_WORD_AMONG_DIGITS)
_EXTENSION = re.compile(r"(?:extension|ext|xtn|x|#)[ .:#]*\d{1,6}(?!\d)")
_HEX = re.compile(r"(?<![\da-z])(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|(?=\d*[a-f])[\da-f]{24,})(?![\da-z])")
_TIME = (
    r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?[ap]m)?(?: ?(?:z|utc|gmt))?(?:[+-]\d\d:?\d\d(?!\d))?"
)
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = rf"(?:{_YEAR}([-/.]){_MONTH}\1{_DAY}|{_DAY}([-/.]){_DAY}\2(?:{_YEAR}|\d\d))"
_DATE_TIME = re.compile(rf"(?<!\d)(?<!\d[-/.])(?:{_DATE}(?:[t ,]{{1,2}}{_TIME})?|{_TIME})(?!\d)(?![-/.]\d)")


@dataclass(frozen=True, repr=False)
class _Read:
    """A US number from a text: its position in the text and its E.164 form."""

    start: int
    end: int
    number: str


@lru_cache(maxsize=16_384)
def phones_in(text: str) -> tuple[str, ...]:
    """Return the distinct US phones in a text, as E.164, in order. It ignores letters and seven-digit numbers.

    >>> phones_in("call (504) 555-0143 x12 or 5045550144.0 before 2026-07-07")
    ('+15045550143', '+15045550144')
    """
    return tuple(dict.fromkeys(read.number for read in _read(_cleaned(_folded(text)))))


@lru_cache(maxsize=16_384)
def reads_like_phone(text: str, *, local: bool = True) -> bool:
    """Whether a person could read a phone from a text, in any format. Dates and times are not phones.

    With `local`, seven digits as in 555-0143 count as a phone. Without it they count only after a word such as "call".

    >>> reads_like_phone("owner's cell: 555 0143"), reads_like_phone("seen 2026-07-07 12:30")
    (True, False)
    """
    if not any(map(str.isnumeric, text)) and not _ANY_WORD.search(text.lower()):
        return False
    return any(_reads_like_phone(_cleaned(version), local) for version in _versions(text))


def places_in(text: str) -> list[str]:
    """Return the phones in a cell of a phone column, as E.164; an unreadable number is "".

    The list is never empty for a cell with digits.

    >>> places_in("504-555-0143 / 555-0144"), places_in("n/a"), places_in("5.05E+09")
    (['+15045550143', ''], [], [''])
    """
    folded = _folded(text)
    cleaned = _cleaned(folded)
    found = list(_read(cleaned))
    if not found:
        whole = to_e164(text) or to_e164(folded)
        return [whole] if whole else [""] if re.search(r"\d", folded) or reads_like_phone(text) else []
    rest = _EXTENSION.sub(" ", _without(cleaned, found))
    numbers = list(dict.fromkeys(read.number for read in found))
    return [*numbers, ""] if len(re.findall(r"\d", rest)) >= 7 else numbers


def has_digits(text: str, at_least: int = 1) -> bool:
    """Whether a text has at least so many digits, in any script, without those of dates and times.

    >>> has_digits("mobile"), has_digits("2026-07-07"), has_digits("504", 3)
    (False, False, True)
    """
    cleaned = _cleaned(_folded(text))
    return sum(map(str.isdigit, cleaned)) >= at_least


def _without(text: str, found: list[_Read]) -> str:
    ends = [0, *(read.end for read in found)]
    return " | ".join(
        text[end:start] for end, start in zip(ends, [*(read.start for read in found), len(text)], strict=True)
    )


def _read(text: str) -> Iterator[_Read]:
    """Yield the numbers in a cleaned text, in order."""
    if _DECIMAL.fullmatch(text):
        return
    found = [
        _Read(m.start(), m.end(), "+1" + _digits(m[1] + m[3] + m[5]))
        for m in _NANP.finditer(text)
        if _is_grouped(m[2], m[4], m[5]) and not (m[4] and not m[2] and _IN_A_CODE.search(text[: m.start(1)]))
    ]
    for pattern in (_PAIRS, _SINGLES, _THOUSANDS):
        found += [_Read(m.start(), m.end(), number) for m in pattern.finditer(text) if (number := _ten(_digits(m[0])))]
    for match in _JOINED.finditer(text):
        parts = re.findall(r"1?([2-9]\d\d[2-9]\d{6})", match[0])
        found += [_Read(match.start(), match.end(), f"+1{part}") for part in parts]
    for match in _SCIENTIFIC.finditer(text):
        # A spreadsheet that rounds shows six digits. Fewer than eight digits do not identify a number.
        if len(match[1] + match[2]) >= 8 and (number := _ten(_expanded(match))):
            found.append(_Read(match.start(), match.end(), number))
    last = 0
    for read in sorted(found, key=lambda read: read.start):
        if read.start >= last or read.end == last:
            yield read
            last = read.end


def _is_grouped(first: str, second: str, tail: str) -> bool:
    """Whether digits are grouped like a phone's. 350250.0000 is a price; 350250 2019 is a price and a year."""
    if first:
        return bool(second) or len(tail) == 4
    return second in ("", "-") and len(tail) == 4


def _whole(text: str) -> str:
    """Return the number of a cell that holds only ten digits, in any grouping; "" for other cells and decimals."""
    if not _DIGITS_ONLY.fullmatch(text) or _DECIMAL.fullmatch(text) or re.fullmatch(r"\d+\.\d+", text):
        return ""
    return _ten(_digits(text))


def _ten(digits: str) -> str:
    """Return the E.164 form of ten digits, or of eleven with a leading 1; "" if they are not a US number."""
    ten = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    return f"+1{ten}" if re.fullmatch(r"[2-9]\d\d[2-9]\d{6}", ten) else ""


def _expanded(match: re.Match[str]) -> str:
    value = Decimal(f"{match[1]}.{match[2]}e{match[3]}") if int(match[3]) <= 12 else Decimal(0)
    return str(int(value)) if value == value.to_integral_value() else ""


def _reads_like_phone(text: str, local: bool) -> bool:
    if (
        next(_read(text), None)
        or _whole(text.strip())
        or (local and _LOCAL.search(text))
        or _AFTER_WORD.search(text)
        or _AREA_APART.search(text)
    ):
        return True
    if any(_ten(_expanded(m)) for m in _SCIENTIFIC.finditer(text)) or any(pattern.search(text) for pattern in _VANITY):
        return True
    if any(_is_international(m[1]) for pattern in (_INTERNATIONAL, _DIALLED_OUT) for m in pattern.finditer(text)):
        return True
    if any(_is_lookalike(m) for m in _LOOKALIKE.finditer(text)):
        return True
    spelled = _spelled_out(text)
    return spelled != text and _reads_like_phone(spelled, local)


def _is_lookalike(match: re.Match[str]) -> bool:
    """Whether letters replace some digits of a number, as in 5O4-555-O143."""
    digits = sum(map(str.isdigit, match[0]))
    return 7 <= digits < len(re.findall(r"\w", match[0])) and _is_grouped(match[2], match[4], match[5])


def _is_international(number: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(f"+{_digits(number)}"))
    except phonenumbers.NumberParseException:
        return False


def _spelled_out(text: str) -> str:
    """Return the text with "five oh four" as 504, if it has at least three such words, or one between digits."""
    if len(_NUMERAL.findall("".join(_NUMERALS_RUN.findall(text)))) < _FEWEST_WORDS and not _AMONG_DIGITS.search(text):
        return text
    joined = _BEFORE_DIGITS.sub(r"\1", _BEFORE_NUMERALS.sub(r"\1", text))
    return _NUMERALS_RUN.sub(lambda run: _NUMERAL.sub(lambda word: str(_DIGIT_OF[word[0]]), run[0]), joined)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _versions(text: str) -> Iterator[str]:
    """Yield the text, and its decoded form if it is HTML, part of a URL, escaped JSON, or spells out a dash."""
    folded = _folded(text)
    yield folded
    decoded = _SPOKEN_DASH.sub("-", folded)
    if "\\" in decoded:
        decoded = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), re.sub(r"\\[nrt]", " ", decoded))
    decoded = re.sub(r"<[^<>]{0,200}>", " ", html.unescape(decoded)) if "&" in decoded or "<" in decoded else decoded
    decoded = unquote(decoded) if "%" in decoded else decoded
    if decoded != folded:
        yield _folded(decoded)


def _folded(text: str) -> str:
    """Return the text in lower case with ASCII digits, blanks and dashes, and without invisible marks."""
    plain = text if text.isascii() else "".join(map(_plain, unicodedata.normalize("NFKC", text)))
    return _BLANKS.sub(" ", plain).lower()


@lru_cache(maxsize=4_096)
def _plain(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    return {"Pd": "-", "Zs": " ", "Cf": "", "Mn": "", "Me": ""}.get(kind, "-" if character == "\u2212" else character)


def _cleaned(folded: str) -> str:
    """Replace dates, times, UUIDs and hashes: their digits are not a phone's."""
    return _DATE_TIME.sub(" date ", _HEX.sub(" hex ", folded) if len(folded) >= 24 else folded)

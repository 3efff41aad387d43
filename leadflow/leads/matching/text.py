"""Text as names and addresses are compared: without case, accents and apostrophes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 300  # no name or address is longer; what is, is not one

# Apostrophes join (O'Neil, ONEIL); what cannot be seen is not there.
_DROPPED = dict.fromkeys(map(ord, "'`\u00b4\u2018\u2019\u02bc\u2032\u00ad\u200b\u200c\u200d\u2060\ufeff"))
# Letters that do not decompose, and the slash in a written-out one half.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th"}
    | {"\u0131": "i", "\u2044": "/"}
)
# How a keyboard without these letters writes them; the other way is to drop the mark.
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_MARKS = re.compile("(?<=[a-z])[\u0300-\u036f]+")  # of Latin letters only: elsewhere a mark makes another letter
_FRACTION = re.compile("([\u00bc-\u00be\u2150-\u215e])")


def word_set(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())


def fold(value: object, umlauts: bool = False) -> str:
    """Text without case, accents and apostrophes; "" for what is no text. Other scripts keep their letters.

    >>> fold("O'Neil-Peña"), fold("Müller"), fold("Müller", umlauts=True), fold(None)
    ('oneil-pena', 'muller', 'mueller', '')
    """
    if isinstance(value, int) and 0 < value < 10**9:
        value = str(value)
    if not isinstance(value, str):
        return ""
    if value.isascii():
        return value.translate(_DROPPED).casefold() if len(value) <= LONGEST else ""
    text = unicodedata.normalize("NFC", value).casefold().translate(_DROPPED)
    if len(text) > LONGEST:
        return ""
    text = _FRACTION.sub(r" \1", text.translate(_UMLAUTS) if umlauts else text)
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return _MARKS.sub("", text).translate(_DROPPED)


def spellings(*texts: object) -> tuple[bool, ...]:
    """Whether umlauts are written out: no, and also yes where there may be any."""
    return (False,) if all(text.isascii() for text in texts if isinstance(text, str)) else (False, True)


def words(text: str, kept: str = "") -> list[str]:
    """The words between punctuation; marks stay with their letters, and so do the characters `kept`."""
    if text.isascii():
        return _ascii_words(kept).findall(text)
    return "".join(c if c.isalnum() or c in kept or unicodedata.category(c)[0] == "M" else " " for c in text).split()


@lru_cache
def _ascii_words(kept: str) -> re.Pattern[str]:
    return re.compile(f"[A-Za-z0-9{re.escape(kept)}]+")

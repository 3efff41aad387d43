"""Normalise text for the comparison of names and addresses: remove case, accents and apostrophes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 300  # characters; longer text is not a name or an address

# Apostrophes are removed (O'Neil, ONEIL), and so are invisible characters.
_ASCII_DROPPED = "'`"
_DROPPED = dict.fromkeys(
    map(ord, _ASCII_DROPPED + "\u00b4\u2018\u2019\u02bc\u2032\u00ad\u200b\u200c\u200d\u2060\ufeff")
)
# Letters that Unicode does not decompose, and the slash of a decomposed fraction.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th"}
    | {"\u0131": "i", "\u2044": "/"}
)
# The usual spelling on a keyboard without these letters; the other spelling omits the mark.
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_MARKS = re.compile("(?<=[a-z])[\u0300-\u036f]+")  # of Latin letters only: in other scripts a mark changes the letter
_FRACTION = re.compile("([\u00bc-\u00be\u2150-\u215e])")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


def fold(value: object, umlauts: bool = False) -> str:
    """Return text without case, accents and apostrophes; "" if it is not text. Other scripts keep their letters.

    >>> fold("O'Neil-Peña"), fold("Müller"), fold("Müller", umlauts=True), fold(None)
    ('oneil-pena', 'muller', 'mueller', '')
    """
    if isinstance(value, int) and 0 < value < 10**9:
        value = str(value)
    if not isinstance(value, str):
        return ""
    if value.isascii():
        for mark in _ASCII_DROPPED:  # less than half the time of translate()
            value = value.replace(mark, "")
        return value.lower() if len(value) <= LONGEST else ""
    text = unicodedata.normalize("NFC", value).casefold().translate(_DROPPED)
    if len(text) > LONGEST:
        return ""
    text = _FRACTION.sub(r" \1", text.translate(_UMLAUTS) if umlauts else text)
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return _MARKS.sub("", text).translate(_DROPPED)


def spellings(*texts: object) -> tuple[bool, ...]:
    """Return the values of `umlauts` to try with `fold`: False, and True too if the texts may have umlauts."""
    return (False,) if all(text.isascii() for text in texts if isinstance(text, str)) else (False, True)


def words(text: str, kept: str = "") -> list[str]:
    """Split text at punctuation. Words keep combining marks and the characters in `kept`."""
    if text.isascii():
        return _ascii_words(kept).findall(text)
    return "".join(c if c.isalnum() or c in kept or unicodedata.category(c)[0] == "M" else " " for c in text).split()


@lru_cache
def _ascii_words(kept: str) -> re.Pattern[str]:
    return re.compile(f"[A-Za-z0-9{re.escape(kept)}]+")

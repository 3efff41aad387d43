"""Split an address line into words, and define the record that all parsers of lines return."""

from __future__ import annotations

import re
from typing import NamedTuple

from leadflow.leads.matching.address_words import ALIKE
from leadflow.leads.matching.text import fold, words

LETTER_HYPHEN = re.compile("-(?=[a-z])|(?<=[a-z])-| ")  # 12-A is 12A
CARE_OF = "c/o"

_ORDINAL = re.compile("^([0-9]+)(?:st|nd|rd|th)$")
_INITIALS = re.compile(r"\b([a-z])\.(?=[a-z]\b)")
_HYPHEN_BEFORE_FRACTION = re.compile("-(?=[0-9]/[0-9])")
_CARE_OF = re.compile(r"%|\bc\s*/\s*o\b|^\W*c o\b|\b(?:in )?care of\b|\b(?:attn|attention)\b|^\W*att\b")
_CALLE = re.compile(r"\bc/(?!o\b)")
_BOX_JOINED = re.compile(r"\b(p\.?o\.?)? ?(box|bx)(?=[0-9])")  # POBOX12
_HYPHEN_BEFORE_NUMBER = re.compile(r"\b(box|bx|bzn|hcr?|rr|rfd|rte?|psc|cmr)-(?=[0-9])")  # HC-01 BOX-12
_DECIMAL = re.compile(r"(?<=[0-9])(?:\.([0-9]+)\b| ?hm ?([0-9]+))")  # kilometre 4.5 or 4 HM 5, road 39.2


class Line(NamedTuple):
    """An address line without city, state and ZIP."""

    number: str
    street: list[str]
    sides: frozenset[str] = frozenset()
    unit: list[str] = []  # noqa: RUF012 - never changed
    is_box: bool = False
    community: str = ""  # in Puerto Rico: each community of a ZIP may have a Calle A


def address_words(line: object) -> list[str]:
    """Return the words of a line. "#" is a word; N.E. and P.O. are one word each; numbers keep hyphens and fractions.

    >>> address_words("43-15 N.E. Main St. #4, c/o Lee")
    ['43-15', 'ne', 'main', 'st', '#', '4', 'c/o', 'lee']
    """
    text = fold(line)
    if "%" in text or "/" in text or "care of" in text or "att" in text or "c o" in text:
        text = _CALLE.sub("calle ", _CARE_OF.sub(f" {CARE_OF} ", text))
    text = _INITIALS.sub(r"\1", text)
    if "box" in text or "bx" in text or "bzn" in text:
        text = _HYPHEN_BEFORE_NUMBER.sub(r"\1 ", _BOX_JOINED.sub(r"\1 box ", text))
    if "." in text or "hm" in text:
        text = _DECIMAL.sub(_with_point, text)
    text = _HYPHEN_BEFORE_FRACTION.sub(" ", text).replace("#", " # ")
    return [word for word in (word.strip("-/") for word in words(text, kept="#-/")) if word]


def _with_point(decimal: re.Match[str]) -> str:
    """Replace a decimal point with "p" and remove trailing zeros, so that a decimal number is one word."""
    digits = (decimal[1] or decimal[2]).rstrip("0")
    return f"p{digits}" if digits else ""


def alike(found: list[str]) -> list[str]:
    """Return each word in its standard form, and 4th as 4."""
    parts = " ".join(found).replace("-", " ").replace("/", " ").split()
    return [_ORDINAL.sub(r"\1", part) if part[0].isdigit() else ALIKE.get(part, part) for part in parts]

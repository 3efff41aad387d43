"""Find the valid name that is most similar to a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the name most similar to `name`, or "" if `names` is empty.

    It compares letters and digits first, then all characters.

    >>> nearest("MAX_LOOKUP", ["MAX_COST", "MAX_LOOKUPS"])
    'MAX_LOOKUPS'
    """
    return max(names, key=lambda other: (similarity(plain(name), plain(other)), similarity(name, other)), default="")


def similarity(a: str, b: str) -> float:
    """Return the similarity of two words, from 0 to 1: difflib's ratio, the higher one of both directions."""
    return max(SequenceMatcher(None, a, b, False).ratio(), SequenceMatcher(None, b, a, False).ratio())


def plain(name: str) -> str:
    """Return the letters and digits of a name, in upper case.

    >>> plain("dnc__list-path")
    'DNCLISTPATH'
    """
    return re.sub(r"[^A-Z0-9]", "", name.upper())

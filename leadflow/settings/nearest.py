"""Find the name that is most like a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the name most like `name`, "" if there are none. Letters and digits count first, then the rest.

    >>> nearest("MAX_LOOKUP", ["MAX_COST", "MAX_LOOKUPS"])
    'MAX_LOOKUPS'
    """
    return max(names, key=lambda other: (similarity(plain(name), plain(other)), similarity(name, other)), default="")


def similarity(a: str, b: str) -> float:
    """How alike two words are, from 0 to 1 (difflib's ratio, the better of both directions)."""
    return max(SequenceMatcher(None, a, b, False).ratio(), SequenceMatcher(None, b, a, False).ratio())


def plain(name: str) -> str:
    """A name's letters and digits, in upper case.

    >>> plain("dnc__list-path")
    'DNCLISTPATH'
    """
    return re.sub(r"[^A-Z0-9]", "", name.upper())

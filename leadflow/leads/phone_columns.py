"""Detect columns of phones by name. The name is only a hint; the content of a cell decides (see phone_text)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

_ANYWHERE = (
    r"phone|fone(?![a-z])|telef|land ?line|cellul|celular|whats ?app|msisdn|vo ?ip|e ?164|hot ?line|direct ?line|"
    r"(?<!auto)(?<!snow)(?<!im)mobile(?! ?home(?! ?(?:ph|no|num)))"
)
_ALONE = (
    "cells?|tels?|tele|ph|phn|phs|mobs?|movil|fax|faxes|sms|gsm|ani|dnis|mdn|dial|dialer|helpline|pager|beeper|handy|"
    "wireless|caller ?id|call ?back|toll ?free"
)
_AREA = r"area ?c(?:o?de?)|npa|nxx"
_KIND = (
    "cell|tel|mob|fax|ph|sms|contact|home|work|office|day ?time|night|evening|emergency|direct|call(?: ?back)?|cb|text|"
    "best|reach|alt|alternate|alternative|spouse|dial(?:l?ed)?|destination"
)
_NUMBER = "nos?|nums?|numbers?|nbrs?|nr|digits"
_HINT = re.compile(
    rf"{_ANYWHERE}|(?<![a-z])(?:{_ALONE}|{_AREA})(?![a-z])|"
    rf"(?<![a-z])(?:{_KIND}) ?(?:to ?)?(?:call ?)?(?:{_NUMBER})(?![a-z])"
)
_AREA_CODE = re.compile(rf"(?<![a-z])(?:{_AREA})(?![a-z])")
# Words beside "phone" that give its owner or its number.
_WHOSE = (
    "home|house|work|office|business|biz|company|day|time|night|evening|alt|alternate|alternative|other|primary|"
    "secondary|best|main|emergency|direct|call|contact|text|owner|customer|cust|lead|client|borrower|applicant|seller|"
    "buyer|spouse|agent|person|personal|private|my|the|all|list|us|usa|raw|full|whole|plain|original|formatted|clean|"
    "cleaned|new|old|previous|current|last|first|second|third|one|two|three|additional|extra|known|possible|found|skip|"
    "traced?|script|and|or|of|to|destination|for|line|wireless|voice|number|num|nbr|no|nr|nos|digits|h|hm|hom|w|wk|c|"
    "eve|ll|cb|bus|int|intl|international|st|info|details|dialled|dialed"
)
_PHONES = (
    "tele?phones?|phones?|fones?|telefono?s?|telefon|cellular|celular|mobiles?|landlines?|whatsapp|msisdn|voip|hotline|"
    + _ALONE.replace(" ?", "")
)
# Columns of a callers' sheet that show a phone to call: leadflow's own, and those that callers added or copied.
_SHOWN = re.compile(r"\s*phone[\s_]*#?\s*0*([1-9]\d*)(?:\s*\(\d+\))?\s*", re.IGNORECASE)
_PHONE_ONLY = re.compile(rf"(?:[a-z]|(?:{_WHOSE}|{_PHONES})+)")


def _spaced(name: str) -> str:
    """Return the words of a name in lower case: "home phone 2" for HomePhone2."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", name) if not unicodedata.combining(mark))
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain.replace("#", " number "))
    return " ".join(re.sub(r"[^a-z0-9]+|(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", " ", parted.lower()).split())


@lru_cache(maxsize=4_096)
def is_phone_column(name: str) -> bool:
    """Whether a name suggests phones, or data about phones.

    >>> is_phone_column("Cell 2"), is_phone_column("CONTACT_NUMBER"), is_phone_column("Cancelled")
    (True, True, False)
    """
    return bool(_HINT.search(_spaced(name)))


def names_phones_only(name: str) -> bool:
    """Whether a name suggests a phone in every cell: "Home Phone 2" does, "Phone Type" does not.

    >>> names_phones_only("Best Contact Number"), names_phones_only("Phone 1 Verdict")
    (True, False)
    """
    words = re.findall("[a-z]+", _spaced(name))
    return is_phone_column(name) and (
        all(map(_PHONE_ONLY.fullmatch, words)) or bool(_PHONE_ONLY.fullmatch("".join(words)))
    )


@lru_cache(maxsize=4_096)
def is_area_code_column(name: str) -> bool:
    """Whether a column's name suggests the area code of a phone that is split over two columns."""
    return bool(_AREA_CODE.search(_spaced(name)))


def is_shown_phone(name: str) -> bool:
    """Whether a column of the callers' sheet shows phones to call: "Phone" and a number, in any case.

    Re-scrubs, opt-outs, withdrawals and the marks of shared phones look at these columns, and at no others. A column
    that a caller added, such as "Phone 11", and a copy, such as "Phone 1 (2)", are among them.

    >>> is_shown_phone("Phone 11"), is_shown_phone("phone 1 (2)"), is_shown_phone("Phone 1 Verdict")
    (True, True, False)
    """
    return _SHOWN.fullmatch(name) is not None


def shown_phone_columns(names: Iterable[str]) -> list[str]:
    """List the columns of the callers' sheet that show phones to call, in the order of their numbers.

    >>> shown_phone_columns(["Phone 12", "Lead Key", "Phone 1 Verdict", "Phone 2", "Cell Phone 1"])
    ['Phone 2', 'Phone 12']
    """
    numbers = {name: int(found[1]) for name in names if (found := _SHOWN.fullmatch(name))}
    return sorted(numbers, key=numbers.__getitem__)


def is_named(name: str, names: Collection[str]) -> bool:
    """Whether a setting names a column, in any case. A renamed column of the script matches by both of its names.

    >>> is_named("Script Phone 1", ["phone 1"])
    True
    """
    if not names:
        return False
    wanted = {given.strip().casefold().replace(" ", "_") for given in names}
    own = name.casefold().replace(" ", "_")
    return own in wanted or own.removeprefix("script_") in wanted

"""Find the columns that hold the parts of a person, and compute the person's key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from leadflow.errors import ColumnsError

IDENTITY = ("first_name", "last_name", "address", "city", "state", "zip")

# The titles of the identity parts in the sheet and in UNIQUE_CONSOLIDATED_DATA.
TITLES: dict[str, str] = dict(
    zip(IDENTITY, ("First Name", "Last Name", "Address", "City", "State", "Zip"), strict=True)
)

# Columns that the stages add to a frame, besides the identity. A script's own column with such a name is renamed.
ADDED = frozenset(
    [
        "person_key",
        "phones",
        "phone_types",
        "phone_last_seen",
        "phone_ranks",
        "emails",
        "lookup_status",
        "lookup_reason",
        "lookup_pid",
        "litigator_verdicts",
        "litigator_scrubbed_at",
        "dnc_verdicts",
        "dnc_scrubbed_at",
        "dnc_not_covered",
        "litigator_checks",
        "dnc_checks",
        "reassigned_verdicts",
        "reassigned_scrubbed_at",
        "reassigned_checks",
        "internal_checks",
        "further_verdicts",
        "further_scrubbed_at",
        "further_checks",
        "verdicts",
        "disposition",
        "reason",
        "shown_phones",
        "callable_until",
        "delivered",
    ]
)

_ALIASES = {
    "first_name": ("firstname", "first", "fname"),
    "last_name": ("lastname", "last", "lname", "surname"),
    "address": ("address", "address1", "street", "streetaddress", "addressline1"),
    "city": ("city", "town"),
    "state": ("state", "statecode", "stateabbr"),
    "zip": ("zip", "zipcode", "zip5", "postalcode", "postcode"),
}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def columns_of(part: str, columns: Iterable[str]) -> list[str]:
    """List the columns that hold one part of a person. Case and spacing of their names do not matter.

    >>> columns_of("state", ["Name", "STATE", "State Code"])
    ['STATE', 'State Code']
    """
    return [name for name in columns if _plain(name) in _ALIASES[part]]


def resolve_columns(columns: Iterable[str]) -> dict[str, str]:
    """Map each part of the identity to the column that holds it. Case and spacing of the names do not matter.

    Raises ColumnsError if a part is missing or two columns match it.

    >>> resolve_columns(["FIRST_NAME", "Last Name", "address", "City", "STATE", "Zip Code", "Ref"])["zip"]
    'Zip Code'
    """
    names = list(columns)
    found = {part: columns_of(part, names) for part in _ALIASES}
    if missing := [part for part, hits in found.items() if not hits]:
        raise ColumnsError.missing(missing, names)
    for part, hits in found.items():
        if len(hits) > 1:
            raise ColumnsError.ambiguous(part, hits)
    return {part: hits[0] for part, hits in found.items()}


def person_key(first_name: str, last_name: str, address: str, city: str, state: str, zip_code: str) -> str:
    """Compute the key of a person: md5 of the six parts, trimmed and lower-cased, joined by "|".

    The existing PERSON_CACHE tables use the same key, so earlier purchases are still found.

    >>> one = person_key("Ann", " Lee", "1 Elm St", "Bath", "ME", "04530")
    >>> one == person_key("ann", "lee", "1 elm st", "BATH", "me", "04530")
    True
    """
    parts = (first_name, last_name, address, city, state, zip_code)
    text = "|".join((p or "").strip(" ").lower() for p in parts)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def script_columns(names: Iterable[str]) -> list[str]:
    """List the columns of a frame that come from the script, without the identity and the columns that stages add.

    >>> script_columns(["person_key", "first_name", "Loan Number", "phones"])
    ['Loan Number']
    """
    return [name for name in names if name not in ADDED and name not in IDENTITY]

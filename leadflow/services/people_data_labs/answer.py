"""Read a record of People Data Labs. A value of another type than documented is left out, never guessed.

Source: https://docs.peopledatalabs.com/docs/person-schema, read 2026-11-28. Values are in lower case, a region is the
whole name of a state, phones are E.164. Their dataset has names and addresses of the past too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from leadflow.leads.found_people import FoundAddress, FoundName, FoundPerson, FoundPhone

# What is asked for: the identity, for the judgement, and the ways to reach the person. Nothing else is bought or held.
FIELDS = (
    *("id", "first_name", "middle_name", "last_name", "name_aliases", "mobile_phone", "phone_numbers", "phones"),
    *("emails", "personal_emails", "street_addresses", "location_street_address", "location_address_line_2"),
    *("location_locality", "location_region", "location_postal_code"),
)
_CONTACTS = ("mobile_phone", "phone_numbers", "street_addresses")
_DEATH = re.compile("dead|deceas|death")


def hides_contacts(record: dict[str, Any]) -> bool:
    """Return whether the plan hides phones or addresses: then a field is true or false instead of its value.

    >>> hides_contacts({"phone_numbers": True}), hides_contacts({"phone_numbers": ["+15045550143"]})
    (True, False)
    """
    return any(isinstance(record.get(name), bool) for name in _CONTACTS)


def read_person(record: dict[str, Any]) -> FoundPerson:
    """Return the person of a record."""
    own = FoundName(_text(record, "first_name"), _text(record, "last_name"), _text(record, "middle_name"))
    aliases = (FoundName(full=alias) for alias in _texts(record, "name_aliases"))
    current = _address(record, "location_")
    emails = [*_texts(record, "personal_emails"), *(_text(item, "address") for item in _dicts(record, "emails"))]
    return FoundPerson(
        names=[own, *aliases],
        addresses=[*([current] if current.street else []), *map(_address, _dicts(record, "street_addresses"))],
        phones=list(_phones(record)),
        emails=[email for email in emails if email],
        pid=_text(record, "id"),
        # No field of theirs is known to say so; if one comes, its person is not called.
        deceased=any(bool(value) for name, value in record.items() if _DEATH.search(name.lower())),
    )


def _phones(record: dict[str, Any]) -> Iterator[FoundPhone]:
    """Yield the mobile phone, then the others, with the day on which each was last seen."""
    seen = {_text(item, "number"): _text(item, "last_seen").replace("-", "") for item in _dicts(record, "phones")}
    mobile = _text(record, "mobile_phone")
    if mobile:
        yield FoundPhone(mobile, "mobile", seen.get(mobile, ""))
    for number in (*_texts(record, "phone_numbers"), *seen):
        if number and number != mobile:
            yield FoundPhone(number, "", seen.get(number, ""))


def _address(item: dict[str, Any], prefix: str = "") -> FoundAddress:
    lines = (_text(item, f"{prefix}street_address"), _text(item, f"{prefix}address_line_2"))
    return FoundAddress(
        " ".join(line for line in lines if line),
        _text(item, f"{prefix}locality"),
        _text(item, f"{prefix}region"),
        _text(item, f"{prefix}postal_code"),
    )


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    return value.strip() if isinstance(value, str) else ""


def _texts(item: dict[str, Any], name: str) -> list[str]:
    values = item.get(name)
    return [value.strip() for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _dicts(item: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = item.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []

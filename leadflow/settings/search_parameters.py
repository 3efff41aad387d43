"""Validate the members that the settings add to the body of an idiCORE search.

Every search gets the same members. A member must not describe one person, and must not replace a member that leadflow
sends. With a wrong value every search would fail, or idiCORE would charge for useless answers.
"""

from __future__ import annotations

import math
import re
from typing import Any

# The members that search_body of leadflow.services.idicore sends, in lower case.
SENT = frozenset({"firstname", "lastname", "address", "city", "state", "zip", "referenceid", "fields"})
_OF_ONE_PERSON = frozenset({"middlename", "dob", "ssn", "email", "phonenumber", "phone", "pid", "pidlist", "name"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SCALARS = (str, bool, int, float)


def body_members(value: Any) -> dict[str, Any]:
    """Return the members for the body. Raises ValueError for invalid names and values."""
    if not isinstance(value, dict):
        raise ValueError('must be a JSON object such as {"searchType": "APISearch", "nicknamesearch": true}')
    names = [name for name in value if isinstance(name, str) and _NAME.fullmatch(name)]
    if len(names) < len(value):
        raise ValueError("has a name that is not made of letters, digits and _")
    lowered = [name.lower() for name in names]
    if len(set(lowered)) < len(lowered):
        raise ValueError("has a name twice, in different case; keep one")
    for name in names:
        if fault := _fault(name, value[name]):
            raise ValueError(f"{name} {fault}")
    return dict(value)


def _fault(name: str, value: Any) -> str:
    """Return the fault of one member, or "" if it is valid."""
    if name.lower() in SENT:
        return "is sent by leadflow itself; remove it"
    if name.lower() in _OF_ONE_PERSON:
        return "describes one person, and would be sent for every lead; remove it"
    values = value if isinstance(value, list | tuple) else [value]
    if not values or any(type(one) not in _SCALARS for one in values):
        return "must be text, a number, true or false, or a list of them"
    if any(isinstance(one, str) and not one.strip() for one in values):
        return "is empty; give it a value or remove it"
    if any(isinstance(one, float) and not math.isfinite(one) for one in values):
        return "is no number that JSON has"
    return "must be text" if name.lower() == "searchtype" and not isinstance(value, str) else ""

"""The values that a caller gives for a script's session variables, as SET statements.

Source: https://docs.snowflake.com/en/sql-reference/sql/set. A bind marker is no expression that SET documents, so the
values are written as constants, with quotes and backslashes escaped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from leadflow.errors import InputError
from leadflow.settings.nearest import nearest

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
# A literal, a quoted name, a body or a comment, in which a $ is text, or a variable.
_USED = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$|(?:--|//)[^\n]*|/\*.*?\*/|(?<![\w$])\$(?P<name>[A-Za-z_]\w*)""",
    re.DOTALL,
)


def set_statements(params: Mapping[str, object] | None, script: str) -> list[str]:
    """Return a SET statement for each value. Raises InputError for a name that the script does not use.

    A value is text, a number, a boolean, a date or a datetime; a datetime without a zone becomes a TIMESTAMP_NTZ.

    >>> set_statements({"state": "ME", "least": 3}, "SELECT * FROM RAW_LEADS WHERE state = $state AND n >= $least")
    ["SET state = 'ME'", 'SET least = 3']
    """
    if not params:
        return []
    used = {found["name"].upper(): found["name"] for found in _USED.finditer(script) if found["name"]}
    given: set[str] = set()
    for name in params:
        if not _NAME.fullmatch(str(name)):
            raise InputError("params has a name that is no session variable; use letters, digits and underscores")
        if name.upper() in given:
            raise InputError(f"params names {name} twice; session variables are blind to case")
        if name.upper() not in used:
            hint = f"; the nearest is ${nearest(name, used.values())}" if used else "; it uses none"
            raise InputError(f"params has {name}, and the script does not use ${name}{hint}")
        given.add(name.upper())
    return [f"SET {name} = {_constant(name, value)}" for name, value in params.items()]


def _constant(name: str, value: object) -> str:
    """Return a value as a constant of SQL. Raises InputError for a value that is no constant."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return format(Decimal(repr(value)) if isinstance(value, float) else value, "f")
    if isinstance(value, datetime):
        kind = "TIMESTAMP_NTZ" if value.tzinfo is None else "TIMESTAMP_TZ"
        return f"'{value.isoformat(sep=' ')}'::{kind}"
    if isinstance(value, date):
        return f"'{value.isoformat()}'::DATE"
    if isinstance(value, str) and "\x00" not in value:
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    raise InputError(
        f"params has a {type(value).__name__} for {name}; a session variable is text, a finite number, a boolean, a "
        "date or a datetime"
    )

"""Errors of Snowflake that fakesnow does not raise.

Sources: the messages of 604 and 630 as snowflake-connector-python's users report them, of 625 from
https://resultant.com/blog/technology/overcoming-concurrent-write-limits-in-snowflake/, and
https://docs.snowflake.com/en/sql-reference/bind-variables (which statements take bind variables).
"""

from __future__ import annotations

import re
from typing import Any

from snowflake.connector.errors import ProgrammingError

_STATES = {3001: "42501"}
_MESSAGES = {
    3001: "SQL access control error:\nInsufficient privileges to operate on table 'PERSON_CACHE'",
    604: "SQL execution canceled",
    625: "Statement '01b0' has locked table 'PERSON_CACHE' in transaction 1 and this lock has not yet been released. "
    "Your statement '01b1' was aborted because the number of waiters for this lock exceeds the 20 statements limit.",
    630: "Statement reached its statement or warehouse timeout of 172,800 second(s) and was canceled.",
}
_DDL = re.compile(r"\s*(CREATE|ALTER|DROP|GRANT|REVOKE|TRUNCATE)\b", re.IGNORECASE)


def sql_error(code: int) -> dict[str, Any]:
    """Return the answer to a statement that ends with this error."""
    if code not in _MESSAGES:
        raise ValueError(f"statements end with {', '.join(map(str, _MESSAGES))}")
    number = f"{code:06d}"
    data = {"errorCode": number, "sqlState": _STATES.get(code, "57014")}
    return {"data": data, "code": number, "message": _MESSAGES[code], "success": False}


def raise_if_bound_ddl(command: str, parameters: Any) -> None:
    """Refuse bound values in a statement that makes or changes an object."""
    if parameters and _DDL.match(command):
        raise ProgrammingError(
            msg="SQL compilation error:\nBind variables are not allowed in a DDL statement.",
            errno=2105,
            sqlstate="42601",
        )


def raise_if_unread_time(command: str, written: str) -> None:
    """Refuse a cast from text to a time, if the session's TIMESTAMP_INPUT_FORMAT is not AUTO."""
    if written.upper() != "AUTO" and re.search(r"::\s*TIMESTAMP", command, re.IGNORECASE):
        raise ProgrammingError(msg="Timestamp '2026-01-01 10:00:00' is not recognized", errno=100035, sqlstate="22007")

"""Sessions of the Snowflake stand-in: role, warehouse, parameters, and the statements that change or show them.

fakesnow has none of these. A session is kept on fakesnow's connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from snowflake.connector.errors import ProgrammingError

DEFAULT_ROLE, DEFAULT_WAREHOUSE = "PUBLIC", "COMPUTE_WH"
SIGN_IN: ContextVar[Mapping[str, Any]] = ContextVar("sign_in", default={})  # noqa: B039 - never changed

roles: dict[str, dict[str, list[str]]] = {}
"""By role, its rights by table ("*" for the others), and under "SCHEMA" those in its schemas, such as CREATE TABLE.

With "WAREHOUSE" or "DATABASE" among its rights, the role needs USAGE on them too, and with "DATABASE" on "SCHEMA".
A role that is not named here may do everything.
"""

account_parameters: dict[str, Any] = {}
"""The defaults of every session's parameters, as an account or a user may set them."""

_DONE = "SELECT 'Statement executed successfully.' AS \"status\""
_USE = re.compile(r"\s*USE\s+(ROLE|WAREHOUSE|SECONDARY\s+ROLES)\s+(.+?)\s*;?\s*$", re.IGNORECASE | re.DOTALL)
_USE_DATABASE = re.compile(r'^\s*USE\s+("[^"]+"|\w+)\s*;?\s*$', re.IGNORECASE)
_ALTER = re.compile(r"\s*ALTER\s+SESSION\s+(SET|UNSET)\s+(.+?)\s*;?\s*$", re.IGNORECASE | re.DOTALL)
_SETTING = re.compile(r"(\w+)\s*=\s*('(?:[^']|'')*'|[^\s,]+)")
_SHOW = re.compile(r"\s*SHOW\s+PARAMETERS(\s+(IN|FOR)\s+SESSION)?\s*;?\s*$", re.IGNORECASE)
_CURRENT = re.compile(r"\bCURRENT_(USER|ROLE|WAREHOUSE|SECONDARY_ROLES|DATABASE|SCHEMA)\(\)", re.IGNORECASE)
_USUAL = {
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
    "TIMEZONE": "America/Los_Angeles",
    "AUTOCOMMIT": "true",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
}
Place = tuple[str, str, str]


@dataclass
class Session:
    """The state of one connection. `temporary` has the owners of temporary tables by database, schema and name."""

    role: str = DEFAULT_ROLE
    warehouse: str = DEFAULT_WAREHOUSE
    secondary_roles: str = "ALL"
    parameters: dict[str, str] = field(default_factory=dict)
    temporary: dict[Place, str] = field(default_factory=dict)
    signed_in_as: str = DEFAULT_ROLE
    user: str = ""

    @property
    def ignores_case(self) -> bool:
        """Whether names in double quotes are folded to upper case too."""
        return self.parameters.get("QUOTED_IDENTIFIERS_IGNORE_CASE", "").lower() == "true"


def session_of(connection: Any) -> Session:
    """Return the session of a fakesnow connection."""
    if not hasattr(connection, "leadflow_session"):
        connection.leadflow_session = _signed_in(SIGN_IN.get())
        connection.leadflow_session.user = str(SIGN_IN.get().get("user") or "").upper()
    return connection.leadflow_session


def _signed_in(request: Mapping[str, Any]) -> Session:
    """Return a new session with the values that its sign-in requests."""
    role = str(request.get("role") or DEFAULT_ROLE).upper()
    warehouse = str(request.get("warehouse", DEFAULT_WAREHOUSE)).upper()
    chosen = {**account_parameters, **dict(request.get("parameters") or {})}
    parameters = {name.upper(): _as_text(value) for name, value in chosen.items()}
    return Session(role, warehouse, parameters=parameters, signed_in_as=role)


def answered(session: Session, command: str, connection: Any) -> str:
    """Apply a command's change of the session. Return the command in a form that fakesnow can run.

    Values that only the session has, such as CURRENT_ROLE(), become constants.
    """
    command = _USE_DATABASE.sub(r"USE DATABASE \1", command)
    if use := _USE.match(command):
        _use(session, re.sub(r"\s+", " ", use[1]).upper(), use[2])
        return _DONE
    if (alter := _ALTER.match(command)) and "AUTOCOMMIT" not in alter[2].upper():
        _alter(session, alter[1].upper(), alter[2])
        return _DONE
    if _SHOW.match(command):
        return _parameters(session)
    return _with_current_values(session, command, connection) if "CURRENT_" in command.upper() else command


def _with_current_values(session: Session, command: str, connection: Any) -> str:
    values = {
        "USER": session.user,
        "ROLE": session.role,
        "WAREHOUSE": session.warehouse,
        "SECONDARY_ROLES": f'{{"roles":"","value":"{session.secondary_roles}"}}',
        "DATABASE": connection.database if connection.database_set else "",
        "SCHEMA": connection.schema if connection.schema_set else "",
    }
    return _CURRENT.sub(lambda found: _constant(values[found[1].upper()] or ""), command)


def _constant(value: str) -> str:
    return "'" + value.replace("'", "''") + "'" if value else "CAST(NULL AS VARCHAR)"


def _use(session: Session, kind: str, name: str) -> None:
    folded = name.strip('"') if name.startswith('"') else name.upper()
    if kind == "ROLE":
        if roles and folded not in {*roles, session.signed_in_as}:
            raise ProgrammingError(
                msg=f"SQL compilation error:\nRole '{folded}' does not exist or not authorized.",
                errno=2043,
                sqlstate="02000",
            )
        session.role = folded
    elif kind == "WAREHOUSE":
        session.warehouse = folded
    else:
        session.secondary_roles = folded if folded in ("ALL", "NONE") else name


def _alter(session: Session, verb: str, text: str) -> None:
    if verb == "UNSET":
        for name in text.split(","):
            session.parameters.pop(name.strip().upper(), None)
        return
    for name, value in _SETTING.findall(text):
        session.parameters[name.upper()] = value[1:-1].replace("''", "'") if value.startswith("'") else value


def _parameters(session: Session) -> str:
    shown = {**_USUAL, **session.parameters}
    level = dict.fromkeys(session.parameters, "SESSION")
    rows = ", ".join(
        f"({', '.join(map(_text, (name, value, _USUAL.get(name, ''), level.get(name, ''), '', _kind(value))))})"
        for name, value in sorted(shown.items())
    )
    return f'SELECT * FROM (VALUES {rows}) AS t("key", "value", "default", "level", "description", "type")'


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _kind(value: str) -> str:
    return "BOOLEAN" if value.lower() in ("true", "false") else "NUMBER" if value.isdecimal() else "STRING"


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""A script may change its session: role, warehouse, database, schema, parameters. Read it before, restore it after.

Sources: https://docs.snowflake.com/en/sql-reference/sql/use,
https://docs.snowflake.com/en/sql-reference/sql/alter-session
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from leadflow.errors import RefusedError, ServiceError
from leadflow.services.warehouse.interruption import InterruptedWork
from leadflow.services.warehouse.names import name_parts, quoted
from leadflow.services.warehouse.statements import Statements

_CONTEXT = "SELECT CURRENT_ROLE(), CURRENT_SECONDARY_ROLES(), CURRENT_WAREHOUSE(), CURRENT_DATABASE(), CURRENT_SCHEMA()"


@dataclass(frozen=True)
class Session:
    """The state of a session; `parameters` holds the value and type of each parameter set at session level."""

    role: str
    secondary_roles: str
    warehouse: str
    database: str
    schema: str
    parameters: dict[str, tuple[str, str]]


def session_of(warehouse: Statements) -> Session:
    """Return the session's present state. Raises RefusedError, TransientError."""
    role, secondary, compute, database, schema = (value or "" for value in warehouse.execute(_CONTEXT)[0])
    rows = warehouse.execute("SHOW PARAMETERS IN SESSION")
    parameters = {str(key): (str(value), str(kind)) for key, value, _, level, _, kind, *_ in rows if level == "SESSION"}
    return Session(role, secondary, compute, database, schema, parameters)


@contextmanager
def put_back(warehouse: Statements, changing: bool) -> Iterator[Session | None]:
    """Restore the session after the block, if the block is `changing` it; yields the state before.

    Snowflake cannot unset a warehouse, a database or a schema. If the session had none before, the warehouse stays,
    and the database and schema become those of leadflow's own tables.
    """
    before = session_of(warehouse) if changing else None
    try:
        yield before
    except InterruptedWork:  # the work is repeated in a new session
        raise
    except BaseException:
        with suppress(ServiceError):
            restore(warehouse, before)
        raise
    restore(warehouse, before)


def restore(warehouse: Statements, before: Session | None) -> None:
    """Restore a session. Raises RefusedError if that fails."""
    if before is None or (now := session_of(warehouse)) == before:
        return
    if now.database and not before.database:
        before = _with_own_schema(warehouse, before)
    for statement in _statements(before, now):
        warehouse.execute(statement)
    now = session_of(warehouse)
    left = [name for name, value in vars(before).items() if value and vars(now)[name] != value]
    if left:
        raise RefusedError(
            f"the session's {', '.join(left).replace('_', ' ')} could not be restored after the script; remove the "
            "script's USE and ALTER SESSION statements, then run it again"
        )


def _with_own_schema(warehouse: Statements, before: Session) -> Session:
    try:
        database, schema, _ = name_parts(warehouse.temporary("LF_STAGE"))
    except RefusedError:  # no schema is known, so none of leadflow's tables is in use
        return before
    return replace(before, database=database, schema=schema)


def _statements(before: Session, now: Session) -> list[str]:
    """Return the statements that restore a session: parameters first, since one decides how quoted names are read."""
    changed = [
        name
        for name in {**now.parameters, **before.parameters}
        if now.parameters.get(name) != before.parameters.get(name)
    ]
    statements = [
        f"ALTER SESSION SET {name} = {_value(*before.parameters[name])}"
        if name in before.parameters
        else f"ALTER SESSION UNSET {name}"
        for name in changed
    ]
    if before.role and now.role != before.role:
        statements.append(f"USE ROLE {quoted(before.role)}")
    if now.secondary_roles != before.secondary_roles or now.role != before.role:
        statements.append(f"USE SECONDARY ROLES {_secondary(before.secondary_roles)}")
    if before.warehouse and now.warehouse != before.warehouse:
        statements.append(f"USE WAREHOUSE {quoted(before.warehouse)}")
    place = [part for part in (before.database, before.schema) if part]
    if place and (now.database, now.schema) != (before.database, before.schema):
        statements.append(f"USE {'SCHEMA' if len(place) == 2 else 'DATABASE'} {'.'.join(map(quoted, place))}")
    return statements


def _value(value: str, kind: str) -> str:
    return value if kind in ("BOOLEAN", "NUMBER") else "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _secondary(current: str) -> str:
    """Convert CURRENT_SECONDARY_ROLES(), such as {"roles":"A,B","value":"ALL"}, for USE SECONDARY ROLES."""
    try:
        found = json.loads(current or "{}")
    except ValueError:
        return "NONE"
    if str(found.get("value", "")).upper() == "ALL":
        return "ALL"
    return ", ".join(quoted(role) for role in str(found.get("roles") or "").split(",") if role) or "NONE"

"""What a script may change of its session: role, warehouse, database, schema, parameters. Read before, put back after.

Sources: https://docs.snowflake.com/en/sql-reference/sql/use,
https://docs.snowflake.com/en/sql-reference/sql/alter-session
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from leadflow.errors import RefusedError, ServiceError
from leadflow.services.warehouse.tables import name_parts, quoted

if TYPE_CHECKING:
    from leadflow.services.warehouse.client import Warehouse

_CONTEXT = "SELECT CURRENT_ROLE(), CURRENT_SECONDARY_ROLES(), CURRENT_WAREHOUSE(), CURRENT_DATABASE(), CURRENT_SCHEMA()"


@dataclass(frozen=True)
class Session:
    """The state of a session; `parameters` are those set for it alone, each with its value and its type."""

    role: str
    secondary_roles: str
    warehouse: str
    database: str
    schema: str
    parameters: dict[str, tuple[str, str]]


def session_of(warehouse: Warehouse) -> Session:
    """The session as it is now; raises RefusedError, TransientError."""
    role, secondary, compute, database, schema = (value or "" for value in warehouse.execute(_CONTEXT)[0])
    rows = warehouse.execute("SHOW PARAMETERS IN SESSION")
    parameters = {str(key): (str(value), str(kind)) for key, value, _, level, _, kind, *_ in rows if level == "SESSION"}
    return Session(role, secondary, compute, database, schema, parameters)


@contextmanager
def put_back(warehouse: Warehouse, changing: bool) -> Iterator[Session | None]:
    """Leave the session as it was before the block, which may be `changing` it; gives what it was.

    A warehouse, a database or a schema that the session had none of before cannot be taken away again: the warehouse
    stays, and the database and schema become those of leadflow's own tables.
    """
    before = session_of(warehouse) if changing else None
    try:
        yield before
    except BaseException:
        with suppress(ServiceError):
            restore(warehouse, before)
        raise
    restore(warehouse, before)


def restore(warehouse: Warehouse, before: Session | None) -> None:
    """Put a session back; raises RefusedError if that cannot be done."""
    if before is None or (now := session_of(warehouse)) == before:
        return
    if now.database and not before.database:
        before = _at_home(warehouse, before)
    for statement in _statements(before, now):
        warehouse.execute(statement)
    now = session_of(warehouse)
    left = [name for name, value in vars(before).items() if value and vars(now)[name] != value]
    if left:
        raise RefusedError(
            f"the session's {', '.join(left).replace('_', ' ')} could not be put back after the script; take its USE "
            "and ALTER SESSION statements out"
        )


def _at_home(warehouse: Warehouse, before: Session) -> Session:
    try:
        database, schema, _ = name_parts(warehouse.temporary("LF_STAGE"))
    except RefusedError:  # nothing says where PERSON_CACHE is, and nothing of ours is read or written
        return before
    return replace(before, database=database, schema=schema)


def _statements(before: Session, now: Session) -> list[str]:
    """Parameters first: one of them decides how names in quotes are read."""
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


def _secondary(told: str) -> str:
    """From CURRENT_SECONDARY_ROLES(), as in {"roles":"A,B","value":"ALL"}, to what USE SECONDARY ROLES takes."""
    try:
        found = json.loads(told or "{}")
    except ValueError:
        return "NONE"
    if str(found.get("value", "")).upper() == "ALL":
        return "ALL"
    return ", ".join(quoted(role) for role in str(found.get("roles") or "").split(",") if role) or "NONE"

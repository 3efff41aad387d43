"""Sessions of the Snowflake stand-in: role, warehouse, parameters and temporary tables, and the rights of roles.

fakesnow has none of these. As in Snowflake, a temporary table belongs to a schema and to the role that made it, a
session without a warehouse changes no table, and rights are checked when a statement is compiled, whether or not it
would change a row. A role that `roles` does not name may do everything.
Sources: https://docs.snowflake.com/en/user-guide/security-access-control-privileges,
https://docs.snowflake.com/en/sql-reference/sql/create-table (no right is needed to make a temporary table).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from snowflake.connector.errors import ProgrammingError
from sqlglot import Expr, exp

DEFAULT_ROLE, DEFAULT_WAREHOUSE = "PUBLIC", "COMPUTE_WH"
SIGN_IN: ContextVar[Mapping[str, Any]] = ContextVar("sign_in", default={})  # noqa: B039 - never changed
roles: dict[str, dict[str, list[str]]] = {}
"""By role, its rights by table ("*" for the others), and under "SCHEMA" those in its schemas, such as CREATE TABLE."""

RESULT = "LF_RESULT_"  # how the tables are named in which the results of earlier statements are kept, for their user
_DONE = "SELECT 'Statement executed successfully.' AS \"status\""
_USE = re.compile(r"\s*USE\s+(ROLE|WAREHOUSE|SECONDARY\s+ROLES)\s+(.+?)\s*;?\s*$", re.IGNORECASE | re.DOTALL)
_USE_DATABASE = re.compile(r'^\s*USE\s+("[^"]+"|\w+)\s*;?\s*$', re.IGNORECASE)
_ALTER = re.compile(r"\s*ALTER\s+SESSION\s+(SET|UNSET)\s+(.+?)\s*;?\s*$", re.IGNORECASE | re.DOTALL)
_SETTING = re.compile(r"(\w+)\s*=\s*('(?:[^']|'')*'|[^\s,]+)")
_SHOW = re.compile(r"\s*SHOW\s+PARAMETERS(\s+(IN|FOR)\s+SESSION)?\s*;?\s*$", re.IGNORECASE)
_CURRENT = re.compile(r"\bCURRENT_(ROLE|WAREHOUSE|SECONDARY_ROLES)\(\)", re.IGNORECASE)
_DATABASE = re.compile(r"\bCURRENT_(DATABASE|SCHEMA)\(\)", re.IGNORECASE)
_USUAL = {
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
    "TIMEZONE": "America/Los_Angeles",
    "AUTOCOMMIT": "true",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
}
_WANTED: list[tuple[type[Expr], Sequence[str]]] = [
    (exp.Merge, ("SELECT", "INSERT", "UPDATE")),
    (exp.Insert, ("INSERT",)),
    (exp.Update, ("UPDATE",)),
    (exp.Delete, ("DELETE",)),
    (exp.Drop, ("OWNERSHIP",)),
]
Place = tuple[str, str, str]


@dataclass
class Session:
    """The state of one connection; `temporary` has the owners of temporary tables by database, schema and name."""

    role: str = DEFAULT_ROLE
    warehouse: str = DEFAULT_WAREHOUSE
    secondary_roles: str = "ALL"
    parameters: dict[str, str] = field(default_factory=dict)
    temporary: dict[Place, str] = field(default_factory=dict)
    signed_in_as: str = DEFAULT_ROLE

    @property
    def ignores_case(self) -> bool:
        """Whether names in double quotes are folded too."""
        return self.parameters.get("QUOTED_IDENTIFIERS_IGNORE_CASE", "").lower() == "true"


def session_of(connection: Any) -> Session:
    """The session of a connection of fakesnow's."""
    if not hasattr(connection, "leadflow_session"):
        told = SIGN_IN.get()
        role = str(told.get("role") or DEFAULT_ROLE).upper()
        parameters = {name.upper(): _as_text(value) for name, value in dict(told.get("parameters") or {}).items()}
        connection.leadflow_session = Session(
            role, str(told.get("warehouse", DEFAULT_WAREHOUSE)).upper(), parameters=parameters, signed_in_as=role
        )
    return connection.leadflow_session


def answered(session: Session, command: str, connection: Any) -> str:
    """The command in the words of fakesnow: what only the session can answer is put in, what changes it is done."""
    command = _USE_DATABASE.sub(r"USE DATABASE \1", command)
    if use := _USE.match(command):
        _use(session, re.sub(r"\s+", " ", use[1]).upper(), use[2])
        return _DONE
    if (alter := _ALTER.match(command)) and "AUTOCOMMIT" not in alter[2].upper():
        _alter(session, alter[1].upper(), alter[2])
        return _DONE
    if _SHOW.match(command):
        return _parameters(session)
    if "CURRENT_" not in command.upper():
        return command
    told = {
        "ROLE": session.role,
        "WAREHOUSE": session.warehouse,
        "SECONDARY_ROLES": f'{{"roles":"","value":"{session.secondary_roles}"}}',
    }
    command = _CURRENT.sub(lambda found: _constant(told[found[1].upper()]), command)
    place = {
        "DATABASE": connection.database if connection.database_set else "",
        "SCHEMA": connection.schema if connection.schema_set else "",
    }
    return _DATABASE.sub(lambda found: _constant(place[found[1].upper()] or ""), command)


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


def raise_if_forbidden(session: Session, statement: Expr, connection: Any) -> None:
    """Refuse what the session's role may not do, in Snowflake's words."""
    rights = roles.get(session.role)
    if not session.warehouse and isinstance(statement, (exp.Merge, exp.Insert, exp.Update, exp.Delete)):
        raise ProgrammingError(
            msg="No active warehouse selected in the current session.  "
            "Select an active warehouse with the 'use warehouse' command.",
            errno=606,
            sqlstate="57P03",
        )
    if rights is None or isinstance(statement, exp.Use):
        return
    target = _target(statement)
    if (
        isinstance(statement, exp.Create)
        and not _is_temporary(statement)
        and "CREATE TABLE" not in rights.get("SCHEMA", ())
    ):
        raise _insufficient("schema", place_of(target, connection)[1] if target is not None else "")
    wanted = next((needed for kind, needed in _WANTED if isinstance(statement, kind)), ())
    hidden = {cte.alias_or_name.upper() for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        place = place_of(table, connection)
        if (
            table.name.startswith(RESULT)
            or place in session.temporary
            or not table.name
            or (table.name.upper() in hidden and not table.db)
        ):
            continue
        if table is target and isinstance(statement, exp.Create):
            continue
        is_target = table is target or isinstance(statement, exp.Drop)
        needed = (
            () if isinstance(statement, exp.Describe) and is_target else wanted if is_target and wanted else ("SELECT",)
        )
        _raise_without(rights.get(place[2], rights.get("*", [])), needed, place[2])


def _raise_without(held: Sequence[str], needed: Sequence[str], name: str) -> None:
    if not held:
        raise _unknown(name)
    if "ALL" not in held and not set(needed) <= set(held):
        raise _insufficient("table", name)


def _insufficient(kind: str, name: str) -> ProgrammingError:
    return ProgrammingError(
        msg=f"SQL access control error:\nInsufficient privileges to operate on {kind} '{name}'",
        errno=3001,
        sqlstate="42501",
    )


def _unknown(name: str) -> ProgrammingError:
    return ProgrammingError(
        msg=f"SQL compilation error:\nObject '{name}' does not exist or not authorized.", errno=2003, sqlstate="42S02"
    )


def _target(statement: Expr) -> exp.Table | None:
    this = statement.args.get("this")
    this = this.this if isinstance(this, exp.Schema) else this
    return this if isinstance(this, exp.Table) else None


def _is_temporary(statement: exp.Create) -> bool:
    properties = statement.args.get("properties")
    return properties is not None and any(isinstance(found, exp.TemporaryProperty) for found in properties.expressions)


def place_of(table: exp.Table, connection: Any) -> Place:
    """Database, schema and name of a table, those of the session where the statement names none."""
    catalog, schema, name = (_folded(table.args.get(part)) for part in ("catalog", "db", "this"))
    return catalog or connection.database or "", schema or connection.schema or "", name


def _folded(part: Any) -> str:
    if not isinstance(part, exp.Identifier):
        return str(getattr(part, "name", "") or "").upper()
    return part.this if part.quoted else part.this.upper()


def note_temporary_table(session: Session, statement: Expr, connection: Any) -> None:
    """Remember the temporary table that a statement makes, and whose it is."""
    if isinstance(statement, exp.Create) and _is_temporary(statement) and (target := _target(statement)) is not None:
        session.temporary[place_of(target, connection)] = session.role


def look_there(statement: Expr, connection: Any) -> None:
    """For a session without a current database, have fakesnow look tables up in the database that a statement names."""
    named = next((table for table in statement.find_all(exp.Table) if table.catalog), None)
    if connection.database is None and named is not None:
        connection.database, connection._schema = place_of(named, connection)[:2]
        connection._duck_conn.execute(f"SET schema = '{connection.database}.{connection._schema}'")


def place_temporary_tables(session: Session, statement: Expr, connection: Any) -> Expr:
    """Temporary tables by the bare names that DuckDB takes; refused where Snowflake would not find them."""
    look_there(statement, connection)
    note_temporary_table(session, statement, connection)
    if not session.temporary:
        return statement
    names = {place[2] for place in session.temporary}
    hidden = {_folded(cte.args["alias"].this) for cte in statement.find_all(exp.CTE)}
    for table in list(statement.find_all(exp.Table)):
        place = place_of(table, connection)
        if place[2] not in names or (not table.db and place[2] in hidden):
            continue
        if place not in session.temporary:
            if not table.db:
                raise _unknown(place[2])  # it is in another schema
            continue
        if session.temporary[place] != session.role:
            raise _unknown(place[2])
        table.set("catalog", None)
        table.set("db", None)
        if isinstance(statement, exp.Drop):
            del session.temporary[place]
    return statement

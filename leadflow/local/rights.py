"""Rights of the Snowflake stand-in's roles, and the places of temporary tables.

fakesnow has neither. As in Snowflake, a temporary table belongs to a schema and to the role that made it, a session
without a warehouse changes no table, and rights are checked when a statement is compiled, whether or not it would
change a row. A role without an entry in `session.roles` may do everything.
Sources: https://docs.snowflake.com/en/user-guide/security-access-control-privileges,
https://docs.snowflake.com/en/sql-reference/sql/create-table (no right is needed to make a temporary table).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snowflake.connector.errors import ProgrammingError
from sqlglot import Expr, exp

from leadflow.local.session import Place, Session, roles

RESULT = "LF_RESULT_"  # prefix of the tables that hold results of earlier statements; any role of their user reads them

_WANTED: list[tuple[type[Expr], Sequence[str]]] = [
    (exp.Merge, ("SELECT", "INSERT", "UPDATE")),
    (exp.Insert, ("INSERT",)),
    (exp.Update, ("UPDATE",)),
    (exp.Delete, ("DELETE",)),
    (exp.Drop, ("OWNERSHIP",)),
]


def raise_if_forbidden(session: Session, statement: Expr, connection: Any) -> None:
    """Refuse a statement that the session's role may not run, with Snowflake's message."""
    granted = roles.get(session.role)
    usable = session.warehouse and (granted is None or "USAGE" in granted.get("WAREHOUSE", ("USAGE",)))
    if not usable and isinstance(statement, (exp.Merge, exp.Insert, exp.Update, exp.Delete)):
        raise ProgrammingError(
            msg="No active warehouse selected in the current session.  "
            "Select an active warehouse with the 'use warehouse' command.",
            errno=606,
            sqlstate="57P03",
        )
    if granted is None or isinstance(statement, exp.Use):
        return
    _raise_without_usage(granted, statement, connection)
    if isinstance(statement, exp.Create) and not _is_temporary(statement):
        _raise_without_create_table(granted, statement, connection)
    hidden = {cte.alias_or_name.upper() for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        if not _needs_no_right(table, statement, session, hidden, connection):
            name = place_of(table, connection)[2]
            _raise_without(granted.get(name, granted.get("*", [])), _needed(table, statement), name)


def _raise_without_usage(granted: Mapping[str, Sequence[str]], statement: Expr, connection: Any) -> None:
    """Refuse any table to a role with a full list of rights but without USAGE on the database or the schema."""
    if "DATABASE" not in granted or {"USAGE"} <= {*granted["DATABASE"]} & {*granted.get("SCHEMA", ())}:
        return
    for table in statement.find_all(exp.Table):
        if table.name and not table.name.startswith(RESULT):
            raise _unknown(place_of(table, connection)[2])


def _raise_without_create_table(granted: Mapping[str, Sequence[str]], statement: Expr, connection: Any) -> None:
    target = _target(statement)
    if "CREATE TABLE" not in granted.get("SCHEMA", ()):
        raise _insufficient("schema", place_of(target, connection)[1] if target is not None else "")


def _needs_no_right(table: exp.Table, statement: Expr, session: Session, hidden: set[str], connection: Any) -> bool:
    """Return whether a table is a stored result, temporary, a common table expression, or the one to be made."""
    if table.name.startswith(RESULT) or not table.name or place_of(table, connection) in session.temporary:
        return True
    if table.name.upper() in hidden and not table.db:
        return True
    return table is _target(statement) and isinstance(statement, exp.Create)


def _needed(table: exp.Table, statement: Expr) -> Sequence[str]:
    """Return the rights that a statement needs on one of its tables; () if any right is enough."""
    if table is not _target(statement) and not isinstance(statement, exp.Drop):
        return ("SELECT",)
    if isinstance(statement, exp.Describe):
        return ()
    return next((needed for kind, needed in _WANTED if isinstance(statement, kind)), ("SELECT",))


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
    """Return database, schema and name of a table. The session's database and schema are the defaults."""
    catalog, schema, name = (_folded(table.args.get(part)) for part in ("catalog", "db", "this"))
    return catalog or connection.database or "", schema or connection.schema or "", name


def _folded(part: Any) -> str:
    if not isinstance(part, exp.Identifier):
        return str(getattr(part, "name", "") or "").upper()
    return part.this if part.quoted else part.this.upper()


def note_temporary_table(session: Session, statement: Expr, connection: Any) -> None:
    """Record the temporary table that a statement makes, and its owner."""
    if isinstance(statement, exp.Create) and _is_temporary(statement) and (target := _target(statement)) is not None:
        session.temporary[place_of(target, connection)] = session.role


def use_named_database(statement: Expr, connection: Any) -> None:
    """Look up tables in the database that a statement names, if the session has no current database."""
    named = next((table for table in statement.find_all(exp.Table) if table.catalog), None)
    if connection.database is None and named is not None:
        connection.database, connection._schema = place_of(named, connection)[:2]
        connection._duck_conn.execute(f"SET schema = '{connection.database}.{connection._schema}'")


def place_temporary_tables(session: Session, statement: Expr, connection: Any) -> Expr:
    """Replace temporary tables by their bare names for DuckDB. Refuse those that Snowflake would not find."""
    use_named_database(statement, connection)
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

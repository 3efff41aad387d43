"""Corrections to fakesnow where Snowflake behaves differently. They are applied once in a process.

1. fakesnow writes a comment for every CREATE with a property (TEMPORARY is one) to its `_fs_global` database, even if
   there is no comment. MERGE makes such a temporary table. DuckDB lets a transaction write to one database only, so
   MERGE and CREATE TEMP TABLE inside BEGIN ... COMMIT failed with HTTP 500. Now only a real comment is written.
2. fakesnow accepts a MERGE whose source matches one row twice. Snowflake answers with error 100090, and so does this.
3. A DuckDB error that fakesnow does not translate became HTTP 500, which the connector repeats for minutes. Snowflake
   answers with an SQL error, and so does this. DuckDB quotes the line of the statement, and Snowflake does not.
4. Two sessions that CREATE a table IF NOT EXISTS at the same moment failed with a conflict, in fakesnow's own tables or
   in DuckDB's. Snowflake makes the table once. Here one CREATE waits for the other.
5. fakesnow translates every statement again each time: see statement_cache.py.
6. fakesnow has no roles, warehouses, session parameters or schemas of temporary tables: see session.py and rights.py.
7. fakesnow sets only one session variable a statement, and replaces variables inside literals: see variables.py.
8. fakesnow does not keep the results of earlier statements: see results.py.
9. DuckDB keeps the order of a subquery, and Snowflake does not guarantee it. This removes the order.
10. fakesnow accepts bound values in DDL: see sql_errors.py.
11. DuckDB ignores the case of names: see name_case.py.
12. DuckDB ignores the length of a VARCHAR(n). Here a CHECK of its table refuses a longer text, with Snowflake's error.
13. Connector 5 refuses fakesnow's NULL times: see arrow_nulls.py.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import duckdb
import sqlglot
from fakesnow import info_schema, transforms
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.dialect import parse_one
from fakesnow.instance import FakeSnow
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

from leadflow.local import rights, statement_cache
from leadflow.local.arrow_nulls import patch_null_times
from leadflow.local.name_case import raise_if_case_differs
from leadflow.local.results import patch_results
from leadflow.local.session import answered, session_of
from leadflow.local.sql_errors import raise_if_bound_ddl, raise_if_unread_time
from leadflow.local.variables import patch_variables

_DUPLICATE = "Duplicate row detected during DML action"
_TOO_LONG = "CHECK constraint failed"
_creating = threading.RLock()


def patch() -> None:
    """Apply every correction. The later ones wrap the earlier ones."""
    _patch_comments()
    _patch_merge()
    _patch_execute()
    _patch_temporary_tables()
    statement_cache.patch_translation()
    patch_results()
    patch_variables()
    patch_null_times()


def _patch_comments() -> None:
    comment_sql = info_schema.insert_table_comment_sql

    def insert_table_comment_sql(catalog: str, schema: str, table: str, comment: str | None) -> str:
        return "SELECT 1" if comment is None else comment_sql(catalog, schema, table, comment)

    info_schema.insert_table_comment_sql = insert_table_comment_sql


def _patch_merge() -> None:
    merge = transforms.merge

    def guarded_merge(expression: Any) -> Any:
        parts: Any = merge(expression)
        return _with_duplicate_check(expression, parts) if isinstance(expression, exp.Merge) else parts

    transforms.merge = guarded_merge


def _with_duplicate_check(statement: exp.Merge, parts: list[Any]) -> list[Any]:
    """Add a check between fakesnow's table of candidates and its first change."""
    matched = [str(n) for n, when in enumerate(statement.args["whens"]) if when.args.get("matched")]
    if not matched:
        return parts
    candidates, target = parts[0], statement.this
    select = candidates.expression
    select.append("expressions", sqlglot.parse_one(f"{target.alias or target.name}.rowid AS MERGE_TARGET"))
    check = sqlglot.parse_one(
        f"SELECT ERROR('{_DUPLICATE}') FROM (SELECT MERGE_TARGET FROM merge_candidates "
        f"WHERE MERGE_OP IN ({', '.join(matched)}) GROUP BY MERGE_TARGET HAVING COUNT(*) > 1) AS twice"
    )
    return [candidates, check, *parts[1:]]


def _patch_execute() -> None:
    """Answer statements about the session, check rights, and report errors as Snowflake does."""
    execute = FakeSnowflakeCursor.execute

    def executed(self: FakeSnowflakeCursor, command: str, *args: Any, **kwargs: Any) -> FakeSnowflakeCursor:
        place = self._conn.database, self._conn._schema
        try:
            raise_if_bound_ddl(command, kwargs.get("binding_params"))
            command = _checked(self._conn, command)
            with _one_create_at_a_time(command):
                return execute(self, command, *args, **kwargs)
        except (ProgrammingError, duckdb.Error) as problem:
            raise _translated(problem) from problem
        finally:
            if place == (None, None) and not self._conn.database_set:
                self._conn.database, self._conn._schema = place

    FakeSnowflakeCursor.execute = executed


def _checked(connection: Any, command: str) -> str:
    """Return the command in fakesnow's syntax, if the session's role may run it."""
    session = session_of(connection)
    command = answered(session, command, connection)
    if rights.roles or not session.warehouse:
        rights.raise_if_forbidden(session, parse_one(command), connection)
    statement_cache.ignores_case.set(session.ignores_case)
    raise_if_case_differs(command, session.ignores_case, connection._duck_conn)
    raise_if_unread_time(command, session.parameters.get("TIMESTAMP_INPUT_FORMAT", "AUTO"))
    rows = int(session.parameters.get("ROWS_PER_RESULTSET", "0"))
    is_query = rows and command.lstrip()[:6].upper() == "SELECT"
    return f"SELECT * FROM ({command}) LIMIT {rows}" if is_query else command


def _one_create_at_a_time(command: str) -> AbstractContextManager[Any]:
    return _creating if command.lstrip()[:6].upper() == "CREATE" else nullcontext()


def _translated(problem: ProgrammingError | duckdb.Error) -> ProgrammingError:
    if isinstance(problem, ProgrammingError):
        message = str(problem.raw_msg or problem.msg).partition("\n\nLINE ")[0]
        return ProgrammingError(msg=message, errno=problem.errno, sqlstate=problem.sqlstate)
    if _TOO_LONG in str(problem):
        return ProgrammingError(msg="String '...' is too long and would be truncated", errno=100078, sqlstate="22000")
    if _DUPLICATE in str(problem):
        return ProgrammingError(msg=_DUPLICATE, errno=100090, sqlstate="42P18")
    return ProgrammingError(msg=str(problem).split("\n")[0], errno=603, sqlstate="XX000")


def _forget_order_of_subqueries(statement: Any) -> None:
    """Remove the order of a subquery without LIMIT. DuckDB keeps that order, and Snowflake does not guarantee it."""
    for subquery in statement.find_all(exp.Subquery):
        query = subquery.this
        if query.args.get("order") and not (query.args.get("limit") or query.args.get("fetch")):
            query.set("order", None)


def _limit_lengths(statement: Any) -> None:
    """Give each column VARCHAR(n) of a new table a CHECK of its length."""
    for column in statement.find_all(exp.ColumnDef) if isinstance(statement, exp.Create) else ():
        kind = column.args.get("kind")
        if kind is not None and kind.is_type(*exp.DataType.TEXT_TYPES) and kind.expressions:
            length = exp.Length(this=exp.column(column.this.copy()))
            check = exp.CheckColumnConstraint(this=exp.LTE(this=length, expression=kind.expressions[0].this.copy()))
            column.append("constraints", exp.ColumnConstraint(kind=check))


def _patch_temporary_tables() -> None:
    """Look up temporary tables in the places where Snowflake does."""
    transform, connect = FakeSnowflakeCursor._transform, FakeSnow.connect

    def placed(self: FakeSnowflakeCursor, expression: Any, params: Any) -> Any:
        _forget_order_of_subqueries(expression)
        _limit_lengths(expression)
        statement = rights.place_temporary_tables(session_of(self._conn), expression, self._conn)
        return transform(self, statement, params)

    def connected(self: FakeSnow, *args: Any, **kwargs: Any) -> Any:
        connection = connect(self, *args, **kwargs)
        session_of(connection)  # now, because it reads the request of the sign-in
        return connection

    FakeSnowflakeCursor._transform = placed
    FakeSnow.connect = connected

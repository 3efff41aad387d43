"""Put the rows of a script, or of a frame, into the temporary table LF_SCRIPT, with their numbers in order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from leadflow.errors import ColumnsError, RefusedError, ScriptError, ServiceError
from leadflow.events import Emit, JobLog
from leadflow.leads.columns import IDENTITY, resolve_columns
from leadflow.services.warehouse.connection import NOT_THERE, SqlError
from leadflow.services.warehouse.interruption import InterruptedWork
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.session import put_back, restore, session_of
from leadflow.settings.warehouse import TABLE_SETTINGS
from leadflow.stages.lead_source import ROW_NUMBER, ROWS_TABLE
from leadflow.stages.script import Script, parse_script, without_constants

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse
    from leadflow.services.warehouse.session import Session

_STAGE = "Snowflake"
_FOLDING = "QUOTED_IDENTIFIERS_IGNORE_CASE"
_UNORDERED = (
    "the script's ORDER BY has a term that is no column of its SELECT, so the order of the leads, and which of them "
    "limit_rows takes, is Snowflake's. Add the term to the SELECT"
)


def land_script(
    parsed: Script, warehouse: Warehouse, variables: Sequence[str], emit: Emit
) -> tuple[list[str], dict[str, str]]:
    """Run the script into LF_SCRIPT; return its columns, and those of the identity."""
    with put_back(warehouse, changing=bool(parsed.setup) or parsed.alone) as before:
        query = set_up(parsed, warehouse, variables)
        names = distinct(query_columns(warehouse, query))
        identity = resolve_columns(names)
        _land(warehouse, query, names, before, _number_sql(parsed, names, identity, emit))
    return names, identity


def land_rows(warehouse: Warehouse, rows: pl.DataFrame) -> tuple[list[str], dict[str, str]]:
    """Upload rows into LF_SCRIPT, in their order; return their columns, and those of the identity."""
    names = distinct([name for name in rows.columns if name != ROW_NUMBER])
    identity = resolve_columns(names)
    query = f"SELECT * FROM {warehouse.upload(rows, ROWS_TABLE)}"
    _land(warehouse, query, names, None, f"CAST(s.{quoted(ROW_NUMBER)} AS INTEGER)")
    return names, identity


def parsed_script(script: str, warehouse: Warehouse, allow_writes: bool) -> Script:
    """Parse a script. Raises ScriptError, also for a table of its own with one of leadflow's names."""
    settings = warehouse.settings
    home = (settings.database, settings.schema_name) if settings.database else ("", "")
    parsed = parse_script(script, allow_writes=allow_writes, home=home)
    _raise_if_shadowing(parsed.creates, warehouse)
    return parsed


def set_up(parsed: Script, warehouse: Warehouse, variables: Sequence[str] = ()) -> str:
    """Run the statements before the query; return the query as SQL that can be used as a subquery.

    A query that must run alone runs here, directly after the script's own statements: its LAST_QUERY_ID() refers to one
    of them. So does the query of a script that folds names in quotes to upper case. Its rows are then read by the
    query's id.
    """
    for statement in variables:
        _run(warehouse, statement, f"{statement.partition(' = ')[0]} of params")
    for number, statement in enumerate(parsed.setup, 1):
        _run(warehouse, statement, f"statement {number} of the script, on line {parsed.lines[number - 1]},")
    folds = any(_FOLDING in statement.upper() for statement in parsed.setup)
    if not (parsed.alone or folds):
        return parsed.select
    with _explained(warehouse, "the script", parsed.select):
        found = warehouse.query_id(parsed.select, timeout_s=warehouse.settings.script_timeout_s)
    if folds:  # else leadflow's own quoted names would not be found in a result with names in lower case
        warehouse.execute(f"ALTER SESSION SET {_FOLDING} = FALSE")
    return f"SELECT * FROM TABLE(RESULT_SCAN('{found}'))"


def query_columns(warehouse: Warehouse, query: str) -> list[str]:
    """Return the names of a query's columns, without running it. Raises ScriptError."""
    with _explained(warehouse, "the script", query):
        return warehouse.columns(query)


@contextmanager
def not_twice(parsed: Script | None) -> Generator[None, None, None]:
    """Prevent a second run of a script that writes to permanent tables, after its session ended."""
    try:
        yield
    except InterruptedWork as interruption:
        if parsed is None or not parsed.writes:
            raise
        failure = ServiceError(
            f"{interruption} while the leads were read. The script writes to tables that stay, so leadflow does not "
            "run it a second time by itself. Nothing was bought. See what the script wrote, then run it again, or "
            "resume the job"
        )
    else:
        return
    raise failure


def distinct(names: list[str]) -> list[str]:
    """Return the names. Raises ColumnsError if two columns have the same name."""
    for name in names:
        if names.count(name) > 1:
            raise ColumnsError.ambiguous(name, [n for n in names if n == name])
    return names


def text_sql(name: str) -> str:
    """Return a column as SQL that is text, "" for NULL."""
    return f"COALESCE(CAST({quoted(name)} AS VARCHAR), '')"


def _number_sql(parsed: Script, names: list[str], identity: dict[str, str], emit: Emit) -> str:
    """Return the SQL expression that numbers the rows in the order of the script's ORDER BY.

    Ties are ordered by the leads' identities, so that each run takes the same leads.
    """
    columns = [term.column(names) for term in parsed.order]
    if None in columns:
        emit(JobLog(stage=_STAGE, level="warning", message=_UNORDERED))
    if not columns or None in columns:
        return "SEQ8()"
    terms = [f"s.{quoted(name or '')}{term.how}" for name, term in zip(columns, parsed.order, strict=True)]
    terms += [f"CAST(s.{quoted(identity[part])} AS VARCHAR)" for part in IDENTITY]
    return f"ROW_NUMBER() OVER (ORDER BY {', '.join(terms)})"


def _land(warehouse: Warehouse, query: str, names: list[str], before: Session | None, number: str) -> None:
    """Write the script's rows into LF_SCRIPT, with their `number`.

    A temporary table belongs to the role that makes it. If the script changed its session, its query runs in that
    session, the session is restored, and leadflow's own role makes the table from the query's result, which belongs to
    the user. Source: https://docs.snowflake.com/en/sql-reference/functions/result_scan
    """
    table = f"CREATE OR REPLACE TEMPORARY TABLE {warehouse.temporary('LF_SCRIPT')} AS"
    if before is None or session_of(warehouse) == before:
        _run(warehouse, f'{table} SELECT s.*, {number} AS "lf_seq" FROM ({query}) s')
        return
    texts = ", ".join(f"{text_sql(name)} AS c{n}" for n, name in enumerate(names))
    with _explained(warehouse, "the script", query):
        select = f"SELECT {texts}, {number} AS LF_NUMBER FROM ({query}) s"
        result = warehouse.query_id(select, timeout_s=warehouse.settings.script_timeout_s)
    restore(warehouse, before)
    columns = ", ".join(f"C{n} AS {quoted(name)}" for n, name in enumerate(names))
    warehouse.execute(f"{table} SELECT {columns}, LF_NUMBER AS \"lf_seq\" FROM TABLE(RESULT_SCAN('{result}'))")


def _raise_if_shadowing(names: Iterable[str], warehouse: Warehouse) -> None:
    """Refuse a temporary table with one of leadflow's names: it could hide PERSON_CACHE or SUPPRESSIONS."""
    settings = warehouse.settings
    tables = (getattr(settings, name) for name in TABLE_SETTINGS)
    ours = {table.rpartition(".")[2].strip('"').upper() for table in tables}
    for name in names:
        if name.upper() in ours or name.upper().startswith("LF_"):
            raise ScriptError(
                f"the script makes a table called {name}, a name that leadflow uses itself; give it another name"
            )


def _run(warehouse: Warehouse, sql: str, what: str = "the script") -> None:
    with _explained(warehouse, what, sql):
        warehouse.execute(sql, timeout_s=warehouse.settings.script_timeout_s)


@contextmanager
def _explained(warehouse: Warehouse, what: str, sql: str) -> Generator[None, None, None]:
    """Convert Snowflake's refusal to a ScriptError without the constants of the statement.

    Snowflake says the same of what is missing and of what is hidden from the role, so the role is named then.
    """
    try:
        yield
    except RefusedError as error:
        hidden = isinstance(error, SqlError) and error.errno in NOT_THERE
        asked = f" It was asked by {warehouse.role}: correct the name, or grant the right" if hidden else ""
        failure = ScriptError(f"{what} did not run: {without_constants(str(error), sql)}{asked}")
    else:
        return
    raise failure

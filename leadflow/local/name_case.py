"""Names as Snowflake compares them. DuckDB, below fakesnow, ignores their case.

Snowflake folds a name without quotes to upper case, and compares names exactly: a table with a column "City" has no
column CITY. So a statement is refused here if one of its names differs in case alone from a name that is there. Two
names that differ in case alone cannot be there at once, because DuckDB takes them for one.
Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlglot
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp
from sqlglot.errors import SqlglotError

_FLATTENED = frozenset({"SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS"})  # the columns of FLATTEN
_COLUMNS = """SELECT table_name, column_name FROM duckdb_columns()
    WHERE NOT internal AND lower(table_name) IN (SELECT unnest(?))"""


@dataclass(frozen=True)
class Names:
    """The names of a statement, folded: what it reads, what it defines itself, and the table that it creates."""

    tables: frozenset[str]
    columns: frozenset[str]
    qualifiers: frozenset[str]
    defined: frozenset[str]
    created: str = ""


def raise_if_case_differs(command: str, ignores_case: bool, duck: Any) -> None:
    """Refuse a statement with a name that is there in another case alone. Raises ProgrammingError."""
    names = _names_of(command, ignores_case)
    if names is None or not (names.tables or names.created):
        return
    wanted = [name.lower() for name in (*names.tables, *filter(None, [names.created]))]
    there: dict[str, set[str]] = {}
    for table, column in duck.execute(_COLUMNS, [wanted]).fetchall():
        there.setdefault(table, set()).add(column)
    if _other_case(names.created, there):
        raise ProgrammingError(
            msg=f"the local world cannot hold {names.created} beside a table whose name differs in case alone",
            errno=603,
            sqlstate="XX000",
        )
    for table in names.tables:
        if _other_case(table, {*there, *names.defined}):
            raise ProgrammingError(
                msg=f"SQL compilation error:\nObject '{table}' does not exist or not authorized.",
                errno=2003,
                sqlstate="42S02",
            )
    _raise_for_columns(names, there)


def _raise_for_columns(names: Names, there: dict[str, set[str]]) -> None:
    known = names.defined.union(*(there.get(table, ()) for table in names.tables))
    wrong = [name for name in names.columns if _other_case(name, known)]
    wrong += [name for name in names.qualifiers if _other_case(name, names.tables | names.defined)]
    if wrong and all(table in there for table in names.tables):
        raise ProgrammingError(
            msg=f"SQL compilation error: error line 1 at position 1\ninvalid identifier '{min(wrong)}'",
            errno=904,
            sqlstate="42000",
        )


def _other_case(name: str, there: Iterable[str]) -> bool:
    """Return whether a name is missing, and there in another case."""
    known = set(there)
    return bool(name) and name not in known and name.lower() in {other.lower() for other in known}


@lru_cache(maxsize=500)
def _names_of(command: str, ignores_case: bool) -> Names | None:
    """Return the names of a statement; None if it cannot be read or reads Snowflake's own views."""
    try:
        statement: Any = sqlglot.parse_one(command, dialect="snowflake")
    except SqlglotError:
        return None  # fakesnow says what is wrong with it
    if statement is None or isinstance(statement, exp.Command):
        return None

    def fold(part: Any) -> str:
        return part.this if part.quoted and not ignores_case else part.this.upper()

    ctes = {fold(cte.args["alias"].this) for cte in statement.find_all(exp.CTE)}
    tables = [table for table in statement.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    if any(table.db.upper() == "INFORMATION_SCHEMA" for table in tables):
        return None
    made = _created(statement)
    read = {fold(table.this) for table in tables if table is not made and (table.db or fold(table.this) not in ctes)}
    columns = list(statement.find_all(exp.Column))
    return Names(
        frozenset(read),
        frozenset({fold(column.this) for column in columns if isinstance(column.this, exp.Identifier)}),
        frozenset({fold(column.args["table"]) for column in columns if column.args.get("table")}),
        frozenset({*ctes, *map(fold, _defined(statement)), *_FLATTENED}),
        fold(made.this) if made is not None else "",
    )


def _created(statement: Any) -> Any:
    """Return the table that a CREATE makes, None for another statement."""
    if not isinstance(statement, exp.Create) or statement.args.get("kind") not in ("TABLE", "VIEW"):
        return None
    this = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
    return this if isinstance(this, exp.Table) and isinstance(this.this, exp.Identifier) else None


def _defined(statement: Any) -> Iterator[exp.Identifier]:
    """Yield the names that a statement defines: of results, tables' aliases, and new columns."""
    for alias in statement.find_all(exp.Alias, exp.TableAlias, exp.ColumnDef):
        parts = [alias.args.get("alias") if isinstance(alias, exp.Alias) else alias.this]
        for part in [*parts, *(alias.args.get("columns") or ())]:
            part = part.this if isinstance(part, exp.ColumnDef) else part
            if isinstance(part, exp.Identifier):
                yield part

"""Snowflake: run a script, stream leads out, merge results in. Works with connector 4.x and 5.x.

Rows go up as one bound JSON document, which both Snowflake and the local stand-in take in one statement;
then one MERGE a table, from a source that is deduplicated here, all of them in one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import polars as pl
import stamina

from leadflow.errors import RefusedError, ServiceError, TransientError
from leadflow.services.warehouse import tables
from leadflow.services.warehouse.connection import SqlError, explaining, major, sign_in
from leadflow.services.warehouse.tables import (
    CONSOLIDATED_COLUMNS,
    PERSON_CACHE_COLUMNS,
    TIMES,
    Column,
    name_parts,
    quoted,
)
from leadflow.settings import WarehouseSettings

__all__ = ["ANSWERED", "CONSOLIDATED_COLUMNS", "PERSON_CACHE_COLUMNS", "SqlError", "Warehouse", "quoted"]
_DOCUMENT_BYTES = 4_000_000
_STAGE = "LF_STAGE"
ANSWERED = """COALESCE({}."status", '') <> 'error'"""


class Warehouse:
    """One connection, safe to use from many threads, one statement at a time."""

    def __init__(self, settings: WarehouseSettings, query_tag: str = "leadflow") -> None:
        self.settings = settings
        self.query_tag = query_tag
        self._lock = threading.RLock()
        self._connection: Any = None
        self._home: tuple[str, ...] = ()
        self._staged: pl.DataFrame | None = None
        self._columns: dict[str, list[Column] | None] = {}

    def __enter__(self) -> Warehouse:
        """The warehouse itself; it connects on first use."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def connect(self) -> None:
        """Sign in; does nothing when signed in. Raises RefusedError or TransientError."""
        with self._lock:
            if self._connection is None:
                self._connection = connection = sign_in(self.settings, self.query_tag)
                # A schema without a database is no place.
                self._home = (
                    tuple(filter(None, (connection.database, connection.schema))) if connection.database else ()
                )

    def exclusively(self) -> AbstractContextManager[Any]:
        """A block whose statements no other thread's come between."""
        return self._lock

    @property
    def role(self) -> str:
        """The role of the sign-in, in words."""
        role = getattr(self._connection, "role", None) or self.settings.role
        return f"role {role}" if role else "your role"

    def table(self, name: str) -> str:
        """A table of the settings as SQL, in full; database and schema are those of the sign-in unless named.

        A script's USE SCHEMA must not make another PERSON_CACHE of it, in which nobody seems to have been processed.
        Raises SettingsError for what is no name, RefusedError without a database.
        """
        self.connect()
        parts = name_parts(name)
        if len(parts) < 3:
            parts = [*self._home[: 3 - len(parts)], *parts]
        if len(parts) < 3:
            raise RefusedError(
                f"it is not known in which database and schema {name} is: the sign-in has none. Set "
                "LEADFLOW_WAREHOUSE__DATABASE and "
                "LEADFLOW_WAREHOUSE__SCHEMA_NAME, or name the tables in full, as in DB.SCHEMA.PERSON_CACHE"
            )
        return ".".join(map(quoted, parts))

    def temporary(self, name: str) -> str:
        """A temporary table of leadflow's own as SQL, in full: in the sign-in's schema, or else in PERSON_CACHE's."""
        self.connect()
        if len(self._home) == 2:
            return ".".join(map(quoted, (*self._home, name)))
        return self.table(self.settings.person_cache).removesuffix(
            quoted(name_parts(self.settings.person_cache)[-1])
        ) + quoted(name)

    def columns_of(self, name: str) -> list[Column] | None:
        """The columns of a table of the settings, None if it is not there; asked once."""
        if self._columns.get(name) is None:
            self._columns[name] = tables.described(self, name)
        return self._columns[name]

    def forget_columns(self, name: str) -> None:
        """Ask for a table's columns anew."""
        self._columns.pop(name, None)

    def execute(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> list[tuple[Any, ...]]:
        """Run one statement, within `timeout_s` seconds if given; its rows. Values are bound, never pasted."""
        with self._lock:
            self.connect()
            cursor = self._run(sql, params, timeout_s)
            return list(cursor.fetchall())

    def _run(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> Any:
        # Without a timeout of its own connector 4 cancels a statement after network_timeout; connector 5 has
        # query_timeout.
        options: dict[str, Any] = {"timeout": timeout_s} if timeout_s and major() < 5 else {}
        cursor = self._connection.cursor()
        return explaining("run a statement", lambda: cursor.execute(sql, tuple(params) or None, **options), sql)

    def query_id(self, sql: str, timeout_s: int | None = None) -> str:
        """Run a query and leave its rows in Snowflake; the id by which RESULT_SCAN reads them, for this user."""
        with self._lock:
            self.connect()
            return str(self._run(sql, timeout_s=timeout_s).sfqid)

    def columns(self, query: str) -> list[str]:
        """The names of a query's columns, without running it."""
        with self._lock:
            self.connect()
            cursor = self._connection.cursor()
            return [
                column.name for column in explaining("read the script's columns", lambda: cursor.describe(query), query)
            ]

    def frame(self, sql: str, params: Sequence[Any] = ()) -> pl.DataFrame:
        """The rows of a query as one frame."""
        return pl.concat([self._empty(sql), *self.batches(sql, params)], how="vertical_relaxed")

    def _empty(self, sql: str) -> pl.DataFrame:
        return pl.DataFrame(schema=dict.fromkeys(self.columns(sql), pl.Null))

    def batches(self, sql: str, params: Sequence[Any] = ()) -> Iterator[pl.DataFrame]:
        """The rows of a query, streamed in the pieces that Snowflake sends."""
        with self._lock:
            self.connect()
            cursor = self._run(sql, params)
            for table in cursor.fetch_arrow_batches():
                if table.num_rows:
                    frame = pl.from_arrow(table)
                    assert isinstance(frame, pl.DataFrame)
                    yield frame

    def merge(self, rows: pl.DataFrame, key: str, into: Mapping[str, Mapping[str, str]]) -> int:
        """Insert or update so that each table has one row a key; of rows with one key the last wins. How many rows.

        `rows` is all text, "" for nothing; `into` gives, by table, its columns, each with the column of `rows` that
        fills it.
        Either all tables have the rows afterwards or none has.
        """
        unique = _last_of_each(rows, key)
        if unique.is_empty():
            return 0
        self._merge_surely(unique, key, into)
        return unique.height

    def prove_merge(self, rows: pl.DataFrame, key: str, into: Mapping[str, Mapping[str, str]]) -> None:
        """Merge no rows with the columns of `rows`, by the statements that `merge` runs. Raises RefusedError."""
        self._merge_surely(rows.clear(), key, into)

    def _merge_surely(self, rows: pl.DataFrame, key: str, into: Mapping[str, Mapping[str, str]]) -> None:
        for attempt in stamina.retry_context(
            on=TransientError, attempts=4, timeout=None, wait_initial=0.2, wait_max=10
        ):
            with attempt, self._lock:
                self._merge(rows, key, into)

    def stage(self, rows: pl.DataFrame, key: str) -> None:
        """Send rows ahead of a likely merge; of other rows, it sends its own. Does nothing while a statement runs."""
        if self._lock.acquire(blocking=False):
            try:
                self._stage(_last_of_each(rows, key))
            finally:
                self._lock.release()

    def _merge(self, rows: pl.DataFrame, key: str, into: Mapping[str, Mapping[str, str]]) -> None:
        if self._staged is None or not rows.equals(self._staged):
            self._stage(rows)
        filled = {self.table(name): columns for name, columns in into.items()}
        self.execute("BEGIN")
        try:
            for table, columns in filled.items():
                self.execute(_merge_sql(table, self.temporary(_STAGE), key, columns))
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._staged = None

    def _stage(self, rows: pl.DataFrame) -> None:
        """Put rows into a temporary table; before the transaction, which a CREATE would end."""
        kinds = ["TIMESTAMP_NTZ" if name in TIMES else "VARCHAR" for name in rows.columns]
        picked = ", ".join(
            f"value:c{n}::VARCHAR::{kind} AS {quoted(name)}"
            for n, (name, kind) in enumerate(zip(rows.columns, kinds, strict=True))
        )
        self._staged = None
        source = f"SELECT {picked} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?)))"
        stage = self.temporary(_STAGE)
        begin = f"CREATE OR REPLACE TEMPORARY TABLE {stage} AS"
        for document in _documents(rows):
            self.execute(f"{begin} {source}", (document,))
            begin = f"INSERT INTO {stage}"
        self._staged = rows

    def _roll_back(self) -> None:
        try:
            self.execute("ROLLBACK")
        except ServiceError:
            self.close()

    def keys_table(self, keys: Sequence[str]) -> str:
        """A temporary table with a column "k" that holds these keys, as SQL."""
        return self.staged(pl.DataFrame({"k": list(keys)}, {"k": pl.String}))

    def staged(self, rows: pl.DataFrame) -> str:
        """A temporary table that holds these rows of text, as SQL; the next merge or list of keys takes its place."""
        with self._lock:
            self._stage(rows)
            return self.temporary(_STAGE)

    def present(self, table: str, column: str, keys: Sequence[str]) -> list[str]:
        """Which of the keys stand in the table's column, one entry for each row found."""
        with self._lock:
            name = self.keys_table(keys)
            found = self.execute(
                f'SELECT t.{quoted(column)} FROM {self.table(table)} t JOIN {name} k ON t.{quoted(column)} = k."k"'
            )
        return [key for (key,) in found]

    def processed(self, keys: Sequence[str]) -> set[str]:
        """Which of these people PERSON_CACHE holds; a cached error is no answer, so it does not count."""
        if not keys:
            return set()
        with self._lock:
            name, cache = self.keys_table(keys), self.table(self.settings.person_cache)
            sql = f'SELECT DISTINCT k."k" FROM {name} k JOIN {cache} c ON c."person_key" = k."k" WHERE {ANSWERED.format("c")}'
            return {key for (key,) in self.execute(sql)}

    def ensure_tables(self) -> list[str]:
        """Make PERSON_CACHE and UNIQUE_CONSOLIDATED_DATA if they are not there; those made. Raises RefusedError."""
        return tables.ensure(self)

    def missing_tables(self) -> list[str]:
        """Which of both tables are not there, or not for this role."""
        return tables.missing(self)

    def close(self) -> None:
        """Sign out."""
        with self._lock:
            connection, self._connection, self._staged = self._connection, None, None
            if connection is not None:
                connection.close()


def _last_of_each(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    return rows.unique(key, keep="last", maintain_order=True)


def _documents(rows: pl.DataFrame) -> Iterator[str]:
    """Rows of text as JSON arrays of objects with c0, c1 ..., of about four megabytes, one at least; "" is null.

    >>> list(_documents(pl.DataFrame({"a": ["x", ""]})))
    ['[{"c0":"x"},{"c0":null}]']
    """
    named = rows.select(
        pl.col(name).str.replace_all("\x00", "", literal=True).replace("", None).alias(f"c{n}")
        for n, name in enumerate(rows.columns)
    )
    texts = named.select(pl.struct(pl.all()).struct.json_encode().alias("text"))
    parts = texts.with_columns((pl.col("text").str.len_bytes().cum_sum() // _DOCUMENT_BYTES).alias("part"))
    for part in parts.partition_by("part", maintain_order=True) or [parts]:
        yield f"[{','.join(part['text'])}]"


def _merge_sql(table: str, source: str, key: str, columns: Mapping[str, str]) -> str:
    """MERGE of a source into a table's columns, each from the source's column of that name; `key` is the source's."""
    on = next(name for name, filled_from in columns.items() if filled_from == key)
    sets = ", ".join(f"t.{quoted(c)} = s.{quoted(filled_from)}" for c, filled_from in columns.items() if c != on)
    names, values = ", ".join(map(quoted, columns)), ", ".join(f"s.{quoted(c)}" for c in columns.values())
    return (
        f"MERGE INTO {table} t USING {source} s ON t.{quoted(on)} = s.{quoted(key)} "
        f"WHEN MATCHED THEN UPDATE SET {sets} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
    )

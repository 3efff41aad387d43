"""One Snowflake session, and the statements that run in it, one at a time. Works with connector 4.x and 5.x."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self

import polars as pl

from leadflow.errors import RefusedError
from leadflow.services.warehouse.browser import SessionUse, give_back
from leadflow.services.warehouse.connection import NOT_THERE, SqlError, connector_major, sign_in, translated
from leadflow.services.warehouse.names import name_parts, quoted
from leadflow.settings import WarehouseSettings

_LONGEST_VARCHAR = 16_777_216  # without a length


@dataclass(frozen=True)
class Column:
    """A column of a table: its type such as VARCHAR(16777216), whether it may be NULL, and whether it has a default."""

    name: str
    type: str
    nullable: bool
    has_default: bool

    @property
    def width(self) -> int:
        """How many characters a VARCHAR holds."""
        size = re.search(r"\((\d+)\)", self.type)
        return int(size.group(1)) if size else _LONGEST_VARCHAR

    @property
    def kind(self) -> str:
        """The type without its size."""
        return self.type.partition("(")[0].strip().upper()


class Statements:
    """One connection, safe to use from many threads. It connects on first use."""

    def __init__(self, settings: WarehouseSettings, query_tag: str = "leadflow") -> None:
        self.settings = settings
        self.query_tag = query_tag
        self._lock = threading.RLock()
        self._connection: Any = None
        self._use = SessionUse()
        self._home: tuple[str, ...] = ()
        self._columns: dict[str, list[Column] | None] = {}

    def __enter__(self) -> Self:
        """Return the warehouse itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def connect(self) -> None:
        """Sign in, unless signed in already. Raises RefusedError or TransientError."""
        with self._lock:
            if self._connection is None:
                self._connection = connection = sign_in(self.settings, self.query_tag)
                self._use = SessionUse()
                # A schema without a database does not locate a table.
                home = (connection.database, connection.schema) if connection.database else ()
                self._home = tuple(part for part in home if part)

    def close(self) -> None:
        """Sign out."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                give_back(self.settings, connection, self._use)

    def exclusively(self) -> AbstractContextManager[Any]:
        """Return a context in which no other thread runs a statement."""
        return self._lock

    @property
    def role(self) -> str:
        """The role of this session, as messages name it."""
        role = getattr(self._connection, "role", None) or self.settings.role
        return f"role {role}" if role else "your role"

    def table(self, name: str) -> str:
        """Return a table of the settings as SQL, with database and schema: those of the sign-in unless named.

        A USE SCHEMA in a script must not move PERSON_CACHE to a schema where it is empty: everybody would be bought
        again. Raises SettingsError for an invalid name, RefusedError without a database.
        """
        self.connect()
        parts = name_parts(name)
        if len(parts) < 3:
            parts = [*self._home[: 3 - len(parts)], *parts]
        if len(parts) < 3:
            raise RefusedError(
                f"the database and schema of table {name} are unknown: the sign-in has none. Set "
                "LEADFLOW_WAREHOUSE__DATABASE and LEADFLOW_WAREHOUSE__SCHEMA_NAME, or name the tables in full, such "
                "as DB.SCHEMA.PERSON_CACHE"
            )
        return ".".join(map(quoted, parts))

    def temporary(self, name: str) -> str:
        """Return a temporary table as SQL: in the schema of the sign-in, else in the schema of PERSON_CACHE."""
        self.connect()
        if len(self._home) == 2:
            return ".".join(map(quoted, (*self._home, name)))
        cache = self.settings.person_cache
        return self.table(cache).removesuffix(quoted(name_parts(cache)[-1])) + quoted(name)

    def columns_of(self, name: str) -> list[Column] | None:
        """Return the columns of a table of the settings, read once; None if it is missing or hidden from the role."""
        if self._columns.get(name) is None:
            self._columns[name] = self._described(name)
        return self._columns[name]

    def forget_columns(self, name: str) -> None:
        """Read a table's columns again next time."""
        self._columns.pop(name, None)

    def _described(self, name: str) -> list[Column] | None:
        try:
            rows = self.execute(f"DESCRIBE TABLE {self.table(name)}")
        except SqlError as error:
            if error.errno in NOT_THERE:
                return None
            raise
        return [
            Column(column, type_, nullable != "N", default is not None)
            for column, type_, _, nullable, default, *_ in rows
        ]

    def execute(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> list[tuple[Any, ...]]:
        """Run one statement, within `timeout_s` seconds if given, and return its rows. Values are always bound."""
        with self._lock:
            self.connect()
            return list(self._run(sql, params, timeout_s).fetchall())

    def _run(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> Any:
        # Connector 4 cancels a statement after network_timeout unless it has its own; connector 5 has query_timeout.
        options: dict[str, Any] = {"timeout": timeout_s} if timeout_s and connector_major() < 5 else {}
        cursor = self._connection.cursor()
        self._use.record(sql)
        try:
            return translated("run a statement", lambda: cursor.execute(sql, tuple(params) or None, **options), sql)
        except SqlError:
            raise
        except BaseException:
            self._use.record_lost()
            raise

    def query_id(self, sql: str, timeout_s: int | None = None) -> str:
        """Run a query, leave its rows in Snowflake, and return its id, by which RESULT_SCAN reads them."""
        with self._lock:
            self.connect()
            return str(self._run(sql, timeout_s=timeout_s).sfqid)

    def columns(self, query: str) -> list[str]:
        """Return the names of a query's columns, without running it."""
        with self._lock:
            self.connect()
            cursor = self._connection.cursor()
            described = translated("read the script's columns", lambda: cursor.describe(query), query)
            return [column.name for column in described]

    def frame(self, sql: str, params: Sequence[Any] = ()) -> pl.DataFrame:
        """Return the rows of a query as one frame."""
        empty = pl.DataFrame(schema=dict.fromkeys(self.columns(sql), pl.Null))
        return pl.concat([empty, *self.batches(sql, params)], how="vertical_relaxed")

    def batches(self, sql: str, params: Sequence[Any] = ()) -> Iterator[pl.DataFrame]:
        """Stream the rows of a query, in the chunks that Snowflake sends."""
        with self._lock:
            self.connect()
            cursor = self._run(sql, params)
            for table in cursor.fetch_arrow_batches():
                if table.num_rows:
                    frame = pl.from_arrow(table)
                    assert isinstance(frame, pl.DataFrame)
                    yield frame

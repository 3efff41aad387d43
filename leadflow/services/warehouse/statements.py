"""One Snowflake session, and the statements that run in it, one at a time. Works with connector 4.x and 5.x."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import polars as pl

from leadflow.errors import RefusedError
from leadflow.services.warehouse.browser import SessionUse, give_back
from leadflow.services.warehouse.connection import NOT_THERE, SqlError, connector_major, sign_in, translated
from leadflow.services.warehouse.interruption import CANCELED, InterruptedWork, repeat
from leadflow.services.warehouse.names import name_parts, quoted
from leadflow.settings import WarehouseSettings

T = TypeVar("T")

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
        # A run replaces these: one writes its log, the other raises if the user has stopped the job.
        self.log: Callable[[str], None] = lambda _: None
        self.raise_if_stopped: Callable[[], None] = lambda: None
        self._units = threading.local()
        self._connection: Any = None
        self._use = SessionUse()
        self._session_id: Any = None
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
                self._session_id = connection.session_id
                # A schema without a database does not locate a table.
                home = (connection.database, connection.schema) if connection.database else ()
                self._home = tuple(part for part in home if part)

    def close(self) -> None:
        """Sign out."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                give_back(self.settings, connection, self._use)

    def repeated(self, work: Callable[[], T]) -> T:
        """Return the result of `work`. If Snowflake interrupts it, sign in and run all of it again.

        `work` makes the temporary tables that it reads, and may write to permanent tables only if a second write is
        harmless. Nested work is repeated with the outer work. Raises InterruptedWork after a few attempts.
        """
        if getattr(self._units, "inside", False):
            return work()
        self._units.inside = True
        try:
            return repeat(work, self._before_repeat)
        finally:
            self._units.inside = False

    def _before_repeat(self, interruption: InterruptedWork) -> None:
        self.raise_if_stopped()
        self.log(f"{interruption}; leadflow signs in and does it again")
        self.close()

    def exclusively(self) -> AbstractContextManager[Any]:
        """Return a context in which no other thread runs a statement."""
        return self._lock

    @property
    def role(self) -> str:
        """The role of this session, for messages."""
        role = getattr(self._connection, "role", None) or self.settings.role
        return f"role {role}" if role else "your role"

    def table(self, name: str) -> str:
        """Return a table of the settings as SQL, with database and schema: those of the sign-in unless named.

        If the sign-in has no database, they are those of PERSON_CACHE. A USE SCHEMA in a script must not move
        PERSON_CACHE to a schema where it is empty: every lookup would be bought again. Raises SettingsError for an
        invalid name, RefusedError without a database.
        """
        self.connect()
        parts = name_parts(name)
        if len(parts) < 3:
            parts = [*(self._home or self._place_of_cache())[: 3 - len(parts)], *parts]
        if len(parts) < 3:
            raise RefusedError(
                f"the database and schema of table {name} are unknown: the sign-in has none. Set "
                "LEADFLOW_WAREHOUSE__DATABASE and LEADFLOW_WAREHOUSE__SCHEMA_NAME, or name the tables in full, such "
                "as DB.SCHEMA.PERSON_CACHE"
            )
        return ".".join(map(quoted, parts))

    def _place_of_cache(self) -> list[str]:
        """Return the database and schema that the name of PERSON_CACHE has; [] if it does not have both."""
        place = name_parts(self.settings.person_cache)[:-1]
        return place if len(place) == 2 else []

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
            self._columns[name] = self.repeated(lambda: self._described(name))
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
        """Run one statement, within `timeout_s` or the settings' seconds, and return its rows. Values are bound."""
        with self._lock:
            self.connect()
            return list(self._run(sql, params, timeout_s).fetchall())

    def _run(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> Any:
        limit = timeout_s or self.settings.statement_timeout_s
        options, cursor = _limit_option(limit), self._connection.cursor()
        self._use.record(sql)
        work = lambda: cursor.execute(sql, tuple(params) or None, **options)  # noqa: E731
        return self._watched(lambda: translated("run a statement", work, sql), limit)

    def _watched(self, work: Callable[[], T], limit: int) -> T:
        """Return the result of `work`; raise for a statement over its time limit, and for a session that was replaced.

        With externalbrowser the connector signs in again automatically, and runs the statement in a session without
        leadflow's temporary tables and transaction.
        """
        started = time.monotonic()
        try:
            return work()
        except SqlError:
            raise
        except BaseException as error:
            self._use.record_lost()
            self._raise_if_over(error, time.monotonic() - started, limit)
            raise
        finally:
            self._raise_if_replaced()

    def _raise_if_over(self, error: BaseException, seconds: float, limit: int) -> None:
        """Leave a session that ended, and raise SqlError for a statement that was canceled at its limit."""
        if not isinstance(error, InterruptedWork):
            return
        if error.session_ended:
            self.close()
        elif error.errno == CANCELED and seconds >= limit:
            raise SqlError(
                f"a statement took longer than {limit} seconds; set LEADFLOW_WAREHOUSE__SCRIPT_TIMEOUT_S (of the "
                "script's statements) or LEADFLOW_WAREHOUSE__STATEMENT_TIMEOUT_S (of leadflow's own) higher",
                CANCELED,
            ) from None

    def _raise_if_replaced(self) -> None:
        connection = self._connection
        if connection is not None and connection.session_id != self._session_id:
            self._use.record_lost()
            self.close()
            raise InterruptedWork.of(390111)

    def query_id(self, sql: str, timeout_s: int | None = None) -> str:
        """Run a query, leave its rows in Snowflake, and return its id, by which RESULT_SCAN reads them."""
        with self._lock:
            self.connect()
            return str(self._run(sql, timeout_s=timeout_s).sfqid)

    def columns(self, query: str) -> list[str]:
        """Return the names of a query's columns, without running it."""
        with self._lock:
            self.connect()
            limit = self.settings.statement_timeout_s
            options, cursor = _limit_option(limit), self._connection.cursor()
            work = lambda: cursor.describe(query, **options)  # noqa: E731
            described = self._watched(lambda: translated("read the script's columns", work, query), limit)
            return [column.name for column in described]

    def frame(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> pl.DataFrame:
        """Return the rows of a query as one frame."""
        empty = pl.DataFrame(schema=dict.fromkeys(self.columns(sql), pl.Null))
        return pl.concat([empty, *self.batches(sql, params, timeout_s)], how="vertical_relaxed")

    def batches(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> Iterator[pl.DataFrame]:
        """Stream the rows of a query, in the chunks that Snowflake sends."""
        with self._lock:
            self.connect()
            tables = self._run(sql, params, timeout_s).fetch_arrow_batches()
            while (table := translated("read rows", lambda: next(tables, None))) is not None:
                if table.num_rows:
                    frame = pl.from_arrow(table)
                    assert isinstance(frame, pl.DataFrame)
                    yield frame


def _limit_option(seconds: int) -> dict[str, Any]:
    """Connector 4 cancels a statement after network_timeout unless it has its own; connector 5 has query_timeout."""
    return {"timeout": seconds} if connector_major() < 5 else {}

"""Snowflake: run a script, stream leads out, merge results in. Works with connector 4.x and 5.x.

Rows go up as one bound JSON document, which both Snowflake and the local stand-in take in one statement;
then one MERGE a table, from a source that is deduplicated here, all of them in one transaction.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, TypeVar

import polars as pl
import stamina

from leadflow.errors import RefusedError, ServiceError, TransientError
from leadflow.settings import WarehouseSettings
from leadflow.sign_in import authenticator_of

T = TypeVar("T")
_DOCUMENT_BYTES = 4_000_000
_DATA_ERRORS = 100_000
_STAGE = "LF_STAGE"
_LONGEST_SIGN_IN_S = 60
_TRANSIENT = ("OperationalError", "InterfaceError", "InternalServerError", "ServiceUnavailableError", "BadGatewayError", "GatewayTimeoutError", "InternalError")

PERSON_CACHE_COLUMNS = (
    "person_key", "first_name", "last_name", "address", "city", "state", "zip_code", "phones", "emails", "checked_at", "status",
)  # fmt: skip
CONSOLIDATED_COLUMNS = (
    "Lead Key", "First Name", "Last Name", "Address", "City", "State", "Zip",
    "Phone 1", "Phone 1 Verdict", "Phone 2", "Phone 2 Verdict", "Phone 3", "Phone 3 Verdict",
    "Email 1", "Email 2", "Email 3", "Disposition", "Reason", "Job Id", "Script", "Processed At", "Extra",
)  # fmt: skip
_TIMES = ("checked_at", "Processed At")
ANSWERED = """COALESCE({}."status", '') <> 'error'"""


def quoted(name: str) -> str:
    """An identifier in double quotes.

    >>> quoted('First Name')
    '"First Name"'
    """
    return '"' + name.replace('"', '""') + '"'


class SqlError(RefusedError):
    """Snowflake refused a statement: wrong SQL, a missing table, no permission."""


class Warehouse:
    """One connection, safe to use from many threads, one statement at a time."""

    def __init__(self, settings: WarehouseSettings, query_tag: str = "leadflow") -> None:
        self.settings = settings
        self.query_tag = query_tag
        self._lock = threading.RLock()
        self._connection: Any = None
        self._home: tuple[str, ...] = ()
        self._staged: pl.DataFrame | None = None

    def __enter__(self) -> Warehouse:
        """The warehouse itself; it connects on first use."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def connect(self) -> None:
        """Sign in; does nothing when signed in. Raises RefusedError or TransientError."""
        with self._lock:
            if self._connection is None:
                self._connection = connection = self._sign_in()
                self._home = tuple(part for part in (connection.database, connection.schema) if part)

    def _sign_in(self) -> Any:
        import snowflake.connector as connector

        logging.getLogger("snowflake.connector.cursor").addFilter(_without_answers)
        try:
            return _explaining("sign in to Snowflake", lambda: connector.connect(**connect_options(self.settings, self.query_tag)))
        except (ValueError, TypeError, OSError) as error:
            failure = RefusedError(
                f"could not sign in to Snowflake: its private key or its settings cannot be used ({type(error).__name__}); check "
                "LEADFLOW_WAREHOUSE__PRIVATE_KEY_FILE and LEADFLOW_WAREHOUSE__PRIVATE_KEY_PASSWORD, or the connection of connections.toml"
            )
        raise failure

    def table(self, name: str) -> str:
        """A table of the settings as SQL: its database and schema are those of the sign-in, or named, as in "DB.PUBLIC.PERSON_CACHE".

        A script's USE SCHEMA must not make another PERSON_CACHE of it, in which nobody seems to have been processed.
        """
        self.connect()
        parts = name.split(".")
        return ".".join(map(quoted, [*self._home[: 3 - len(parts)], *parts] if len(self._home) == 2 else parts))

    def execute(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> list[tuple[Any, ...]]:
        """Run one statement, within `timeout_s` seconds if given; its rows. Values are bound, never pasted."""
        with self._lock:
            self.connect()
            cursor = self._run(sql, params, timeout_s)
            return list(cursor.fetchall())

    def query_id(self, sql: str, timeout_s: int | None = None) -> str:
        """Run a query and leave its rows in Snowflake; the id under which RESULT_SCAN reads them in this session."""
        with self._lock:
            self.connect()
            return str(self._run(sql, (), timeout_s).sfqid)

    def _run(self, sql: str, params: Sequence[Any] = (), timeout_s: int | None = None) -> Any:
        # Without a timeout of its own connector 4 cancels a statement after network_timeout; connector 5 has query_timeout.
        options: dict[str, Any] = {"timeout": timeout_s} if timeout_s and _major() < 5 else {}
        cursor = self._connection.cursor()
        return _explaining("run a statement", lambda: cursor.execute(sql, tuple(params) or None, **options), sql)

    def columns(self, query: str) -> list[str]:
        """The names of a query's columns, without running it."""
        with self._lock:
            self.connect()
            cursor = self._connection.cursor()
            return [column.name for column in _explaining("read the script's columns", lambda: cursor.describe(query), query)]

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
        """Insert or update so that each table has one row a key; the last of several rows with one key wins. How many rows.

        `rows` is all text, "" for nothing; `into` gives, by table, its columns, each with the column of `rows` that fills it.
        Either all tables have the rows afterwards or none has.
        """
        unique = _last_of_each(rows, key)
        if unique.is_empty():
            return 0
        for attempt in stamina.retry_context(on=TransientError, attempts=4, timeout=None, wait_initial=0.2, wait_max=10):
            with attempt, self._lock:
                self._merge(unique, key, into)
        return unique.height

    def stage(self, rows: pl.DataFrame, key: str) -> None:
        """Send rows ahead of a merge that is likely to come; of other rows, it sends its own. Does nothing while a statement runs."""
        if self._lock.acquire(blocking=False):
            try:
                self._stage(_last_of_each(rows, key))
            finally:
                self._lock.release()

    def _merge(self, rows: pl.DataFrame, key: str, into: Mapping[str, Mapping[str, str]]) -> None:
        if self._staged is None or not rows.equals(self._staged):
            self._stage(rows)
        tables = {self.table(name): columns for name, columns in into.items()}
        self.execute("BEGIN")
        try:
            for table, columns in tables.items():
                self.execute(_merge_sql(table, quoted(_STAGE), key, columns))
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._staged = None

    def _stage(self, rows: pl.DataFrame) -> None:
        """Put rows into a temporary table; before the transaction, which a CREATE would end."""
        kinds = ["TIMESTAMP_NTZ" if name in _TIMES else "VARCHAR" for name in rows.columns]
        picked = ", ".join(f"value:c{n}::VARCHAR::{kind} AS {quoted(name)}" for n, (name, kind) in enumerate(zip(rows.columns, kinds, strict=True)))
        self._staged = None
        source = f"SELECT {picked} FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?)))"
        begin = f"CREATE OR REPLACE TEMPORARY TABLE {quoted(_STAGE)} AS"
        for document in _documents(rows):
            self.execute(f"{begin} {source}", (document,))
            begin = f"INSERT INTO {quoted(_STAGE)}"
        self._staged = rows

    def _roll_back(self) -> None:
        try:
            self.execute("ROLLBACK")
        except ServiceError:
            self.close()

    def keys_table(self, keys: Sequence[str]) -> str:
        """A temporary table with a column "k" that holds these keys, as SQL."""
        self._stage(pl.DataFrame({"k": list(keys)}, {"k": pl.String}))
        return quoted(_STAGE)

    def present(self, table: str, column: str, keys: Sequence[str]) -> list[str]:
        """Which of the keys stand in the table's column, one entry for each row found."""
        with self._lock:
            name = self.keys_table(keys)
            found = self.execute(f'SELECT t.{quoted(column)} FROM {self.table(table)} t JOIN {name} k ON t.{quoted(column)} = k."k"')
        return [key for (key,) in found]

    def processed(self, keys: Sequence[str]) -> set[str]:
        """Which of these people PERSON_CACHE holds; a cached error is no answer, so it does not count."""
        if not keys:
            return set()
        with self._lock:
            name, cache = self.keys_table(keys), self.table(self.settings.person_cache)
            sql = f'SELECT DISTINCT k."k" FROM {name} k JOIN {cache} c ON c."person_key" = k."k" WHERE {ANSWERED.format("c")}'
            return {key for (key,) in self.execute(sql)}

    def ensure_tables(self) -> None:
        """Make PERSON_CACHE and UNIQUE_CONSOLIDATED_DATA if they are not there; raises if a column is missing."""
        for table, columns in ((self.settings.person_cache, PERSON_CACHE_COLUMNS), (self.settings.consolidated, CONSOLIDATED_COLUMNS)):
            shape = ", ".join(f"{quoted(c)} {'TIMESTAMP_NTZ' if c in _TIMES else 'VARCHAR'}" for c in columns)
            self.execute(f"CREATE TABLE IF NOT EXISTS {self.table(table)} ({shape})")
            missing = set(columns) - set(self.columns(f"SELECT * FROM {self.table(table)}"))
            if missing:
                raise RefusedError(f"table {table} has no column {', '.join(sorted(missing))}; add them, or name another table in the warehouse settings")

    def close(self) -> None:
        """Sign out."""
        with self._lock:
            connection, self._connection, self._staged = self._connection, None, None
            if connection is not None:
                connection.close()


def connect_options(settings: WarehouseSettings, query_tag: str) -> dict[str, Any]:
    """What snowflake.connector.connect is called with; secrets leave their SecretStr only here."""
    options: dict[str, Any] = {
        "connection_name": settings.connection_name,
        "account": settings.account,
        "user": settings.user,
        "host": settings.host,
        "port": settings.port,
        "protocol": settings.protocol if settings.host else None,
        "role": settings.role,
        "warehouse": settings.warehouse,
        "database": settings.database,
        "schema": settings.schema_name if settings.database or "schema_name" in settings.model_fields_set else None,
        "authenticator": authenticator_of(settings),
        "private_key_file": str(settings.private_key_file.expanduser()) if settings.private_key_file else None,
        "token": settings.token.get_secret_value() if settings.token else None,
    }
    if settings.private_key_password:
        options[_private_key_password_option()] = settings.private_key_password.get_secret_value()
    chosen = {name: value for name, value in options.items() if value is not None}
    return {
        **chosen,
        "paramstyle": "qmark",
        **_timeouts(settings),
        # At DEBUG the connector logs the beginning of a statement, where a script may name somebody.
        "log_max_query_length": 0,
        "session_parameters": {**settings.session_parameters, "QUERY_TAG": query_tag},
    }


def _private_key_password_option() -> str:
    """Connector 5 renamed it."""
    return "private_key_password" if _major() >= 5 else "private_key_file_pwd"


def _timeouts(settings: WarehouseSettings) -> dict[str, int]:
    """How long a request and a sign-in may take, their retries too. Connector 5 tells queries from other requests."""
    seconds = settings.network_timeout_s
    requests = {"request_timeout": seconds, "query_timeout": settings.script_timeout_s} if _major() >= 5 else {"network_timeout": seconds}
    return {**requests, "login_timeout": min(seconds, _LONGEST_SIGN_IN_S)}


@lru_cache(maxsize=1)
def _major() -> int:
    from importlib.metadata import version

    return int(version("snowflake-connector-python").split(".")[0])


def _last_of_each(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    return rows.unique(key, keep="last", maintain_order=True)


def _documents(rows: pl.DataFrame) -> Iterator[str]:
    """Rows of text as JSON arrays of objects with c0, c1 ..., of at most about four megabytes; an empty cell is null. One at least.

    >>> list(_documents(pl.DataFrame({"a": ["x", ""]})))
    ['[{"c0":"x"},{"c0":null}]']
    """
    named = rows.select(pl.col(name).str.replace_all("\x00", "", literal=True).replace("", None).alias(f"c{n}") for n, name in enumerate(rows.columns))
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


def _without_answers(record: logging.LogRecord) -> bool:
    """At DEBUG the connector logs the whole answer to a failed statement, as a dict, which may quote a cell."""
    return not str(record.msg).startswith("{")


def _explaining(doing: str, work: Callable[[], T], sql: str = "") -> T:
    """Do `work`; the connector's errors as ours."""
    import snowflake.connector as connector

    try:
        return work()
    except connector.errors.Error as error:
        failure = _explained(error, doing, sql)
    # Raised here, it does not carry the connector's error along, which may quote a cell.
    raise failure


def _explained(error: Exception, doing: str, sql: str) -> ServiceError:
    """The connector's error as one of ours. A compiler's message names tables and columns; what it quotes of a cell is cut."""
    message = " ".join(str(getattr(error, "msg", None) or error).split())
    number = getattr(error, "errno", None)
    message = re.sub(r"'.*'", "'...'", message) if isinstance(number, int) and number >= _DATA_ERRORS else _without_constants(message, sql)
    conflict = "Conflict" in message or "conflict" in message
    unreached = "HTTP request failed" in message
    if type(error).__name__ in _TRANSIENT or conflict or unreached:
        return TransientError(f"could not {doing}: Snowflake did not answer as it should ({type(error).__name__} {number})")
    return SqlError(f"could not {doing}: Snowflake says {number}: {message[:500]}")


def _without_constants(message: str, sql: str) -> str:
    """A message without the constants of its statement, which may name somebody."""
    for constant in sorted(set(re.findall(r"'((?:[^']|'')+)'", sql)), key=len, reverse=True):
        message = message.replace(" ".join(constant.split()), "...")
    return re.sub(r"\d{7,}", "...", message)

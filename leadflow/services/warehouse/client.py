"""The warehouse client of a job: run a script, stream the leads, merge the results.

Rows are uploaded as one bound JSON document, which Snowflake and the local stand-in accept in one statement. Then one
MERGE for each table follows, from a source without duplicates, and one INSERT of the ledger's entries, all in one
transaction. The entries come last: until then the MERGEs wait for any other transaction with these rows, such as one
whose answer was lost, so that the INSERT sees its entries and doubles none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import polars as pl
import stamina

from leadflow.errors import ServiceError, TransientError
from leadflow.services.warehouse import tables
from leadflow.services.warehouse.interruption import InterruptedWork
from leadflow.services.warehouse.merge import (
    append_sql,
    documents,
    last_of_each,
    merge_sql,
    select_document_sql,
    table_columns_sql,
)
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.statements import Statements
from leadflow.settings import WarehouseSettings

_STAGE = "LF_STAGE"
_MERGE_ATTEMPTS = 4
_ENTRY_ID, _EVENT_AT = "ENTRY_ID", "EVENT_AT"
Into = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class _Entries:
    """Entries for the ledger, and the time before which none of them can be there."""

    rows: pl.DataFrame
    since: str


def _new(rows: pl.DataFrame | None, since: datetime | None) -> _Entries | None:
    if rows is None:
        return None
    if since is None:
        return _Entries(rows, "1970-01-01 00:00:00")
    begin = since.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    return _Entries(rows, min([begin, *filter(None, rows[_EVENT_AT])]))


class Warehouse(Statements):
    """One connection to Snowflake, safe to use from many threads, one statement at a time."""

    def __init__(self, settings: WarehouseSettings, query_tag: str = "leadflow") -> None:
        super().__init__(settings, query_tag)
        self._staged: pl.DataFrame | None = None
        self._stage_columns: list[str] = []  # of the temporary table that the session has

    def close(self) -> None:
        """Sign out; Snowflake drops the session's temporary tables."""
        with self._lock:
            self._staged, self._stage_columns = None, []
            super().close()

    def ensure_tables(self, *only: str) -> list[str]:
        """Create the tables that are missing (or those of these settings), and return their names.

        Raises RefusedError.
        """
        return tables.ensure(self, *only)

    def missing_tables(self) -> list[str]:
        """Return which of the tables are missing, or hidden from this role."""
        return tables.missing(self)

    def merge(
        self,
        rows: pl.DataFrame,
        key: str,
        into: Into,
        entries: pl.DataFrame | None = None,
        since: datetime | None = None,
    ) -> int:
        """Insert or update rows: each table has one row for each key. Return how many; the last row of a key wins.

        `rows` is all text, "" for nothing. `into` maps each table to its columns, and each column to the column of
        `rows` that fills it. `entries` are for the ledger; see `record`. Either all tables have the rows
        afterwards, and the ledger the entries, or none has.
        """
        unique = last_of_each(rows, key)
        fresh = entries if entries is not None and not entries.is_empty() else None
        if not unique.is_empty() or fresh is not None:
            self._merge_with_retries(unique, key, {} if unique.is_empty() else into, _new(fresh, since))
        return unique.height

    def record(self, entries: pl.DataFrame, since: datetime | None = None) -> int:
        """Append entries to the ledger, each once, whatever broke off before. Return how many were given.

        `entries` has the columns LEDGER_COLUMNS, all text, "" for nothing, and no two rows with one ENTRY_ID. All of
        them are in the ledger afterwards, or none of those that were not there before. An entry that is there is not
        older than `since` (UTC), such as the begin of the job that writes it, or than the oldest of `entries`: so much
        of the ledger is read. None reads all of it.
        """
        self.merge(entries.clear(), _ENTRY_ID, {}, entries, since)
        return entries.height

    def prove_merge(self, rows: pl.DataFrame, key: str, into: Into, entries: pl.DataFrame | None = None) -> None:
        """Run the statements of `merge` with the columns of `rows` and `entries` and no row. Raises RefusedError."""
        self._merge_with_retries(rows.clear(), key, into, _new(None if entries is None else entries.clear(), None))

    def _merge_with_retries(self, rows: pl.DataFrame, key: str, into: Into, entries: _Entries | None) -> None:
        for attempt in stamina.retry_context(
            on=TransientError, attempts=_MERGE_ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=10
        ):
            with attempt, self._lock:
                try:
                    self._merge(rows, key, into, entries)
                except InterruptedWork as interruption:
                    self.log(f"{interruption}; leadflow signs in again where it must, and merges again")
                    raise

    def stage(self, rows: Callable[[], pl.DataFrame], key: str) -> None:
        """Upload rows for a merge that is likely to follow, unless a statement runs or other rows wait for their merge.

        A merge of other rows uploads its own.
        """
        if self._lock.acquire(blocking=False):
            try:
                if self._staged is None:
                    self._stage(last_of_each(rows(), key))
            finally:
                self._lock.release()

    def _merge(self, rows: pl.DataFrame, key: str, into: Into, entries: _Entries | None) -> None:
        if into and (self._staged is None or not rows.equals(self._staged)):
            self._stage(rows)
        filled = {self.table(name): columns for name, columns in into.items()}
        self.execute("BEGIN")
        try:
            for table, columns in filled.items():
                self.execute(merge_sql(table, self.temporary(_STAGE), key, columns))
            if entries is not None:
                self._append(entries)
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._staged = None

    def _append(self, entries: _Entries) -> None:
        """Insert the entries that the ledger does not have."""
        sql = append_sql(self.table(self.settings.ledger), entries.rows.columns, _ENTRY_ID, _EVENT_AT)
        for document in documents(entries.rows):
            self.execute(sql, (document, entries.since))

    def _roll_back(self) -> None:
        try:
            self.execute("ROLLBACK")
        except ServiceError:
            self.close()

    def _stage(self, rows: pl.DataFrame) -> None:
        """Put rows into a temporary table. Runs before the transaction, since a CREATE would commit it."""
        self._staged = None
        source = select_document_sql(rows.columns)
        stage = self.temporary(_STAGE)
        is_new = self._stage_columns != rows.columns
        if is_new:
            self._stage_columns = []
            self.execute(f"CREATE OR REPLACE TEMPORARY TABLE {stage} ({table_columns_sql(rows.columns)})")
            self._stage_columns = rows.columns
        if is_new and rows.is_empty():
            self._staged = rows
            return
        begin = f"INSERT OVERWRITE INTO {stage}"
        for document in documents(rows):
            self.execute(f"{begin} {source}", (document,))
            begin = f"INSERT INTO {stage}"
        self._staged = rows

    def staged(self, rows: pl.DataFrame) -> str:
        """Upload rows of text and return their temporary table as SQL; the next merge or upload replaces it."""
        with self._lock:
            self._stage(rows)
            self._staged = None  # no merge of these rows follows
            return self.temporary(_STAGE)

    def upload(self, rows: pl.DataFrame, name: str) -> str:
        """Put rows of text into a temporary table of this name, and return it as SQL; a table of that name is replaced.

        A session that ends takes the table with it: call this inside `repeated`.
        """
        with self._lock:
            table = self.temporary(name)
            columns = ", ".join(f"{quoted(column)} VARCHAR" for column in rows.columns)
            self.execute(f"CREATE OR REPLACE TEMPORARY TABLE {table} ({columns})")
            source = select_document_sql(rows.columns, all_text=True)
            for document in documents(rows):
                self.execute(f"INSERT INTO {table} {source}", (document,))
            return table

    def present(self, table: str, column: str, keys: Sequence[str]) -> list[str]:
        """Return which of the keys are in the table's column, one entry for each row found."""
        return self.repeated(lambda: self._present(table, quoted(column), keys))

    def _present(self, table: str, name: str, keys: Sequence[str]) -> list[str]:
        with self._lock:
            wanted = self.staged(pl.DataFrame({"k": list(keys)}, {"k": pl.String}))
            found = self.execute(f'SELECT t.{name} FROM {self.table(table)} t JOIN {wanted} k ON t.{name} = k."k"')
        return [key for (key,) in found]

    def rows_of(
        self, table: str, column: str, keys: Sequence[str], columns: Sequence[str]
    ) -> dict[str, tuple[str | None, ...]]:
        """Return these columns of the rows whose `column` has one of the keys, by key; missing keys are left out."""
        return self.repeated(lambda: self._rows_of(table, quoted(column), keys, columns)) if keys else {}

    def _rows_of(
        self, table: str, name: str, keys: Sequence[str], columns: Sequence[str]
    ) -> dict[str, tuple[str | None, ...]]:
        picked = ", ".join(f"t.{quoted(column)}" for column in columns)
        with self._lock:
            wanted = self.staged(pl.DataFrame({"k": list(keys)}, {"k": pl.String}))
            sql = f'SELECT t.{name}, {picked} FROM {self.table(table)} t JOIN {wanted} k ON t.{name} = k."k"'
            return {key: tuple(cells) for key, *cells in self.execute(sql)}

"""The checkpoints' SQLite file: opening, reading, transactions, disk syncs, and errors with a next step."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leadflow.checkpoints import migrations
from leadflow.errors import HistoryError

_KEYS_A_QUERY = 500


class Database:
    """One SQLite file (mode 0600) with one connection. Only one thread uses it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._write_error: HistoryError | None = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
            os.chmod(path, 0o600)
            self._db = self._open()
            _sync_folder(path.parent)
        except OSError as error:
            raise self._not_opened(error.strerror or str(error)) from error
        except sqlite3.OperationalError as error:
            raise self._not_opened(str(error)) from error
        except sqlite3.DatabaseError as error:
            raise HistoryError(
                f"the checkpoint file {path} cannot be opened ({error}). Do not delete it: it holds paid answers. "
                "Move it away and restore a copy, or start without it to buy its unfinished leads again"
            ) from error

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level=None)
        try:
            migrations.raise_if_unknown(db, self.path)
            self._wal = db.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal"
            db.execute(f"PRAGMA synchronous={'NORMAL' if self._wal else 'FULL'}")
            db.execute("PRAGMA secure_delete=ON")
            migrations.migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for queries. No other thread uses it meanwhile."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise self._unreadable(error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for writes. At the end, either all writes are committed and on disk, or none is."""
        with self._lock:
            self._raise_write_error()
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._rollback()
                raise self._unwritten(error) from error
            except BaseException:
                self._rollback()
                raise
        self._flush()

    def try_again(self) -> None:
        """Allow writes again after a failed write, such as on a full disk, for a new or resumed job."""
        with self._lock:
            self._write_error = None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _select_in(self, sql: str, values: Iterable[str], *first: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query that ends in IN, for any number of values."""
        wanted = list(dict.fromkeys(values))
        for start in range(0, len(wanted), _KEYS_A_QUERY):
            part = wanted[start : start + _KEYS_A_QUERY]
            with self.reading() as db:
                rows = db.execute(f"{sql} ({','.join('?' * len(part))})", [*first, *part]).fetchall()
            yield from rows

    def _truncate_wal(self) -> None:
        """Move committed data into the file and empty the WAL, so that it keeps no deleted data."""
        with self._lock:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _flush(self) -> None:
        """Wait until committed data is on disk. In WAL mode, that is a sync of the WAL: https://sqlite.org/wal.html"""
        if not self._wal:
            return
        try:
            log = os.open(f"{self.path}-wal", os.O_RDWR)
            try:
                os.fsync(log)
            finally:
                os.close(log)
        except FileNotFoundError:
            return  # the last connection was closed, which moved all data into the file itself
        except OSError as error:
            raise self._unwritten(sqlite3.OperationalError(error.strerror)) from error

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _raise_write_error(self) -> None:
        if self._write_error:
            raise self._write_error

    def _not_opened(self, reason: str) -> HistoryError:
        return HistoryError(
            f"the checkpoint file {self.path} cannot be opened or upgraded ({reason}). Free disk space or fix the "
            "permissions of the file and its folder, then try again. Do not delete it: it holds paid answers"
        )

    def _unwritten(self, error: sqlite3.Error) -> HistoryError:
        if not isinstance(error, sqlite3.OperationalError):
            return self._unreadable(error)
        return HistoryError(
            f"checkpoints could not be written to {self.path} ({error}). "
            "Free disk space or fix its permissions, then engine.resume(job_id)"
        )

    def _unreadable(self, error: sqlite3.Error) -> HistoryError:
        return HistoryError(
            f"checkpoints could not be read from {self.path} ({error}). Do not delete the file: it holds paid answers. "
            "Copy it, mend the copy with: sqlite3 FILE .recover, put it back and engine.resume(job_id)"
        )


def from_json(*names: str) -> str:
    """Return SQL that reads the members of each array of a JSON document as columns: many rows in one statement.

    With one statement a row, the sqlite3 module would release and take Python's lock for each row.
    """
    return ", ".join(f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(names))


def _sync_folder(folder: Path) -> None:
    """Write the names of new files to disk too. Windows has no such call."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

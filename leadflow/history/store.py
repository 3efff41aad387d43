"""The history file: one DuckDB database that is open only for the time of one read or write.

DuckDB lets only one process at a time open a file, even for reads. So the file is attached for one write or one read.
A process that finds it locked waits a little and tries again. In this way two notebooks can use one history at once.
The file is attached to an instance of DuckDB that stays open, because making an instance takes ten times as long as
most reads and writes. A file of an older version is migrated when it is opened; see migrations.py.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import HistoryError
from leadflow.history import migrations
from leadflow.history.attach import OPEN_IN_THIS_PROCESS, attached

if TYPE_CHECKING:
    import duckdb

_LOCKED = ("could not set lock", "conflicting lock", "being used by another process")
_BROKEN = (
    "not a valid duckdb database",
    "corrupt",
    "checksum",
    "serialization",
    "failure while replaying wal",
    "deserialize",
)
_FOREIGN = ("catalog error", "binder error")
_NEWER_DUCKDB = ("newer version of duckdb", "newer duckdb")
WAIT_S = 60.0
_locks: dict[Path, threading.RLock] = {}
_locks_lock = threading.Lock()


class Store:
    """Opens the history file for one task at a time. If there is no file, it makes one that only its user can read."""

    def __init__(self, path: Path | str, wait_s: float = WAIT_S) -> None:
        self.path = Path(path).expanduser().resolve()
        self.wait_s = wait_s
        with _locks_lock:
            self._lock = _locks.setdefault(self.path, threading.RLock())

    def make(self) -> None:
        """Make the file if there is none."""
        import duckdb

        try:
            if not self.path.exists():
                self._create()
        except duckdb.Error as error:
            raise self._explained(error) from None
        except OSError as error:
            raise self._unmade(error) from None

    @contextlib.contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection for one task. It is closed at the end."""
        import duckdb

        with self._lock, self._open() as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise self._explained(error) from None

    @contextlib.contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection with a transaction: all writes of the task are stored, or none."""
        import duckdb

        with self.read() as connection:
            connection.begin()
            try:
                yield connection
                connection.commit()
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    connection.rollback()
                raise

    @contextlib.contextmanager
    def _open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection, close = self._connected()
        try:
            yield connection
        finally:
            try:
                self._make_private(self.path.with_name(self.path.name + ".wal"))
            finally:
                close()

    def _connected(self) -> tuple[duckdb.DuckDBPyConnection, Callable[[], None]]:
        """Return a connection to the file, and a function that closes both."""
        import duckdb

        until = time.monotonic() + self.wait_s
        while True:
            try:
                if not self.path.exists():
                    self._create()
                self._make_private(self.path)
                return self._migrated(*attached(self.path))
            except duckdb.Error as error:
                locked = any(word in str(error).lower() for word in (*_LOCKED, *OPEN_IN_THIS_PROCESS))
                if not locked or time.monotonic() > until:
                    raise self._explained(error) from None
            except OSError as error:
                raise self._unmade(error) from None
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter, not a secret

    def _migrated(
        self, connection: duckdb.DuckDBPyConnection, close: Callable[[], None]
    ) -> tuple[duckdb.DuckDBPyConnection, Callable[[], None]]:
        """Migrate the file to the current version. Return the connection and the function that closes it."""
        try:
            migrations.migrate(connection)
        except BaseException as error:
            close()
            if isinstance(error, migrations.NewerSchemaError):
                raise HistoryError(
                    f"the history file {self.path} was written by a newer leadflow ({error}). "
                    "Nothing in it was changed. Upgrade leadflow: pip install --upgrade leadflow"
                ) from None
            if isinstance(error, migrations.NotAHistoryError):
                raise self._foreign(str(error)) from None
            raise
        return connection, close

    def _create(self) -> None:
        """Make the file elsewhere, then link it in place, so that it is always complete and private."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            connection, close = attached(new, migrations.STORAGE_VERSION)
            try:
                os.chmod(new, 0o600)
                migrations.create(connection)
            finally:
                close()
            with contextlib.suppress(FileExistsError):
                os.link(new, self.path)
        finally:
            new.unlink(missing_ok=True)
            new.with_name(new.name + ".wal").unlink(missing_ok=True)

    @staticmethod
    def _make_private(path: Path) -> None:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if path.stat().st_mode & 0o077:
                os.chmod(path, 0o600)

    def _unmade(self, error: OSError) -> HistoryError:
        return HistoryError(
            f"the history file {self.path} cannot be made or opened ({error.strerror}). "
            "Check the folder's permissions and free disk space, or set LEADFLOW_HOME to another folder"
        )

    def _foreign(self, text: str) -> HistoryError:
        return HistoryError(
            f"{self.path} is a DuckDB file, but not a history that this leadflow knows ({text}). "
            "Move it aside, or set LEADFLOW_HOME to another folder"
        )

    def _explained(self, error: Exception) -> HistoryError:
        """Return a HistoryError with the next step for the user."""
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        low = str(error).lower()
        if any(word in low for word in _LOCKED):
            return HistoryError(
                f"the history file {self.path} is held open by another process ({text}). "
                "End that process or close its connection to the file, then try again"
            )
        if any(word in low for word in _NEWER_DUCKDB):
            return HistoryError(
                f"the history file {self.path} was written by a newer DuckDB than the one installed ({text}). "
                "Nothing in it was changed. Upgrade it: pip install --upgrade duckdb"
            )
        if any(word in low for word in _BROKEN):
            return HistoryError(
                f"the history file {self.path} is damaged and cannot be read ({text}). Move it aside and try again; "
                f"a new one is made: mv {self.path} {self.path}.damaged"
            )
        if low.startswith(_FOREIGN):
            return self._foreign(text)
        return HistoryError(
            f"the history file {self.path} cannot be read or written ({type(error).__name__}: {text}). "
            "Check free disk space and the file's permissions, then try again"
        )


def rows(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any] | dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the result of a query as a list of dicts."""
    cursor = connection.execute(sql, parameters)
    names = [d[0] for d in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

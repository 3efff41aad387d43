"""The history file: one DuckDB database, opened for moments only.

DuckDB lets one process at a time open a file, readers too. So the file is attached for one write or one read, and
whoever finds it taken waits a little and tries again: two notebooks then work on one history at once. It is attached to
an instance of DuckDB that stays, since to make one takes ten times as long as most of what is read or written.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import HistoryError

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
# What DuckDB says since 1.4 if another instance of this very process has the file open.
_OURS = ("unique file handle conflict", "already attached")
WAIT_S = 60.0
_locks: dict[Path, threading.RLock] = {}
_locks_lock = threading.Lock()


class Store:
    """Opens the history file for one task at a time; makes it, private to its user, when it is not there."""

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
        """A connection for one task, closed at its end."""
        import duckdb

        with self._lock, self._open() as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise self._explained(error) from None

    @contextlib.contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with a transaction: all of the task is written, or nothing."""
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
        """A connection to the file, and what closes both."""
        import duckdb

        until = time.monotonic() + self.wait_s
        while True:
            try:
                if not self.path.exists():
                    self._create()
                self._make_private(self.path)
                return _attached(self.path)
            except duckdb.Error as error:
                locked = any(word in str(error).lower() for word in (*_LOCKED, *_OURS))
                if not locked or time.monotonic() > until:
                    raise self._explained(error) from None
            except OSError as error:
                raise self._unmade(error) from None
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter, not a secret

    def _create(self) -> None:
        """Make the file elsewhere, then link it in place: nobody ever sees it half made or readable by others."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            connection, close = _attached(new)
            try:
                os.chmod(new, 0o600)
                connection.execute(files("leadflow.history").joinpath("schema.sql").read_text("utf-8"))
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

    def _explained(self, error: Exception) -> HistoryError:
        """The error in words that say what to do next."""
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        low = str(error).lower()
        if any(word in low for word in _LOCKED):
            return HistoryError(
                f"the history file {self.path} is held open by another process ({text}). "
                "End that process or close its connection to the file, then try again"
            )
        if any(word in low for word in _BROKEN):
            return HistoryError(
                f"the history file {self.path} is damaged and cannot be read ({text}). Move it aside and try again; "
                f"a new one is made: mv {self.path} {self.path}.damaged"
            )
        if low.startswith(_FOREIGN):
            return HistoryError(
                f"{self.path} is a DuckDB file, but not a history that this leadflow knows ({text}). "
                "Move it aside, or set LEADFLOW_HOME to another folder"
            )
        return HistoryError(
            f"the history file {self.path} cannot be read or written ({type(error).__name__}: {text}). "
            "Check free disk space and the file's permissions, then try again"
        )


_instance: duckdb.DuckDBPyConnection | None = None
_instance_lock = threading.Lock()
_numbers = itertools.count(1)


def _attached(path: Path) -> tuple[duckdb.DuckDBPyConnection, Callable[[], None]]:
    import duckdb

    connection, name = _cursor(path), f"history_{next(_numbers)}"
    try:
        if not _attach(connection, path, name):
            connection.close()
            shared = duckdb.connect(str(path))
            return shared, shared.close
        connection.execute(f"USE {name}")
    except BaseException:
        _detach(connection, name)
        connection.close()
        raise

    def close() -> None:
        try:
            _detach(connection, name)
        finally:
            connection.close()

    return connection, close


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> bool:
    """Attach the file; False while somebody looks into it with a connection of their own in this process, whose instance is to be shared."""
    import duckdb

    statement = "ATTACH '{}' AS {}".format(str(path).replace("'", "''"), name)
    try:
        connection.execute(statement)
    except duckdb.Error as error:
        if not any(word in str(error).lower() for word in _OURS):
            raise
        if not _left_attached(connection, path):
            return False
        connection.execute(statement)
    return True


def _detach(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Let go of a file, an interrupt in that moment or not: no other process could open it until then."""
    import duckdb

    try:
        _leave(connection, name)
    except duckdb.Error:
        # What is committed is in the file's WAL, also where a full disk keeps DuckDB from moving it on.
        return
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            _leave(connection, name)
        raise


def _leave(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute("USE memory")
    connection.execute(f"DETACH {name}")


def _left_attached(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Detach what an interrupt left attached; whether there was any. Nobody else uses it: a file is one task's at a time."""
    left = connection.execute("SELECT database_name FROM duckdb_databases() WHERE path = ?", [str(path)]).fetchall()
    for (name,) in left:
        connection.execute(f"DETACH {name}")
    return bool(left)


def _cursor(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection of its own to the instance that stays; what that spills goes beside the first file it is made for."""
    import duckdb

    global _instance
    with _instance_lock:
        if _instance is None:
            _instance = duckdb.connect(":memory:", config={"temp_directory": str(path.parent / "duckdb.tmp")})
        return _instance.cursor()


def _leave_instance() -> None:
    """A forked process has none of the instance's threads, so it makes one of its own; closing this one would wait for them."""
    global _instance, _instance_lock
    _left.append(_instance)
    _instance, _instance_lock = None, threading.Lock()


_left: list[object] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_instance)


def rows(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any] | dict[str, Any]
) -> list[dict[str, Any]]:
    """The result of a query as a list of dicts."""
    cursor = connection.execute(sql, parameters)
    names = [d[0] for d in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

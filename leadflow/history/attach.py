"""Attaches the history file to an instance of DuckDB that stays open, and detaches it."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# DuckDB's messages since 1.4 if another instance in this process has the file open.
OPEN_IN_THIS_PROCESS = ("unique file handle conflict", "already attached")

_instance: duckdb.DuckDBPyConnection | None = None
_instance_lock = threading.Lock()
_numbers = itertools.count(1)


def attached(path: Path, storage_version: str = "") -> tuple[duckdb.DuckDBPyConnection, Callable[[], None]]:
    """Return a connection to the file, and a function that detaches the file and closes the connection.

    `storage_version` is for a new file. It names the oldest DuckDB that can read the file.
    """
    import duckdb

    connection, name = _cursor(path), f"history_{next(_numbers)}"
    try:
        if not _attach(connection, path, name, storage_version):
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


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str, storage_version: str) -> bool:
    """Attach the file. Return False if the user has it open in this process with their own connection.

    The caller must then share the instance of that connection.
    """
    import duckdb

    statement = "ATTACH '{}' AS {}".format(str(path).replace("'", "''"), name)
    if storage_version:
        statement += f" (STORAGE_VERSION '{storage_version}')"
    try:
        connection.execute(statement)
    except duckdb.Error as error:
        if not any(word in str(error).lower() for word in OPEN_IN_THIS_PROCESS):
            raise
        if not _left_attached(connection, path):
            return False
        connection.execute(statement)
    return True


def _detach(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Detach a file, also after an interrupt, because no other process can open the file while it is attached."""
    import duckdb

    try:
        _leave(connection, name)
    except duckdb.Error:
        # Committed data is in the file's WAL, even if DuckDB cannot move it into the file because the disk is full.
        return
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            _leave(connection, name)
        raise


def _leave(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute("USE memory")
    connection.execute(f"DETACH {name}")


def _left_attached(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Detach a file that an interrupt left attached and nobody uses. Return whether there was one."""
    left = connection.execute("SELECT database_name FROM duckdb_databases() WHERE path = ?", [str(path)]).fetchall()
    for (name,) in left:
        connection.execute(f"DETACH {name}")
    return bool(left)


def _cursor(path: Path) -> duckdb.DuckDBPyConnection:
    """Return a new connection to the open instance. Its temporary files go beside the first history opened."""
    import duckdb

    global _instance
    with _instance_lock:
        if _instance is None:
            _instance = duckdb.connect(":memory:", config={"temp_directory": str(path.parent / "duckdb.tmp")})
        instance = _instance
        return instance.cursor()


def _leave_instance() -> None:
    """Drop the instance in a forked process without closing it: a close waits for threads of the parent only."""
    global _instance, _instance_lock
    _left.append(_instance)
    _instance, _instance_lock = None, threading.Lock()


_left: list[object] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_instance)

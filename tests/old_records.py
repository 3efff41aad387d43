"""The files of leadflow 0.1.0 under tests/data, dumps of such files, and work in a forked process."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

DATA = Path(__file__).parent / "data" / "v0_1_0"
# What happens to a file: the tables with their columns, and rows as dicts.
Dump = dict[str, list[dict[str, Any]]]


def unpack(name: str, folder: Path) -> Path:
    """A copy of a file of 0.1.0."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(gzip.decompress((DATA / f"{name}.gz").read_bytes()))
    path.chmod(0o600)
    return path


def dump_sqlite(path: Path) -> Dump:
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: [dict(row) for row in db.execute(f'SELECT * FROM "{name}"')] for name in names}
    db.close()
    return found


def dump_duckdb(path: Path) -> Dump:
    with duckdb.connect(str(path)) as db:
        names = [name for (name,) in db.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        found = {}
        for name in names:
            cursor = db.execute(f'SELECT * FROM "{name}" ORDER BY ALL')
            columns = [column[0] for column in cursor.description]
            found[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return found


def without_new(after: Dump, before: Dump) -> Dump:
    """A dump without the tables and columns that the older one does not have."""
    return {
        name: [{column: row[column] for column in (rows[0] if rows else ())} for row in after[name]]
        for name, rows in before.items()
    }


def in_a_fork(work: Callable[[], Any]) -> tuple[int, str]:
    """How a forked process ended that did the work (minus a signal, as subprocess has it), and its result or error."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 0
        try:
            text = str(work())
        except BaseException as error:
            code, text = 1, f"{type(error).__name__}: {error}"
        os.write(writes, text.encode()[:60_000])
        os._exit(code)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        text = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def killed_at_line(number: int, filename: str, work: Callable[[], Any]) -> Callable[[], Any]:
    """The work, but the process kills itself before it runs the nth line of a file, counted as they are run."""

    def killed() -> Any:
        left = number

        def trace(frame: Any, event: str, arg: Any) -> Any:
            nonlocal left
            if frame.f_code.co_filename != filename:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            return work()
        finally:
            sys.settrace(None)

    return killed


def with_files_up_to(size: int, work: Callable[[], Any]) -> Callable[[], Any]:
    """The work on a disk that is full: no file may grow beyond the size."""

    def squeezed() -> Any:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return work()

    return squeezed


def as_nobody(work: Callable[[], Any]) -> Callable[[], Any]:
    """The work by a user who may read the file and not write it."""

    def restricted() -> Any:
        if os.geteuid() == 0:
            os.setegid(65534)
            os.seteuid(65534)
        return work()

    return restricted

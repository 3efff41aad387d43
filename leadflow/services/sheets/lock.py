"""Whose turn it is to look at a tab and then write to it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

_locks: dict[tuple[str, str, str], tuple[threading.RLock, list[int]]] = {}
_locks_lock = threading.Lock()


class SheetLock:
    """Lets one thread at a time look and then append, on the whole machine where `locks` is a folder."""

    def __init__(self, where: tuple[str, str, str], locks: Path | None) -> None:
        with _locks_lock:
            self._mine, self._count = _locks.setdefault(where, (threading.RLock(), [0]))
        self._file: AbstractContextManager[Any] = nullcontext()
        self._mark: Path | None = None
        if locks is not None:
            from filelock import FileLock

            name = hashlib.sha256("|".join(where).encode()).hexdigest()[:16]
            self._file = FileLock(locks / f"sheet-{name}.lock", mode=0o600, thread_local=False)
            self._mark = locks / f"sheet-{name}.appended"

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for the turn and hold it; the same thread may take it again."""
        with self._mine, self._file:
            yield

    def appends(self) -> None:
        """Let every other turn know, in this process and in others, that what they saw is no longer all."""
        self._count[0] += 1
        if self._mark:
            self._mark.touch(mode=0o600)

    def stamp(self) -> tuple[int, int]:
        """Changes when anybody appends."""
        there = self._mark is not None and self._mark.exists()
        return self._count[0], self._mark.stat().st_mtime_ns if there and self._mark else 0

"""The lock under which a tab is read and then written."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class _TabState:
    """The state that all locks of one tab share in this process."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    appends: int = 0


_tabs: dict[tuple[str, str, str], _TabState] = {}
_tabs_lock = threading.Lock()


class SheetLock:
    """Lets one thread at a time read and append to a tab, over all processes that share the folder `locks`."""

    def __init__(self, tab: tuple[str, str, str], locks: Path | None) -> None:
        tab = (*tab[:2], tab[2].casefold())  # Google's tab titles are case-insensitive
        with _tabs_lock:
            self._tab = _tabs.setdefault(tab, _TabState())
        self._file: AbstractContextManager[Any] = nullcontext()
        self._append_mark: Path | None = None
        if locks is not None:
            from filelock import FileLock

            name = hashlib.sha256("|".join(tab).encode()).hexdigest()[:16]
            self._file = FileLock(locks / f"sheet-{name}.lock", mode=0o600, thread_local=False)
            self._append_mark = locks / f"sheet-{name}.appended"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the lock and hold it; the same thread may take it again."""
        with self._tab.lock, self._file:
            yield

    def record_append(self) -> None:
        """Record an append, so that other holders, also in other processes, read the tab again."""
        self._tab.appends += 1
        if self._append_mark:
            self._append_mark.touch(mode=0o600)

    def version(self) -> tuple[int, int]:
        """Return a value that changes with each append."""
        mark = self._append_mark
        return self._tab.appends, mark.stat().st_mtime_ns if mark is not None and mark.exists() else 0

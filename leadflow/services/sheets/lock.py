"""The lock under which a tab is read and then written."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import Stopped
from leadflow.services.transport.limits import StopFlag

if TYPE_CHECKING:
    from filelock import BaseFileLock

_POLL_S = 0.2  # how often a wait for the lock looks at the stop flag


@dataclass
class _TabState:
    """The state that all locks of one tab share in this process."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    appends: int = 0


_tabs: dict[tuple[str, str, str], _TabState] = {}
_tabs_lock = threading.Lock()


class SheetLock:
    """Lets one thread at a time read and append to a tab, over all processes that share the folder `locks`."""

    def __init__(self, tab: tuple[str, str, str], locks: Path | None, stop: StopFlag | None = None) -> None:
        self._title, self._stop = tab[2], stop
        tab = (*tab[:2], tab[2].casefold())  # Google's tab titles are case-insensitive
        with _tabs_lock:
            self._tab = _tabs.setdefault(tab, _TabState())
        self._file: BaseFileLock | None = None
        self._append_mark: Path | None = None
        if locks is not None:
            from filelock import FileLock

            name = hashlib.sha256("|".join(tab).encode()).hexdigest()[:16]
            self._file = FileLock(locks / f"sheet-{name}.lock", mode=0o600, thread_local=False)
            self._append_mark = locks / f"sheet-{name}.appended"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the lock and hold it; the same thread may take it again.

        Raises Stopped if the stop flag is set while another job holds it, which may be long while Google is busy.
        """
        self._wait_for(lambda: self._tab.lock.acquire(timeout=_POLL_S))
        try:
            self._wait_for(self._take_file)
            try:
                yield
            finally:
                if self._file is not None:
                    self._file.release()
        finally:
            self._tab.lock.release()

    def _wait_for(self, take: Callable[[], bool]) -> None:
        while not take():
            if self._stop is not None and self._stop.is_set():
                raise Stopped(f"stopped while another job wrote to tab {self._title}")

    def _take_file(self) -> bool:
        if self._file is None:
            return True
        from filelock import Timeout

        try:
            self._file.acquire(timeout=_POLL_S)
        except Timeout:
            return False
        return True

    def record_append(self) -> None:
        """Record an append or a first header, so that other holders, also in other processes, read the tab again."""
        self._tab.appends += 1
        if self._append_mark:
            self._append_mark.touch(mode=0o600)

    def version(self) -> tuple[int, int]:
        """Return a value that changes with each `record_append`."""
        mark = self._append_mark
        return self._tab.appends, mark.stat().st_mtime_ns if mark is not None and mark.exists() else 0

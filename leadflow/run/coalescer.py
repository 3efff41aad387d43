"""A step that takes together what waits for it: one append for three batches, one merge for two."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_END = object()


class Coalescer(Generic[T]):
    """A thread that does the `work` of all the items waiting for it in one call, then hands them to the next.

    It lingers before a call for as many seconds as `linger` says, and does `first` before all else.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[T]], None],
        then: Coalescer[T] | None = None,
        linger: Callable[[], float] = lambda: 0.0,
        first: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._then = then
        self._linger = linger
        self._first = first
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Have an item done with the next call."""
        self._queue.put(item)

    def check(self) -> None:
        """Raise what the work raised, here or further on."""
        if self._error:
            raise self._error
        if self._then:
            self._then.check()

    def finish(self) -> None:
        """Wait until all that was put is done; raises what the work raised."""
        self._queue.put(_END)
        self._thread.join()
        self.check()

    def abandon(self) -> None:
        """End after the call under way, leaving the rest for a resume."""
        self._abandoned.set()
        self._queue.put(_END)
        self._thread.join()

    def _loop(self) -> None:
        ended = False
        try:
            self._first()
        except BaseException as error:
            self._error = error
        while not ended:
            batches, ended = self._take()
            if not batches or self._error or self._abandoned.is_set():
                continue
            try:
                self._work(batches)
            except BaseException as error:
                self._error = error
                continue
            for batch in batches if self._then else ():
                self._then.put(batch)  # type: ignore[union-attr]

    def _take(self) -> tuple[list[T], bool]:
        items = [self._queue.get()]
        while items[-1] is not _END:
            try:
                items.append(self._next())
            except queue.Empty:
                break
        return [i for i in items if i is not _END], _END in items

    def _next(self) -> T:
        """What waits or comes while it lingers; raises queue.Empty. That time may have brought a reason to linger on."""
        for _ in range(2):
            with suppress(queue.Empty):
                return self._queue.get(timeout=0 if not self._queue.empty() else self._linger())
        raise queue.Empty

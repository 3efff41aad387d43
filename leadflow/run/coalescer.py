"""A worker thread that processes all waiting items in one call, such as one append for three batches."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_END = object()


class Coalescer(Generic[T]):
    """Calls `work` with all waiting items in a thread, then puts them into `next_step`.

    It waits `linger()` seconds for more items before each call. It calls `on_start` once, before the first item.
    After an error it drops all further items, and `raise_if_failed` and `finish` raise the error.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[T]], None],
        next_step: Coalescer[T] | None = None,
        linger: Callable[[], float] = lambda: 0.0,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._next_step = next_step
        self._linger = linger
        self._on_start = on_start
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Queue an item for the next call."""
        self._queue.put(item)

    def raise_if_failed(self) -> None:
        """Raise the error of this step or of a later one."""
        if self._error:
            raise self._error
        if self._next_step:
            self._next_step.raise_if_failed()

    def finish(self) -> None:
        """Wait until all items are done. Raise the error of this step or of a later one."""
        self._queue.put(_END)
        self._thread.join()
        self.raise_if_failed()

    def abandon(self) -> None:
        """Wait for the call under way and drop the waiting items. A resume processes them."""
        self._abandoned.set()
        self._queue.put(_END)
        self._thread.join()

    def _loop(self) -> None:
        ended = False
        try:
            self._on_start()
        except BaseException as error:
            self._error = error
        while not ended:
            items, ended = self._take()
            if items and not self._error and not self._abandoned.is_set():
                self._do(items)

    def _do(self, items: list[T]) -> None:
        try:
            self._work(items)
        except BaseException as error:
            self._error = error
            return
        if self._next_step:
            for item in items:
                self._next_step.put(item)

    def _take(self) -> tuple[list[T], bool]:
        """Return the items that wait or come during the linger time, and whether they are the last."""
        items = [self._queue.get()]
        while items[-1] is not _END:
            try:
                items.append(self._next())
            except queue.Empty:
                break
        return [item for item in items if item is not _END], _END in items

    def _next(self) -> Any:
        """Return the next item. Raise queue.Empty if none comes. `linger` is called twice, because it may grow."""
        for _ in range(2):
            with suppress(queue.Empty):
                return self._queue.get(timeout=0 if not self._queue.empty() else self._linger())
        raise queue.Empty

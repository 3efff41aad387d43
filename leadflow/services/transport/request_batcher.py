"""Combine the items of callers that wait for the same limit into one request, since a quota counts requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from leadflow.errors import Stopped
from leadflow.services.transport.limits import Limiter, StopFlag

T = TypeVar("T")
_POLL_S = 0.05


@dataclass
class _Batch(Generic[T]):
    """The items of several callers, and their answers."""

    items: dict[str, None] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    answers: Mapping[str, T] = field(default_factory=dict)
    error: BaseException | None = None


class RequestBatcher(Generic[T]):
    """Collects the items of callers while `limiter` allows no call, up to `max_items` per request."""

    def __init__(self, limiter: Limiter, max_items: int) -> None:
        self._limiter = limiter
        self._max_items = max_items
        self._lock = threading.Lock()
        self._open: _Batch[T] = _Batch()

    def request(
        self,
        items: Sequence[str],
        send: Callable[[list[str], StopFlag | None], Mapping[str, T]],
        stop: StopFlag | None,
    ) -> dict[str, T]:
        """Return the answers for these items, at most `max_items`, from a request that other callers may share.

        `send` sends one request. Raises what `send` raises, and Stopped if `stop` is set.
        """
        while True:
            batch, is_first = self._join(items)
            if is_first:
                self._send(batch, send, stop)
            batch.done.wait()
            if isinstance(batch.error, Stopped) and not (stop is not None and stop.is_set()):
                continue  # the caller that sent the request was stopped; this one was not
            if batch.error:
                raise batch.error
            return {item: batch.answers[item] for item in items if item in batch.answers}

    def _join(self, items: Sequence[str]) -> tuple[_Batch[T], bool]:
        """Add items to the open batch; return it, and whether this caller is the first in it."""
        with self._lock:
            if len(self._open.items) + len(items) > self._max_items:
                self._open = _Batch()
            is_first = not self._open.items
            self._open.items.update(dict.fromkeys(items))
            return self._open, is_first

    def _send(
        self,
        batch: _Batch[T],
        send: Callable[[list[str], StopFlag | None], Mapping[str, T]],
        stop: StopFlag | None,
    ) -> None:
        """Wait until a call may start, close the batch, and send all of it. Runs in the thread of the first caller."""
        try:
            while (pause := self._limiter.pause()) > 0 and len(batch.items) < self._max_items:
                if stop is not None and stop.is_set():
                    raise Stopped("stopped before a check was sent")
                time.sleep(min(pause, _POLL_S))
            self._close(batch)
            batch.answers = send(list(batch.items), stop)
        except BaseException as error:
            self._close(batch)
            batch.error = error
        finally:
            batch.done.set()

    def _close(self, batch: _Batch[T]) -> None:
        with self._lock:
            if self._open is batch:
                self._open = _Batch()

"""How much a service takes: calls in flight, calls a minute, and when to give it up for down.

A limit belongs to the service: `shared_limiter` gives every engine and job of the process the same one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from leadflow.errors import ServiceDownError, Stopped

# A vendor counts arrivals, not departures: two calls may arrive a little closer together than they left.
_WINDOW_S = 60.5
_JITTER_S = 0.05
_RECOVER_AFTER = 20
_ONE_REFUSAL_S = 1.0
_POLL_S = 0.2


class StopFlag(Protocol):
    """What a stage asks of a stop flag; a threading.Event is one."""

    def is_set(self) -> bool:
        """Whether to stop."""
        ...


class Limiter:
    """Lets `max_in_flight` calls be under way, starts `per_minute` in any sliding minute at the most, `every_s` apart."""

    def __init__(self, name: str, max_in_flight: int, per_minute: int | None = None, every_s: float = 0.0) -> None:
        self.name = name
        self.max_in_flight = max_in_flight
        self.per_minute = per_minute
        self.every_s = every_s
        self._width = max_in_flight
        self._flying = 0
        self._good = 0
        self._not_before = 0.0
        self._slowed_at = -_ONE_REFUSAL_S
        self._starts: deque[float] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, stop: StopFlag | None = None) -> Iterator[None]:
        """Wait for a place, hold it for the call; raises Stopped if `stop` is set while waiting."""
        self._enter(stop)
        try:
            yield
        finally:
            with self._changed:
                self._flying -= 1
                self._changed.notify()

    def _enter(self, stop: StopFlag | None) -> None:
        with self._changed:
            while True:
                if stop is not None and stop.is_set():
                    raise Stopped(f"stopped before a call to {self.name}")
                pause = self._pause(time.monotonic())
                if pause <= 0:
                    break
                # Whoever frees a place says so; the stop flag does not, so it is looked at now and then.
                self._changed.wait(min(pause, _POLL_S))
            self._start(time.monotonic())

    def _start(self, now: float) -> None:
        self._flying += 1
        if self.every_s:
            self._not_before = max(self._not_before, now + self.every_s + _JITTER_S)
        if self.per_minute:
            self._starts.append(now)

    def pause(self) -> float:
        """Seconds until a call may start, as far as that is known; a caller may use them to gather more for one call."""
        with self._changed:
            return self._pause(time.monotonic())

    def _pause(self, now: float) -> float:
        """Seconds until a call may start; 0 if now."""
        if self._flying >= self._width:
            return _POLL_S
        if now < self._not_before:
            return self._not_before - now
        while self._starts and now - self._starts[0] >= _WINDOW_S:
            self._starts.popleft()
        return self._pause_for_quota(now) if self.per_minute and self._starts else 0.0

    def _pause_for_quota(self, now: float) -> float:
        """The second half of a quota is spread over the rest of its minute: callers can gather, and none stands still for long."""
        left, until = (self.per_minute or 0) - len(self._starts), self._starts[0] + _WINDOW_S
        if left <= 0:
            return until - now
        if left >= len(self._starts):
            return 0.0
        return max(0.0, self._starts[-1] + (until - now) / left - now)

    def slow_down(self, retry_after: float | None = None) -> None:
        """After a refusal: half as many calls at once, and none for `retry_after` seconds.

        Calls refused together, as all that are in flight may be, count as one refusal.
        """
        with self._changed:
            now = time.monotonic()
            if now - self._slowed_at >= _ONE_REFUSAL_S:
                self._slowed_at = now
                self._width = max(1, self._width // 2)
                self._good = 0
            self._not_before = max(self._not_before, now + (retry_after or 0.0))

    def went_well(self) -> None:
        """After an answer: a little faster again, up to the limit."""
        if self._width == self.max_in_flight:
            return
        with self._changed:
            self._good += 1
            if self._good >= _RECOVER_AFTER:
                self._good, self._width = 0, min(self.max_in_flight, self._width + 1)
                self._changed.notify()

    def adopt(self, other: Limiter) -> None:
        """Take over the caps of another limiter: the newest settings hold."""
        with self._changed:
            self.per_minute, self.every_s = other.per_minute, other.every_s
            if self.max_in_flight != other.max_in_flight:
                self.max_in_flight = self._width = other.max_in_flight
                self._changed.notify_all()

    @property
    def width(self) -> int:
        """How many calls may be under way just now."""
        return self._width


class Breaker:
    """Opens after `failures` calls in a row went wrong, so that a list is not burnt on a dead service."""

    def __init__(self, name: str, failures: int) -> None:
        self.name = name
        self.failures = failures
        self._bad = 0
        self._lock = threading.Lock()

    def success(self) -> None:
        """A call went well."""
        self._bad = 0

    def failure(self) -> None:
        """A call went wrong, its retries too."""
        with self._lock:
            self._bad += 1

    def check(self) -> None:
        """Raise ServiceDownError if too many calls in a row went wrong."""
        if self._bad >= self.failures:
            raise ServiceDownError(
                f"{self.name} failed {self._bad} times in a row; nothing more is sent to it. Resume the job when it is back"
            )

    def reset(self) -> None:
        """Give the service another chance, at the start of a job."""
        self._bad = 0


_shared: dict[tuple[str, ...], Limiter] = {}
_shared_lock = threading.Lock()


def shared_limiter(key: tuple[str, ...], make: Callable[[], Limiter]) -> Limiter:
    """The one limiter of a service in this process, made on first use; `key` is its address and account."""
    made = make()
    with _shared_lock:
        limiter = _shared.setdefault(key, made)
    limiter.adopt(made)
    return limiter

"""Limits for the calls to a service (in flight and per minute), and breakers for a service that is down.

A limit belongs to the service: `shared_limiter` gives every engine and job of the process the same limiter.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from leadflow.errors import ServiceDownError, Stopped
from leadflow.services.transport.busy import Busy, BusyNews, Listener
from leadflow.settings.base import BUSY_WAIT_S

# A vendor counts calls when they arrive: two calls may arrive closer together than they were sent.
_WINDOW_S = 60.5
_JITTER_S = 0.05
_RECOVER_AFTER = 20  # answers, until one more call may be in flight
_POLL_S = 0.2


class StopFlag(Protocol):
    """The protocol of a stop flag; threading.Event implements it."""

    def is_set(self) -> bool:
        """Return whether to stop."""
        ...


class _Slot:
    """The slot of one call: a class, because a generator of contextlib takes a third longer."""

    def __init__(self, limiter: Limiter, stop: StopFlag | None) -> None:
        self._limiter, self._stop = limiter, stop

    def __enter__(self) -> float:
        return self._limiter.acquire(self._stop)

    def __exit__(self, *_: object) -> None:
        self._limiter.release()


class Limiter:
    """Limits the calls in flight, the calls started in any sliding minute, and the seconds between two starts.

    While the vendor is busy, only one call at a time is sent, for up to `busy_wait_s` seconds in total.
    """

    def __init__(
        self,
        name: str,
        max_in_flight: int,
        per_minute: int | None = None,
        every_s: float = 0.0,
        busy_wait_s: float = BUSY_WAIT_S,
    ) -> None:
        self.name = name
        self.max_in_flight = max_in_flight
        self.per_minute = per_minute
        self.every_s = every_s
        self._width = max_in_flight
        self._in_flight = 0
        self._answers_since_change = 0
        self._not_before = 0.0
        self._starts: deque[float] = deque()
        self._busy = Busy(name, busy_wait_s)
        self._listeners: list[Listener] = []
        self._changed = threading.Condition()

    def slot(self, stop: StopFlag | None = None) -> _Slot:
        """Wait until a call may start, and hold a slot for it; yields its start, for slow_down and speed_up.

        Raises Stopped if `stop` is set while waiting, ServiceDownError if the vendor stays busy too long.
        """
        return _Slot(self, stop)

    def acquire(self, stop: StopFlag | None) -> float:
        """Wait until a call may start, take its slot, and return its start."""
        with self._changed:
            while True:
                if stop is not None and stop.is_set():
                    raise Stopped(f"stopped before a call to {self.name}")
                if self._busy.gave_up:
                    raise self._busy.error()
                pause = self._pause(time.monotonic())
                if pause <= 0:
                    break
                # A freed slot notifies; the stop flag does not, so it is polled.
                self._changed.wait(min(pause, _POLL_S))
            now = time.monotonic()
            self._start(now)
            return now

    def release(self) -> None:
        """Free the slot of a call that ended."""
        with self._changed:
            self._in_flight -= 1
            self._changed.notify()

    def _start(self, now: float) -> None:
        self._in_flight += 1
        if self.every_s:
            self._not_before = max(self._not_before, now + self.every_s + _JITTER_S)
        if self.per_minute:
            self._starts.append(now)

    def pause(self) -> float:
        """Return the known seconds until a call may start; callers may collect more items until then."""
        with self._changed:
            return self._pause(time.monotonic())

    def _pause(self, now: float) -> float:
        """Return the seconds until a call may start; 0 if it may start now."""
        if self._busy.gave_up:
            return 0.0
        if self._in_flight >= (1 if self._busy.is_on else self._width):
            return _POLL_S
        if now < self._not_before:
            return self._not_before - now
        while self._starts and now - self._starts[0] >= _WINDOW_S:
            self._starts.popleft()
        return self._pause_for_quota(now) if self.per_minute and self._starts else 0.0

    def _pause_for_quota(self, now: float) -> float:
        """Spread the second half of a quota over the rest of its minute.

        Callers can then share calls, and none waits for most of a minute.
        """
        left, until = (self.per_minute or 0) - len(self._starts), self._starts[0] + _WINDOW_S
        if left <= 0:
            return until - now
        if left >= len(self._starts):
            return 0.0
        return max(0.0, self._starts[-1] + (until - now) / left - now)

    def slow_down(self, retry_after: float | None = None, started: float | None = None) -> None:
        """After a busy refusal, halve the limit of calls in flight, and allow one call after a pause.

        `started` is the start of the call. Calls refused together count as one refusal, and the width is halved once
        for all refusals until the next answer.
        """
        with self._changed:
            now, was_busy = time.monotonic(), self._busy.is_on
            pause, news = self._busy.refused(now if started is None else started, retry_after)
            if self._busy.is_on and not was_busy:
                self._width = max(1, self._width // 2)
                self._answers_since_change = 0
            self._not_before = now if self._busy.gave_up else max(self._not_before, now + pause)
            if self._busy.gave_up:
                self._changed.notify_all()
        self._report(news)

    def hold(self, seconds: float) -> None:
        """Start no call for this many seconds."""
        with self._changed:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def speed_up(self, started: float | None = None) -> None:
        """Count an answer to a call; after enough of them let one more call be in flight, up to the limit."""
        if self._width == self.max_in_flight and not self._busy.is_on:
            return
        news = None
        with self._changed:
            if self._busy.is_on:
                news = self._busy.answered(time.monotonic() if started is None else started)
                self._changed.notify_all()
            self._answers_since_change += 1
            if self._answers_since_change >= _RECOVER_AFTER:
                self._answers_since_change, self._width = 0, min(self.max_in_flight, self._width + 1)
                self._changed.notify()
        self._report(news)

    @property
    def is_busy(self) -> bool:
        """Whether the service refused the last call as busy."""
        return self._busy.is_on

    def raise_if_given_up(self) -> None:
        """Raise ServiceDownError if the vendor stayed busy too long."""
        if self._busy.gave_up:
            raise self._busy.error()

    def forget_busy(self) -> None:
        """Clear the busy state at the start of a job, so that a vendor that was given up is called again."""
        with self._changed:
            if self._busy.gave_up:
                self._busy.reset()

    @contextmanager
    def reporting_to(self, listener: Listener) -> Iterator[None]:
        """Report to `listener`, within the block, when the vendor stays busy and when it answers again."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def _report(self, news: BusyNews | None) -> None:
        if news is not None:
            for listener in list(self._listeners):
                listener(news)

    def update_from(self, other: Limiter) -> None:
        """Copy the limits of another limiter: the newest settings apply."""
        with self._changed:
            self.per_minute, self.every_s = other.per_minute, other.every_s
            self._busy.wait_s = other._busy.wait_s
            if self._busy.gave_up:
                self._busy.reset()
            if self.max_in_flight != other.max_in_flight:
                self.max_in_flight = self._width = other.max_in_flight
                self._changed.notify_all()

    @property
    def width(self) -> int:
        """The current limit of calls in flight."""
        return self._width


class Breaker:
    """Opens after `failures` failed calls in a row, so that no more leads are sent to a service that is down."""

    def __init__(self, name: str, failures: int) -> None:
        self.name = name
        self.failures = failures
        self._failed = 0
        self._lock = threading.Lock()

    def record_success(self) -> None:
        """Count a call that succeeded."""
        self._failed = 0

    def record_failure(self) -> None:
        """Count a call that failed, its retries included."""
        with self._lock:
            self._failed += 1

    def check(self) -> None:
        """Raise ServiceDownError if too many calls in a row failed."""
        if self._failed >= self.failures:
            raise ServiceDownError(
                f"{self.name} failed {self._failed} times in a row, so no more calls are sent to it. Resume the job "
                "when the service is back"
            )

    def reset(self) -> None:
        """Clear the failures at the start of a job."""
        self._failed = 0


class BusyBreaker(Breaker):
    """A breaker that is open while a limiter has given up its vendor as busy."""

    def __init__(self, limiter: Limiter) -> None:
        super().__init__(limiter.name, 1)
        self._limiter = limiter

    def check(self) -> None:
        """Raise ServiceDownError if the vendor stayed busy too long."""
        self._limiter.raise_if_given_up()

    def reset(self) -> None:
        """Try the vendor again, at the start of a job."""
        self._limiter.forget_busy()


_shared: dict[tuple[str, ...], Limiter] = {}
_shared_lock = threading.Lock()


def shared_limiter(key: tuple[str, ...], make: Callable[[], Limiter]) -> Limiter:
    """Return the one limiter of a service in this process, made on first use; `key` is its address and account."""
    made = make()
    with _shared_lock:
        limiter = _shared.setdefault(key, made)
    limiter.update_from(made)
    return limiter

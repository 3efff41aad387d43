"""One call to a vendor: limited, retried where a retry is safe, and its failures told apart."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import stamina

from leadflow.errors import RefusedError, RejectedError, ServiceDownError, TransientError, UnreadableError
from leadflow.services.limits import Breaker, Limiter, StopFlag

T = TypeVar("T")
_LONGEST_WAIT_S = 60.0
_ODD_SHAPE = (AttributeError, KeyError, IndexError, TypeError, ValueError)


class Caller:
    """Sends requests to one service; safe to use from many threads."""

    def __init__(self, name: str, limiter: Limiter, breaker: Breaker, timeout_s: float, attempts: int, transport: httpx.BaseTransport | None = None) -> None:
        self.name = name
        self.limiter = limiter
        self.breaker = breaker
        self.attempts = attempts
        width = limiter.max_in_flight
        limits = httpx.Limits(max_connections=width + 2, max_keepalive_connections=width + 2)
        self._client = httpx.Client(timeout=timeout_s, limits=limits, transport=transport)

    def call(
        self,
        send: Callable[[httpx.Client], httpx.Response],
        read: Callable[[httpx.Response], T],
        stop: StopFlag | None = None,
        readable: Collection[int] = (),
    ) -> T:
        """Send and read, again after transient failures; `read` also has the answers whose status is in `readable`.

        Raises TransientError, RefusedError, RejectedError, UnreadableError or ServiceDownError.
        """
        self.breaker.check()
        try:
            answer = self._retried(lambda: self._once(send, read, stop, readable))
        except (TransientError, UnreadableError, RejectedError):
            self.breaker.failure()
            raise
        self.breaker.success()
        return answer

    def _retried(self, once: Callable[[], T]) -> T:
        def again(error: Exception) -> bool | float:
            if not isinstance(error, (TransientError, UnreadableError)):
                return False
            # The limiter holds every call back for Retry-After, and can be stopped meanwhile; a sleep here could not.
            return 0.0 if getattr(error, "retry_after", None) else True

        for attempt in stamina.retry_context(on=again, attempts=self.attempts, timeout=None, wait_initial=0.1, wait_max=16.0):
            with attempt:
                return once()
        raise ServiceDownError(f"{self.name} was not tried")

    def _once(self, send: Callable[[httpx.Client], httpx.Response], read: Callable[[httpx.Response], T], stop: StopFlag | None, readable: Collection[int]) -> T:
        with self.limiter.slot(stop):
            try:
                response = send(self._client)
            except httpx.TimeoutException:
                raise TransientError(f"{self.name} did not answer in time") from None
            except httpx.DecodingError:
                raise UnreadableError(f"{self.name} answered something that cannot be unpacked") from None
            except httpx.RequestError as error:
                raise TransientError(f"{self.name}: the connection failed ({type(error).__name__})") from None
        if response.status_code not in readable:
            self._raise_for_status(response)
        answer = self._understood(read, response)
        self.limiter.went_well()
        return answer

    def _understood(self, read: Callable[[httpx.Response], T], response: httpx.Response) -> T:
        """What `read` makes of the response; one whose shape it did not foresee must not end the job, nor be quoted."""
        try:
            return read(response)
        except _ODD_SHAPE as error:
            raise UnreadableError(f"{self.name} answered something of an odd shape ({type(error).__name__})") from None

    def _raise_for_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == 429:
            wait = retry_after(response.headers.get("Retry-After", ""))
            self.limiter.slow_down(wait if wait is not None else 1.0)
            raise TransientError(f"{self.name} says too many requests (429)", wait)
        if status >= 500 or status == 408:
            wait = retry_after(response.headers.get("Retry-After", ""))
            if wait is not None:
                self.limiter.slow_down(wait)
            raise TransientError(f"{self.name} answered {status}", wait)
        if status in (401, 403):
            raise RefusedError(f"{self.name} refused the credentials ({status}); check them, and the IP allow-list of the account")
        if status >= 400:
            raise RefusedError(f"{self.name} refused the request ({status})")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def retry_after(text: str) -> float | None:
    """A Retry-After header in seconds, from a number or a date, at most a minute; None without one that makes sense.

    >>> retry_after("3600"), retry_after("-5"), retry_after("soon")
    (60.0, 0.0, None)
    """
    seconds = _seconds(text.strip())
    return None if seconds is None or math.isnan(seconds) else min(_LONGEST_WAIT_S, max(0.0, seconds))


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(text) - datetime.now(timezone.utc)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


def read_json(name: str, response: httpx.Response) -> Any:
    """The JSON body; UnreadableError for anything else, such as an HTML page with status 200."""
    try:
        return json.loads(response.content, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} answered something that is not JSON ({len(response.content)} bytes)") from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that says two things under one name says nothing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found

"""One call to a vendor: limited, retried where a retry is safe, and its failures told apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import stamina

from leadflow.errors import RefusedError, ServiceDownError, TransientError, UnreadableError
from leadflow.services.limits import Breaker, Limiter, StopFlag

T = TypeVar("T")
_LONGEST_WAIT_S = 60.0


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

    def call(self, send: Callable[[httpx.Client], httpx.Response], read: Callable[[httpx.Response], T], stop: StopFlag | None = None) -> T:
        """Send and read, again after transient failures; raises TransientError, RefusedError, UnreadableError or ServiceDownError."""
        self.breaker.check()
        try:
            answer = self._retried(lambda: self._once(send, read, stop))
        except (TransientError, UnreadableError):
            self.breaker.failure()
            raise
        self.breaker.success()
        return answer

    def _retried(self, once: Callable[[], T]) -> T:
        def again(error: Exception) -> bool | float:
            if not isinstance(error, (TransientError, UnreadableError)):
                return False
            after = getattr(error, "retry_after", None)
            return True if after is None else float(after)

        for attempt in stamina.retry_context(on=again, attempts=self.attempts, timeout=None, wait_initial=0.1, wait_max=16.0):
            with attempt:
                return once()
        raise ServiceDownError(f"{self.name} was not tried")

    def _once(self, send: Callable[[httpx.Client], httpx.Response], read: Callable[[httpx.Response], T], stop: StopFlag | None) -> T:
        with self.limiter.slot(stop):
            try:
                response = send(self._client)
            except httpx.TimeoutException:
                raise TransientError(f"{self.name} did not answer in time") from None
            except httpx.TransportError as error:
                raise TransientError(f"{self.name}: the connection failed ({type(error).__name__})") from None
        self._raise_for_status(response)
        answer = read(response)
        self.limiter.went_well()
        return answer

    def _raise_for_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == 429:
            wait = retry_after(response)
            self.limiter.slow_down(wait if wait is not None else 1.0)
            raise TransientError(f"{self.name} says too many requests (429)", wait)
        if status >= 500 or status == 408:
            raise TransientError(f"{self.name} answered {status}", retry_after(response))
        if status in (401, 403):
            raise RefusedError(f"{self.name} refused the credentials ({status}); check them, and the IP allow-list of the account")
        if status >= 400:
            raise RefusedError(f"{self.name} refused the request ({status})")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def retry_after(response: httpx.Response) -> float | None:
    """The Retry-After header in seconds, from a number or a date, at most a minute; None without one."""
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        return min(_LONGEST_WAIT_S, max(0.0, float(text)))
    except ValueError:
        pass
    try:
        seconds = (parsedate_to_datetime(text) - datetime.now(timezone.utc)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(_LONGEST_WAIT_S, max(0.0, seconds))


def read_json(name: str, response: httpx.Response) -> Any:
    """The JSON body; UnreadableError for anything else, such as an HTML page with status 200."""
    try:
        return json.loads(response.content)
    except ValueError:
        raise UnreadableError(f"{name} answered something that is not JSON ({len(response.content)} bytes)") from None

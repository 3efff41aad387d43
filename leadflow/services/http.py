"""One call to a vendor: limited, retried where a retry is safe, and its failures told apart."""

from __future__ import annotations

import json
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
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
        self._clients = _Clients(timeout_s, transport)

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
        try:
            return once()
        except (TransientError, UnreadableError) as error:
            failed: Exception | None = error

        def again(error: Exception) -> bool | float:
            if not isinstance(error, (TransientError, UnreadableError)):
                return False
            # The limiter holds every call back for Retry-After, and can be stopped meanwhile; a sleep here could not.
            return True if getattr(error, "retry_after", None) is None else 0.0

        # What stamina needs costs a tenth of a call, so it is made for a call that failed: its first attempt has been.
        for attempt in stamina.retry_context(on=again, attempts=self.attempts, timeout=None, wait_initial=0.1, wait_max=16.0):
            with attempt:
                if failed is not None:
                    first, failed = failed, None
                    raise first
                return once()
        raise ServiceDownError(f"{self.name} was not tried")

    def _once(self, send: Callable[[httpx.Client], httpx.Response], read: Callable[[httpx.Response], T], stop: StopFlag | None) -> T:
        with self.limiter.slot(stop):
            try:
                with self._clients.one() as client:
                    response = send(client)
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
            wait = retry_after(response)
            if wait is not None:
                self.limiter.slow_down(wait)
            raise TransientError(f"{self.name} answered {status}", wait)
        if status in (401, 403):
            raise RefusedError(f"{self.name} refused the credentials ({status}); check them, and the IP allow-list of the account")
        if status >= 400:
            raise RefusedError(f"{self.name} refused the request ({status})")

    def close(self) -> None:
        """Close its connections."""
        self._clients.close()


class _Clients:
    """Clients of one connection each, lent to one call at a time.

    A client with a pool for all calls looks through all its connections, under a lock, before and after each call:
    with 32 in flight that is a tenth of what the call costs.
    """

    def __init__(self, timeout_s: float, transport: httpx.BaseTransport | None) -> None:
        self._timeout_s = timeout_s
        self._transport = transport
        self._idle: deque[httpx.Client] = deque()
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[httpx.Client]:
        """The client that was used last, whose connection is the least likely to have gone stale, or a new one."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._new()
        try:
            yield client
        finally:
            self._idle.append(client)
            if self._closed:
                self.close()

    def _new(self) -> httpx.Client:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        return httpx.Client(timeout=self._timeout_s, limits=limits, transport=self._transport, verify=_tls())

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """httpx's own checks of certificates, read once: reading them takes longer than a call."""
    return httpx.create_ssl_context()


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

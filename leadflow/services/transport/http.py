"""One call to a vendor: limited, retried where a retry is safe, with one error class for each kind of failure."""

from __future__ import annotations

import json
import math
import ssl
from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, TypeVar

import httpx
import stamina

from leadflow.errors import (
    RefusedError,
    RejectedError,
    ServiceDownError,
    TransientError,
    UnreadableError,
    UnusableAnswerError,
)
from leadflow.services.transport.busy import BusyError
from leadflow.services.transport.connection import Connection, uses_proxy
from leadflow.services.transport.limits import Breaker, BusyBreaker, Limiter, StopFlag

T = TypeVar("T")
_LONGEST_WAIT_S = 60.0
_REJECTIONS_A_FAILURE = 3
_SHAPE_ERRORS = (AttributeError, KeyError, IndexError, TypeError, ValueError)


class Caller:
    """Sends requests to one service; safe to use from many threads.

    `breakers` open when calls fail: one counts failures of the service, one counts rejected requests, and one opens
    when the service stays busy.
    """

    def __init__(
        self,
        name: str,
        limiter: Limiter,
        breaker: Breaker,
        timeout_s: float,
        attempts: int,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self.limiter = limiter
        self.breaker = breaker
        # The request causes a rejection more often than the service does, so this breaker has a higher limit.
        self._rejections = Breaker(name, _REJECTIONS_A_FAILURE * breaker.failures)
        self.breakers: tuple[Breaker, ...] = (breaker, self._rejections, BusyBreaker(limiter))
        self.attempts = attempts
        self._clients = _ClientPool(timeout_s, transport)

    def call(
        self,
        send: Callable[[Client], httpx.Response],
        read: Callable[[httpx.Response], T],
        stop: StopFlag | None = None,
        readable: Collection[int] = (),
    ) -> T:
        """Send a request and return the result of `read` for its response; retry after transient failures.

        `read` gets responses without an error status, and those whose status is in `readable`. Raises TransientError,
        RefusedError, RejectedError, UnreadableError, ServiceDownError, or Stopped when `stop` is set.
        """
        for breaker in self.breakers:
            breaker.check()
        try:
            answer = self._with_retries(lambda: self._send_once(send, read, stop, readable))
        except RejectedError:
            self._rejections.record_failure()
            raise
        except (TransientError, UnreadableError):
            self.breaker.record_failure()
            raise
        for breaker in self.breakers:
            breaker.record_success()
        return answer

    def _with_retries(self, once: Callable[[], T]) -> T:
        """Call `once`, with retries, and return its result. A busy refusal does not count as an attempt."""
        try:
            return self._while_busy(once)
        except UnusableAnswerError:
            raise
        except (TransientError, UnreadableError) as error:
            failed: Exception | None = error

        # stamina's set-up takes a tenth of a call's CPU time, so it runs only after a failure.
        for attempt in stamina.retry_context(
            on=_is_worth_a_retry, attempts=self.attempts, timeout=None, wait_initial=0.1, wait_max=16.0
        ):
            with attempt:
                if failed is not None:
                    first, failed = failed, None
                    raise first
                return self._while_busy(once)
        raise ServiceDownError(f"{self.name} was not called: its attempts are set to 0; set 1 or more")

    def _while_busy(self, once: Callable[[], T]) -> T:
        while True:
            try:
                return once()
            except BusyError:
                # The limiter delays the next call, and raises ServiceDownError when the service stays busy too long.
                continue

    def _send_once(
        self,
        send: Callable[[Client], httpx.Response],
        read: Callable[[httpx.Response], T],
        stop: StopFlag | None,
        readable: Collection[int],
    ) -> T:
        with self.limiter.slot(stop) as started:
            try:
                response = self._clients.lend(send)
            except httpx.TimeoutException:
                raise TransientError(f"{self.name} did not answer in time") from None
            except httpx.DecodingError:
                raise UnreadableError(f"{self.name} answered with a body that cannot be decompressed") from None
            except httpx.RequestError as error:
                raise TransientError(f"{self.name}: the connection failed ({type(error).__name__})") from None
        if response.status_code not in readable:
            self._raise_for_status(response, started)
        answer = self._read(read, response)
        self.limiter.speed_up(started)
        return answer

    def _read(self, read: Callable[[httpx.Response], T], response: httpx.Response) -> T:
        """Return the result of `read`. An unexpected shape must not end the job, and no error may quote it."""
        try:
            return read(response)
        except _SHAPE_ERRORS as error:
            raise UnreadableError(f"{self.name} answered in an unexpected shape ({type(error).__name__})") from None

    def _raise_for_status(self, response: httpx.Response, started: float) -> None:
        status = response.status_code
        if status < 400:
            return
        wait = retry_after(response.headers.get("Retry-After", ""))
        if status == 429 or (status == 503 and wait is not None):
            self.limiter.slow_down(wait, started)
            raise BusyError(f"{self.name} is busy ({status})", wait)
        if status >= 500 or status == 408:
            if wait is not None:
                self.limiter.hold(wait)
            raise TransientError(f"{self.name} answered {status}", wait)
        if status in (401, 403):
            raise RefusedError(
                f"{self.name} refused the credentials ({status}); check them, and the account's IP allow-list"
            )
        raise RefusedError(f"{self.name} refused the request ({status})")

    def get_ready(self, calls: int) -> None:
        """Create clients for this many parallel calls before they are needed."""
        self._clients.create(calls)

    def close(self) -> None:
        """Close its connections."""
        self._clients.close()


def _is_worth_a_retry(error: Exception) -> bool | float:
    """Return whether to retry, or how many seconds to wait before."""
    if not isinstance(error, (TransientError, UnreadableError)) or isinstance(error, UnusableAnswerError):
        return False
    # The limiter waits for Retry-After before every call. A stop ends that wait, but would not end a sleep here.
    return 0.0 if getattr(error, "retry_after", None) else True


class _NoCookies(httpx.Cookies):
    """A cookie jar that stores nothing: calls need no cookies, and reading them takes a tenth of a call's CPU time."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Ignore the response's cookies."""


class Client(httpx.Client):
    """A client of the pool. Without a transport of its own, and without a proxy, it sends on one connection."""

    _no_cookies = _NoCookies()

    def __init__(self, timeout_s: float | None, transport: httpx.BaseTransport | None = None) -> None:
        if transport is None and not uses_proxy():
            transport = Connection(_tls)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        super().__init__(timeout=timeout_s, limits=limits, transport=transport, verify=_tls())
        self._connection = transport if isinstance(transport, Connection) else None

    def exchange(self, request: httpx.Request) -> httpx.Response:
        """Send a complete request: no redirect, no sign-in, no cookie, and no line in httpx's log.

        `send` would look for these in each call, which takes a fifth of its CPU time.
        """
        return self.send(request) if self._connection is None else self._connection.handle_request(request)

    @property
    def cookies(self) -> httpx.Cookies:
        """An empty jar that stays empty."""
        return self._no_cookies

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Ignore them."""


class _ClientPool:
    """A pool of clients with one connection each; one call at a time uses a client.

    One client for all calls would search all its connections, under a lock, before and after each call: with 32 in
    flight that takes a tenth of a call's CPU time.
    """

    def __init__(self, timeout_s: float, transport: httpx.BaseTransport | None) -> None:
        self._timeout_s = timeout_s
        self._transport = transport
        self._idle: deque[Client] = deque()
        self._closed = False

    def lend(self, send: Callable[[Client], T]) -> T:
        """Call `send` with the client used last, whose connection is the least likely to be stale, or a new one."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._new()
        try:
            return send(client)
        finally:
            self._idle.append(client)
            if self._closed:
                self.close()

    def create(self, count: int) -> None:
        """Create clients until this many are idle."""
        while len(self._idle) < count:
            self._idle.append(self._new())

    def _new(self) -> Client:
        return Client(self._timeout_s, self._transport)

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Return httpx's default TLS context, created once: reading the certificates takes longer than a call."""
    return httpx.create_ssl_context()


def retry_after(text: str) -> float | None:
    """Return a Retry-After header, a number or a date, in seconds, at most a minute; None if it cannot be read.

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
    """Return the JSON body. Raises UnreadableError for anything else, such as an HTML page with status 200."""
    content = response.content
    try:
        body = _DECODER.decode(content.decode(json.detect_encoding(content), "surrogatepass"))
        return _without_surrogates(body) if b"\\ud" in content.lower() or b"\xed" in content else body
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} answered something that is not JSON ({len(content)} bytes)") from None


def _without_surrogates(body: Any) -> Any:
    """Replace lone surrogates, which no file, table or sheet stores, by question marks.

    >>> _without_surrogates({"email": ["ann" + chr(0xD83D) + "@example.com"]})
    {'email': ['ann?@example.com']}
    """
    return json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; raise ValueError if a name occurs twice, since its value is then ambiguous."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


# json.loads would make one for each text.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique_names)

"""One call to a vendor: limited, retried where a retry is safe, and its failures told apart."""

from __future__ import annotations

import json
import math
import ssl
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
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
from leadflow.services.transport.limits import Breaker, Limiter, StopFlag

T = TypeVar("T")
_LONGEST_WAIT_S = 60.0
_REJECTIONS_A_FAILURE = 3
_ODD_SHAPE = (AttributeError, KeyError, IndexError, TypeError, ValueError)


class Caller:
    """Sends requests to one service; safe to use from many threads."""

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
        # A refused request says something of itself before it says anything of the service.
        self._rejections = Breaker(name, _REJECTIONS_A_FAILURE * breaker.failures)
        self.breakers = (breaker, self._rejections)
        self.attempts = attempts
        self._clients = _Clients(timeout_s, transport)

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
        for breaker in self.breakers:
            breaker.check()
        try:
            answer = self._retried(lambda: self._once(send, read, stop, readable))
        except RejectedError:
            self._rejections.failure()
            raise
        except (TransientError, UnreadableError):
            self.breaker.failure()
            raise
        for breaker in self.breakers:
            breaker.success()
        return answer

    def _retried(self, once: Callable[[], T]) -> T:
        try:
            return once()
        except UnusableAnswerError:
            raise
        except (TransientError, UnreadableError) as error:
            failed: Exception | None = error

        def again(error: Exception) -> bool | float:
            if not isinstance(error, (TransientError, UnreadableError)) or isinstance(error, UnusableAnswerError):
                return False
            # The limiter holds every call back for Retry-After, and can be stopped meanwhile; a sleep here could not.
            return 0.0 if getattr(error, "retry_after", None) else True

        # What stamina needs costs a tenth of a call, so it is made for a call that failed: its first attempt has been.
        for attempt in stamina.retry_context(
            on=again, attempts=self.attempts, timeout=None, wait_initial=0.1, wait_max=16.0
        ):
            with attempt:
                if failed is not None:
                    first, failed = failed, None
                    raise first
                return once()
        raise ServiceDownError(f"{self.name} was not tried")

    def _once(
        self,
        send: Callable[[httpx.Client], httpx.Response],
        read: Callable[[httpx.Response], T],
        stop: StopFlag | None,
        readable: Collection[int],
    ) -> T:
        with self.limiter.slot(stop):
            try:
                with self._clients.one() as client:
                    response = send(client)
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
            raise RefusedError(
                f"{self.name} refused the credentials ({status}); check them, and the IP allow-list of the account"
            )
        if status >= 400:
            raise RefusedError(f"{self.name} refused the request ({status})")

    def get_ready(self, calls: int) -> None:
        """Make clients for so many calls at once."""
        self._clients.make(calls)

    def close(self) -> None:
        """Close its connections."""
        self._clients.close()


def json_request(client: httpx.Client, url: httpx.URL, body: Any, headers: Mapping[str, str]) -> httpx.Request:
    """What client.post(url, json=body, headers=headers) sends, without what the client tries to merge into each request: a tenth of a call."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    said = [
        (b"Host", url.netloc),
        *client.headers.raw,
        (b"Content-Length", str(len(content)).encode()),
        (b"Content-Type", b"application/json"),
        *((name.encode(), value.encode()) for name, value in headers.items()),
    ]
    return httpx.Request(
        "POST", url, headers=said, stream=httpx.ByteStream(content), extensions={"timeout": client.timeout.as_dict()}
    )


class _NoCookies(httpx.Cookies):
    """Keeps none: a call says all that it has to say, and to look for a vendor's cookies takes a tenth of a call."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them where they are."""


class _Client(httpx.Client):
    _none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """None, ever."""
        return self._none


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

    def make(self, count: int) -> None:
        """Have so many of them."""
        while len(self._idle) < count:
            self._idle.append(self._new())

    def _new(self) -> httpx.Client:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        return _Client(timeout=self._timeout_s, limits=limits, transport=self._transport, verify=_tls())

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """httpx's own checks of certificates, read once: reading them takes longer than a call."""
    return httpx.create_ssl_context()


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
    content = response.content
    try:
        said = json.loads(content, object_pairs_hook=_no_twins)
        return _storable(said) if b"\\ud" in content.lower() or b"\xed" in content else said
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} answered something that is not JSON ({len(content)} bytes)") from None


def _storable(said: Any) -> Any:
    """The same without halves of characters, which no file, table or sheet takes: each is a question mark.

    >>> _storable({"email": ["ann" + chr(0xD83D) + "@example.com"]})
    {'email': ['ann?@example.com']}
    """
    return json.loads(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"))


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that says two things under one name says nothing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found

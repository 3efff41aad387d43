"""Send a vendor's calls from the workers of any concurrent.futures.Executor, one call a task.

Only the HTTP request and its response are sent to and from a worker. Limits, retries, the breaker, the token and the
paid answers stay in the engine's process. So a limit holds over all workers, a 429 slows all of them down, and a killed
worker costs no more than the calls it had in flight.
"""

from __future__ import annotations

import os
import pickle
import threading
import uuid
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from leadflow.errors import ExecutorError, TransientError

_TIMEOUTS_IN_QUEUE = 4
_CODING_HEADERS = ("content-encoding", "content-length", "transfer-encoding")
_CANNOT_RUN = (ImportError, AttributeError, TypeError, pickle.PickleError)
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, repr=False)
class Exchange:
    """One request to be sent by a worker. It holds a person and a token, so its repr shows neither.

    The ticket makes each call unique: dask would answer an equal call from its cache.
    """

    method: str
    url: str
    headers: Headers
    body: bytes
    timeout: dict[str, float | None]
    ticket: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __repr__(self) -> str:
        """Show the ticket alone: executors log their tasks' arguments."""
        return f"Exchange({self.ticket})"

    def __dask_tokenize__(self) -> str:
        """Return the value from which dask derives the task's name."""
        return self.ticket


@dataclass(frozen=True, repr=False)
class Reply:
    """What a worker returns: a response, or the class name of the error that httpx raised."""

    status: int = 0
    headers: Headers = ()
    body: bytes = b""
    error: str = ""

    def __repr__(self) -> str:
        """Omit the body, which names a person."""
        return f"Reply({self.error or self.status})"


def send(exchange: Exchange) -> Reply:
    """Send a request once, in a worker, and return the outcome. Never raises, since executors log errors.

    Example:
        >>> send(Exchange("GET", "http://127.0.0.1:9/", (), b"", {"connect": 1.0}))
        Reply(ConnectError)
    """
    try:
        response = _client(os.getpid()).send(_request(exchange))
    except Exception as error:
        return Reply(error=type(error).__name__)
    kept = tuple(
        (name, value) for name, value in response.headers.raw if name.lower().decode("latin-1") not in _CODING_HEADERS
    )
    return Reply(response.status_code, kept, response.content)


def _request(exchange: Exchange) -> httpx.Request:
    return httpx.Request(
        exchange.method,
        exchange.url,
        headers=list(exchange.headers),
        content=exchange.body,
        extensions={"timeout": exchange.timeout},
    )


@lru_cache(maxsize=1)
def _client(pid: int) -> httpx.Client:
    """Return the client of this process. A forked worker must not use its parent's; engines must not share cookies."""
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.Client(cookies=no_cookies, limits=httpx.Limits(max_connections=None, max_keepalive_connections=64))


class ExecutorTransport(httpx.BaseTransport):
    """Makes an httpx.Client send through an executor, which it neither owns nor shuts down.

    `lost` counts the calls whose worker was lost: the vendor may have charged for them. Raises httpx's own errors as if
    this process had sent the call; TransientError for a lost call; ExecutorError if the executor is broken or shut
    down, or if its workers cannot run leadflow.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor() as pool, httpx.Client(transport=ExecutorTransport(pool)) as client:
        ...     client.get("http://127.0.0.1:9/")
        Traceback (most recent call last):
        ...
        httpx.ConnectError: sent by a worker
    """

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.lost = 0
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Submit the request to a worker, and wait for the response."""
        timeout = dict(request.extensions.get("timeout") or {})
        exchange = Exchange(request.method, str(request.url), tuple(request.headers.raw), request.read(), timeout)
        reply = self._wait(self._submit(exchange), _longest_wait(timeout))
        if reply.error:
            raise _error(reply.error, request)
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body, request=request)

    def _submit(self, exchange: Exchange) -> Future[Reply]:
        try:
            return self.executor.submit(send, exchange)
        except Exception as error:
            raise _unusable(error) from None

    def _wait(self, future: Future[Reply], longest_s: float | None) -> Reply:
        # A stop does not cancel the call: dask cancels calls under way too, whose paid answers would be lost.
        try:
            return future.result(longest_s)
        except (BrokenExecutor, CancelledError, *_CANNOT_RUN) as error:
            self._count_lost()
            raise _unusable(error) from None
        except TimeoutError:
            future.cancel()
            self._count_lost()
            raise TransientError(f"no worker of the executor answered a call within {longest_s:.0f} s") from None
        except Exception as error:
            self._count_lost()
            raise TransientError(f"the executor lost a call and its worker ({type(error).__name__})") from None

    def _count_lost(self) -> None:
        with self._lock:
            self.lost += 1


def _longest_wait(timeout: dict[str, Any]) -> float | None:
    """Return how long a call may take, queue included: an executor without workers would never answer."""
    longest = max((t for t in timeout.values() if t is not None), default=None)
    return None if longest is None else _TIMEOUTS_IN_QUEUE * longest


def _error(name: str, request: httpx.Request) -> Exception:
    kind = getattr(httpx, name, None)
    if isinstance(kind, type) and issubclass(kind, httpx.RequestError):
        return kind("sent by a worker", request=request)
    return TransientError(f"a worker of the executor failed to send a call ({name})")


def _unusable(error: BaseException) -> ExecutorError:
    """Build the error for an executor that accepts no more calls, with only the type of `error`: it may quote calls."""
    kind = type(error).__name__
    if isinstance(error, _CANNOT_RUN):
        return ExecutorError(
            f"the executor's workers cannot run leadflow ({kind}); install this version of it on all of them, then "
            "resume the job"
        )
    return ExecutorError(
        f"the executor accepts no more calls ({kind}): it was shut down, or lost a worker. "
        "Create a new one, and resume the job with Engine(settings, executor=...)"
    )

"""idiCORE people search: one POST a person, with a token that expires.

Wire facts: VENDORS.md section 1, read from public integrations; the vendor's own reference is not public.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, TypeVar

import httpx

from leadflow.errors import UnreadableError
from leadflow.leads.matching import searched_name
from leadflow.leads.people import Answer as Answer
from leadflow.leads.people import Candidate as Candidate
from leadflow.leads.people import Person as Person
from leadflow.leads.people import Phone as Phone
from leadflow.services.idicore.answer import read_answer as _read_answer
from leadflow.services.transport.executor import ExecutorTransport
from leadflow.services.transport.http import Caller, json_request
from leadflow.services.transport.limits import Breaker, Limiter, StopFlag, shared_limiter
from leadflow.settings import IdicoreSettings

T = TypeVar("T")
_NAME = "idiCORE"
_NOT_CHARGED = (401, 403, 429)


class SearchBudget(Protocol):
    """What a lookup is paid from."""

    def take(self) -> None:
        """Take one search out, before it is sent; raises when that would pass a limit."""
        ...

    def give_back(self) -> None:
        """Put one back that was certainly not charged."""
        ...


@contextmanager
def _paid_from(purse: SearchBudget | None) -> Iterator[Callable[[int], None]]:
    """Pays for the search inside it; one that never reached the vendor, or that it refused, is not charged."""
    if purse is not None:
        purse.take()

    def answered(status: int) -> None:
        if purse is not None and status in _NOT_CHARGED:
            purse.give_back()

    try:
        yield answered
    except (httpx.ConnectError, httpx.ConnectTimeout):
        if purse is not None:
            purse.give_back()
        raise


class Idicore:
    """The people search. One instance may serve many threads; `pool` runs its lookups first come, first served.

    With an `executor` its workers send the searches; the login and its secret stay in this process.
    """

    def __init__(self, settings: IdicoreSettings, executor: Executor | None = None) -> None:
        self.settings = settings
        self.limiter = shared_limiter(
            (settings.search_url, settings.client_id),
            lambda: Limiter(_NAME, settings.max_in_flight, settings.max_per_minute),
        )
        # No more threads than calls: an answer that is not on disk yet counts as a call in flight, so a kill loses no more than those.
        self.pool = ThreadPoolExecutor(settings.max_in_flight, "idicore")
        self._queueing = threading.Lock()
        self._search_url = httpx.URL(settings.search_url)
        self._transport = None if executor is None else ExecutorTransport(executor)
        self._caller = Caller(
            _NAME,
            self.limiter,
            Breaker(_NAME, settings.breaker_failures),
            settings.timeout_s,
            settings.attempts,
            self._transport,
        )
        login = Breaker(f"{_NAME} login", 3)
        self._login_caller = Caller(f"{_NAME} login", Limiter("login", 1), login, settings.timeout_s, settings.attempts)
        self.breakers = (*self._caller.breakers, *self._login_caller.breakers)
        self._token = ""
        self._token_until = 0.0
        self._token_lock = threading.Lock()

    def __enter__(self) -> Idicore:
        """The service itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @property
    def lost_calls(self) -> int:
        """Searches lost with a worker of the executor; the vendor may have charged for them."""
        return self._transport.lost if self._transport else 0

    def lookup(self, person: Person, stop: StopFlag | None = None, budget: SearchBudget | None = None) -> Answer:
        """Search one person; every search that is answered is paid for, and one whose answer is lost may be.

        `budget` is asked before each search is sent, the repeated ones too. Raises TransientError, UnreadableError,
        ServiceDownError or ExecutorError after its retries; RejectedError when this search is refused, RefusedError when all
        are; Stopped; and what the budget raises. An UnusableAnswerError is not retried: the search would cost and say the same.
        """
        body = self._request(person)

        def search(client: httpx.Client, token: str) -> httpx.Response:
            headers = {"authorization": self.settings.token_prefix + token}
            with _paid_from(budget) as charged:
                response = client.send(json_request(client, self._search_url, body, headers))
                charged(response.status_code)
            return response

        def send(client: httpx.Client) -> httpx.Response:
            token = self._current_token(stop)
            response = search(client, token)
            if response.status_code == 401:
                self._forget_token(token)
                response = search(client, self._current_token(stop))
            return response

        return self._caller.call(
            send, lambda response: _read_answer(person, response, self.settings), stop, readable=(400,)
        )

    def sign_in(self, stop: StopFlag | None = None) -> None:
        """Fetch the token and make the clients now, so that the first lookup need not wait for them; costs nothing. Raises as lookup does."""
        self._current_token(stop)
        self._caller.get_ready(self.settings.max_in_flight)

    def queue(self, work: Callable[[Person], T], people: Iterable[Person]) -> dict[str, Future[T]]:
        """Have the pool do `work` on each, by person key; those of one call stay together, so that the first batch ends first."""
        with self._queueing:
            return {person.person_key: self.pool.submit(work, person) for person in people}

    def _request(self, person: Person) -> dict[str, Any]:
        first, last = searched_name(person.first_name, person.last_name)
        return {
            "firstName": first,
            "lastName": last,
            "address": person.address,
            "city": person.city,
            "state": person.state,
            "zip": person.zip,
            "referenceId": person.person_key,
            "fields": list(self.settings.fields),
        }

    def _current_token(self, stop: StopFlag | None = None) -> str:
        with self._token_lock:
            if not self._token or time.monotonic() >= self._token_until:
                self._token = self._log_in(stop)
                self._token_until = time.monotonic() + self.settings.token_life_s
            return self._token

    def _forget_token(self, token: str) -> None:
        with self._token_lock:
            if self._token == token:
                self._token = ""

    def _log_in(self, stop: StopFlag | None) -> str:
        settings = self.settings
        purposes = {"glba": settings.glba, "dppa": settings.dppa}
        auth = (settings.client_id, settings.client_secret.get_secret_value())

        def read(response: httpx.Response) -> str:
            token = response.text.strip().strip('"')
            if not token or "<" in token or "{" in token or " " in token:
                raise UnreadableError(f"{_NAME} login answered something that is not a token")
            return token

        return self._login_caller.call(
            lambda client: client.post(settings.login_url, json=purposes, auth=auth), read, stop
        )

    def close(self) -> None:
        """Let calls under way end, then close the connections."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        self._caller.close()
        self._login_caller.close()

"""The client of idiCORE's people search: one POST for each person."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Protocol, Self, TypeVar

import httpx

from leadflow.leads.people import Answer, Person
from leadflow.services.idicore.answer import read_answer
from leadflow.services.idicore.login import Login
from leadflow.services.idicore.request import json_request, search_body
from leadflow.services.transport.executor import ExecutorTransport
from leadflow.services.transport.http import Caller, Client
from leadflow.services.transport.limits import Breaker, Limiter, StopFlag, shared_limiter
from leadflow.settings import IdicoreSettings

T = TypeVar("T")
_NAME = "idiCORE"
_NOT_CHARGED = (401, 403, 429)


class SearchBudget(Protocol):
    """The budget that pays for lookups."""

    def take(self) -> None:
        """Reserve one search before it is sent; raises if that would exceed a limit."""
        ...

    def give_back(self) -> None:
        """Return one search that was certainly not charged."""
        ...


def _paid_from(budget: SearchBudget | None, send: Callable[[], httpx.Response]) -> httpx.Response:
    """Pay for a search and send it.

    A search that did not reach idiCORE, or that it refused, is not charged. A search that failed otherwise may be
    charged. It reserves nothing while it waits for its next attempt, since another search may need that money.
    """
    if budget is None:
        return send()
    budget.take()
    release: Callable[[], object] = getattr(budget, "ended", _nothing)
    try:
        response = send()
    except (httpx.ConnectError, httpx.ConnectTimeout):
        budget.give_back()
        raise
    except Exception:
        release()
        raise
    if response.status_code in _NOT_CHARGED:
        budget.give_back()
    elif response.status_code >= 500:
        release()
    return response


def _nothing() -> None:
    """Do nothing, for a budget without reservations."""


class Idicore:
    """The people search. One instance is safe to use from many threads; its pool runs lookups in the order received.

    With an `executor`, the executor's workers send the searches; the login and its secret stay in this process.
    """

    def __init__(self, settings: IdicoreSettings, executor: Executor | None = None) -> None:
        self.settings = settings
        self.limiter = shared_limiter(
            (settings.search_url, settings.client_id),
            lambda: Limiter(_NAME, settings.max_in_flight, settings.max_per_minute, busy_wait_s=settings.busy_wait_s),
        )
        # An answer that is not on disk yet holds its thread, so a kill loses at most max_in_flight paid answers.
        self.pool = ThreadPoolExecutor(settings.max_in_flight, "idicore")
        self._queue_lock = threading.Lock()
        self._search_url = httpx.URL(settings.search_url)
        self._transport = None if executor is None else ExecutorTransport(executor)
        breaker = Breaker(_NAME, settings.breaker_failures)
        self._caller = Caller(_NAME, self.limiter, breaker, settings.timeout_s, settings.attempts, self._transport)
        self._login = Login(settings)
        self.breakers = (*self._caller.breakers, *self._login.breakers)
        self.limiters = (self.limiter, self._login.limiter)

    def __enter__(self) -> Self:
        """Return the service itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the service."""
        self.close()

    @property
    def lost_calls(self) -> int:
        """Searches that were lost with a worker of the executor; idiCORE may have charged for them."""
        return self._transport.lost if self._transport else 0

    def lookup(self, person: Person, stop: StopFlag | None = None, budget: SearchBudget | None = None) -> Answer:
        """Look up one person. Each answered search is charged; a search whose answer is lost may be charged.

        `budget` pays for each search before it is sent, repeated ones included. After retries, raises TransientError,
        UnreadableError, ServiceDownError or ExecutorError; RejectedError if this search is refused; RefusedError if all
        searches are refused; Stopped; and the budget's errors. Does not retry after an UnusableAnswerError: the search
        would cost the same and return the same.
        """
        body = search_body(person, self.settings.fields, self.settings.search_parameters)

        def search(client: Client, token: str) -> httpx.Response:
            headers = {"authorization": self.settings.token_prefix + token}
            return _paid_from(budget, lambda: client.exchange(json_request(client, self._search_url, body, headers)))

        def send(client: Client) -> httpx.Response:
            token = self._login.token(stop)
            response = search(client, token)
            if response.status_code == 401:
                self._login.forget(token)
                response = search(client, self._login.token(stop))
            return response

        return self._caller.call(
            send, lambda response: read_answer(person, response, self.settings), stop, readable=(400,)
        )

    def sign_in(self, stop: StopFlag | None = None) -> None:
        """Fetch the token and create the clients before the first lookup, at no cost. Raises the errors of lookup."""
        self._login.token(stop)
        self._caller.get_ready(self.settings.max_in_flight)

    def queue(self, work: Callable[[Person], T], people: Iterable[Person]) -> dict[str, Future[T]]:
        """Submit `work` on each person to the pool; return the futures by person key.

        The people of one call stay together in the queue, so that batches end in their order.
        """
        with self._queue_lock:
            return {person.person_key: self.pool.submit(work, person) for person in people}

    def close(self) -> None:
        """Wait for calls in flight, then close the connections."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        self._caller.close()
        self._login.close()

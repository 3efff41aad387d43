"""idiCORE people search: one POST a person, with a token that expires.

Wire facts: VENDORS.md section 1, read from public integrations; the vendor's own reference is not public.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, TypeVar

import httpx

from leadflow.errors import RefusedError, UnreadableError
from leadflow.phones import to_e164
from leadflow.services.http import Caller, read_json
from leadflow.services.limits import Breaker, Limiter, StopFlag, shared_limiter
from leadflow.services.matching import is_same
from leadflow.services.remote import ExecutorTransport
from leadflow.settings import IdicoreSettings

T = TypeVar("T")
_NAME = "idiCORE"


@dataclass(frozen=True, repr=False)
class Person:
    """Who is looked up."""

    person_key: str
    first_name: str
    last_name: str
    address: str
    city: str
    state: str
    zip: str

    def __repr__(self) -> str:
        """The key alone: a repr may end up in a log."""
        return f"Person({self.person_key})"


@dataclass(frozen=True, repr=False)
class Phone:
    """A phone found: E.164, the vendor's type and rank (1 is best), and when it was last seen (YYYYMMDD)."""

    number: str
    type: str = ""
    rank: int = 0
    last_seen: str = ""

    def __repr__(self) -> str:
        """Without the number."""
        return f"Phone({self.type}, rank={self.rank})"


@dataclass(frozen=True, repr=False)
class Answer:
    """A paid answer: `status` is found, no_match or ambiguous."""

    person_key: str
    status: str
    phones: tuple[Phone, ...] = ()
    emails: tuple[str, ...] = ()
    bought_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    pid: str = ""

    def __repr__(self) -> str:
        """Counts, not contents."""
        return f"Answer({self.person_key}, {self.status}, {len(self.phones)} phones, {len(self.emails)} emails)"

    def to_json(self) -> str:
        """As text, for the checkpoints."""
        # Not asdict(): it copies deeply, at several times the cost of the JSON itself.
        return json.dumps({**vars(self), "phones": [vars(phone) for phone in self.phones], "bought_at": self.bought_at.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> Answer:
        """Back from text."""
        fields = json.loads(text)
        fields["phones"] = tuple(Phone(**phone) for phone in fields["phones"])
        fields["emails"] = tuple(fields["emails"])
        fields["bought_at"] = datetime.fromisoformat(fields["bought_at"])
        return cls(**fields)


class Idicore:
    """The people search. One instance may serve many threads; `pool` runs its lookups first come, first served.

    With an `executor` its workers send the searches; the login and its secret stay in this process.
    """

    def __init__(self, settings: IdicoreSettings, executor: Executor | None = None) -> None:
        self.settings = settings
        self.limiter = shared_limiter(
            (settings.search_url, settings.client_id), lambda: Limiter(_NAME, settings.max_in_flight, settings.max_per_minute)
        )
        self.breaker = Breaker(_NAME, settings.breaker_failures)
        # No more threads than calls: an answer that is not on disk yet counts as a call in flight, so a kill loses no more than those.
        self.pool = ThreadPoolExecutor(settings.max_in_flight, "idicore")
        self._queueing = threading.Lock()
        self._transport = None if executor is None else ExecutorTransport(executor)
        self._caller = Caller(_NAME, self.limiter, self.breaker, settings.timeout_s, settings.attempts, self._transport)
        self._login_caller = Caller(f"{_NAME} login", Limiter("login", 1), Breaker(_NAME, 3), settings.timeout_s, settings.attempts)
        self._token = ""
        self._token_until = 0.0
        self._token_lock = threading.Lock()

    def __enter__(self) -> Idicore:
        """The service itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()

    @property
    def lost_calls(self) -> int:
        """Searches lost with a worker of the executor; the vendor may have charged for them."""
        return self._transport.lost if self._transport else 0

    def lookup(self, person: Person, stop: StopFlag | None = None) -> Answer:
        """Search one person; every call that is answered is paid for.

        Raises TransientError, UnreadableError, RefusedError, ServiceDownError or ExecutorError after its retries.
        """
        body = self._request(person)
        used: list[str] = []

        def send(client: httpx.Client) -> httpx.Response:
            used.append(self._current_token())
            response = client.post(self.settings.search_url, json=body, headers={"authorization": self.settings.token_prefix + used[-1]})
            if response.status_code == 401 and len(used) == 1:
                self._forget_token(used[0])
                return send(client)
            return response

        def read(response: httpx.Response) -> Answer:
            used.clear()
            return _read_answer(person, response, self.settings)

        def sent(client: httpx.Client) -> httpx.Response:
            used.clear()
            return send(client)

        return self._caller.call(sent, read, stop)

    def sign_in(self) -> None:
        """Fetch the token now, so that the first lookup need not wait for it; costs nothing. Raises as lookup does."""
        self._current_token()

    def queue(self, work: Callable[[Person], T], people: Iterable[Person]) -> dict[str, Future[T]]:
        """Have the pool do `work` on each, by person key; those of one call stay together, so that the first batch ends first."""
        with self._queueing:
            return {person.person_key: self.pool.submit(work, person) for person in people}

    def _request(self, person: Person) -> dict[str, Any]:
        return {
            "firstName": person.first_name,
            "lastName": person.last_name,
            "address": person.address,
            "city": person.city,
            "state": person.state,
            "zip": person.zip,
            "referenceId": person.person_key,
            "fields": list(self.settings.fields),
        }

    def _current_token(self) -> str:
        with self._token_lock:
            if not self._token or time.monotonic() >= self._token_until:
                self._token = self._log_in()
                self._token_until = time.monotonic() + self.settings.token_life_s
            return self._token

    def _forget_token(self, token: str) -> None:
        with self._token_lock:
            if self._token == token:
                self._token = ""

    def _log_in(self) -> str:
        settings = self.settings
        purposes = {"glba": settings.glba, "dppa": settings.dppa}
        auth = (settings.client_id, settings.client_secret.get_secret_value())

        def read(response: httpx.Response) -> str:
            token = response.text.strip().strip('"')
            if not token or "<" in token or "{" in token or " " in token:
                raise UnreadableError(f"{_NAME} login answered something that is not a token")
            return token

        return self._login_caller.call(lambda client: client.post(settings.login_url, json=purposes, auth=auth), read)

    def close(self) -> None:
        """Let calls under way end, then close the connections."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        self._caller.close()
        self._login_caller.close()


def _read_answer(person: Person, response: httpx.Response, settings: IdicoreSettings) -> Answer:
    body = read_json(_NAME, response)
    if not isinstance(body, dict):
        raise UnreadableError(f"{_NAME} answered JSON of another shape for {person.person_key}")
    code = (body.get("error") or {}).get("code") if isinstance(body.get("error"), dict) else None
    if code == "TooManyMatches":
        return Answer(person.person_key, "ambiguous")
    if code:
        raise RefusedError(f"{_NAME} refused the search for {person.person_key}")
    people = body.get("result")
    if not isinstance(people, list):
        raise UnreadableError(f"{_NAME} answered without a result for {person.person_key}")
    if not people:
        return Answer(person.person_key, "no_match")
    same = [found for found in people if isinstance(found, dict) and is_same(person, found)]
    pids = {str(found.get("pid") or "") for found in same}
    if not same or (len(same) > 1 and (len(pids) > 1 or "" in pids)):  # two entries with one pid are one person
        return Answer(person.person_key, "ambiguous")
    found = same[0]
    return Answer(person.person_key, "found", _phones(found, settings), _emails(found), pid=str(found.get("pid", "")))


def _dicts(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = found.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _rank(item: dict[str, Any]) -> int:
    rank = (item.get("meta") or {}).get("rank")
    return int(rank) if isinstance(rank, int | str) and str(rank).isdigit() else 9_999


def _phones(found: dict[str, Any], settings: IdicoreSettings) -> tuple[Phone, ...]:
    items = [item for item in _dicts(found, "phone") if item.get("fake") is not True]
    items.sort(key=_rank, reverse=settings.rank_order == "descending")
    phones: dict[str, Phone] = {}
    for item in items:
        number = to_e164(str(item.get("number") or ""))
        if number and number not in phones:
            last_seen = str((item.get("meta") or {}).get("lastSeen") or "")
            phones[number] = Phone(number, str(item.get("type") or ""), _rank(item), last_seen)
    return tuple(phones.values())


def _emails(found: dict[str, Any]) -> tuple[str, ...]:
    items = sorted(_dicts(found, "email"), key=_rank)
    emails = (str(item.get("data") or "").strip() for item in items)
    return tuple(dict.fromkeys(email for email in emails if "@" in email))

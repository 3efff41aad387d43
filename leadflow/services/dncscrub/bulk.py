"""Post phones to DNCScrub in bulk, and isolate the malformed number for which it refuses a whole request.

Source: https://docs.dncscrub.com/api-reference
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import httpx

from leadflow.errors import RefusedError, ServiceError, TransientError, UnreadableError
from leadflow.leads.phones import ten_digits
from leadflow.leads.verdicts import Scrub, worst
from leadflow.services.transport.http import read_json
from leadflow.services.transport.limits import StopFlag
from leadflow.services.transport.request_batcher import RequestBatcher
from leadflow.services.transport.vendor_caller import caller_of
from leadflow.settings import DncSettings, LitigatorSettings

Scrubs = dict[str, Scrub]
_US_PHONE = re.compile(r"\+1[2-9]\d{9}")
_MAX_MALFORMED = 8  # numbers that are isolated in one request
_MAX_REFUSALS = 15  # without any answer: 1 + 2 + 4 + 8, three times halved


@dataclass(frozen=True)
class Query:
    """The request format of one list: the body for a list of numbers, the headers, and the reader of a row.

    The reader also gets the time at which the answer came.
    """

    body: Callable[[str], dict[str, Any]]
    headers: dict[str, str]
    read: Callable[[dict[str, Any], datetime], Scrub | None]


class BulkClient:
    """Posts phones in bulk and reads a list of rows; a phone without an answer is absent from the result."""

    def __init__(self, name: str, account: str, settings: LitigatorSettings | DncSettings) -> None:
        self.name = name
        self.url = settings.url
        self.max_numbers = settings.max_numbers
        self._caller = caller_of(name, settings, account)
        self.limiter = self._caller.limiter
        self.limiters, self.breakers = (self.limiter,), self._caller.breakers
        self._batcher: RequestBatcher[Scrub] = RequestBatcher(self.limiter, settings.max_numbers)

    def check(self, phones: Sequence[str], query: Query, stop: StopFlag | None) -> Scrubs:
        """Return the scrubs of these phones, keyed by E.164. Only US phones are sent."""
        wanted = [phone for phone in dict.fromkeys(phones) if _US_PHONE.fullmatch(phone)]
        found: Scrubs = {}
        for start in range(0, len(wanted), self.max_numbers):
            found |= self._batcher.request(
                wanted[start : start + self.max_numbers],
                lambda batch, flag: _Isolation(self, query, flag).check(batch),
                stop,
            )
        return found

    def post(self, phones: list[str], query: Query, stop: StopFlag | None) -> Scrubs:
        """Send one request. Raises MalformedNumberError when DNCScrub refuses all of it (400)."""
        body, sent = query.body(",".join(map(ten_digits, phones))), set(phones)

        def read(response: httpx.Response) -> Scrubs:
            rows = read_json(self.name, response)
            if not isinstance(rows, list):
                raise UnreadableError(f"{self.name} answered with unexpected JSON; resume the job to check again")
            now = datetime.now(timezone.utc)
            scrubs = [query.read(row, now) for row in rows if isinstance(row, dict)]
            found = _worst_by_phone([scrub for scrub in scrubs if scrub is not None and scrub.phone in sent])
            if not found:
                raise UnreadableError(f"{self.name} answered for none of the {len(sent)} phones; resume to check again")
            return found

        def send(client: httpx.Client) -> httpx.Response:
            response = client.post(self.url, json=body, headers=query.headers)
            if response.status_code == 400:
                raise MalformedNumberError(f"{self.name} refused a number of the request")
            return response

        return self._caller.call(send, read, stop)

    def close(self) -> None:
        """Close its connections."""
        self._caller.close()


class MalformedNumberError(RefusedError):
    """A malformed number failed a whole request."""


class _Isolation:
    """Halves a request that is refused (400) until the malformed number is alone, within a limit of refusals.

    The largest parts go first: if each of eight parts is refused, the cause is the request and not a number in it.
    """

    def __init__(self, client: BulkClient, query: Query, stop: StopFlag | None) -> None:
        self._client, self._query, self._stop = client, query, stop
        self._refused = 0
        self._found: Scrubs = {}
        self._failure: ServiceError | None = None

    def check(self, phones: list[str]) -> Scrubs:
        """Return the scrubs; a phone that is refused alone, or whose part failed, is absent."""
        parts, max_refused = deque([phones]), _MAX_MALFORMED * (len(phones).bit_length() + 1)
        while parts and self._refused < max_refused:
            part = parts.popleft()
            try:
                self._found |= self._client.post(part, self._query, self._stop)
            except MalformedNumberError:
                self._count_refusal()
                middle = len(part) // 2
                parts.extend(half for half in (part[:middle], part[middle:]) if middle)
            except (TransientError, UnreadableError) as error:
                # The answers of the other parts were paid for, so they are kept.
                self._failure = error
        if self._failure and not self._found:
            raise self._failure
        return self._found

    def _count_refusal(self) -> None:
        self._refused += 1
        if self._refused >= _MAX_REFUSALS and not self._found:
            raise RefusedError(
                f"{self._client.name} refuses a request in all its parts (400), so no single number is at fault; "
                "check proj_id, campaign_id and version in the settings, then resume the job"
            )


def _worst_by_phone(scrubs: list[Scrub]) -> Scrubs:
    """Key the scrubs by phone; keep the worst of several for one phone."""
    found: Scrubs = {}
    for scrub in scrubs:
        known = found.get(scrub.phone)
        if known is None or worst(known.verdict, scrub.verdict) != known.verdict:
            found[scrub.phone] = scrub
    return found

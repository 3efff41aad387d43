"""DNCScrub (Contact Center Compliance): the litigator list, and the full do-not-call scrub.

Wire facts: https://docs.dncscrub.com/api-reference. What an answer means is in dncscrub_codes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import httpx

from leadflow.errors import RefusedError, ServiceError, SettingsError, TransientError, UnreadableError
from leadflow.leads.phones import ten_digits, to_e164
from leadflow.leads.verdicts import CALLABLE, Scrub, Verdict, worst
from leadflow.services.dncscrub.codes import CODES, POLICY_VERSION, judged, overridden, policy_of, shown
from leadflow.services.transport.http import Caller, read_json
from leadflow.services.transport.limits import Breaker, Limiter, StopFlag, shared_limiter
from leadflow.services.transport.request_batcher import RequestBatcher
from leadflow.settings import DncSettings, LitigatorSettings

Answers = dict[str, Scrub]
_US_PHONE = re.compile(r"\+1[2-9]\d{9}")
# How many malformed numbers are isolated in one bulk, and how many refusals without one answer are enough: 1 + 2 + 4 + 8.
_MOST_BAD = 8
_MOST_IN_VAIN = 15


class _Bulk:
    """Posts phones in bulk and reads a list of rows; a phone not answered for is absent from the result."""

    def __init__(self, name: str, account: str, settings: LitigatorSettings | DncSettings) -> None:
        self.name = name
        self.url = settings.url
        self.max_numbers = settings.max_numbers
        self.limiter = shared_limiter(
            (settings.url, account), lambda: Limiter(name, settings.max_in_flight, settings.max_per_minute)
        )
        self._batcher = RequestBatcher(self.limiter, settings.max_numbers)
        self._caller = Caller(
            name, self.limiter, Breaker(name, settings.breaker_failures), settings.timeout_s, settings.attempts
        )
        self.breakers = self._caller.breakers

    def check(self, phones: Sequence[str], query: _Query, stop: StopFlag | None) -> Answers:
        """The checks of these phones, keyed by E.164; what is no US phone is not sent."""
        wanted = [phone for phone in dict.fromkeys(phones) if _US_PHONE.fullmatch(phone)]
        found: Answers = {}
        for start in range(0, len(wanted), self.max_numbers):
            found |= self._batcher.check(
                wanted[start : start + self.max_numbers],
                lambda all_, flag: _Isolation(self, query, flag).check(all_),
                stop,
            )
        return found

    def ask(self, phones: list[str], query: _Query, stop: StopFlag | None) -> Answers:
        """One request; raises _BadNumberError when the vendor refuses all of it because of one number."""
        body, asked = query.body(",".join(map(ten_digits, phones))), set(phones)

        def read(response: httpx.Response) -> Answers:
            rows = read_json(self.name, response)
            if not isinstance(rows, list):
                raise UnreadableError(f"{self.name} answered JSON of another shape")
            scrubs = [query.read(row) for row in rows if isinstance(row, dict)]
            found = _agreeing([s for s in scrubs if s is not None and s.phone in asked])
            if not found:
                raise UnreadableError(f"{self.name} answered for none of the {len(asked)} phones")
            return found

        def send(client: httpx.Client) -> httpx.Response:
            response = client.post(self.url, json=body, headers=query.headers)
            if response.status_code == 400:
                raise _BadNumberError(f"{self.name} refused a number of the request")
            return response

        return self._caller.call(send, read, stop)

    def close(self) -> None:
        self._caller.close()


@dataclass(frozen=True)
class _Query:
    """How one of the two lists is asked: the body for a list of numbers, the headers, and what a row of the answer says."""

    body: Callable[[str], dict[str, Any]]
    headers: dict[str, str]
    read: Callable[[dict[str, Any]], Scrub | None]


class _BadNumberError(RefusedError):
    """A malformed number failed a whole request."""


class _Isolation:
    """Halves a bulk that the vendor refuses (400) until the malformed number is alone, within a budget of refusals.

    The largest parts go first: when each of eight is refused, it is the request that is refused, not a number in it.
    """

    def __init__(self, bulk: _Bulk, query: _Query, stop: StopFlag | None) -> None:
        self._bulk, self._query, self._stop = bulk, query, stop
        self._refused = 0
        self._found: Answers = {}
        self._failure: ServiceError | None = None

    def check(self, phones: list[str]) -> Answers:
        """The answers there are; a phone that is refused alone, or whose part failed, is absent."""
        parts, most = deque([phones]), _MOST_BAD * (len(phones).bit_length() + 1)
        while parts and self._refused < most:
            part = parts.popleft()
            try:
                self._found |= self._bulk.ask(part, self._query, self._stop)
            except _BadNumberError:
                self._note_refusal()
                middle = len(part) // 2
                parts.extend(half for half in (part[:middle], part[middle:]) if middle)
            except (TransientError, UnreadableError) as error:
                # What the other parts answered was paid for.
                self._failure = error
        if self._failure and not self._found:
            raise self._failure
        return self._found

    def _note_refusal(self) -> None:
        self._refused += 1
        if self._refused >= _MOST_IN_VAIN and not self._found:
            raise RefusedError(
                f"{self._bulk.name} refuses a request in all its parts (400), so no single number is at fault; "
                "check proj_id, campaign_id and version in the settings, then resume the job"
            )


def _agreeing(scrubs: list[Scrub]) -> Answers:
    """By phone; a phone answered for twice keeps the worst answer."""
    found: Answers = {}
    for scrub in scrubs:
        known = found.get(scrub.phone)
        if known is None or worst(known.verdict, scrub.verdict) != known.verdict:
            found[scrub.phone] = scrub
    return found


def _phone(said: object) -> str | None:
    """The phone that a row is about: the vendor writes a text, or a number."""
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    return to_e164(str(said).split("|")[0]) if isinstance(said, str | int) else None


class LitigatorList:
    """The litigator-only check, always POSTed in bulk."""

    provider = "dncscrub"
    policy = POLICY_VERSION

    def __init__(self, settings: LitigatorSettings) -> None:
        self.settings = settings
        self._login = settings.login_id.get_secret_value()
        self._query = _Query(self._body, {"loginId": self._login}, self._read)
        self._bulk = _Bulk("the litigator list", self._login, settings)
        self.breakers = self._bulk.breakers

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Answers:
        """Litigator verdicts of E.164 phones; one that was not answered for is absent.

        Raises TransientError, UnreadableError, RefusedError, ServiceDownError, or Stopped when `stop` is set.
        """
        return self._bulk.check(phones, self._query, stop)

    def _body(self, phone_list: str) -> dict[str, Any]:
        body: dict[str, Any] = {"phoneList": phone_list, "loginId": self._login, "OutputFormat": "JsonArray"}
        if self.settings.campaign_id:
            body["CampaignId"] = self.settings.campaign_id
        if self.settings.proj_id:
            body["ProjId"] = self.settings.proj_id
        return body

    def _read(self, row: dict[str, Any]) -> Scrub | None:
        phone, said = _phone(row.get("Phone")), row.get("IsLitigator")
        if phone is None:
            return None
        # Only the true booleans are an answer: "false", 0 and null may be a fault of the vendor's.
        verdict = Verdict.LITIGATOR if said is True else Verdict.CLEAN if said is False else Verdict.UNCHECKED
        code = str(said) if isinstance(said, bool) else "unreadable"
        now = datetime.now(timezone.utc)
        return Scrub(phone, "litigator", verdict, self.provider, code, now, now.date().isoformat(), self.policy)

    def close(self) -> None:
        """Close its connections."""
        self._bulk.close()


class DncScrub:
    """The do-not-call scrub."""

    provider = "dncscrub"

    def __init__(self, settings: DncSettings) -> None:
        if settings.login_id is None:
            raise SettingsError("dnc.login_id is not set; set LEADFLOW_DNC__LOGIN_ID, or LEADFLOW_DNC__PROVIDER=list")
        self.settings = settings
        self._login = settings.login_id.get_secret_value()
        overrides = overridden(settings.codes)
        self._codes = CODES | overrides
        self.policy = policy_of(overrides)
        self._query = _Query(self._body, {"loginId": self._login}, self._read)
        self._bulk = _Bulk("the do-not-call scrub", self._login, settings)
        self.breakers = self._bulk.breakers

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Answers:
        """Do-not-call verdicts of E.164 phones; one that was not answered for is absent.

        Raises TransientError, UnreadableError, RefusedError, ServiceDownError, or Stopped when `stop` is set.
        """
        return self._bulk.check(phones, self._query, stop)

    def _body(self, phone_list: str) -> dict[str, Any]:
        settings = self.settings
        body: dict[str, Any] = {
            "phoneList": phone_list,
            "version": settings.version,
            "output": "json",
            "loginId": self._login,
        }
        if settings.proj_id:
            body["projId"] = settings.proj_id
        if settings.campaign_id:
            body["campaignId"] = settings.campaign_id
        return body

    def _read(self, row: dict[str, Any]) -> Scrub | None:
        phone, said = _phone(row.get("Phone")), row.get("ResultCode")
        if phone is None:
            return None
        code = said.strip() if isinstance(said, str) else ""
        verdict = judged(row, code, self._codes)
        if verdict in CALLABLE and str(row.get("DoNotCallToday") or "0").strip() != "0":
            # A holiday, or a state of emergency: not an answer for good, so a resume of another day asks again.
            verdict = Verdict.UNCHECKED
        now = datetime.now(timezone.utc)
        return Scrub(phone, "dnc", verdict, self.provider, shown(code), now, now.date().isoformat(), self.policy)

    def close(self) -> None:
        """Close its connections."""
        self._bulk.close()

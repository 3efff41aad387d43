"""DNCScrub (Contact Center Compliance): the litigator list, and the full do-not-call scrub.

Wire facts: docs.dncscrub.com, as collected in VENDORS.md section 2. What a result code means stands in
CODES alone; settings.codes overrides it code by code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import httpx

from leadflow.errors import RefusedError, SettingsError, UnreadableError
from leadflow.phones import ten_digits, to_e164
from leadflow.services.gather import Gatherer
from leadflow.services.http import Caller, read_json
from leadflow.services.limits import Breaker, Limiter, StopFlag, shared_limiter
from leadflow.settings import DncSettings, LitigatorSettings
from leadflow.verdicts import Scrub, Verdict

POLICY_VERSION = "dncscrub-2026-11"

CODES: dict[str, Verdict] = {
    "C": Verdict.CLEAN,
    "W": Verdict.CLEAN_WIRELESS,
    "Y": Verdict.CLEAN_WIRELESS,
    "X": Verdict.HOLD,
    "E": Verdict.HOLD,
    "O": Verdict.HOLD,
    "R": Verdict.HOLD,
    "G": Verdict.HOLD,
    "H": Verdict.HOLD,
    "T": Verdict.HOLD,
    "L": Verdict.STATE_WIRELESS,
    "F": Verdict.STATE_WIRELESS,
    "V": Verdict.STATE_WIRELESS,
    "D": Verdict.DNC,
    "P": Verdict.INTERNAL_DNC,
    "B": Verdict.HOLD,
    "I": Verdict.INVALID,
    "M": Verdict.INVALID,
    "S": Verdict.INVALID,
}

Answers = dict[str, Scrub]


class _Bulk:
    """Posts phones in bulk and reads a list of rows; a phone not answered for is absent from the result."""

    def __init__(self, name: str, account: str, settings: LitigatorSettings | DncSettings) -> None:
        self.name = name
        self.url = settings.url
        self.max_numbers = settings.max_numbers
        self.limiter = shared_limiter(
            (settings.url, account), lambda: Limiter(name, settings.max_in_flight, settings.max_per_minute)
        )
        self.breaker = Breaker(name, settings.breaker_failures)
        self._gatherer = Gatherer(self.limiter, settings.max_numbers)
        self._caller = Caller(name, self.limiter, self.breaker, settings.timeout_s, settings.attempts)

    def check(self, phones: Sequence[str], body: Callable[[str], dict[str, Any]], headers: dict[str, str], read: Callable[[dict[str, Any]], Scrub | None], stop: StopFlag | None) -> Answers:
        """The checks of these phones, keyed by E.164."""
        wanted = list(dict.fromkeys(phones))
        found: Answers = {}
        for start in range(0, len(wanted), self.max_numbers):
            found |= self._gatherer.check(wanted[start : start + self.max_numbers], lambda all_, flag: self._isolating(all_, body, headers, read, flag), stop)
        return found

    def _isolating(self, phones: list[str], body: Callable[[str], dict[str, Any]], headers: dict[str, str], read: Callable[[dict[str, Any]], Scrub | None], stop: StopFlag | None) -> Answers:
        """One bulk; when the vendor refuses it (400) because of one number, halve it until that one is alone."""
        try:
            rows = self._post(body(",".join(map(ten_digits, phones))), headers, stop)
        except _BadNumber:
            if len(phones) == 1:
                return {}
            middle = len(phones) // 2
            halves = (phones[:middle], phones[middle:])
            return {p: s for half in halves for p, s in self._isolating(half, body, headers, read, stop).items()}
        scrubs = [read(row) for row in rows]
        return _agreeing([s for s in scrubs if s is not None])

    def _post(self, body: dict[str, Any], headers: dict[str, str], stop: StopFlag | None) -> list[dict[str, Any]]:
        def read(response: httpx.Response) -> list[dict[str, Any]]:
            rows = read_json(self.name, response)
            if not isinstance(rows, list):
                raise UnreadableError(f"{self.name} answered JSON of another shape")
            return [row for row in rows if isinstance(row, dict)]

        def send(client: httpx.Client) -> httpx.Response:
            response = client.post(self.url, json=body, headers=headers)
            if response.status_code == 400:
                raise _BadNumber(f"{self.name} refused a number of the request")
            return response

        return self._caller.call(send, read, stop)

    def close(self) -> None:
        self._caller.close()


class _BadNumber(RefusedError):
    """A malformed number failed a whole request."""


def _agreeing(scrubs: list[Scrub]) -> Answers:
    """By phone; a phone answered for twice keeps the answer that is not clean."""
    found: Answers = {}
    for scrub in scrubs:
        known = found.get(scrub.phone)
        if known is None or known.verdict in (Verdict.CLEAN, Verdict.CLEAN_WIRELESS):
            found[scrub.phone] = scrub
    return found


class LitigatorList:
    """The litigator-only check, always POSTed in bulk."""

    def __init__(self, settings: LitigatorSettings) -> None:
        self.settings = settings
        self._login = settings.login_id.get_secret_value()
        self._bulk = _Bulk("the litigator list", self._login, settings)
        self.breaker = self._bulk.breaker

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Answers:
        """Litigator verdicts of E.164 phones; one that was not answered for is absent.

        Raises TransientError, UnreadableError, RefusedError, ServiceDownError, or Stopped when `stop` is set.
        """
        return self._bulk.check(phones, self._body, {"loginId": self._login}, self._read, stop)

    def _body(self, phone_list: str) -> dict[str, Any]:
        body: dict[str, Any] = {"phoneList": phone_list, "loginId": self._login, "OutputFormat": "JsonArray"}
        if self.settings.campaign_id:
            body["CampaignId"] = self.settings.campaign_id
        if self.settings.proj_id:
            body["ProjId"] = self.settings.proj_id
        return body

    def _read(self, row: dict[str, Any]) -> Scrub | None:
        phone, said = to_e164(str(row.get("Phone") or "")), row.get("IsLitigator")
        if phone is None or not isinstance(said, bool):
            return None
        now = datetime.now(timezone.utc)
        verdict = Verdict.LITIGATOR if said else Verdict.CLEAN
        return Scrub(phone, "litigator", verdict, "dncscrub", str(said), now, now.date().isoformat(), POLICY_VERSION)

    def close(self) -> None:
        """Close its connections."""
        self._bulk.close()


class DncScrub:
    """The do-not-call scrub."""

    def __init__(self, settings: DncSettings) -> None:
        if settings.login_id is None:
            raise SettingsError("dnc.login_id is not set; set LEADFLOW_DNC__LOGIN_ID, or LEADFLOW_DNC__PROVIDER=list")
        self.settings = settings
        self._login = settings.login_id.get_secret_value()
        self._codes = CODES | {code: _verdict(code, word) for code, word in settings.codes.items()}
        self.policy = POLICY_VERSION + ("+overrides" if settings.codes else "")
        self._bulk = _Bulk("the do-not-call scrub", self._login, settings)
        self.breaker = self._bulk.breaker

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Answers:
        """Do-not-call verdicts of E.164 phones; one that was not answered for is absent.

        Raises TransientError, UnreadableError, RefusedError, ServiceDownError, or Stopped when `stop` is set.
        """
        return self._bulk.check(phones, self._body, {"loginId": self._login}, self._read, stop)

    def _body(self, phone_list: str) -> dict[str, Any]:
        settings = self.settings
        body: dict[str, Any] = {"phoneList": phone_list, "version": settings.version, "output": "json", "loginId": self._login}
        if settings.proj_id:
            body["projId"] = settings.proj_id
        if settings.campaign_id:
            body["campaignId"] = settings.campaign_id
        return body

    def _read(self, row: dict[str, Any]) -> Scrub | None:
        phone = to_e164(str(row.get("Phone") or "").split("|")[0])
        if phone is None:
            return None
        code = str(row.get("ResultCode") or "").strip().upper()
        verdict = self._codes.get(code, Verdict.UNCHECKED)
        if "litigator" in str(row.get("Reason") or "").lower():
            verdict = Verdict.LITIGATOR
        now = datetime.now(timezone.utc)
        return Scrub(phone, "dnc", verdict, "dncscrub", code, now, now.date().isoformat(), self.policy)

    def close(self) -> None:
        """Close its connections."""
        self._bulk.close()


def _verdict(code: str, word: str) -> Verdict:
    try:
        return Verdict(word)
    except ValueError:
        known = ", ".join(v.value for v in Verdict)
        raise SettingsError(f"dnc.codes maps {code!r} to {word!r}; known verdicts are {known}") from None

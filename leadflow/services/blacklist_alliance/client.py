"""The client of Blacklist Alliance's bulk lookup.

Source: https://github.com/tobsn/blacklist-alliance-client, a public client, and public integrations, read 2026-11-28:
POST /bulklookup?key=&ver=v5&resp=json with {"phones": [10 digits]} answers {"status": "success", "numbers", "count",
"phones": [all], "supression": [the listed ones; this is their spelling], "wireless": [...], "reasons": {phone: codes}}.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import httpx

from leadflow.errors import SettingsError, UnreadableError
from leadflow.leads.phones import ten_digits, to_e164
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.services.blacklist_alliance.codes import CODES, overridden, policy_of, read_codes, storable, verdict_of
from leadflow.services.transport.http import read_json
from leadflow.services.transport.limits import StopFlag
from leadflow.services.transport.private_query import QUERY, PrivateQuery
from leadflow.services.transport.vendor_caller import caller_of
from leadflow.settings import BlacklistAllianceSettings

_NAME = "Blacklist Alliance"
_AGAIN = "resume the job to check again"


class BlacklistAlliance:
    """A PhoneCheck against Blacklist Alliance's lists of litigators, complainers and do-not-call, in one call.

    A phone is clean only if the answer is complete, lists it among the numbers it looked up, and not among the listed
    ones. Raises SettingsError if LEADFLOW_BLACKLIST_ALLIANCE__API_KEY or __PRICE is not set.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start(providers=["blacklist_alliance"]) as world:
        ...     more = lf.BlacklistAlliance(world.settings.blacklist_alliance)
        ...     with lf.Engine(world.settings, checks=[more]) as engine:
        ...         job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=20)
        >>> job.counts.providers[-1]["provider"]
        'blacklist_alliance'
    """

    provider = "blacklist_alliance"
    kind = "litigator+dnc"

    def __init__(self, settings: BlacklistAllianceSettings) -> None:
        if settings.api_key is None or settings.price is None:
            raise SettingsError(
                "Blacklist Alliance needs LEADFLOW_BLACKLIST_ALLIANCE__API_KEY and LEADFLOW_BLACKLIST_ALLIANCE__PRICE "
                "(dollars a number); set both"
            )
        self.settings = settings
        self.price = settings.price
        overrides = overridden(settings.codes)
        self._codes = CODES | overrides
        self.policy = policy_of(overrides)
        key = settings.api_key.get_secret_value()
        self._query = {"key": key, "ver": settings.version, "resp": "json"}
        self._caller = caller_of(_NAME, settings, key, PrivateQuery(settings.url, settings.max_in_flight))
        self.limiters, self.breakers = (self._caller.limiter,), self._caller.breakers

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> dict[str, Scrub]:
        """Check E.164 phones; a phone without an answer is absent.

        Raises TransientError, UnreadableError, RefusedError, ServiceDownError, or Stopped when `stop` is set. The
        answers of earlier requests are returned if a later one fails: they were paid for.
        """
        wanted, most, found = list(dict.fromkeys(phones)), self.settings.max_numbers, dict[str, Scrub]()
        for start in range(0, len(wanted), most):
            try:
                found |= self._post(wanted[start : start + most], stop)
            except UnreadableError:
                if not found:
                    raise
        return found

    def close(self) -> None:
        """Close its connections."""
        self._caller.close()

    def _post(self, phones: list[str], stop: StopFlag | None) -> dict[str, Scrub]:
        body = {"phones": [ten_digits(phone) for phone in phones]}
        return self._caller.call(
            lambda client: client.post(self.settings.url, json=body, extensions={QUERY: self._query}),
            lambda response: self._read(response, phones),
            stop,
        )

    def _read(self, response: httpx.Response, phones: list[str]) -> dict[str, Scrub]:
        answer = _whole_answer(read_json(_NAME, response), len(phones))
        looked_up, listed, wireless = (_numbers(answer, name) for name in ("phones", "supression", "wireless"))
        listed |= _numbers(answer, "suppression")  # should they mend the spelling one day
        reasons = {to_e164(str(phone)): codes for phone, codes in answer["reasons"].items()}
        now = datetime.now(timezone.utc)
        found: dict[str, Scrub] = {}
        for phone in phones:
            codes = read_codes(reasons.get(phone))
            if phone not in looked_up:
                continue
            if phone in listed:
                verdict = verdict_of(codes, self._codes)
            else:
                # Reasons without a listing contradict each other, and nobody knows which is true.
                verdict = Verdict.UNCHECKED if codes else _clean(phone in wireless)
            code, day = storable(codes) or "good", now.date().isoformat()
            found[phone] = Scrub(phone, self.kind, verdict, self.provider, code, now, day, self.policy)
        return found


def _clean(is_wireless: bool) -> Verdict:
    return Verdict.CLEAN_WIRELESS if is_wireless else Verdict.CLEAN


def _whole_answer(body: Any, sent: int) -> dict[str, Any]:
    """Return an answer that has all its parts and is about all numbers. Raises UnreadableError.

    Who is not on the list of an incomplete answer is not known to be clean.
    """
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict) or body.get("status") != "success":
        raise UnreadableError(f"{_NAME} answered without success; {_AGAIN}")
    lists = all(isinstance(body.get(name), list) for name in ("phones", "supression"))
    reasons = body.get("reasons")
    if reasons in (None, []):  # PHP's way to write an empty object
        body = {**body, "reasons": {}}
    if not lists or not isinstance(body["reasons"], dict):
        raise UnreadableError(f"{_NAME} answered without its lists; {_AGAIN}")
    if type(body.get("count")) is not int or body["count"] != sent:
        raise UnreadableError(f"{_NAME} did not answer for all {sent} phones; {_AGAIN}")
    return body


def _numbers(answer: dict[str, Any], name: str) -> set[str]:
    values = answer.get(name)
    numbers = (to_e164(str(value)) for value in (values if isinstance(values, list) else []))
    return {number for number in numbers if number}

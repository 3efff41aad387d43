"""The clients of DNCScrub's two lists. Each builds its request and reads its rows.

Source: https://docs.dncscrub.com/api-reference
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from leadflow.errors import SettingsError
from leadflow.leads.calling_hours import storable_window
from leadflow.leads.phones import to_e164
from leadflow.leads.verdicts import CALLABLE, Scrub, Verdict
from leadflow.services.dncscrub.bulk import BulkClient, Query, Scrubs
from leadflow.services.dncscrub.codes import CODES, POLICY_VERSION, overridden, policy_of, storable_code, verdict_of
from leadflow.services.transport.limits import StopFlag
from leadflow.settings import DncSettings, LitigatorSettings


def _phone_of(row: dict[str, Any]) -> str | None:
    """Return the phone of a row, which DNCScrub writes as text or as a number; None if it cannot be read."""
    value = row.get("Phone")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return to_e164(str(value).split("|")[0]) if isinstance(value, str | int) else None


class LitigatorList:
    """The litigator-only check, POSTed in bulk."""

    provider = "dncscrub"
    policy = POLICY_VERSION

    def __init__(self, settings: LitigatorSettings) -> None:
        self.settings = settings
        self._login = settings.login_id.get_secret_value()
        self._query = Query(self._body, {"loginId": self._login}, self._read)
        self._bulk = BulkClient("the litigator list", self._login, settings)
        self.breakers, self.limiters = self._bulk.breakers, self._bulk.limiters

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Scrubs:
        """Check E.164 phones against the litigator list; a phone without an answer is absent.

        Raises TransientError, UnreadableError, RefusedError, ServiceDownError, or Stopped when `stop` is set.
        """
        return self._bulk.check(phones, self._query, stop)

    def _body(self, phone_list: str) -> dict[str, Any]:
        body: dict[str, Any] = {"phoneList": phone_list, "loginId": self._login, "OutputFormat": "JsonArray"}
        if self.settings.campaign_id is not None:
            body["CampaignId"] = self.settings.campaign_id
        if self.settings.proj_id:
            body["ProjId"] = self.settings.proj_id
        return body

    def _read(self, row: dict[str, Any], now: datetime) -> Scrub | None:
        phone, flag = _phone_of(row), row.get("IsLitigator")
        if phone is None:
            return None
        # Only a boolean is an answer: "false", 0 and null may be an error of DNCScrub.
        verdict = Verdict.LITIGATOR if flag is True else Verdict.CLEAN if flag is False else Verdict.UNCHECKED
        code = str(flag) if isinstance(flag, bool) else "unreadable"
        return Scrub(phone, "litigator", verdict, self.provider, code, now, now.date().isoformat(), self.policy)

    def close(self) -> None:
        """Close its connections."""
        self._bulk.close()


class DncScrub:
    """The do-not-call scrub, POSTed in bulk; `policy` names the meaning of its codes."""

    provider = "dncscrub"

    def __init__(self, settings: DncSettings) -> None:
        if settings.login_id is None:
            raise SettingsError("dnc.login_id is not set; set LEADFLOW_DNC__LOGIN_ID, or LEADFLOW_DNC__PROVIDER=list")
        self.settings = settings
        self._login = settings.login_id.get_secret_value()
        overrides = overridden(settings.codes)
        self._codes = CODES | overrides
        self.policy = policy_of(overrides)
        self._query = Query(self._body, {"loginId": self._login}, self._read)
        self._bulk = BulkClient("the do-not-call scrub", self._login, settings)
        self.breakers, self.limiters = self._bulk.breakers, self._bulk.limiters

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Scrubs:
        """Check E.164 phones against the do-not-call lists; a phone without an answer is absent.

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

    def _read(self, row: dict[str, Any], now: datetime) -> Scrub | None:
        phone, result = _phone_of(row), row.get("ResultCode")
        if phone is None:
            return None
        code = result.strip() if isinstance(result, str) else ""
        verdict = verdict_of(row, code, self._codes)
        if verdict in CALLABLE and str(row.get("DoNotCallToday") or "0").strip() != "0":
            # A holiday or a state of emergency: the flag is for today only, so a resume on another day checks again.
            verdict = Verdict.UNCHECKED
        window = storable_window(row.get("CallingWindow"))
        return Scrub(
            phone, "dnc", verdict, self.provider, storable_code(code), now, now.date().isoformat(), self.policy, window
        )

    def close(self) -> None:
        """Close its connections."""
        self._bulk.close()

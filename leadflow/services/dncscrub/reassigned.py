"""The client of the reassigned-numbers check: one GET for each number, with the date of consent or last contact.

Source: https://docs.dncscrub.com/api-reference, RNDBasic (read 2026-11): GET /v1.5/Data/RNDBasic?phoneNumber=&date=
answers {"PhoneNumber", "IsReassigned": true, false or null, "HasSafeHarbor"}; null means that there is not enough data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timezone

import httpx

from leadflow.errors import RejectedError, SettingsError, TransientError, UnreadableError
from leadflow.leads.phones import ten_digits, to_e164
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.services.transport.http import read_json
from leadflow.services.transport.limits import StopFlag
from leadflow.services.transport.private_query import QUERY, PrivateQuery
from leadflow.services.transport.vendor_caller import caller_of
from leadflow.settings import ReassignedSettings

NAME = "the reassigned-numbers check"
KIND = "reassigned"


def policy_since(day: date) -> str:
    """Return the policy that a check is recorded with: an answer counts for one date alone.

    >>> policy_since(date(2026, 1, 5))
    'rnd-basic since 2026-01-05'
    """
    return f"rnd-basic since {day.isoformat()}"


class ReassignedNumbers:
    """Asks for each number whether it was reassigned since a date. Several calls run at once, in threads of its own."""

    provider = "dncscrub"

    def __init__(self, settings: ReassignedSettings) -> None:
        if settings.login_id is None:
            raise SettingsError("reassigned.login_id is not set; set LEADFLOW_REASSIGNED__LOGIN_ID")
        self.settings = settings
        self._login = settings.login_id.get_secret_value()
        transport = PrivateQuery(settings.url, settings.max_in_flight)
        self._caller = caller_of(NAME, settings, self._login, transport)
        self.limiters, self.breakers = (self._caller.limiter,), self._caller.breakers
        self._pool = ThreadPoolExecutor(settings.max_in_flight, "reassigned")

    def check(
        self,
        since: Mapping[str, date],
        stop: StopFlag | None = None,
        on_scrub: Callable[[Scrub], object] = lambda scrub: None,
    ) -> dict[str, Scrub]:
        """Return the scrubs of phones (E.164), each asked with its own date; a phone without an answer is absent.

        `on_scrub` receives each paid answer as it comes, in a thread of the check. The verdict is clean for a number
        that was not reassigned, and hold for one that was, and for one on which there is not enough data. Raises
        RefusedError, ServiceDownError, or Stopped when `stop` is set.
        """
        calls = [self._pool.submit(self._ask, phone, day, stop, on_scrub) for phone, day in since.items()]
        try:
            found = [call.result() for call in calls]
        except BaseException:
            for call in calls:
                call.cancel()
            raise
        return {scrub.phone: scrub for scrub in found if scrub is not None}

    def _ask(self, phone: str, day: date, stop: StopFlag | None, on_scrub: Callable[[Scrub], object]) -> Scrub | None:
        def send(client: httpx.Client) -> httpx.Response:
            query = {"phoneNumber": ten_digits(phone), "date": day.isoformat()}
            response = client.get(self.settings.url, headers={"loginId": self._login}, extensions={QUERY: query})
            if response.status_code == 400:
                raise RejectedError(f"{NAME} refused one number (400)")
            return response

        try:
            scrub = self._caller.call(send, lambda response: self._read(response, phone, day), stop)
        except (TransientError, UnreadableError, RejectedError):
            return None
        on_scrub(scrub)
        return scrub

    def _read(self, response: httpx.Response, phone: str, day: date) -> Scrub:
        body = read_json(NAME, response)
        if not isinstance(body, dict):
            raise UnreadableError(f"{NAME} answered with unexpected JSON; resume the job to check again")
        flag = body.get("IsReassigned", "")
        # Only these three are answers: "false", 0 and a missing member may be an error of DNCScrub.
        if not (flag is None or isinstance(flag, bool)):
            raise UnreadableError(f"{NAME} answered with unexpected JSON; resume the job to check again")
        if to_e164(str(body.get("PhoneNumber"))) != phone:
            raise UnreadableError(f"{NAME} answered for another number; resume the job to check again")
        verdict = Verdict.CLEAN if flag is False else Verdict.HOLD
        code = "null" if flag is None else str(flag).lower()
        now = datetime.now(timezone.utc)
        return Scrub(phone, KIND, verdict, self.provider, code, now, policy=policy_since(day))

    def close(self) -> None:
        """Close its connections and threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._caller.close()

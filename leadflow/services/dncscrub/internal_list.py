"""DNCScrub's internal do-not-call list of a project: add numbers, and read back whether they are on it.

Sources: https://docs.dncscrub.com/api-reference/scrub/internal-dnc (read 2026-11: actionType, projId, ignoreInvalid;
adding a number twice has no effect; the answer to add has no body) and
https://docs.dncscrub.com/api-reference/api-concepts (atomic, ten digits). The page shows GET and says nothing of the
answer to `status`; public clients POST the same fields as a form, which keeps phones out of addresses and their logs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast
from urllib.parse import urljoin

import httpx

from leadflow.errors import SettingsError
from leadflow.leads.phones import ten_digits, to_e164
from leadflow.services.transport.http import Caller
from leadflow.services.transport.limits import Breaker, Limiter, StopFlag, shared_limiter
from leadflow.settings import DncSettings

_NAME = "DNCScrub's internal list"
_NUMBERS_A_CALL = 500
_YES = frozenset({"1", "true", "yes", "y"})


class InternalList:
    """The internal list of the project of the settings."""

    def __init__(self, settings: DncSettings) -> None:
        if settings.login_id is None or not settings.proj_id:
            raise SettingsError("dnc.login_id or dnc.proj_id is not set; set LEADFLOW_DNC__PROJ_ID to the project's id")
        self.proj_id = settings.proj_id
        self.url = urljoin(settings.url, "pdnc")
        login = settings.login_id.get_secret_value()
        self._headers = {"loginId": login}
        limiter = shared_limiter(
            (self.url, login),
            lambda: Limiter(_NAME, 1, settings.max_per_minute, busy_wait_s=settings.busy_wait_s),
        )
        breaker = Breaker(_NAME, settings.breaker_failures)
        self._caller = Caller(_NAME, limiter, breaker, settings.timeout_s, settings.attempts)

    def add(self, phones: Iterable[str], stop: StopFlag | None = None) -> None:
        """Put E.164 phones on the list; one that is there stays. A number that DNCScrub cannot read is skipped.

        Raises TransientError, RefusedError, ServiceDownError, Stopped.
        """
        for part in _parts(phones):
            self._post("add", part, stop, ignoreInvalid="1")

    def listed(self, phones: Iterable[str], stop: StopFlag | None = None) -> set[str]:
        """Return which of these E.164 phones DNCScrub says are on the list. An answer that is not understood is no yes.

        Raises TransientError, RefusedError, ServiceDownError, Stopped.
        """
        found: set[str] = set()
        for part in _parts(phones):
            found |= set(part).intersection(_listed_in(self._post("status", part, stop)))
        return found

    def _post(self, action: str, phones: Sequence[str], stop: StopFlag | None, **more: str) -> str:
        numbers = ",".join(map(ten_digits, phones))
        form = {"actionType": action, "projId": self.proj_id, "phoneList": numbers, **more}

        def send(client: httpx.Client) -> httpx.Response:
            return client.post(self.url, data=form, headers=self._headers)

        return self._caller.call(send, lambda response: response.text, stop)

    def close(self) -> None:
        """Close its connections."""
        self._caller.close()


def _parts(phones: Iterable[str]) -> Iterator[list[str]]:
    wanted = list(dict.fromkeys(phones))
    for start in range(0, len(wanted), _NUMBERS_A_CALL):
        yield wanted[start : start + _NUMBERS_A_CALL]


def _listed_in(text: str) -> set[str]:
    """Read an answer to `status`: lines of number and flag, or JSON rows with a number and one flag.

    >>> _listed_in("5045550143,1") == _listed_in('[{"Phone": 5045550143, "OnList": true}]') == {"+15045550143"}
    True
    >>> _listed_in("<html>5045550143</html>"), _listed_in("5045550143,0"), _listed_in("5045550143")
    (set(), set(), set())
    """
    try:
        body = json.loads(text)
    except ValueError:
        return {phone for line in text.splitlines() if (phone := _listed_line(line))}
    rows = cast(dict[str, Any], body).get("results") if isinstance(body, dict) else body
    return {phone for row in _dicts(rows) if (phone := _listed_row(row))}


def _listed_line(line: str) -> str:
    fields = [field.strip().strip('"') for field in line.split(",")]
    is_yes = len(fields) == 2 and fields[1].lower() in _YES
    return (to_e164(fields[0]) or "") if is_yes and re.fullmatch(r"\d{10}", fields[0]) else ""


def _listed_row(row: dict[str, Any]) -> str:
    phones = [str(value) for name, value in row.items() if "phone" in name.lower()]
    flags = [value for value in row.values() if isinstance(value, bool)]
    return (to_e164(phones[0]) or "") if len(phones) == 1 and flags == [True] else ""


def _dicts(rows: Any) -> list[dict[str, Any]]:
    return [row for row in cast(list[Any], rows) if isinstance(row, dict)] if isinstance(rows, list) else []

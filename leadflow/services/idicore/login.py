"""The idiCORE login: a token that expires."""

from __future__ import annotations

import threading
import time

import httpx

from leadflow.errors import UnreadableError
from leadflow.services.transport.http import Caller
from leadflow.services.transport.limits import Breaker, Limiter, StopFlag
from leadflow.settings import IdicoreSettings

_NAME = "idiCORE login"
_BREAKER_FAILURES = 3


class Login:
    """Fetches a token and keeps it until it expires; safe to use from many threads."""

    def __init__(self, settings: IdicoreSettings) -> None:
        self.settings = settings
        breaker = Breaker(_NAME, _BREAKER_FAILURES)
        self.limiter = Limiter(_NAME, 1, busy_wait_s=settings.busy_wait_s)
        self._caller = Caller(_NAME, self.limiter, breaker, settings.timeout_s, settings.attempts)
        self.breakers = self._caller.breakers
        self._token = ""
        self._expires_at = 0.0
        self._lock = threading.Lock()

    def token(self, stop: StopFlag | None = None) -> str:
        """Return the token, fetching a new one if there is none or it has expired. Raises the errors of Caller.call."""
        with self._lock:
            if not self._token or time.monotonic() >= self._expires_at:
                self._token = self._fetch(stop)
                self._expires_at = time.monotonic() + self.settings.token_life_s
            return self._token

    def forget(self, token: str) -> None:
        """Clear a token that idiCORE refused, unless another thread has already replaced it."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _fetch(self, stop: StopFlag | None) -> str:
        settings = self.settings
        purposes = {"glba": settings.glba, "dppa": settings.dppa}
        auth = (settings.client_id, settings.client_secret.get_secret_value())
        return self._caller.call(
            lambda client: client.post(settings.login_url, json=purposes, auth=auth), _read_token, stop
        )

    def close(self) -> None:
        """Close its connections."""
        self._caller.close()


def _read_token(response: httpx.Response) -> str:
    token = response.text.strip().strip('"')
    if not token or any(mark in token for mark in "<{ "):
        raise UnreadableError(f"{_NAME} answered something that is not a token; check LEADFLOW_IDICORE__LOGIN_URL")
    return token

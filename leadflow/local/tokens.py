"""Session and master tokens of the Snowflake stand-in, as the real service issues, renews and expires them.

fakesnow issues only a session token. Connector 5 refuses a sign-in without a master token and the two lifetimes.
Sources: snowflake-connector-python 4, which reads these answers in auth/_auth.py and network.py (_renew_session).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import duckdb

EXPIRED = "390112"  # the client renews the session with its master token
_MESSAGES = {
    "390104": "User must login again to access the service.",
    "390111": "Session no longer exists.  New login required to access the service.",
    EXPIRED: "Your session has expired. Please login again.",
    "390114": "Authentication token has expired.  The user must authenticate again.",
    "390115": "Authentication token is invalid.  The user must authenticate again.",
}
# Members of a sign-in's answer that no client library needs here.
_UNUSED = {
    "displayUserName": "LEADFLOW",
    "firstLogin": False,
    "remMeToken": None,
    "remMeValidityInSeconds": 0,
    "healthCheckInterval": 45,
    "newClientForUpgrade": None,
    "idToken": None,
    "idTokenValidityInSeconds": 0,
    "mfaToken": None,
    "mfaTokenValidityInSeconds": 0,
    "responseData": None,
}
_HEADER = re.compile(r'Snowflake Token="([^"]*)"')


@dataclass
class Token:
    """A session token that was issued: its master token, when both expire, and the error code of an ended session."""

    session_id: int
    master: str
    expires: float
    master_expires: float
    ended: str = ""


class Tokens:
    """All tokens that were issued. `sessions` is fakesnow's mapping from a session token to its connection."""

    def __init__(self, sessions: dict[str, Any]) -> None:
        """Issue tokens for these sessions."""
        self.sessions = sessions
        self.reset()

    def reset(self) -> None:
        """Delete every token. New ones have Snowflake's lifetimes: one hour and four hours."""
        self.issued: dict[str, Token] = {}
        self.life_s, self.master_life_s = 3_600.0, 14_400.0

    def complete(self, answer: dict[str, Any], signed_in: Mapping[str, Any]) -> dict[str, Any]:
        """Add the members of Snowflake's answer to fakesnow's answer to a sign-in."""
        data = answer.get("data")
        if not data or not data.get("token"):
            return answer
        issued = self._issue(data["token"])
        completed = {
            **_UNUSED,
            **data,
            "masterToken": issued.master,
            "validityInSeconds": int(self.life_s),
            "masterValidityInSeconds": int(self.master_life_s),
            "sessionId": issued.session_id,
            "sessionInfo": {**data.get("sessionInfo", {}), **signed_in},
        }
        return {**answer, "code": None, "message": None, "data": completed}

    def _issue(self, token: str) -> Token:
        now, master = time.monotonic(), f"master-{secrets.token_urlsafe(32)}"
        issued = Token(secrets.randbelow(1 << 50), master, now + self.life_s, now + self.master_life_s)
        self.issued[token] = issued
        return issued

    def refusal(self, authorization: str) -> dict[str, Any] | None:
        """Return Snowflake's error for a request with this header; None if its session is valid."""
        issued = self.issued.get(_token(authorization))
        if issued is None:
            return None  # fakesnow answers for a token that nobody issued
        if issued.ended:
            return error(issued.ended)
        return error(EXPIRED) if issued.expires < time.monotonic() else None

    def renew(self, authorization: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a token request. A valid master token gets a new session token for the same session."""
        old, master = str(body.get("oldSessionToken")), _token(authorization)
        issued = self.issued.get(old)
        if issued is None or issued.master != master:
            return error("390115")
        if issued.ended or issued.master_expires < time.monotonic():
            self._end(old)
            return error(issued.ended or "390114")
        token = secrets.token_urlsafe(32)
        self.sessions[token] = self.sessions.pop(old)
        renewed = self._issue(token)
        renewed.session_id = self.issued.pop(old).session_id
        data = {
            "sessionToken": token,
            "validityInSecondsST": int(self.life_s),
            "masterToken": renewed.master,
            "validityInSecondsMT": int(self.master_life_s),
            "sessionId": renewed.session_id,
        }
        return {"data": data, "code": None, "message": None, "success": True}

    def end_all(self, code: str) -> dict[str, Any]:
        """End every session that is open now, with its temporary tables and its open transaction.

        Requests in these sessions are answered with this code. Returns that answer. After 390112, a client tries to
        renew the session, but its master token has expired too.
        """
        if code not in _MESSAGES:
            raise ValueError(f"sessions end with {', '.join(sorted(_MESSAGES))}")
        for token, issued in self.issued.items():
            if code == EXPIRED:
                issued.expires = issued.master_expires = 0.0
            else:
                issued.ended = issued.ended or code
                self._end(token)
        return error(code)

    def _end(self, token: str) -> None:
        """Roll back the session's transaction, as Snowflake does when a session ends."""
        connection = self.sessions.pop(token, None)
        if connection is not None:
            with suppress(duckdb.Error):
                connection._duck_conn.rollback()


def _token(authorization: str) -> str:
    found = _HEADER.fullmatch(authorization.strip())
    return found[1] if found else ""


def error(code: str) -> dict[str, Any]:
    """Return an error in Snowflake's format. Snowflake sends it with HTTP status 200."""
    return {"data": None, "code": code, "message": _MESSAGES[code], "success": False, "headers": None}

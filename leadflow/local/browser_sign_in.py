"""Sign-in to the Snowflake stand-in with a browser, as the connector's authenticator externalbrowser does it.

The connector listens on a local port, requests the address of a sign-in page, and opens it in a browser. The page sends
the browser back to the local port with a token, and the connector sends this token with its login. If the account
allows ID tokens, later logins need no browser: https://docs.snowflake.com/en/user-guide/admin-security-fed-auth-use
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from leadflow.local.faults import Reply

BROWSER, ID_TOKEN = "EXTERNALBROWSER", "ID_TOKEN"
_ID_TOKEN_INVALID, _SAML_FAILED = "390195", "390190"


class BrowserSignIns:
    """The sign-in pages that are open, and the tokens that were issued. `allows_id_tokens` is off, as at Snowflake."""

    def __init__(self) -> None:
        """Start without open pages and tokens."""
        self.allows_id_tokens = False
        self.reset()

    def reset(self) -> None:
        """Delete every token."""
        self.proof_keys: dict[str, str] = {}
        self.id_tokens: set[str] = set()

    def allow_id_tokens(self, allowed: bool | None) -> None:
        """Set whether sign-ins get ID tokens from now on. None also revokes the tokens that were issued."""
        self.allows_id_tokens = bool(allowed)
        if allowed is None:
            self.id_tokens.clear()

    def start(self, data: dict[str, Any], host: str) -> Reply:
        """Answer an authenticator request with the address of the sign-in page and the key of this sign-in.

        The address begins with https, as connector 5 requires. This world speaks no TLS: a test's browser takes http.
        """
        token, proof_key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.proof_keys[token] = proof_key
        page = urlencode({"token": token, "port": str(data.get("BROWSER_MODE_REDIRECT_PORT"))})
        answer = {"tokenUrl": None, "ssoUrl": f"https://{host}/sso?{page}", "proofKey": proof_key}
        return Reply({"data": answer, "code": None, "message": None, "success": True})

    def page(self, query: dict[str, list[str]]) -> Reply:
        """Send the browser back to the connector, with the token."""
        port, token = query["port"][0], query["token"][0]
        where = f"http://localhost:{int(port)}/?{urlencode({'token': token})}"
        return Reply("", 302, {"location": where})

    def refusal(self, data: dict[str, Any]) -> Reply | None:
        """Return the answer to a login with an invalid token; None if the token is valid or the login needs none."""
        way = str(data.get("AUTHENTICATOR", "")).upper()
        token = str(data.get("TOKEN"))
        if way == BROWSER and self.proof_keys.pop(token, None) != data.get("PROOF_KEY"):
            return _error(_SAML_FAILED, "There was an error related to the SAML Identity Provider account parameter.")
        if way == ID_TOKEN and token not in self.id_tokens:
            return _error(_ID_TOKEN_INVALID, "ID Token is invalid. Please authenticate again.")
        return None

    def complete(self, data: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a valid login, with an ID token if the login requests it and the account allows it."""
        wants = (data.get("SESSION_PARAMETERS") or {}).get("CLIENT_STORE_TEMPORARY_CREDENTIAL")
        if not (self.allows_id_tokens and wants and data.get("AUTHENTICATOR") == BROWSER):
            return answer
        token = secrets.token_urlsafe(32)
        self.id_tokens.add(token)
        return {**answer, "data": {**answer["data"], "idToken": token, "idTokenValidityInSeconds": 14_400}}


def _error(code: str, message: str) -> Reply:
    return Reply({"data": None, "code": code, "message": message, "success": False, "headers": None})

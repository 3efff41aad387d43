"""Validate the settings that sign in to Snowflake: the authenticator, its fields, and contradictions among them.

Source: https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-connect, and the checks that
snowflake-connector-python makes of its arguments.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

from leadflow.settings.base import LOOPBACK
from leadflow.settings.nearest import nearest

# Session parameters that leadflow's own statements depend on, and the advice for a script that sets them.
LEADFLOWS_PARAMETERS = {
    "AUTOCOMMIT": "remove it",
    "MULTI_STATEMENT_COUNT": "remove it",
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "remove it",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "write the names in the case that they have",
    "ROWS_PER_RESULTSET": "use limit_rows",
    "TIMESTAMP_INPUT_FORMAT": "use TO_TIMESTAMP(value, format)",
}
KEY_PAIR, TOKEN = "SNOWFLAKE_JWT", "PROGRAMMATIC_ACCESS_TOKEN"
_TAKES_TOKEN = (TOKEN, "OAUTH", "WORKLOAD_IDENTITY")
_NEEDS_TOKEN = (TOKEN, "OAUTH")
_WITHOUT_USER = (TOKEN, "OAUTH", "WORKLOAD_IDENTITY")
_HERE = ("EXTERNALBROWSER", KEY_PAIR, *_TAKES_TOKEN)
# These need a password or a client secret; only a connection in connections.toml can hold one.
_ELSEWHERE = (
    "SNOWFLAKE",
    "USERNAME_PASSWORD_MFA",
    "OAUTH_AUTHORIZATION_CODE",
    "OAUTH_CLIENT_CREDENTIALS",
    "PAT_WITH_EXTERNAL_SESSION",
)
_WAYS = "set PRIVATE_KEY_FILE, TOKEN, or AUTHENTICATOR=externalbrowser"


class _SignIn(Protocol):
    """The fields of WarehouseSettings that decide how to sign in."""

    @property
    def connection_name(self) -> str | None: ...
    @property
    def account(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def protocol(self) -> str: ...
    @property
    def authenticator(self) -> str | None: ...
    @property
    def private_key_file(self) -> Path | None: ...
    @property
    def private_key_password(self) -> Any: ...
    @property
    def token(self) -> Any: ...


def account_name(account: str | None) -> str | None:
    """Return the account identifier; extract it if `account` is a URL. Raises ValueError for an invalid identifier."""
    if account is None:
        return None
    name = re.sub(r"^https?://|(\.snowflakecomputing\.(com|cn))?(:443)?/*$", "", account.strip(), flags=re.IGNORECASE)
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError("is no account identifier; write it as in myorg-myaccount")
    return name


def authenticator_of(settings: _SignIn) -> str | None:
    """Return the authenticator that is set or that other fields imply; None if connections.toml decides."""
    if settings.authenticator:
        return settings.authenticator
    if settings.token and not settings.connection_name:
        return TOKEN
    return KEY_PAIR if settings.private_key_file else None


def sign_in_fault(settings: _SignIn) -> str:
    """Return the reason why these settings cannot sign in, or "" if they can."""
    if settings.protocol == "http" and settings.host not in LOOPBACK:
        return "protocol is http, which is allowed only with a host on loopback"
    return _address_fault(settings) or _way_fault(settings) or _contradiction(settings)


def _address_fault(settings: _SignIn) -> str:
    way = (authenticator_of(settings) or "").upper()
    if settings.connection_name:
        return ""
    if not settings.account:
        return (
            "set LEADFLOW_WAREHOUSE__ACCOUNT, "
            "or LEADFLOW_WAREHOUSE__CONNECTION_NAME for a connection of connections.toml"
        )
    if way and not settings.user and way not in _WITHOUT_USER:
        return f"user is not set, which {settings.authenticator or 'a key pair'} needs; set LEADFLOW_WAREHOUSE__USER"
    return ""


def _way_fault(settings: _SignIn) -> str:
    """Return the fault of the authenticator, or "" if it is valid."""
    way = (authenticator_of(settings) or "").upper()
    if settings.connection_name and settings.token and not way:
        return "token and connection_name are set; set authenticator too, to PROGRAMMATIC_ACCESS_TOKEN or oauth"
    if not way:
        return "" if settings.connection_name else f"there is no way to sign in; {_WAYS}"
    needs_password = way in _ELSEWHERE or way.startswith("HTTPS://")
    if not needs_password and way not in _HERE:
        return f"authenticator is no known word; the nearest is {nearest(way, (*_HERE, *_ELSEWHERE))}"
    if needs_password and not settings.connection_name:
        return (
            "this authenticator needs a password or a client's secret, which only connections.toml may hold; "
            f"set CONNECTION_NAME, or {_WAYS}"
        )
    return ""


def _contradiction(settings: _SignIn) -> str:
    """Return a field that the authenticator needs and lacks, or a field that it would ignore; "" if there is none."""
    way = (authenticator_of(settings) or "").upper()
    if settings.token and settings.private_key_file:
        return "token and private_key_file are both set; keep the one to sign in with"
    if not settings.connection_name:
        if way in _NEEDS_TOKEN and not settings.token:
            return f"authenticator {way} needs a token; set LEADFLOW_WAREHOUSE__TOKEN"
        if way == KEY_PAIR and not settings.private_key_file:
            return f"authenticator {way} needs a key; set LEADFLOW_WAREHOUSE__PRIVATE_KEY_FILE"
        if settings.private_key_password and not settings.private_key_file:
            return "private_key_password is set without private_key_file"
    if settings.token and way not in _TAKES_TOKEN:
        return f"token is set, but authenticator {way} takes none; remove one of them"
    if settings.private_key_file and way not in (KEY_PAIR, ""):
        return f"private_key_file is set, but authenticator {way} takes none; remove one of them"
    return ""

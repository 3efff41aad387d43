"""Sign in with a browser once in a process, although each job and each estimate has a session of its own.

With authenticator externalbrowser, each connection of the connector opens a browser. This module avoids further
browsers:

- A connection that is closed while its session is as it was after the sign-in is kept, and lent again. A session that a
  script changed (USE, ALTER SESSION, SET, a temporary table) is never lent again.
- If the account allows ID tokens (ALLOW_ID_TOKEN), one is kept until the process ends, for sessions that are open at
  the same time: with connector 4 in memory. Connector 5 caches tokens in a file only, so it gets a private folder that
  is removed when the process ends.

One thread signs in at a time, so that two threads do not open two browsers at once.
Source: https://docs.snowflake.com/en/user-guide/admin-security-fed-auth-use
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from leadflow.settings.sign_in import authenticator_of

if TYPE_CHECKING:
    from leadflow.settings import WarehouseSettings

_BROWSER = "EXTERNALBROWSER"
_MOST_IDLE = 4
_CACHE_FOLDER = "SF_TEMPORARY_CREDENTIAL_CACHE_DIR"
# Atomic, so that a match that fails does not try every other way to divide many comments.
_COMMENTS = r"(?>(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*)"
# Statements that leave the session as it is, apart from leadflow's own temporary tables.
_KEEPS_SESSION = re.compile(
    rf"{_COMMENTS}(?:SELECT|WITH|DESCRIBE|SHOW|MERGE|INSERT|CREATE\s+TABLE)\b",
    re.IGNORECASE | re.DOTALL,
)
_TRANSACTION = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK)\s*", re.IGNORECASE)
_OWN_TABLE = re.compile(
    r'\s*CREATE\s+(?:OR\s+REPLACE\s+)?TEMPORARY\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\S*"LF_\w+")', re.IGNORECASE
)


class SessionUse:
    """The changes that the statements of one owner made to a session."""

    def __init__(self) -> None:
        self.own_tables: set[str] = set()
        self._is_changed = False
        self._in_transaction = False

    @property
    def is_clean(self) -> bool:
        """Whether the session is as it was after the sign-in, apart from `own_tables`."""
        return not (self._is_changed or self._in_transaction)

    def record(self, sql: str) -> None:
        """Count a statement that is about to run."""
        if own := _OWN_TABLE.match(sql):
            self.own_tables.add(own[1])
        elif transaction := _TRANSACTION.fullmatch(sql):
            self._in_transaction = transaction[1].upper() == "BEGIN"
        elif not _KEEPS_SESSION.match(sql):
            self._is_changed = True

    def record_lost(self) -> None:
        """Count a statement without an answer: the session may have ended."""
        self._is_changed = True


class _MemoryTokens:
    """The connector's token cache, in memory. A key consists of host, user and kind of token."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}

    def store(self, key: Any, token: str) -> None:
        self._tokens[str(key)] = token

    def retrieve(self, key: Any) -> str | None:
        return self._tokens.get(str(key))

    def remove(self, key: Any) -> None:
        self._tokens.pop(str(key), None)

    def make(self, *_: Any, **__: Any) -> _MemoryTokens:
        return self


class _Account:
    """The state that a process keeps for one way to sign in."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.idle: list[Any] = []


_accounts: dict[str, _Account] = {}
_accounts_lock = threading.Lock()
_tokens = _MemoryTokens()
_tokens_lock = threading.Lock()
_folder: tempfile.TemporaryDirectory[str] | None = None  # removed when the process ends


def may_use_browser(settings: WarehouseSettings) -> bool:
    """Whether these settings name the authenticator externalbrowser, or a connection whose file may name it."""
    way = authenticator_of(settings)
    return bool(settings.connection_name) if way is None else way.upper() == _BROWSER


def keeps_token(settings: WarehouseSettings) -> bool:
    """Whether to keep the ID token here: not if there is a keyring, or connections.toml may configure a cache."""
    has_keyring = sys.platform in ("darwin", "win32") and find_spec("keyring") is not None
    return may_use_browser(settings) and not settings.connection_name and not has_keyring


def borrow(settings: WarehouseSettings, query_tag: str, open_connection: Callable[[], Any]) -> Any:
    """Return an idle connection of these settings, else a new one."""
    if not may_use_browser(settings):
        return open_connection()
    account = _account(settings)
    with account.lock:
        while account.idle:
            connection = account.idle.pop()
            if _is_alive(connection, query_tag):
                return connection
        with _kept_tokens() if keeps_token(settings) else nullcontext():
            return open_connection()


def give_back(settings: WarehouseSettings, connection: Any, use: SessionUse) -> None:
    """Keep a connection for the next borrower if its session is as it was after the sign-in; else close it."""
    account = _account(settings) if _used_browser(settings, connection) else None
    if account is None or not use.is_clean or len(account.idle) >= _MOST_IDLE or not _cleared(connection, use):
        connection.close()
        return
    account.idle.append(connection)


def _used_browser(settings: WarehouseSettings, connection: Any) -> bool:
    """Whether a connection was signed in to with a browser, or with the token that a browser brought."""
    if not may_use_browser(settings):
        return False
    way = authenticator_of(settings) or getattr(connection, "_authenticator", None) or _way_in_file(settings)
    return str(way).upper() in (_BROWSER, "ID_TOKEN")


def _way_in_file(settings: WarehouseSettings) -> str:
    """Return the authenticator that connections.toml names, "" if none. Connector 5 does not show how it signed in."""
    manager: Any = import_module("snowflake.connector.config_manager")
    try:
        return str(manager.CONFIG_MANAGER["connections"][settings.connection_name].get("authenticator", ""))
    except Exception:
        return ""


def _account(settings: WarehouseSettings) -> _Account:
    with _accounts_lock:
        return _accounts.setdefault(settings.model_dump_json(), _Account())


def _is_alive(connection: Any, query_tag: str) -> bool:
    """Set the query tag of the new owner; if that fails, close the connection."""
    try:
        connection.cursor().execute("ALTER SESSION SET QUERY_TAG = '" + query_tag.replace("'", "''") + "'")
    except Exception:
        with suppress(Exception):
            connection.close()
        return False
    return True


def _cleared(connection: Any, use: SessionUse) -> bool:
    """Drop leadflow's own temporary tables: the next owner must not find them."""
    try:
        for table in use.own_tables:
            connection.cursor().execute(f"DROP TABLE IF EXISTS {table}")
    except Exception:
        return False
    return True


@contextmanager
def _kept_tokens() -> Iterator[None]:
    """Let the connector keep ID tokens for this process. Its default is a file that stays, or to keep none."""
    try:
        auth: Any = import_module("snowflake.connector.auth._auth")
    except ImportError:  # connector 5
        with _cache_in_private_folder():
            yield
        return
    with _tokens_lock:
        before = getattr(auth, "TokenCache", None)
        if before is None:
            yield
            return
        auth.TokenCache = _tokens
        try:
            yield
        finally:
            auth.TokenCache = before


@contextmanager
def _cache_in_private_folder() -> Iterator[None]:
    """Let connector 5, which reads the variable at its first sign-in alone, cache tokens in a folder of this process.

    A folder that the user has set stays. XDG_RUNTIME_DIR is in memory, and the system empties it at the log-out, also
    if the process is killed: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    global _folder
    with _tokens_lock:
        if _CACHE_FOLDER in os.environ:
            yield
            return
        if _folder is None:
            place = os.environ.get("XDG_RUNTIME_DIR", "")
            _folder = tempfile.TemporaryDirectory(
                prefix="leadflow-", dir=place if os.access(place, os.W_OK) else None, ignore_cleanup_errors=True
            )
        os.environ[_CACHE_FOLDER] = _folder.name
        try:
            yield
        finally:
            os.environ.pop(_CACHE_FOLDER, None)

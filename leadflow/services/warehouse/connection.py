"""Sign in to Snowflake with connector 4.x or 5.x, and translate its errors into leadflow's."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import re
import threading
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from leadflow.errors import RefusedError, ServiceError, TransientError
from leadflow.services.warehouse import browser
from leadflow.services.warehouse.interruption import InterruptedWork, is_interruption
from leadflow.services.warehouse.parameters import session_parameters
from leadflow.settings import WarehouseSettings
from leadflow.settings.sign_in import authenticator_of

T = TypeVar("T")
_connections: set[Any] = set()
_connections_lock = threading.Lock()
_DATA_ERRORS = 100_000
_LONGEST_SIGN_IN_S = 60
# Connector 5's words for a request that got no answer, also after its own retries; some come as a ProgrammingError.
_UNREACHED = re.compile(r"HTTP (request failed|retry budget exhausted|transport error)")
_TRANSIENT = (
    "OperationalError",
    "InterfaceError",
    "InternalServerError",
    "ServiceUnavailableError",
    "BadGatewayError",
    "GatewayTimeoutError",
    "InternalError",
    "TooManyRequests",
    "RequestTimeoutError",
    "OtherHTTPRetryableError",
    "RequestExceedMaxRetryError",
)
# Snowflake's error numbers for a missing object; it gives the same for a table that is hidden from the role.
NOT_THERE = (2003, 2043)


class SqlError(RefusedError):
    """Snowflake refused a statement: wrong SQL, a missing table, no permission. `errno` is Snowflake's error number."""

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


def sign_in(settings: WarehouseSettings, query_tag: str) -> Any:
    """Return a connection of the connector. Raises RefusedError, TransientError."""
    import snowflake.connector as connector

    logging.getLogger("snowflake.connector.cursor").addFilter(_is_not_an_answer)
    _switch_off_platform_detection(settings)
    # Advice of connector 5 to callers who catch this error, which is caught here.
    warnings.filterwarnings("ignore", message="`ReauthenticationRequest` currently subclasses", category=FutureWarning)
    try:
        connection = browser.borrow(
            settings,
            query_tag,
            lambda: translated(
                "sign in to Snowflake", lambda: connector.connect(**connect_options(settings, query_tag))
            ),
        )
        _close_at_exit(connection)
        if connector_major() < 5:
            _limit_requests(connection, settings.network_timeout_s)
        return connection
    except (ValueError, TypeError, OSError) as error:
        failure = RefusedError(
            "could not sign in to Snowflake: its private key or its settings cannot be used "
            f"({type(error).__name__}); check LEADFLOW_WAREHOUSE__PRIVATE_KEY_FILE and "
            "LEADFLOW_WAREHOUSE__PRIVATE_KEY_PASSWORD, or the connection in connections.toml"
        )
    raise failure


def connect_options(settings: WarehouseSettings, query_tag: str) -> dict[str, Any]:
    """Return the arguments of snowflake.connector.connect; secrets leave their SecretStr only here."""
    options: dict[str, Any] = {
        "connection_name": settings.connection_name,
        "account": settings.account,
        "user": settings.user,
        "host": settings.host,
        "port": settings.port,
        "protocol": settings.protocol if settings.host else None,
        "role": settings.role,
        "warehouse": settings.warehouse,
        "database": settings.database,
        "schema": settings.schema_name if settings.database or "schema_name" in settings.model_fields_set else None,
        "authenticator": authenticator_of(settings),
        "private_key_file": str(settings.private_key_file.expanduser()) if settings.private_key_file else None,
        "token": settings.token.get_secret_value() if settings.token else None,
    }
    if settings.private_key_password:
        options[_private_key_password_option()] = settings.private_key_password.get_secret_value()
    chosen = {name: value for name, value in options.items() if value is not None}
    return {
        **chosen,
        "paramstyle": "qmark",
        **_timeouts(settings),
        **_closing_options(),
        **_id_token_option(settings),
        # At DEBUG the connector logs the first characters of a statement, in which a script may name a person.
        "log_max_query_length": 0,
        "session_parameters": session_parameters(settings, query_tag),
    }


def _private_key_password_option() -> str:
    """Return the option's name, which connector 5 changed."""
    return "private_key_password" if connector_major() >= 5 else "private_key_file_pwd"


def _timeouts(settings: WarehouseSettings) -> dict[str, int]:
    """Return the limits of a request and of a sign-in, retries included; connector 5 has one limit for all queries."""
    seconds = settings.network_timeout_s
    longest = max(settings.script_timeout_s, settings.statement_timeout_s)
    requests = (
        {"request_timeout": seconds, "query_timeout": longest}
        if connector_major() >= 5
        else {"network_timeout": seconds}
    )
    return {**requests, "login_timeout": min(seconds, _LONGEST_SIGN_IN_S)}


def _limit_requests(connection: Any, seconds: int) -> None:
    """Let a request fail after `seconds`, retries included, although its statement may take longer.

    Connector 4 has one limit for both. A statement that runs does not reach this one: Snowflake answers each request
    within 45 seconds, and the connector then requests the result.
    """
    command = connection.cmd_query
    connection.cmd_query = lambda *values, **options: command(*values, **{**options, "timeout": seconds})


def _close_at_exit(connection: Any) -> None:
    """Close the connection when the process ends, before the connector closes it with a warning.

    Until it is closed it is kept here: nothing else would close it.
    """
    with _connections_lock:
        _connections.difference_update([other for other in _connections if other.is_closed()])
        _connections.add(connection)
    # The last function registered is the first to run; the connector registers one for each connection.
    atexit.unregister(_close_all)
    atexit.register(_close_all)


def _close_all() -> None:
    with _connections_lock:
        still_open = list(_connections)
    for connection in still_open:
        with contextlib.suppress(Exception):
            connection.close()


def _closing_options() -> dict[str, bool]:
    """Return how a connection of connector 5 is closed: by us, with a log-out, and never by the garbage collector.

    Unset, the log-out warns that its default will change. leadflow runs no asynchronous query, which it could end.
    With auto_cleanup, a connection that is collected sets a context variable. If another context variable is reset at
    that moment, Python reads memory that it has freed: the process crashes, at once or much later. Seen with connector
    5.2 and Python 3.11, where a failed statement's traceback had kept the closed connection.
    """
    if connector_major() < 5:
        return {}
    return {"enable_server_session_keep_alive_auto_detection": False, "auto_cleanup": False}


def _id_token_option(settings: WarehouseSettings) -> dict[str, bool]:
    """Request an ID token, which is kept until the process ends."""
    return {"client_store_temporary_credential": True} if browser.keeps_token(settings) else {}


def _switch_off_platform_detection(settings: WarehouseSettings) -> None:
    """Keep the connector from calling cloud metadata addresses, such as 169.254.169.254, to report its platform.

    Connector 4 and 5 both read this variable; 5 ignores the option of the same purpose. A value that is set stays.
    """
    if (authenticator_of(settings) or "").upper() != "WORKLOAD_IDENTITY":
        os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")


@lru_cache(maxsize=1)
def connector_major() -> int:
    """Return the major version of the installed connector."""
    from importlib.metadata import version

    return int(version("snowflake-connector-python").split(".")[0])


def _is_not_an_answer(record: logging.LogRecord) -> bool:
    """Drop the whole answer to a failed statement, which the connector logs at DEBUG as a dict: it may quote a cell."""
    return not str(record.msg).startswith("{")


def translated(doing: str, work: Callable[[], T], sql: str = "") -> T:
    """Return the result of `work`; convert the connector's errors to leadflow's. `doing` completes "could not"."""
    import snowflake.connector as connector

    try:
        return work()
    except connector.errors.Error as error:
        failure = _translate(error, doing, sql)
    # Raised outside the handler, so that the connector's error, which may quote a cell, is not attached as context.
    raise failure


def _translate(error: Exception, doing: str, sql: str) -> ServiceError:
    """Convert the connector's error. The message may name tables and columns; quoted cells are removed."""
    message = " ".join(str(getattr(error, "msg", None) or error).split())
    number = getattr(error, "errno", None)
    if is_interruption(number):
        return InterruptedWork.of(int(str(number)), doing)
    message = (
        re.sub(r"'.*'", "'...'", message)
        if isinstance(number, int) and number >= _DATA_ERRORS
        else _redacted(message, sql)
    )
    conflict = "Conflict" in message or "conflict" in message
    if type(error).__name__ in _TRANSIENT or conflict or _UNREACHED.search(message):
        return TransientError(
            f"could not {doing}: Snowflake did not answer as expected ({type(error).__name__} {number})"
        )
    return SqlError(
        f"could not {doing}: Snowflake says {number}: {message[:500]}", number if isinstance(number, int) else None
    )


def _redacted(message: str, sql: str) -> str:
    """Remove the constants of its statement from a message, since they may name a person."""
    for constant in sorted(set(re.findall(r"'((?:[^']|'')+)'", sql)), key=len, reverse=True):
        message = message.replace(" ".join(constant.split()), "...")
    return re.sub(r"\d{7,}", "...", message)

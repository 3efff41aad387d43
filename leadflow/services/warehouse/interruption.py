"""Repeat work that Snowflake interrupted: its session ended, or it canceled a statement.

The numbers of a session that ended are those of network.py in snowflake-connector-python. A session ends after four
idle hours, unless a policy sets another limit: https://docs.snowflake.com/en/user-guide/session-policies.
604 is a statement that was canceled: https://docs.snowflake.com/en/sql-reference/functions/system_cancel_query.
630 is https://docs.snowflake.com/en/sql-reference/parameters, STATEMENT_TIMEOUT_IN_SECONDS.
625 is the twenty-first statement that waits for a lock on one table.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self, TypeVar

from leadflow.errors import TransientError

T = TypeVar("T")
CANCELED, TOO_MANY_WAIT, OUT_OF_TIME = 604, 625, 630
_SESSION_ENDED = frozenset({390104, 390110, 390111, 390112, 390113, 390114, 390115})
_REASONS = {
    CANCELED: "the statement was canceled in Snowflake",
    TOO_MANY_WAIT: "too many other statements wait for a lock on the same table",
    OUT_OF_TIME: "the statement reached STATEMENT_TIMEOUT_IN_SECONDS of your account, user or warehouse",
}
_ATTEMPTS = 4
# Each attempt may cost credits for hours, and somebody may have canceled the statement on purpose.
_ATTEMPTS_OF_A_STATEMENT = {CANCELED: 2, OUT_OF_TIME: 2}
_PAUSE_S = 1.0


class InterruptedWork(TransientError):
    """Snowflake ended the session or canceled a statement; `errno` is its error number."""

    def __init__(self, message: str, errno: int = 0) -> None:
        super().__init__(message)
        self.errno = errno

    @classmethod
    def of(cls, errno: int, doing: str = "run a statement") -> Self:
        """Return the error for one of Snowflake's numbers."""
        return cls(f"could not {doing}: {_REASONS.get(errno, 'the Snowflake session ended')} ({errno})", errno)

    @property
    def session_ended(self) -> bool:
        """Whether the session has ended, and with it its temporary tables and its open transaction."""
        return self.errno in _SESSION_ENDED


def is_interruption(errno: object) -> bool:
    """Return whether an error number of Snowflake's is that of an interruption."""
    return errno in _SESSION_ENDED or errno in _REASONS


def repeat(work: Callable[[], T], before_repeat: Callable[[InterruptedWork], None]) -> T:
    """Run `work`, and run all of it again when it is interrupted, a few times at most. Raises the last interruption."""
    attempt = 1
    while True:
        try:
            return work()
        except InterruptedWork as interruption:
            if attempt >= _ATTEMPTS_OF_A_STATEMENT.get(interruption.errno, _ATTEMPTS):
                raise
            reason = interruption
        before_repeat(reason)
        if not reason.session_ended:
            time.sleep(_PAUSE_S * attempt)
        attempt += 1

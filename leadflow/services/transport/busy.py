"""The busy state of a vendor: how long it has refused calls, when the next call may start, and when to give up.

A vendor is busy if it answers 429, or 503 with Retry-After. Until it answers again, only one call at a time is sent,
after pauses that double: 1, 2, 4, 8, then 15 s, or after the time in Retry-After.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from leadflow.errors import ServiceDownError, TransientError

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0
_WORTH_A_LINE_S = 3.0  # a shorter wait is not reported


class BusyError(TransientError):
    """The vendor refused the call because it is busy. The call was not charged, and waits like other calls."""


@dataclass(frozen=True)
class BusyNews:
    """A limiter's report: sent once when a vendor stays busy, and once when it answers again or is given up."""

    name: str
    message: str
    is_over: bool


Listener = Callable[[BusyNews], None]


class Busy:
    """The busy state of one vendor. It has no lock of its own: its Limiter calls it under the limiter's lock."""

    def __init__(self, name: str, wait_s: float) -> None:
        self.name = name
        self.wait_s = wait_s
        self._since: float | None = None
        self._refused_at = float("-inf")
        self._refusals = 0
        self._is_reported = False
        self._gave_up = False

    @property
    def is_on(self) -> bool:
        """Whether the vendor refused the last call as busy."""
        return self._since is not None

    @property
    def gave_up(self) -> bool:
        """Whether the vendor stayed busy longer than the setting allows."""
        return self._gave_up

    def error(self) -> ServiceDownError:
        """Build the error of a vendor that was given up."""
        return ServiceDownError(
            f"{self.name} has been busy for {self.wait_s:.0f} s, the longest wait that the setting busy_wait_s allows, "
            "so no more calls are sent to it. Resume the job later"
        )

    def refused(self, started: float, retry_after: float | None) -> tuple[float, BusyNews | None]:
        """Count a refused call; return the seconds until the next call may start, and the report, if any.

        Refusals of calls that were in flight together count as one refusal.
        """
        now = time.monotonic()
        if self._gave_up or started <= self._refused_at:
            return retry_after or 0.0, None
        self._since = now if self._since is None else self._since
        self._refused_at = now
        left = self._since + self.wait_s - now
        if left <= 0:
            return 0.0, self._give_up()
        pause = min(self._pause(retry_after), left)
        self._refusals += 1
        return pause, self._report(pause)

    def _pause(self, retry_after: float | None) -> float:
        """Return the time in Retry-After; if it is 0 repeatedly, or missing, return a pause that doubles."""
        if retry_after or (retry_after is not None and not self._refusals):
            return retry_after
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**self._refusals)

    def answered(self, started: float) -> BusyNews | None:
        """Count an answer. It ends the busy time unless its call started before the last refusal."""
        if self._since is None or started <= self._refused_at:
            return None
        seconds, was_reported = time.monotonic() - self._since, self._is_reported
        self.reset()
        return BusyNews(self.name, f"{self.name} answers again, after {seconds:.0f} s", True) if was_reported else None

    def reset(self) -> None:
        """Clear all refusals, at the start of a job and after an answer."""
        self._since, self._refusals, self._is_reported, self._gave_up = None, 0, False, False

    def _give_up(self) -> BusyNews:
        self.reset()
        self._gave_up = True
        return BusyNews(self.name, f"{self.name} was busy for {self.wait_s:.0f} s and is given up", True)

    def _report(self, pause: float) -> BusyNews | None:
        if self._is_reported or (self._refusals < 2 and pause < _WORTH_A_LINE_S):
            return None
        self._is_reported = True
        return BusyNews(
            self.name,
            f"{self.name} is busy and refuses calls. leadflow tries again in {pause:.0f} s, and goes on trying for up "
            f"to {self.wait_s:.0f} s in all",
            False,
        )

"""How long a vendor has refused calls as busy, when the next call may try it, and when to give up.

A vendor says that it is busy with 429, or with 503 and Retry-After. While it does, one call at a time tries it, after
pauses that double: 1, 2, 4, 8, then 15 s, or what Retry-After says.
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
    """The vendor refused the call because it is busy. It was not charged, and waits for the vendor as others do."""


@dataclass(frozen=True)
class BusyNews:
    """What a limiter reports once when a vendor stays busy, and once when it answers again or is given up."""

    name: str
    message: str
    is_over: bool


Listener = Callable[[BusyNews], None]


class Busy:
    """The state of one vendor. It has no lock of its own: its Limiter calls it under the lock of the limiter."""

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
        """Whether the last answer of the vendor was that it is busy."""
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
        """Count a refused call; return the seconds until the next call may start, and what to report.

        Calls that were under way together, and are refused together, count as one refusal.
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
        """Return what Retry-After says; a vendor that says 0 again and again is not called again and again."""
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
        """Forget all refusals, at the start of a job and after an answer."""
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

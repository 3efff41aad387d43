"""The stop flag of a run, and the reasons why a run ends before its last batch."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from leadflow.errors import Stopped

if TYPE_CHECKING:
    from leadflow.errors import BudgetReached, HistoryError

_POLL_S = 0.05


class Halt:
    """The stop flag of one run. It is set when the user stops the job or the run fails.

    `stop` is set by the user only. `limit` is the error of the budget: no further batch starts, but the leads that are
    paid for are still delivered. `unsaved` is the error of a write of a paid answer. It is reported before any other
    error.
    """

    def __init__(self, job_id: str, stop: threading.Event) -> None:
        self.stop = stop
        self.limit: BudgetReached | None = None
        self.unsaved: HistoryError | None = None
        self._job_id = job_id
        self._failed = threading.Event()

    def fail(self) -> None:
        """End the steps of all batches as soon as their calls in flight have returned."""
        self._failed.set()

    def is_set(self) -> bool:
        """Return whether the user stopped the job or the run failed."""
        return self.stop.is_set() or self._failed.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds for the flag. Return whether it is set."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _POLL_S if end is None else min(_POLL_S, end - time.monotonic())
            if left <= 0:
                return False
            self.stop.wait(left)
        return True

    def raise_if_stopped(self) -> None:
        """Raise Stopped if the user stopped the job."""
        if self.stop.is_set():
            raise Stopped(f"job {self._job_id} was stopped; engine.resume({self._job_id!r}) goes on where it was")

    def raise_if_set(self) -> None:
        """Raise Stopped if the user stopped the job or the run failed."""
        self.raise_if_stopped()
        if self._failed.is_set():
            raise Stopped(f"job {self._job_id} is ending because another batch failed")

"""The job that the panel shows: one of this kernel, or one of another process, from the history."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from leadflow.notebook.live import EventLog, Pace, Snapshot
from leadflow.notebook.recorded import recorded_log, recorded_snapshot

if TYPE_CHECKING:
    from leadflow.history import History
    from leadflow.job import JobHandle

_OWN_S, _OTHER_S, _LOG_S = 0.3, 1.0, 1.0
_UNENDED = ("QUEUED", "PENDING", "RUNNING")


class Followed:
    """A job that is shown until it ends. With a handle it is one of this kernel."""

    def __init__(
        self, job_id: str, history: History, handle: JobHandle | None = None, log: EventLog | None = None
    ) -> None:
        self.job_id = job_id
        self.handle = handle
        self.pace = Pace()
        self.history = history
        self._log = log
        self._lines: list[str] = []
        self._read_at = 0.0
        self._left = threading.Event()

    def snapshot(self) -> Snapshot:
        """Return the state of the job."""
        handle = self.handle
        if handle is None:
            return recorded_snapshot(self.history, self.job_id)
        message = handle.ended_with if handle.wait(0) else ""
        return Snapshot(handle.id, str(handle.status), handle.progress, message, self._log_lines())

    def _log_lines(self) -> list[str]:
        if self._log is not None:
            return list(self._log.lines)
        ended = self.handle is None or self.handle.wait(0)
        if ended or time.monotonic() - self._read_at > _LOG_S:  # another cell started it: its events are in the history
            self._lines, self._read_at = recorded_log(self.history, self.job_id), time.monotonic()
        return self._lines

    def wait(self) -> bool:
        """Wait until the state may have changed. Return whether the job has ended."""
        if self.handle is not None:
            return self.handle.wait(_OWN_S)
        self._left.wait(_OTHER_S)
        return self.snapshot().status not in _UNENDED

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        if self.handle is not None:
            return self.handle.wait(0)
        return self.snapshot().status not in _UNENDED

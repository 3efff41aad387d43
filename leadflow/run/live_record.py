"""The progress of a running job in the history, for another process that watches it."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadflow.job import Progress
    from leadflow.run.context import RunContext
    from leadflow.run.tally import Tally


class LiveRecord:
    """Writes the progress of a run to `live` in the counts of the job's row. The end of the job removes it."""

    def __init__(self, run: RunContext, tally: Tally) -> None:
        self._run = run
        self._tally = tally
        self._lock = threading.Lock()
        self._counts: dict[str, Any] | None = None
        self._written: Progress | None = None
        self._closed = False

    def record(self) -> None:
        """Queue the progress for the history, if it has moved since the last call."""
        with self._lock:
            progress = self._tally.now()
            if self._closed or progress.total is None or progress == self._written:
                return
            counts = self._counts = self._counts or self._run.history.job(self._run.job_id)["counts"]
            self._run.history.update_job(self._run.job_id, counts={**counts, "live": asdict(progress)})
            self._written = progress

    def close(self) -> None:
        """Write nothing from now on: the counts of the job's end must be the last."""
        with self._lock:
            self._closed = True

"""The six events of a job (frozen), and the bus that numbers and timestamps them and calls the listeners."""

from __future__ import annotations

import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar, TypeVar

# The lines that a job logs about the coverage of its do-not-call check. The report shows the job's line.
COVERAGE = "Do-not-call coverage: "
PROVEN = f"{COVERAGE}proven, the check says that the canary is listed"
UNPROVEN = (
    f"{COVERAGE}unproven, no canary is set (LEADFLOW_DNC__CANARY, a phone that is on the national do-not-call list)"
)
# The message of the event with which each run of a job begins, the first and each resume.
STARTED = "ETL job started"
# The line that each run logs about what it may take and spend. The report shows the last one.
LIMITS = "Limits: "
_PACKAGE = Path(__file__).parent
_PASSES_ON: set[CodeType] = set()
F = TypeVar("F", bound=Callable[..., Any])


def passes_on(helper: F) -> F:
    """Mark a function that emits events for its caller: their source is the caller's line, not the function's."""
    _PASSES_ON.add(helper.__code__)
    return helper


def _calling_line() -> str:
    """Return the file:line of the nearest caller that is outside this module and not marked with `passes_on`."""
    frame = sys._getframe(2)
    while frame.f_back and (frame.f_code.co_filename in ("<string>", __file__) or frame.f_code in _PASSES_ON):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def raised_at(error: BaseException) -> str:
    """Return the file:line in leadflow that raised an error, or that called the library that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(_PACKAGE)] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "an unknown place"


@dataclass(frozen=True, kw_only=True)
class Event:
    """The fields of all events: the stage, the file:line of the code, and the batch (1-based) if there is one."""

    name: ClassVar[str] = "event"
    stage: str
    batch: int | None = None
    source: str = field(default_factory=_calling_line)

    def data(self) -> dict[str, Any]:
        """Return the event's own fields as a dict for JSON."""
        own = asdict(self)
        return {k: v for k, v in own.items() if k not in ("stage", "batch", "source") and v is not None}

    def text(self) -> str:
        """Return one line of text for a user."""
        return str(getattr(self, "message", "") or self.data())


@dataclass(frozen=True, kw_only=True)
class JobProgress(Event):
    """Progress in percent (0 to 100) and row counts, at the start and after every batch."""

    name: ClassVar[str] = "job_progress"
    status: str
    progress: int
    message: str
    current_row: int = 0
    total_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class JobLog(Event):
    """A log line; `level` is one of debug, info, warning, error."""

    name: ClassVar[str] = "job_log"
    message: str
    level: str = "info"


@dataclass(frozen=True, kw_only=True)
class BatchProgress(Event):
    """The start of a batch: its number and its rows (1-based, inclusive)."""

    name: ClassVar[str] = "batch_progress"
    first_row: int
    last_row: int
    total_batches: int | None = None

    def text(self) -> str:
        """Return one line of text for a user."""
        of = f"/{self.total_batches}" if self.total_batches else ""
        return f"Batch {self.batch}{of}: rows {self.first_row} to {self.last_row}"


@dataclass(frozen=True, kw_only=True)
class RowProcessed(Event):
    """The outcome of every tenth settled lead; `person_key` identifies the lead."""

    name: ClassVar[str] = "row_processed"
    row: int
    person_key: str
    outcome: str

    def text(self) -> str:
        """Return one line of text for a user."""
        return f"Row {self.row}: {self.outcome} ({self.person_key})"


@dataclass(frozen=True, kw_only=True)
class JobComplete(Event):
    """The job completed; `stats` are its final counts."""

    name: ClassVar[str] = "job_complete"
    stats: dict[str, Any]

    def text(self) -> str:
        """Return one line of text for a user."""
        return "Job complete: " + ", ".join(
            f"{k}={v}" for k, v in self.stats.items() if v is not None and not isinstance(v, dict)
        )


@dataclass(frozen=True, kw_only=True)
class JobErrored(Event):
    """The job failed or was stopped; `next_step` is the line of code to run next."""

    name: ClassVar[str] = "job_error"
    message: str
    error: str
    next_step: str = ""


Emit = Callable[[Event], None]


def no_emit(event: Event) -> None:
    """Discard an event; the default for a stage that is used without a job."""


@dataclass(frozen=True)
class Recorded:
    """An event with its job, its number in the job, its UTC time, and the seconds since the job's start."""

    job_id: str
    seq: int
    at: datetime
    elapsed: float
    event: Event


Listener = Callable[[Recorded], None]


class EventBus:
    """Number and timestamp the events of one job, and pass each to `record` and to every listener, in order.

    If a listener raises, the bus removes it: a user's listener must not end a job. Errors of `record` propagate.
    Elapsed time comes from the monotonic clock, so that a change of the system clock cannot reorder a trace.
    """

    def __init__(
        self, job_id: str, record: Listener, *listeners: Listener, first_seq: int = 1, elapsed: float = 0.0
    ) -> None:
        self.job_id = job_id
        self._record = record
        self._listeners = list(listeners)
        self._seq = first_seq
        self._zero = time.monotonic() - elapsed
        self._lock = threading.Lock()

    def listen(self, listener: Listener) -> None:
        """Add a listener; it receives all later events."""
        with self._lock:
            self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Number and timestamp `event`, record it, and pass it to the listeners."""
        with self._lock:
            recorded = Recorded(
                self.job_id, self._seq, datetime.now(timezone.utc), time.monotonic() - self._zero, event
            )
            self._seq += 1
            self._record(recorded)
            self._notify(recorded)

    def _notify(self, recorded: Recorded) -> None:
        for listener in list(self._listeners):
            try:
                listener(recorded)
            except Exception as error:
                self._listeners.remove(listener)
                warnings.warn(
                    f"a listener of job {self.job_id} raised {type(error).__name__} and was removed",
                    RuntimeWarning,
                    stacklevel=3,
                )

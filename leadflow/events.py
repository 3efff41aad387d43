"""The six events of a job (frozen), and the bus that numbers them, stamps their time and hands them to listeners."""

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

# What a job logs about the coverage of its do-not-call check; its report shows the line.
COVERAGE = "Do-not-call coverage: "
PROVEN = f"{COVERAGE}proven, the check says that the canary is listed"
UNPROVEN = (
    f"{COVERAGE}unproven, no canary is set (LEADFLOW_DNC__CANARY, a phone that is on the national do-not-call list)"
)
_PACKAGE = Path(__file__).parent
_PASSES_ON: set[CodeType] = set()
F = TypeVar("F", bound=Callable[..., Any])


def passes_on(helper: F) -> F:
    """Mark a function that makes events from messages it receives: their source is its caller's line, not its own."""
    _PASSES_ON.add(helper.__code__)
    return helper


def _calling_line() -> str:
    """The file:line that holds the message: of the nearest caller that neither makes events nor passes messages on."""
    frame = sys._getframe(2)
    while frame.f_back and (frame.f_code.co_filename in ("<string>", __file__) or frame.f_code in _PASSES_ON):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def raised_at(error: BaseException) -> str:
    """The file:line inside leadflow that raised an error, or that called the library which raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(_PACKAGE)] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "an unknown place"


@dataclass(frozen=True, kw_only=True)
class Event:
    """What all events share: the stage, the file:line of its code, and the batch (1-based) if any."""

    name: ClassVar[str] = "event"
    stage: str
    batch: int | None = None
    source: str = field(default_factory=_calling_line)

    def data(self) -> dict[str, Any]:
        """The event's own fields as a dict fit for JSON."""
        own = asdict(self)
        return {k: v for k, v in own.items() if k not in ("stage", "batch", "source") and v is not None}

    def text(self) -> str:
        """One line for a person to read."""
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
    """A batch starts: its number and the rows (1-based, inclusive) that it covers."""

    name: ClassVar[str] = "batch_progress"
    first_row: int
    last_row: int
    total_batches: int | None = None

    def text(self) -> str:
        """One line for a person to read."""
        of = f"/{self.total_batches}" if self.total_batches else ""
        return f"Batch {self.batch}{of}: rows {self.first_row} to {self.last_row}"


@dataclass(frozen=True, kw_only=True)
class RowProcessed(Event):
    """Every tenth lead whose outcome is known; the lead is named by its key."""

    name: ClassVar[str] = "row_processed"
    row: int
    person_key: str
    outcome: str

    def text(self) -> str:
        """One line for a person to read."""
        return f"Row {self.row}: {self.outcome} ({self.person_key})"


@dataclass(frozen=True, kw_only=True)
class JobComplete(Event):
    """The job ended well; `stats` are its final counts."""

    name: ClassVar[str] = "job_complete"
    stats: dict[str, Any]

    def text(self) -> str:
        """One line for a person to read."""
        return "Job complete: " + ", ".join(
            f"{k}={v}" for k, v in self.stats.items() if v is not None and not isinstance(v, dict)
        )


@dataclass(frozen=True, kw_only=True)
class JobErrored(Event):
    """The job ended badly, or was stopped; `next_step` is the line to run."""

    name: ClassVar[str] = "job_error"
    message: str
    error: str
    next_step: str = ""


Emit = Callable[[Event], None]


def no_emit(event: Event) -> None:
    """Drop an event: the default of a stage that is used alone."""


@dataclass(frozen=True)
class Recorded:
    """An event with its job, its number in the job, its UTC time, and seconds since the job's start."""

    job_id: str
    seq: int
    at: datetime
    elapsed: float
    event: Event


Listener = Callable[[Recorded], None]


class EventBus:
    """Stamps the events of one job and hands each to `record` and to every listener, in order.

    A listener that raises is removed: a user's listener must not end a job. What `record` raises is raised.
    Elapsed time comes from the monotonic clock, so that a clock set back cannot put a trace out of order.
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
        """Add a listener; it gets the events from now on."""
        with self._lock:
            self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Stamp `event`, record it, and hand it to the listeners."""
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

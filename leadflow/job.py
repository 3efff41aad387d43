"""The user's view of a job: its status and counts, and a handle for a job that still runs."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from leadflow.display.elements import bar, card, muted, pairs, said
from leadflow.display.live import follow, in_notebook
from leadflow.errors import JobFailedError
from leadflow.leads.counts import Counts, counts_rows

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]  # pandas has no stubs of its own


class JobStatus(str, Enum):
    """The status of a job, as the history records it."""

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"

    def __str__(self) -> str:
        """Return the status's value, as the history records it."""
        return self.value


# The part of a job's work that a stage is. Buying takes the longest; every other stage counts as one part.
_PARTS = {"Lookup": 6}


@dataclass(frozen=True)
class Progress:
    """The progress of a job: settled leads, total leads, leads that completed each stage, and counts by outcome.

    `counts["retry"]` are leads that went through all stages and may still clear. A job whose other leads are settled is
    complete. `cost` is what all runs of the job have spent so far, in dollars; None without a price.
    """

    done: int = 0
    total: int | None = None
    stages: dict[str, int] = field(default_factory=dict[str, int])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    cost: float | None = None

    def through(self, stage: str, leads: int) -> Progress:
        """Return the progress after `leads` more leads completed a stage."""
        return replace(self, stages={**self.stages, stage: self.stages.get(stage, 0) + leads})

    def settled(self, leads: int, counts: Mapping[str, int]) -> Progress:
        """Return the progress after `leads` more leads are settled; add `counts`."""
        summed = {name: self.counts.get(name, 0) + counts.get(name, 0) for name in {**self.counts, **counts}}
        return replace(self, done=self.done + leads, counts=summed)

    def completed(self) -> Progress:
        """Return the progress of a completed job: its leads are settled, or may still clear."""
        total = self.total or 0
        counts = {**self.counts, "retry": total - self.done} if total > self.done else self.counts
        return replace(self, stages=dict.fromkeys(self.stages, total), counts=counts)

    @property
    def may_clear(self) -> int:
        """The number of leads that went through all stages and that a resume tries again."""
        return self.counts.get("retry", 0)

    @property
    def percent(self) -> int:
        """The progress from 0 to 100, which moves with each stage of a lead; a job without leads is at 100.

        >>> Progress(done=0, total=200, stages={"Lookup": 100, "Cache": 0}).percent
        42
        """
        if self.total is None:
            return 0
        if self.done + self.may_clear >= self.total:
            return 100
        parts = {stage: _PARTS.get(stage, 1) for stage in self.stages}
        work = sum(parts[stage] * leads for stage, leads in self.stages.items()) / (sum(parts.values()) or 1)
        return min(99, int(100 * max(self.done + self.may_clear, work) / self.total))


class JobReport(Protocol):
    """The interface of a job's report. leadflow.reports builds the report; a job only returns it."""

    @property
    def job(self) -> dict[str, Any]:
        """The job's row in the history."""
        ...

    @property
    def timeline(self) -> pd.DataFrame:
        """One row per event."""
        ...

    @property
    def flow(self) -> pd.DataFrame:
        """One row per batch."""
        ...

    @property
    def events(self) -> pd.DataFrame:
        """The events that are not log lines."""
        ...

    @property
    def validation(self) -> pd.DataFrame:
        """One row per validation check: check, ok (it holds), detail, state."""
        ...

    @property
    def delays(self) -> pd.DataFrame:
        """One row per unusual delay."""
        ...

    @property
    def standing(self) -> str:
        """The job's current state, as in lf.jobs()."""
        ...

    @property
    def coverage(self) -> str:
        """The job's line on the coverage of its do-not-call check."""
        ...

    @property
    def notes(self) -> list[str]:
        """The most important facts for a reader, such as warnings."""
        ...

    @property
    def ok(self) -> bool:
        """Whether every validation check was made and holds."""
        ...

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        ...

    def save(self, path: str | Path) -> Path:
        """Save the report as an .html, .md or .txt file."""
        ...

    def _repr_html_(self) -> str: ...


@dataclass(frozen=True, repr=False)
class Job:
    """A job that has ended, with or without success."""

    id: str
    name: str
    status: JobStatus
    counts: Counts
    message: str = ""
    _report: Callable[[str], JobReport] | None = field(default=None, repr=False, compare=False)
    _trace: Callable[[str, bool], pd.DataFrame] | None = field(default=None, repr=False, compare=False)
    _review: Callable[[str], pd.DataFrame] | None = field(default=None, repr=False, compare=False)
    _leads: Callable[[str, str | None], pd.DataFrame] | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        """Return the id, the status and the message."""
        return f"<Job {self.id} {self.status}{f': {self.message}' if self.message else ''}>"

    def to_html(self) -> str:
        """Return the job as HTML, as a notebook shows it."""
        first, *more = self.message.split("; ")
        hint = f"{self.name}: job.report(), job.trace(), job.leads() and job.delivered() show more."
        content = (said(first), pairs(counts_rows(self.counts)), *map(muted, (*more, hint)))
        return card(self.id, "".join(content), str(self.status))

    def _repr_html_(self) -> str:
        return self.to_html()

    @property
    def ok(self) -> bool:
        """Whether the job completed."""
        return self.status is JobStatus.COMPLETED

    def report(self) -> JobReport:
        """Return the job's report, validated against the current sheet and tables."""
        if self._report is None:
            raise JobFailedError(f"job {self.id} is detached from its engine; use lf.report({self.id!r})")
        return self._report(self.id)

    def trace(self, full: bool = False) -> pd.DataFrame:
        """Return the job's timeline, one row per event. See lf.trace for its columns."""
        if self._trace is None:
            raise JobFailedError(f"job {self.id} is detached from its engine; use lf.trace({self.id!r})")
        return self._trace(self.id, full)

    def review(self) -> pd.DataFrame:
        """Return the leads that are held back for review, one row per candidate of a paid answer.

        Columns: person_key, reason (ambiguous or near_match), lead (as it was looked up), pid, candidate (name and
        address), agrees, differs, phones (their last four digits), emails (a count), deceased.
        engine.accept(person_key, pid) delivers a lead. The frame holds personal data: do not log it.
        """
        if self._review is None:
            raise JobFailedError(f"job {self.id} is detached from its engine; use engine.review({self.id!r})")
        return self._review(self.id)

    def leads(self, reason: str | None = None) -> pd.DataFrame:
        """Return the job's settled leads, or those held back for one reason, such as "litigator".

        Columns are those of UNIQUE_CONSOLIDATED_DATA: the people's, phones with verdicts, e-mails, "Disposition",
        "Reason". Raises InputError for a reason that no lead of the job has. Leads that were left out or that a resume
        tries again are not in that table. The frame holds personal data: do not log it.
        """
        if self._leads is None:
            raise JobFailedError(f"job {self.id} is detached from its engine; use engine.leads({self.id!r})")
        return self._leads(self.id, reason)

    def delivered(self) -> pd.DataFrame:
        """Return the leads that the job delivered, in the columns of `leads`."""
        if self._leads is None:
            raise JobFailedError(f"job {self.id} is detached from its engine; use engine.leads({self.id!r})")
        return self._leads(self.id, "delivered")


class JobHandle:
    """A job that runs in the background: `.id`, `.progress`, `.stop()`, `.wait()`, `.result()`.

    `await handle` waits for the job in a notebook's event loop and returns it, as `result` does.
    """

    def __init__(self, job_id: str, name: str, stop: threading.Event, progress: Callable[[], Progress]) -> None:
        self.id = job_id
        self.name = name
        self._stop = stop
        self._progress = progress
        self.stopped_by = ""
        self._done = threading.Event()
        self._job: Job | None = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[JobHandle], object]] = []
        self._ending = threading.Lock()

    def __await__(self) -> Generator[Any, None, Job]:
        """Wait for the job's end without blocking the event loop. To cancel the wait does not stop the job."""
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def wake(_: JobHandle) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(lambda: None if ended.done() else ended.set_result(None))

        self.on_end(wake)
        yield from ended
        return self.result()

    def on_end(self, callback: Callable[[JobHandle], object]) -> None:
        """Call a function with this handle when the job has ended, in the job's thread; at once if it has ended.

        An error of the function becomes a warning: it does not change how the job ended.

        Example:
            >>> import leadflow as lf
            >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
            ...     handle = engine.submit("SELECT * FROM RAW_LEADS", limit_rows=20)
            ...     handle.on_end(lambda ended: print(ended.status))
            ...     handle.wait()
            COMPLETED
            True
        """
        with self._ending:
            if not self._done.is_set():
                self._callbacks.append(callback)
                return
        self._call(callback)

    def _call(self, callback: Callable[[JobHandle], object]) -> None:
        try:
            callback(self)
        except Exception as error:
            warnings.warn(f"on_end of job {self.id} failed: {type(error).__name__}", RuntimeWarning, stacklevel=2)

    def __repr__(self) -> str:
        """Return the id, the status and the progress."""
        return f"<JobHandle {self.id} {self.status} {self.progress.percent}%>"

    @property
    def progress(self) -> Progress:
        """The job's current progress."""
        return self._progress()

    @property
    def status(self) -> JobStatus:
        """RUNNING until the job ends, then its final status."""
        if not self._done.is_set():
            return JobStatus.RUNNING
        return self._job.status if self._job else JobStatus.FAILED

    @property
    def ended(self) -> Job | None:
        """The ended job, also if it failed; None while it runs."""
        return self._job

    @property
    def stop_asked(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._stop.is_set()

    @property
    def ended_with(self) -> str:
        """The job's last message, or its error's message; empty while the job runs."""
        if self._job is not None:
            return self._job.message
        return "" if self._error is None else str(self._error)

    def stop(self, by: str = "a person") -> None:
        """Stop the job. It ends as STOPPED after the calls in flight return. The record says `by` whom or what."""
        self.stopped_by = self.stopped_by or by
        self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds for the job's end; return True if the job has ended."""
        return self._done.wait(timeout)

    def result(self, timeout: float | None = None) -> Job:
        """Return the ended job. Raises the job's error if it failed, and TimeoutError if it still runs."""
        if not self.wait(timeout):
            raise TimeoutError(f"job {self.id} still runs after {timeout} s; .wait() longer or .stop() it")
        if self._error is not None:
            raise self._error
        assert self._job is not None
        return self._job

    def _finish(self, job: Job | None, error: BaseException | None) -> None:
        self._job, self._error = job, error
        last = self._progress()
        # A notebook may keep a handle for days; the handle must not keep the job's services and frames in memory.
        self._progress = lambda: last
        with self._ending:
            callbacks, self._callbacks = self._callbacks, []
            self._done.set()
        for callback in callbacks:
            self._call(callback)

    def _repr_html_(self) -> str:
        if self._job is not None:
            return self._job.to_html()
        now, total = self.progress, self.progress.total
        settled = "reading the leads" if total is None else f"{now.done:,} of {total:,} settled"
        amber = 100 * now.may_clear / total if total else 0.0
        hint = f"handle.stop() stops it, lf.watch({self.id!r}) shows each stage."
        drawn = bar(f"Job {self.name}", now.percent, f"{now.percent}%, {settled}", amber)
        return card(self.id, drawn + (said(self.ended_with) if self.ended_with else muted(hint)), str(self.status))

    def _bundle(self) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _ipython_display_(self) -> None:
        """Show the job in a notebook, and bring the output up to date until the job ends."""
        if in_notebook():
            follow(self._bundle, self.wait)
        else:
            print(repr(self))  # noqa: T201 - this is how IPython shows an object in a terminal

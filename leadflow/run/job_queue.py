"""Jobs that run one after another, with one budget."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.errors import JobFailedError, LeadflowError
from leadflow.history import HEARTBEAT_S
from leadflow.job import JobStatus
from leadflow.run.job_record import process_owner, record_not_started

if TYPE_CHECKING:
    import polars as pl

    from leadflow.history import History
    from leadflow.job import Job, JobHandle
    from leadflow.run.context import Plan


@dataclass(frozen=True)
class QueuedJob:
    """A job that is recorded and has not started; `rows` are the leads of a job without a script."""

    id: str
    plan: Plan
    rows: pl.DataFrame | None = None


@dataclass(frozen=True)
class Limits:
    """What is left for the jobs of a queue; None: no limit."""

    max_lookups: int | None = None
    max_cost: float | None = None

    def after(self, job: Job) -> Limits:
        """Return what is left after a job."""
        counts = job.counts
        lookups, cost = self.max_lookups, self.max_cost
        return Limits(
            None if lookups is None else max(0, lookups - counts.bought - counts.unanswered),
            None if cost is None else max(0.0, cost - (counts.cost or 0.0)),
        )

    @property
    def used_up(self) -> bool:
        """Whether nothing is left."""
        return self.max_lookups == 0 or self.max_cost == 0


class JobQueue:
    """Jobs that run one after another: `.ids`, `.running`, `.stop()`, `.wait()`, `.result()`."""

    def __init__(
        self,
        jobs: Sequence[QueuedJob],
        limits: Limits,
        history: History,
        start: Callable[[QueuedJob, Limits], JobHandle],
    ) -> None:
        self.ids = [job.id for job in jobs]
        self._waiting = list(jobs)
        self._limits = limits
        self._history = history
        self._start = start
        self._handles: list[JobHandle] = []
        self._by = "a person"
        self._changing = threading.RLock()  # of what waits
        self._stop, self._done = threading.Event(), threading.Event()
        threading.Thread(target=self._work, name="leadflow-queue", daemon=True).start()

    def __repr__(self) -> str:
        """Return how many jobs have ended, run and wait."""
        ended = sum(handle.wait(0) for handle in self._handles)
        return f"<JobQueue: {ended} of {len(self.ids)} ended, {len(self._waiting)} queued>"

    @property
    def queued(self) -> list[str]:
        """The ids of the jobs that have not started."""
        return [job.id for job in self._waiting]

    @property
    def running(self) -> JobHandle | None:
        """The handle of the job that runs now; None between two jobs and after the last."""
        return next((handle for handle in self._handles if not handle.wait(0)), None)

    def stop(self, by: str = "a person") -> None:
        """Stop the job that runs, and start none of the others. Each can be resumed. `by` says who stops them."""
        self._by = by
        self._stop.set()
        if handle := self.running:
            handle.stop(by)

    def stop_job(self, job_id: str, by: str = "a person") -> bool:
        """Take one job that has not started out of the queue; it can be resumed. Return whether it was there."""
        with self._changing:
            found = next((job for job in self._waiting if job.id == job_id), None)
            if found is None:
                return False
            self._waiting.remove(found)
            record_not_started(self._history, job_id, f"it was stopped by {by}")
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds for the end of the last job; return True if all have ended."""
        return self._done.wait(timeout)

    def result(self, timeout: float | None = None) -> list[Job]:
        """Wait for all jobs and return those that started, in order.

        Raises JobFailedError, after the last job, if one or more failed; it names them. Raises TimeoutError if a job
        still runs after `timeout` seconds.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"{self!r} after {timeout} s; .wait() longer or .stop() it")
        jobs: list[Job] = []
        failed: list[str] = []
        for handle in self._handles:
            try:
                jobs.append(handle.result())
            except LeadflowError:
                failed.append(handle.id)
        if failed:
            raise JobFailedError(
                f"{len(failed)} of {len(self.ids)} jobs failed: {', '.join(failed)}; engine.resume goes on with each"
            )
        return jobs

    def _work(self) -> None:
        """Run the jobs in order. Whatever happens, each that did not start is recorded as stopped."""
        why = "the queue was stopped"
        try:
            while self._waiting and not self._stop.is_set():
                if self._limits.used_up:
                    why = "the queue's budget is used up"
                    return
                if handle := self._start_next():
                    self._follow(handle)
        except LeadflowError as error:
            why = str(error)
        finally:
            with self._changing:
                while self._waiting:
                    with suppress(LeadflowError):
                        record_not_started(self._history, self._waiting[0].id, why)
                    self._waiting.pop(0)
            self._done.set()

    def _start_next(self) -> JobHandle | None:
        """Start the first job that nobody asked to stop."""
        self._beat()
        with self._changing:
            if not self._waiting:
                return None
            handle = self._start(self._waiting[0], self._limits)
            self._handles.append(handle)
            self._waiting.pop(0)
        if self._stop.is_set():
            handle.stop(self._by)
        return handle

    def _beat(self) -> None:
        """Record that the process of the waiting jobs is alive. Take out those that another process asked to stop."""
        for waiting in list(self._waiting):
            with suppress(LeadflowError):
                if by := self._history.heartbeat(waiting.id, process_owner()):
                    self.stop_job(waiting.id, by)

    def _follow(self, handle: JobHandle) -> None:
        while not handle.wait(HEARTBEAT_S):
            self._beat()
        if job_ended := handle.ended:
            by_limit = job_ended.status is JobStatus.STOPPED and not handle.stop_asked and self._limits != Limits()
            self._limits = Limits(max_lookups=0) if by_limit else self._limits.after(job_ended)

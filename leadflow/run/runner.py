"""The thread of one job: it sends the heartbeat, runs the job and records the end."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from leadflow.errors import BudgetReached, JobBusyError, JobFailedError, LeadflowError, Stopped
from leadflow.events import JobComplete, JobErrored, JobProgress, raised_at
from leadflow.history import HEARTBEAT_S
from leadflow.job import Job, JobHandle, JobStatus
from leadflow.leads.counts import Counts
from leadflow.run.busy_log import busy_vendors_logged
from leadflow.run.context import RunContext
from leadflow.run.gc_pause import gc_frozen
from leadflow.run.job_record import limits_of, process_owner, record_end, record_running, rescrub_summary, summary
from leadflow.run.live_record import LiveRecord
from leadflow.run.pipeline import Pipeline
from leadflow.run.rescrub import Rescrub
from leadflow.run.tally import Tally
from leadflow.services.warehouse.browser import may_use_browser

# Makes the Job for the user from id, name, status, counts and message.
MakeJob = Callable[[str, str, JobStatus, Counts, str], Job]


class Runner:
    """Runs one job in its own thread and always records how it ended. The user gets `handle`."""

    def __init__(self, run: RunContext, make_job: MakeJob) -> None:
        tally = Tally(run)
        self._run = run
        self._tally = tally
        self._live = LiveRecord(run, tally)
        self._make_job = make_job
        self.handle = JobHandle(run.job_id, run.plan["name"], run.halt.stop, tally.now)

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._drive, name=f"leadflow-{self._run.job_id}", daemon=True).start()

    def _drive(self) -> None:
        """Run the job to its end, with a heartbeat in the background, and pass the result to the handle."""
        ended = threading.Event()
        heartbeat = threading.Thread(target=self._beat, args=(ended,), name="heartbeat", daemon=True)
        heartbeat.start()
        job, error = None, None
        try:
            with gc_frozen():
                job, error = self._run_to_end()
        except BaseException as unexpected:
            error = unexpected
        finally:
            ended.set()
            heartbeat.join()
            if may_use_browser(self._run.settings.warehouse):
                self._close_warehouse()  # before the user's next call, which would open a browser otherwise
            self.handle._finish(job, error)
            self._close_warehouse()

    def _close_warehouse(self) -> None:
        with suppress(Exception):
            self._run.services.warehouse.close()

    def _beat(self, ended: threading.Event) -> None:
        """Record the progress every second, and every five that this process is alive; hear whether to stop the job."""
        seconds = 0
        while not ended.wait(1.0):
            seconds += 1
            try:
                if seconds % HEARTBEAT_S == 0:
                    self._stop_if_asked(self._run.history.heartbeat(self._run.job_id, process_owner()))
                self._live.record()
            except JobBusyError:
                # Another process took the job over because this one seemed dead. Only one process may deliver.
                self.handle.stop("another process, which took it over")
            except LeadflowError:
                continue

    def _stop_if_asked(self, by: str) -> None:
        """Stop the job for another process that asked it to, through the history."""
        if by and not self.handle.stop_asked:
            self._run.log("Job", f"Asked to stop by {by}")
            self.handle.stop(by)

    def _run_to_end(self) -> tuple[Job | None, BaseException | None]:
        run = self._run
        self._begin()
        lost_before = run.services.idicore.lost_calls
        try:
            try:
                with busy_vendors_logged(run):
                    notes = (Rescrub if "rescrub" in run.plan else Pipeline)(run, self._tally).run()
            finally:
                self._log_lost(run.services.idicore.lost_calls - lost_before)
            return self._complete(notes), None
        except (Stopped, BudgetReached) as stopped:
            if isinstance(stopped, BudgetReached):
                run.checkpoints.change_plan(run.job_id, max_lookups=None, max_cost=None)
            return self._break_off(JobStatus.STOPPED, stopped), None
        except Exception as error:
            job = self._break_off(JobStatus.FAILED, error)
            return job, _failure(job, error)

    def _begin(self) -> None:
        run = self._run
        record_running(run, "ETL job started")
        idicore, codes = run.settings.idicore, run.services.dnc.policy
        run.log("Job", f"Purposes: glba={idicore.glba}, dppa={idicore.dppa}; result codes: {codes}")
        if run.only is None:
            run.log("Job", f"Limits: {limits_of(run)}")
        run.emit(JobProgress(stage="Engine", status="running", progress=0, message="ETL job started"))

    def _log_lost(self, lost: int) -> None:
        if lost:
            self._run.log(
                "idiCORE",
                f"{lost} lookups were lost with workers of the executor; those sent again may have been charged twice",
                "warning",
            )

    def _complete(self, notes: list[str]) -> Job:
        run, counts = self._run, self._tally.counts()
        self._raise_if_unfinished(counts)
        message = (rescrub_summary if "rescrub" in run.plan else summary)(run.job_id, counts, notes)
        run.checkpoints.end(run.job_id)
        self._tally.complete()
        run.emit(JobComplete(stage="Job", stats={**asdict(counts), **self._tally.flagged()}))
        return self._end(JobStatus.COMPLETED, message, counts)

    def _raise_if_unfinished(self, counts: Counts) -> None:
        """Raise an error unless every lead has an outcome. A run of an accepted lead does not settle the others."""
        job_id = self._run.job_id
        if counts.waiting and counts.balanced and self._run.only is not None:
            raise Stopped(
                f"{counts.waiting:,} leads of job {job_id} are still to be processed; "
                f"engine.resume({job_id!r}) goes on with them"
            )
        if not counts.balanced or counts.waiting:
            raise JobFailedError(
                f"job {job_id} lost count of its leads: {counts}; engine.resume({job_id!r}) settles the rest"
            )

    def _break_off(self, status: JobStatus, error: BaseException) -> Job:
        job_id = self._run.job_id
        message = self._message(error)
        self._run.emit(
            JobErrored(
                stage="Job",
                message=message,
                error=type(error).__name__,
                next_step=f"engine.resume({job_id!r})",
                source=raised_at(error),
            )
        )
        return self._end(status, message, self._tally.counts())

    def _message(self, error: BaseException) -> str:
        if isinstance(error, Stopped) and self.handle.stopped_by:
            job_id = self._run.job_id
            return (
                f"job {job_id} was stopped by {self.handle.stopped_by}; engine.resume({job_id!r}) goes on where it was"
            )
        return (
            str(error) if isinstance(error, LeadflowError) else f"unexpected {type(error).__name__} at {_where(error)}"
        )

    def _end(self, status: JobStatus, message: str, counts: Counts) -> Job:
        run, tally = self._run, self._tally
        self._live.close()
        tally.end(counts.cost)
        message = record_end(run, status, message, counts, tally.flagged(), tally.progress.percent)
        return self._make_job(run.job_id, run.plan["name"], status, counts, message)


def _where(error: BaseException) -> str:
    """Return the last file:line of the traceback, without the error's message, which may hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"


def _failure(job: Job, error: BaseException) -> BaseException:
    """Return the error that engine.run raises for a failed job."""
    failed = JobFailedError(f"job {job.id} failed: {job.message}\nTo go on where it was: engine.resume({job.id!r})")
    if isinstance(error, LeadflowError):
        failed.__cause__ = error
    else:
        failed.__suppress_context__ = True
    return failed

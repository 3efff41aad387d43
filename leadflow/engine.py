"""Engine: the methods with which an analyst runs, resumes, reviews and reports jobs."""

from __future__ import annotations

import threading
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.checkpoints import Checkpoints
from leadflow.checkpoints import review as candidates
from leadflow.errors import JobBusyError
from leadflow.events import EventBus, JobLog, Listener
from leadflow.history import STALE_S, History, set_default
from leadflow.job import Job, JobHandle, JobStatus
from leadflow.leads.counts import Counts
from leadflow.run.arguments import raise_if_other_targets, raise_if_unusable, whole_number
from leadflow.run.budget import Budget
from leadflow.run.context import Plan, RunContext, Services
from leadflow.run.estimate import Estimate as Estimate
from leadflow.run.estimate import estimate
from leadflow.run.halt import Halt
from leadflow.run.job_record import new_job_id, process_owner, record_new
from leadflow.run.progress import wait_for
from leadflow.run.report_facts import read_facts
from leadflow.run.resume import accepted_before, resumed_budget, spent_budget, store_choice, stored_plan
from leadflow.run.runner import Runner
from leadflow.services.dncscrub import LitigatorList
from leadflow.services.idicore import Idicore
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.settings import Settings
from leadflow.stages.script import read_script

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.check import CheckResult
    from leadflow.reports import Report

_engines: list[Engine] = []
# Locked while a job is resumed, so that two threads or two engines of one process cannot resume it at once.
_starting = threading.Lock()


class Engine:
    """Runs scripts through all the stages. One engine may run several jobs at once.

    Without `settings`, the engine reads them from the environment and .env. It raises SettingsError if they are not
    complete. `executor` is any concurrent.futures.Executor whose workers send the lookups: a pool of threads or of
    processes, or dask's `client.get_executor()`. The engine does not shut it down. All limits hold over all its workers
    together. If the executor breaks, the job ends as FAILED with an ExecutorError. You can resume the job with another
    executor or without one.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     job = engine.run("SELECT * FROM RAW_LEADS", name="all", limit_rows=20)
        ...     str(job.status)
        'COMPLETED'
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with lf.local.start() as world, ThreadPoolExecutor(8) as pool:
        ...     with lf.Engine(world.settings, executor=pool) as engine:
        ...         engine.run("SELECT * FROM RAW_LEADS", limit_rows=20).ok
        True
    """

    def __init__(self, settings: Settings | None = None, *, executor: Executor | None = None) -> None:
        from leadflow.services.dnc_list import dnc_service

        self.settings = settings if settings is not None else Settings()  # pyright: ignore[reportCallIssue] - from .env
        raise_if_unusable(self.settings)
        self.history = History(self.settings.history_file, wait_s=self.settings.history_wait_s)
        self.history.prepare()
        set_default(self.settings.history_file)
        self.checkpoints = Checkpoints(self.settings.checkpoint_file)
        self.checkpoints.prune(self.settings.policy.keep_checkpoints_days)
        self.idicore = Idicore(self.settings.idicore, executor)
        self.litigator = LitigatorList(self.settings.litigator)
        self.dnc = dnc_service(self.settings.dnc)
        self._running: dict[str, JobHandle] = {}
        _engines.append(self)

    def __enter__(self) -> Engine:
        """Return this engine."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the engine."""
        self.close()

    def check(self) -> CheckResult:
        """Check every account, right and limit before any money is spent. Return one row each, with what to do.

        It writes nothing and buys no lookup. DNCScrub may bill the canaries and one reserved number for each list.
        """
        from leadflow.check import check_systems

        return check_systems(self.settings, self.dnc)

    def run(
        self,
        script: str | Path,
        name: str | None = None,
        limit_rows: int | None = None,
        *,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        progress: bool = True,
    ) -> Job:
        """Run a script (SQL text, or the path of a .sql file), wait for its end and return the job.

        `limit_rows` counts unprocessed leads that can be looked up. Raises JobFailedError if the job fails. Returns a
        job that was stopped. Ctrl-C waits for the calls in flight, stops the job and raises KeyboardInterrupt. You can
        resume the job.
        """
        handle = self.submit(script, name, limit_rows, max_lookups=max_lookups, max_cost=max_cost)
        return wait_for(handle, progress)

    def submit(
        self,
        script: str | Path,
        name: str | None = None,
        limit_rows: int | None = None,
        *,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> JobHandle:
        """Start a run in the background. `listeners` get all its events, from the first."""
        text, name = read_script(script, name)
        limit_rows = whole_number("limit_rows", limit_rows, 1)
        job_id = new_job_id(name)
        budget = Budget.of(self.settings, max_lookups, max_cost)
        plan = Plan(
            script=text,
            name=name,
            limit_rows=limit_rows,
            max_lookups=budget.max_lookups,
            max_cost=budget.max_cost,
        )
        record_new(self.history, job_id, plan, self.settings, self.dnc.policy)
        self.checkpoints.add_job(job_id, plan)
        return self._launch(job_id, plan, budget, listeners)

    def resume(
        self, job_id: str, *, max_lookups: int | None = None, max_cost: float | None = None, progress: bool = True
    ) -> Job:
        """Continue a job whose last run died, failed or was stopped, and try again the leads held back for retry.

        It pays for nothing twice. `max_lookups` and `max_cost` limit the job over all its runs. Without them, a job
        keeps the limits it had, but a job that a limit stopped continues with the limits of the settings, if any.
        Raises JobNotFound for an unknown job, JobBusyError while another live process runs it, and InputError if the
        settings name another sheet or other tables than those the job began with.
        """
        return wait_for(self.submit_resume(job_id, max_lookups=max_lookups, max_cost=max_cost), progress)

    def submit_resume(
        self,
        job_id: str,
        *,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> JobHandle:
        """Resume a job in the background."""
        raise_if_other_targets(self.history.job(job_id), self.settings)
        plan = stored_plan(self.checkpoints, job_id)
        budget = resumed_budget(job_id, plan, self.settings, self.checkpoints, max_lookups, max_cost)
        with _starting:
            _raise_if_running(job_id)
            self.history.claim(job_id, process_owner(), STALE_S)
            self.checkpoints.reopen(job_id)
            return self._launch(job_id, plan, budget, listeners, self.history.last_seq(job_id))

    def review(self, job_id: str) -> pd.DataFrame:
        """Return the leads of a job that are under review, one row a candidate. Raises JobNotFound. See Job.review."""
        self.history.job(job_id)
        return candidates.review(self.checkpoints, job_id)

    def accept(self, person_key: str, pid: str | int, *, progress: bool = True) -> Job:
        """Accept a candidate of job.review() as the lead's person: check the phones, deliver the lead, buy nothing.

        Continues the job that has the lead and returns it. If several jobs have the lead, it continues the newest.
        Accepting the same candidate again does nothing. If the delivery broke off, engine.resume completes it. Other
        leads of the job do not change: a job that a limit stopped stays STOPPED. Raises InputError, before it changes
        anything, for a lead that is not under review, an unknown pid and a deceased candidate. Raises JobBusyError
        while the job runs, and JobFailedError if the delivery fails.
        """
        with _starting:
            choice = candidates.choose(self.checkpoints, person_key, pid)
            if choice.done:
                return self._job(*accepted_before(choice, self.history))
            handle = self._deliver_accepted(choice)
        job = wait_for(handle, progress)
        return replace(
            job, message=f"lead {person_key}: {candidates.outcome(self.checkpoints, job.id, person_key)}; {job.message}"
        )

    def _deliver_accepted(self, choice: candidates.Choice) -> JobHandle:
        job_id = choice.job_id
        raise_if_other_targets(self.history.job(job_id), self.settings)
        _raise_if_running(job_id)
        plan = stored_plan(self.checkpoints, job_id)
        store_choice(choice, self.history, self.checkpoints)
        plan["only"] = [choice.answer.person_key]
        budget = spent_budget(job_id, plan, self.settings, self.checkpoints)
        return self._launch(job_id, plan, budget, (), self.history.last_seq(job_id))

    def _job(self, job_id: str, name: str, status: JobStatus, counts: Counts, message: str) -> Job:
        return Job(job_id, name, status, counts, message, self.report, self.trace, self.review)

    def _launch(
        self,
        job_id: str,
        plan: Plan,
        budget: Budget,
        listeners: tuple[Listener, ...],
        last: tuple[int, float] = (0, 0.0),
    ) -> JobHandle:
        """Start the thread of a job. `last` is the number of the job's last event, and the seconds that it has run."""
        seq, elapsed = last
        bus = EventBus(job_id, self.history.record, *listeners, first_seq=seq + 1, elapsed=elapsed)
        if seq == 0:
            bus.emit(JobLog(stage="Job", message="Job created, status=PENDING"))
        self._reset_failures()
        stop = threading.Event()
        budget.stop = halt = Halt(job_id, stop)
        services = self._services(job_id, stop)
        run = RunContext(job_id, plan, self.settings, services, self.checkpoints, self.history, budget, halt, bus.emit)
        runner = Runner(run, self._job)
        self._running[job_id] = runner.handle
        runner.start()
        return runner.handle

    def _reset_failures(self) -> None:
        """Let a new run call vendors that failed before. If no other job runs, let it write the checkpoints again."""
        if not self.running:
            self.checkpoints.try_again()
        for service in (self.idicore, self.litigator, self.dnc):
            for breaker in getattr(service, "breakers", ()):
                breaker.reset()

    def _services(self, job_id: str, stop: threading.Event) -> Services:
        return Services(
            Warehouse(self.settings.warehouse, query_tag=f"leadflow:{job_id}"),
            self.idicore,
            self.litigator,
            self.dnc,
            Sheet(self.settings.sheets, locks=self.settings.home.expanduser(), stop=stop),
        )

    @property
    def running(self) -> list[JobHandle]:
        """The jobs that this engine runs now, the newest last."""
        return [handle for handle in self._running.values() if not handle.wait(0)]

    def estimate(self, script: str | Path, limit_rows: int | None = None) -> Estimate:
        """Return the rows, calls and cost of a run, from the exact anti-join. It buys nothing and changes no table."""
        return estimate(script, limit_rows, self.settings, self.checkpoints)

    def trace(self, job_id: str) -> pd.DataFrame:
        """Return the timeline of a job as a DataFrame, one row an event."""
        from leadflow import reports

        self.history.flush()
        return reports.trace(job_id, history=self.history)

    def report(self, job_id: str) -> Report:
        """Return the report of a job, validated against the sheet and the tables as they are now."""
        from leadflow import reports

        self.history.flush()
        facts = read_facts(job_id, self.settings, self.checkpoints)
        return reports.report(job_id, history=self.history, facts=facts)

    def forget(self, person_key: str) -> int:
        """Remove a person from the checkpoints. Return the number of rows removed.

        This does not change the sheet and the Snowflake tables. lf.lineage(person_key) lists where the lead went.
        """
        return self.checkpoints.forget(person_key)

    def close(self) -> None:
        """Stop the running jobs, wait for their end, and close every service."""
        for handle in self._running.values():
            handle.stop()
        for handle in self._running.values():
            handle.wait()
        self.history.close()
        self.checkpoints.close()
        for service in (self.idicore, self.litigator, self.dnc):
            service.close()
        if self in _engines:
            _engines.remove(self)


def last_engine() -> Engine | None:
    """Return the newest engine of this process that is not closed; None if there is none."""
    return _engines[-1] if _engines else None


def _raise_if_running(job_id: str) -> None:
    """Raise JobBusyError if any engine of this process runs the job: a notebook may have a second engine."""
    if any(handle.id == job_id for engine in _engines for handle in engine.running):
        raise JobBusyError(f"job {job_id} runs in this very process; .stop() its handle first")

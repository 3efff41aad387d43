"""The verbs that run jobs: run, submit, resume, estimate, review, accept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.checkpoints import review as candidates
from leadflow.engine.base import raise_if_running, starting
from leadflow.engine.launch import Launch, SignedIn
from leadflow.events import Listener
from leadflow.history import STALE_S
from leadflow.job import Job, JobHandle, JobStatus
from leadflow.run.arguments import raise_if_other_targets, whole_number
from leadflow.run.budget import Budget
from leadflow.run.context import Plan
from leadflow.run.estimate import Estimate, estimate
from leadflow.run.estimate_by_provider import with_providers
from leadflow.run.job_queue import JobQueue, Limits, QueuedJob
from leadflow.run.job_record import new_job_id, process_owner, record_new
from leadflow.run.progress import wait_for
from leadflow.run.resume import accepted_before, resumed_budget, spent_budget, store_choice, stored_plan
from leadflow.run.source_check import check_alone, check_source
from leadflow.stages.lead_source import LeadSource, listed, read_source

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none
    import polars as pl

    Frame = pd.DataFrame | pl.DataFrame
    # A LeadSource is what read_source has read: the engine runs that text, whatever becomes of its file.
    Script = str | Path | Frame | LeadSource


class Runs(Launch):
    """The verbs that run jobs."""

    def run(
        self,
        script: Script,
        name: str | None = None,
        limit_rows: int | None = None,
        *,
        params: Mapping[str, object] | None = None,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        progress: bool = True,
        raise_on_stop: bool = False,
    ) -> Job:
        """Run a script (SQL text or a .sql file) or leads (a frame, a .csv or .parquet), wait, and return the job.

        Leads go through the same rules as a script's rows. `params` are values for the script's session variables, as
        in {"state": "ME"} for $state. `limit_rows` counts unprocessed leads that can be looked up.

        Raises ScriptError, ColumnsError or InputError, and records no job, for what can never run; JobFailedError if
        the job fails. Returns a job that was stopped, or raises Stopped with `raise_on_stop`, so that a scheduled
        notebook fails. Ctrl-C waits for the calls in flight, stops the job and raises KeyboardInterrupt. You can resume
        the job.
        """
        handle = self.submit(script, name, limit_rows, params=params, max_lookups=max_lookups, max_cost=max_cost)
        return wait_for(handle, progress, raise_on_stop)

    def submit(
        self,
        script: Script,
        name: str | None = None,
        limit_rows: int | None = None,
        *,
        params: Mapping[str, object] | None = None,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> JobHandle:
        """Start a run in the background. `listeners` get all its events, from the first.

        A script or leads that can never run are refused before a job is recorded. For that, Snowflake compiles a script
        of one statement. Raises ScriptError, ColumnsError, InputError.
        """
        source = read_source(script, name, params)
        limit_rows = whole_number("limit_rows", limit_rows, 1)
        budget = Budget.of(self.settings, max_lookups, max_cost)
        job_id = new_job_id(source.name)
        warehouse = self._warehouse(job_id)
        try:
            refused = check_source(source, self.settings, warehouse)
            job = self._recorded(source, limit_rows, budget, job_id)
        except BaseException:
            warehouse.close()
            raise
        return self._launch(job.id, job.plan, budget, listeners, rows=job.rows, signed_in=SignedIn(warehouse, refused))

    def queue(
        self,
        scripts: str | Path | Iterable[str | Path | Frame],
        *,
        limit_rows: int | None = None,
        params: Mapping[str, object] | None = None,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> JobQueue:
        """Run scripts, files of leads or frames one after another, in the background.

        `scripts` is a list, or a folder, of which the .sql, .csv, .tsv and .parquet files run by name. All are read
        before the first one starts: one that cannot be read, or that may not run, stops all. `limit_rows` and `params`
        are for each job; `max_lookups` and `max_cost` are for all together. A failed job does not keep the next from
        starting. After a stop, or at the end of the budget, the rest are STOPPED, and engine.resume runs each of them.
        """
        sources = [read_source(script, None, params) for script in listed(scripts)]
        for source in sources:
            check_alone(source, self.settings)
        limit_rows = whole_number("limit_rows", limit_rows, 1)
        budget = Budget.of(self.settings, max_lookups, max_cost)
        jobs = [
            self._recorded(source, limit_rows, budget, new_job_id(source.name), JobStatus.QUEUED) for source in sources
        ]

        def start(job: QueuedJob, left: Limits) -> JobHandle:
            budget = Budget.of(self.settings, left.max_lookups, left.max_cost)
            return self._launch(job.id, job.plan, budget, listeners, rows=job.rows)

        queue = JobQueue(jobs, Limits(max_lookups, max_cost), self.history, start)
        self._queues.append(queue)
        return queue

    def _recorded(
        self,
        source: LeadSource,
        limit_rows: int | None,
        budget: Budget,
        job_id: str,
        status: JobStatus = JobStatus.PENDING,
    ) -> QueuedJob:
        """Record a new job in both stores."""
        plan = Plan(
            script=source.script,
            name=source.name,
            limit_rows=limit_rows,
            max_lookups=budget.max_lookups,
            max_cost=budget.max_cost,
            job_type=source.job_type,
            variables=list(source.variables),
            file=source.file,
        )
        job = QueuedJob(job_id, plan, source.rows)
        record_new(self.history, job.id, plan, self.settings, self.dnc.policy, status)
        self.checkpoints.add_job(job.id, plan)
        return job

    def resume(
        self, job_id: str, *, max_lookups: int | None = None, max_cost: float | None = None, progress: bool = True
    ) -> Job:
        """Continue a job whose last run died, failed or was stopped, and try again the leads held back for retry.

        It pays for nothing twice. `max_lookups` and `max_cost` limit the job over all its runs. Without them, a job
        keeps the limits it had, but a job that a limit stopped continues with the limits of the settings, if any.
        Raises JobNotFound for an unknown job, JobBusyError while another live process runs it, InputError if the
        settings name another sheet or other tables than those the job began with, and BudgetReached, before it
        begins, if the budget allows nothing of what is left.
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
        self.providers.raise_if_other(job_id, plan)
        budget = resumed_budget(job_id, plan, self.settings, self.checkpoints, max_lookups, max_cost)
        with starting:
            raise_if_running(job_id)
            self.history.claim(job_id, process_owner(), STALE_S)
            self.checkpoints.reopen(job_id)
            return self._launch(job_id, plan, budget, listeners, self.history.last_seq(job_id))

    def accept(self, person_key: str, pid: str | int, *, progress: bool = True) -> Job:
        """Accept a candidate of job.review() as the lead's person: check the phones, deliver the lead, buy nothing.

        Continues the job that has the lead and returns it. If several jobs have the lead, it continues the newest.
        Accepting the same candidate again does nothing. If the delivery broke off, engine.resume completes it. Other
        leads of the job do not change: a job that a limit stopped stays STOPPED. Raises InputError, before it changes
        anything, for a lead that is not under review, an unknown pid and a deceased candidate. Raises JobBusyError
        while the job runs, and JobFailedError if the delivery fails.
        """
        with starting:
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
        raise_if_running(job_id)
        plan = stored_plan(self.checkpoints, job_id)
        self.providers.raise_if_other(job_id, plan)
        store_choice(choice, self.history, self.checkpoints)
        plan["only"] = [choice.answer.person_key]
        budget = spent_budget(job_id, plan, self.settings, self.checkpoints)
        return self._launch(job_id, plan, budget, (), self.history.last_seq(job_id))

    def estimate(
        self,
        script: Script,
        limit_rows: int | None = None,
        *,
        params: Mapping[str, object] | None = None,
        max_lookups: int | None = None,
        max_cost: float | None = None,
    ) -> Estimate:
        """Return the rows, calls and cost of a run, from the exact anti-join. It buys nothing and changes no table.

        With a budget (`max_lookups`, `max_cost` in dollars; by default that of the settings) it also says after how
        many leads the budget stops the run. Raises InputError, SettingsError, ScriptError, ColumnsError.

        Example:
            >>> import leadflow as lf
            >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
            ...     engine.estimate("SELECT * FROM RAW_LEADS", limit_rows=60, max_lookups=25).stops_after
            25
        """
        budget = Budget.of(self.settings, max_lookups, max_cost)
        found = estimate(read_source(script, None, params), limit_rows, budget, self.settings, self.checkpoints)
        return with_providers(found, self.settings, self.providers, self.checkpoints)

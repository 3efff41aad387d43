"""The start of a job's thread, which every verb that runs a job shares."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.engine.reading import Reading
from leadflow.events import EventBus, JobLog, Listener
from leadflow.job import Job, JobHandle, JobStatus
from leadflow.leads.counts import Counts
from leadflow.run.budget import Budget
from leadflow.run.context import Plan, RunContext, Services
from leadflow.run.halt import Halt
from leadflow.run.runner import Runner
from leadflow.services.sheets import ExistingSheet, Sheet
from leadflow.services.warehouse import Warehouse

if TYPE_CHECKING:
    import polars as pl

    from leadflow.errors import ServiceError


@dataclass(frozen=True)
class SignedIn:
    """The session of a job that is about to start. `refused` is why Snowflake could not be signed in to."""

    warehouse: Warehouse
    refused: ServiceError | None = None


class Launch(Reading):
    """Starts jobs."""

    def _job(self, job_id: str, name: str, status: JobStatus, counts: Counts, message: str) -> Job:
        return Job(job_id, name, status, counts, message, self.report, self.trace, self.review, self.leads)

    def _launch(
        self,
        job_id: str,
        plan: Plan,
        budget: Budget,
        listeners: tuple[Listener, ...],
        last: tuple[int, float] = (0, 0.0),
        rows: pl.DataFrame | None = None,
        signed_in: SignedIn | None = None,
    ) -> JobHandle:
        """Start the thread of a job. `last` is the number of the job's last event, and the seconds that it has run.

        `rows` are the leads of a job that is started with a frame or a file; `signed_in` is a sign-in made for it.
        """
        seq, elapsed = last
        bus = EventBus(job_id, self.history.record, *listeners, first_seq=seq + 1, elapsed=elapsed)
        if seq == 0:
            bus.emit(JobLog(stage="Job", message="Job created, status=PENDING"))
        self._reset_failures()
        stop = threading.Event()
        budget.stop = halt = Halt(job_id, stop)
        self._provide(job_id, plan, budget)
        signed_in = signed_in or SignedIn(self._warehouse(job_id))
        services = self._services(signed_in.warehouse, plan, stop)
        stores, refused = (self.checkpoints, self.history), signed_in.refused
        run = RunContext(job_id, plan, self.settings, services, *stores, budget, halt, bus.emit, rows, refused)
        runner = Runner(run, self._job)
        self._running[job_id] = runner.handle
        runner.start()
        return runner.handle

    def _provide(self, job_id: str, plan: Plan, budget: Budget) -> None:
        """Give the budget the prices of the further providers, and record which the job began with."""
        budget.prices = self.providers.priced(budget.prices)
        bought = self.checkpoints.further_bought(job_id).values()
        budget.resume_further(sum(one.asked + one.lost for one in bought), sum(one.cost for one in bought))
        if "providers" not in plan and self.providers.all:
            self.checkpoints.change_plan(job_id, providers=self.providers.names)

    def _reset_failures(self) -> None:
        """Let a new run call vendors that failed before. If no other job runs, let it write the checkpoints again."""
        if not self.running:
            self.checkpoints.try_again()
        for service in (self.idicore, self.litigator, self.dnc, self.reassigned, *self.providers.all):
            for breaker in getattr(service, "breakers", ()):
                breaker.reset()

    def _warehouse(self, job_id: str) -> Warehouse:
        return Warehouse(self.settings.warehouse, query_tag=f"leadflow:{job_id}")

    def _services(self, warehouse: Warehouse, plan: Plan, stop: threading.Event) -> Services:
        # A re-scrub of a tab that is not there would find nothing to do, as if all were well.
        sheet = ExistingSheet if "rescrub" in plan else Sheet
        return Services(
            warehouse,
            self.idicore,
            self.litigator,
            self.dnc,
            sheet(self.settings.sheets, locks=self.settings.home.expanduser(), stop=stop),
            self.reassigned,
            self.providers,
        )

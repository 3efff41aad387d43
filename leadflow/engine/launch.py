"""The start of a job's thread, which every verb that runs a job shares."""

from __future__ import annotations

import threading

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


class Launch(Reading):
    """Starts jobs."""

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
        services = self._services(job_id, plan, stop)
        run = RunContext(job_id, plan, self.settings, services, self.checkpoints, self.history, budget, halt, bus.emit)
        runner = Runner(run, self._job)
        self._running[job_id] = runner.handle
        runner.start()
        return runner.handle

    def _reset_failures(self) -> None:
        """Let a new run call vendors that failed before. If no other job runs, let it write the checkpoints again."""
        if not self.running:
            self.checkpoints.try_again()
        for service in (self.idicore, self.litigator, self.dnc, self.reassigned):
            for breaker in getattr(service, "breakers", ()):
                breaker.reset()

    def _services(self, job_id: str, plan: Plan, stop: threading.Event) -> Services:
        # A re-scrub of a tab that is not there would find nothing to do, as if all were well.
        sheet = ExistingSheet if "rescrub" in plan else Sheet
        return Services(
            Warehouse(self.settings.warehouse, query_tag=f"leadflow:{job_id}"),
            self.idicore,
            self.litigator,
            self.dnc,
            sheet(self.settings.sheets, locks=self.settings.home.expanduser(), stop=stop),
            self.reassigned,
        )

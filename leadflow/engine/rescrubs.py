"""The verbs that check delivered rows again: rescrub, submit_rescrub."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, overload

from leadflow.engine.launch import Launch
from leadflow.run.job_record import new_job_id, record_new
from leadflow.run.progress import wait_for
from leadflow.run.rescrub_start import NAME, RescrubEstimate, estimate_rescrub, rescrub_budget, rescrub_plan

if TYPE_CHECKING:
    from leadflow.events import Listener
    from leadflow.job import Job, JobHandle


class Rescrubs(Launch):
    """The verbs that run a re-scrub."""

    @overload
    def rescrub(
        self,
        older_than_days: float | None = None,
        *,
        dry_run: Literal[False] = False,
        max_cost: float | None = None,
        progress: bool = True,
    ) -> Job: ...

    @overload
    def rescrub(
        self,
        older_than_days: float | None = None,
        *,
        dry_run: Literal[True],
        max_cost: float | None = None,
        progress: bool = True,
    ) -> RescrubEstimate: ...

    def rescrub(
        self,
        older_than_days: float | None = None,
        *,
        dry_run: bool = False,
        max_cost: float | None = None,
        progress: bool = True,
    ) -> Job | RescrubEstimate:
        """Check the phones of delivered rows again, renew the rows that may still be called, and withdraw the others.

        It takes the rows of the callers' sheet that have a key and whose checks are `older_than_days` (by default
        settings.compliance.rescrub_after_days), or whose dates are missing or cannot be read; 0 takes all rows. It buys
        no lookup. A row stays if every phone that it shows may be called: its dates and verdicts are brought up to
        date, in place. Else it is withdrawn as settings.compliance.withdraw says: moved to another tab with the
        callers' notes, or deleted. A row without an answer stays while its old checks count, for a resume or the next
        re-scrub, and is withdrawn once they do not count any more.

        It is a job like any other: recorded, traceable, resumable with engine.resume. With `dry_run` nothing is checked
        or changed, and the result says what would be. `max_cost` limits the cost of the checks, in dollars. Raises
        InputError, and JobFailedError if the job fails; rows that are known to be unlawful are withdrawn even then.

        Source: 16 CFR 310.4(b)(3)(iv) and 47 CFR 64.1200(c)(2)(i)(D), read 2026-11: a version of the registry obtained
        no more than 31 days before the date of the call.

        Example:
            >>> import leadflow as lf
            >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
            ...     delivered = engine.run("SELECT * FROM RAW_LEADS", limit_rows=20).counts.delivered
            ...     engine.rescrub(older_than_days=0).counts.renewed == delivered
            True
        """
        if dry_run:
            found = estimate_rescrub(self.settings, older_than_days)
            more = found.phones * sum(check.price for check in self.providers.checks)
            return replace(found, cost=round(found.cost + more, 2))
        return wait_for(self.submit_rescrub(older_than_days, max_cost=max_cost), progress)

    def submit_rescrub(
        self,
        older_than_days: float | None = None,
        *,
        max_cost: float | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> JobHandle:
        """Start a re-scrub in the background. `listeners` get all its events, from the first."""
        plan = rescrub_plan(self.settings, older_than_days, max_cost)
        job_id = new_job_id(NAME)
        record_new(self.history, job_id, plan, self.settings, self.dnc.policy)
        self.checkpoints.add_job(job_id, plan)
        return self._launch(job_id, plan, rescrub_budget(self.settings, plan["max_cost"]), listeners)

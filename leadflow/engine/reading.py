"""The verbs that read: check, trace, report, review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadflow.checkpoints import review as candidates
from leadflow.engine.base import EngineBase
from leadflow.run.report_facts import read_facts

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.check import CheckResult
    from leadflow.reports import Report
    from leadflow.reports.why import Why


class Reading(EngineBase):
    """The verbs that read what jobs recorded, and check the accounts."""

    def check(self) -> CheckResult:
        """Check every account, right and limit before any money is spent. Return one row each, with what to do.

        It writes nothing and buys no lookup. DNCScrub may bill the canaries and one reserved number for each list.
        """
        from leadflow.check import check_systems

        return check_systems(self.settings, self.dnc, self.providers.lookups, self.providers.checks)

    def trace(self, job_id: str, full: bool = False) -> pd.DataFrame:
        """Return the timeline of a job as a DataFrame, one row an event. See lf.trace for its columns."""
        from leadflow import reports

        self.history.flush()
        return reports.trace(job_id, full=full, history=self.history)

    def report(self, job_id: str) -> Report:
        """Return the report of a job, validated against the sheet and the tables as they are now."""
        from leadflow import reports

        self.history.flush()
        facts = read_facts(job_id, self.settings, self.checkpoints)
        return reports.report(job_id, history=self.history, facts=facts)

    def review(self, job_id: str) -> pd.DataFrame:
        """Return the leads of a job that are under review, one row a candidate. Raises JobNotFound. See Job.review."""
        self.history.job(job_id)
        return candidates.review(self.checkpoints, job_id)

    def why(self, person_key: str | None = None, **who: str) -> Why:
        """Return why a person was delivered or not, over all jobs: one sentence, and the evidence.

        Name the person by the key in the sheet's Lead Key column, or by parts: first, last, address, city, state, zip.
        A part that is missing fits everybody. Parts are looked for in the history, the checkpoints and Snowflake, and
        are never logged. The answer shows itself without phones; `.evidence` is a DataFrame with them.

        Raises LeadNotFound, which says where the person was looked for. Raises InputError if several people have these
        parts, with their keys.

        Example:
            >>> import leadflow as lf
            >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
            ...     job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=20, progress=False)
            ...     "was delivered by job" in engine.why(job.delivered()["Lead Key"][0]).sentence
            True
        """
        from leadflow.run.why import why

        self.history.flush()
        return why(person_key, who, self.settings, self.history, self.checkpoints)

    def leads(self, job_id: str, reason: str | None = None) -> pd.DataFrame:
        """Return a job's settled leads with the people's columns, or those of one reason. See Job.leads."""
        from leadflow.run.job_leads import job_leads

        self.history.flush()
        return job_leads(job_id, reason, self.settings, self.history)

"""The report of a job. It reads its data from the history and renders it on request."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from leadflow.history import History, open_history, standing
from leadflow.reports.accounting import counts_so_far
from leadflow.reports.data import ReportData
from leadflow.reports.delays import delays
from leadflow.reports.facts import Facts
from leadflow.reports.flow import flow
from leadflow.reports.html import to_html
from leadflow.reports.markdown import to_markdown
from leadflow.reports.notes import coverage, notes
from leadflow.reports.opt_outs import opt_out_lines
from leadflow.reports.tables import rows_where
from leadflow.reports.text import to_text
from leadflow.reports.validation import validation


class Report(ReportData):
    """The report of a job: a page in a notebook, text elsewhere, and DataFrames for further analysis."""

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        return to_markdown(self)

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        """Return a few lines for a plain prompt."""
        return to_text(self)


def report(job_id: str, *, history: History | Path | str | None = None, facts: Facts | None = None) -> Report:
    """Return the report of a job. For a job that has not ended, it shows the current state.

    Without `facts`, no check of the sheet and the tables is ticked.
    """
    opened = open_history(history)
    job = job_row(opened, job_id)
    timeline = opened.trace(job_id)
    return Report(
        job=job,
        timeline=timeline,
        flow=flow(opened.batches(job_id)),
        events=rows_where(timeline, timeline["event"] != "job_log").reset_index(drop=True),
        validation=validation(job, facts),
        delays=delays(opened, job),
        standing=standing(job),
        notes=notes(job, timeline),
        coverage=coverage(timeline),
        opt_outs=opt_out_lines(facts.opt_outs if facts else (), datetime.now(timezone.utc)),
    )


def job_row(history: History, job_id: str) -> dict[str, Any]:
    """Return a job's row. If the job has not ended, the counts are those of the outcomes recorded so far."""
    job = history.job(job_id)
    if job["status"] not in ("PENDING", "RUNNING"):
        return job
    return {**job, "counts": counts_so_far(job["counts"], history.leads(job_id))}

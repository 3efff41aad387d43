"""The report of a job. It reads its data from the history, renders it on request, and saves it as a file."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import InputError
from leadflow.history import History, open_history, standing
from leadflow.reports.accounting import counts_so_far
from leadflow.reports.data import ReportData
from leadflow.reports.delays import delays
from leadflow.reports.facts import Facts
from leadflow.reports.flow import flow
from leadflow.reports.html import to_html, to_page
from leadflow.reports.markdown import to_markdown
from leadflow.reports.notes import coverage, limits, notes
from leadflow.reports.opt_outs import opt_out_lines
from leadflow.reports.runs import runs_of
from leadflow.reports.schedule import schedule
from leadflow.reports.tables import rows_where
from leadflow.reports.text import to_text
from leadflow.reports.trend import against_usual
from leadflow.reports.validation import validation

if TYPE_CHECKING:
    import pandas as pd

_RENDERERS = {".html": to_page, ".htm": to_page, ".md": to_markdown, ".markdown": to_markdown, ".txt": to_text}


class Report(ReportData):
    """The report of a job: a page in a notebook, text elsewhere, and DataFrames for further analysis."""

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        return to_markdown(self)

    def save(self, path: str | Path) -> Path:
        """Save the report as a file: .html (a page of its own), .md or .txt. Return its path.

        An existing file is replaced. Raises InputError for another ending, and if the file cannot be written.
        """
        file = Path(path).expanduser()
        render = _RENDERERS.get(file.suffix.lower())
        if render is None:
            raise InputError(f"a report is saved as .html, .md or .txt, not {file.suffix or 'without an ending'!r}")
        try:
            file.write_text(render(self), encoding="utf-8")
        except OSError as error:
            failure = InputError(f"the report cannot be saved as {file} ({error.strerror}); name another file")
        else:
            return file
        raise failure

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        """Return a few lines for a plain prompt."""
        return to_text(self)


def report(job_id: str, *, history: History | Path | str | None = None, facts: Facts | None = None) -> Report:
    """Return the report of a job. For a job that has not ended, it shows the current state.

    Without `facts`, the checks of the sheet and the tables count as not made.
    """
    opened = open_history(history)
    job = job_row(opened, job_id)
    timeline, batches = opened.trace(job_id), flow(opened.batches(job_id))
    unusual, usual = _compared(opened, job, timeline)
    return Report(
        job=job,
        timeline=timeline,
        flow=batches,
        events=rows_where(timeline, timeline["event"] != "job_log").reset_index(drop=True),
        validation=validation(job, facts),
        delays=delays(opened, job),
        standing=standing(job),
        notes=[*notes(job, timeline), *unusual],
        coverage=coverage(timeline),
        opt_outs=opt_out_lines(facts.opt_outs if facts else (), datetime.now(timezone.utc)),
        limits=limits(timeline),
        usual=usual,
        schedule=schedule(batches, runs_of(timeline)),
    )


def _compared(history: History, job: dict[str, Any], timeline: pd.DataFrame) -> tuple[list[str], str]:
    """Return a note on what is unusual against earlier jobs, or a line that nothing is."""
    if timeline.empty:
        return [], ""
    found, jobs = against_usual(history, job, float(timeline["elapsed"].max()))
    if found:
        return [f"Unusual against the last {jobs} jobs of this script: {'; '.join(found)}."], ""
    return [], f"Nothing is unusual against the last {jobs} jobs of this script." if jobs else ""


def job_row(history: History, job_id: str) -> dict[str, Any]:
    """Return a job's row. If the job has not ended, the counts are those of the outcomes recorded so far."""
    job = history.job(job_id)
    if job["status"] not in ("QUEUED", "PENDING", "RUNNING"):
        return job
    return {**job, "counts": counts_so_far(job["counts"], history.leads(job_id))}

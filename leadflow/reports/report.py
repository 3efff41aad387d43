"""The report of a job, and two jobs compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.events import COVERAGE
from leadflow.history import History, open_history, standing
from leadflow.reports.delays import delays
from leadflow.reports.flow import accounting_of, flow, so_far, total_line
from leadflow.reports.html import to_html
from leadflow.reports.markdown import to_markdown
from leadflow.reports.validation import Facts, validation

if TYPE_CHECKING:
    import pandas as pd

_SECONDS = ("lookup_s", "check_s", "deliver_s", "cache_s")


@dataclass(frozen=True, repr=False, eq=False)
class Report:
    """What happened in a job; a page in a notebook, text elsewhere, DataFrames for more."""

    job: dict[str, Any]
    timeline: pd.DataFrame
    flow: pd.DataFrame
    events: pd.DataFrame
    validation: pd.DataFrame
    delays: pd.DataFrame
    standing: str = ""
    notes: list[str] = field(default_factory=list)
    coverage: str = ""

    @property
    def ok(self) -> bool:
        """Whether every check of the validation holds."""
        return bool(self.validation["ok"].all())

    def to_markdown(self) -> str:
        """The report as Markdown."""
        return to_markdown(self)

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        """A few lines for a plain prompt."""
        ticks = [f"[{'x' if r.ok else ' '}] {r.check} ({r.detail})" for r in self.validation.itertuples()]
        return "\n".join(
            [
                f"Job {self.job['id']}: {self.job['status']}",
                *self.notes,
                total_line(accounting_of(self.job)),
                *ticks,
                *([self.coverage] if self.coverage else []),
            ]
        )


def report(job_id: str, *, history: History | Path | str | None = None, facts: Facts | None = None) -> Report:
    """The report of a job; without facts the sheet and the tables stay unticked. Of one that has not ended: as it stands now."""
    opened = open_history(history)
    job = _job(opened, job_id)
    timeline = opened.trace(job_id)
    return Report(
        job=job,
        timeline=timeline,
        flow=flow(opened.batches(job_id)),
        events=timeline[timeline["event"] != "job_log"].reset_index(drop=True),
        validation=validation(job, facts),
        delays=delays(opened, job),
        standing=standing(job),
        notes=_notes(job, timeline),
        coverage=_coverage(timeline),
    )


def _coverage(timeline: pd.DataFrame) -> str:
    """What the job's last run said of the do-not-call check's coverage."""
    said = timeline.loc[timeline["stage"] == "Job", "message"]
    return next((str(text) for text in reversed(said.to_list()) if str(text).startswith(COVERAGE)), "")


def _job(history: History, job_id: str) -> dict[str, Any]:
    """A job's row; while it has no end, with the counts of the outcomes known by now."""
    job = history.job(job_id)
    return (
        job
        if job["status"] not in ("PENDING", "RUNNING")
        else {**job, "counts": so_far(job["counts"], history.leads(job_id))}
    )


def _notes(job: dict[str, Any], timeline: pd.DataFrame) -> list[str]:
    """What a reader should know first: what is missing, where the trace breaks off, what to run next."""
    resume = f'engine.resume("{job["id"]}")'
    running = standing(job) == "running"
    if timeline.empty and running:
        return [f'The job has just begun. To follow it: lf.watch("{job["id"]}")']
    if timeline.empty:
        return [
            f"No events and no logs were recorded: the process ended before it could write them. To go on: {resume}"
        ]
    notes = []
    if not (timeline["event"] == "job_log").any():
        notes.append("No log lines were recorded for this job; its other events are shown.")
    if not (timeline["event"] != "job_log").any():
        notes.append("No events but log lines were recorded for this job.")
    last = timeline.iloc[-1]
    where = f"at {last['time']} in {last['stage']} ({last['source']}): {last['message']}"
    if running:
        notes.append(
            f'The job is running: this is how it stands now. The last event was {where}. To follow it: lf.watch("{job["id"]}")'
        )
    elif job["status"] in ("PENDING", "RUNNING"):
        notes.append(
            f"The trace is incomplete. The process that ran the job is gone; the last event was {where}. To go on: {resume}"
        )
    elif job["status"] != "COMPLETED":
        notes.append(f"The trace is incomplete. The job broke off {where}. To go on: {resume}")
    elif not (timeline["event"] == "job_complete").any():
        notes.append(
            f"The trace is incomplete: the job is COMPLETED, but its job_complete event is missing; the last event was {where}."
        )
    elif waiting := sum(accounting_of(job).retry.values()):
        notes.append(f"{waiting} leads are held back for now and may still clear: {resume}")
    if uncovered := accounting_of(job).retry.get("not_covered"):
        notes.append(
            f"The do-not-call list does not cover the phones of {uncovered} leads (not_covered; the DNC lines of the timeline name "
            "area codes and states). Add the missing files to LEADFLOW_DNC__LIST_PATH and the state lists that are in them to "
            f"LEADFLOW_DNC__LIST_COVERS, then {resume}"
        )
    return notes


def compare(job_a: str, job_b: str, *, history: History | Path | str | None = None) -> pd.DataFrame:
    """Two jobs side by side, one row a measure, with the change where both are numbers."""
    import pandas as pd

    opened = open_history(history)
    a, b = _measures(opened, job_a), _measures(opened, job_b)
    names = list(dict.fromkeys([*a, *b]))
    rows = [(a.get(n, 0), b.get(n, 0), _change(a.get(n, 0), b.get(n, 0))) for n in names]
    table = pd.DataFrame(rows, index=pd.Index(names, name="measure"), columns=["a", "b", "change"])
    return table.set_axis([job_a, job_b if job_b != job_a else f"{job_b} (again)", "change"], axis=1)


def _change(a: Any, b: Any) -> float | None:
    numbers = isinstance(a, int | float) and isinstance(b, int | float)
    return round(b - a, 3) if numbers else None


def _measures(history: History, job_id: str) -> dict[str, Any]:
    job, batches = _job(history, job_id), history.batches(job_id)
    totals = accounting_of(job)
    found: dict[str, Any] = {"status": job["status"], "script_id": job["script_id"], "extracted": totals.extracted}
    found |= {
        "already_processed": totals.already_processed,
        "left_out": sum(totals.left_out.values()),
        "delivered": totals.delivered,
    }
    found |= {"held_back": totals.held_back - sum(totals.left_out.values())}
    found |= {f"held_{reason}": n for reason, n in totals.held.items()}
    found |= {name: int(job["counts"].get(name) or 0) for name in ("bought", "reused")}
    found |= {f"{name}_count": int(batches[name].sum()) for name in ("litigator", "dnc")}
    if job["started_at"] and job["completed_at"]:
        found["duration_s"] = (job["completed_at"] - job["started_at"]).total_seconds()
    return found | {name: round(float(batches[name].fillna(0).sum()), 3) for name in _SECONDS}

"""The state of a job as the history has it, for a job of any process on this machine."""

from __future__ import annotations

from typing import Any

from leadflow.history import History, standing
from leadflow.job import Progress
from leadflow.notebook.live import LOG_LINES, Snapshot, event_line
from leadflow.reports.accounting import accounting_of

_COUNTED = ("phones_found", "litigator", "dnc", "delivered", "held", "retry")
_STAGES = ("Lookup", "Litigators", "DNC", "Sheet", "Cache")


def recorded_snapshot(history: History, job_id: str) -> Snapshot:
    """Return the state of a job. Raises JobNotFound."""
    job = history.job(job_id)
    status, message = _standing(job)
    return Snapshot(job_id, status, _progress(history, job), message, recorded_log(history, job_id))


def recorded_log(history: History, job_id: str) -> list[str]:
    """Return the latest lines of a job's log, oldest first."""
    return [event_line(*event) for event in history.tail(job_id, LOG_LINES)]


def _progress(history: History, job: dict[str, Any]) -> Progress:
    """Return the progress that the running process recorded last; else, what its finished batches add up to."""
    live = job["counts"].get("live")
    if live and standing(job) == "running":
        return Progress(**live)
    progress = _from_batches(history, job)
    return progress.completed() if job["status"] == "COMPLETED" else progress


def _from_batches(history: History, job: dict[str, Any]) -> Progress:
    batches, cost = history.batches(job["id"]), job["counts"].get("cost")
    counts = {name: int(batches[name].fillna(0).sum()) for name in _COUNTED} if len(batches) else {}
    totals = accounting_of(job)
    if not totals.known:
        return Progress(counts=counts, cost=cost)
    counts |= {"left_out": sum(totals.left_out.values())} if totals.left_out else {}
    open_now = history.open_batches(job["id"])
    settled = counts.get("delivered", 0) + counts.get("held", 0)
    # In a finished batch, leads to retry count as through all stages until a later run begins the batch again.
    retry = batches.loc[~batches["batch"].isin([batch["batch"] for batch in open_now]), "retry"].sum()
    stages = {name: settled + int(retry) + sum(batch["leads"] for batch in open_now if batch[name]) for name in _STAGES}
    return Progress(settled, totals.todo, stages, counts, cost)


def _standing(job: dict[str, Any]) -> tuple[str, str]:
    """Return the status and its message. The status of an unended job that no process runs is DEAD."""
    if standing(job) == "dead":
        return "DEAD", f"the process that ran it is gone; to go on: engine.resume({job['id']!r})"
    return job["status"], "" if standing(job) == "running" else job["message"] or ""

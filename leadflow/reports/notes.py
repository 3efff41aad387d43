"""Notes at the top of a report: what is missing, where the trace breaks off, what to run next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadflow.events import COVERAGE
from leadflow.history import standing
from leadflow.reports.accounting import accounting_of

if TYPE_CHECKING:
    import pandas as pd


def notes(job: dict[str, Any], timeline: pd.DataFrame) -> list[str]:
    """Return the notes of a job's report, in the order in which they are shown."""
    running, resume = standing(job) == "running", f'engine.resume("{job["id"]}")'
    if timeline.empty and running:
        return [f'The job has just begun. To follow it: lf.watch("{job["id"]}")']
    if timeline.empty:
        return [f"No events or logs were recorded: the process ended before it could write them. To go on: {resume}"]
    ending = _ending(job, _last_event(timeline), running, resume) or _completed(job, timeline, resume)
    return [*_missing_kinds(timeline), *ending, *_not_covered(job, resume)]


def coverage(timeline: pd.DataFrame) -> str:
    """Return the log line of the job's last run about the coverage of its do-not-call check."""
    messages = timeline.loc[timeline["stage"] == "Job", "message"]
    return next((str(text) for text in reversed(messages.to_list()) if str(text).startswith(COVERAGE)), "")


def _missing_kinds(timeline: pd.DataFrame) -> list[str]:
    logs = timeline["event"] == "job_log"
    if not logs.any():
        return ["No log lines were recorded for this job; its other events are shown."]
    return ["No events but log lines were recorded for this job."] if logs.all() else []


def _last_event(timeline: pd.DataFrame) -> str:
    last = timeline.iloc[-1]
    return f"at {last['time']} in {last['stage']} ({last['source']}): {last['message']}"


def _ending(job: dict[str, Any], last: str, running: bool, resume: str) -> list[str]:
    """Return notes on the progress of a job that runs or did not complete."""
    if running:
        follow = f'lf.watch("{job["id"]}")'
        return [
            f"The job is running: this is how it stands now. The last event was {last}. To follow it: {follow}",
        ]
    if job["status"] in ("PENDING", "RUNNING"):
        gone = "The process that ran the job is gone"
        return [f"The trace is incomplete. {gone}; the last event was {last}. To go on: {resume}"]
    if job["status"] != "COMPLETED":
        return [f"The trace is incomplete. The job broke off {last}. To go on: {resume}"]
    return []


def _completed(job: dict[str, Any], timeline: pd.DataFrame, resume: str) -> list[str]:
    if not (timeline["event"] == "job_complete").any():
        missing = "the job is COMPLETED, but its job_complete event is missing"
        return [f"The trace is incomplete: {missing}; the last event was {_last_event(timeline)}."]
    leads = sum(accounting_of(job).retry.values())
    if job.get("job_type") == "rescrub":
        waiting = f"{leads} leads got no answer; their rows stay while their old checks count. To ask again: {resume}"
        return [waiting] if leads else []
    return [f"{leads} leads are held back for now and may still clear: {resume}"] if leads else []


def _not_covered(job: dict[str, Any], resume: str) -> list[str]:
    leads = accounting_of(job).retry.get("not_covered")
    if not leads or job.get("job_type") == "rescrub":
        return []
    return [
        f"The do-not-call list does not cover the phones of {leads} leads (not_covered; the DNC lines of the timeline "
        "name area codes and states). Add the missing files to LEADFLOW_DNC__LIST_PATH and the state lists that are in "
        f"them to LEADFLOW_DNC__LIST_COVERS, then {resume}"
    ]

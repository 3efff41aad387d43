"""Notes at the top of a report: what is missing, who stopped the job and what is left, what to run next."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from leadflow.display.units import local_time
from leadflow.events import COVERAGE, LIMITS, STARTED
from leadflow.history import standing
from leadflow.reports.accounting import accounting_of

if TYPE_CHECKING:
    import pandas as pd

# The limits in the messages of run/budget.py.
_BUDGET = re.compile(r"(max_cost|max_lookups)(?: of this job is)? (\$?[\d,.]*\d)")


def notes(job: dict[str, Any], timeline: pd.DataFrame) -> list[str]:
    """Return the notes of a job's report, in the order in which they are shown."""
    running, resume = standing(job) == "running", f'engine.resume("{job["id"]}")'
    if timeline.empty and running:
        return [f'The job has just begun. To follow it: lf.watch("{job["id"]}")']
    if timeline.empty:
        return [f"No events or logs were recorded: the process ended before it could write them. To go on: {resume}"]
    ending = _ending(job, timeline, running, resume) or _completed(job, timeline, resume)
    return [*_missing_kinds(timeline), *ending, *_not_covered(job, resume)]


def coverage(timeline: pd.DataFrame) -> str:
    """Return the log line of the job's last run about the coverage of its do-not-call check."""
    return _last_line(timeline, COVERAGE)


def limits(timeline: pd.DataFrame) -> str:
    """Return the row limit and the budget of the job's last run, such as "row limit 450, max_cost $6.00"."""
    return _last_line(timeline, LIMITS).removeprefix(LIMITS)


def _last_line(timeline: pd.DataFrame, begins: str) -> str:
    messages = timeline.loc[timeline["stage"] == "Job", "message"]
    return next((str(text) for text in reversed(messages.to_list()) if str(text).startswith(begins)), "")


def _missing_kinds(timeline: pd.DataFrame) -> list[str]:
    logs = timeline["event"] == "job_log"
    if not logs.any():
        return ["No log lines were recorded for this job; its other events are shown."]
    return ["No events but log lines were recorded for this job."] if logs.all() else []


def _last_event(timeline: pd.DataFrame) -> str:
    last = timeline.iloc[-1]
    return f"at {last['time']} in {last['stage']} ({last['source']}): {last['message']}"


def _ending(job: dict[str, Any], timeline: pd.DataFrame, running: bool, resume: str) -> list[str]:
    """Return notes on the progress of a job that runs or did not complete."""
    last = _last_event(timeline)
    if running:
        follow = f'lf.watch("{job["id"]}")'
        return [f"The job is running: this is how it stands now. The last event was {last}. To follow it: {follow}"]
    if job["status"] in ("QUEUED", "PENDING", "RUNNING"):
        gone = "The process that ran the job is gone"
        return [f"The trace is incomplete. {gone}; the last event was {last}.{_left(job)} To go on: {resume}"]
    if job["status"] != "COMPLETED":
        end = _error_of_last_run(timeline)
        if end is None:
            return [f"The trace is incomplete. The job broke off {last}.{_left(job)} To go on: {resume}"]
        return [_broken_off(job, end, resume)]
    return []


def _error_of_last_run(timeline: pd.DataFrame) -> dict[str, Any] | None:
    """Return the event with which the last run ended early; None if its end was not recorded."""
    begun = timeline.index[timeline["message"] == STARTED]
    last_run = timeline.loc[begun[-1] :] if len(begun) else timeline
    errors = last_run[last_run["event"] == "job_error"]
    if errors.empty:
        return None
    row = errors.iloc[-1].to_dict()
    return {**row, "error": _error_name(row["data"])}


def _error_name(data: Any) -> str:
    try:
        return str(json.loads(data).get("error", ""))
    except (TypeError, ValueError, AttributeError):
        return ""


def _broken_off(job: dict[str, Any], end: dict[str, Any], resume: str) -> str:
    """Return who or what ended the job, when, what is left, and how to go on."""
    message, at = str(end["message"]), local_time(end["at"])
    if end["error"] == "BudgetReached":
        limit = _BUDGET.search(message)
        name, said = (limit[1], f" ({limit[1]} {limit[2]})") if limit else ("max_cost", "")
        more = f'engine.resume("{job["id"]}", {name}=...), with a higher limit for the job as a whole'
        return f"Stopped by its budget{said} at {at}.{_left(job)} To go on: {more}"
    if end["error"] == "Stopped":
        return f"{_stopped(message, at)}{_left(job)} To go on: {resume}"
    where = f"at {end['time']} in {end['stage']} ({end['source']})"
    return f"The job broke off {where}: {message.rstrip('.!')}.{_left(job)} To go on: {resume}"


def _stopped(message: str, at: str) -> str:
    """Return who stopped a job and when. Records of leadflow 0.1.0 do not say who."""
    if who := re.search(r"was stopped by ([^;]+)", message):
        return f"Stopped by {who[1]} at {at}."
    return f"Stopped at {at}." if "stopped" in message else f"Stopped at {at}: {message.rstrip('.')}."


def _left(job: dict[str, Any]) -> str:
    """Return how many leads a resume has to process, as a sentence."""
    totals = accounting_of(job)
    if not totals.known:
        return " No lead was read, and nothing was bought."
    retry = sum(totals.retry.values())
    more = f", and {retry:,} may still clear" if retry else ""
    return f" {totals.waiting:,} of {totals.todo:,} leads are left{more}; what was paid for is kept."


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

"""Ask that a job be stopped, whichever process runs it."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import Any

from leadflow.display.units import local_time
from leadflow.engine.base import engines
from leadflow.errors import InputError
from leadflow.history import HEARTBEAT_S, History, standing

_LONGEST_NAME = 100


@dataclass(frozen=True)
class StopRequest:
    """What lf.stop did. `asked`: the job is going to stop; else there was nothing to stop, and `message` says why.

    `standing` is the job's standing before: running, queued, dead, completed, may clear, stopped or failed.
    """

    job_id: str
    asked: bool
    standing: str
    message: str

    def __repr__(self) -> str:
        """Return the message."""
        return f"<StopRequest: {self.message}>"

    def __str__(self) -> str:
        """Return the message."""
        return self.message


def ask_to_stop(job_id: str, by: str | None, history: History) -> StopRequest:
    """Stop a job of this process now; ask another process through the history. Raises JobNotFound, InputError."""
    who = _who(by)
    job = history.job(job_id)
    now = standing(job)
    if _stopped_here(job_id, who, history):
        return StopRequest(job_id, True, now, f"job {job_id} of this process was asked to stop; {_then(job, now)}")
    if now not in ("running", "queued"):
        return StopRequest(job_id, False, now, f"nothing to stop: {_over(job, now)}")
    earlier, job = job, history.ask_to_stop(job_id, who)
    if standing(job) not in ("running", "queued"):
        return StopRequest(job_id, False, standing(job), f"nothing to stop: {_over(job, standing(job))}")
    return StopRequest(job_id, True, now, f"{_said(job, earlier)}; {_then(job, now)}")


def _who(by: str | None) -> str:
    """Return who stops a job, as the trace says it. Raises InputError."""
    if by is None:
        here = next((engine.settings.started_by for engine in reversed(engines)), "")
        return here or _user()
    named = " ".join(by.replace(";", ",").split()) if isinstance(by, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]
    if not named or len(named) > _LONGEST_NAME:
        raise InputError(f"`by` is who stops the job, a text of 1 to {_LONGEST_NAME} characters; give a name")
    return named


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "a person"


def _stopped_here(job_id: str, by: str, history: History) -> bool:
    """Stop the job if an engine of this process runs it, or has it in a queue. Return whether one does."""
    return any(engine.history.path == history.path and engine.stop_job(job_id, by) for engine in engines)


def _over(job: dict[str, Any], now: str) -> str:
    resume = f"engine.resume({job['id']!r}) goes on where it was"
    if now == "dead":
        return f"the process that ran job {job['id']} is gone; {resume}"
    ended = f" since {local_time(job['completed_at'])}" if job["completed_at"] else ""
    more = "" if now == "completed" else f"; {resume}"
    return f"job {job['id']} is {job['status']}{ended}{more}"


def _said(job: dict[str, Any], earlier: dict[str, Any]) -> str:
    """Return who asked which process. Somebody else may have asked before."""
    before = earlier["stop_requested_at"]
    what = f"the process that runs job {job['id']} ({job['owner']})"
    if before is not None:
        return f"{earlier['stop_requested_by']} asked {what} at {local_time(before)} to stop it"
    return f"{what} is asked to stop it, and hears it within {HEARTBEAT_S} seconds"


def _then(job: dict[str, Any], now: str) -> str:
    resume = f"engine.resume({job['id']!r})"
    if now == "queued":
        return f"it leaves its queue, the other jobs of the queue go on, and {resume} runs it"
    if job["job_type"] == "rescrub":
        return f"rows that it has not withdrawn yet stay in the sheet until {resume} goes on"
    return f"its calls in flight are finished, what is paid for is kept, and {resume} goes on"

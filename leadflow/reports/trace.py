"""The timeline of a job, past jobs, and the history of one lead. Data only."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import InputError
from leadflow.history import History, open_history

if TYPE_CHECKING:
    import pandas as pd


# The columns that people read. `full` has the others too.
_EVENT = ["time", "stage", "source", "event", "level", "message"]
_JOB = ["id", "standing", "created_at", "duration_s", "clean_count", "message"]


def trace(job_id: str, *, full: bool = False, history: History | Path | str | None = None) -> pd.DataFrame:
    """Return the events of a job, one row each: time, stage, source, event, level, message.

    With `full`, also elapsed (seconds of job time), batch, at (UTC) and data (JSON). It shows whole messages.

    Raises JobNotFound, with the ten most recent jobs, for an unknown id, and InputError for a value that is no id.
    """
    opened = open_history(history)
    found = opened.trace(job_id)
    if found.empty:
        opened.job(job_id)
    return _shown(found, _EVENT, full)


def jobs(
    *,
    script: str | None = None,
    since: str | date | None = None,
    status: str | None = None,
    limit: int | None = 100,
    full: bool = False,
    history: History | Path | str | None = None,
) -> pd.DataFrame:
    """Return past jobs, newest first: id, standing, created_at (UTC), duration_s, clean_count (delivered), message.

    With `full`, also name, status, script, counts of rows and flagged phones, who started the job, and retry. It shows
    whole messages.

    `script` is a part of a name, or a script_id. `since` is a UTC time. `status` is a status or "dead".
    The column `standing` is the state of a job now: running, dead (its process died), stopped, failed, may clear or
    completed. All but running and completed jobs can be resumed. `retry` counts the leads that a resume tries again.
    Raises InputError for a limit below 1, for a `since` that is not a time, and for a status that no job can have.
    """
    return _shown(open_history(history).jobs(script=script, since=since, status=status, limit=limit), _JOB, full)


def _shown(found: pd.DataFrame, columns: list[str], full: bool) -> pd.DataFrame:
    from leadflow.reports.shown_frame import ShownFrame

    return ShownFrame(found if full else found[columns])


def lineage(person_key: str, *, history: History | Path | str | None = None) -> pd.DataFrame:
    """Return all outcomes and events of one lead, over all jobs, oldest first. An unknown key has no rows.

    `person_key` is the whole key, as in the sheet's Lead Key column. Raises InputError for an empty one.
    """
    key = str(person_key).strip()
    if not key:
        raise InputError("the lead's key is empty; it is in the sheet's Lead Key column")
    return open_history(history).lineage(key)

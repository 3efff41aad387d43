"""The timeline of a job, past jobs, and the story of one lead."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import InputError
from leadflow.history import History, open_history

if TYPE_CHECKING:
    import pandas as pd


def trace(job_id: str, *, history: History | Path | str | None = None) -> pd.DataFrame:
    """The events of a job, one row each: time, stage, source, event, message, elapsed, level, batch, at, data.

    Raises JobNotFound, with the ten most recent jobs, for an unknown id, and InputError for what is no id.
    """
    opened = open_history(history)
    found = opened.trace(job_id)
    if found.empty:
        opened.job(job_id)
    return found


def jobs(
    *,
    script: str | None = None,
    since: str | date | None = None,
    status: str | None = None,
    limit: int | None = 100,
    history: History | Path | str | None = None,
) -> pd.DataFrame:
    """Past jobs, newest first; `script` is part of a name or a script_id, `since` a UTC time, `status` a status or "dead".

    Raises InputError for a limit below 1, a time that is none, or a status that no job can have.

    `standing` says how a job stands now: running, dead (its process died), stopped, failed, may clear or completed. All but
    the first and the last can be resumed: `retry` leads are held back until their checks answer.
    """
    return open_history(history).jobs(script=script, since=since, status=status, limit=limit)


def lineage(person_key: str, *, history: History | Path | str | None = None) -> pd.DataFrame:
    """All outcomes and events of one lead, over all jobs, oldest first; no rows for a key that no job of this history has met.

    `person_key` is the whole key, as in the sheet's Lead Key column. Raises InputError for an empty one.
    """
    key = str(person_key).strip()
    if not key:
        raise InputError("the lead's key is empty; it is in the sheet's Lead Key column")
    return open_history(history).lineage(key)

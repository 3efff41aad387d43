"""Functions for a prompt that has no engine. Each uses the newest open engine, or makes one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from leadflow.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.reports import Report


def report(job_id: str) -> Report:
    """Return the report of a past job, validated against the sheet and the tables.

    Without complete settings the report uses the history alone, and lists what could not be checked.
    Raises JobNotFound, with the ten most recent jobs, for an unknown id, and InputError for a value that is no id.
    """
    from leadflow import reports
    from leadflow.engine import Engine, last_engine

    if engine := last_engine():
        engine.history.job(job_id)
        return engine.report(job_id)
    try:
        with Engine() as engine:
            return engine.report(job_id)
    except SettingsError:
        return reports.report(job_id)


def suppressions(since: str | date | None = None) -> pd.DataFrame:
    """Return the house's own do-not-call list, newest first. See Engine.suppressions."""
    from leadflow.engine import Engine, last_engine

    if engine := last_engine():
        return engine.suppressions(since)
    with Engine() as engine:
        return engine.suppressions(since)


def forget(person_key: str) -> int:
    """Remove a person from the checkpoints, and leave a mark so that nobody buys them again. See Engine.forget."""
    from leadflow.engine import Engine, last_engine

    if engine := last_engine():
        return engine.forget(person_key)
    with Engine() as engine:
        return engine.forget(person_key)

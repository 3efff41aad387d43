"""Functions for a prompt that has no engine. Each uses the newest open engine, or makes one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from leadflow.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.compliance.certificate import Certificate
    from leadflow.engine import Engine
    from leadflow.reports import Report
    from leadflow.reports.why import Why

T = TypeVar("T")


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


def why(person_key: str | None = None, **who: str) -> Why:
    """Return why a person was delivered or not, over all jobs: one sentence, and the evidence. See Engine.why.

    Without complete settings a key is looked for in the history alone, and the answer says so.
    """
    from leadflow.engine import Engine, last_engine
    from leadflow.history import open_history
    from leadflow.reports.lead_facts import history_facts
    from leadflow.reports.lead_facts import why as answer

    if engine := last_engine():
        return engine.why(person_key, **who)
    try:
        with Engine() as engine:
            return engine.why(person_key, **who)
    except SettingsError as error:
        if not isinstance(person_key, str) or not person_key.strip() or who:
            raise
        history, keys = open_history(), [person_key.strip()]
        note = f"Only the history was looked at, since there are no complete settings: {str(error).splitlines()[0]}"
        return answer(keys, history_facts(history, keys), history=history, notes=[note])


def suppressions(since: str | date | None = None) -> pd.DataFrame:
    """Return the house's own do-not-call list, newest first. See Engine.suppressions."""
    return _with_engine(lambda engine: engine.suppressions(since))


def forget(person_key: str) -> int:
    """Remove a person from the checkpoints, and leave a mark so that nobody buys them again. See Engine.forget."""
    return _with_engine(lambda engine: engine.forget(person_key))


def stale(days: int = 7) -> pd.DataFrame:
    """Return the delivered rows that may not be called any more within `days`, soonest first. See Engine.stale."""
    return _with_engine(lambda engine: engine.stale(days))


def evidence(
    phone: str | int | None = None, *, person_key: str | None = None, on: str | date | None = None
) -> pd.DataFrame:
    """Return what the ledger has about a phone or a lead, or what was known on a day. See Engine.evidence."""
    return _with_engine(lambda engine: engine.evidence(phone, person_key=person_key, on=on))


def certificate(job_id: str) -> Certificate:
    """Return the certificate of a job's checks. See Engine.certificate."""
    return _with_engine(lambda engine: engine.certificate(job_id))


def _with_engine(work: Callable[[Engine], T]) -> T:
    """Return the result of work with the newest open engine, or with one that is made for it."""
    from leadflow.engine import Engine, last_engine

    if engine := last_engine():
        return work(engine)
    with Engine() as engine:
        return work(engine)

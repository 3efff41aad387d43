"""Functions for a prompt that has no engine. Each uses the newest open engine, or makes one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from leadflow.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.compliance.certificate import Certificate
    from leadflow.engine import Engine
    from leadflow.engine.stopping import StopRequest
    from leadflow.history import History
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


def stop(job_id: str, *, by: str | None = None, history: History | Path | str | None = None) -> StopRequest:
    """Stop a job of any process on this machine: of this kernel, another kernel, cron; also one that waits in a queue.

    The process that runs the job hears of it with its next heartbeat, within five seconds, and then does what
    handle.stop() does: calls in flight are finished, the job ends as STOPPED, engine.resume goes on with it. A job of
    this process stops at once. `by` is who the record says stopped it, by default the user of this machine. `history`
    is the history or its file, by default that of the last Engine or of LEADFLOW_HOME.

    The result says what happened: `.asked` is False if the job has ended, or if the process that ran it is gone; then
    there was nothing to stop. It does not wait for the end: lf.watch(job_id) does. Raises JobNotFound for an unknown
    id, InputError for a `by` without text, HistoryError if the history cannot be written.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     handle = engine.submit("SELECT * FROM RAW_LEADS")
        ...     lf.stop(handle.id, by="ann").asked
        ...     str(handle.result().status)
        True
        'STOPPED'
    """
    from leadflow.engine.stopping import ask_to_stop
    from leadflow.history import open_history

    return ask_to_stop(job_id, by, open_history(history))


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

"""Engine: all verbs in one class."""

from __future__ import annotations

from leadflow.engine.about import to_html, to_text
from leadflow.engine.after_delivery import AfterDelivery
from leadflow.engine.base import engines
from leadflow.engine.runs import Runs


class Engine(Runs, AfterDelivery):
    """Runs scripts through all the stages. One engine may run several jobs at once.

    Without `settings`, the engine reads them from the environment and .env. It raises SettingsError if they are not
    complete. `executor` is any concurrent.futures.Executor whose workers send the lookups: a pool of threads or of
    processes, or dask's `client.get_executor()`. The engine does not shut it down. All limits hold over all its workers
    together. If the executor breaks, the job ends as FAILED with an ExecutorError. You can resume the job with another
    executor or without one.

    `lookups` are further sources of phones, asked in order after idiCORE for leads that are held as no_match, no_phone
    or all_suppressed. `checks` are further checks that every phone must pass besides the litigator and the do-not-call
    check. See PeopleSearch and PhoneCheck; leadflow has PeopleDataLabs and BlacklistAlliance. By default they are those
    that settings.lookups and settings.checks name. Raises InputError for one that cannot be used.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     job = engine.run("SELECT * FROM RAW_LEADS", name="all", limit_rows=20)
        ...     str(job.status)
        'COMPLETED'
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with lf.local.start() as world, ThreadPoolExecutor(8) as pool:
        ...     with lf.Engine(world.settings, executor=pool) as engine:
        ...         engine.run("SELECT * FROM RAW_LEADS", limit_rows=20).ok
        True
    """

    def __repr__(self) -> str:
        """Return what the engine works on, and what it runs now."""
        return to_text(self)

    def _repr_html_(self) -> str:
        return to_html(self)


def last_engine() -> Engine | None:
    """Return the newest engine of this process that is not closed; None if there is none."""
    return next((engine for engine in reversed(engines) if isinstance(engine, Engine)), None)

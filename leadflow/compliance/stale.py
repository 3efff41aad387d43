"""Stale rows: delivered rows that run out, because the oldest check of their phones soon no longer counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from leadflow.compliance.ledger_reading import table_there
from leadflow.errors import InputError, JobNotFound
from leadflow.leads.callable_until import NO_LONGER
from leadflow.leads.verdicts import OLDEST
from leadflow.services.warehouse.tables import columns_to_add

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.history import History
    from leadflow.services.warehouse import Warehouse

_COLUMNS = ("lead_key", "callable_until", "days_left", "job_id", "spreadsheet_id", "worksheet")
_PLACES = ("spreadsheet_id", "worksheet")


def stale(warehouse: Warehouse, history: History, days: int) -> pd.DataFrame:
    """Return the delivered rows that run out within `days`; see Engine.stale."""
    import pandas as pd

    last = _last_day(days)
    found = sorted(_rows(warehouse, last), key=lambda row: (row[1], row[0]))
    places = _places(history, {job_id for _, _, job_id in found})
    today = datetime.now(timezone.utc).date()
    rows = [(key, until, (until - today).days, job_id, *places[job_id]) for key, until, job_id in found]
    return pd.DataFrame(rows, columns=pd.Index(_COLUMNS))


def _last_day(days: Any) -> date:
    try:
        if isinstance(days, bool) or days != int(days):
            raise ValueError
        return datetime.now(timezone.utc).date() + timedelta(days=int(days))
    except (TypeError, ValueError, OverflowError):
        raise InputError("days is a whole number, as in stale(days=7); 0 lists what has run out") from None


def _rows(warehouse: Warehouse, last: date) -> Iterable[tuple[str, date, str]]:
    """Yield key, date and job of the delivered rows that run out by a day, those without a date counted fail closed."""
    name = warehouse.settings.consolidated
    table, is_old = table_there(warehouse, name), "Callable Until" in columns_to_add(warehouse, name)
    until = "CAST(NULL AS DATE)" if is_old else 't."Callable Until"'
    sql = f"""SELECT t."Lead Key", {until}, t."Processed At", t."Job Id" FROM {table} t
    WHERE t."Disposition" = 'delivered' AND ({until} <= TO_DATE(?, 'YYYY-MM-DD') OR ({until} IS NULL AND
    (t."Processed At" IS NULL OR t."Processed At" < TO_TIMESTAMP_NTZ(?, 'YYYY-MM-DD HH24:MI:SS'))))"""
    processed_before = last - OLDEST + timedelta(days=1)
    values = (last.isoformat(), f"{processed_before.isoformat()} 00:00:00")
    for key, date_, processed, job_id in warehouse.repeated(lambda: warehouse.execute(sql, values)):
        yield key or "", date_ or (processed.date() + OLDEST if processed else NO_LONGER), job_id or ""


def _places(history: History, jobs: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """Return spreadsheet and tab of each job; None where the history does not have it."""
    found: dict[str, tuple[Any, ...]] = {}
    for job_id in jobs:
        try:
            found[job_id] = tuple(history.job(job_id)[name] for name in _PLACES)
        except JobNotFound:
            found[job_id] = (None, None)
    return found

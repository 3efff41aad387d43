"""The leads of a past job with the people's columns, from the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadflow.errors import InputError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.tables import CONSOLIDATED_COLUMNS
from leadflow.settings.nearest import nearest

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.history import History
    from leadflow.settings import Settings

DELIVERED = "delivered"


def job_leads(job_id: str, reason: str | None, settings: Settings, history: History) -> pd.DataFrame:
    """Return the settled leads of a job; with a reason, those held back for it, or the delivered ones.

    Raises JobNotFound, and InputError for a reason that no lead of the job has.
    """
    outcomes = history.leads(job_id)
    if outcomes.empty:
        history.job(job_id)
    if reason is not None:
        _raise_if_unknown(job_id, reason, {*outcomes["reason"], *outcomes["disposition"]} - {""})
    columns = ", ".join(map(quoted, CONSOLIDATED_COLUMNS))
    with Warehouse(settings.warehouse, query_tag="leadflow:leads") as warehouse:
        table = warehouse.table(settings.warehouse.consolidated)
        sql, values = f'SELECT {columns} FROM {table} WHERE "Job Id" = ?', [job_id]
        if reason is not None:
            sql += f" AND {quoted('Disposition' if reason == DELIVERED else 'Reason')} = ?"
            values.append(reason)
        rows = warehouse.repeated(lambda: warehouse.execute(f'{sql} ORDER BY "Lead Key"', values))
    return _frame(rows)


def _frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=pd.Index(CONSOLIDATED_COLUMNS))


def _raise_if_unknown(job_id: str, reason: str, known: set[str]) -> None:
    if reason not in known | {DELIVERED}:
        hint = f"; the nearest is {nearest(reason, known)!r} of {', '.join(sorted(known))}" if known else ""
        raise InputError(f"no lead of job {job_id} has the reason {reason!r}{hint}")

"""The facts for the validation of a report: the keys that a job should have written, and the keys that are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from leadflow.compliance.ledger import CHECK, WITHDRAWN
from leadflow.errors import LeadflowError
from leadflow.leads.suppressions import FORGOTTEN
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.checkpoints.suppressions import Entry
    from leadflow.reports import Facts
    from leadflow.reports.opt_outs import OptOut
    from leadflow.settings import Settings


def read_facts(job_id: str, settings: Settings, checkpoints: Checkpoints) -> Facts:
    """Read the keys from the checkpoints, the sheet and both tables. A part that cannot be read is None."""
    from leadflow.reports import Facts

    delivered = checkpoints.keys(job_id, "delivered")
    final = checkpoints.keys(job_id, "delivered", "held")
    tables = settings.warehouse
    with Warehouse(tables, query_tag="leadflow:report") as warehouse:
        return Facts(
            delivered_keys=delivered,
            final_keys=final,
            sheet_keys=_read(lambda: _sheet_keys(settings)),
            cache_keys=_read(lambda: warehouse.present(tables.person_cache, "person_key", final)),
            consolidated_keys=_read(lambda: warehouse.present(tables.consolidated, "Lead Key", final)),
            gone_keys=frozenset(_read(lambda: _gone(warehouse, delivered)) or ()),
            opt_outs=tuple(map(_opt_out, checkpoints.suppression_entries())),
            **_of_rescrub(job_id, warehouse, checkpoints),
        )


def _of_rescrub(job_id: str, warehouse: Warehouse, checkpoints: Checkpoints) -> dict[str, Any]:
    """Return the facts about the leads of a re-scrub; none for another job."""
    renewed, withdrawn = checkpoints.keys(job_id, "renewed"), checkpoints.keys(job_id, "withdrawn")
    return {
        "withdrawn_keys": withdrawn,
        "not_in_ledger": _read(lambda: _not_in_ledger(job_id, warehouse, renewed, withdrawn)),
        "not_withdrawn_in_table": _read(lambda: _not_withdrawn(warehouse, withdrawn)),
    }


def _not_in_ledger(job_id: str, warehouse: Warehouse, renewed: list[str], withdrawn: list[str]) -> list[str]:
    if not renewed and not withdrawn:
        return []
    sql = f'SELECT DISTINCT "LEAD_KEY", "EVENT" FROM {warehouse.table(warehouse.settings.ledger)} WHERE "JOB_ID" = ?'
    there = {(key, event) for key, event in warehouse.repeated(lambda: warehouse.execute(sql, (job_id,)))}
    wanted = [*((key, CHECK) for key in renewed), *((key, WITHDRAWN) for key in withdrawn)]
    return [key for key, event in wanted if (key, event) not in there]


def _not_withdrawn(warehouse: Warehouse, withdrawn: list[str]) -> list[str]:
    return [key for key, disposition in _dispositions(warehouse, withdrawn).items() if disposition != "withdrawn"]


def _gone(warehouse: Warehouse, delivered: list[str]) -> list[str]:
    """Return the delivered leads whose rows were taken out after the delivery, by any job or request."""
    return [key for key, disposition in _dispositions(warehouse, delivered).items() if disposition == "withdrawn"]


def _dispositions(warehouse: Warehouse, keys: list[str]) -> dict[str, str | None]:
    rows = warehouse.rows_of(warehouse.settings.consolidated, "Lead Key", keys, ("Disposition",))
    return {key: disposition for key, (disposition,) in rows.items()}


def _opt_out(entry: Entry) -> OptOut:
    from leadflow.reports.opt_outs import OptOut

    said = entry.suppression
    return OptOut(said.added_at, entry.closed_at, said.lead_key, said.reason == FORGOTTEN)


def _sheet_keys(settings: Settings) -> list[str]:
    sheet = Sheet(settings.sheets)
    sheet.connect()
    return sheet.key_list()


def _read(keys: Callable[[], list[str]]) -> list[str] | None:
    try:
        return keys()
    except LeadflowError:
        return None

"""Delete records that are older than they have to be kept, when somebody asks for it.

Sources: 16 CFR 310.5 as amended by 89 FR 26760, in force 2024-05-16 (five years); Va. Code 59.1-514 (ten years for
requests not to be called). The settings may keep them longer, never shorter.
"""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from leadflow.compliance.ledger_reading import ledger_of, table_there
from leadflow.leads.verdicts import OLDEST
from leadflow.services.warehouse.names import quoted

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse
    from leadflow.settings import ComplianceSettings


def prune_records(warehouse: Warehouse, settings: ComplianceSettings, dry_run: bool) -> dict[str, int]:
    """Delete old entries of the ledger and old suppressions, or only count them; see Engine.prune_records."""
    today = datetime.now(timezone.utc).date()
    # A check may have served calls for 31 days: the time to keep it is counted from the last of them.
    entries_before = years_before(today, settings.keep_evidence_years) - OLDEST
    expired_before = years_before(today, settings.keep_opt_outs_years)
    ledger, suppressions = ledger_of(warehouse), table_there(warehouse, warehouse.settings.suppressions)
    names = warehouse.settings
    return {
        names.ledger: _prune(warehouse, ledger, "EVENT_AT", entries_before, dry_run),
        names.suppressions: _prune(warehouse, suppressions, "EXPIRES_ON", expired_before, dry_run),
    }


def _prune(warehouse: Warehouse, table: str, column: str, before: date, dry_run: bool) -> int:
    old, day = f"{quoted(column)} < TO_DATE(?, 'YYYY-MM-DD')", (before.isoformat(),)
    found = warehouse.repeated(lambda: warehouse.execute(f"SELECT COUNT(*) FROM {table} WHERE {old}", day))[0][0]
    if found and not dry_run:
        warehouse.repeated(lambda: warehouse.execute(f"DELETE FROM {table} WHERE {old}", day))
    return int(found)


def years_before(day: date, years: int) -> date:
    """Return the same day in an earlier year; for 29 February the day before, if that year has none.

    >>> years_before(date(2028, 2, 29), 5)
    datetime.date(2023, 2, 28)
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)

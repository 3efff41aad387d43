"""Take the rows of suppressed phones and people out of one sheet, and record that they were withdrawn.

What is to be recorded is stored before a row goes, so that a kill between the two loses no record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import polars as pl

from leadflow.compliance.ledger import WITHDRAWN, entries_frame, event_entry
from leadflow.compliance.withdrawal import withdraw
from leadflow.events import Emit, no_emit
from leadflow.leads.phone_columns import shown_phone_columns
from leadflow.leads.phones import to_e164
from leadflow.leads.suppressions import Suppressed

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.checkpoints.suppressions import Withdrawal
    from leadflow.services.sheets import Sheet
    from leadflow.services.warehouse import Warehouse
    from leadflow.settings import Settings

REASON = "suppressed"
_KEY, _JOB = "Lead Key", "Job Id"


@dataclass
class ShownRow:
    """What the rows of one lead show: phones (E.164) and the jobs that delivered them."""

    phones: set[str] = field(default_factory=set[str])
    jobs: set[str] = field(default_factory=set[str])


def shown_rows(sheet: Sheet) -> dict[str, ShownRow]:
    """Read which phones the rows of each lead show, in one call; "" is the key of rows that people added.

    Raises RefusedError, DeliveryError.
    """
    sheet.key_list()
    names = shown_phone_columns(sheet.header)
    now = sheet.read_columns([*names, _JOB])
    found: dict[str, ShownRow] = {}
    for row, key in enumerate(now.keys):
        if key or any(now.cells[name][row] for name in names if name in now.cells):
            shown = found.setdefault(key, ShownRow())
            cells = (now.cells[name][row] for name in names if name in now.cells)
            shown.phones.update(phone for cell in cells if (phone := to_e164(cell)))
            shown.jobs.update(cell for cell in now.cells.get(_JOB, [""] * len(now.keys))[row : row + 1] if cell)
    return found


def sweep(
    sheet: Sheet,
    target: str,
    suppressed: Suppressed,
    settings: Settings,
    checkpoints: Checkpoints,
    emit: Emit = no_emit,
) -> dict[str, ShownRow]:
    """Take all rows of suppressed people and phones out of a sheet; return what they showed, by lead key.

    A row with one suppressed phone goes as a whole. Rows without a lead key are people's own and stay; the result has
    their suppressed phones under the key "". Raises RefusedError, DeliveryError, TransientError.
    """
    rows, broken_off = shown_rows(sheet), {key for _, key, _, _ in checkpoints.withdrawals(target)}
    theirs = rows.pop("", ShownRow()).phones & suppressed.phones
    found = {k: row for k, row in rows.items() if k in broken_off or is_forbidden(k, row.phones, suppressed)}
    checkpoints.add_withdrawals(_withdrawals(target, found))
    if found:
        withdraw(dict.fromkeys(found, REASON), sheet, settings.compliance, emit=emit)
    return {**found, **({"": ShownRow(theirs)} if theirs else {})}


def is_forbidden(key: str, phones: Iterable[str], suppressed: Suppressed) -> bool:
    """Whether a row with this key and these phones must not be in a sheet."""
    return key in suppressed.keys or not suppressed.phones.isdisjoint(phones)


def _withdrawals(target: str, rows: Mapping[str, ShownRow]) -> Iterable[Withdrawal]:
    for key, row in rows.items():
        for job in row.jobs or {""}:
            for phone in row.phones or {""}:
                yield target, key, phone, job


def record_withdrawals(warehouse: Warehouse, checkpoints: Checkpoints, target: str) -> int:
    """Record the withdrawn rows of a sheet in the ledger and in the consolidated table, in one transaction.

    Returns how many leads that were. Recording them again changes nothing. Raises RefusedError, TransientError.
    """
    rows = checkpoints.withdrawals(target)
    if not rows:
        return 0
    record_withdrawn(warehouse, [row[1:] for row in rows])
    checkpoints.withdrawals_recorded(rows)
    return len({key for _, key, _, _ in rows})


def record_withdrawn(warehouse: Warehouse, rows: Iterable[tuple[str, str, str]]) -> None:
    """Record leads as withdrawn: (lead key, phone, id of the job that delivered it). Raises RefusedError."""
    found, now = list(rows), datetime.now(timezone.utc)
    keys = sorted({key for key, _, _ in found})
    warehouse.ensure_tables("ledger", "consolidated")
    entries = entries_frame(event_entry(WITHDRAWN, key, phone, job, now, REASON) for key, phone, job in found)
    table = warehouse.settings.consolidated
    there = sorted(set(warehouse.present(table, _KEY, keys)))
    withdrawn = pl.DataFrame(
        {_KEY: there, "Disposition": ["withdrawn"] * len(there), "Reason": [REASON] * len(there)},
        dict.fromkeys((_KEY, "Disposition", "Reason"), pl.String),
    )
    warehouse.merge(withdrawn, _KEY, {table: {name: name for name in withdrawn.columns}}, entries)

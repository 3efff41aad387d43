"""Read entries of the ledger. Values are bound, so that no statement holds a phone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from leadflow.errors import RefusedError
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.tables import LEDGER_COLUMNS
from leadflow.stages.ledger_entries import Entry

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse


def entries_where(warehouse: Warehouse, condition: str, values: Sequence[str]) -> list[Entry]:
    """Return the entries that meet a condition on table t, each once, as text, in no order.

    Raises RefusedError if the ledger is missing or hidden: then nobody can tell what it holds.
    """
    table = ledger_of(warehouse)
    names = ", ".join(f"t.{quoted(name)}" for name in LEDGER_COLUMNS)
    sql = f"SELECT {names} FROM {table} t WHERE {condition}"
    rows = warehouse.repeated(lambda: warehouse.execute(sql, values))
    found: dict[str, Entry] = {}
    for row in rows:
        entry: Entry = dict(zip(LEDGER_COLUMNS, map(_text, row), strict=True))
        found[entry["ENTRY_ID"]] = entry
    return list(found.values())


def job_entries(warehouse: Warehouse, job_id: str) -> list[Entry]:
    """Return all entries that a job wrote. They hold phones: do not log them."""
    return entries_where(warehouse, 't."JOB_ID" = ?', (job_id,))


def ledger_of(warehouse: Warehouse) -> str:
    """Return the ledger as SQL. Raises RefusedError if it is missing, or hidden from the role."""
    return table_there(warehouse, warehouse.settings.ledger)


def table_there(warehouse: Warehouse, name: str) -> str:
    """Return a table of the settings as SQL. Raises RefusedError if it is missing, or hidden from the role."""
    if warehouse.columns_of(name) is None:
        raise RefusedError(
            f"table {warehouse.table(name)} is missing, or hidden from {warehouse.role}; a run makes it. If there is "
            "such a table, correct its name in the warehouse settings, or have SELECT on it granted"
        )
    return warehouse.table(name)


def ledger_hash(entries: Iterable[Entry]) -> str:
    r"""Return the SHA-256 of entries, in hexadecimal digits, whatever their order.

    The entries are sorted by ENTRY_ID. Each is one line: its values in the order of the table's columns, joined by the
    character 31, and ended by "\n". Times are as in 2026-11-01 15:30:00, dates as in 2026-11-01, and NULL is "". The
    lines are encoded in UTF-8.

    >>> ledger_hash([])[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    for entry in sorted(entries, key=lambda entry: entry["ENTRY_ID"]):
        digest.update(("\x1f".join(entry[name] for name in LEDGER_COLUMNS) + "\n").encode())
    return digest.hexdigest()


def moment(entry: Entry) -> datetime:
    """Return the time of an entry (UTC)."""
    return datetime.fromisoformat(f"{entry['EVENT_AT']}+00:00")


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)

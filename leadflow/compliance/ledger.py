"""The ledger: record checks and events after the delivery, each once.

A run records its own in the transaction of its merge (stages/consolidation.py). To write rows of a table and entries in
one transaction, call `warehouse.merge(rows, key, into, entries_frame(entries), since)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadflow.stages.ledger_entries import (
    CHECK,
    DELIVERED,
    WITHDRAWN,
    Entry,
    check_entry,
    entries_frame,
    event_entry,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from leadflow.services.warehouse import Warehouse

__all__ = ["CHECK", "DELIVERED", "WITHDRAWN", "Entry", "check_entry", "entries_frame", "event_entry", "record"]


def record(warehouse: Warehouse, entries: Iterable[Entry], since: datetime | None = None) -> int:
    """Append entries to the ledger and return how many were given. What is there already stays as it is.

    `since` is when the job began that writes them: a repeated call then reads no older part of the ledger. All of them
    are there afterwards, or an error is raised; repeat the call then. Raises RefusedError, TransientError.
    """
    frame = entries_frame(entries)
    warehouse.record(frame, since)
    return frame.height

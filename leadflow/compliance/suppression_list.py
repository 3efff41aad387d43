"""The house's own do-not-call list as a whole: write new entries to SUPPRESSIONS, and keep the local copy like it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from leadflow.leads.suppressions import Suppression, merged, today, with_id
from leadflow.services.warehouse.suppressions import read_suppressions, write_suppressions
from leadflow.stages.person_cache import same_person_keys

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.services.warehouse import Warehouse

# Clocks of machines differ: a partial read goes back this much further than the last one.
_OVERLAP = timedelta(days=1)


def keep_here(checkpoints: Checkpoints, entries: Iterable[Suppression]) -> list[Suppression]:
    """Store entries in the local copy, as not yet in SUPPRESSIONS, and return them as they are there."""
    wanted = list(entries)
    subjects = {entry.subject for entry in wanted}
    known = [e.suppression for e in checkpoints.suppression_entries() if e.suppression.subject in subjects]
    kept = [merged(entry, known, today()) for entry in wanted]
    checkpoints.save_suppressions(kept, in_table=False)
    return kept


def store(warehouse: Warehouse, checkpoints: Checkpoints) -> list[Suppression]:
    """Write the entries that SUPPRESSIONS lacks, and return what it says of them. Raises RefusedError, TransientError.

    With a lead key, the other keys that leadflow knows the same person by are written too.
    """
    pending = [entry.suppression for entry in checkpoints.suppression_entries(in_table=False)]
    if not pending:
        return []
    warehouse.ensure_tables("suppressions")
    found = write_suppressions(warehouse, [*pending, *_other_keys(warehouse, pending)])
    checkpoints.save_suppressions(found, in_table=True)
    written = {entry.id for entry in found}
    checkpoints.drop_suppressions([entry.id for entry in pending if entry.id not in written])
    return found


def _other_keys(warehouse: Warehouse, entries: list[Suppression]) -> Iterable[Suppression]:
    by_key = {entry.lead_key: entry for entry in entries if entry.lead_key}
    for key, other in same_person_keys(list(by_key), warehouse) if by_key else ():
        if other not in by_key:
            source = f"same person as {key}"[:100]
            yield with_id(replace(by_key[key], phone="", lead_key=other, source=source))


def refresh(warehouse: Warehouse, checkpoints: Checkpoints, since: datetime | None = None) -> datetime:
    """Bring the local copy up to date with SUPPRESSIONS; return the time to give as `since` next time.

    Without `since`, the whole table is read, and entries that somebody took out of it are dropped here too. Raises
    RefusedError, TransientError.
    """
    began = datetime.now(timezone.utc)
    store(warehouse, checkpoints)
    before = {entry.suppression.id for entry in checkpoints.suppression_entries(in_table=True)}
    if warehouse.columns_of(warehouse.settings.suppressions) is None:
        return began
    found = list(read_suppressions(warehouse, since and since - _OVERLAP))
    checkpoints.save_suppressions(found, in_table=True)
    if since is None:
        checkpoints.drop_suppressions(before.difference(entry.id for entry in found))
    return began

"""Record a re-scrub: the ledger's entries and the rows of UNIQUE_CONSOLIDATED_DATA, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from leadflow.compliance.ledger import WITHDRAWN as WITHDRAWN_EVENT
from leadflow.compliance.ledger import Entry, entries_frame, event_entry
from leadflow.compliance.rescrub import RENEWED, WITHDRAWN
from leadflow.stages.ledger_entries import entries_of

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse

_KEY = "Lead Key"
_PHONES = ("Phone 1", "Phone 2", "Phone 3")
_UPDATED = (*(f"{name} Verdict" for name in _PHONES), "Callable Until", "Disposition", "Reason")


def record_rescrub(leads: pl.DataFrame, warehouse: Warehouse, job_id: str, at: datetime) -> int:
    """Record leads with the columns that `decided` adds; return how many rows of the consolidated table changed.

    The ledger gets each check of this job and an event for each phone that a withdrawn row showed, at time `at`. A lead
    that the consolidated table does not have, since an older leadflow delivered it or into another table, gets no row
    there. Repeating the call doubles nothing. Raises RefusedError, TransientError.
    """
    entries = pl.concat([entries_of(leads, job_id, at), _withdrawals(leads, job_id, at)]).unique(
        "ENTRY_ID", keep="first", maintain_order=True
    )
    table = warehouse.settings.consolidated
    final = leads.filter(pl.col("disposition").is_in([RENEWED, WITHDRAWN]))
    there = warehouse.rows_of(table, _KEY, final["person_key"].to_list(), (*_PHONES, *_UPDATED[:3]))
    rows = _rows(final, there)
    warehouse.merge(rows, _KEY, {table: {name: name for name in rows.columns}}, entries)
    return rows.height


def _withdrawals(leads: pl.DataFrame, job_id: str, at: datetime) -> pl.DataFrame:
    gone = leads.filter(pl.col("disposition") == WITHDRAWN)
    return entries_frame(_events(gone.select("person_key", "phones", "reason").iter_rows(), job_id, at))


def _events(rows: Iterable[tuple[str, list[str], str]], job_id: str, at: datetime) -> Iterable[Entry]:
    for key, phones, reason in rows:
        for phone in phones or [""]:
            yield event_entry(WITHDRAWN_EVENT, key, phone, job_id, at, reason)


def _rows(leads: pl.DataFrame, there: Mapping[str, tuple[str | None, ...]]) -> pl.DataFrame:
    """Make the changed rows. The table has phones in another order than the sheet: a verdict goes to its own phone."""
    names = ("person_key", "phones", "verdicts", "disposition", "reason", "callable_until")
    rows = [
        (key, *_verdicts(there[key], dict(zip(phones, verdicts, strict=True))), *_words(*words))
        for key, phones, verdicts, *words in leads.select(names).iter_rows()
        if key in there
    ]
    return pl.DataFrame(rows, dict.fromkeys((_KEY, *_UPDATED), pl.String), orient="row")


def _verdicts(cells: tuple[str | None, ...], verdicts: Mapping[str, str]) -> list[str]:
    """Return the verdicts of a row's three phones: the new ones, and the old one of a phone that was not checked."""
    pairs = zip(cells[:3], cells[3:], strict=True)
    return [verdicts.get(phone, old or "") if phone else "" for phone, old in pairs]


def _words(disposition: str, reason: str, until: str) -> tuple[str, str, str]:
    """Return Callable Until, Disposition and Reason."""
    return (until, "delivered", "") if disposition == RENEWED else ("", "withdrawn", reason)

"""Withhold cells that read like unchecked phones from the callers' sheet, and warn about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import polars as pl

from leadflow.events import Emit, JobLog
from leadflow.leads.columns import ADDED, TITLES, script_columns
from leadflow.leads.phone_columns import is_phone_column
from leadflow.leads.phone_text import reads_like_phone
from leadflow.settings import Policy
from leadflow.stages.phone_cells import has_phone_name, phone_cells


def withhold(
    rows: pl.DataFrame, policy: Policy, own: Mapping[str, str], but: Iterable[str]
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Blank the cells that read like a phone; return the rows and how many cells were blanked, by column.

    `rows` are the sheet's rows, all text. `own` maps the script's own columns, by their names in `rows`, to the names
    that the script gave them. The columns `but` are not read. A column of the script that is then empty is dropped.
    """
    known = set(but)
    found = phone_cells(rows[[name for name in rows.columns if name not in known]], policy, own)
    if found:
        rows = rows.with_columns_seq(
            pl.when(where).then(pl.lit("")).otherwise(rows[name]).alias(name) for name, where in found.items()
        )
    empty = [name for name in own if (name in found or is_phone_column(own[name])) and not (rows[name] != "").any()]
    return rows.drop(empty) if empty else rows, {own.get(name, name): int(where.sum()) for name, where in found.items()}


def warn_withheld(counts: Mapping[str, int], emit: Emit, batch: int | None = None, checked: bool = False) -> None:
    """Emit one warning for each column with withheld cells; `checked`: the run checks the script's own phones."""
    then = (
        "Those that can be read are checked, and delivered as Phone 1, 2 ... if they are clean"
        if checked
        else "To have them checked and delivered, set policy.script_phones=check"
    )
    for name, count in counts.items():
        shown = "of a column whose name reads like a phone" if reads_like_phone(name) else f"of column {name}"
        message = (
            f"{count} cells {shown} are kept from the sheet: they read like phones that no check has seen. {then}. "
            "If they are no phones, name the column in policy.not_phones"
        )
        emit(JobLog(stage="Google Sheets", batch=batch, level="warning", message=message))


class WithheldTally:
    """Counts the withheld cells of one job and warns once for each column."""

    def __init__(self, policy: Policy, emit: Emit) -> None:
        self._policy = policy
        self._emit = emit
        self._counts: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()
        self._warned: set[str] = set()

    def clear(self) -> None:
        """Reset the counts when an extraction starts again."""
        self._counts.clear()
        self._kept.clear()

    def scan(self, leads: pl.DataFrame) -> None:
        """Count the cells of leads as extracted, before any lead is paid for. All columns must be text."""
        cells = leads[[name for name in leads.columns if name not in ADDED]]
        own = {name: name for name in script_columns(leads.columns)}
        found = phone_cells(cells, self._policy, own)
        found |= {name: leads[name] != "" for name in own if has_phone_name(name, self._policy)}
        self._counts.update({TITLES.get(name, name): int(where.sum()) for name, where in found.items()})
        kept = leads.select_seq(
            ((pl.col(name) != "") & ~found[name] if name in found else pl.col(name) != "").sum() for name in own
        )
        self._kept.update(kept.row(0, named=True) if kept.width else {})

    def add(self, counts: Mapping[str, int]) -> None:
        """Add the counts of a delivery, for columns without a warning so far."""
        self._counts.update({name: count for name, count in counts.items() if name not in self._warned})

    def warn(self) -> None:
        """Warn about each column that has no warning yet."""
        fresh = {name: count for name, count in self._counts.items() if name not in self._warned}
        self._warned |= fresh.keys()
        warn_withheld(fresh, self._emit, checked=self._policy.script_phones == "check")

    def is_empty(self, name: str) -> bool:
        """Whether a column of the script would be empty in the sheet; a resumed job decides by the name alone."""
        return not self._kept[name] and self._counts[name] > 0 if name in self._kept else is_phone_column(name)

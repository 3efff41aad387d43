"""Mark rows of the sheet that share a phone: "Shared With" counts the other rows that show one of its phones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import polars as pl

from leadflow.events import Emit, JobLog, no_emit
from leadflow.leads.phone_columns import shown_phone_columns
from leadflow.services.sheets.cells import Columns

if TYPE_CHECKING:
    from leadflow.services.sheets import Sheet

SHARED_WITH = "Shared With"
_KEYS = ""  # the name of the key column in a frame; no column of the sheet has this one


def shared_counts(phones: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Count for each key the other keys that have one of its phones; keys that share none are missing.

    >>> shared_counts({"a": ["1", "2"], "b": ["2"], "c": ["1", "2"], "d": ["3"]})
    {'a': 2, 'b': 2, 'c': 2}
    """
    keys: dict[str, list[str]] = {}
    for key, numbers in phones.items():
        for number in set(numbers):
            keys.setdefault(number, []).append(key)
    shared = {key: tuple(sorted({n for n in numbers if len(keys[n]) > 1})) for key, numbers in phones.items()}
    sizes = {numbers: len(set[str]().union(*(keys[n] for n in numbers))) for numbers in set(shared.values()) if numbers}
    return {key: sizes[numbers] - 1 for key, numbers in shared.items() if numbers}


def with_shared(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Add the column "Shared With" to rows of the sheet, counted within these rows."""
    names = shown_phone_columns(rows.columns)
    counts = shared_counts(
        {row[0]: [cell for cell in row[1:] if cell] for row in rows.select_seq(key, *names).iter_rows()}
    )
    return rows.with_columns_seq(pl.Series(SHARED_WITH, [_text(counts.get(k, 0)) for k in rows[key]], pl.String))


def mark_shared(sheet: Sheet) -> int:
    """Update the column "Shared With" in all rows of the sheet; returns how many rows changed.

    The counts come from the phones that the sheet shows, so deleted rows do not count, and rows that a killed run left
    without a mark get one. Text that a person wrote into that column stays. Raises RefusedError, DeliveryError.
    """
    return sheet.recompute(_names(sheet), _marks)


class SharedPhones:
    """Tracks during a job whether its rows share phones with others; a job without such rows writes no marks.

    The phones of a large sheet are tens of megabytes. They are read once, those of new rows are known from their
    appends, and all are read again only if others wrote meanwhile.
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._phones: set[str] = set()
        self._header: list[str] = []
        self._rows: list[pl.DataFrame] | None = []  # as read or appended, in order; None if columns have moved
        self._due = False
        self._surprises: int = 0

    def begin(self) -> None:
        """Read the phones of the sheet, and whether its marks need an update."""
        self._surprises = self._sheet.surprises
        names = _names(self._sheet)
        self._sheet.watch(names, self._keep)
        self._header = self._sheet.header
        if not self._sheet.is_empty:
            now = self._sheet.read_columns(names)
            self._phones = set().union(*_phones(now).values()) if now.keys else set()
            self._due = any(_marks(now).values())
            self._header = now.header
            self._keep(now)

    def add(self, leads: pl.DataFrame) -> None:
        """Add leads just delivered. `deliver` has marked the phones that they share with each other."""
        if self._due:
            return
        found = set(leads.filter("delivered")["phones"].explode().drop_nulls()) - {""}
        self._due = not self._phones.isdisjoint(found)
        if self._due:
            self._phones.clear()  # they are needed no more
        else:
            self._phones |= found

    def finish(self, emit: Emit = no_emit) -> None:
        """Mark the rows of the sheet if new rows share phones, or if others wrote into the sheet meanwhile."""
        if not self._due and self._sheet.surprises == self._surprises:
            return
        if changed := self._sheet.recompute(_names(self._sheet), _marks, self._now()):
            emit(
                JobLog(
                    stage="Google Sheets",
                    message=f"Marked {changed} rows in column {SHARED_WITH!r}: other rows show one of their phones",
                )
            )

    def _keep(self, rows: Columns) -> None:
        """Keep rows as a frame, which is compact."""
        if rows.header != self._header:
            self._rows = None
        if self._rows is not None:
            columns = {_KEYS: rows.keys, **rows.cells}
            self._rows.append(pl.DataFrame(columns, dict.fromkeys(columns, pl.String)))

    def _now(self) -> Columns | None:
        """Return the columns as they were read and appended; None if others may have changed them since."""
        rows, self._rows = self._rows, None
        if not rows or self._sheet.surprises != self._surprises:
            return None
        keys, *cells = pl.concat(rows).get_columns()
        return Columns(self._header, keys.to_list(), {column.name: column.to_list() for column in cells})


def _names(sheet: Sheet) -> list[str]:
    if not sheet.header:
        sheet.key_list()  # reads the header too
    return [*shown_phone_columns(sheet.header), SHARED_WITH]


def _phones(now: Columns) -> dict[str, set[str]]:
    """Collect the phones that the rows of each key show."""
    found: dict[str, set[str]] = {}
    columns = [cells for name, cells in now.cells.items() if name != SHARED_WITH]
    for key, *cells in zip(now.keys, *columns, strict=True):
        if key:
            found.setdefault(key, set()).update(cell for cell in cells if cell)
    return found


def _marks(now: Columns) -> dict[str, dict[str, str]]:
    """List the marks that have to change, by key."""
    if SHARED_WITH not in now.cells:
        return {}
    counts = shared_counts(_phones(now))
    there = zip(now.keys, now.cells[SHARED_WITH], strict=True)
    return {
        key: {SHARED_WITH: _text(counts.get(key, 0))}
        for key, cell in there
        if key and _is_mark(cell) and cell != _text(counts.get(key, 0))
    }


def _is_mark(cell: str) -> bool:
    return not cell or (cell.isascii() and cell.isdigit())


def _text(count: int) -> str:
    return str(count) if count else ""

"""Append rows so that each key is in the sheet once."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leadflow.errors import DeliveryError, TransientError
from leadflow.services.limits import StopFlag
from leadflow.services.sheets.layout import Layout, Seen
from leadflow.settings import SheetsSettings

_PAYLOAD_CELLS = 40_000


class Append(Layout):
    """Appends to a tab, each preceded by a look at the key column."""

    def __init__(self, settings: SheetsSettings, locks: Path | None = None, stop: StopFlag | None = None) -> None:
        super().__init__(settings, locks, stop)
        self._doubtful: set[str] = set()

    @abstractmethod
    def _take_out_doubles(self, present: Sequence[str]) -> int:
        """Delete rows that only repeat another row of the same key; how many."""

    def append(self, rows: Sequence[Mapping[str, str]]) -> int:
        """Append rows, each with its key, unless the key is there; how many were new.

        When it returns, each key is in the sheet once. Raises RefusedError or DeliveryError.
        """
        width = max(1, _PAYLOAD_CELLS // max(1, len(self.header)))
        return sum(self._append(rows[start : start + width]) for start in range(0, len(rows), width))

    def _append(self, rows: Sequence[Mapping[str, str]]) -> int:
        key = self.settings.key_column
        wanted = {row[key]: row for row in rows}
        new: set[str] = set()
        with self._turn():
            for _ in range(self.settings.attempts):
                present = self._look() if self._doubtful & wanted.keys() else self._present()
                missing = {k: row for k, row in wanted.items() if k not in self._seen.known}
                self.ensure_columns(dict.fromkeys(name for row in rows for name in row))
                if self._doubtful & wanted.keys():
                    self._take_out_doubles(present)
                if not missing:
                    return len(new)
                new |= missing.keys()
                if self._sent(list(missing.values())):
                    return len(new)
                self._doubtful |= missing.keys()
        raise DeliveryError(f"{len(wanted)} rows could not be proven to be in the sheet after {self.settings.attempts} attempts; resume the job")

    def _sent(self, rows: Sequence[Mapping[str, str]]) -> bool:
        """Send an append once; False when it is in doubt whether it was applied."""
        values = [[row.get(name, "") for name in self.header] for row in rows]
        seen, self._seen = self._seen, Seen()
        self._turn.appends()
        try:
            answer: Any = self._refused_again(
                lambda: self.tab.append_rows(values, value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range="A1")
            )
        except TransientError:
            return False
        updates = answer.get("updates") if isinstance(answer, dict) else None
        if not isinstance(updates, dict) or updates.get("updatedRows") != len(values):
            return False
        column, first = start_of(str(updates.get("updatedRange", "")))
        if not column:
            return False
        if column != "A":
            self._undo(column, first, values)
        self._seen = seen.with_more([row[self.settings.key_column] for row in rows], first)
        return True

    def _undo(self, column: str, first: int, values: Sequence[Sequence[str]]) -> None:
        """Take back rows that were written beside their columns, since someone put a column before the first in that moment.

        Raises DeliveryError. Without a name in row 1 that column is none of the table's, whose left edge an append begins at.
        """
        last = first + len(values) - 1
        there = self._read(f"{column}{first}:{last}")[0]
        ours = [list(map(str, row)) + [""] * (len(value) - len(row)) for row, value in zip(there, values, strict=False)]
        if ours == [list(value) for value in values]:
            self._refused_again(lambda: self.tab.delete_rows(first, last))
            raise DeliveryError(f"a column was put before the first of tab {self.settings.worksheet} during an append, which was taken back; resume the job")
        raise DeliveryError(
            f"rows {first} to {last} of tab {self.settings.worksheet} were written from column {column} on, beside their columns; "
            "delete them, then resume the job"
        )


def start_of(written: str) -> tuple[str, int]:
    """Column and row where a range begins, as in "'tab'!A2:F9"; ("", 0) of what is no range."""
    found = re.search(r"!?\$?([A-Z]+)\$?(\d+)(:\$?[A-Z]+\$?\d+)?$", written)
    return (found[1], int(found[2])) if found else ("", 0)

"""Append rows so that each key is in the sheet once."""

from __future__ import annotations

import re
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from leadflow.errors import DeliveryError, RefusedError, TransientError
from leadflow.services.sheets.cells import Cells
from leadflow.services.sheets.layout import Seen
from leadflow.services.transport.limits import StopFlag
from leadflow.settings import SheetsSettings

_PAYLOAD_CELLS = 40_000
LATE_S = 2.0  # how late the sheet may show rows whose append was answered
# Why an append is in doubt, and what a person can do about it.
_UNANSWERED = ": Google did not answer as it should. Wait a minute"
_NOT_SHOWN = ": Google accepts them, and tab {tab} does not show them all. With a filter on, rows may be lost: turn off the filter of tab {tab} (Data > Remove filter)"
_MOVED = ": the columns of tab {tab} keep moving. Let the sheet rest for a minute"


class Append(Cells):
    """Appends to a tab, each preceded by a look at the key column."""

    def __init__(self, settings: SheetsSettings, locks: Path | None = None, stop: StopFlag | None = None) -> None:
        super().__init__(settings, locks, stop)
        self._doubtful: set[str] = set()
        self._doubt = _UNANSWERED
        self._last_unseen = float("-inf")

    @abstractmethod
    def _take_out_doubles(self, present: Sequence[str]) -> int:
        """Delete rows that only repeat another row of the same key; how many."""

    def append(self, rows: Sequence[Mapping[str, str]]) -> int:
        """Append rows, each with its key, unless the key is there; how many were new.

        When it returns, each key was read in the sheet. Raises RefusedError or DeliveryError.
        """
        width = max(1, _PAYLOAD_CELLS // max(1, len(self.header)))
        return sum(self._append(rows[start : start + width]) for start in range(0, len(rows), width))

    def _append(self, rows: Sequence[Mapping[str, str]]) -> int:
        key = self.settings.key_column
        wanted = {row[key]: row for row in rows}
        new: set[str] = set()
        with self._turn():
            for attempt in range(self.settings.attempts):
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
                self.surprises += 1
                if self._doubt == _NOT_SHOWN:  # it may show them in a moment, and sent again they would be doubled
                    self._last_unseen = time.monotonic()
                    self._pause(min(0.3 * 2**attempt, LATE_S))
        doubt = self._doubt.format(tab=self.settings.worksheet)
        raise DeliveryError(
            f"{len(wanted)} rows could not be proven to be in the sheet after {self.settings.attempts} attempts{doubt}, then resume the job"
        )

    def _pause(self, seconds: float) -> None:
        """Wait, but not beyond a stop."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not (self._stop and self._stop.is_set()):
            time.sleep(min(left, 0.05))

    def _sent(self, rows: Sequence[Mapping[str, str]]) -> bool:
        """Send an append once; False when it is in doubt whether all of it was applied."""
        values = [[row.get(name, "") for name in self.header] for row in rows]
        seen, self._seen = self._seen, Seen()
        self._doubt = _UNANSWERED
        self._turn.appends()
        try:
            answer: Any = self._refused_again(
                lambda: self.tab.append_rows(
                    values, value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range="A1"
                )
            )
        except TransientError:
            return False
        column, first = _place(answer, len(values))
        if not column:
            return False
        if column != "A":
            self._undo(values, column, first, "a column was put before the first")
        self._doubt = _NOT_SHOWN
        return self._shown(values, first, seen)

    def _shown(self, values: Sequence[Sequence[str]], first: int, before: Seen) -> bool:
        """Whether the sheet shows the keys of an append, which Google says begins at row `first`.

        Its answer alone is no proof: with a filter on it may be 200, with the right number of rows, and nothing is added.
        Source: https://github.com/theoephraim/node-google-spreadsheet/issues/591
        """
        header, column = self.header, self.header.index(self.settings.key_column)
        keys = [row[column] for row in values]
        head, found = self._read_from(column, first)
        if head[: len(header)] == header and found == keys and before.ends_before(first):
            self._seen, self._read_back = before.with_more(keys, first), self._now()
            return True
        if head[: len(header)] != header and self._stands(values, "A", first):
            self._take_back(values, "A", first, "columns were moved")
            self._doubt = _MOVED
            return False
        self.surprises += 1
        present = self._look()
        self._raise_if_written_over(keys, before)
        if not self._seen.known.issuperset(keys):
            self._raise_if_altered(values, column, first)
            return False
        if len(set(present)) < len(present):
            self._doubtful.update(keys)
        return True

    def _raise_if_written_over(self, keys: Sequence[str], before: Seen) -> None:
        """Raise DeliveryError if our rows stand where others stood, and these are gone: that append inserted no rows.

        One row gone of many may have been deleted by a person in that moment.
        """
        rows = [row for key, row in zip(self._seen.keys, self._seen.rows, strict=True) if key in set(keys)]
        if not rows:
            return
        there = [key for key, row in zip(before.keys, before.rows, strict=True) if min(rows) <= row <= max(rows)]
        lost = set(there) - self._seen.known
        if lost and len(lost) == len(set(there)) and len(lost) > (len(keys) > 1):
            raise DeliveryError(
                f"an append to tab {self.settings.worksheet} was written over {len(lost)} rows, such as that of lead {min(lost)}. SheetLock off the "
                "filter of the tab (Data > Remove filter), bring the rows back from File > Version history, then resume the job"
            )

    def _raise_if_altered(self, values: Sequence[Sequence[str]], column: int, first: int) -> None:
        """Raise DeliveryError if our rows are there with other keys, and take them back: no row would ever be found again."""
        if self._stands(values, "A", first, but=column):
            self._undo(
                values,
                "A",
                first,
                f"column {self.settings.key_column!r} did not keep the keys (does a formula or a script change it?)",
                but=column,
            )

    def _stands(self, values: Sequence[Sequence[str]], column: str, first: int, but: int | None = None) -> bool:
        """Whether rows stand at a place, cell by cell, that of column `but` excepted."""

        def cells(row: Sequence[Any], width: int) -> list[str]:
            texts = [*map(str, row), *[""] * width][:width]
            return [text for n, text in enumerate(texts) if n != but]

        try:
            there = self._read(f"{column}{first}:{first + len(values) - 1}")[0]
        except RefusedError:
            return False  # there is no such row
        return [cells(row, len(value)) for row, value in zip(there, values, strict=False)] == [
            cells(value, len(value)) for value in values
        ]

    def _undo(
        self, values: Sequence[Sequence[str]], column: str, first: int, why: str, but: int | None = None
    ) -> NoReturn:
        """Take back rows that stand in wrong columns, or with wrong keys, and raise DeliveryError.

        An append begins at the left edge of the table: a column without a name in row 1 is not part of it.
        """
        self._take_back(values, column, first, why, but)
        raise DeliveryError(
            f"{why} during an append to tab {self.settings.worksheet}, which was taken back; resume the job"
        )

    def _take_back(
        self, values: Sequence[Sequence[str]], column: str, first: int, why: str, but: int | None = None
    ) -> None:
        """Delete rows just appended; raises DeliveryError if they are not there any more, or stay."""
        tab, last = self.settings.worksheet, first + len(values) - 1
        if self._stands(values, column, first, but):
            self._refused_again(lambda: self.tab.delete_rows(first, last))
            if not self._stands(values, column, first, but):
                return
        raise DeliveryError(
            f"{why} during an append to tab {tab}, which wrote rows {first} to {last}; delete them, then resume the job"
        )


def _place(answer: Any, rows: int) -> tuple[str, int]:
    """Column and row where so many rows were appended, as Google says; ("", 0) if it does not say."""
    updates = answer.get("updates") if isinstance(answer, dict) else None
    if not isinstance(updates, dict) or updates.get("updatedRows") != rows:
        return "", 0
    return start_of(str(updates.get("updatedRange", "")))


def start_of(written: str) -> tuple[str, int]:
    """Column and row where a range begins, as in "'tab'!A2:F9"; ("", 0) of what is no range."""
    found = re.search(r"!?\$?([A-Z]+)\$?(\d+)(:\$?[A-Z]+\$?\d+)?$", written)
    return (found[1], int(found[2])) if found else ("", 0)

"""Append rows so that each key is in the sheet once."""

from __future__ import annotations

import json
import re
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from leadflow.errors import DeliveryError, RefusedError, TransientError
from leadflow.services.sheets.cells import Cells, Columns
from leadflow.services.sheets.google import OutOfGridError
from leadflow.services.sheets.layout import LATE_S, Seen
from leadflow.services.transport.limits import StopFlag
from leadflow.settings import SheetsSettings

_PAYLOAD_BYTES = 1_800_000  # Google recommends 2 MB a request: developers.google.com/workspace/sheets/api/limits
# Reasons why an append is in doubt, with the user's next step. They complete the message in _append.
_UNANSWERED = ": Google did not answer as expected. Wait a minute"
_NOT_SHOWN = (
    ": Google accepts them, and tab {tab} does not show them all. With a filter on, rows may be lost: turn off the "
    "filter of tab {tab} (Data > Remove filter)"
)
_MOVED = (
    ": the columns of tab {tab} keep moving, or hidden rows or columns lead appends astray. Show all rows and columns, "
    "and let the sheet rest for a minute"
)
_SMALLER = ": people keep making tab {tab} smaller. Let the sheet rest for a minute"


class Append(Cells):
    """Appends rows to a tab after reading the key column, and verifies that the sheet shows them.

    It calls values.append with INSERT_ROWS, not values.update on a range below the last row: that range would be chosen
    before the write. If a person, or a job on another machine, added a row in between, the update would overwrite it,
    and the API has neither a condition ("only if blank") nor a lock that could prevent this. Inserted rows are new. If
    rows have moved meanwhile, they may be inserted in a wrong place, which is read back and repaired, but they never
    overwrite a filled cell.

    An append begins below the table that Google finds at a cell: a block of cells with blanks around it. If the cell is
    in no table, the rows are inserted there. The first choice is A2, which is right even if rows were cut or sorted
    meanwhile; A1 would be the same, but if the first column is hidden, Google reportedly finds no table there, and
    rows would be above the header until they are taken back. A blank row or a column without a name splits the block;
    hidden rows and columns reportedly do too. In that case the cell below the last key is used; if rows were just added
    there, the new rows follow them.
    Sources: https://developers.google.com/workspace/sheets/api/guides/values#appending_values,
    https://github.com/theoephraim/node-google-spreadsheet/issues/706 (hidden columns; read on 2026-11-28)
    """

    def __init__(self, settings: SheetsSettings, locks: Path | None = None, stop: StopFlag | None = None) -> None:
        super().__init__(settings, locks, stop)
        self._doubtful_keys: set[str] = set()
        self._doubt = _UNANSWERED
        self._last_unseen = float("-inf")
        self._is_astray = False  # whether an append at A2 was inserted elsewhere than below the last row
        self._below = 1  # how far below the header or the last key an append begins; 0 where the grid ends there
        self._watched: tuple[Sequence[str], Callable[[Columns], None]] = (), lambda _: None

    @abstractmethod
    def _delete_duplicates(self, present: Sequence[str]) -> int:
        """Delete rows that only repeat another row of the same key; return how many. Repair implements it."""

    def watch(self, names: Sequence[str], on_rows: Callable[[Columns], None]) -> None:
        """Have each append call `on_rows` with these columns of the rows that it added at the end.

        Rows that others added, moved or deleted meanwhile count as `surprises`.
        """
        self._watched = names, on_rows

    def append(self, rows: Sequence[Mapping[str, str]]) -> int:
        """Append the rows whose key is not in the sheet; return how many.

        When it returns, each key was read in the sheet. Raises RefusedError or DeliveryError.
        """
        new = 0
        for number, part in enumerate(_parts(rows, self.header)):
            if number:  # the rows before were read back just now, which is as good as a look
                self._looked_ahead = self._read_back
            new += self._append(part)
        return new

    def _append(self, rows: Sequence[Mapping[str, str]]) -> int:
        key = self.settings.key_column
        wanted = {row[key]: row for row in rows}
        new: set[str] = set()
        with self._lock.hold():
            attempt = 0
            while attempt < self.settings.attempts:
                present = self._look() if self._doubtful_keys & wanted.keys() else self._current_keys()
                self.ensure_columns(dict.fromkeys(name for row in rows for name in row))
                missing = {k: row for k, row in wanted.items() if k not in self._seen.known}
                if self._doubtful_keys & wanted.keys():
                    self._delete_duplicates(present)
                if not missing:
                    return len(new)
                new |= missing.keys()
                if self._send(list(missing.values())):
                    return len(new)
                if self._doubt != _SMALLER:  # then nothing was written
                    self._doubtful_keys |= missing.keys()
                    self.surprises += 1
                    self._last_unseen = time.monotonic()
                if self._doubt == _NOT_SHOWN:  # the sheet may show them late; another append would duplicate them
                    self._pause(min(0.3 * 2**attempt, LATE_S))
                # While Google is busy, the limiter delays the next attempt and decides when to give up.
                attempt += not self.writes.is_busy
        raise self._unproven(len(wanted))

    def _unproven(self, rows: int) -> DeliveryError:
        doubt = self._doubt.format(tab=self.settings.worksheet)
        return DeliveryError(
            f"{rows} rows could not be proven to be in the sheet after {self.settings.attempts} attempts{doubt}, then "
            "resume the job"
        )

    def _pause(self, seconds: float) -> None:
        """Wait; a stop ends the wait."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not (self._stop and self._stop.is_set()):
            time.sleep(min(left, 0.05))

    def _send(self, rows: Sequence[Mapping[str, str]]) -> bool:
        """Send an append once; return False if it is in doubt whether all of it was applied."""
        values = [[row.get(name, "") for name in self.header] for row in rows]
        start = self._start()
        seen, self._seen = self._seen, Seen()
        self._doubt = _UNANSWERED
        self._lock.record_append()
        try:
            answer = self._append_at(start, values)
        except TransientError:
            return False
        except OutOfGridError:  # a person has cut the grid above that cell
            self._below, self._doubt, self._seen = 0, _SMALLER, seen
            return False
        column, first = _place(answer, len(values))
        if column not in ("", "A"):
            why = "a column was inserted before the first, or the first is hidden,"
            if self._is_astray:
                self._take_back_and_raise(values, column, first, why)
            self._take_back(values, column, first, why)
            self._is_astray, self._doubt = True, _MOVED
            return False
        self._doubt = _NOT_SHOWN if column else _UNANSWERED
        return bool(column) and self._is_shown(values, first, seen)

    def _append_at(self, cell: str, values: list[list[str]]) -> Any:
        """Send an append below the table at a cell; return Google's answer."""
        from gspread.utils import InsertDataOption, ValueInputOption

        return self._retry_if_refused(
            lambda: self.tab.append_rows(
                values,
                value_input_option=ValueInputOption.raw,
                insert_data_option=InsertDataOption.insert_rows,
                table_range=cell,
            )
        )

    def _start(self) -> str:
        """Return the cell at which Google looks for the table: below the header, or below the last key."""
        splits = self._is_astray or ((self._seen.has_gaps or "" in self.header) and not self._has_typed_table)
        return f"A{(max(self._seen.last_row, 1) if splits else 1) + self._below}"

    def _is_shown(self, values: Sequence[Sequence[str]], first: int, before: Seen) -> bool:
        """Return whether the sheet shows the keys of an append that, by Google's answer, begins at row `first`.

        The answer alone is no proof: with a filter on, it may be 200 with the right number of rows but add nothing.
        Source: https://github.com/theoephraim/node-google-spreadsheet/issues/591
        """
        header, column = self.header, self.header.index(self.settings.key_column)
        keys = [row[column] for row in values]
        head, found = self._read_from(column, first)
        if head[: len(header)] == header and found == keys and before.ends_before(first):
            before.add(keys, first)
            self._seen, self._read_back = before, self._stamp()
            watched, on_rows = self._watched
            places = {name: header.index(name) for name in watched if name in header}
            on_rows(Columns(head, keys, {name: [row[n] for row in values] for name, n in places.items()}))
            return True
        if head[: len(header)] != header and self._rows_are_at(values, "A", first):
            self._take_back(values, "A", first, "columns were moved")
            self._is_astray, self._doubt = True, _MOVED
            return False
        self.surprises += 1
        present = self._look()
        self._raise_if_overwritten(keys, before)
        if not self._seen.known.issuperset(keys):
            self._raise_if_altered(values, column, first)
            return False
        self._is_astray = self._is_astray or first <= before.last_row
        if len(set(present)) < len(present):
            self._doubtful_keys.update(keys)
        return True

    def _raise_if_overwritten(self, keys: Sequence[str], before: Seen) -> None:
        """Raise DeliveryError if the append replaced rows instead of inserting new ones.

        One missing row of many may have been deleted by a person in that moment.
        """
        rows = [row for key, row in zip(self._seen.keys, self._seen.rows, strict=True) if key in set(keys)]
        if not rows:
            return
        old = {key for key, row in zip(before.keys, before.rows, strict=True) if min(rows) <= row <= max(rows)}
        lost = old - self._seen.known
        if lost and len(lost) == len(old) and len(lost) > (len(keys) > 1):
            raise DeliveryError(
                f"an append to tab {self.settings.worksheet} was written over {len(lost)} rows, such as that of lead "
                f"{min(lost)}. Turn off the filter of the tab (Data > Remove filter), restore the rows from File > "
                "Version history, then resume the job"
            )

    def _raise_if_altered(self, values: Sequence[Sequence[str]], column: int, first: int) -> None:
        """Delete appended rows whose keys were changed, and raise DeliveryError: their leads would never be found."""
        if self._rows_are_at(values, "A", first, but=column):
            self._take_back_and_raise(
                values,
                "A",
                first,
                f"column {self.settings.key_column!r} did not keep the keys (does a formula or a script change it?)",
                but=column,
            )

    def _rows_are_at(self, values: Sequence[Sequence[str]], column: str, first: int, but: int | None = None) -> bool:
        """Return whether these rows are at a place in the tab, cell by cell, except the cells of column `but`."""

        def cells(row: Sequence[Any], width: int) -> list[str]:
            texts = [*map(str, row), *[""] * width][:width]
            return [text for n, text in enumerate(texts) if n != but]

        try:
            there = self._read(f"{column}{first}:{first + len(values) - 1}")[0]
        except RefusedError:
            return False  # the row does not exist
        return [cells(row, len(value)) for row, value in zip(there, values, strict=False)] == [
            cells(value, len(value)) for value in values
        ]

    def _delete_rows(self, first: int, last: int) -> bool:
        """Send a delete of rows by number once; return False if it is in doubt, so it may still be applied."""
        self.surprises += 1  # rows below have another number from now on
        try:
            self._retry_if_refused(lambda: self.tab.delete_rows(first, last))
        except TransientError:
            return False
        return True

    def _take_back_and_raise(
        self, values: Sequence[Sequence[str]], column: str, first: int, why: str, but: int | None = None
    ) -> NoReturn:
        """Delete appended rows that are in wrong columns, or have wrong keys, and raise DeliveryError.

        An append begins at the left edge of the table: a column without a name in row 1 is not part of it.
        """
        self._take_back(values, column, first, why, but)
        raise DeliveryError(
            f"{why} during an append to tab {self.settings.worksheet}, which was taken back; resume the job"
        )

    def _take_back(
        self, values: Sequence[Sequence[str]], column: str, first: int, why: str, but: int | None = None
    ) -> None:
        """Delete rows just appended, once: a repeat could hit other rows if the first is applied late.

        Raises DeliveryError if they have moved, or are still there afterwards.
        """
        tab, last = self.settings.worksheet, first + len(values) - 1
        if self._rows_are_at(values, column, first, but):
            answered = self._delete_rows(first, last)
            if answered and not self._rows_are_at(values, column, first, but):
                return
            time.sleep(LATE_S)
            if not self._rows_are_at(values, column, first, but):
                return
        raise DeliveryError(
            f"{why} during an append to tab {tab}, which wrote rows {first} to {last}; delete them, then resume the job"
        )


def _parts(rows: Sequence[Mapping[str, str]], header: Sequence[str]) -> Iterator[list[Mapping[str, str]]]:
    """Yield the rows in parts that a request may hold. Columns that are not in a row are sent too, blank."""
    part: list[Mapping[str, str]] = []
    size = 0
    for row in rows:
        width = len(json.dumps([*row.values(), *("" for name in header if name not in row)]))
        if part and size + width > _PAYLOAD_BYTES:
            yield part
            part, size = [], 0
        part.append(row)
        size += width
    if part:
        yield part


def _place(answer: Any, rows: int) -> tuple[str, int]:
    """Return the column and row where Google appended this many rows; ("", 0) if the answer has neither."""
    updates = answer.get("updates") if isinstance(answer, dict) else None
    if not isinstance(updates, dict) or updates.get("updatedRows") != rows:
        return "", 0
    return start_of(str(updates.get("updatedRange", "")))


def start_of(written: str) -> tuple[str, int]:
    """Return the column and row where a range such as "'tab'!A2:F9" begins; ("", 0) if it is not a range."""
    found = re.search(r"!?\$?([A-Z]+)\$?(\d+)(:\$?[A-Z]+\$?\d+)?$", written)
    return (found[1], int(found[2])) if found else ("", 0)

"""The layout of a tab: its header, and the keys in its key column."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leadflow.errors import DeliveryError, RefusedError, TransientError
from leadflow.services.sheets.client import Connection, letters, worksheet_of
from leadflow.services.transport.limits import StopFlag
from leadflow.settings import SheetsSettings

LOOK_HOLDS_S = 2.0  # how long a look at the keys counts, if nobody here has appended since
_BLANK_HOLDS_S = 1.0  # how long a look at a blank tab counts: a header overwrites what a person types meanwhile
LATE_S = 2.0  # maximum delay before the sheet shows a write, also one that was answered with an error


class Layout(Connection):
    """The header and the key column of a tab, as of the last look.

    `surprises` counts how often the tab differed from leadflow's own appends: others may have written, or rows moved.
    """

    def __init__(self, settings: SheetsSettings, locks: Path | None = None, stop: StopFlag | None = None) -> None:
        super().__init__(settings, locks, stop)
        self.header: list[str] = []
        self.surprises: int = 0
        self._has_typed_table = False
        self._seen = Seen()
        self._looked_ahead: tuple[object, float] | None = None
        self._blank: tuple[dict[str, Any] | None, tuple[object, float]] | None = None
        self._read_back: tuple[object, float] | None = None

    def _read_header(self) -> None:
        self.header = [str(name) for name in self._retry(lambda: self.tab.row_values(1))]

    def ensure_columns(self, names: Iterable[str]) -> bool:
        """Write the header on first use, or add missing columns at its right; return whether anything was written."""
        with self._lock.hold():
            names = list(dict.fromkeys(names))
            if self.tab and self.header and self.header[0] and all(name in self.header for name in names):
                return False
            if not self.header and self._begin(names):
                return True
            for attempt in range(self.settings.attempts):
                self._read_header()
                missing = [name for name in names if name not in self.header]
                if not missing and (not self.header or self.header[0]):
                    return attempt > 0
                self._add_columns(names, missing)
        raise DeliveryError(
            f"the header of tab {self.settings.worksheet} keeps changing; let the sheet rest for a minute, then resume"
        )

    def _begin(self, names: Sequence[str]) -> bool:
        """Write the header of a blank tab in one call, with the columns that its grid lacks.

        Return whether the header is there now: another machine may begin at the same moment. Callers wait for the first
        rows, and Google takes half a second for each call.
        """
        found = self._blank_grid()
        if found is None:
            return False
        tab = self.tab
        row = {"values": [{"userEnteredValue": {"stringValue": name}} for name in names]}
        header = {"start": {"sheetId": tab.id}, "rows": [row], "fields": "userEnteredValue"}
        requests: list[dict[str, Any]] = [{"updateCells": header}]
        if (lacking := len(names) - self.tab.col_count) > 0:
            grow = {"sheetId": tab.id, "dimension": "COLUMNS", "length": lacking}
            requests.insert(0, {"appendDimension": grow})
        self._lock.record_append()
        try:
            self._retry_if_refused(lambda: self.tab.spreadsheet.batch_update({"requests": requests}))
        except TransientError:
            return False
        if lacking > 0:
            found["properties"]["gridProperties"]["columnCount"] = len(names)
            self._tab = worksheet_of(tab.spreadsheet, found)
        self._look()
        self._looked_ahead = self._stamp()  # the first append follows
        return self.header == list(names)

    def look_if_blank(self) -> None:
        """Look now whether the tab is blank, so that writing a header within the next second need not wait for it."""
        with self._lock.hold():
            if not self.header:
                self._blank = self._described_if_blank(), self._stamp()

    def _blank_grid(self) -> dict[str, Any] | None:
        """Return the description of the tab if it is blank, from a look just before or from now; else None."""
        ahead, self._blank = self._blank, None
        if ahead is not None and self._is_fresh(ahead[1], _BLANK_HOLDS_S):
            return ahead[0]
        return self._described_if_blank()

    def _described_if_blank(self) -> dict[str, Any] | None:
        """Return the description of the tab; None if it has cells, typed columns or merged cells."""
        if self._client is None:
            self.connect()
        with ThreadPoolExecutor(1, "sheet") as aside:
            described = aside.submit(self._describe)
            is_blank = not self._read("")[0]
            found = described.result()
        return found if is_blank and not found.get("tables") and not found.get("merges") else None

    def _add_columns(self, names: Sequence[str], missing: Sequence[str]) -> None:
        """Write names at the right of the header. Another machine may do so too: the caller reads the result."""
        self._raise_if_header_moved()
        self._raise_if_key_is_gone(names)
        first = len(self.header)
        if missing and not self._has_columns(first + len(missing)):
            return
        # It writes the same text into the same cells, so it is safe to repeat.
        if missing:
            self._retry(lambda: self.tab.update([list(missing)], f"{letters(first)}1", raw=True))
        self._name_first_columns()

    def _has_columns(self, count: int) -> bool:
        """Add columns at the right until the grid has so many; return False if it is in doubt whether they were added.

        The grid is read again: a person may have cut it. A resize to a fixed size could cut a person's columns off.
        """
        self._describe()
        if count <= self.tab.col_count:
            return True
        grow = {"sheetId": self.tab.id, "dimension": "COLUMNS", "length": count - self.tab.col_count}
        book = self.tab.spreadsheet
        try:
            self._retry_if_refused(lambda: book.batch_update({"requests": [{"appendDimension": grow}]}))
        except TransientError:
            return False
        self._describe()
        return count <= self.tab.col_count

    def _name_first_columns(self) -> None:
        """Name unnamed columns at the left: they are not part of the table, at whose left edge an append begins."""
        blank = next((n for n, name in enumerate(self.header) if name), 0)
        if blank:
            self._retry(lambda: self.tab.update([[f"Column {letters(n)}" for n in range(blank)]], "A1", raw=True))

    def _raise_if_header_moved(self) -> None:
        """Raise DeliveryError if row 1 is not the header: no key would be found, and all leads be appended again."""
        key = self.settings.key_column
        if key not in self.header and any(key in row for row in self._read("")[0][1:]):
            raise DeliveryError(
                f"row 1 of tab {self.settings.worksheet} is not the header any more: move the row that has {key!r} "
                "back to the top, then resume"
            )

    def _raise_if_key_is_gone(self, names: Sequence[str]) -> None:
        """Raise DeliveryError if a filled tab has lost its key column: all leads would be appended again."""
        key = self.settings.key_column
        kept = sum(name in self.header for name in names)
        if key in names and key not in self.header and kept > len(names) // 2 and len(self._read("")[0]) > 1:
            raise DeliveryError(
                f"tab {self.settings.worksheet} has no column {key!r} any more, so leads cannot be recognized: "
                "name it so again, then resume"
            )

    @property
    def is_empty(self) -> bool:
        """Whether the last look found no key."""
        return not self._seen.keys

    def key_list(self) -> list[str]:
        """Return every key in the key column, from top to bottom, repeats included."""
        return list(self._look())

    def there(self, keys: Collection[str]) -> set[str]:
        """Return which of these keys the sheet has. An append that follows at once need not look again."""
        if not keys:
            return set()
        with self._lock.hold():
            self._current_keys()
            self._looked_ahead = self._stamp()
            return self._seen.known.intersection(keys)

    def _look(self) -> list[str]:
        """Read header and key column in one call, and return the keys. Looks again if columns moved meanwhile."""
        key = self.settings.key_column
        if self._client is None:
            self.connect()
        for _ in range(self.settings.attempts):
            column = self.header.index(key) if key in self.header else 0
            head, keys = self._read("1:1", f"{letters(column)}:{letters(column)}")
            self.header = [str(name) for name in head[0]] if head else []
            self._seen = Seen()
            if self.header[column : column + 1] == [key]:
                self._seen = Seen.of(keys)
                return self._seen.keys
            if key not in self.header:
                if head or keys:
                    self._raise_if_header_moved()
                return []
        raise DeliveryError(
            f"the columns of tab {self.settings.worksheet} keep moving; let the sheet rest for a minute, then resume"
        )

    def _look_at_last_key(self) -> list[str]:
        """Return the keys as _look does, but read only the header and last key: if in place, nobody added rows."""
        key, seen = self.settings.key_column, self._seen
        if not seen.keys or key not in self.header:
            found = self._look()
            self.surprises += bool(found)
            return found
        column = self.header.index(key)
        head, end = self._read_from(column, seen.last_row)
        if head[column : column + 1] != [key] or end != [seen.keys[-1]]:
            self.surprises += 1
            return self._look()
        self.header = head
        return seen.keys

    def _read_from(self, column: int, row: int) -> tuple[list[str], list[str]]:
        """Return the header, and the cells of a column from a row on, in one call; both empty if the row is missing."""
        try:
            head, cells = self._read("1:1", f"{letters(column)}{row}:{letters(column)}")
        except RefusedError:
            return [], []
        return [str(name) for name in head[0]] if head else [], [str(cell[0]) if cell else "" for cell in cells]

    def look_ahead(self) -> None:
        """Look now, so that an append within the next seconds need not wait for it."""
        with self._lock.hold():
            if self._is_fresh(self._read_back):
                self._looked_ahead = self._read_back
            elif not self._is_fresh(self._looked_ahead):
                self._look_at_last_key()
                self._looked_ahead = self._stamp()

    def _stamp(self) -> tuple[object, float]:
        """Return the state that _is_fresh compares with a later state."""
        return self._lock.version(), time.monotonic()

    def _is_fresh(self, look: tuple[object, float] | None, holds_s: float = LOOK_HOLDS_S) -> bool:
        """Return whether a look was within `holds_s` seconds, and nobody on this machine has appended since."""
        return look is not None and look[0] == self._lock.version() and time.monotonic() - look[1] < holds_s

    def _current_keys(self) -> list[str]:
        """Return the keys in the sheet, from a look ahead if that is fresh."""
        keys = self._seen.keys if self._is_fresh(self._looked_ahead) else self._look_at_last_key()
        self._looked_ahead = None
        return keys


@dataclass(frozen=True)
class Seen:
    """The keys as of the last look, in order and as a set, and the numbers of their rows."""

    keys: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, column: Sequence[Sequence[Any]]) -> Seen:
        """Build it from the cells of the key column, header included."""
        cells = [(row, str(cell[0])) for row, cell in enumerate(column[1:], 2) if cell and cell[0] != ""]
        keys = [key for _, key in cells]
        return cls(keys, [row for row, _ in cells], set(keys))

    def is_of(self, keys: Sequence[str]) -> bool:
        """Return whether these are the keys of all rows from 2 on, "" for a row without one."""
        there = [(row, key) for row, key in enumerate(keys, 2) if key]
        return there == list(zip(self.rows, self.keys, strict=True))

    @property
    def last_row(self) -> int:
        """The number of the last row with a key, 0 if no row has one."""
        return self.rows[-1] if self.rows else 0

    @property
    def has_gaps(self) -> bool:
        """Whether a row without a key is between the header and the last row with one."""
        return bool(self.rows) and self.last_row != len(self.rows) + 1

    def ends_before(self, row: int) -> bool:
        """Return whether a row follows the last known one; if not, somebody added rows between."""
        return row == max(self.last_row, 1) + 1

    def add(self, keys: Sequence[str], first: int) -> None:
        """Add appended keys, which are in the rows from `first` on."""
        self.keys.extend(keys)
        self.rows.extend(range(first, first + len(keys)))
        self.known.update(keys)

"""Where things stand in a tab: its header, its columns, and the keys in the key column."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leadflow.errors import DeliveryError, RefusedError
from leadflow.services.sheets.client import Connection, letters
from leadflow.services.transport.limits import StopFlag
from leadflow.settings import SheetsSettings

LOOK_HOLDS_S = 2.0


class Layout(Connection):
    """The header and the key column of a tab, as of the last look.

    `surprises` counts how often it looked otherwise than our own writes had left it: others may have written too.
    """

    def __init__(self, settings: SheetsSettings, locks: Path | None = None, stop: StopFlag | None = None) -> None:
        super().__init__(settings, locks, stop)
        self.header: list[str] = []
        self.surprises: int = 0
        self._seen = Seen()
        self._ahead: tuple[object, float] | None = None
        self._read_back: tuple[object, float] | None = None

    def _read_header(self) -> None:
        self.header = [str(name) for name in self._again(lambda: self.tab.row_values(1))]

    def ensure_columns(self, names: Iterable[str]) -> bool:
        """Make the header on first use, or add at its right what it lacks; whether anything was written."""
        with self._turn():
            names = list(names)
            if self.tab and self.header and self.header[0] and all(name in self.header for name in names):
                return False
            for attempt in range(self.settings.attempts):
                self._read_header()
                missing = [name for name in names if name not in self.header]
                if not missing and (not self.header or self.header[0]):
                    return attempt > 0
                self._add_columns(names, missing)
        raise DeliveryError(
            f"the header of tab {self.settings.worksheet} keeps changing; let the sheet rest for a minute, then resume"
        )

    def _add_columns(self, names: Sequence[str], missing: Sequence[str]) -> None:
        """Write names at the right of the header. Another machine may do so too: the caller looks whether they stayed."""
        self._raise_if_header_moved()
        self._raise_if_key_is_gone(names)
        first = len(self.header)
        if first + len(missing) > self.tab.col_count:
            self._again(lambda: self.tab.resize(cols=first + len(missing) + 4))
        # The same cells with the same content: safe to repeat.
        if missing:
            self._again(lambda: self.tab.update([list(missing)], f"{letters(first)}1", raw=True))
        self._name_first_columns()

    def _name_first_columns(self) -> None:
        """An append begins at the left edge of the table, and columns that a person put there without a name are not part of it."""
        blank = next((n for n, name in enumerate(self.header) if name), 0)
        if blank:
            self._again(lambda: self.tab.update([[f"Column {letters(n)}" for n in range(blank)]], "A1", raw=True))

    def _raise_if_header_moved(self) -> None:
        """Without its header the keys cannot be found, and every lead would seem to be missing."""
        key = self.settings.key_column
        if key not in self.header and any(key in row for row in self._read("")[0][1:]):
            raise DeliveryError(
                f"row 1 of tab {self.settings.worksheet} is not the header any more: move the row that has {key!r} back to the top, then resume"
            )

    def _raise_if_key_is_gone(self, names: Sequence[str]) -> None:
        """A header that has our columns but not the key, over rows: somebody renamed it, and every lead would be written again."""
        key = self.settings.key_column
        there = sum(name in self.header for name in names)
        if key in names and key not in self.header and there > len(names) // 2 and len(self._read("")[0]) > 1:
            raise DeliveryError(
                f"tab {self.settings.worksheet} has no column {key!r} any more, so leads that are there cannot be told from new ones: name it so again, then resume"
            )

    @property
    def is_empty(self) -> bool:
        """Whether the last look found no key."""
        return not self._seen.keys

    def key_list(self) -> list[str]:
        """Every key in the key column, from top to bottom, with repeats."""
        return list(self._look())

    def there(self, keys: Collection[str]) -> set[str]:
        """Which of these keys the sheet has; what is done with them next need not look again."""
        if not keys:
            return set()
        with self._turn():
            self._present()
            self._ahead = self._now()
            return self._seen.known.intersection(keys)

    def _look(self) -> list[str]:
        """Read header and key column in one call; a person may have moved columns since the last look."""
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

    def _glance(self) -> list[str]:
        """As _look, at the cost of two cells: while the last key stands where we put it, nobody else added any."""
        key, seen = self.settings.key_column, self._seen
        if not seen.keys or key not in self.header:
            found = self._look()
            self.surprises += bool(found)
            return found
        column = self.header.index(key)
        head, end = self._read_from(column, seen.row)
        if head[column : column + 1] != [key] or end != [seen.keys[-1]]:
            self.surprises += 1
            return self._look()
        self.header = head
        return seen.keys

    def _read_from(self, column: int, row: int) -> tuple[list[str], list[str]]:
        """The header, and the cells of a column from a row on, in one call; both empty if there is no such row."""
        try:
            head, cells = self._read("1:1", f"{letters(column)}{row}:{letters(column)}")
        except RefusedError:
            return [], []
        return [str(name) for name in head[0]] if head else [], [str(cell[0]) if cell else "" for cell in cells]

    def look_ahead(self) -> None:
        """Glance now, for an append that is due in a moment and need not wait for it then."""
        with self._turn():
            if self._fresh(self._read_back):
                self._ahead = self._read_back
            elif not self._fresh(self._ahead):
                self._glance()
                self._ahead = self._now()

    def _now(self) -> tuple[object, float]:
        """What tells later whether a look is still good."""
        return self._turn.stamp(), time.monotonic()

    def _fresh(self, look: tuple[object, float] | None) -> bool:
        """Whether a look was a moment ago, and nobody here has appended since."""
        return look is not None and look[0] == self._turn.stamp() and time.monotonic() - look[1] < LOOK_HOLDS_S

    def _present(self) -> list[str]:
        """The keys in the sheet."""
        present = self._seen.keys if self._fresh(self._ahead) else self._glance()
        self._ahead = None
        return present


@dataclass(frozen=True)
class Seen:
    """The keys as of the last look, as a list and as a set, and the numbers of their rows."""

    keys: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, column: Sequence[Sequence[Any]]) -> Seen:
        """From the cells of the key column, the header's first."""
        cells = [(row, str(cell[0])) for row, cell in enumerate(column[1:], 2) if cell and cell[0] != ""]
        keys = [key for _, key in cells]
        return cls(keys, [row for row, _ in cells], set(keys))

    @property
    def row(self) -> int:
        """The number of the last row that has a key, 0 if none has."""
        return self.rows[-1] if self.rows else 0

    def ends_before(self, row: int) -> bool:
        """Whether a row follows the last one that was seen; if not, someone wrote between."""
        return row == max(self.row, 1) + 1

    def with_more(self, keys: Sequence[str], first: int) -> Seen:
        """With keys of ours that stand from row `first` on."""
        self.keys.extend(keys)
        self.rows.extend(range(first, first + len(keys)))
        self.known.update(keys)
        return self

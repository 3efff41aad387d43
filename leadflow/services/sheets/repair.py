"""Delete rows of a tab: duplicates from a late append, and rows that show a phone which may not be called."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from leadflow.errors import DeliveryError
from leadflow.services.sheets.append import Append
from leadflow.services.sheets.layout import LATE_S

ByKey = dict[str, dict[int, Sequence[str]]]


class Repair(Append):
    """Deletes rows of a tab, and restores a row that was deleted by mistake because a person sorted meanwhile."""

    def withdraw(self, forbidden: Mapping[str, Collection[str]]) -> int:
        """Delete rows that show a forbidden cell, and return how many; `forbidden` maps keys to such cells.

        Such a row comes from an interrupted run, and its phones have been checked again since. Raises RefusedError or
        DeliveryError.
        """
        if not forbidden:
            return 0
        most, rows = 0, dict[int, str]()
        with self._lock.hold():
            self._current_keys()
            if not _forbidden_rows(self._rows_of(forbidden.keys()), forbidden):
                return 0
            for left in reversed(range(self.settings.attempts + 1)):
                before = self._all_cells()
                rows = _forbidden_rows(_by_key(before, self.settings.key_column), forbidden)
                most = max(most, len(rows))
                if not rows or not left:
                    break
                self._delete(before, list(rows), but=set(rows.values()))
        if not rows:
            return most
        raise DeliveryError(
            f"{len(rows)} rows of tab {self.settings.worksheet} whose phones may not be called any more could not be "
            f"taken out, such as that of lead {min(rows.values())}; delete them, then resume"
        )

    def _all_cells(self) -> list[list[str]]:
        """Return all cells of the tab as text."""
        return [[str(cell) for cell in row] for row in self._retry(self.tab.get_all_values)]

    def settle_doubts(self) -> int:
        """At a job's end, delete duplicates from appends that were applied late; return how many."""
        if not self._doubtful_keys:
            return 0
        self._pause(self._last_unseen + LATE_S - time.monotonic())
        with self._lock.hold():
            return self._delete_duplicates(self._look())

    def _delete_duplicates(self, present: Sequence[str]) -> int:
        """Delete rows that only repeat another row of the same key, and return how many. A person's cells stay."""
        most, duplicates = 0, list[int]()
        for left in reversed(range(self.settings.attempts + 1)):
            if len(set(present)) == len(present):
                return most
            repeated = {key for key, rows in Counter(present).items() if rows > 1}
            duplicates = _duplicate_rows(self._rows_of(repeated))
            most = max(most, len(duplicates))
            if not duplicates:
                return most
            if left:
                before = self._all_cells()
                present = self._delete(before, _duplicate_rows(_by_key(before, self.settings.key_column)))
        raise DeliveryError(
            f"rows of tab {self.settings.worksheet} that repeat a lead could not be taken out, such as row "
            f"{min(duplicates)}; delete them, then resume"
        )

    def _rows_of(self, keys: Collection[str]) -> ByKey:
        """Return the rows of these keys, by key and number (from 1), as of the last look.

        It reads only these rows: two different rows with one key stay for good, and must not cause a read of a large
        sheet at each start. If rows have moved since the look, or these are many, it reads the whole tab.
        """
        wanted = {row: key for key, row in zip(self._seen.keys, self._seen.rows, strict=True) if key in keys}
        if not wanted:
            return {}
        if (found := self._read_rows(wanted)) is not None:
            column = self.header.index(self.settings.key_column)
            if all(found[number][column] == key for number, key in wanted.items()):
                by_key: ByKey = {}
                for number, key in wanted.items():
                    by_key.setdefault(key, {})[number] = found[number]
                return by_key
        by_key = _by_key(self._all_cells(), self.settings.key_column)
        return {key: rows for key, rows in by_key.items() if key in keys}

    def _delete(self, before: Sequence[Sequence[str]], rows: Collection[int], but: Collection[str] = ()) -> list[str]:
        """Delete rows of `before` by number, from the bottom, and return the keys that are then present.

        It stops at a delete that is in doubt. That one, or one that is answered and not shown, may be applied late, and
        would then hit the row that has the number by that time: nothing is deleted or appended until it must have come.
        """
        if not rows:
            return self._look()
        answered = all(self._delete_rows(row, row) for row in sorted(rows, reverse=True))
        now, column = self._look(), list(before[0]).index(self.settings.key_column)
        if not answered or len(now) > sum(bool(row[column]) for row in before[1:]) - len(rows):
            time.sleep(LATE_S)
            now = self._look()
        gone = {*self._seen.known, *but}
        lost = {row[column]: row for row in before[1:] if row[column] and row[column] not in gone}
        return self._append_again(before[0], lost.values()) if lost else now

    def _append_again(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
        """Append rows that a delete hit because somebody sorted meanwhile; return the present keys."""
        self._append([{name: value for name, value in zip(header, row, strict=True) if name} for row in rows])
        return self._look()


def _by_key(values: Sequence[Sequence[str]], key_column: str) -> ByKey:
    """Return the rows of a whole tab by key and number (from 1)."""
    if not values or key_column not in values[0]:
        return {}
    column = list(values[0]).index(key_column)
    by_key: ByKey = {}
    for number, row in enumerate(values[1:], 2):
        if row[column]:
            by_key.setdefault(row[column], {})[number] = row
    return by_key


def _duplicate_rows(by_key: ByKey) -> list[int]:
    """Return the numbers of rows whose every cell is empty or equal to that of another row of their key."""
    found: list[int] = []
    for rows in by_key.values():
        best = max(rows, key=lambda n: (sum(map(bool, rows[n])), -n))
        found += [
            n
            for n, row in rows.items()
            if n != best and all(a in ("", b) for a, b in zip(row, rows[best], strict=True))
        ]
    return found


def _forbidden_rows(by_key: ByKey, forbidden: Mapping[str, Collection[str]]) -> dict[int, str]:
    """Return the keys, by row number, of rows with a cell that is forbidden for their key."""
    return {
        number: key
        for key, rows in by_key.items()
        for number, row in rows.items()
        if not set(row).isdisjoint(forbidden.get(key, ()))
    }

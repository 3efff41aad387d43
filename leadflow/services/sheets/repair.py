"""Delete rows of a tab: duplicates from a late append, and rows that show a phone which may not be called."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from leadflow.errors import DeliveryError, TransientError
from leadflow.services.sheets.append import LATE_S, Append


class Repair(Append):
    """Deletes rows of a tab, and restores a row that was deleted by mistake because a person sorted meanwhile."""

    def withdraw(self, forbidden: Mapping[str, Collection[str]]) -> int:
        """Delete rows that show a forbidden cell, and return how many; `forbidden` maps keys to such cells.

        Such a row is of a run that broke off, and its phones have been checked again since. Raises RefusedError or
        DeliveryError.
        """
        if not forbidden:
            return 0
        most, rows = 0, dict[int, str]()
        with self._lock.hold():
            for left in reversed(range(self.settings.attempts + 1)):
                before = self._all_cells()
                rows = _rows_with_forbidden(before, self.settings.key_column, forbidden)
                most = max(most, len(rows))
                if not rows or not left:
                    break
                self._delete(list(rows))
                self._restore(before, but=set(rows.values()))
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
            before = self._all_cells()
            duplicates = _duplicate_rows(before, self.settings.key_column)
            most = max(most, len(duplicates))
            if not duplicates:
                return most
            if left:
                self._delete(duplicates)
                present = self._restore(before)
        raise DeliveryError(
            f"rows of tab {self.settings.worksheet} that repeat a lead could not be taken out, such as row "
            f"{min(duplicates)}; delete them, then resume"
        )

    def _delete(self, rows: Sequence[int]) -> None:
        """Delete rows by number, from the bottom. Stops when in doubt: a repeated delete would hit another row.

        The caller reads whether the rows are gone: Google's answer alone is no proof.
        """
        with suppress(TransientError):
            for row in sorted(rows, reverse=True):
                self._retry_if_refused(lambda row=row: self.tab.delete_rows(row))

    def _restore(self, before: Sequence[Sequence[str]], but: Collection[str] = ()) -> list[str]:
        """Return the present keys. If somebody sorted during a delete, a wrong row is gone: append it again."""
        now = self._look()
        column = list(before[0]).index(self.settings.key_column)
        gone = {*self._seen.known, *but}
        lost = {row[column]: row for row in before[1:] if row[column] and row[column] not in gone}
        if not lost:
            return now
        self._append(
            [{name: value for name, value in zip(before[0], row, strict=True) if name} for row in lost.values()]
        )
        return self._look()


def _duplicate_rows(values: Sequence[Sequence[str]], key_column: str) -> list[int]:
    """Return the numbers (from 1) of rows whose every cell is empty or equal to that of another row of their key."""
    if not values or key_column not in values[0]:
        return []
    column = list(values[0]).index(key_column)
    by_key: dict[str, list[int]] = {}
    for number, row in enumerate(values[1:], 2):
        if row[column]:
            by_key.setdefault(row[column], []).append(number)
    found: list[int] = []
    for numbers in by_key.values():
        best = max(numbers, key=lambda n: (sum(map(bool, values[n - 1])), -n))
        kept = values[best - 1]
        found += [
            n for n in numbers if n != best and all(a in ("", b) for a, b in zip(values[n - 1], kept, strict=True))
        ]
    return found


def _rows_with_forbidden(
    values: Sequence[Sequence[str]], key_column: str, forbidden: Mapping[str, Collection[str]]
) -> dict[int, str]:
    """Return the keys, by row number (from 1), of rows with a cell that is forbidden for their key."""
    if not values or key_column not in values[0]:
        return {}
    column = list(values[0]).index(key_column)
    return {
        number: row[column]
        for number, row in enumerate(values[1:], 2)
        if not set(row).isdisjoint(forbidden.get(row[column], ()))
    }

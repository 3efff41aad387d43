"""Take rows out of a tab: those that a late append doubled, and those that show what they may not."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from leadflow.errors import DeliveryError, TransientError
from leadflow.services.sheets.append import LATE_S, Append


class Repair(Append):
    """Deletes rows of a tab, and puts back what a person's sorting let it delete."""

    def withdraw(self, forbidden: Mapping[str, Collection[str]]) -> int:
        """Take out rows that show what they may not: cells, by key, that must not stand in the row of that key; how many went.

        Such a row is of a run that broke off, whose phones have been checked again since. Raises RefusedError or DeliveryError.
        """
        if not forbidden:
            return 0
        most, rows = 0, dict[int, str]()
        with self._turn():
            for left in reversed(range(self.settings.attempts + 1)):
                before = self._everything()
                rows = _showing(before, self.settings.key_column, forbidden)
                most = max(most, len(rows))
                if not rows or not left:
                    break
                self._deleted(list(rows))
                self._restored(before, but=set(rows.values()))
        if not rows:
            return most
        raise DeliveryError(
            f"{len(rows)} rows of tab {self.settings.worksheet} whose phones may not be called any more could not be taken out, such as that of lead {min(rows.values())}; delete them, then resume"
        )

    def _everything(self) -> list[list[str]]:
        """All the cells of the tab as text."""
        return [[str(cell) for cell in row] for row in self._again(self.tab.get_all_values)]

    def settle_doubts(self) -> int:
        """At a job's end: look again for rows that came late, after their append was given up; how many were taken out."""
        if not self._doubtful:
            return 0
        self._pause(self._last_unseen + LATE_S - time.monotonic())
        with self._turn():
            return self._take_out_doubles(self._look())

    def _take_out_doubles(self, present: Sequence[str]) -> int:
        """Delete rows that only repeat another row of the same key. What a person wrote beside a lead stays."""
        most, copies = 0, list[int]()
        for left in reversed(range(self.settings.attempts + 1)):
            if len(set(present)) == len(present):
                return most
            before = self._everything()
            copies = _copies(before, self.settings.key_column)
            most = max(most, len(copies))
            if not copies:
                return most
            if left:
                self._deleted(copies)
                present = self._restored(before)
        raise DeliveryError(
            f"rows of tab {self.settings.worksheet} that repeat a lead could not be taken out, such as row {min(copies)}; delete them, then resume"
        )

    def _deleted(self, rows: Sequence[int]) -> None:
        """Delete rows by number, from the bottom; stops when in doubt, as a repeated delete would hit another row.

        The caller reads whether they went: an answer that says so is no proof.
        """
        with suppress(TransientError):
            for row in sorted(rows, reverse=True):
                self._refused_again(lambda row=row: self.tab.delete_rows(row))

    def _restored(self, before: Sequence[Sequence[str]], but: Collection[str] = ()) -> list[str]:
        """The keys there now. If someone sorted in that moment, a wrong row is gone: put it back."""
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


def _copies(values: Sequence[Sequence[str]], key_column: str) -> list[int]:
    """The row numbers (from 1) of rows that say nothing which another row of their key does not say too."""
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


def _showing(
    values: Sequence[Sequence[str]], key_column: str, forbidden: Mapping[str, Collection[str]]
) -> dict[int, str]:
    """The keys, by row number (from 1), of rows in which a cell stands that is forbidden for their key."""
    if not values or key_column not in values[0]:
        return {}
    column = list(values[0]).index(key_column)
    return {
        number: row[column]
        for number, row in enumerate(values[1:], 2)
        if not set(row).isdisjoint(forbidden.get(row[column], ()))
    }

"""Delete rows of a tab by number, and put back what a delete took by mistake."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from leadflow.errors import DeliveryError, TransientError
from leadflow.services.sheets.append import Append
from leadflow.services.sheets.google import OutOfGridError
from leadflow.services.sheets.layout import LATE_S, Seen
from leadflow.services.sheets.lost_rows import Grid, Row, column_names, lost_rows

MOST_RANGES = 5_000  # of rows in one request, about 600 KB; Google recommends 2 MB


class Deletion(Append):
    """Deletes rows by number. Nothing can tie a delete to a key, so every delete is read back and repaired.

    A batch of deletes counts as one request, and is applied as a whole or not at all.
    Sources: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/batchUpdate,
    https://developers.google.com/workspace/sheets/api/limits
    """

    def _all_cells(self) -> list[list[str]]:
        """Return all cells of the tab as text."""
        return [[str(cell) for cell in row] for row in self._retry(self.tab.get_all_values)]

    def _delete(self, before: Grid, rows: Collection[int]) -> list[str]:
        """Delete rows of `before` by number, and return the keys that are then present. Raises DeliveryError.

        A delete in doubt, or one that is answered and not shown, may be applied late, and would then hit the row that
        has the number by that time: nothing is deleted or appended until it must have come.
        """
        if not rows:
            return self._look()
        expected = _seen_without(before, self.settings.key_column, rows)
        answered = self._send_deletes(rows, len(before))
        if len(self._look()) > len(expected.keys) or not answered:
            time.sleep(LATE_S)
            self._look()
        return self._put_back(before, rows, expected)

    def _send_deletes(self, rows: Collection[int], used: int) -> bool:
        """Send the deletes of rows, from the bottom; return False if it is in doubt whether all were applied.

        Stops when in doubt: a repeated delete would hit other rows. `used` is the number of rows with content.
        """
        self.surprises += 1  # rows below have another number from now on
        book, requests = self.tab.spreadsheet, [self._deletion(first, last) for first, last in _runs_from_bottom(rows)]
        if used - len(rows) <= max(1, self.tab.frozen_row_count):
            # Google refuses to delete all rows that are not frozen. Source: jlolling/talendcomp_tGoogleSheet #19
            requests.insert(0, {"appendDimension": {"sheetId": self.tab.id, "dimension": "ROWS", "length": 1}})
        try:
            for start in range(0, len(requests), MOST_RANGES):
                part = {"requests": requests[start : start + MOST_RANGES]}
                self._retry_if_refused(lambda part=part: book.batch_update(part))
        except TransientError:
            return False
        return True

    def _deletion(self, first: int, last: int) -> dict[str, Any]:
        place = {"sheetId": self.tab.id, "dimension": "ROWS", "startIndex": first - 1, "endIndex": last}
        return {"deleteDimension": {"range": place}}

    def _put_back(self, before: Grid, deleted: Collection[int], expected: Seen) -> list[str]:
        """Return the present keys. If somebody sorted during the delete, other rows are gone: append them again."""
        for _ in range(self.settings.attempts):
            if self._seen == expected:
                return self._seen.keys
            lost = lost_rows(before, deleted, self._all_cells(), self.settings.key_column)
            if not lost:
                return self._look()
            self._append_lost(lost)
            self._look()
        raise DeliveryError(
            f"rows of tab {self.settings.worksheet} were sorted or moved while others were deleted, and some that had "
            "to stay are gone; restore them from File > Version history, then resume"
        )

    def _append_lost(self, rows: list[Row]) -> None:
        """Append rows again: by key where that is possible, else as they are (copies, rows without a key)."""
        key, columns = self.settings.key_column, column_names(self.header)
        plain = set(columns) if columns == self.header else set[str]()
        known = {"", *self._seen.known}
        by_key = {row[key]: row for row in rows if row.get(key, "") not in known and plain.issuperset(row)}
        if by_key:
            self._append(list(by_key.values()))
        if others := [row for row in rows if by_key.get(row.get(key, "")) is not row]:
            self._look()
            columns += [name for name in dict.fromkeys(name for row in others for name in row) if name not in columns]
            self._doubtful_keys |= {row[key] for row in others if key in row}
            self._lock.record_append()
            with suppress(TransientError, OutOfGridError):
                self._append_at(self._start(), [[row.get(name, "") for name in columns] for row in others])


def _seen_without(before: Grid, key_column: str, deleted: Collection[int]) -> Seen:
    """Return the keys and row numbers that a look finds if exactly these rows are gone."""
    column, gone = list(before[0]).index(key_column), set(deleted)
    kept = [row for number, row in enumerate(before, 1) if number not in gone]
    return Seen.of([[row[column]] for row in kept])


def lowest(rows: Iterable[int], ranges: int) -> list[int]:
    """Return the lowest rows of a tab that a number of ranges holds.

    >>> lowest([2, 5, 6, 7, 9], 2)
    [9, 5, 6, 7]
    """
    return [row for first, last in islice(_runs_from_bottom(rows), ranges) for row in range(first, last + 1)]


def _runs_from_bottom(rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield row numbers as runs of first and last, the lowest rows of the tab first, so that no delete moves the next.

    >>> list(_runs_from_bottom([3, 9, 4]))
    [(9, 9), (3, 4)]
    """
    first = last = 0
    for row in sorted(set(rows), reverse=True):
        if row == first - 1:
            first = row
            continue
        if first:
            yield first, last
        first = last = row
    if first:
        yield first, last

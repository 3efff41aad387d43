"""Take rows out of a tab: duplicates from a late append, rows that show a forbidden phone, and all rows of a key."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from leadflow.errors import DeliveryError, RefusedError
from leadflow.services.sheets.deletion import MOST_RANGES, Deletion, lowest
from leadflow.services.sheets.layout import LATE_S
from leadflow.services.sheets.lost_rows import Grid, Row, named_rows

ByKey = dict[str, dict[int, Sequence[str]]]
_MOST_RUNS = 200  # of rows that are read on their own; more cost more calls than the whole tab
_RUNS_A_READ = 50  # the ranges of a read are part of its address, whose length is limited
_NEAR = 4


class Repair(Deletion):
    """Takes rows out of a tab. A row that went by mistake, because a person sorted meanwhile, comes back.

    Rows of one key that differ only in columns `may_differ` count as duplicates.
    """

    may_differ: frozenset[str] = frozenset()

    def take_out(self, keys: Collection[str], copy: Callable[[list[Row]], int] | None = None) -> list[str]:
        """Delete every row of these keys, also copies that people made; return the keys that had a row.

        `copy` receives the rows before they are deleted, as the cells that are not blank by column name, and returns
        how many of them it did not have yet. It is called again with what people typed meanwhile. When this returns, no
        row of these keys was read in the tab. Raises RefusedError (nothing was deleted) or DeliveryError.
        """
        found: dict[str, None] = {}
        with self._lock.hold():
            self._look()
            self.raise_if_unrecognizable()
            if self._seen.known.isdisjoint(keys):
                return []
            again, first, tries, before = False, True, 0, self._all_cells()
            while rows := _numbers_of(before, self.settings.key_column, keys):
                found.update(dict.fromkeys(rows.values()))
                # The first copy takes several calls, so the rows are read again before any is deleted.
                again = copy is not None and (copy(named_rows(before, rows)) > 0 or first) and not again
                first = False
                if not again:
                    tries += not self._deletes(before, list(rows), keys)
                    if self._seen.known.isdisjoint(keys):
                        break
                if tries >= self.settings.attempts:
                    raise self._not_taken_out(rows)
                before = self._all_cells()
        return list(found)

    def _deletes(self, before: Grid, rows: list[int], keys: Collection[str]) -> bool:
        """Delete rows, as many as one request may hold; return whether fewer rows have these keys than before."""
        present, wanted = self._delete(before, lowest(rows, MOST_RANGES)), set(keys)
        return sum(key in wanted for key in present) < len(rows)

    def raise_if_unrecognizable(self) -> None:
        """Raise DeliveryError if a filled tab has no key column: its rows could not be found, and would stay."""
        key = self.settings.key_column
        if key not in self.header and len(self._read("")[0]) > 1:
            raise DeliveryError(
                f"tab {self.settings.worksheet} has no column {key!r}, so leads cannot be recognized: name it so again"
            )

    def _not_taken_out(self, rows: Mapping[int, str]) -> DeliveryError:
        return DeliveryError(
            f"{len(rows)} rows of tab {self.settings.worksheet} whose phones may not be called any more could not be "
            f"taken out, such as that of lead {min(rows.values())}; delete them, then resume"
        )

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
                self._delete(before, rows)
        if not rows:
            return most
        raise self._not_taken_out(rows)

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
            duplicates = self._duplicate_rows(self._rows_of(repeated))
            most = max(most, len(duplicates))
            if not duplicates:
                return most
            if left:
                before = self._all_cells()
                present = self._delete(before, self._duplicate_rows(_by_key(before, self.settings.key_column)))
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
        runs = _runs(wanted)
        if len(runs) <= _MOST_RUNS and (found := self._read_rows(runs)) is not None:
            column = self.header.index(self.settings.key_column)
            if all(found[number][column] == key for number, key in wanted.items()):
                by_key: ByKey = {}
                for number, key in wanted.items():
                    by_key.setdefault(key, {})[number] = found[number]
                return by_key
        by_key = _by_key(self._all_cells(), self.settings.key_column)
        return {key: rows for key, rows in by_key.items() if key in keys}

    def _read_rows(self, runs: Sequence[tuple[int, int]]) -> dict[int, list[str]] | None:
        """Return the cells of runs of rows by row number, all of one width; None if a row no longer exists."""
        found: dict[int, list[str]] = {}
        for start in range(0, len(runs), _RUNS_A_READ):
            part = runs[start : start + _RUNS_A_READ]
            try:
                blocks = self._read(*(f"{first}:{last}" for first, last in part))
            except RefusedError:
                return None
            for (first, last), block in zip(part, blocks, strict=True):
                rows = [[str(cell) for cell in row] for row in block]
                found |= {first + n: rows[n] if n < len(rows) else [] for n in range(last + 1 - first)}
        width = max(len(self.header), *map(len, found.values()))
        return {number: [*row, *[""] * (width - len(row))] for number, row in found.items()}

    def _duplicate_rows(self, by_key: ByKey) -> list[int]:
        """Return the numbers of rows whose every cell is empty or equal to that of another row of their key."""
        free = {n for n, name in enumerate(self.header) if name in self.may_differ}
        found: list[int] = []
        for rows in by_key.values():
            best = max(rows, key=lambda n: (sum(map(bool, rows[n])), -n))
            found += [
                n
                for n, row in rows.items()
                if n != best
                and all(a in ("", b) or m in free for m, (a, b) in enumerate(zip(row, rows[best], strict=True)))
            ]
        return found


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


def _numbers_of(cells: Sequence[Sequence[str]], key_column: str, keys: Collection[str]) -> dict[int, str]:
    """Return the keys, by row number, of the rows that have one of these keys."""
    if not cells or key_column not in cells[0]:
        return {}
    column, wanted = list(cells[0]).index(key_column), set(keys)
    return {number: row[column] for number, row in enumerate(cells[1:], 2) if row[column] in wanted}


def _forbidden_rows(by_key: ByKey, forbidden: Mapping[str, Collection[str]]) -> dict[int, str]:
    """Return the keys, by row number, of rows with a cell that is forbidden for their key."""
    return {
        number: key
        for key, rows in by_key.items()
        for number, row in rows.items()
        if not set(row).isdisjoint(forbidden.get(key, ()))
    }


def _runs(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return row numbers as runs of first and last, which may have a few other rows within.

    >>> _runs([7, 2, 3, 900])
    [(2, 7), (900, 900)]
    """
    runs: list[tuple[int, int]] = []
    for row in sorted(rows):
        if runs and row - runs[-1][1] <= _NEAR:
            runs[-1] = runs[-1][0], row
        else:
            runs.append((row, row))
    return runs

"""Read and update single columns of a tab, and check that texts fit into cells."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from leadflow.errors import DeliveryError, InputError, RefusedError, TransientError
from leadflow.services.sheets.client import a1, letters
from leadflow.services.sheets.google import OutOfGridError
from leadflow.services.sheets.layout import LATE_S, Layout
from leadflow.services.sheets.obstacles import is_covered

LONGEST_CELL = 50_000
_CELLS_A_WRITE = 40_000
_LONGEST_GAP = 50
_LONGEST_WAIT_S = 5.0
_MOST_RUNS = 200  # of rows that are read on their own; more cost more calls than the whole tab
_RUNS_A_READ = 50  # the ranges of a read are part of its address, whose length is limited
# Written cells in more runs are read back with their columns, in one call, unless that is more than about 1 MB.
_MOST_WRITTEN_RUNS, _MOST_ROWS_A_READ = _RUNS_A_READ, 20_000
_NEAR = 4
Values = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Columns:
    """Some columns of a tab: the header, the key of each row below it ("" for none), and the cells by column."""

    header: list[str]
    keys: list[str]
    cells: dict[str, list[str]]

    def of(self, column: str) -> dict[str, str]:
        """Return the cell of each key in a column; of several rows with one key the first."""
        return {key: cell for key, cell in zip(reversed(self.keys), reversed(self.cells[column]), strict=True) if key}


@dataclass(frozen=True)
class Write:
    """One cell to write: its column's name, its row below the header (from 0), and the new text."""

    column: str
    row: int
    text: str


class Cells(Layout):
    """Reads and changes single columns of a tab; a person's cells are never written."""

    def read_columns(self, names: Iterable[str], first: int = 2) -> Columns:
        """Read the keys and these columns, in one call: of all rows, or of those from row `first` on.

        A missing column is absent from the result.
        """
        key = self.settings.key_column
        for _ in range(self.settings.attempts):
            if key not in self.header:
                self._look()
            header = self.header
            wanted = [name for name in dict.fromkeys(names) if name in header and key in header]
            if not wanted:
                return Columns(header, [], {})
            places = [letters(header.index(name)) for name in (key, *wanted)]
            head, *columns = self._read("1:1", *(f"{place}{first - 1}:{place}" for place in places))
            self.header = [str(name) for name in head[0]] if head else []
            if self.header == header:
                return _columns(
                    header, wanted, [[str(cell[0]) if cell else "" for cell in column[1:]] for column in columns]
                )
        raise DeliveryError(
            f"the columns of tab {self.settings.worksheet} keep moving; let the sheet rest for a minute, then resume"
        )

    def update_cells(self, values: Values) -> int:
        """Write texts into the rows of keys, by key and column; return how many rows changed. Ignores missing keys.

        The columns must be leadflow's own. When it returns, each text was read in the row of its key: rows that a
        person sorted, inserted or deleted meanwhile are found again, and a cell written by mistake is restored.
        Raises RefusedError (a protected cell), DeliveryError.
        """
        names = dict.fromkeys(name for cells in values.values() for name in cells)
        return self.recompute(names, lambda _: values)

    def recompute(self, names: Iterable[str], wanted: Callable[[Columns], Values], known: Columns | None = None) -> int:
        """Update cells to the texts that `wanted` computes from the columns `names`, in all rows.

        It is called after each read, and for `known`, the columns as they probably are. Only the written cells are read
        afterwards; all rows are read again if these are not as they should be.
        """
        names, changed, tried = list(names), set[str](), 0
        last: tuple[Columns, list[Write]] | None = None
        with self._lock.hold():
            if known is not None:
                self.look_ahead()
                known = known if self._seen.is_of(known.keys) else None
            while tried < self.settings.attempts:
                now, known = known or self.read_columns(names), None
                writes = list(_writes(now, wanted(now)))
                changed.update(now.keys[write.row] for write in writes)
                if last:
                    self._undo_stray_writes(last, now)
                    writes += _misplaced(last, now, {(write.column, write.row) for write in writes})
                    tried += len(writes) >= len(last[1])
                    writes = self._without_merged(now, writes)
                if not writes:
                    return len(changed)
                last = now, writes
                try:
                    self._write(now, writes[:_CELLS_A_WRITE])
                    if len(writes) <= _CELLS_A_WRITE and self._are_shown(now, writes):
                        return len(changed)
                except TransientError:  # applied late, it could hit other rows, or undo the next write
                    time.sleep(LATE_S)
                except OutOfGridError:
                    time.sleep(min(0.2 * 2**tried, _LONGEST_WAIT_S))
        raise DeliveryError(
            f"cells of tab {self.settings.worksheet} could not be brought up to date after {self.settings.attempts} "
            "attempts; let the sheet rest for a minute, then resume"
        )

    def _are_shown(self, now: Columns, writes: Sequence[Write]) -> bool:
        """Return whether the rows of these writes have their keys and show their texts; False if they are too many."""
        rows = {write.row + 2 for write in writes}
        if len(_row_runs(rows)) > _MOST_WRITTEN_RUNS and len(now.keys) - min(rows) < _MOST_ROWS_A_READ:
            return self._columns_show(now, writes, min(rows))
        found = self._read_rows({1, *rows})
        if found is None or found[1][: len(now.header)] != now.header:
            return False
        key = now.header.index(self.settings.key_column)
        return all(
            found[write.row + 2][key] == now.keys[write.row]
            and found[write.row + 2][now.header.index(write.column)] == write.text
            for write in writes
        )

    def _columns_show(self, now: Columns, writes: Sequence[Write], first: int) -> bool:
        """Return the same from one read of the written columns, from row `first` on."""
        try:
            found = self.read_columns(dict.fromkeys(write.column for write in writes), first)
        except RefusedError:  # the grid was cut
            return False
        if found.header[: len(now.header)] != now.header:
            return False
        there = {
            (name, first - 2 + n): (found.keys[n], cell)
            for name in found.cells
            for n, cell in enumerate(found.cells[name])
        }
        return all(there.get((write.column, write.row)) == (now.keys[write.row], write.text) for write in writes)

    def _read_rows(self, rows: Iterable[int]) -> dict[int, list[str]] | None:
        """Return the cells of these rows, and of a few between, by row number and all of one width.

        None if a row no longer exists, or if reading them would cost more calls than reading the whole tab.
        """
        runs, found = _row_runs(rows), dict[int, list[str]]()
        if len(runs) > _MOST_RUNS:
            return None
        for start in range(0, len(runs), _RUNS_A_READ):
            part = runs[start : start + _RUNS_A_READ]
            try:
                blocks = self._read(*(f"{first}:{last}" for first, last in part))
            except RefusedError:
                return None
            for (first, last), block in zip(part, blocks, strict=True):
                texts = [[str(cell) for cell in row] for row in block]
                found |= {first + n: texts[n] if n < len(texts) else [] for n in range(last + 1 - first)}
        width = max(len(self.header), *map(len, found.values()))
        return {number: [*row, *[""] * (width - len(row))] for number, row in found.items()}

    def _without_merged(self, now: Columns, writes: list[Write]) -> list[Write]:
        """Return the writes without those into merged cells, of which only the first keeps a value."""
        if not writes:
            return writes
        merges = self._describe().get("merges", [])
        return [write for write in writes if not is_covered(merges, write.row + 1, now.header.index(write.column))]

    def _write(self, now: Columns, writes: Sequence[Write]) -> None:
        """Write cells in one request, not repeated when in doubt: a person may have sorted, so the caller reads."""
        assert self._client is not None
        http, data = self._client.http_client, []
        for name in dict.fromkeys(write.column for write in writes):
            texts = {write.row: write.text for write in writes if write.column == name}
            place = letters(now.header.index(name))
            for first, run in _runs(texts):
                cells = f"{place}{first + 2}:{place}{first + 1 + len(run)}"
                data.append({"range": a1(self.settings.worksheet, cells), "majorDimension": "COLUMNS", "values": [run]})
        self._retry_if_refused(
            lambda: http.values_batch_update(self.settings.spreadsheet_id, {"valueInputOption": "RAW", "data": data})
        )

    def _undo_stray_writes(self, last: tuple[Columns, list[Write]], now: Columns) -> None:
        """Clear cells written into a wrong column after columns moved; raise DeliveryError if that column had cells."""
        before, writes = last
        moved = [
            name
            for name in dict.fromkeys(write.column for write in writes)
            if name not in now.header or now.header.index(name) != before.header.index(name)
        ]
        for name in moved:
            hit = [write for write in writes if write.column == name]
            if name in now.header and _is_written(hit, before, now):
                continue
            place = before.header.index(name)
            other = now.header[place] if place < len(now.header) else ""
            cells = self._read(f"{letters(place)}2:{letters(place)}")[0]
            strays = [write for write in hit if write.row < len(cells) and cells[write.row][:1] == [write.text]]
            if strays and other in before.header:
                raise DeliveryError(
                    f"columns of tab {self.settings.worksheet} were moved while {name!r} was written: cells of column "
                    f"{other!r} may have been written over; restore them from File > Version history, then resume"
                )
            if strays:
                named = Columns([*now.header[:place], name], [], {})
                self._write(named, [Write(name, write.row, "") for write in strays])


def _columns(header: list[str], wanted: Sequence[str], columns: Sequence[list[str]]) -> Columns:
    rows = max(map(len, columns))
    keys, *cells = ([*column, *[""] * (rows - len(column))] for column in columns)
    return Columns(header, keys, dict(zip(wanted, cells, strict=True)))


def _writes(now: Columns, wanted: Values) -> Iterator[Write]:
    """Yield the cells that differ from the wanted texts."""
    for row, key in enumerate(now.keys):
        for column, text in wanted.get(key, {}).items() if key else ():
            if column in now.cells and now.cells[column][row] != text:
                yield Write(column, row, text)


def _misplaced(last: tuple[Columns, list[Write]], now: Columns, known: set[tuple[str, int]]) -> Iterator[Write]:
    """Yield the writes that restore cells which the last write hit by mistake, because a person had sorted the rows."""
    before, writes = last
    for column in dict.fromkeys(write.column for write in writes if write.column in now.cells):
        meant = {before.keys[write.row] for write in writes if write.column == column}
        texts = {write.text for write in writes if write.column == column}
        at = {write.row: write.text for write in writes if write.column == column}
        had = before.of(column)
        for row, (key, text) in enumerate(zip(now.keys, now.cells[column], strict=True)):
            if (column, row) in known or key in meant or text not in texts:
                continue
            if key and key in had and had[key] != text:
                yield Write(column, row, had[key])
            elif not key and at.get(row) == text:
                yield Write(column, row, "")


def _is_written(writes: Sequence[Write], before: Columns, now: Columns) -> bool:
    """Return whether the rows of these writes show their texts."""
    shown = now.of(writes[0].column)
    return all(shown.get(before.keys[write.row], write.text) == write.text for write in writes)


def _runs(texts: Mapping[int, str]) -> Iterator[tuple[int, list[str | None]]]:
    """Yield the texts as runs of rows, each with its first row; None for a row within a run that stays as it is.

    Source: "Null values will be skipped",
    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values

    >>> list(_runs({4: "a", 6: "b", 900: "c"}))
    [(4, ['a', None, 'b']), (900, ['c'])]
    """
    first, run = -1, list[str | None]()
    for row in sorted(texts):
        if run and row - first - len(run) > _LONGEST_GAP:
            yield first, run
            run = []
        if not run:
            first = row
        run += [*[None] * (row - first - len(run)), texts[row]]
    if run:
        yield first, run


def raise_for_cells(row: Mapping[str, str], key: str) -> None:
    """Raise InputError, naming the lead's key, if a text does not fit into a cell."""
    for name, value in row.items():
        if len(value) > LONGEST_CELL:
            raise InputError(
                f"lead {key}: column {name} has {len(value)} characters, and a cell holds {LONGEST_CELL}; shorten it"
            )
        if "\x00" in value:
            raise InputError(f"lead {key}: column {name} has a NUL byte; remove it")


def _row_runs(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return row numbers as runs of first and last, which may have a few other rows within.

    >>> _row_runs([7, 2, 3, 900])
    [(2, 7), (900, 900)]
    """
    runs: list[tuple[int, int]] = []
    for row in sorted(rows):
        if runs and row - runs[-1][1] <= _NEAR:
            runs[-1] = runs[-1][0], row
        else:
            runs.append((row, row))
    return runs

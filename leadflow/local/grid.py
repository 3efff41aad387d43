"""A spreadsheet in memory, and the A1 ranges that name its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from leadflow.local.regions import OPEN, Box, last_region, meet, moved
from leadflow.local.typed_tables import TypedTable

Cell = Any
_MANY = 10**9
_DELETE = "Invalid requests[0].deleteDimension:"
_CELL = re.compile(r"^\$?([A-Za-z]{0,3})\$?(\d*)$")
_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$")


class SheetsError(Exception):
    """An error with Google's HTTP status and message."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the status."""
        super().__init__(message)
        self.status = status


@dataclass
class Area:
    """A part of a tab, 0-based. `bottom` and `right` are exclusive, and None if the range is open."""

    tab: Tab
    top: int = 0
    left: int = 0
    bottom: int | None = None
    right: int | None = None
    single: bool = False  # one cell was named, so a write may grow from it

    @property
    def box(self) -> Box:
        """The area without its tab."""
        return self.top, self.left, self.bottom or OPEN, self.right or OPEN

    def name(self, rows: int | None = None, columns: int | None = None) -> str:
        """Return the A1 name, of the given size if one is given."""
        bottom = self.top + rows if rows is not None else min(self.bottom or self.tab.rows, self.tab.rows)
        right = self.left + columns if columns is not None else min(self.right or self.tab.columns, self.tab.columns)
        first, last = f"{letters(self.left)}{self.top + 1}", f"{letters(max(right, 1) - 1)}{max(bottom, 1)}"
        title = self.tab.title
        quoted = title if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", title) else "'" + title.replace("'", "''") + "'"
        return f"{quoted}!{first}" if first == last else f"{quoted}!{first}:{last}"


@dataclass
class Tab:
    """One worksheet. `cells` holds only the rows in use. The grid may be larger."""

    sheet_id: int
    title: str
    rows: int = 1000
    columns: int = 26
    cells: list[list[Cell]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    filter: Any = None  # a BasicFilter of leadflow.local.claims
    merges: list[Box] = field(default_factory=list)
    tables: list[TypedTable] = field(default_factory=list)
    hidden: list[Box] = field(default_factory=list)  # rows and columns that the search for tables does not see
    protected: list[Box] = field(default_factory=list)  # against the caller

    def properties(self, index: int) -> dict[str, Any]:
        """Return the tab as Google describes it."""
        grid = {"rowCount": self.rows, "columnCount": self.columns, **self.extra}
        return {
            "sheetId": self.sheet_id,
            "title": self.title,
            "index": index,
            "sheetType": "GRID",
            "gridProperties": grid,
        }

    def copy(self) -> Tab:
        """Return a copy of the tab. It shares the rows, because rows are replaced and never changed."""
        lists = {name: getattr(self, name)[:] for name in ("cells", "merges", "tables", "hidden", "protected")}
        return replace(self, extra=dict(self.extra), **lists)

    def blank(self, row: int) -> bool:
        """Return whether a row is empty."""
        return row >= len(self.cells) or _first(self.cells[row]) is None

    def write(self, top: int, left: int, values: list[list[Cell]], raw: bool) -> tuple[int, int, int]:
        """Write values into the grid. A null does not change its cell. Return the rows, columns and cells written."""
        width = max((len(row) for row in values), default=0)
        if top + len(values) > self.rows or left + width > self.columns:
            limits = f"Max rows: {self.rows}, max columns: {self.columns}"
            name = Area(self, top, left).name(len(values), width)
            raise SheetsError(400, f"Range ({name}) exceeds grid limits. {limits}")
        while len(self.cells) < top + len(values):
            self.cells.append([])
        count = 0
        for offset, row in enumerate(values):
            target = self.cells[top + offset][:]
            target.extend([""] * (left + len(row) - len(target)))
            for column, value in enumerate(row):
                if value is not None:
                    target[left + column] = value if raw else entered(value)
                    count += 1
            self.cells[top + offset] = self._kept(top + offset, target) if self.merges or self.tables else target
        return len(values), width, count

    def _kept(self, number: int, row: list[Cell]) -> list[Cell]:
        """Return the cells that a row stores: merged cells keep only the first, typed columns may convert a value."""
        for top, left, bottom, right in self.merges:
            if top <= number < bottom:
                first = left + (number == top)
                row[first:right] = [""] * max(0, min(right, len(row)) - first)
        for table in self.tables:
            for column in range(table.box[1], min(table.box[3], len(row))):
                if table.has(number, column):
                    row[column] = table.stored(number, column, row[column])
        return row

    def merge(self, box: Box) -> None:
        """Merge cells. Only the first keeps its value."""
        if any(meet(box, other) for other in self.merges):
            raise SheetsError(400, "You must select all cells in a merged range to merge or unmerge them.")
        self.merges.append(box)
        for number in range(box[0], min(box[2], len(self.cells))):
            self.cells[number] = self._kept(number, self.cells[number][:])

    def read(self, area: Area) -> list[list[Cell]]:
        """Return the values of an area, without the blanks at the ends of rows and of the area."""
        if area.top >= self.rows or area.left >= self.columns:
            limits = f"Max rows: {self.rows}, max columns: {self.columns}"
            raise SheetsError(400, f"Range ({area.name(1, 1)}) exceeds grid limits. {limits}")
        found = [_trim(row[area.left : area.right]) for row in self.cells[area.top : area.bottom]]
        while found and not found[-1]:
            found.pop()
        return found

    def table(self, area: Area) -> Box | None:
        """Return the table that an append to the area finds: a typed one, else the last block in the area."""
        wanted = (area.top, area.left, area.bottom or _MANY, area.right or _MANY)
        for table in self.tables:
            if table.has(area.top, area.left):
                top, left, bottom, right = table.box
                used = (n for n in range(min(bottom, len(self.cells)), top + 1, -1) if not self.blank(n - 1))
                return top, left, next(used, top + 1), right
        return last_region(self._visible() if self.hidden else self.cells, wanted)

    def _visible(self) -> list[list[Cell]]:
        """Return the cells without those in hidden rows and columns."""
        rows = [row[:] for row in self.cells]
        for top, left, bottom, right in self.hidden:
            for row in rows[top:bottom]:
                row[left:right] = [""] * max(0, min(right, len(row)) - left)
        return rows

    def grow_tables(self, top: int, left: int, count: int) -> None:
        """Extend typed tables over rows that are appended below them."""
        self.tables = [
            table.grown(top + count) if table.has(top - 1, left) or table.has(top, left) else table
            for table in self.tables
        ]

    def fill_tables(self, top: int, count: int) -> None:
        """Give blank cells of new rows the defaults of their columns in typed tables."""
        for table in self.tables:
            for number in range(max(top, table.box[0] + 1), min(top + count, table.box[2], len(self.cells))):
                row = [*self.cells[number], *[""] * (table.box[3] - len(self.cells[number]))]
                for column in range(table.box[1], table.box[3]):
                    row[column] = table.default(column) if row[column] == "" else row[column]
                self.cells[number] = row

    def _move(self, axis: int, start: int, count: int) -> None:
        """Move all that has a place after rows (axis 0) or columns were inserted or deleted (count < 0)."""
        for places in (self.merges, self.hidden, self.protected):
            places[:] = [box for old in places if (box := moved(old, axis, start, count))]
        self.filter = self.filter and self.filter.moved(axis, start, count)
        self.tables = [table for old in self.tables if (table := old.moved(axis, start, count))]

    def insert_rows(self, at: int, count: int) -> None:
        """Insert blank rows before row `at`."""
        self.rows += count
        self._move(0, at, count)
        if at < len(self.cells):
            self.cells[at:at] = [[] for _ in range(count)]

    def delete_rows(self, start: int, end: int) -> None:
        """Delete the rows from `start` to `end`."""
        if end - start >= self.rows:
            raise SheetsError(400, f"{_DELETE} You can't delete all the rows on the sheet.")
        self.rows -= end - start
        self._move(0, start, start - end)
        del self.cells[start:end]

    def insert_columns(self, at: int, count: int) -> None:
        """Insert blank columns before column `at`."""
        self.columns += count
        self._move(1, at, count)
        self.cells = [[*row[:at], *[""] * count, *row[at:]] if len(row) > at else row for row in self.cells]

    def delete_columns(self, start: int, end: int) -> None:
        """Delete the columns from `start` to `end`."""
        if end - start >= self.columns:
            raise SheetsError(
                400, "Invalid requests[0].deleteDimension: You can't delete all the columns on the sheet."
            )
        self.columns -= end - start
        self._move(1, start, start - end)
        self.cells = [[*row[:start], *row[end:]] for row in self.cells]

    def sort(self, column: int, descending: bool = False) -> None:
        """Sort the rows below the header by a column. Cells move; what has a place stays there."""
        self.sort_range((1, 0, self.rows, self.columns), [(column, descending)])

    def sort_range(self, box: Box, orders: list[tuple[int, bool]]) -> None:
        """Sort the cells of a box by columns, each ascending or descending: numbers, then text; blank cells last."""
        if any(meet(box, merge) and merge[2] - merge[0] > 1 for merge in self.merges):
            raise SheetsError(400, "You can't perform this action on a range with vertically merged cells.")
        top, left, bottom, right = box
        rows = [[*row, *[""] * (min(right, self.columns) - len(row))] for row in self.cells[top:bottom]]
        parts = [row[left:right] for row in rows]
        for column, descending in reversed(orders):
            filled = [part for part in parts if part[column - left] not in ("", None)]
            blank = [part for part in parts if part[column - left] in ("", None)]
            filled.sort(key=lambda part, at=column - left: _order(part[at]), reverse=descending)
            parts = [*filled, *blank]
        self.cells[top:bottom] = [[*row[:left], *part, *row[right:]] for row, part in zip(rows, parts, strict=True)]

    def resize(self, rows: int, columns: int) -> None:
        """Cut or enlarge the grid."""
        for axis, (size, now) in enumerate(((rows, self.rows), (columns, self.columns))):
            if size < now:
                self._move(axis, size, size - now)
        self.rows, self.columns = rows, columns
        self.cells = [row[:columns] for row in self.cells[:rows]]


def _first(row: list[Cell]) -> int | None:
    """Return the number of the first cell that is not blank, from 0."""
    if row and row[0] not in ("", None):
        return 0
    return next((n for n, cell in enumerate(row) if cell not in ("", None)), None)


def _used(row: list[Cell]) -> int:
    """Return how many cells there are up to the last that is not blank."""
    end = len(row)
    while end and row[end - 1] in ("", None):
        end -= 1
    return end


def _trim(row: list[Cell]) -> list[Cell]:
    return ["" if cell is None else cell for cell in row[: _used(row)]]


def entered(value: Cell) -> Cell:
    """Return the value of a cell after a person types it: numbers lose leading zeros, `=` begins a formula."""
    if isinstance(value, str) and _NUMBER.match(value):
        number = float(value)
        return int(number) if number.is_integer() else number
    if isinstance(value, str) and value[:1] in "=+-@" and len(value) > 1:
        return "#ERROR!"
    return value


def shown(value: Cell) -> str:
    """Return a cell as FORMATTED_VALUE gives it."""
    return str(value).upper() if isinstance(value, bool) else str(value)


def _order(value: Cell) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float)
    return (False, value, "") if is_number else (True, 0.0, shown(value).casefold())


def letters(column: int) -> str:
    """Return the letters of a 0-based column."""
    text, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def _place(text: str) -> tuple[int | None, int | None]:
    match = _CELL.match(text)
    if not match or not text:
        raise SheetsError(400, f"Unable to parse range: {text}")
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return (int(match[2]) - 1 if match[2] else None), (column - 1 if match[1] else None)


def parse_range(name: str, tabs: list[Tab]) -> Area:
    """Return the area of an A1 range. A bare word is a tab if one has this title, else a cell of the first tab."""
    title, mark, cells = name.rpartition("!")
    if not mark:
        bare = _unquote(name)
        if found := titled(bare, tabs):
            return Area(found)
        title, cells = tabs[0].title, name
    tab = titled(_unquote(title), tabs)
    try:
        if tab is None:
            raise SheetsError(400, "no tab")
        first, colon, last = cells.partition(":")
        top, left = _place(first)
        if not colon:
            if top is None or left is None:
                raise SheetsError(400, "no cell")
            return Area(tab, top, left, top + 1, left + 1, single=True)
        bottom, right = _place(last)
    except SheetsError:
        raise SheetsError(400, f"Unable to parse range: {name}") from None
    return Area(tab, top or 0, left or 0, None if bottom is None else bottom + 1, None if right is None else right + 1)


def titled(title: str, tabs: list[Tab]) -> Tab | None:
    """Return the tab with this title, ignoring case."""
    return next((tab for tab in tabs if tab.title.casefold() == title.casefold()), None)


def _unquote(title: str) -> str:
    return title[1:-1].replace("''", "'") if len(title) > 1 and title[0] == title[-1] == "'" else title

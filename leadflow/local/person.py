"""Edits that people make in the stand-in's spreadsheet: edit, filter, hide, merge, protect, resize, type."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from leadflow.local.claims import BasicFilter
from leadflow.local.grid import Area, SheetsError, Tab, parse_range, shown, titled
from leadflow.local.regions import Box
from leadflow.local.structure import Structure
from leadflow.local.typed_tables import TypedTable

_MANY = 10**7


class Person(Structure):
    """The commands of World that act as a person in a browser."""

    lock: threading.RLock
    version: int

    def filter(self, name: str | None, hides: bool, appends: str) -> None:
        """Turn on the basic filter of a tab or a range. Without a name, turn every filter off."""
        with self.lock:
            if name is None:
                for tab in self.tabs:
                    tab.filter = None
                return
            area = parse_range(name, self.tabs)
            area.tab.filter = BasicFilter(area.box, hides, appends)

    def protect(self, ranges: list[str]) -> None:
        """Protect these A1 ranges or tabs, and no others, against the caller."""
        with self.lock:
            for tab in self.tabs:
                tab.protected = []
            for area in (parse_range(name, self.tabs) for name in ranges):
                area.tab.protected.append(area.box)

    def values(self, title: str | None) -> list[list[str]]:
        """Return all values of a tab, as a reader sees them."""
        with self.lock:
            tab = titled(title, self.tabs) if title else self.tabs[0]
            return [[shown(cell) for cell in row] for row in tab.read(Area(tab))] if tab else []

    def edit(self, title: str | None, ops: list[list[Any]]) -> None:
        """Edit as a person does; World.edit_sheet lists the edits. Rows and columns count from 1."""
        with self.lock:
            tab = self._titled(title)
            for name, *args in ops:
                _edit(tab, name, args)
            self.version += 1

    def hide(self, ranges: list[str], appends: str) -> None:
        """Hide the rows or columns of these ranges. Without ranges, show all rows and columns.

        A range of whole columns, such as A:B, hides columns. Any other range hides its rows. With appends="astray", an
        append ignores hidden cells when it searches for its table, as reported for rows and columns:
        PipedreamHQ/pipedream #20115, theoephraim/node-google-spreadsheet #706. With appends="kept", it sees them.
        """
        if appends not in ("astray", "kept"):
            raise SheetsError(400, f"appends is {appends!r}: astray, kept")
        with self.lock:
            if not ranges:
                for tab in self.tabs:
                    tab.hidden = []
            for area in (parse_range(name, self.tabs) for name in ranges if appends == "astray"):
                whole = area.bottom is None and area.top == 0
                box = (
                    (0, area.left, _MANY, area.right or _MANY) if whole else (area.top, 0, area.bottom or _MANY, _MANY)
                )
                area.tab.hidden.append(box)

    def merge(self, ranges: list[str]) -> None:
        """Merge the cells of each range. Without ranges, unmerge all."""
        with self.lock:
            if not ranges:
                for tab in self.tabs:
                    tab.merges = []
            for area in (parse_range(name, self.tabs) for name in ranges):
                area.tab.merge(_closed(area))
            self.version += 1

    def make_table(self, name: str | None, types: Mapping[str, str], converts: bool) -> None:
        """Make a range a typed table, with the types by column name. Without a range, remove all typed tables."""
        with self.lock:
            if name is None:
                for tab in self.tabs:
                    tab.tables = []
                return
            area = parse_range(name, self.tabs)
            box = _closed(area)
            header = area.tab.cells[box[0]] if area.tab.cells else []
            kinds = {n: types[str(cell)] for n, cell in enumerate(header) if str(cell) in types}
            if unknown := types.keys() - {str(cell) for cell in header}:
                raise SheetsError(400, f"the header has no {', '.join(sorted(unknown))}")
            area.tab.tables.append(TypedTable(f"Table{len(area.tab.tables) + 1}", box, kinds, converts))

    def resize(self, title: str | None, rows: int | None, columns: int | None) -> None:
        """Cut or enlarge a tab's grid. Without a size, rows or columns fit the cells in use."""
        with self.lock:
            tab = self._titled(title)
            used = max(map(len, tab.cells), default=1)
            tab.resize(rows or max(1, len(tab.cells)), columns or max(1, used))
            self.version += 1

    def _titled(self, title: str | None) -> Tab:
        found = titled(title, self.tabs) if title else self.tabs[0]
        if found is None:
            raise SheetsError(400, f"there is no tab {title}")
        return found


def _closed(area: Area) -> Box:
    """Return an area as a box within its grid."""
    tab = area.tab
    return area.top, area.left, min(area.bottom or tab.rows, tab.rows), min(area.right or tab.columns, tab.columns)


def _edit(tab: Tab, name: str, args: list[Any]) -> None:
    if name == "insert":
        tab.insert_rows(args[0] - 1, 1)
        tab.write(args[0] - 1, 0, [args[1]], raw=True)
    elif name == "delete":
        tab.delete_rows(args[0] - 1, args[0])
    elif name == "insert column":
        tab.insert_columns(args[0] - 1, 1)
    elif name == "delete column":
        tab.delete_columns(args[0] - 1, args[0])
    elif name == "sort":
        tab.sort(args[0] - 1, *args[1:])
    elif name == "set":
        tab.cells[args[0] - 1 : args[0]] = [[]]
        tab.write(args[0] - 1, 0, [args[1]], raw=True)
    elif name == "append":
        tab.rows = max(tab.rows, len(tab.cells) + 1)
        tab.write(len(tab.cells), 0, [args[0]], raw=True)
    elif name == "replace":
        tab.cells = []
        tab.rows = max(tab.rows, len(args[0]))
        tab.columns = max(tab.columns, *(len(row) for row in args[0]), 1)
        tab.write(0, 0, args[0], raw=True)
    else:
        raise SheetsError(400, f"unknown edit {name}")

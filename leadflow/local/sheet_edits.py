"""What a person may do to the stand-in's spreadsheet: edit, protect, filter, hide, merge, share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Rows = list[list[str]]


class SheetEdits:
    """The local world's spreadsheet, as a person sees and changes it."""

    def _do(self, command: str, body: Any = None) -> Any:
        """Send a command to the stand-in. World does it."""
        raise NotImplementedError

    def sheet_values(self, tab: str | None = None) -> Rows:
        """Return all rows of a tab. The default is the first tab."""
        return self._do("sheet", {"tab": tab})["values"]

    def edit_sheet(self, edit: Callable[[Rows], Rows] | list[tuple[Any, ...]], tab: str | None = None) -> None:
        """Edit a tab as a person would, with a function of all rows or with operations whose rows count from 1.

        Operations: ("insert", row, cells), ("delete", row), ("set", row, cells), ("append", cells), ("insert column",
        column), ("delete column", column), ("sort", column) and ("sort", column, True), which is descending. Merged,
        hidden and protected cells, filters and typed tables move with inserted and deleted rows and columns, as they do
        at Google. A sort, and a function, move the cells alone.
        """
        if not callable(edit):
            self._do("edit", {"tab": tab, "ops": [list(op) for op in edit]})
            return
        while True:
            now = self._do("sheet", {"tab": tab})
            ops = [["replace", edit(now["values"])]]
            if not (self._do("edit", {"tab": tab, "ops": ops, "version": now["version"]}) or {}).get("stale"):
                return

    def protect_sheet(self, *ranges: str) -> None:
        """Protect these tabs or A1 ranges against the service account. Only reset() removes the protection."""
        self._do("protect", {"ranges": ranges})

    def filter_sheet(self, where: str | None, *, hides: bool = True, appends: str = "lost") -> None:
        """Turn on the basic filter of a tab or an A1 range. With None, turn all filters off.

        While it is on, appends are answered 200, and their rows are kept, lost, or written over the last rows (over).
        """
        self._do("filter", {"range": where, "hides": hides, "appends": appends})

    def hide_sheet(self, *ranges: str, appends: str = "astray") -> None:
        """Hide whole columns (A:B) or the rows of other A1 ranges. Without a range, show all rows and columns.

        Appends ignore hidden cells and write to the wrong place, as users of Google report. With appends="kept", they
        see hidden cells.
        """
        self._do("hide", {"ranges": ranges, "appends": appends})

    def merge_sheet(self, *ranges: str) -> None:
        """Merge the cells of each A1 range. Only the first cell keeps its value. Without a range, unmerge all."""
        self._do("merge", {"ranges": ranges})

    def table_sheet(self, where: str | None, types: Mapping[str, str] | None = None, *, converts: bool = False) -> None:
        """Make an A1 range a typed table, with Google's column types by column name. With None, remove all tables.

        With `converts`, the types convert written texts: a number column drops leading zeros.
        """
        self._do("make_table", {"name": where, "types": dict(types or {}), "converts": converts})

    def resize_sheet(self, rows: int | None = None, columns: int | None = None, tab: str | None = None) -> None:
        """Resize a tab's grid as a person would. A size that is not given becomes the size of the cells in use."""
        self._do("resize", {"title": tab, "rows": rows, "columns": columns})

    def share_sheet(self, role: str) -> None:
        """Share the spreadsheet with the service account as a writer, a reader, or none."""
        self._do("share", {"role": role})

"""The structure of the stand-in's spreadsheet: tabs, rows and columns, filters, protected ranges, and their limits."""

from __future__ import annotations

from typing import Any

from leadflow.local.claims import BasicFilter
from leadflow.local.grid import Area, SheetsError, Tab

_MOST_CELLS = 10_000_000
_PROTECTED = (
    "You are trying to edit a protected cell or object. "
    "Please contact the spreadsheet owner to remove protection if you need to edit."
)
_NO_OPS = {"repeatCell", "autoResizeDimensions", "setDataValidation", "addProtectedRange", "updateDimensionProperties"}


class Structure:
    """What spreadsheets.batchUpdate changes."""

    tabs: list[Tab]
    protected: list[Area]

    def _protected(self, tab: Tab) -> list[Area]:
        return [area for area in self.protected if area.tab.sheet_id == tab.sheet_id]

    def _raise_if_protected(self, tab: Tab, top: int, left: int, bottom: int | None, right: int | None) -> None:
        wanted = Area(tab, top, left, bottom, right)
        if any(_meet(area, wanted) for area in self._protected(tab)):
            raise SheetsError(400, _PROTECTED)

    def _batch_update(self, body: dict[str, Any]) -> dict[str, Any]:
        replies = [self._change(kind, part) for request in body.get("requests", []) for kind, part in request.items()]
        self._check_size()
        return {"replies": replies}

    def _change(self, kind: str, part: dict[str, Any]) -> dict[str, Any]:
        if kind in _NO_OPS:
            return {}
        self._raise_if_structure_is_protected(kind, part)
        change = getattr(self, f"_do_{kind}", None)
        if change is None:
            raise SheetsError(400, f"Invalid JSON payload received. Unknown name \"{kind}\" at 'requests[0]'")
        return change(part) or {}

    def _raise_if_structure_is_protected(self, kind: str, part: dict[str, Any]) -> None:
        where = part.get("range") or part.get("properties") or part
        if kind == "addSheet" or "sheetId" not in where:
            return
        tab = self._tab(where["sheetId"])
        if kind == "deleteDimension" and where["dimension"] == "ROWS":
            self._raise_if_protected(tab, where.get("startIndex", 0), 0, where["endIndex"], None)
        elif any((area.top, area.left, area.bottom, area.right) == (0, 0, None, None) for area in self._protected(tab)):
            raise SheetsError(400, _PROTECTED)

    def _tab(self, sheet_id: int) -> Tab:
        for tab in self.tabs:
            if tab.sheet_id == sheet_id:
                return tab
        raise SheetsError(400, f"Invalid requests[0]: No grid with id: {sheet_id}")

    def _check_size(self) -> None:
        if sum(tab.rows * tab.columns for tab in self.tabs) > _MOST_CELLS:
            limit = f"limit of {_MOST_CELLS} cells"
            raise SheetsError(400, f"This action would increase the number of cells in the workbook above the {limit}.")

    def _do_addSheet(self, part: dict[str, Any]) -> dict[str, Any]:
        wanted = part.get("properties", {})
        title, grid = wanted.get("title", f"Sheet{len(self.tabs) + 1}"), wanted.get("gridProperties", {})
        if any(tab.title == title for tab in self.tabs):
            raise SheetsError(
                400,
                f'Invalid requests[0].addSheet: A sheet with the name "{title}" already exists. '
                "Please enter another name.",
            )
        number = wanted.get("sheetId", max(tab.sheet_id for tab in self.tabs) + 1)
        tab = Tab(number, title, grid.get("rowCount", 1000), grid.get("columnCount", 26))
        self.tabs.insert(wanted.get("index", len(self.tabs)), tab)
        return {"addSheet": {"properties": tab.properties(self.tabs.index(tab))}}

    def _do_deleteSheet(self, part: dict[str, Any]) -> None:
        if len(self.tabs) == 1:
            raise SheetsError(400, "You can't remove all the sheets in a document.")
        self.tabs.remove(self._tab(part["sheetId"]))

    def _do_appendDimension(self, part: dict[str, Any]) -> None:
        tab = self._tab(part.get("sheetId", 0))
        if part["dimension"] == "ROWS":
            tab.rows += part["length"]
        else:
            tab.columns += part["length"]

    def _do_insertDimension(self, part: dict[str, Any]) -> None:
        where = part["range"]
        tab, start, count = self._tab(where.get("sheetId", 0)), where.get("startIndex", 0), 0
        count = where["endIndex"] - start
        if where["dimension"] == "ROWS":
            tab.insert_rows(start, count)
            return
        tab.columns += count
        tab.cells = [[*row[:start], *[""] * count, *row[start:]] if len(row) > start else row for row in tab.cells]

    def _do_deleteDimension(self, part: dict[str, Any]) -> None:
        where = part["range"]
        tab, start, end = self._tab(where.get("sheetId", 0)), where.get("startIndex", 0), where["endIndex"]
        if end > (tab.rows if where["dimension"] == "ROWS" else tab.columns):
            raise SheetsError(400, "Invalid requests[0].deleteDimension: Cannot delete a dimension that doesn't exist.")
        if where["dimension"] == "ROWS":
            tab.delete_rows(start, end)
            return
        tab.columns -= end - start
        tab.cells = [[*row[:start], *row[end:]] for row in tab.cells]

    def _do_updateSheetProperties(self, part: dict[str, Any]) -> None:
        wanted = part["properties"]
        tab, grid = self._tab(wanted.get("sheetId", 0)), wanted.get("gridProperties", {})
        tab.title = wanted.get("title", tab.title)
        tab.rows, tab.columns = grid.get("rowCount", tab.rows), grid.get("columnCount", tab.columns)
        tab.cells = [row[: tab.columns] for row in tab.cells[: tab.rows]]
        tab.extra |= {k: v for k, v in grid.items() if k.startswith("frozen")}

    def _do_setBasicFilter(self, part: dict[str, Any]) -> None:
        wanted = part["filter"]
        where = wanted.get("range", {})
        names = ("startRowIndex", "startColumnIndex", "endRowIndex", "endColumnIndex")
        top, left, bottom, right = (where.get(name) for name in names)
        hides = bool(wanted.get("criteria") or wanted.get("filterSpecs"))
        self._tab(where.get("sheetId", 0)).filter = BasicFilter((top or 0, left or 0, bottom, right), hides)

    def _do_clearBasicFilter(self, part: dict[str, Any]) -> None:
        self._tab(part.get("sheetId", 0)).filter = None


def _meet(one: Area, other: Area) -> bool:
    """Whether two areas of a tab have a cell in common."""
    rows = one.top < (other.bottom or _MOST_CELLS) and other.top < (one.bottom or _MOST_CELLS)
    return rows and one.left < (other.right or _MOST_CELLS) and other.left < (one.right or _MOST_CELLS)

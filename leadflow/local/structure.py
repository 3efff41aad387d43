"""The structure of the stand-in's spreadsheet: tabs, rows and columns, filters, protected ranges, and their limits."""

from __future__ import annotations

from typing import Any

from leadflow.local.claims import BasicFilter
from leadflow.local.grid import Area, SheetsError, Tab, titled
from leadflow.local.regions import OPEN, Box, meet
from leadflow.local.typed_tables import TypedTable

_MOST_CELLS = 10_000_000
_PROTECTED = (
    "You are trying to edit a protected cell or object. "
    "Please contact the spreadsheet owner to remove protection if you need to edit."
)
_NO_OPS = {"repeatCell", "autoResizeDimensions", "setDataValidation", "addProtectedRange"}


class Structure:
    """The parts of a spreadsheet that spreadsheets.batchUpdate changes."""

    tabs: list[Tab]

    def _raise_if_protected(self, tab: Tab, top: int, left: int, bottom: int | None, right: int | None) -> None:
        wanted = Area(tab, top, left, bottom, right).box
        if any(meet(box, wanted) for box in tab.protected):
            raise SheetsError(400, _PROTECTED)

    def _batch_update(self, body: dict[str, Any]) -> dict[str, Any]:
        """Apply requests in their order, each on the result of those before it; the caller undoes all if one fails."""
        requests = body.get("requests", [])
        if not requests:
            raise SheetsError(400, "Must specify at least one request.")
        replies = [self._change(n, *one) for n, request in enumerate(requests) for one in request.items()]
        self._check_size()
        return {"replies": replies}

    def _change(self, number: int, kind: str, part: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._changed(kind, part)
        except SheetsError as error:
            raise SheetsError(error.status, str(error).replace("requests[0]", f"requests[{number}]")) from None

    def _changed(self, kind: str, part: dict[str, Any]) -> dict[str, Any]:
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
        elif any(box == (0, 0, OPEN, OPEN) for box in tab.protected):
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
        if titled(title, self.tabs):
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
        tab, start = self._tab(where.get("sheetId", 0)), where.get("startIndex", 0)
        count = where["endIndex"] - start
        (tab.insert_rows if where["dimension"] == "ROWS" else tab.insert_columns)(start, count)

    def _do_deleteDimension(self, part: dict[str, Any]) -> None:
        where = part["range"]
        tab, start = self._tab(where.get("sheetId", 0)), where.get("startIndex", 0)
        of_rows = where["dimension"] == "ROWS"
        size, end = (tab.rows if of_rows else tab.columns), where.get("endIndex", tab.rows if of_rows else tab.columns)
        if not 0 <= start < end <= size:
            raise SheetsError(400, "Invalid requests[0].deleteDimension: Cannot delete a dimension that doesn't exist.")
        name, frozen = ("rows", "frozenRowCount") if of_rows else ("columns", "frozenColumnCount")
        kept = tab.extra.get(frozen, 0)
        if kept and start <= kept and end - max(start, kept) >= size - kept:
            # Source: https://github.com/jlolling/talendcomp_tGoogleSheet/issues/19
            why = f"Sorry, it is not possible to delete all non-frozen {name}."
            raise SheetsError(400, f"Invalid requests[0].deleteDimension: {why}")
        (tab.delete_rows if of_rows else tab.delete_columns)(start, end)
        if start < kept:
            tab.extra[frozen] = kept - (min(end, kept) - start)

    def _do_updateSheetProperties(self, part: dict[str, Any]) -> None:
        wanted = part["properties"]
        tab, grid = self._tab(wanted.get("sheetId", 0)), wanted.get("gridProperties", {})
        tab.title = wanted.get("title", tab.title)
        tab.resize(grid.get("rowCount", tab.rows), grid.get("columnCount", tab.columns))
        tab.extra |= {k: v for k, v in grid.items() if k.startswith("frozen")}

    def _do_setBasicFilter(self, part: dict[str, Any]) -> None:
        wanted = part["filter"]
        where = wanted.get("range", {})
        names = ("startRowIndex", "startColumnIndex", "endRowIndex", "endColumnIndex")
        top, left, bottom, right = (where.get(name) for name in names)
        hides = bool(wanted.get("criteria") or wanted.get("filterSpecs"))
        box = top or 0, left or 0, bottom or OPEN, right or OPEN
        self._tab(where.get("sheetId", 0)).filter = BasicFilter(box, hides)

    def _do_updateDimensionProperties(self, part: dict[str, Any]) -> None:
        where = part["range"]
        start, end = where.get("startIndex", 0), where["endIndex"]
        rows = where["dimension"] == "ROWS"
        box: Box = (start, 0, end, _MOST_CELLS) if rows else (0, start, _MOST_CELLS, end)
        hidden, hide = self._tab(where.get("sheetId", 0)).hidden, part["properties"].get("hiddenByUser")
        if hide:
            hidden.append(box)
        elif hide is not None and box in hidden:
            hidden.remove(box)

    def _do_sortRange(self, part: dict[str, Any]) -> None:
        tab, box = self._tab(part["range"].get("sheetId", 0)), box_of(part["range"])
        specs = [(spec.get("dimensionIndex", 0), spec.get("sortOrder") == "DESCENDING") for spec in part["sortSpecs"]]
        if not specs or any(not box[1] <= column < box[3] for column, _ in specs):
            raise SheetsError(400, "Invalid requests[0].sortRange: The sort column must be in the range.")
        self._raise_if_protected(tab, *box)
        tab.sort_range(box, specs)

    def _do_mergeCells(self, part: dict[str, Any]) -> None:
        self._tab(part["range"].get("sheetId", 0)).merge(box_of(part["range"]))

    def _do_unmergeCells(self, part: dict[str, Any]) -> None:
        tab, box = self._tab(part["range"].get("sheetId", 0)), box_of(part["range"])
        tab.merges = [merge for merge in tab.merges if not meet(merge, box)]

    def _do_addTable(self, part: dict[str, Any]) -> dict[str, Any]:
        wanted = part["table"]
        tab, box = self._tab(wanted["range"].get("sheetId", 0)), box_of(wanted["range"])
        if any(meet(table.box, box) for table in tab.tables):
            raise SheetsError(
                400, "Invalid requests[0].addTable: You can't create a table that overlaps another table."
            )
        kinds = {
            box[1] + column.get("columnIndex", 0): column["columnType"]
            for column in wanted.get("columnProperties", [])
            if "columnType" in column
        }
        table = TypedTable(wanted.get("name", f"Table{len(tab.tables) + 1}"), box, kinds)
        tab.tables.append(table)
        return {"addTable": {"table": table.described(tab.sheet_id, tab.cells[box[0]] if tab.cells else [])}}

    def _do_deleteTable(self, part: dict[str, Any]) -> None:
        for tab in self.tabs:
            tab.tables = [table for table in tab.tables if f"table-{table.name}" != part["tableId"]]

    def _do_clearBasicFilter(self, part: dict[str, Any]) -> None:
        self._tab(part.get("sheetId", 0)).filter = None


def grid_range(sheet_id: int, box: Box) -> dict[str, int]:
    """Return a box as a GridRange of Google's. Bounds of 0, a sheet id of 0 and open sides have no entry."""
    names = ("startRowIndex", "startColumnIndex", "endRowIndex", "endColumnIndex")
    bounds = {name: n for name, n in zip(names, box, strict=True) if 0 < n < _MOST_CELLS}
    return {**({"sheetId": sheet_id} if sheet_id else {}), **bounds}


def box_of(where: dict[str, Any]) -> Box:
    """Return a GridRange as a box. A missing bound is open."""
    top, left = where.get("startRowIndex", 0), where.get("startColumnIndex", 0)
    return top, left, where.get("endRowIndex", _MOST_CELLS), where.get("endColumnIndex", _MOST_CELLS)

"""A stand-in for Google Sheets v4: values and structure of one spreadsheet, with Google's errors and limits."""

from __future__ import annotations

import re
import threading
from typing import Any

from leadflow.local.faults import Call, Fault, Gate, Reply
from leadflow.local.grid import Area, SheetsError, Tab, letters, parse_range, shown

SPREADSHEET_ID = "local-leads-sheet"
WORKSHEET = "consolidated_data"
_WORDS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_WORDS |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
_MOST_CELLS = 10_000_000
_PROTECTED = (
    "You are trying to edit a protected cell or object. "
    "Please contact the spreadsheet owner to remove protection if you need to edit."
)
_NO_OPS = {"repeatCell", "autoResizeDimensions", "setDataValidation", "addProtectedRange", "updateDimensionProperties"}


class Sheets:
    """One spreadsheet. A request is atomic: it is done as a whole or not at all."""

    def __init__(self) -> None:
        """A spreadsheet with one empty tab."""
        self.gate = Gate("sheets")
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """An empty sheet again."""
        with self.lock:
            self.tabs = [Tab(0, WORKSHEET)]
            self.version = 0
            self.role = "writer"
            self.protected: list[Area] = []

    def operation(self, method: str, path: str) -> str:
        """Google counts reads and writes."""
        return "read" if method == "GET" else "write"

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Google's error shape."""
        return {"error": {"code": status, "message": message, "status": _WORDS.get(status, "UNKNOWN")}}

    def empty(self) -> dict[str, Any]:
        """An answer that says nothing."""
        return {}

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Answer one request."""
        match = re.fullmatch(r"/v4/spreadsheets/([^/:]+)(.*)", call.path)
        if not match or match[1] != SPREADSHEET_ID:
            return Reply(self.error(404, "Requested entity was not found."), 404)
        if self.role == "none" or (self.role == "reader" and call.operation == "write"):
            return Reply(self.error(403, "The caller does not have permission"), 403)
        with self.lock:
            before = [tab.copy() for tab in self.tabs] if call.operation == "write" else self.tabs
            try:
                body = self._route(call, match[2])
            except SheetsError as refusal:
                self.tabs = before
                return Reply(self.error(refusal.status, str(refusal)), refusal.status)
            self.version += call.operation == "write"
            return Reply(body)

    def _route(self, call: Call, rest: str) -> dict[str, Any]:
        if (call.method, rest) == ("GET", ""):
            return self._spreadsheet()
        if (call.method, rest) == ("POST", ":batchUpdate"):
            return self._batch_update(call.json())
        if (call.method, rest) == ("GET", "/values:batchGet"):
            ranges = call.query.get("ranges", [])
            return {"spreadsheetId": SPREADSHEET_ID, "valueRanges": [self._get(call, name) for name in ranges]}
        if (call.method, rest) == ("POST", "/values:batchUpdate"):
            return self._values_batch_update(call.json())
        if (call.method, rest) == ("POST", "/values:batchClear"):
            cleared = [self._clear(parse_range(name, self.tabs)) for name in call.json().get("ranges", [])]
            return {"spreadsheetId": SPREADSHEET_ID, "clearedRanges": cleared}
        if not rest.startswith("/values/"):
            raise SheetsError(404, "Method not found.")
        name = rest.removeprefix("/values/")
        if call.method == "GET":
            return self._get(call, name)
        if call.method == "PUT":
            return self._update(parse_range(name, self.tabs), call.json(), call.field("valueInputOption"))
        if name.endswith(":append"):
            return self._append(parse_range(name.removesuffix(":append"), self.tabs), call)
        if name.endswith(":clear"):
            cleared = self._clear(parse_range(name.removesuffix(":clear"), self.tabs))
            return {"spreadsheetId": SPREADSHEET_ID, "clearedRange": cleared}
        raise SheetsError(404, "Method not found.")

    def _spreadsheet(self) -> dict[str, Any]:
        return {
            "spreadsheetId": SPREADSHEET_ID,
            "properties": {"title": "Local leads", "locale": "en_US", "autoRecalc": "ON_CHANGE", "timeZone": "Etc/UTC"},
            "sheets": [self._described(n, tab) for n, tab in enumerate(self.tabs)],
            "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{SPREADSHEET_ID}/edit",
        }

    def _described(self, index: int, tab: Tab) -> dict[str, Any]:
        described: dict[str, Any] = {"properties": tab.properties(index)}
        if areas := self._protected(tab):
            described["protectedRanges"] = [{"range": _grid_range(area), "requestingUserCanEdit": False} for area in areas]
        return described

    def _protected(self, tab: Tab) -> list[Area]:
        return [area for area in self.protected if area.tab.sheet_id == tab.sheet_id]

    def _raise_if_protected(self, tab: Tab, top: int, left: int, bottom: int | None, right: int | None) -> None:
        wanted = Area(tab, top, left, bottom, right)
        if any(_meet(area, wanted) for area in self._protected(tab)):
            raise SheetsError(400, _PROTECTED)

    def _get(self, call: Call, name: str) -> dict[str, Any]:
        area = parse_range(name, self.tabs)
        values = area.tab.read(area)
        if call.field("valueRenderOption") not in ("UNFORMATTED_VALUE", "FORMULA"):
            values = [[shown(cell) for cell in row] for row in values]
        major = call.field("majorDimension") or "ROWS"
        if major == "COLUMNS":
            width = max((len(row) for row in values), default=0)
            values = [[row[n] if n < len(row) else "" for row in values] for n in range(width)]
            for column in values:
                while column and column[-1] == "":
                    column.pop()
        found: dict[str, Any] = {"range": area.name(), "majorDimension": major}
        return {**found, "values": values} if values else found

    def _update(self, area: Area, body: dict[str, Any], option: str) -> dict[str, Any]:
        if option not in ("RAW", "USER_ENTERED"):
            raise SheetsError(400, "'valueInputOption' is required but not specified")
        values = body.get("values", [])
        if body.get("majorDimension") == "COLUMNS":
            values = [list(row) for row in zip(*values, strict=True)]
        width = max((len(row) for row in values), default=0)
        too_tall = area.bottom is not None and len(values) > area.bottom - area.top
        too_wide = area.right is not None and width > area.right - area.left
        if not area.single and (too_tall or too_wide):
            what = f"row [{area.bottom}]" if too_tall else f"column [{letters(area.right or 0)}]"
            raise SheetsError(400, f"Requested writing within range [{area.name()}], but tried writing to {what}")
        self._raise_if_protected(area.tab, area.top, area.left, area.top + max(1, len(values)), area.left + max(1, width))
        rows, columns, cells = area.tab.write(area.top, area.left, values, option == "RAW")
        sizes = {"updatedRows": rows, "updatedColumns": columns, "updatedCells": cells}
        return {"spreadsheetId": SPREADSHEET_ID, "updatedRange": area.name(rows, columns), **sizes}

    def _values_batch_update(self, body: dict[str, Any]) -> dict[str, Any]:
        option = body.get("valueInputOption", "")
        done = [self._update(parse_range(part["range"], self.tabs), part, option) for part in body.get("data", [])]
        total = {f"totalUpdated{n}": sum(d[f"updated{n}"] for d in done) for n in ("Rows", "Columns", "Cells")}
        return {"spreadsheetId": SPREADSHEET_ID, **total, "totalUpdatedSheets": 1, "responses": done}

    def _append(self, area: Area, call: Call) -> dict[str, Any]:
        values, tab = call.json().get("values", []), area.tab
        table = tab.table(area)
        top, left = (table[2], table[1]) if table else (area.top, area.left)
        answer: dict[str, Any] = {"spreadsheetId": SPREADSHEET_ID}
        if table:
            answer["tableRange"] = Area(tab, table[0], table[1]).name(table[2] - table[0], table[3] - table[1])
        if call.field("insertDataOption") == "INSERT_ROWS":
            tab.insert_rows(top, len(values))
        else:
            tab.rows = max(tab.rows, top + len(values))
        tab.columns = max(tab.columns, left + max((len(row) for row in values), default=0))
        self._check_size()
        place = Area(tab, top, left, top + 1, left + 1, single=True)
        return {**answer, "updates": self._update(place, {"values": values}, call.field("valueInputOption"))}

    def _clear(self, area: Area) -> str:
        cells = area.tab.cells
        for number, row in enumerate(cells[area.top : area.bottom], area.top):
            end = min(area.right or len(row), len(row))
            cells[number] = [*row[: area.left], *[""] * (end - area.left), *row[max(end, area.left) :]]
        return area.name()

    def _batch_update(self, body: dict[str, Any]) -> dict[str, Any]:
        replies = [self._change(kind, part) for request in body.get("requests", []) for kind, part in request.items()]
        self._check_size()
        return {"spreadsheetId": SPREADSHEET_ID, "replies": replies}

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
                f'Invalid requests[0].addSheet: A sheet with the name "{title}" already exists. Please enter another name.',
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

    def protect(self, ranges: list[str]) -> None:
        """Protect these A1 ranges, or tabs, against the caller, and no others."""
        with self.lock:
            self.protected = [parse_range(name, self.tabs) for name in ranges]

    def values(self, title: str | None) -> list[list[str]]:
        """All values of a tab, as a reader sees them."""
        with self.lock:
            tab = next((tab for tab in self.tabs if tab.title == title), None) if title else self.tabs[0]
            return [[shown(cell) for cell in row] for row in tab.read(Area(tab))] if tab else []

    def edit(self, title: str | None, ops: list[list[Any]]) -> None:
        """Do as a person in the sheet would: insert, delete, set, append, clear or replace; rows count from 1."""
        with self.lock:
            tab = next(tab for tab in self.tabs if title in (None, tab.title))
            for name, *args in ops:
                _edit(tab, name, args)
            self.version += 1


def _meet(one: Area, other: Area) -> bool:
    """Whether two areas of a tab have a cell in common."""
    rows = one.top < (other.bottom or _MOST_CELLS) and other.top < (one.bottom or _MOST_CELLS)
    return rows and one.left < (other.right or _MOST_CELLS) and other.left < (one.right or _MOST_CELLS)


def _grid_range(area: Area) -> dict[str, int]:
    """As Google writes it: what is open is left out."""
    bounds = {"startRowIndex": area.top or None, "endRowIndex": area.bottom, "startColumnIndex": area.left or None, "endColumnIndex": area.right}
    return {"sheetId": area.tab.sheet_id, **{name: value for name, value in bounds.items() if value is not None}}


def _edit(tab: Tab, name: str, args: list[Any]) -> None:
    if name == "insert":
        tab.insert_rows(args[0] - 1, 1)
        tab.write(args[0] - 1, 0, [args[1]], raw=True)
    elif name == "delete":
        tab.delete_rows(args[0] - 1, args[0])
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

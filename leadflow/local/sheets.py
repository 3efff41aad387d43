"""A stand-in for Google Sheets v4: values and structure of one spreadsheet, with Google's errors and limits."""

from __future__ import annotations

import re
import threading
from typing import Any

from leadflow.local.claims import Effect
from leadflow.local.faults import Call, Fault, Gate, Reply
from leadflow.local.grid import Area, SheetsError, Tab, letters, parse_range, shown
from leadflow.local.person import Person
from leadflow.local.refusals import refused
from leadflow.local.structure import grid_range

SPREADSHEET_ID = "local-leads-sheet"
WORKSHEET = "consolidated_data"
_WORDS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_WORDS |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


class Sheets(Person):
    """One spreadsheet. A request is atomic: it is applied as a whole or not at all."""

    def __init__(self) -> None:
        """Make a spreadsheet with one empty tab."""
        self.gate = Gate("sheets")
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Empty the spreadsheet."""
        with self.lock:
            self.tabs = [Tab(0, WORKSHEET)]
            self.version = 0
            self.role = "writer"
            self.refusal = ""

    def operation(self, method: str, path: str) -> str:
        """Return whether Google counts the call as a read or a write."""
        return "read" if method == "GET" else "write"

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error in Google's format."""
        return {"error": {"code": status, "message": message, "status": _WORDS.get(status, "UNKNOWN")}}

    def empty(self) -> dict[str, Any]:
        """Return an empty answer."""
        return {}

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Answer one request."""
        if self.refusal:  # Google refuses before it looks up the spreadsheet
            return Reply(refused(self.refusal), 403)
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
                return Reply(self.error(refusal.status, str(refusal)), refusal.status, pretty=True)
            self._undo_claimed(call, match[2], fault, before)
            self.version += call.operation == "write"
            return Reply(body, pretty=call.query.get("prettyPrint") != ["false"])

    def _undo_claimed(self, call: Call, rest: str, fault: Fault | None, before: list[Tab]) -> None:
        """Undo a write that is only claimed, because of a `claimed` fault or a filter that loses appends."""
        claimed = fault.options if fault and fault.kind == "claimed" and call.operation == "write" else None
        append = rest.startswith("/values/") and rest.endswith(":append")
        tabs, self.tabs = self.tabs, before
        area = parse_range(rest.removeprefix("/values/").removesuffix(":append"), before) if append else None
        effect = Effect.of(claimed) if claimed is not None else area and area.tab.filter and area.tab.filter.effect()
        if not effect:
            self.tabs = tabs
            return
        if claimed and "s" in claimed:
            self.gate.later(float(claimed["s"]), lambda: self.handle(call, None))
        elif area:
            effect.append(area, call.json().get("values", []))

    def _route(self, call: Call, rest: str) -> dict[str, Any]:
        if (call.method, rest) == ("GET", ""):
            return self._spreadsheet()
        if (call.method, rest) == ("POST", ":batchUpdate"):
            return {"spreadsheetId": SPREADSHEET_ID, **self._batch_update(call.json())}
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
        if tab.merges:
            described["merges"] = [grid_range(tab.sheet_id, box) for box in tab.merges]
        if tab.protected:
            ranges = [{"sheetId": tab.sheet_id, **grid_range(tab.sheet_id, box)} for box in tab.protected]
            described["protectedRanges"] = [{"range": part, "requestingUserCanEdit": False} for part in ranges]
        if tab.tables:
            cells = tab.cells or [[]]
            described["tables"] = [table.described(tab.sheet_id, cells[table.box[0]]) for table in tab.tables]
        if tab.filter:
            described["basicFilter"] = tab.filter.described(tab.sheet_id)
        return described

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
        self._raise_if_protected(
            area.tab, area.top, area.left, area.top + max(1, len(values)), area.left + max(1, width)
        )
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
        if area.top >= tab.rows or area.left >= tab.columns:
            limits = f"Max rows: {tab.rows}, max columns: {tab.columns}"
            raise SheetsError(400, f"Range ({area.name()}) exceeds grid limits. {limits}")
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
        if table:
            tab.grow_tables(top, left, len(values))
        updates = self._update(place, {"values": values}, call.field("valueInputOption"))
        tab.fill_tables(top, len(values))
        return {**answer, "updates": updates}

    def _clear(self, area: Area) -> str:
        cells = area.tab.cells
        for number, row in enumerate(cells[area.top : area.bottom], area.top):
            end = min(area.right or len(row), len(row))
            cells[number] = [*row[: area.left], *[""] * (end - area.left), *row[max(end, area.left) :]]
        return area.name()

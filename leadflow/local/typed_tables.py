"""Typed tables of a tab, as spreadsheets.batchUpdate's addTable makes them.

An append to a cell of a table goes below the last row in use, and the table grows. RAW text stays text. With
`converts`, the column types convert it, because Google does not guarantee that they do not.
Source: https://developers.google.com/workspace/sheets/api/guides/tables
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from leadflow.local.regions import Box, moved

_NUMBERS = {"DOUBLE", "CURRENCY", "PERCENT", "DATE", "TIME", "DATE_TIME", "RATINGS_CHIP"}
_FILLED = {"BOOLEAN": False, "RATINGS_CHIP": 0}  # "Rating and checkbox column types fill default values 0 and FALSE"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclass(frozen=True)
class TypedTable:
    """A table: its name, its place (with the header), and the types of its columns by number in the tab."""

    name: str
    box: Box
    types: Mapping[int, str] = field(default_factory=dict)
    converts: bool = False

    def has(self, row: int, column: int) -> bool:
        """Return whether a cell is in the table."""
        top, left, bottom, right = self.box
        return top <= row < bottom and left <= column < right

    def moved(self, axis: int, start: int, count: int) -> TypedTable | None:
        """Return the table after rows or columns were inserted or deleted."""
        box = moved(self.box, axis, start, count)
        if box is None or axis == 0:
            return box and replace(self, box=box)
        places = {kind: moved((0, column, 1, column + 1), 1, start, count) for column, kind in self.types.items()}
        return replace(self, box=box, types={place[1]: kind for kind, place in places.items() if place})

    def grown(self, bottom: int) -> TypedTable:
        """Return the table with all rows before `bottom`."""
        top, left, end, right = self.box
        return replace(self, box=(top, left, max(end, bottom), right))

    def stored(self, row: int, column: int, value: Any) -> Any:
        """Return the value that a cell of the table stores for a text written RAW."""
        kind = self.types.get(column)
        if not self.converts or row == self.box[0] or not isinstance(value, str):
            return value
        if kind in _NUMBERS and _NUMBER.fullmatch(value):
            return float(value) if "." in value else int(value)
        return value

    def default(self, column: int) -> Any:
        """Return the default value of a blank cell in a new row."""
        return _FILLED.get(self.types.get(column, ""), "")

    def described(self, sheet_id: int, header: list[Any]) -> dict[str, Any]:
        """Return the table as spreadsheets.get describes it. A column without a type has no columnType."""
        top, left, bottom, right = self.box
        bounds = {"startRowIndex": top, "endRowIndex": bottom, "startColumnIndex": left, "endColumnIndex": right}
        columns = [
            {
                **({"columnIndex": column - left} if column > left else {}),
                "columnName": str(header[column]) if column < len(header) else f"Column {column - left + 1}",
                **({"columnType": self.types[column]} if column in self.types else {}),
            }
            for column in range(left, right)
        ]
        return {
            "tableId": f"table-{self.name}",
            "name": self.name,
            "range": {"sheetId": sheet_id, **{name: n for name, n in bounds.items() if n}},
            "columnProperties": columns,
        }

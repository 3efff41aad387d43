"""Find what would change or lose written values in a tab: merged cells, and the types of a table's columns.

Google guarantees nothing for either, so a job ends before money is spent, with a message that names the fix.
Sources: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/sheets#Sheet,
https://developers.google.com/workspace/sheets/api/guides/tables
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadflow.errors import RefusedError
from leadflow.services.sheets.client import letters

Range = Mapping[str, int]
TEXT_TYPES = {"COLUMN_TYPE_UNSPECIFIED", "TEXT"}
_MANY = 10**8


def is_covered(merges: Sequence[Range], row: int, column: int) -> bool:
    """Return whether a cell, counted from 0, is merged and not the first of its merged range."""
    for merge in merges:
        top, left, bottom, right = _bounds(merge)
        if top <= row < bottom and left <= column < right and (row, column) != (top, left):
            return True
    return False


def raise_for_merges(
    tab: str, merges: Sequence[Range], widths: tuple[int, int], key: int | None, last_row: int
) -> None:
    """Raise RefusedError if merged cells hide keys or a header, or would cover the rows that are appended.

    `widths` are the columns of the header now and after it is completed, `key` is the key column from 0, `last_row` the
    last row with a key. Merged cells in other columns of existing rows are allowed.
    """
    width, wider = widths
    for merge in merges:
        top, left, bottom, right = _bounds(merge)
        tall = bottom - top > 1
        hides_key = key is not None and bottom > 1 and any(is_covered([merge], row, key) for row in (top, bottom - 1))
        in_header = top == 0 and (tall or (left < wider and width < right))
        in_the_way = tall and bottom > max(last_row, 1) and left < wider
        if hides_key or in_header or in_the_way:
            cells = f"{letters(left)}{top + 1}:{letters(right - 1)}{bottom}"
            raise RefusedError(
                f"Google Sheets: cells {cells} of tab {tab} are merged, and "
                "only the first of them keeps a value; unmerge them (Format > Merge cells > Unmerge), then resume"
            )


def raise_for_types(tab: str, tables: Sequence[Mapping[str, Any]], header: Sequence[str], ours: set[str]) -> None:
    """Raise RefusedError if a table gives leadflow's columns a type other than text: a ZIP could lose its zeros."""
    typed = dict[str, str]()
    for table in tables:
        left = table.get("range", {}).get("startColumnIndex", 0)
        for column in table.get("columnProperties", []):
            place: int = left + column.get("columnIndex", 0)
            kind: str = column.get("columnType", "TEXT")
            if kind not in TEXT_TYPES and place < len(header) and header[place] in ours:
                typed[header[place]] = kind
    if typed:
        columns = ", ".join(f"{name!r} ({kind})" for name, kind in typed.items())
        raise RefusedError(
            f"Google Sheets: a table of tab {tab} gives columns types that may change what is written: {columns}; set "
            "their type to Text (column menu > Edit column type), then resume"
        )


def _bounds(part: Range) -> tuple[int, int, int, int]:
    """Return top, left, bottom and right of a GridRange; a missing bound is open."""
    return (
        part.get("startRowIndex", 0),
        part.get("startColumnIndex", 0),
        part.get("endRowIndex", _MANY),
        part.get("endColumnIndex", _MANY),
    )

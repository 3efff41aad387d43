"""Writes that Google answers with success although it did not do them as requested.

Public reports: with a filter on, an append is answered 200 and adds nothing (theoephraim/node-google-spreadsheet #591)
or replaces rows (the same project's #321, getodk/collect #2447); rows land at the top of the tab
(PipedreamHQ/pipedream #19870).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from leadflow.local.grid import Area, Cell, SheetsError
from leadflow.local.regions import OPEN, Box, moved

_PLACES = ("end", "top", "over")


@dataclass(frozen=True)
class Effect:
    """The real effect of an append: how many rows it writes (None: all), where, and which column (from 0) it changes.

    `place` is "end", "top" (inserted below the header) or "over" (written over the last rows).
    """

    rows: int | None = 0
    place: str = "end"
    alter: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown place."""
        if self.place not in _PLACES:
            raise ValueError(f"place is {self.place!r}: {', '.join(_PLACES)}")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Effect:
        """Read the options of a `claimed` fault.

        With a place or a changed column, all rows are written unless `rows` is a number.
        """
        more = "place" in options or "alter" in options
        return cls(options.get("rows", None if more else 0), options.get("place", "end"), options.get("alter"))

    def append(self, area: Area, values: list[list[Cell]]) -> None:
        """Write the rows into the grid of the area's tab."""
        tab, rows = area.tab, [self._altered(row) for row in values[: self.rows]]
        table = tab.table(area)
        end, left = (table[2], table[1]) if table else (area.top, area.left)
        top = {"end": end, "top": min(end, 1), "over": max(1, end - len(rows))}[self.place]
        if self.place == "over":
            tab.rows = max(tab.rows, top + len(rows))
        else:
            tab.insert_rows(top, len(rows))
        tab.columns = max(tab.columns, left + max((len(row) for row in rows), default=0))
        tab.write(top, left, rows, raw=True)

    def _altered(self, row: list[Cell]) -> list[Cell]:
        return [f"{cell}?" if n == self.alter else cell for n, cell in enumerate(row)]


@dataclass(frozen=True)
class BasicFilter:
    """A tab's basic filter: its range, whether it hides rows, and its effect on appends: kept, lost or over."""

    area: Box
    hides: bool = True
    appends: str = "lost"

    def __post_init__(self) -> None:
        """Raise SheetsError for an unknown effect on appends."""
        if self.appends not in ("kept", "lost", "over"):
            raise SheetsError(400, f"appends is {self.appends!r}: kept, lost, over")

    def moved(self, axis: int, start: int, count: int) -> BasicFilter | None:
        """Return the filter after rows or columns were inserted or deleted; None if its range is gone."""
        area = moved(self.area, axis, start, count)
        return area and replace(self, area=area)

    def effect(self) -> Effect | None:
        """Return the real effect of an append while the filter is on; None if it is what the answer reports."""
        return {"kept": None, "lost": Effect(0), "over": Effect(None, "over")}[self.appends]

    def described(self, sheet_id: int) -> dict[str, Any]:
        """Return the filter as spreadsheets.get describes it."""
        names = ("startRowIndex", "startColumnIndex", "endRowIndex", "endColumnIndex")
        bounds = {name: value for name, value in zip(names, self.area, strict=True) if 0 < value < OPEN}
        specs = [{"columnIndex": self.area[1], "filterCriteria": {"hiddenValues": ["x"]}}]
        return {"range": {"sheetId": sheet_id, **bounds}, **({"filterSpecs": specs} if self.hides else {})}

"""A DataFrame that shows itself with whole messages, left-aligned; everything else is pandas."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd

from leadflow.display.elements import framed, muted, stacked_table
from leadflow.display.text import text_table
from leadflow.display.units import local_time

_MOST_ROWS = 60


class ShownFrame(pd.DataFrame):
    """A DataFrame whose texts are never cut. A long one shows its first and its last rows, as pandas does.

    Times are shown in the time zone of this machine; the values are UTC.
    """

    @property
    def _constructor(self) -> type[ShownFrame]:
        return ShownFrame

    def __repr__(self) -> str:
        """Return the table as text."""
        if self.empty or not isinstance(self.index, pd.RangeIndex):
            return super().__repr__()
        return "\n".join([text_table(self._header(), self._rows()), *self._hidden()])

    def _repr_html_(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - pandas may return None
        table = stacked_table(self._header(), self._rows())
        return framed(table + "".join(map(muted, self._hidden())))

    def _header(self) -> list[str]:
        plain = isinstance(self.index, pd.RangeIndex)
        return [*([] if plain else [str(self.index.name or "")]), *map(str, self.columns)]

    def _rows(self) -> list[list[str]]:
        part = self if len(self) <= _MOST_ROWS else pd.concat([self.head(_MOST_ROWS // 2), self.tail(_MOST_ROWS // 2)])
        cells = part.itertuples(index=not isinstance(self.index, pd.RangeIndex), name=None)
        return [[_text(cell) for cell in row] for row in cells]

    def _hidden(self) -> list[str]:
        rows = len(self) - _MOST_ROWS
        half = _MOST_ROWS // 2
        return [f"{rows:,} rows between the first and the last {half} are not shown."] if rows > 0 else []


def _text(value: Any) -> str:
    """Return a cell as text: nothing for a missing value, a local time for a time."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if value is pd.NA:
        return ""
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, float):
        return f"{value:,.1f}"
    return value.isoformat() if isinstance(value, date) else str(value)

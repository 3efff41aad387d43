"""Many rows in one statement, with one bound list for each column.

DuckDB could read an Arrow table instead. That is faster for many thousands of rows, but a job writes some hundred at
once, and Arrow's own memory for them was 5 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def from_lists(columns: Mapping[str, str]) -> str:
    """Return the SQL of a table whose columns, by name and type, are bound as lists.

    >>> from_lists({"key": "UUID", "at": "TIMESTAMP"})
    '(SELECT unnest(?::UUID[]) AS "key", unnest(?::TIMESTAMP[]) AS "at")'
    """
    return "(SELECT " + ", ".join(f'unnest(?::{kind}[]) AS "{name}"' for name, kind in columns.items()) + ")"


def lists(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Return the columns of rows, of which there is at least one.

    >>> lists([("a", 1), ("b", 2)])
    [['a', 'b'], [1, 2]]
    """
    return [list(column) for column in zip(*rows, strict=True)]

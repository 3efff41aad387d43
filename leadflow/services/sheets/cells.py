"""What can stand in a cell."""

from __future__ import annotations

from collections.abc import Mapping

from leadflow.errors import InputError

LONGEST_CELL = 50_000


def raise_for_cells(row: Mapping[str, str], key: str) -> None:
    """Raise InputError, naming the lead's key, if a cell cannot stand in a sheet."""
    for name, value in row.items():
        if len(value) > LONGEST_CELL:
            raise InputError(f"lead {key}: column {name} has {len(value)} characters; a cell holds {LONGEST_CELL}")
        if "\x00" in value:
            raise InputError(f"lead {key}: column {name} has a NUL byte")

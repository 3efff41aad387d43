"""Rows for tests of the sheet: their columns, what is appended, and the keys that the sheet then has."""

from __future__ import annotations

NAMES = ["Lead Key", "Name", "Zip"]


def rows_of(*numbers):
    return [{"Lead Key": f"k{n:04}", "Name": f"=1+{n}", "Zip": f"0{n:04}"} for n in numbers]


def keys_in(world, tab=None):
    header, *rows = world.sheet_values(tab)
    column = header.index("Lead Key")
    return [row[column] for row in rows if len(row) > column and row[column]]


def keys_of(*numbers):
    return [f"k{n:04}" for n in numbers]

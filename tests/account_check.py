"""A check of the local world's accounts, and what must hold after every check."""

from __future__ import annotations

from contextlib import contextmanager

from outcome import truth_phones
from warehouse_tables import make_tables

import leadflow as lf
from leadflow.services.sheets import Sheet
from leadflow.stages.sheet_rows import sheet_columns

LISTED = next(p["number"] for p in reversed(truth_phones()) if p["dnc_code"] == "D" and not p["litigator"])
WAREHOUSE_ROWS = [
    "Snowflake sign-in",
    "Snowflake role",
    "Snowflake warehouse",
    "Snowflake database and schema",
    "Temporary tables",
    "Table PERSON_CACHE",
    "Table UNIQUE_CONSOLIDATED_DATA",
    "Table SCRUB_LEDGER",
    "Table SUPPRESSIONS",
    "MERGE right",
]
SHEET_ROWS = [
    "Google credentials",
    "Spreadsheet",
    "Tab",
    "Header",
    "Spreadsheet sharing",
    "Protected ranges",
    "Filter",
    "Typed tables and merged cells",
    "Room in the spreadsheet",
]
MACHINE_ROWS = ["Limits on money", "Limits on calls", "Clock", "Proxy", "Folder", "Folder's disk"]
VENDOR_ROWS = ["idiCORE login", "Litigator list", "Do-not-call scrub", "Do-not-call canary"]
ALL_ROWS = [*WAREHOUSE_ROWS, *VENDOR_ROWS, *SHEET_ROWS, *MACHINE_ROWS]


def ready(world, **changes):
    """A world with tables, a header, a canary, a price and a limit; its settings, with parts changed."""
    make_tables(world)
    Sheet(world.settings.sheets).prepare([world.settings.sheets.key_column, *sheet_columns(world.settings.policy)])
    parts = {"dnc": {"canary": LISTED}, "idicore": {"price": 0.12}, "max_cost": 60.0}
    return changed(world.settings, changed_parts(parts, changes))


def changed_parts(parts, changes):
    return {**parts, **{n: {**parts.get(n, {}), **v} if isinstance(v, dict) else v for n, v in changes.items()}}


def changed(settings, parts):
    update = {
        name: getattr(settings, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in parts.items()
    }
    return settings.model_copy(update=update)


@contextmanager
def unchanged(world):
    """In the block no lookup is bought, and the sheet and the tables stay as they are."""

    def state():
        stats = world.stats()
        return stats["idicore"]["calls"], stats["idicore"]["bought"], world.sheet_values(), stats["snowflake"]["rows"]

    before = state()
    yield
    assert state() == before


def check(world, settings, rows=ALL_ROWS):
    """The check of these settings by the row's name; all rows are there and the world is as before."""
    with unchanged(world), lf.Engine(settings) as engine:
        result = engine.check()
    assert [row.what for row in result] == rows
    assert {row.status for row in result} <= {"ok", "warning", "failed"}
    return {row.what: row for row in result}


def not_ok(found):
    """The names of the rows that are not ok, with their status."""
    return {what: row.status for what, row in found.items() if row.status != "ok"}

"""The warehouse tables of leadflow, made in a shape of the test's own, and jobs that must be refused."""

from __future__ import annotations

import pytest
from outcome import SCRIPT, sheet_rows

import leadflow as lf
from leadflow.errors import JobFailedError, ScriptError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.tables import (
    CONSOLIDATED_COLUMNS,
    LEDGER_COLUMNS,
    PERSON_CACHE_COLUMNS,
    SUPPRESSIONS_COLUMNS,
    type_of,
)

READ, WRITE, APPEND = ["SELECT"], ["SELECT", "INSERT", "UPDATE"], ["SELECT", "INSERT"]
TABLES = {
    "PERSON_CACHE": PERSON_CACHE_COLUMNS,
    "UNIQUE_CONSOLIDATED_DATA": CONSOLIDATED_COLUMNS,
    "SCRUB_LEDGER": LEDGER_COLUMNS,
    "SUPPRESSIONS": SUPPRESSIONS_COLUMNS,
}
# What a role needs on each table.
RIGHTS = {**dict.fromkeys(TABLES, WRITE), "SCRUB_LEDGER": APPEND}


def with_warehouse(world, **changes):
    return world.settings.model_copy(update={"warehouse": world.settings.warehouse.model_copy(update=changes)})


def make_tables(world, **types: str):
    """All tables, with the type of a column changed, or a column added."""
    with Warehouse(world.settings.warehouse) as warehouse:
        for table, columns in TABLES.items():
            shape = {c: type_of(c) for c in columns}
            shape |= {
                c: kind for c, kind in types.items() if c in shape or (c.startswith("own") and table == "PERSON_CACHE")
            }
            warehouse.execute(
                f"CREATE OR REPLACE TABLE {table} "
                f"({', '.join(f'{chr(34)}{c}{chr(34)} {kind}' for c, kind in shape.items())})"
            )


def refused(world, settings, script=SCRIPT, limit_rows=6):
    """What the job says that must fail before anything is bought."""
    with lf.Engine(settings) as engine, pytest.raises((JobFailedError, ScriptError)) as caught:
        engine.run(script, limit_rows=limit_rows, progress=False)
    assert world.stats()["idicore"]["calls"] == 0
    assert sheet_rows(world) == []
    return str(caught.value)

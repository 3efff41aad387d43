"""An engine of small batches, and a lead of the sample whose answer a test may choose."""

from __future__ import annotations

import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract, filter_unprocessed


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        yield engine


@pytest.fixture
def lead(world):
    """The first lead of the sample that can be looked up: its key and the six parts of its identity."""
    with Warehouse(world.settings.warehouse) as warehouse:
        rows = filter_unprocessed(extract(SCRIPT, warehouse), warehouse)
    row = rows[rows["Address"].str.contains(r"^\d+ [A-Z]", regex=True)].iloc[0]
    return {
        "key": row["person_key"],
        "first": row["First Name"],
        "last": row["Last Name"],
        "address": row["Address"],
        "city": row["City"],
        "state": row["State"],
        "zip": row["Zip"],
    }

"""A NULL time in an answer arrives as None with either connector, and the times beside it as they are."""

from __future__ import annotations

from datetime import datetime

import pytest

from leadflow.services.warehouse import Warehouse

pytestmark = pytest.mark.connector
_TIME = datetime(2026, 11, 1, 8, 30, 15, 250_000)


@pytest.mark.parametrize("order", [(True, False), (False, True), (False, False), (True, True)])
def test_null_times_arrive_beside_others(world, order):
    cells = [f"'{_TIME}'::TIMESTAMP_NTZ" if is_set else "NULL" for is_set in order]
    values = ", ".join(f"({n}, {cell})" for n, cell in enumerate(cells))
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        sql = f"SELECT CAST(column2 AS TIMESTAMP_NTZ) AS T FROM VALUES {values} ORDER BY column1"
        assert [row[0] for row in warehouse.execute(sql)] == [_TIME if is_set else None for is_set in order]
        assert warehouse.frame(sql)["T"].null_count() == order.count(False)

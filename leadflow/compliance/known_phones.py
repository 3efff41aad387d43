"""Find the phones that leadflow bought for people: in both tables in Snowflake and in the checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from leadflow.leads.phone_text import phones_in
from leadflow.services.warehouse.names import quoted

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.services.warehouse import Warehouse

_COLUMNS = (
    ("consolidated", "Lead Key", ("Phone 1", "Phone 2", "Phone 3")),
    ("person_cache", "person_key", ("phones",)),
)


def known_phones(keys: Sequence[str], warehouse: Warehouse, checkpoints: Checkpoints) -> set[str]:
    """Return the phones (E.164) that leadflow knows for these lead keys. Raises RefusedError, TransientError."""
    answers = checkpoints.answers(keys).values()
    found = {phone.number for answer in answers for phone in answer.phones}
    return found | warehouse.repeated(lambda: _in_tables(keys, warehouse))


def _in_tables(keys: Sequence[str], warehouse: Warehouse) -> set[str]:
    found = set[str]()
    with warehouse.exclusively():
        wanted = warehouse.staged(pl.DataFrame({"k": list(keys)}, {"k": pl.String}))
        for setting, key, columns in _COLUMNS:
            name = getattr(warehouse.settings, setting)
            if warehouse.columns_of(name) is None:
                continue
            picked = ", ".join(f"t.{quoted(column)}" for column in columns)
            sql = f'SELECT {picked} FROM {warehouse.table(name)} t JOIN {wanted} w ON w."k" = t.{quoted(key)}'
            for row in warehouse.execute(sql):
                found.update(phone for cell in row if cell for phone in phones_in(str(cell)))
    return found

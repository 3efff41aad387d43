"""Find people in PERSON_CACHE, by key or by identity, with SQL that runs in the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from leadflow.leads.columns import IDENTITY
from leadflow.leads.identity import identity_sql
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.tables import ANSWERED

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse

_OF_THE_CACHE = -1
_CACHED = dict(zip(IDENTITY, ("first_name", "last_name", "address", "city", "state", "zip_code"), strict=True))
# Two hash joins, each on one key; one join with OR would compare every lead with every row of the cache.
KNOWN = """ LEFT JOIN {keys} lf_k ON lf_k."lf_done" = {lead}."person_key"
    LEFT JOIN (SELECT DISTINCT "lf_identity" AS "lf_done" FROM {identities} WHERE "lf_row" = -1) lf_i
    ON lf_i."lf_done" = {lead}."lf_identity" """
IS_KNOWN = '(lf_k."lf_done" IS NOT NULL OR lf_i."lf_done" IS NOT NULL)'


def with_identity_sql(warehouse: Warehouse, leads: str, row: str, name: str = "LF_IDENTITY") -> tuple[str, str]:
    """Return as SQL the leads with "lf_identity", and the join that finds leads in the cache by key or identity.

    One expression computes the identities of the leads and of the cache. `leads` is a table with "person_key", the
    parts of IDENTITY as text and the column `row`, a row number. The join expects the alias k for the leads. A cache
    that does not exist counts as empty.
    """
    columns = ", ".join(map(quoted, IDENTITY))
    sources = [f'SELECT {quoted(row)} AS "lf_row", {columns} FROM {leads}']
    keys = '(SELECT NULL AS "lf_done" WHERE 1 = 0)'
    cache = warehouse.settings.person_cache
    if warehouse.columns_of(cache) is not None:
        picked = ", ".join(
            f"COALESCE(CAST(p.{quoted(column)} AS VARCHAR), '') AS {quoted(part)}" for part, column in _CACHED.items()
        )
        answered = f"FROM {warehouse.table(cache)} p WHERE {ANSWERED.format('p')}"
        sources.append(f'SELECT {_OF_THE_CACHE} AS "lf_row", {picked} {answered}')
        keys = f'(SELECT DISTINCT p."person_key" AS "lf_done" {answered})'
    identities = warehouse.temporary(name)
    warehouse.execute(f"CREATE OR REPLACE TEMPORARY TABLE {identities} AS {identity_sql(' UNION ALL '.join(sources))}")
    identified = f'(SELECT l.*, i."lf_identity" FROM {leads} l JOIN {identities} i ON i."lf_row" = l.{quoted(row)})'
    return identified, KNOWN.format(keys=keys, identities=identities, lead="k")


def processed_keys(leads: pl.DataFrame, warehouse: Warehouse) -> set[str]:
    """Return the keys of the leads that PERSON_CACHE has an answer for, by key or by identity.

    `leads` has person_key and the parts of IDENTITY, all text. Raises RefusedError, TransientError.
    """
    if leads.is_empty():
        return set()
    rows = leads.select("person_key", *IDENTITY, pl.int_range(pl.len()).cast(pl.String).alias("row"))
    return warehouse.repeated(lambda: _processed_keys(rows, warehouse))


def _processed_keys(rows: pl.DataFrame, warehouse: Warehouse) -> set[str]:
    with warehouse.exclusively():
        staged = warehouse.staged(rows)
        text = ", ".join(f"COALESCE({quoted(part)}, '') AS {quoted(part)}" for part in IDENTITY)
        numbered = f'(SELECT "person_key", {text}, CAST("row" AS INTEGER) AS "row" FROM {staged})'
        identified, join = with_identity_sql(warehouse, numbered, "row")
        return {
            key
            for (key,) in warehouse.execute(
                f'SELECT DISTINCT k."person_key" FROM {identified} k {join} WHERE {IS_KNOWN}'
            )
        }

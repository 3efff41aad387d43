"""Find people in PERSON_CACHE and SUPPRESSIONS, by key or by identity, with SQL that runs in the warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from leadflow.leads.columns import IDENTITY, TITLES
from leadflow.leads.identity import identity_sql, identity_text
from leadflow.leads.suppressions import EVERYWHERE, today
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.tables import ANSWERED
from leadflow.stages.retried import find_released

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse

_OF_THE_CACHE, _OF_THE_SUPPRESSED = -1, -2
_CACHED: dict[str, str] = dict(
    zip(IDENTITY, ("first_name", "last_name", "address", "city", "state", "zip_code"), strict=True)
)
_CONSOLIDATED: dict[str, str] = {part: TITLES[part] for part in IDENTITY}
_NAMED = ("first_name", "last_name", "address")
# Hash joins, each on one key; one join with OR would compare every lead with every row of the cache.
KNOWN = """ LEFT JOIN {keys} lf_k ON lf_k."lf_done" = {lead}."person_key"
    LEFT JOIN (SELECT DISTINCT "lf_identity" AS "lf_done" FROM {identities} WHERE "lf_row" = -1) lf_i
    ON lf_i."lf_done" = {lead}."lf_identity"
    LEFT JOIN {suppressed} lf_s ON lf_s."lf_done" = {lead}."person_key"
    LEFT JOIN (SELECT DISTINCT "lf_identity" AS "lf_done" FROM {identities} WHERE "lf_row" = -2) lf_t
    ON lf_t."lf_done" = {lead}."lf_identity" """
IS_KNOWN = '(lf_k."lf_done" IS NOT NULL OR lf_i."lf_done" IS NOT NULL)'
IS_SUPPRESSED = '(lf_s."lf_done" IS NOT NULL OR lf_t."lf_done" IS NOT NULL)'


def with_identity_sql(
    warehouse: Warehouse,
    leads: str,
    row: str,
    scope: str = EVERYWHERE,
    name: str = "LF_IDENTITY",
    released: str | None = None,
) -> tuple[str, str]:
    """Return as SQL the leads with "lf_identity", and the join that finds known and suppressed leads.

    It finds them by key or identity. One expression computes the identities of the leads and of the tables. `leads` is
    a table with "person_key", the parts of IDENTITY as text and the column `row`, a row number. The join expects the
    alias k for the leads. A table that does not exist counts as empty. `scope` is the job's, for SUPPRESSIONS.
    The people of `released`, the table of `find_released`, do not count as known.
    """
    columns = ", ".join(map(quoted, IDENTITY))
    sources = [f'SELECT {quoted(row)} AS "lf_row", {columns} FROM {leads}']
    keys = suppressed = '(SELECT NULL AS "lf_done" WHERE 1 = 0)'
    cache = warehouse.settings.person_cache
    if warehouse.columns_of(cache) is not None:
        answered = f"FROM {warehouse.table(cache)} p WHERE {ANSWERED.format('p')}"
        if released is not None:
            ready = f'(SELECT "person_key" AS "lf_done", "lf_row" FROM {released} WHERE "lf_ready" = 1) lf_r'
            on = 'ON lf_r."lf_done" = p."person_key"'
            sources.append(
                f'SELECT lf_r."lf_row", {_parts_sql(_CACHED)} FROM {warehouse.table(cache)} p JOIN {ready} {on}'
            )
            answered = f"FROM {warehouse.table(cache)} p LEFT JOIN {ready} {on} "
            answered += f'WHERE {ANSWERED.format("p")} AND lf_r."lf_done" IS NULL'
        sources.append(f'SELECT {_OF_THE_CACHE} AS "lf_row", {_parts_sql(_CACHED)} {answered}')
        keys = f'(SELECT DISTINCT p."person_key" AS "lf_done" {answered})'
    if warehouse.columns_of(warehouse.settings.suppressions) is not None:
        suppressed = _suppressed_sql(warehouse, scope)
        named = f'IN (SELECT "lf_done" FROM {suppressed} lf_s)'
        for table, key, parts in _people(warehouse):
            picked = f'SELECT {_OF_THE_SUPPRESSED} AS "lf_row", {_parts_sql(parts)}'
            sources.append(f"{picked} FROM {table} p WHERE p.{quoted(key)} {named} AND {_is_named_sql(parts)}")
    identities = warehouse.temporary(name)
    warehouse.execute(f"CREATE OR REPLACE TEMPORARY TABLE {identities} AS {identity_sql(' UNION ALL '.join(sources))}")
    identified = f'(SELECT l.*, i."lf_identity" FROM {leads} l JOIN {identities} i ON i."lf_row" = l.{quoted(row)})'
    joins = KNOWN.format(keys=keys, identities=identities, suppressed=suppressed, lead="k")
    return identified, joins


def _parts_sql(columns: Mapping[str, str]) -> str:
    return ", ".join(
        f"COALESCE(CAST(p.{quoted(column)} AS VARCHAR), '') AS {quoted(part)}" for part, column in columns.items()
    )


def _is_named_sql(columns: Mapping[str, str]) -> str:
    """Return SQL that tests for a name and an address: without them two rows are not one person."""
    return " AND ".join(f"TRIM(COALESCE(p.{quoted(columns[part])}, '')) <> ''" for part in _NAMED)


def _people(warehouse: Warehouse) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Yield the tables that have people, with their key and the columns of the identity."""
    settings = warehouse.settings
    tables = ((settings.person_cache, "person_key", _CACHED), (settings.consolidated, "Lead Key", _CONSOLIDATED))
    for name, key, parts in tables:
        if warehouse.columns_of(name) is not None:
            yield warehouse.table(name), key, parts


def _suppressed_sql(warehouse: Warehouse, scope: str) -> str:
    """Return a query for the lead keys that SUPPRESSIONS forbids today. A scope is a word of letters and digits."""
    obeyed = "" if scope == EVERYWHERE else f" AND COALESCE(\"SCOPE\", 'all') IN ('all', '{scope}')"
    until = f"(\"EXPIRES_ON\" IS NULL OR \"EXPIRES_ON\" >= TO_DATE('{today():%Y-%m-%d}', 'YYYY-MM-DD'))"
    table = warehouse.table(warehouse.settings.suppressions)
    return f'(SELECT DISTINCT "LEAD_KEY" AS "lf_done" FROM {table} WHERE "LEAD_KEY" IS NOT NULL AND {until}{obeyed})'


def same_person_keys(keys: Sequence[str], warehouse: Warehouse) -> list[tuple[str, str]]:
    """Return pairs of one of these keys and another key of the same person, in PERSON_CACHE or the consolidated table.

    Raises RefusedError, TransientError.
    """
    return warehouse.repeated(lambda: _same_person_keys(keys, warehouse))


def _same_person_keys(keys: Sequence[str], warehouse: Warehouse) -> list[tuple[str, str]]:
    sources = [
        f'SELECT CAST(p.{quoted(key)} AS VARCHAR) AS "lf_row", {_parts_sql(parts)} '
        f"FROM {table} p WHERE {_is_named_sql(parts)}"
        for table, key, parts in _people(warehouse)
    ]
    if not sources:
        return []
    with warehouse.exclusively():
        same = warehouse.temporary("LF_SAME")
        warehouse.execute(f"CREATE OR REPLACE TEMPORARY TABLE {same} AS {identity_sql(' UNION ALL '.join(sources))}")
        wanted = warehouse.staged(pl.DataFrame({"k": list(keys)}, {"k": pl.String}))
        return warehouse.execute(
            f'SELECT DISTINCT s."lf_row", o."lf_row" FROM {same} s JOIN {wanted} w ON w."k" = s."lf_row" '
            f'JOIN {same} o ON o."lf_identity" = s."lf_identity" AND o."lf_row" <> s."lf_row" ORDER BY 1, 2'
        )


def people_like(parts: Sequence[str], warehouse: Warehouse, most: int = 50) -> list[tuple[str, str]]:
    """Return key and identity of the people in PERSON_CACHE and the consolidated table who have these parts, in order.

    `parts` are those of IDENTITY, "" for one that is not asked for; spellings that identity_text treats as one are one.
    Values are bound: no statement holds a name. Raises RefusedError, TransientError.
    """
    wanted = identity_text(*parts).split("|")
    given = [(n, text) for n, (part, text) in enumerate(zip(parts, wanted, strict=True), 1) if part.strip()]
    sources = [
        f'SELECT CAST(p.{quoted(key)} AS VARCHAR) AS "lf_row", {_parts_sql(columns)} FROM {table} p'
        for table, key, columns in _people(warehouse)
    ]
    if not sources or not given:
        return []
    where = " AND ".join(f"SPLIT_PART(\"lf_identity\", '|', {n}) = ?" for n, _ in given)
    people = f'SELECT DISTINCT "lf_row", "lf_identity" FROM ({identity_sql(" UNION ALL ".join(sources))}) i'
    sql = f"{people} WHERE {where} ORDER BY 2, 1 LIMIT {int(most)}"
    return warehouse.repeated(lambda: warehouse.execute(sql, [text for _, text in given]))


def processed_keys(
    leads: pl.DataFrame,
    warehouse: Warehouse,
    scope: str = EVERYWHERE,
    retry_after_days: Mapping[str, float] | None = None,
) -> set[str]:
    """Return the keys of the leads that are not to be bought: processed before, or suppressed.

    PERSON_CACHE has an answer for them, or SUPPRESSIONS forbids them, by key or by identity. `leads` has person_key and
    the parts of IDENTITY, all text. Raises RefusedError, TransientError.
    """
    processed, suppressed = known_keys(leads, warehouse, scope, retry_after_days)
    return processed | suppressed


def known_keys(
    leads: pl.DataFrame,
    warehouse: Warehouse,
    scope: str = EVERYWHERE,
    retry_after_days: Mapping[str, float] | None = None,
) -> tuple[set[str], set[str]]:
    """Return the keys of the leads that are processed and not suppressed, and of those that are suppressed.

    Leads that policy.retry_after_days takes up again are not processed.
    """
    if leads.is_empty():
        return set(), set()
    rows = leads.select_seq("person_key", *IDENTITY, pl.int_range(pl.len()).cast(pl.String).alias("row"))
    found = warehouse.repeated(lambda: _known_keys(rows, warehouse, scope, retry_after_days or {}))
    suppressed = {key for key, is_suppressed in found if is_suppressed}
    return {key for key, _ in found} - suppressed, suppressed


def _known_keys(
    rows: pl.DataFrame, warehouse: Warehouse, scope: str, retry_after_days: Mapping[str, float]
) -> list[tuple[str, bool]]:
    with warehouse.exclusively():
        released = find_released(warehouse, retry_after_days)
        staged = warehouse.staged(rows)
        text = ", ".join(f"COALESCE({quoted(part)}, '') AS {quoted(part)}" for part in IDENTITY)
        numbered = f'(SELECT "person_key", {text}, CAST("row" AS INTEGER) AS "row" FROM {staged})'
        identified, join = with_identity_sql(warehouse, numbered, "row", scope, released=released)
        return warehouse.execute(
            f'SELECT DISTINCT k."person_key", {IS_SUPPRESSED} FROM {identified} k {join} '
            f"WHERE {IS_KNOWN} OR {IS_SUPPRESSED}"
        )

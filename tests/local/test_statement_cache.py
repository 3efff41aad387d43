"""The stand-in for Snowflake keeps the translations of statements, one for each state of a session."""

from __future__ import annotations

import pytest

from leadflow.services.warehouse import Warehouse

_QUERY = 'SELECT COUNT(*) AS "n" FROM "LEADS_DB"."PUBLIC"."RAW_LEADS" WHERE "Lead Number" <> \'\''


@pytest.mark.timeout(120)  # each state doubled the time of the next one: the thirtieth would take days
def test_a_session_may_have_many_states(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        counts = set()
        for number in range(30):
            warehouse.execute(f'CREATE OR REPLACE TEMPORARY TABLE "LEADS_DB"."PUBLIC"."LF_T{number}" ("a" VARCHAR)')
            counts |= set(warehouse.execute(_QUERY))
    assert len(counts) == 1


def test_a_kept_statement_reads_the_tables_of_its_own_session(world):
    name = '"LEADS_DB"."PUBLIC"."LF_MINE"'
    for value in "abcde":
        with Warehouse(world.settings.warehouse) as warehouse:
            warehouse.connect()
            warehouse.execute(f'CREATE OR REPLACE TEMPORARY TABLE {name} ("a" VARCHAR)')
            warehouse.execute(f"INSERT INTO {name} SELECT ?", (value,))
            assert warehouse.execute(f'SELECT "a" FROM {name}') == [(value,)]

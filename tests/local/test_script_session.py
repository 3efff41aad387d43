"""A script leaves its session as it was, with or without a current database."""

from __future__ import annotations

import pytest
from outcome import SCRIPT, sheet_rows, table_keys
from warehouse_tables import READ, RIGHTS, make_tables, refused, with_warehouse

import leadflow as lf
from leadflow import stages
from leadflow.errors import ScriptError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import SqlError
from leadflow.services.warehouse.session import session_of
from leadflow.stages.extraction import open_extraction

CHANGES = {
    "role": "USE ROLE OTHER",
    "warehouse": "USE WAREHOUSE OTHER_WH",
    "schema": "USE SCHEMA LEADS_DB.OTHER",
    "database": "USE DATABASE OTHER_DB",
    "secondary roles": "USE SECONDARY ROLES NONE",
    "quotes": "ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE",
    "time zone": "ALTER SESSION SET TIMEZONE = 'America/New_York', TIMESTAMP_OUTPUT_FORMAT = 'YYYY'",
    "tag": "ALTER SESSION UNSET QUERY_TAG",
    "several": "USE ROLE OTHER; USE SCHEMA LEADS_DB.OTHER; USE WAREHOUSE OTHER_WH; USE SECONDARY ROLES NONE; ALTER "
    "SESSION SET TIMEZONE = 'UTC'",
    "temporary table": "USE ROLE OTHER; USE SCHEMA LEADS_DB.OTHER; CREATE OR REPLACE TEMPORARY TABLE MINE AS SELECT "
    "* FROM LEADS_DB.PUBLIC.RAW_LEADS",
}
FROM_ALL = "SELECT * FROM LEADS_DB.PUBLIC.RAW_LEADS"
FULL = {"person_cache": "LEADS_DB.PUBLIC.PERSON_CACHE", "consolidated": "LEADS_DB.PUBLIC.UNIQUE_CONSOLIDATED_DATA"}


@pytest.fixture
def other(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.execute("CREATE DATABASE IF NOT EXISTS OTHER_DB")
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS LEADS_DB.OTHER")
    return world


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_script_changes_of_its_session_is_put_back(other, name):
    query = "SELECT * FROM MINE" if "MINE" in CHANGES[name] else FROM_ALL
    script = f"{CHANGES[name]}; {query}"
    with Warehouse(other.settings.warehouse) as warehouse:
        before = session_of(warehouse)
        frame = stages.extract(script, warehouse, allow_writes=True)
        assert session_of(warehouse) == before
        opened = open_extraction(script, warehouse, limit_rows=30, allow_writes=True)
        assert session_of(warehouse) == before
        assert sum(batch.height for batch in opened.batches(10)) == 30
        assert opened.counts["extracted"] == len(frame)


@pytest.mark.parametrize("name", CHANGES)
def test_a_job_is_finished_by_the_role_that_it_began_with(other, name):
    make_tables(other)
    other.configure(roles={"LOADER": {**RIGHTS}, "OTHER": {"RAW_LEADS": READ}})
    uses_role = "USE ROLE" in CHANGES[name]
    if not uses_role:
        other.configure(roles={"LOADER": {**RIGHTS, "RAW_LEADS": READ}})
    query = "SELECT * FROM MINE" if "MINE" in CHANGES[name] else FROM_ALL
    with lf.Engine(with_warehouse(other, role="LOADER", allow_writes=True)) as engine:
        job = engine.run(f"{CHANGES[name]}; {query}", limit_rows=6, progress=False)
        assert job.ok
        assert engine.report(job.id).ok
        again = engine.run(f"{CHANGES[name]}; {query}", limit_rows=6, progress=False)
    assert again.counts.already_processed == 6
    assert len(table_keys(other, "PERSON_CACHE", "person_key")) == 12
    assert max(other.stats()["idicore"]["bought"].values()) == 1


def test_names_in_quotes_may_be_folded_by_the_script(world):
    script = 'ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE; SELECT r.*, 1 AS "own note" FROM RAW_LEADS r'
    with lf.Engine(with_warehouse(world, allow_writes=True)) as engine:
        job = engine.run(script, limit_rows=6, progress=False)
    assert job.ok
    assert all("OWN NOTE" in row for row in sheet_rows(world))


def test_a_script_that_fails_leaves_the_session_as_it_was(other):
    with Warehouse(other.settings.warehouse) as warehouse:
        before = session_of(warehouse)
        for script in (
            "USE ROLE OTHER; SELECT * FROM NOWHERE",
            "USE SCHEMA LEADS_DB.OTHER; SELECT 1 AS a",
            "USE ROLE OTHER; USE SCHEMA NOT_THERE; SELECT 1",
        ):
            with pytest.raises((ScriptError, lf.errors.ColumnsError)):
                open_extraction(script, warehouse)
            assert session_of(warehouse) == before


def test_a_script_without_such_statements_asks_nothing_more(world):
    def calls(script):
        before = world.stats()["snowflake"]["calls"]
        with Warehouse(world.settings.warehouse) as warehouse:
            open_extraction(script, warehouse, limit_rows=5)
        return world.stats()["snowflake"]["calls"] - before

    assert calls(f"SET a = 1; {SCRIPT}") > calls(SCRIPT)


@pytest.mark.parametrize("name", ["role", "warehouse", "schema", "database", "secondary roles", "time zone"])
def test_a_script_may_change_the_session_of_a_connection_without_a_current_database(other, name):
    script = f"{CHANGES[name]}; {FROM_ALL}"
    settings = with_warehouse(other, database=None, allow_writes=True, **FULL)
    with lf.Engine(settings) as engine:
        assert engine.estimate(script, limit_rows=6).lookups == 6
        assert set(other.stats()["snowflake"]["rows"]) == {"RAW_LEADS"}
        job = engine.run(script, limit_rows=6, max_lookups=3, progress=False)
        assert engine.resume(job.id, max_lookups=9, progress=False).counts.bought == 6
        assert engine.report(job.id).ok
    with Warehouse(settings.warehouse) as warehouse:
        frame = stages.extract(script, warehouse, allow_writes=True)
        assert 0 < len(stages.filter_unprocessed(frame, warehouse)) < len(frame)


def test_use_with_a_bare_name_is_use_database(other):
    with Warehouse(other.settings.warehouse) as warehouse:
        warehouse.execute("USE OTHER_DB")
        assert warehouse.execute("SELECT CURRENT_DATABASE()") == [("OTHER_DB",)]


def test_a_connection_without_a_current_database_works_with_tables_named_in_full(world):
    with lf.Engine(with_warehouse(world, database=None, **FULL)) as engine:
        job = engine.run(FROM_ALL, limit_rows=6, progress=False)
        assert job.ok
        assert engine.report(job.id).ok
        assert engine.run(FROM_ALL, limit_rows=6, progress=False).counts.already_processed == 6


def test_tables_without_a_place_are_beside_a_cache_that_is_named_in_full(world):
    with lf.Engine(with_warehouse(world, database=None, person_cache=FULL["person_cache"])) as engine:
        assert engine.run(FROM_ALL, limit_rows=6, progress=False).ok
    assert {"SCRUB_LEDGER", "UNIQUE_CONSOLIDATED_DATA"} <= set(world.stats()["snowflake"]["rows"])


@pytest.mark.parametrize(
    "tables", [{}, {"person_cache": "PUBLIC.PERSON_CACHE"}, {"consolidated": FULL["consolidated"]}]
)
def test_a_connection_without_a_database_and_tables_without_one_is_said(world, tables):
    assert "LEADFLOW_WAREHOUSE__DATABASE" in refused(world, with_warehouse(world, database=None, **tables), FROM_ALL)


def test_a_temporary_table_belongs_to_a_schema_and_to_the_role_that_made_it(other):
    with Warehouse(other.settings.warehouse) as warehouse:
        warehouse.execute("CREATE TEMPORARY TABLE MINE AS SELECT 1 AS a")
        warehouse.execute("USE SCHEMA OTHER")
        with pytest.raises(SqlError, match="does not exist"):
            warehouse.execute("SELECT * FROM MINE")
        assert warehouse.execute("SELECT * FROM LEADS_DB.PUBLIC.MINE") == [(1,)]
        warehouse.execute("USE ROLE OTHER")
        with pytest.raises(SqlError, match="not authorized"):
            warehouse.execute("SELECT * FROM LEADS_DB.PUBLIC.MINE")

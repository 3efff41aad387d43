"""The right to finish is proven first; names fold; what was missing is said; a script leaves its session as it was."""

from __future__ import annotations

import pytest
import snowflake.connector
from outcome import SCRIPT, sheet_rows, table_keys

import leadflow as lf
from leadflow import stages
from leadflow.errors import JobFailedError, RefusedError, ScriptError, SettingsError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import SqlError
from leadflow.services.warehouse.names import name_parts
from leadflow.services.warehouse.session import session_of
from leadflow.services.warehouse.tables import CONSOLIDATED_COLUMNS, PERSON_CACHE_COLUMNS, TIMES
from leadflow.stages.extraction import open_extraction

READ, WRITE = ["SELECT"], ["SELECT", "INSERT", "UPDATE"]
TABLES = {"PERSON_CACHE": PERSON_CACHE_COLUMNS, "UNIQUE_CONSOLIDATED_DATA": CONSOLIDATED_COLUMNS}


def with_warehouse(world, **changes):
    return world.settings.model_copy(update={"warehouse": world.settings.warehouse.model_copy(update=changes)})


def make_tables(world, **types: str):
    """Both tables, with the type of a column changed, or a column added."""
    with Warehouse(world.settings.warehouse) as warehouse:
        for table, columns in TABLES.items():
            shape = {c: "TIMESTAMP_NTZ" if c in TIMES else "VARCHAR" for c in columns}
            shape |= {
                c: kind for c, kind in types.items() if c in shape or (c.startswith("own") and table == "PERSON_CACHE")
            }
            warehouse.execute(
                f"CREATE OR REPLACE TABLE {table} "
                f"({', '.join(f'{chr(34)}{c}{chr(34)} {kind}' for c, kind in shape.items())})"
            )


def refused(world, settings, script=SCRIPT, limit_rows=6):
    """What the job says that must fail before anything is bought."""
    with lf.Engine(settings) as engine, pytest.raises(JobFailedError) as caught:
        engine.run(script, limit_rows=limit_rows, progress=False)
    assert world.stats()["idicore"]["calls"] == 0
    assert sheet_rows(world) == []
    return str(caught.value)


# Rights.


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "held", [["SELECT"], ["SELECT", "INSERT"], ["SELECT", "UPDATE"], ["INSERT", "UPDATE"], []], ids="+".join
)
def test_a_role_that_may_not_merge_buys_nothing(world, table, held):
    make_tables(world)
    world.configure(roles={"ANALYST": {"RAW_LEADS": READ, **dict.fromkeys(TABLES, WRITE), table: held}})
    said = refused(world, with_warehouse(world, role="ANALYST"))
    assert table in said
    assert "ANALYST" in said
    world.configure(roles={"ANALYST": {"RAW_LEADS": READ, **dict.fromkeys(TABLES, WRITE)}})
    with lf.Engine(with_warehouse(world, role="ANALYST")) as engine:
        assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok


def test_existing_tables_need_no_right_to_create(world):
    make_tables(world)
    world.configure(roles={"ANALYST": {"RAW_LEADS": READ, **dict.fromkeys(TABLES, WRITE)}})
    with lf.Engine(with_warehouse(world, role="ANALYST")) as engine:
        assert engine.estimate(SCRIPT, limit_rows=6).lookups == 6
        job = engine.run(SCRIPT, limit_rows=6, progress=False)
    assert job.ok
    assert len(table_keys(world, "PERSON_CACHE", "person_key")) == 6


def test_missing_tables_that_may_not_be_made_are_one_line(world):
    world.configure(roles={"ANALYST": {"RAW_LEADS": READ}})
    said = refused(world, with_warehouse(world, role="ANALYST"))
    assert "LEADFLOW_WAREHOUSE__PERSON_CACHE" in said
    assert "Insufficient privileges to operate on schema 'PUBLIC'" in said


def test_a_user_without_a_warehouse_buys_nothing(world):
    make_tables(world)
    world.configure(default_warehouse=False)
    try:
        assert "No active warehouse" in refused(world, world.settings)
        with lf.Engine(with_warehouse(world, warehouse="LOADING")) as engine:
            assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok
    finally:
        world.configure(default_warehouse=True)


def test_a_right_taken_away_later_is_found_by_the_resume(world):
    settings = with_warehouse(world, role="ANALYST")
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=6, max_lookups=3, progress=False)
        assert str(job.status) == "STOPPED"
        bought = world.stats()["idicore"]["calls"]
        world.configure(roles={"ANALYST": {"*": READ}})
        with pytest.raises(JobFailedError, match="UPDATE"):
            engine.resume(job.id, max_lookups=6, progress=False)
    assert world.stats()["idicore"]["calls"] == bought


# Columns that would take no rows although they take none.


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ({"phones": "VARCHAR(10)"}, ('"phones" is VARCHAR(10)', "VARCHAR(1000)")),
        ({"zip_code": "NUMBER(38,0)"}, ('"zip_code" is NUMBER(38,0) and must be VARCHAR',)),
        ({"checked_at": "NUMBER(38,0)"}, ('"checked_at" is NUMBER(38,0) and must be TIMESTAMP_NTZ',)),
        ({"checked_at": "BOOLEAN"}, ("TIMESTAMP_NTZ",)),
        ({"person_key": "VARCHAR(31)"}, ('"person_key"', "VARCHAR(32)")),
        ({"emails": "VARCHAR(255)"}, ('"emails"',)),
        ({"status": "BOOLEAN"}, ('"status" is BOOLEAN',)),
        ({"city": "VARCHAR NOT NULL"}, ('"city" is NOT NULL, and a lead may have nothing there',)),
        ({"own_id": "NUMBER(38,0) NOT NULL"}, ('"own_id" is NOT NULL without a default',)),
        ({"Zip": "NUMBER(38,0)"}, ("UNIQUE_CONSOLIDATED_DATA", '"Zip"')),
        ({"Phone 1": "NUMBER(38,0)"}, ('"Phone 1"',)),
        ({"Phone 2": "VARCHAR(10)"}, ('"Phone 2"', "VARCHAR(12)")),
        ({"Email 1": "VARCHAR(50)", "Processed At": "DATE"}, ('"Email 1"', '"Processed At"')),
        ({"Extra": "VARCHAR(255)"}, ('"Extra"',)),
        ({"address": "VARCHAR(8)"}, ('"address" is VARCHAR(8), and a lead has',)),
        ({"Last Name": "VARCHAR(2)"}, ('"Last Name" is VARCHAR(2)',)),
    ],
)
def test_a_column_that_would_not_take_the_rows_is_named_with_its_right_type(world, types, words):
    make_tables(world, **types)
    said = refused(world, world.settings)
    assert all(word in said for word in words), said
    assert "Nothing was bought" in said


@pytest.mark.parametrize(
    "types",
    [
        {"own_note": "VARCHAR"},
        {"own_id": "NUMBER(38,0) DEFAULT 0 NOT NULL"},
        {"address": "VARCHAR(200)"},
        {"person_key": "VARCHAR(32) NOT NULL"},
        {"zip_code": "VARCHAR(5)", "Zip": "VARCHAR(5)"},
    ],
)
def test_columns_of_others_and_lengths_that_suffice_are_fine(world, types):
    make_tables(world, **types)
    with lf.Engine(world.settings) as engine:
        assert engine.run(SCRIPT, limit_rows=6, progress=False).ok


# Names.


@pytest.mark.parametrize(
    "name",
    [
        "person_cache",
        "Person_Cache",
        "public.person_cache",
        "leads_db.PUBLIC.person_cache",
        '"PERSON_CACHE"',
        'leads_db."PUBLIC".Person_cache',
        " PERSON_CACHE ",
    ],
)
def test_a_name_in_any_case_is_the_same_table(world, name):
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=5, max_lookups=3, progress=False)
    with lf.Engine(with_warehouse(world, person_cache=name)) as engine:
        resumed = engine.resume(job.id, max_lookups=5, progress=False)
        again = engine.run(SCRIPT, limit_rows=5, progress=False)
    assert resumed.counts.bought == 5
    assert again.counts.already_processed >= 5
    assert "was not there" not in again.message
    assert set(world.stats()["snowflake"]["rows"]) == {"RAW_LEADS", *TABLES}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.b.c", ["A", "B", "C"]),
        ('"a.b".c', ["a.b", "C"]),
        ('"say ""hi"""', ['say "hi"']),
        ("c$1", ["C$1"]),
        (' a . "b" ', ["A", "b"]),
    ],
)
def test_names_are_read_as_snowflake_reads_them(name, parts):
    assert name_parts(name) == parts


@pytest.mark.parametrize("name", ["", "a.b.c.d", "a..b", "my-table", '"a', "a b", "1a", "a;DROP TABLE b", '""'])
def test_what_is_no_name_is_said(world, name):
    with pytest.raises(SettingsError, match="is no name of a table"):
        name_parts(name)
    if name:  # the settings refuse an empty one themselves
        assert "is no name of a table" in refused(world, with_warehouse(world, person_cache=name))


@pytest.mark.parametrize("name", ["PERSON_CACH", '"Person cache"', "PERSON_CACHE_2026"])
def test_a_cache_that_had_to_be_made_is_said_loudly(world, name):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=5, progress=False)
    with lf.Engine(with_warehouse(world, person_cache=name)) as engine:
        estimate = engine.estimate(SCRIPT, limit_rows=5)
        assert estimate.notes
        assert set(world.stats()["snowflake"]["rows"]) == {"RAW_LEADS", *TABLES}
        job = engine.run(SCRIPT, limit_rows=5, progress=False)
        table = f'"{name_parts(name)[0]}"'
        assert table in estimate.notes[0]
        assert table in job.message
        assert "nobody counts as processed" in job.message
        trace = engine.trace(job.id)
        assert trace[trace["message"].str.contains(table, regex=False)]["level"].tolist()[0] == "warning"
        report = engine.report(job.id).to_markdown()
        assert "nobody counts as processed" in report
        again = engine.run(SCRIPT, limit_rows=5, progress=False)
    assert "nobody counts as processed" not in again.message


def test_estimate_makes_nothing(world):
    with lf.Engine(world.settings) as engine:
        estimate = engine.estimate(SCRIPT)
        assert estimate.already_processed == 0
        assert [note.split('"')[5] for note in estimate.notes] == list(TABLES)
        assert set(world.stats()["snowflake"]["rows"]) == {"RAW_LEADS"}
        assert engine.run(SCRIPT, limit_rows=5, progress=False).ok
        assert engine.estimate(SCRIPT).notes == ()


# A script's session.

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
    other.configure(roles={"LOADER": {**dict.fromkeys(TABLES, WRITE)}, "OTHER": {"RAW_LEADS": READ}})
    uses_role = "USE ROLE" in CHANGES[name]
    if not uses_role:
        other.configure(roles={"LOADER": {**dict.fromkeys(TABLES, WRITE), "RAW_LEADS": READ}})
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


# A connection without a current database.

FULL = {"person_cache": "LEADS_DB.PUBLIC.PERSON_CACHE", "consolidated": "LEADS_DB.PUBLIC.UNIQUE_CONSOLIDATED_DATA"}


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


@pytest.mark.parametrize(
    "tables", [{}, {"person_cache": "PUBLIC.PERSON_CACHE"}, {"person_cache": FULL["person_cache"]}]
)
def test_a_connection_without_a_database_and_tables_without_one_is_said(world, tables):
    assert "LEADFLOW_WAREHOUSE__DATABASE" in refused(world, with_warehouse(world, database=None, **tables), FROM_ALL)


# The stand-in is as strict as Snowflake.


def test_the_stand_in_checks_rights_when_a_statement_is_read(world):
    make_tables(world)
    world.configure(roles={"ANALYST": {"*": READ}})
    with Warehouse(with_warehouse(world, role="ANALYST").warehouse) as warehouse:
        warehouse.execute("CREATE TEMPORARY TABLE S (k VARCHAR)")
        merge = 'MERGE INTO PERSON_CACHE t USING S s ON t."person_key" = s.k '
        merge += 'WHEN NOT MATCHED THEN INSERT ("person_key") VALUES (s.k)'
        for sql in (
            merge,
            "INSERT INTO PERSON_CACHE SELECT * FROM PERSON_CACHE WHERE 1 = 0",
            "DELETE FROM PERSON_CACHE",
            "CREATE TABLE T (a INT)",
            "DROP TABLE PERSON_CACHE",
        ):
            with pytest.raises(SqlError, match="Insufficient privileges") as caught:
                warehouse.execute(sql)
            assert caught.value.errno == 3001
        world.configure(roles={"ANALYST": {"PERSON_CACHE": READ}})
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            warehouse.execute("SELECT * FROM RAW_LEADS")
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            warehouse.execute("USE ROLE NOBODY")


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


def test_a_result_can_be_read_by_another_role_of_the_same_user(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        found = warehouse.query_id("SELECT 'x' AS c0, 2 AS c1")
        warehouse.execute("USE ROLE OTHER")
        warehouse.execute(
            f"CREATE TEMPORARY TABLE MINE AS SELECT s.*, SEQ8() AS n FROM TABLE(RESULT_SCAN('{found}')) s"
        )
        assert warehouse.execute("SELECT C0, C1, N FROM MINE") == [("x", 2, 0)]


def test_a_merge_without_rows_is_a_transaction_of_both_tables(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.ensure_tables()
        from leadflow.stages.consolidation import prove_rights

        prove_rights(warehouse)
        assert [world.stats()["snowflake"]["rows"][table] for table in TABLES] == [0, 0]
        world.fail("snowflake", "422", times=1, key="COMMIT")
        with pytest.raises(RefusedError, match="nothing was bought"):
            prove_rights(warehouse)


def test_the_connector_is_told_of_the_session(world):
    settings = world.settings.warehouse
    with snowflake.connector.connect(
        account="fakesnow",
        user="u",
        host=settings.host,
        port=settings.port,
        protocol="http",
        authenticator="PROGRAMMATIC_ACCESS_TOKEN",
        token="local-token",
        role="LOADER",
        warehouse="W",
    ) as connection:
        assert connection.cursor().execute(
            "SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE()"
        ).fetchall() == [("LOADER", "W", None)]

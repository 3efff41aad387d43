"""The right to finish a job is proven before anything is bought; names fold; a table that was missing is named."""

from __future__ import annotations

import pytest
import snowflake.connector
from outcome import SCRIPT, table_keys
from warehouse_tables import READ, RIGHTS, TABLES, make_tables, refused, with_warehouse

import leadflow as lf
from leadflow.errors import JobFailedError, RefusedError, SettingsError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import SqlError
from leadflow.services.warehouse.names import name_parts

# Rights.


_TOO_FEW = [["SELECT"], ["SELECT", "INSERT"], ["SELECT", "UPDATE"], ["INSERT", "UPDATE"], []]


@pytest.mark.parametrize(
    ("table", "held"),
    [
        *((table, held) for table in ("PERSON_CACHE", "UNIQUE_CONSOLIDATED_DATA") for held in _TOO_FEW),
        *(("SCRUB_LEDGER", held) for held in (["SELECT"], ["INSERT"], ["INSERT", "UPDATE"], [])),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_a_role_that_may_not_write_buys_nothing(world, table, held):
    make_tables(world)
    world.configure(roles={"ANALYST": {"RAW_LEADS": READ, **RIGHTS, table: held}})
    said = refused(world, with_warehouse(world, role="ANALYST"))
    assert table in said
    assert "ANALYST" in said
    world.configure(roles={"ANALYST": {"RAW_LEADS": READ, **RIGHTS}})
    with lf.Engine(with_warehouse(world, role="ANALYST")) as engine:
        assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok


def test_existing_tables_need_no_right_to_create(world):
    make_tables(world)
    world.configure(roles={"ANALYST": {"RAW_LEADS": READ, **RIGHTS}})
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
        ({"Callable Until": "VARCHAR"}, ('"Callable Until" is VARCHAR(16777216) and must be DATE',)),
        ({"EVENT_AT": "DATE"}, ("SCRUB_LEDGER", '"EVENT_AT" is DATE and must be TIMESTAMP_NTZ')),
        ({"LIST_DATE": "TIMESTAMP_NTZ"}, ('"LIST_DATE" is TIMESTAMP_NTZ(9) and must be DATE',)),
        ({"CODE": "VARCHAR(20)"}, ('"CODE" is VARCHAR(20)', "VARCHAR(200)")),
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


def test_a_result_can_be_read_by_another_role_of_the_same_user(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        found = warehouse.query_id("SELECT 'x' AS c0, 2 AS c1")
        warehouse.execute("USE ROLE OTHER")
        warehouse.execute(
            f"CREATE TEMPORARY TABLE MINE AS SELECT s.*, SEQ8() AS n FROM TABLE(RESULT_SCAN('{found}')) s"
        )
        assert warehouse.execute("SELECT C0, C1, N FROM MINE") == [("x", 2, 0)]


def test_writes_without_rows_are_a_transaction_of_all_tables(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.ensure_tables()
        from leadflow.stages.consolidation import prove_rights

        prove_rights(warehouse)
        assert [world.stats()["snowflake"]["rows"][table] for table in TABLES] == [0] * len(TABLES)
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

"""The stand-in for Snowflake, with its own connector."""

from __future__ import annotations

import json

import pytest
import snowflake.connector
from standins import rows_of

from leadflow.local import World
from leadflow.local.world import SAMPLES

pytestmark = pytest.mark.connector

MERGE = (
    'merge into pc t using st s on t."person_key" = s."person_key" when matched then update set t.n = s.n '
    'when not matched then insert ("person_key", n) values (s."person_key", s.n)'
)


@pytest.fixture
def warehouse(world: World):
    s = world.settings.warehouse
    with snowflake.connector.connect(
        user=s.user, token=s.token.get_secret_value(), authenticator=s.authenticator, account=s.account, host=s.host,
        port=s.port, protocol=s.protocol, database=s.database, schema=s.schema_name, paramstyle="qmark",
        session_parameters=s.session_parameters, network_timeout=20, login_timeout=10,
    ) as connection:  # fmt: skip
        yield connection.cursor()


def test_raw_leads_are_seeded_as_text(warehouse):
    warehouse.execute("select * from RAW_LEADS")
    rows = warehouse.fetchall()
    assert [c.name for c in warehouse.description] == list(rows_of("leads.csv")[0])
    assert sorted(tuple(v or "" for v in r) for r in rows) == sorted(tuple(r.values()) for r in rows_of("leads.csv"))


@pytest.mark.parametrize("name", ["june_leads", "probate", "all_leads"])
def test_scripts_run(warehouse, name: str):
    import sqlglot

    for statement in sqlglot.parse((SAMPLES / f"scripts/{name}.sql").read_text(), dialect="snowflake"):
        if statement and not isinstance(statement, sqlglot.exp.Semicolon):
            warehouse.execute(statement.sql("snowflake"))
    assert len(warehouse.fetchall()) > 200


@pytest.mark.parametrize("transaction", [False, True])
def test_merge_as_snowflake_does_it(warehouse, transaction: bool):
    run = warehouse.execute
    run('create table pc ("person_key" varchar, n int)')
    run('create temp table st ("person_key" varchar, n int)')
    run("insert into pc values ('a', 0), ('a', 5)")
    run("insert into st values ('a', 1), ('b', 2)")
    if transaction:
        run("begin")
        run("create or replace temp table other as select 1 as x")
    run(MERGE)
    if transaction:
        run("commit")
    assert sorted(run("select * from pc").fetchall()) == [("a", 1), ("a", 1), ("b", 2)]
    run("insert into st values ('a', 3)")
    with pytest.raises(snowflake.connector.errors.ProgrammingError, match="Duplicate row") as error:
        run(MERGE)
    assert error.value.errno == 100090
    assert sorted(run("select * from pc").fetchall()) == [("a", 1), ("a", 1), ("b", 2)]


def test_a_merge_of_the_same_text_means_the_tables_that_are_there(world: World, warehouse):
    run, connection = warehouse.execute, warehouse.connection
    for schema in ("one", "two", "one"):
        run(f"create schema if not exists {schema}")
        run(f"use schema {schema}")
        run('create or replace table pc ("person_key" varchar, n int)')
        run("create or replace temp table st as select 'a' as \"person_key\", 1 as n")
        run(MERGE)
        rows = f"select 'a' as \"person_key\", {len(schema)} as n union all select '{schema}', 7"
        run(f"create or replace temp table st as {rows}")
        assert run(MERGE).fetchall() == [(1, 1)]
        assert sorted(connection.cursor().execute("select * from pc").fetchall()) == sorted([("a", 3), (schema, 7)])
    run("drop table pc")
    with pytest.raises(snowflake.connector.errors.ProgrammingError, match=r"(?i)pc"):
        run(MERGE)


def test_one_bound_json_inserts_many_rows(warehouse):
    rows = json.dumps([{"k": f"key {n}", "z": "00123"} for n in range(2000)])
    warehouse.execute("create temp table t (k varchar, z varchar)")
    warehouse.execute(
        "insert into t select value:k::varchar, value:z::varchar from table(flatten(input => parse_json(?)))", (rows,)
    )
    assert warehouse.execute("select count(*), min(z) from t").fetchall() == [(2000, "00123")]


def test_snowflake_faults_are_ridden_out_by_the_connector(world: World, warehouse):
    world.fail("snowflake", "503")
    assert warehouse.execute("select 1").fetchall() == [(1,)]
    assert world.stats()["snowflake"]["faults"] == 1

"""The stand-in for Snowflake keeps the translations of statements, one for each state of a session."""

from __future__ import annotations

import pytest

from leadflow.errors import LeadflowError
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


_DATABASE = '"LEADS_DB"."PUBLIC"'
# What may change between two runs of a statement.
_CHANGES = {
    "nothing": "SELECT 1",
    "a temporary table in front of the table": "CREATE TEMPORARY TABLE LF_X AS SELECT 't' AS \"a\"",
    "a temporary table that is dropped again": (
        'CREATE TEMPORARY TABLE LF_X AS SELECT \'t\' AS "a"; SELECT "a" FROM LF_X ORDER BY 1; DROP TABLE LF_X'
    ),
    "another temporary table": "CREATE TEMPORARY TABLE LF_Y AS SELECT 't' AS \"a\"",
    "a temporary table of another role": "CREATE TEMPORARY TABLE LF_X AS SELECT 't' AS \"a\"; USE ROLE OTHER",
    "a temporary table of another schema": (
        'CREATE TEMPORARY TABLE LF_X AS SELECT \'t\' AS "a"; SELECT "a" FROM LF_X ORDER BY 1; '
        'CREATE SCHEMA IF NOT EXISTS "LEADS_DB"."AWAY"; USE SCHEMA "LEADS_DB"."AWAY"'
    ),
    "the role": "USE ROLE OTHER",
    "the schema": (
        'CREATE SCHEMA IF NOT EXISTS "LEADS_DB"."ELSE"; USE SCHEMA "LEADS_DB"."ELSE"; '
        'CREATE OR REPLACE TABLE "LEADS_DB"."ELSE".LF_X AS SELECT \'e\' AS "a"'
    ),
    "the schema, without such a table": 'CREATE SCHEMA IF NOT EXISTS "LEADS_DB"."EMPTY"; USE SCHEMA "LEADS_DB"."EMPTY"',
    "the schema and back": f'CREATE SCHEMA IF NOT EXISTS "LEADS_DB"."BACK"; USE SCHEMA {_DATABASE}',
    "whether case counts": "ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE",
    "the rows": f"INSERT INTO {_DATABASE}.LF_X SELECT 'b'",
    "the type of the column": f'CREATE OR REPLACE TABLE {_DATABASE}.LF_X AS SELECT 7 AS "a"',
    "the columns": f"CREATE OR REPLACE TABLE {_DATABASE}.LF_X AS SELECT 'c' AS \"c\"",
    "that it is there": f"DROP TABLE {_DATABASE}.LF_X",
}


@pytest.mark.parametrize("table", ["LF_X", f"{_DATABASE}.LF_X"])
@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
def test_a_kept_statement_answers_as_a_new_one_would(world, change, table):
    kept = f'SELECT "a" FROM {table} ORDER BY 1'
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        warehouse.execute(f"CREATE OR REPLACE TABLE {_DATABASE}.LF_X AS SELECT 'a' AS \"a\"")
        assert [warehouse.execute(kept) for _ in range(3)] == [[("a",)]] * 3
        for statement in change.split("; "):
            warehouse.execute(statement)
        new = f"{kept} -- {change}"  # another text, which is translated anew
        assert [_answer(warehouse, kept) for _ in range(2)] == [_answer(warehouse, new)] * 2


def _answer(warehouse, statement):
    try:
        return warehouse.execute(statement)
    except LeadflowError as error:
        return type(error)


def test_a_kept_change_has_the_values_that_are_bound_to_it(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        warehouse.execute(f"CREATE OR REPLACE TABLE {_DATABASE}.LF_X AS SELECT 'a' AS \"a\", 'a' AS \"b\"")
        for value in "bcde":
            warehouse.execute('UPDATE LF_X SET "a" = ?, "b" = ? WHERE "b" <> ?', (value, value.upper(), value))
            assert warehouse.execute('SELECT "a", "b" FROM LF_X WHERE "a" = ?', (value,)) == [(value, value.upper())]

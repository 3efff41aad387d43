"""The stand-in compares names as Snowflake does, and refuses texts that are longer than their column."""

from __future__ import annotations

import pytest

from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import SqlError

pytestmark = pytest.mark.connector


@pytest.fixture
def warehouse(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        yield warehouse


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT City FROM RAW_LEADS",
        'SELECT "city" FROM RAW_LEADS',
        'SELECT r."CITY" FROM RAW_LEADS r',
        'SELECT "R"."City" FROM RAW_LEADS AS "r"',
        'SELECT "City" FROM RAW_LEADS WHERE zip IS NULL',
        'SELECT "City" FROM RAW_LEADS ORDER BY "last name"',
        'SELECT COUNT(*) FROM RAW_LEADS GROUP BY "state"',
        'SELECT a.x FROM (SELECT "City" AS "x" FROM RAW_LEADS) a',
        'WITH l AS (SELECT "City" AS town FROM RAW_LEADS) SELECT "town" FROM l',
        'SELECT a."City" FROM RAW_LEADS a JOIN RAW_LEADS b ON a."Zip" = b."zip"',
        "CREATE TEMPORARY TABLE T AS SELECT city FROM RAW_LEADS",
        "UPDATE RAW_LEADS SET city = 'x'",
        "DELETE FROM RAW_LEADS WHERE CITY = 'x'",
    ],
)
def test_a_column_in_another_case_is_not_there(warehouse, sql):
    with pytest.raises(SqlError, match="invalid identifier") as refused:
        warehouse.execute(sql)
    assert refused.value.errno == 904


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT * FROM "raw_leads"',
        'SELECT * FROM PUBLIC."Raw_Leads"',
        'WITH l AS (SELECT 1 AS a) SELECT * FROM "l"',
        'DESCRIBE TABLE "raw_leads"',
        'DROP TABLE "raw_leads"',
        'INSERT INTO "raw_leads" SELECT * FROM RAW_LEADS',
    ],
)
def test_a_table_in_another_case_is_not_there(world, warehouse, sql):
    with pytest.raises(SqlError, match="does not exist or not authorized") as refused:
        warehouse.execute(sql)
    assert refused.value.errno == 2003
    assert world.stats()["snowflake"]["rows"]["RAW_LEADS"] == 2200


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT "City" FROM raw_leads',
        'SELECT r."City", 1 AS n FROM Raw_Leads R WHERE N = 1',
        'SELECT x FROM (SELECT "City" AS X FROM RAW_LEADS)',
        'WITH Found AS (SELECT "City" AS town FROM RAW_LEADS) SELECT TOWN FROM found',
        'WITH f(a, "b") AS (SELECT "City", "Zip" FROM RAW_LEADS) SELECT A, "b" FROM F',
        "SELECT value:k::VARCHAR AS k FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[{\"k\": 1}]')))",
        'SELECT "City", COUNT(*) AS "n" FROM RAW_LEADS GROUP BY "City" ORDER BY "n"',
        "SELECT DATEADD(day, 1, CURRENT_DATE()) AS day",
        "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS",
        'SELECT "City" AS "city" FROM RAW_LEADS ORDER BY "city"',
        'SELECT t.* FROM RAW_LEADS t QUALIFY ROW_NUMBER() OVER (PARTITION BY "Zip" ORDER BY "City") = 1',
        'SELECT a."City" FROM RAW_LEADS a JOIN RAW_LEADS b USING ("Lead Number")',
        'SELECT * EXCLUDE ("City") FROM RAW_LEADS',
    ],
)
def test_names_in_their_own_case_are_found(warehouse, sql):
    warehouse.execute(sql)


def test_a_table_beside_one_of_the_same_name_in_another_case_is_refused_and_replaces_nothing(world, warehouse):
    with pytest.raises(SqlError, match="differs in case alone"):
        warehouse.execute('CREATE OR REPLACE TABLE "raw_leads" (A INT)')
    assert world.stats()["snowflake"]["rows"]["RAW_LEADS"] == 2200


@pytest.mark.parametrize("kind", ["VARCHAR(3)", "STRING(3)", "TEXT(3)", "CHAR(3)"])
def test_a_text_that_is_longer_than_its_column_is_refused(warehouse, kind):
    warehouse.execute(f'CREATE TABLE T ("k" {kind}, N INT)')
    warehouse.execute("INSERT INTO T VALUES ('abc', 1), (NULL, 2)")
    warehouse.execute("CREATE TEMPORARY TABLE S AS SELECT 'abc' AS \"k\", 3 AS N UNION ALL SELECT 'abcd', 4")
    for sql in (
        "INSERT INTO T VALUES ('abcd', 1)",
        "INSERT INTO T SELECT * FROM S",
        "UPDATE T SET \"k\" = 'abcd' WHERE N = 1",
        'MERGE INTO T USING S ON T."k" = S."k" WHEN MATCHED THEN UPDATE SET N = S.N '
        'WHEN NOT MATCHED THEN INSERT ("k", N) VALUES (S."k", S.N)',
    ):
        warehouse.execute("BEGIN")  # fakesnow's MERGE is several statements, which only a transaction takes back
        with pytest.raises(SqlError, match="too long") as refused:
            warehouse.execute(sql)
        warehouse.execute("ROLLBACK")
        assert refused.value.errno == 100078
    assert sorted(warehouse.execute("SELECT N FROM T")) == [(1,), (2,)]
    described = warehouse.execute("DESCRIBE TABLE T")
    assert described[0][:2] == ("k", "VARCHAR(3)" if kind != "CHAR(3)" else described[0][1])


def test_a_longest_text_is_kept(warehouse):
    warehouse.execute("CREATE TABLE T (K VARCHAR(3))")
    warehouse.execute("INSERT INTO T VALUES ('äöü')")
    assert warehouse.execute("SELECT K FROM T") == [("äöü",)]

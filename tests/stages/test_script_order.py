"""The script's ORDER BY decides which leads limit_rows takes, and in which order they are delivered."""

from __future__ import annotations

import pytest

from leadflow.errors import RefusedError
from leadflow.services.warehouse import Warehouse
from leadflow.stages.extraction import open_extraction
from leadflow.stages.script import parse_script

_WHO = 'first_name AS "First Name", last_name AS "Last Name", address AS "Address", city, state, zip'
_SCORES = f"""CREATE TEMPORARY TABLE SCORED AS
SELECT {_WHO}, number, MOD(number * 7919, 1000) AS score, number AS "low"
FROM (SELECT 'Ann' AS first_name, 'Lee' AS last_name, n + 1 || ' Elm St' AS address, 'Bath' AS city, 'ME' AS state,
  '04530' AS zip, n + 1 AS number FROM (SELECT SEQ8() AS n FROM RAW_LEADS LIMIT 900))"""


def _score(number):
    return number * 7919 % 1000


def _taken(world, script, limit=5, said=None):
    with Warehouse(world.settings.warehouse) as warehouse:
        emit = (lambda event: said.append(event.message)) if said is not None else (lambda _: None)
        extraction = open_extraction(script, warehouse, limit_rows=limit, emit=emit)
        return [row["address"] for leads in extraction.batches(100) for row in leads.to_dicts()]


def _expected(key, reverse=False, limit=5):
    numbers = sorted(range(1, 901), key=key, reverse=reverse)
    return [f"{n} Elm St" for n in numbers[:limit]]


@pytest.mark.parametrize(
    ("query", "key", "reverse"),
    [
        ("SELECT * FROM SCORED ORDER BY score DESC", _score, True),
        ("SELECT * FROM SCORED ORDER BY SCORE", _score, False),
        ("SELECT s.* FROM SCORED s ORDER BY s.score DESC", _score, True),
        ('SELECT * FROM SCORED ORDER BY "low" DESC', lambda n: n, True),
        ('SELECT {COLUMNS}, score + 1 AS "Rank" FROM SCORED ORDER BY 7 DESC', _score, True),
        ("SELECT {COLUMNS}, score + 1 FROM SCORED ORDER BY score + 1 DESC", _score, True),
        ("SELECT *, -score AS worst FROM SCORED ORDER BY Worst", _score, True),
        ("WITH a AS (SELECT * FROM SCORED) SELECT * FROM a ORDER BY score DESC LIMIT 50", _score, True),
        ("(SELECT * FROM SCORED ORDER BY score DESC)", _score, True),
        (
            "SELECT * FROM SCORED WHERE number < 9 UNION ALL SELECT * FROM SCORED WHERE number > 8 ORDER BY score DESC",
            _score,
            True,
        ),
    ],
)
def test_the_first_rows_of_the_order_are_taken(world, query, key, reverse):
    query = query.replace("{COLUMNS}", '"First Name", "Last Name", "Address", city, state, zip')
    assert _taken(world, f"{_SCORES}; {query}") == _expected(key, reverse)


def test_a_script_that_changes_its_session_keeps_its_order(world):
    script = f"{_SCORES}; USE SCHEMA LEADS_DB.PUBLIC; ALTER SESSION SET WEEK_START = 1; SELECT * FROM SCORED "
    assert _taken(world, script + "ORDER BY score DESC") == _expected(_score, True)


def test_rows_that_are_equal_are_taken_by_identity_in_each_run(world):
    script = f"{_SCORES}; SELECT * FROM SCORED ORDER BY MOD(number, 2), state"
    changed = script.replace("MOD(number, 2)", "zip")
    assert _taken(world, changed) == sorted(f"{n} Elm St" for n in range(1, 901))[:5]


def test_of_duplicates_the_first_of_the_order_stays(world):
    script = "SELECT 'Ann' AS fname, 'Lee' AS lname, '1 Elm St' AS address, 'Bath' AS city, 'ME' AS state, "
    script += "'04530' AS zip, n AS score FROM (SELECT SEQ8() AS n FROM RAW_LEADS LIMIT 9) ORDER BY score DESC"
    with Warehouse(world.settings.warehouse) as warehouse:
        leads = list(open_extraction(script, warehouse).batches(10))
    assert leads[0]["SCORE"].to_list() == ["8"]


def test_an_order_that_cannot_be_read_is_said(world):
    said: list[str] = []
    query = 'SELECT "First Name", "Last Name", "Address", city, state, zip FROM SCORED ORDER BY score DESC'
    assert len(_taken(world, f"{_SCORES}; {query}", said=said)) == 5
    assert any("ORDER BY has a term that is no column" in message for message in said)


@pytest.mark.parametrize(
    ("query", "names", "columns"),
    [
        ("SELECT a, b FROM t ORDER BY 3", ["A", "B"], [None]),
        ("SELECT a AS b, b AS c FROM t ORDER BY b", ["B", "C"], ["B"]),
        ("SELECT a AS b FROM t ORDER BY t.b", ["B"], [None]),
        ("SELECT x.a FROM x JOIN y ORDER BY y.a", ["A"], [None]),
        ("SELECT x.* FROM x JOIN y ORDER BY y.a", ["A"], [None]),
        ('SELECT * FROM t ORDER BY "a", A', ["a", "A"], ["a", "A"]),
        ("SELECT a FROM t", ["A"], []),
        ("SELECT a FROM (SELECT * FROM t ORDER BY a)", ["A"], []),
        ("SELECT DISTINCT a FROM t ORDER BY LOWER(a)", ["A"], [None]),
    ],
)
def test_terms_are_columns_of_the_rows_or_nothing(query, names, columns):
    assert [term.column(names) for term in parse_script(query).order] == columns


@pytest.mark.parametrize(
    ("order", "how"),
    [("a", ""), ("a DESC", " DESC"), ("a NULLS FIRST", " NULLS FIRST"), ("a DESC NULLS LAST", " DESC NULLS LAST")],
)
def test_the_place_of_nulls_is_kept(order, how):
    assert [term.how for term in parse_script(f"SELECT a FROM t ORDER BY {order}").order] == [how]


def test_the_stand_in_takes_no_bound_value_in_a_create(world):
    with Warehouse(world.settings.warehouse) as warehouse, pytest.raises(RefusedError, match="Bind variables"):
        warehouse.execute("CREATE TEMPORARY TABLE T AS SELECT ? AS a", ("x",))

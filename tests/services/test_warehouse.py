"""Merging into Snowflake's tables: all of them or none, one row a key, and rows that may go up ahead."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from leadflow.errors import LeadflowError
from leadflow.services.warehouse import Warehouse, merge

pytestmark = pytest.mark.connector

_INTO = {"FIRST": {"key": "k", "value": "v"}, "SECOND": {"person": "k", "said": "v"}}


@pytest.fixture
def warehouse(world):
    with Warehouse(world.settings.warehouse) as opened:
        opened.execute('CREATE OR REPLACE TABLE FIRST ("key" VARCHAR, "value" VARCHAR)')
        opened.execute('CREATE OR REPLACE TABLE SECOND ("person" VARCHAR, "said" VARCHAR)')
        opened.ensure_tables()
        yield opened


def _frame(**columns):
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _there(warehouse):
    return (
        warehouse.execute('SELECT "key", "value" FROM FIRST ORDER BY "key"'),
        [key for (key,) in warehouse.execute('SELECT "person" FROM SECOND ORDER BY "person"')],
    )


def test_one_row_a_key_the_last_wins_and_empty_is_null(warehouse):
    assert warehouse.merge(_frame(k=["a", "b", "a"], v=["1", "", "3"]), "k", _INTO) == 2
    assert _there(warehouse) == ([("a", "3"), ("b", None)], ["a", "b"])
    warehouse.merge(_frame(k=["b", "c"], v=["2", "4"]), "k", _INTO)
    assert _there(warehouse) == ([("a", "3"), ("b", "2"), ("c", "4")], ["a", "b", "c"])
    assert warehouse.merge(_frame(k=[], v=[]), "k", _INTO) == 0


def test_no_keys_are_nowhere(warehouse):
    assert warehouse.present("FIRST", "key", []) == []
    warehouse.merge(_frame(k=["a", "b"], v=["1", "2"]), "k", _INTO)
    assert warehouse.present("FIRST", "key", ["b", "c"]) == ["b"]
    assert warehouse.present("FIRST", "key", []) == []


def test_tables_are_made_by_many_at_once(world):
    together = threading.Barrier(4)

    def make(_):
        with Warehouse(world.settings.warehouse) as warehouse:
            warehouse.connect()
            together.wait(60)
            warehouse.ensure_tables()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))


def test_both_tables_have_the_rows_or_neither_has(world, warehouse):
    world.fail(
        "snowflake", "sql_error", code=3001, times=100, key='MERGE INTO \\"LEADS_DB\\".\\"PUBLIC\\".\\"SECOND\\"'
    )
    with pytest.raises(LeadflowError):
        warehouse.merge(_frame(k=["a"], v=["1"]), "k", _INTO)
    world.heal()
    assert _there(warehouse) == ([], [])
    warehouse.merge(_frame(k=["a"], v=["1"]), "k", _INTO)
    assert _there(warehouse) == ([("a", "1")], ["a"])


def test_rows_of_many_documents_and_odd_cells(warehouse, monkeypatch):
    monkeypatch.setattr(merge, "_DOCUMENT_BYTES", 1000)
    odd = [
        'it\'s "odd"',
        "back\\slash",
        "new\nline\ttab",
        "é\U0001f680",
        "nul\x00gone",
        "null",
        '{"c0":"x"}',
        "?",
        ":1",
    ]
    values = [odd[n % len(odd)] for n in range(200)]
    keys = [f"k{n:03}" for n in range(200)]
    warehouse.merge(_frame(k=keys, v=values), "k", _INTO)
    assert _there(warehouse) == ([(k, v.replace("\x00", "")) for k, v in zip(keys, values, strict=True)], keys)


def test_rows_sent_ahead_are_not_sent_again_and_other_rows_are(world, warehouse):
    rows = _frame(k=["a", "b"], v=["1", "2"])

    def calls(work):
        before = world.stats()["snowflake"]["calls"]
        work()
        return world.stats()["snowflake"]["calls"] - before

    assert calls(lambda: warehouse.stage(lambda: rows, "k")) == 2  # the table and its rows
    ahead = calls(lambda: warehouse.merge(rows, "k", _INTO))
    assert calls(lambda: warehouse.merge(rows, "k", _INTO)) == ahead + 1  # what was staged is used once
    warehouse.stage(lambda: rows, "k")
    warehouse.merge(_frame(k=["c"], v=["3"]), "k", _INTO)
    assert _there(warehouse) == ([("a", "1"), ("b", "2"), ("c", "3")], ["a", "b", "c"])
    warehouse.stage(lambda: _frame(k=["d"], v=["4"]), "k")
    assert warehouse.present("FIRST", "key", ["a"]) == ["a"]  # a list of keys is uploaded into the same table
    warehouse.merge(_frame(k=["d"], v=["4"]), "k", _INTO)
    assert _there(warehouse)[1] == ["a", "b", "c", "d"]


def test_rows_sent_ahead_wait_for_their_merge_and_other_rows_are_not_even_made(warehouse):
    first, made = _frame(k=["a"], v=["1"]), []

    def later():
        made.append("later")
        return _frame(k=["b"], v=["2"])

    warehouse.stage(lambda: first, "k")
    warehouse.stage(later, "k")
    assert made == []
    warehouse.merge(first, "k", _INTO)
    warehouse.stage(later, "k")
    warehouse.merge(later(), "k", _INTO)
    assert made == ["later", "later"]
    assert _there(warehouse)[1] == ["a", "b"]

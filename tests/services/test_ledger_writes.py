"""The ledger is appended to once, in the transaction of the merges, whatever breaks off."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import polars as pl
import pytest
from outcome import doubles, ledger_rows

from leadflow.compliance.ledger import record
from leadflow.errors import LeadflowError
from leadflow.services.warehouse import Warehouse, merge
from leadflow.stages.ledger_entries import DELIVERED, WITHDRAWN, entries_frame, event_entry

pytestmark = pytest.mark.connector

_AT = datetime(2026, 11, 1, 15, 30, tzinfo=timezone.utc)
_INTO = {"FIRST": {"key": "k", "value": "v"}, "SECOND": {"person": "k", "said": "v"}}
_ROWS = pl.DataFrame({"k": ["a", "b"], "v": ["1", "2"]})
_LEDGER = 'INSERT INTO \\"LEADS_DB\\".\\"PUBLIC\\".\\"SCRUB_LEDGER\\"'


@pytest.fixture
def warehouse(world):
    with Warehouse(world.settings.warehouse) as opened:
        opened.execute('CREATE OR REPLACE TABLE FIRST ("key" VARCHAR, "value" VARCHAR)')
        opened.execute('CREATE OR REPLACE TABLE SECOND ("person" VARCHAR, "said" VARCHAR)')
        opened.ensure_tables()
        yield opened


def _entries(count, job="j1", event=DELIVERED, at=_AT):
    return [event_entry(event, f"k{n}", f"+1504555{n:04}", job, at) for n in range(count)]


def _there(world):
    ids = [row["ENTRY_ID"] for row in ledger_rows(world)]
    assert doubles(ids) == 0
    return set(ids)


def _ids(entries):
    return {entry["ENTRY_ID"] for entry in entries}


def test_entries_are_appended_once_and_never_changed(world, warehouse):
    assert record(warehouse, _entries(3)) == 3
    later = _entries(5, at=_AT + timedelta(days=1))
    assert record(warehouse, later) == 5
    assert _there(world) == _ids(later)
    times = {row["LEAD_KEY"]: row["EVENT_AT"].day for row in ledger_rows(world)}
    assert times == {"k0": 1, "k1": 1, "k2": 1, "k3": 2, "k4": 2}
    assert record(warehouse, []) == 0


@pytest.mark.parametrize("since", [None, _AT, _AT - timedelta(days=9), _AT.astimezone(timezone(timedelta(hours=-8)))])
def test_an_event_that_a_resume_writes_again_later_is_found(world, warehouse, since):
    record(warehouse, _entries(2), since)
    record(warehouse, _entries(2, at=_AT + timedelta(days=40)), since)
    assert len(_there(world)) == 2


def test_only_what_is_not_older_than_the_job_is_read(world, warehouse):
    record(warehouse, _entries(2))
    warehouse.record(entries_frame(_entries(2, at=_AT + timedelta(days=40))), _AT + timedelta(days=1))
    assert len(ledger_rows(world)) == 4  # that the job began later than it did is what the caller must not say


def test_an_entry_is_found_though_the_new_ones_are_younger(world, warehouse):
    record(warehouse, _entries(2))
    both = [*_entries(2), *_entries(2, event=WITHDRAWN, at=_AT + timedelta(days=300))]
    record(warehouse, both)
    assert _there(world) == _ids(both)


def test_many_documents_are_one_transaction(world, warehouse, monkeypatch):
    monkeypatch.setattr(merge, "_DOCUMENT_BYTES", 2_000)
    entries = _entries(200)
    world.fail("snowflake", "sql_error", code=3001, times=1, key=_LEDGER, after=3)
    with pytest.raises(LeadflowError):
        record(warehouse, entries)
    assert _there(world) == set()
    record(warehouse, entries)
    assert _there(world) == _ids(entries)


def test_rows_and_entries_are_there_or_neither_is(world, warehouse):
    entries = _entries(3)
    for key in (_LEDGER, "COMMIT", 'MERGE INTO \\"LEADS_DB\\".\\"PUBLIC\\".\\"SECOND\\"'):
        world.fail("snowflake", "sql_error", code=3001, times=100, key=key)
        with pytest.raises(LeadflowError):
            warehouse.merge(_ROWS, "k", _INTO, entries_frame(entries))
        world.heal()
        assert _there(world) == set()
        assert warehouse.execute("SELECT COUNT(*) FROM FIRST") == [(0,)]
    warehouse.merge(_ROWS, "k", _INTO, entries_frame(entries))
    assert _there(world) == _ids(entries)
    assert warehouse.execute("SELECT COUNT(*) FROM FIRST") == [(2,)]


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("key", ["BEGIN", _LEDGER, "COMMIT"])
def test_a_session_that_ends_in_the_middle_doubles_nothing(world, warehouse, key, applied):
    world.fail("snowflake", "session_ended", key=key, applied=applied)
    entries = _entries(3)
    warehouse.merge(_ROWS, "k", _INTO, entries_frame(entries))
    assert world.stats()["snowflake"]["faults"] == 1
    assert _there(world) == _ids(entries)
    assert warehouse.execute("SELECT COUNT(*) FROM SECOND") == [(2,)]


def test_a_merge_without_entries_is_as_before_and_one_with_them_is_one_statement_more(world, warehouse):
    def calls(*entries):
        before = world.stats()["snowflake"]["calls"]
        warehouse.merge(_ROWS, "k", _INTO, *entries)
        return world.stats()["snowflake"]["calls"] - before

    calls()
    without = calls()
    assert calls(entries_frame([])) == without
    assert calls(entries_frame(_entries(300))) == without + 1


def test_many_write_at_once(world, warehouse):
    together = threading.Barrier(4)

    def write(n):
        with Warehouse(world.settings.warehouse) as own:
            own.connect()
            together.wait(60)
            record(own, _entries(50, job=f"j{n}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(_there(world)) == 200


def test_values_are_bound(world, warehouse, logged):
    record(warehouse, _entries(1))
    assert not [text for _, text in logged.records if "+15045550000" in text or "5045550000" in text]

"""Any order and repetition of the same requests leaves the same table, whoever says them."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opt_outs import query, suppressions

from leadflow.leads.suppressions import Suppression, with_id
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.suppressions import read_suppressions, write_suppressions

_AT = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
_REQUESTS = st.builds(
    lambda subject, scope, expires: with_id(Suppression("", *subject, "asked", "call", "ann", _AT, scope, expires)),
    st.sampled_from([("+15045550143", ""), ("+15045550144", ""), ("", "k1"), ("", "k'2")]),
    st.sampled_from(["all", "solar"]),
    st.sampled_from([None, date(2040, 1, 1), date(2041, 1, 1)]),
)


@pytest.fixture
def warehouse(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.ensure_tables("suppressions")
        yield warehouse


@given(st.lists(st.lists(_REQUESTS, min_size=1, max_size=4), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_and_repetition_leaves_the_same_table(world, warehouse, calls):
    tables = []
    for order in (calls, calls[::-1], [*calls, *calls]):
        warehouse.execute("DELETE FROM SUPPRESSIONS")
        for call in order:
            write_suppressions(warehouse, call)
        tables.append(suppressions(world))
    assert tables[0] == tables[1] == tables[2]
    assert len(tables[0]) == len({entry.subject for call in calls for entry in call})


def test_the_first_time_and_author_stay(world, warehouse):
    first = with_id(Suppression("", "+15045550143", "", "asked", "call", "ann", _AT))
    later = with_id(
        Suppression("", "+15045550143", "", "again", "sheet", "bob", datetime(2026, 11, 9, tzinfo=timezone.utc))
    )
    write_suppressions(warehouse, [first])
    assert write_suppressions(warehouse, [later]) == [first]
    assert list(read_suppressions(warehouse)) == [first]


def test_an_entry_that_has_expired_is_kept_and_a_new_one_begins(world, warehouse):
    query(
        world,
        "INSERT INTO SUPPRESSIONS VALUES ('old', '+15045550143', NULL, 'long ago', 'call', 'zoe', "
        "'2010-01-01 00:00:00', 'all', '2020-01-01')",
    )
    again = with_id(Suppression("", "+15045550143", "", "asked", "call", "ann", _AT))
    for _ in range(2):
        write_suppressions(warehouse, [again])
    found = {entry.reason: entry for entry in read_suppressions(warehouse)}
    assert set(found) == {"long ago", "asked"}
    assert found["asked"].added_at == _AT
    assert found["asked"].id not in ("old", again.id)


def test_entries_since_a_time_are_read(warehouse):
    entries = [
        with_id(Suppression("", "", f"k{day}", "asked", "call", "ann", datetime(2026, 11, day, tzinfo=timezone.utc)))
        for day in (1, 5, 9)
    ]
    write_suppressions(warehouse, entries)
    since = datetime(2026, 11, 5, tzinfo=timezone.utc)
    assert {entry.lead_key for entry in read_suppressions(warehouse, since)} == {"k5", "k9"}


def test_a_thousand_entries_are_one_upload(warehouse):
    entries = [with_id(Suppression("", "", f"k{n}", "asked", "call", "ann", _AT)) for n in range(1_000)]
    assert len(write_suppressions(warehouse, entries)) == 1_000
    assert len(write_suppressions(warehouse, entries[::-1])) == 1_000
    assert len(list(read_suppressions(warehouse))) == 1_000

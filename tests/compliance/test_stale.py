"""Rows that run out: listed soonest first, without phones, and fail closed where no date is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from outcome import SCRIPT, doubles, sheet_rows
from privacy import forbidden_words, words_in

import leadflow as lf
from leadflow.errors import InputError
from leadflow.services.warehouse import Warehouse


def _today():
    return datetime.now(timezone.utc).date()


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


@pytest.fixture
def job(engine):
    return engine.run(SCRIPT, limit_rows=40, progress=False)


def _change(world, statement, *values):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        warehouse.execute(statement, values)


def _set(world, key, until):
    until = f"DATE '{until}'" if until else "NULL"
    _change(world, f'UPDATE UNIQUE_CONSOLIDATED_DATA SET "Callable Until" = {until} WHERE "Lead Key" = ?', key)


def test_the_table_the_sheet_and_the_history_say_the_same_date(world, engine, job):
    rows = {row["Lead Key"]: date.fromisoformat(row["Callable Until"]) for row in sheet_rows(world)}
    found = lf.stale(days=31)
    assert dict(zip(found["lead_key"], found["callable_until"], strict=True)) == rows
    assert set(found["days_left"]) == {31}
    assert set(found["job_id"]) == {job.id}
    assert set(found["worksheet"]) == {world.settings.sheets.worksheet}
    assert set(found["spreadsheet_id"]) == {world.settings.sheets.spreadsheet_id}
    assert engine.history.running_out(_today() + timedelta(days=31)) == {_today() + timedelta(days=31): len(rows)}
    assert not words_in(found.to_csv(), forbidden_words())
    assert lf.stale().empty
    assert list(lf.stale().columns) == list(found.columns)


def test_soonest_first_and_within_the_days_asked_for(world, engine, job):
    keys = [row["Lead Key"] for row in sheet_rows(world)][:4]
    for key, days in zip(keys, (-3, 0, 5, 8), strict=True):
        _set(world, key, _today() + timedelta(days=days))
    found = engine.stale()
    assert found["lead_key"].tolist() == keys[:3]
    assert found["days_left"].tolist() == [-3, 0, 5]
    assert engine.stale(0)["days_left"].tolist() == [-3, 0]
    assert engine.stale(8)["days_left"].tolist() == [-3, 0, 5, 8]


def test_rows_of_an_earlier_version_count_from_their_delivery(world, engine, job):
    key, other, third = [row["Lead Key"] for row in sheet_rows(world)][:3]
    for one in (key, other, third):
        _set(world, one, None)
    at = datetime.now(timezone.utc) - timedelta(days=28)
    _change(
        world,
        """UPDATE UNIQUE_CONSOLIDATED_DATA SET "Processed At" = TO_TIMESTAMP_NTZ(?, 'YYYY-MM-DD HH24:MI:SS')
        WHERE "Lead Key" = ?""",
        f"{at:%Y-%m-%d} 23:59:59",
        key,
    )
    _change(world, 'UPDATE UNIQUE_CONSOLIDATED_DATA SET "Processed At" = NULL WHERE "Lead Key" = ?', third)
    assert engine.stale(2)["lead_key"].tolist() == [third]
    found = engine.stale(3)
    assert found["lead_key"].tolist() == [third, key]
    assert found["days_left"].tolist()[1] == 3
    assert other in engine.stale(31)["lead_key"].tolist()


def test_a_table_that_no_run_of_this_version_has_seen(world, engine, job):
    _change(world, 'ALTER TABLE UNIQUE_CONSOLIDATED_DATA DROP COLUMN "Callable Until"')
    assert len(engine.stale(31)) == job.counts.delivered
    assert engine.stale(30).empty


def test_withdrawn_and_held_rows_are_not_listed(world, engine, job):
    gone = sheet_rows(world)[0]["Lead Key"]
    _set(world, gone, _today())
    assert engine.stale()["lead_key"].tolist() == [gone]
    _change(world, """UPDATE UNIQUE_CONSOLIDATED_DATA SET "Disposition" = 'withdrawn' WHERE "Lead Key" = ?""", gone)
    assert engine.stale().empty
    assert len(engine.stale(31)) == job.counts.delivered - 1


def test_a_job_that_this_history_does_not_have(world, engine, job, tmp_path):
    with lf.Engine(world.settings.model_copy(update={"home": tmp_path})) as other:
        found = other.stale(31)
    assert len(found) == job.counts.delivered
    assert found["worksheet"].isna().all()


@pytest.mark.parametrize("days", [None, "7", 7.5, True, float("nan"), 10**12, [7]])
def test_days_that_are_no_number_of_days(engine, days):
    with pytest.raises(InputError, match="whole number"):
        engine.stale(days)


# The history, which the panel asks.


def test_the_last_delivery_renewal_or_withdrawal_of_each_lead_counts(engine):
    history, day = engine.history, _today()
    history.record_leads("j1", 1, [(k, "delivered", "") for k in "abcd"], dict.fromkeys("abc", day))
    assert history.running_out(day) == {day: 3}
    assert history.running_out(day + timedelta(days=31)) == {day: 3, day + timedelta(days=31): 1}
    history.record_leads("j2", None, [("a", "renewed", "")], {"a": day + timedelta(days=5)})
    history.record_leads("j2", None, [("b", "withdrawn", "dnc")])
    history.record_leads("j3", None, [("c", "retry", "in_other_job"), ("e", "held", "no_phone")])
    assert history.running_out(day + timedelta(days=9)) == {day: 1, day + timedelta(days=5): 1}
    history.record_leads("j4", None, [("b", "delivered", "")], {"b": day})
    assert history.running_out(day) == {day: 2}


def test_a_resume_counts_each_row_once(world):
    settings = world.settings.model_copy(update={"batch_size": 10})
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=40, max_lookups=20, progress=False)
        engine.resume(job.id, max_lookups=40, progress=False)
        keys = [row["Lead Key"] for row in sheet_rows(world)]
        assert doubles(keys) == 0
        assert sum(engine.history.running_out(_today() + timedelta(days=31)).values()) == len(keys)

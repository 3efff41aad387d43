"""policy.retry_after_days: a held lead is taken up again after so many days, and pays for nothing twice."""

from __future__ import annotations

import json

import polars as pl
import pytest
from outcome import SCRIPT, observe, sheet_rows, table_keys

import leadflow as lf
from leadflow.errors import SettingsError
from leadflow.services.warehouse import Warehouse
from leadflow.settings import Policy
from leadflow.stages import filter_unprocessed

_ALL = {"all_suppressed": 30, "no_match": 30, "no_phone": 30}


def _engine(world, days=None, **policy):
    return lf.Engine(
        world.settings.model_copy(
            update={"policy": {"retry_after_days": days or {}, "reuse_scrubs_hours": 0, **policy}}
        )
    )


def _sql(world, text):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        return warehouse.execute(text)


def _held(world):
    """The keys of held leads, by reason."""
    found = {}
    rows = _sql(world, 'SELECT "Lead Key", "Reason" FROM UNIQUE_CONSOLIDATED_DATA WHERE "Disposition" = \'held\'')
    for key, reason in rows:
        found.setdefault(reason, set()).add(key)
    return found


def _age(world, days):
    _sql(world, f'UPDATE PERSON_CACHE SET "checked_at" = DATEADD(day, -{days}, "checked_at")')


@pytest.fixture
def first(world):
    """A job whose held leads are 40 days old; another home, so that the checkpoints have no answers."""
    with _engine(world) as engine:
        engine.run(SCRIPT, limit_rows=150, progress=False)
    held = _held(world)
    assert set(_ALL) <= held.keys()
    _age(world, 40)
    world._homes += 1
    world.settings = world._make_settings()
    return held


def _bought(world):
    return dict(world.stats()["idicore"]["bought"])


def test_by_default_a_held_lead_never_comes_back(world, first):
    with _engine(world) as engine:
        job = engine.run(SCRIPT, limit_rows=150, progress=False)
        assert not (set(engine.checkpoints.keys(job.id)) & set().union(*first.values()))


def test_held_leads_come_back_and_suppressed_phones_are_not_bought_again(world, first):
    before = _bought(world)
    with _engine(world, _ALL) as engine:
        estimate = engine.estimate(SCRIPT, limit_rows=150)
        job = engine.run(SCRIPT, limit_rows=150, progress=False)
        again = set(engine.checkpoints.keys(job.id))
        assert set().union(*(first[reason] for reason in _ALL)) <= again
        assert not again & first.get("litigator", set())
        after = _bought(world)
        for reason in ("no_match", "no_phone"):
            assert {after[key] - before[key] for key in first[reason]} == {2 - 1}
        assert {after[key] - before[key] for key in first["all_suppressed"]} == {0}
        assert job.counts.bought == sum(after.values()) - sum(before.values())
        assert job.counts.reused == len(first["all_suppressed"])
        assert (estimate.lookups, estimate.reused) == (job.counts.bought, job.counts.reused)
        assert any("taken up again" in note for note in estimate.notes)
        assert engine.trace(job.id)["message"].str.contains("are taken up again: .*all_suppressed").any()
        assert bool(engine.report(job.id).validation["ok"].all())
    for table, column in (("PERSON_CACHE", "person_key"), ("UNIQUE_CONSOLIDATED_DATA", "Lead Key")):
        keys = table_keys(world, table, column)
        assert len(keys) == len(set(keys))


def test_a_lead_whose_phones_are_clean_now_is_delivered(world, first):
    """The list cleared: with a project that checks nothing but litigators, no phone is on a do-not-call list."""
    world.configure(dnc_project="litigator_only")
    with _engine(world, {"all_suppressed": 30}) as engine:
        job = engine.run(SCRIPT, limit_rows=40, progress=False)
        assert job.counts.reused >= 1
        delivered = set(engine.checkpoints.keys(job.id, "delivered")) & first["all_suppressed"]
        assert delivered
        shown = {row["Lead Key"]: row for row in sheet_rows(world)}
        for key in delivered:
            (phones,) = _sql(world, f'SELECT "phones" FROM PERSON_CACHE WHERE "person_key" = \'{key}\'')[0]
            assert shown[key]["Phone 1"] in json.loads(phones)
    # and it never comes back
    _age(world, 400)
    with _engine(world, _ALL) as engine:
        later = engine.run(SCRIPT, limit_rows=150, progress=False)
        assert not delivered & set(engine.checkpoints.keys(later.id))


def test_a_lead_that_is_not_old_enough_stays_processed(world, first):
    with _engine(world, {"all_suppressed": 41, "no_match": 39}) as engine:
        job = engine.run(SCRIPT, limit_rows=150, progress=False)
        again = set(engine.checkpoints.keys(job.id))
    assert first["no_match"] <= again
    assert not first["all_suppressed"] & again
    assert not first["no_phone"] & again


def test_the_answers_of_an_earlier_job_on_disk_are_not_taken_for_a_new_lookup(world):
    """In the same home the checkpoints still have the old answers: no_match is bought again all the same."""
    with _engine(world) as engine:
        engine.run(SCRIPT, limit_rows=100, progress=False)
        held = _held(world)
        _age(world, 2)
        with engine.checkpoints.transaction() as db:
            db.execute("UPDATE answers SET saved_at = saved_at - 200000")
    before = _bought(world)
    with _engine(world, {"no_match": 1, "all_suppressed": 1}) as engine:
        estimate = engine.estimate(SCRIPT, limit_rows=30)
        job = engine.run(SCRIPT, limit_rows=30, progress=False)
        taken = set(engine.checkpoints.keys(job.id))
        assert estimate.lookups == job.counts.bought
    after = _bought(world)
    assert {after[key] - before[key] for key in held["no_match"] & taken} == {1}
    assert {after[key] - before[key] for key in held["all_suppressed"] & taken} == {0}


def test_phones_of_another_format_are_not_bought_again_and_the_job_says_so(world, first):
    _sql(world, "UPDATE PERSON_CACHE SET \"phones\" = '504-555-0143; 504-555-0144' WHERE \"status\" = 'found'")
    before = _bought(world)
    with _engine(world, {"all_suppressed": 30}) as engine:
        job = engine.run(SCRIPT, limit_rows=150, progress=False)
        assert not first["all_suppressed"] & set(engine.checkpoints.keys(job.id))
        told = engine.trace(job.id)["message"]
        assert told.str.contains(f"{len(first['all_suppressed'])} leads that were held as all_suppressed").any()
    after = _bought(world)
    assert {after[key] - before[key] for key in first["all_suppressed"]} == {0}


def test_a_row_of_an_older_system_without_a_reason_stays_processed(world, first):
    key = min(first["no_match"])
    _sql(world, f"DELETE FROM UNIQUE_CONSOLIDATED_DATA WHERE \"Lead Key\" = '{key}'")
    with _engine(world, _ALL) as engine:
        job = engine.run(SCRIPT, limit_rows=150, progress=False)
        assert key not in engine.checkpoints.keys(job.id)


def test_a_lead_that_the_ledger_knows_as_withdrawn_never_comes_back(world, first):
    key = min(first["all_suppressed"])
    _sql(world, f"INSERT INTO SCRUB_LEDGER (\"ENTRY_ID\", \"EVENT\", \"LEAD_KEY\") VALUES ('x', 'withdrawn', '{key}')")
    with _engine(world, _ALL) as engine:
        job = engine.run(SCRIPT, limit_rows=150, progress=False)
        assert key not in engine.checkpoints.keys(job.id)


def test_a_person_under_another_spelling_keeps_the_first_key(world, first):
    key = min(first["no_match"])
    script = f"""SELECT "First Name", UPPER("Last Name") AS "Last Name", "Address" || '.' AS "Address", "City", "State",
        "Zip" FROM ({SCRIPT}) WHERE MD5(LOWER(TRIM("First Name")) || '|' || LOWER(TRIM("Last Name")) || '|' ||
        LOWER(TRIM("Address")) || '|' || LOWER(TRIM("City")) || '|' || LOWER(TRIM("State")) || '|' ||
        LOWER(TRIM("Zip"))) = '{key}'"""
    with _engine(world, _ALL) as engine:
        job = engine.run(script, progress=False)
        assert engine.checkpoints.keys(job.id) == [key]
    assert table_keys(world, "PERSON_CACHE", "person_key").count(key) == 1


def test_the_stage_alone_agrees(world, first):
    columns = ("first_name", "last_name", "address", "city", "state", "zip_code")
    picked = ", ".join(f'"{name}"' for name in columns)
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        rows = warehouse.execute(f'SELECT "person_key", {picked} FROM PERSON_CACHE')
        names = ["person_key", "First Name", "Last Name", "Address", "City", "State", "Zip"]
        frame = pl.DataFrame(rows, names, orient="row")
        assert filter_unprocessed(frame, warehouse).is_empty()
        kept = filter_unprocessed(frame, warehouse, policy=Policy(retry_after_days={"no_match": 30}))
        assert set(kept["person_key"]) == first["no_match"]


@pytest.mark.parametrize("after", [1, 40, 100])
def test_stopped_and_resumed_it_pays_for_nothing_twice(world, first, after):
    before = _bought(world)
    with _engine(world, _ALL) as engine:
        stopped = engine.run(SCRIPT, limit_rows=150, max_lookups=after, progress=False)
        job = engine.resume(stopped.id, max_lookups=1_000, progress=False)
        assert job.ok
        assert observe(world, engine, job.id, in_flight=1_000).clean
        assert bool(engine.report(job.id).validation["ok"].all())
    bought = {key: n - before.get(key, 0) for key, n in _bought(world).items()}
    assert {bought[key] for key in first["all_suppressed"]} == {0}
    assert max(bought.values()) == 1


@pytest.mark.parametrize(
    "days",
    [{"litigator": 5}, {"no_match": 0}, {"no_match": -1}, {"no_match": True}, {"no_match": "soon"}, 5, ["no_match"],
     {"no_match": float("nan")}, {"no_match": 1e9}],
)  # fmt: skip
def test_other_reasons_and_other_days_are_refused(days):
    with pytest.raises(SettingsError, match="retry_after_days"):
        Policy(retry_after_days=days)


def test_the_setting_as_json_in_the_environment(world, monkeypatch):
    for name, value in world.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LEADFLOW_POLICY__RETRY_AFTER_DAYS", '{"all_suppressed": 90}')
    assert lf.Settings(_env_file=None).policy.retry_after_days == {"all_suppressed": 90.0}
    monkeypatch.setenv("LEADFLOW_POLICY__RETRY_AFTER_DAYS", '{"litigator": 90}')
    with pytest.raises(SettingsError, match="RETRY_AFTER_DAYS"):
        lf.Settings(_env_file=None)

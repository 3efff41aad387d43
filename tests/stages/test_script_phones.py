"""The phones of a script's own columns, checked and delivered where the policy has it so."""

from __future__ import annotations

import json

import pytest
from outcome import sheet_rows, table_keys
from phone_writings import (
    CLEAN,
    DNC,
    LITIGATOR,
    sheet_shows,
)

import leadflow as lf
from leadflow.local.people import dnc_code, is_litigator


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def _checking(world, **more):
    return world.settings.model_copy(
        update={"policy": world.settings.policy.model_copy(update={"script_phones": "check", **more})}
    )


def _own_phones(world):
    return [row[f"Phone {n}"] for row in sheet_rows(world) for n in range(1, 8) if row.get(f"Phone {n}")]


def test_with_check_a_script_s_phones_are_checked_and_delivered_behind_the_bought_ones(world):
    own = next(
        f"70255501{n:02d}"
        for n in range(100)
        if dnc_code(f"70255501{n:02d}") == "C" and not is_litigator(f"70255501{n:02d}")
    )
    listed = next(
        f"70255501{n:02d}"
        for n in range(100)
        if dnc_code(f"70255501{n:02d}") == "D" and not is_litigator(f"70255501{n:02d}")
    )
    script = f"SELECT r.*, 'ask at 702-555-{own[-4:]}, not at {listed}' AS NOTES, '{own}' AS MOBILE FROM RAW_LEADS r"
    with lf.Engine(_checking(world, phones_delivered=8)) as engine:
        job = engine.run(script, limit_rows=40, progress=False)
        assert job.ok
        assert engine.report(job.id).ok
        told = engine.trace(job.id)["message"]
    rows = sheet_rows(world)
    assert rows
    for row in rows:
        phones = [row[f"Phone {n}"] for n in range(1, 9) if row[f"Phone {n}"]]
        assert phones[-1] == f"+1{own}"
        assert row[f"Phone {len(phones)} Verdict"] == "clean"
        assert "dnc" in row["Held Phones"]
        assert row.get("NOTES", "") == row.get("MOBILE", "") == ""
    assert not sheet_shows(world, listed)
    # A lead of which idiCORE knows nothing, or no phone, has the script's.
    assert {"no_match", "no_phone"} & set(job.counts.held) == set()
    assert told.str.contains("of column NOTES are kept .* are checked, and delivered").any()
    assert not told.str.contains("script_phones=check").any()


def test_with_check_a_litigator_s_phone_of_the_script_holds_the_lead(world):
    with lf.Engine(_checking(world)) as engine:
        job = engine.run(f"SELECT r.*, '{LITIGATOR}' AS MOBILE FROM RAW_LEADS r", limit_rows=20, progress=False)
    assert job.counts.delivered == 0
    assert job.counts.held.get("litigator", 0) >= 18
    assert not sheet_shows(world, LITIGATOR)


def test_with_check_a_column_that_holds_no_phones_is_not_read_for_any(world):
    with lf.Engine(_checking(world, not_phones=("ACCOUNT",))) as engine:
        engine.run(f"SELECT r.*, '{LITIGATOR}' AS ACCOUNT FROM RAW_LEADS r", limit_rows=20, progress=False)
    assert {row["ACCOUNT"] for row in sheet_rows(world)} == {LITIGATOR}
    assert f"+1{LITIGATOR}" not in _own_phones(world)


def test_forget_takes_the_checks_of_a_script_s_phones_too(world):
    with lf.Engine(_checking(world)) as engine:
        job = engine.run(f"SELECT r.*, '{CLEAN}' AS MOBILE FROM RAW_LEADS r", limit_rows=5, progress=False)
        assert engine.checkpoints.scrubs([f"+1{CLEAN}"], "dnc")
        engine.forget(engine.checkpoints.keys(job.id)[0])
        assert not engine.checkpoints.scrubs([f"+1{CLEAN}"], "dnc")


def test_the_tables_keep_the_script_s_columns_whole(world, engine):
    engine.run(f"SELECT r.*, 'call {DNC}' AS NOTES FROM RAW_LEADS r", limit_rows=10, progress=False)
    assert {json.loads(extra)["NOTES"] for extra in table_keys(world, "UNIQUE_CONSOLIDATED_DATA", "Extra")} == {
        f"call {DNC}"
    }

"""Only phones that both checks cleared reach the callers, also when a cleared phone is flagged later."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pandas as pd
import pytest
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.errors import InputError, JobFailedError
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.stages import check_dnc, check_litigators, deliver

_DNC, _CLEAN = "3055550116", "2125550105"
_WHO = {"First Name": "Ann", "Last Name": "Lee", "Address": "1 Elm St", "City": "Bath", "State": "NH", "Zip": "03740"}


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def _shown(world):
    """All the cells of the sheet but the key."""
    return [value for row in sheet_rows(world) for name, value in row.items() if name != "Lead Key"]


def test_a_frame_s_own_phone_columns_never_stand_beside_another_phone_s_verdict(world):
    frame = pd.DataFrame([{**_WHO, "Phone 1": _DNC, "Phone 2": _CLEAN, "Job Id": "mine"}])
    litigators, dnc = LitigatorList(world.settings.litigator), DncScrub(world.settings.dnc)
    done = deliver(check_dnc(check_litigators(frame, litigators), dnc), Sheet(world.settings.sheets), job_id="theirs")
    assert done["delivered"].tolist() == [True]
    (row,) = sheet_rows(world)
    assert (row["Phone 1"], row["Phone 1 Verdict"], row["Phone 2"]) == (f"+1{_CLEAN}", "clean", "")
    assert (row["Job Id"], row["Script Job Id"]) == ("theirs", "mine")
    assert not [cell for cell in _shown(world) if _DNC in cell]


def test_phones_that_a_script_brings_along_are_kept_from_the_sheet_and_the_job_says_so(world, engine):
    job = engine.run(
        f"SELECT r.*, '{_DNC}' AS \"Phone\", '{_DNC}' AS CELL, 'x' AS \"Excellent\" FROM RAW_LEADS r",
        limit_rows=20,
        progress=False,
    )
    assert sheet_rows(world)
    assert not [cell for cell in _shown(world) if cell == _DNC]
    assert {row["Excellent"] for row in sheet_rows(world)} == {"x"}
    told = engine.trace(job.id)["message"]
    for name in ("Phone", "CELL"):
        assert told.str.startswith(f"20 cells of column {name} are kept from the sheet").sum() == 1


def test_what_waits_for_the_rows_is_called_before_they_are_sent(world):
    frame = pd.DataFrame([{**_WHO, "Phone 1": _CLEAN}])
    litigators, dnc = LitigatorList(world.settings.litigator), DncScrub(world.settings.dnc)
    there = []
    for _ in range(2):
        checked = check_dnc(check_litigators(frame, litigators), dnc)
        deliver(checked, Sheet(world.settings.sheets), when_ready=lambda: there.append(len(world.sheet_values())))
    assert there == [0, 2]


def _broken_off_after_the_append(world, engine, leads=20):
    """A job whose rows are in the sheet and whose tables were never merged."""
    merge = Warehouse.merge

    def refuses(self, *args, **more):
        raise lf.errors.RefusedError("no permission to merge")

    Warehouse.merge = refuses
    try:
        with pytest.raises(JobFailedError, match="no permission"):
            engine.run(SCRIPT, limit_rows=leads, progress=False)
    finally:
        Warehouse.merge = merge
    return lf.jobs()["id"].iloc[0]


def test_a_row_whose_phones_may_not_be_called_any_more_is_taken_out_on_resume(world, engine):
    job_id = _broken_off_after_the_append(world, engine)
    before = sheet_rows(world)
    assert before
    dnc = world.settings.dnc.model_copy(update={"codes": {"W": "dnc", "Y": "dnc"}})
    with lf.Engine(world.settings.model_copy(update={"dnc": dnc})) as later:
        job = later.resume(job_id, progress=False)
        assert job.ok
        assert later.report(job_id).ok
        assert later.trace(job_id)["message"].str.contains("rows of an earlier run").any()
    rows = sheet_rows(world)
    assert len(rows) == job.counts.delivered < len(before)
    assert not [row for row in rows for n in (1, 2, 3) if row[f"Phone {n} Verdict"] == "clean_wireless"]


def test_a_check_is_not_used_again_once_codes_mean_something_else(world, engine):
    _broken_off_after_the_append(world, engine)
    asked = world.stats()["dnc"]["calls"]
    job_id = lf.jobs()["id"].iloc[0]
    dnc = world.settings.dnc.model_copy(update={"codes": {"W": "hold"}})
    with lf.Engine(world.settings.model_copy(update={"dnc": dnc})) as later:
        assert later.resume(job_id, progress=False).ok
    assert world.stats()["dnc"]["calls"] > asked


def test_scrubbed_at_is_when_the_phones_were_checked(world, engine):
    job_id = _broken_off_after_the_append(world, engine)
    world.edit_sheet(lambda rows: rows[:1])
    earlier = datetime.now(timezone.utc) - timedelta(hours=20)
    with engine.checkpoints.transaction() as db:
        for phone, kind, payload in db.execute("SELECT phone, kind, payload FROM scrubs").fetchall():
            aged = json.dumps({**json.loads(payload), "checked_at": earlier.isoformat()})
            db.execute("UPDATE scrubs SET payload = ? WHERE phone = ? AND kind = ?", (aged, phone, kind))
    assert engine.resume(job_id, progress=False).ok
    assert {row["Scrubbed At"] for row in sheet_rows(world)} == {f"{earlier:%Y-%m-%d %H:%M} UTC"}


def test_a_key_column_called_like_a_column_of_the_script_keeps_its_keys(world):
    sheets = world.settings.sheets.model_copy(update={"key_column": "Ref ID"})
    with lf.Engine(world.settings.model_copy(update={"sheets": sheets})) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        assert engine.report(job.id).ok
    assert "Script Ref ID" in world.sheet_values()[0]
    assert {len(row["Ref ID"]) for row in sheet_rows(world)} == {32}


def test_a_resume_with_another_sheet_is_refused(world, engine):
    stopped = engine.run(SCRIPT, limit_rows=30, max_lookups=10, progress=False)
    sheets = world.settings.sheets.model_copy(update={"worksheet": "another"})
    with (
        lf.Engine(world.settings.model_copy(update={"sheets": sheets})) as other,
        pytest.raises(InputError, match="began with another worksheet"),
    ):
        other.resume(stopped.id)
    assert engine.resume(stopped.id, progress=False).ok


def test_a_person_forgotten_before_their_turn_is_accounted_for(world, engine):
    stopped = engine.run(SCRIPT, limit_rows=30, max_lookups=10, progress=False)
    key = engine.checkpoints.keys(stopped.id)[-1]
    assert engine.forget(key) == 1
    job = engine.resume(stopped.id, progress=False)
    assert job.ok
    assert job.counts.balanced
    assert job.counts.held["forgotten"] == 1
    assert key not in world.stats()["idicore"]["bought"]
    assert engine.report(job.id).ok, engine.report(job.id).validation
    assert observe(world, engine, job.id).clean

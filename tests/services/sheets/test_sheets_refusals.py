"""A sheet that may not be written, is full or is not there is said before money is spent, or loses nothing."""

from __future__ import annotations

import time

import pytest
from outcome import SCRIPT, observe
from sheet_rows import NAMES

import leadflow as lf
from leadflow.errors import DeliveryError, JobFailedError, RefusedError
from leadflow.services.sheets import Sheet

_ALL = "consolidated_data"


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        yield engine


def test_a_wrong_id_no_permission_and_a_protected_tab_say_so(world):
    settings = world.settings.sheets
    with pytest.raises(RefusedError, match="SPREADSHEET_ID"):
        Sheet(settings.model_copy(update={"spreadsheet_id": "no-such-sheet"})).connect()
    Sheet(settings).prepare(NAMES)
    world.fail("sheets", "403", on="write", times=1)
    with pytest.raises(RefusedError, match="no permission"):
        Sheet(settings).prepare(NAMES)


def test_a_full_spreadsheet_is_said_before(world, sheet):
    sheet.tab.resize(rows=300_000, cols=33)
    with pytest.raises(DeliveryError, match="cells in use"):
        sheet.raise_if_full(5_000)
    sheet.raise_if_full(100)


def _fails_before_a_lookup_then_resumes(world, engine, match, mended):
    before = world.sheet_values()
    with pytest.raises(JobFailedError, match=match):
        engine.run(SCRIPT, limit_rows=20, progress=False)
    assert world.stats()["idicore"]["calls"] == 0
    assert world.sheet_values() == before
    mended()
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize(
    ("used", "part"),
    [(used, part) for used in (False, True) for part in (_ALL, f"{_ALL}!A2:A", f"{_ALL}!A:A", f"{_ALL}!A1:ZZ1000")]
    + [(False, f"{_ALL}!A1:A1"), (False, f"{_ALL}!D1:F1")],
)
def test_a_protected_part_fails_a_job_before_its_first_lookup(world, engine, used, part):
    if used:
        engine.run(f'{SCRIPT} ORDER BY "Lead Number"', limit_rows=20, progress=False)
    bought = world.stats()["idicore"]["calls"]
    world.protect_sheet(part)
    with pytest.raises(JobFailedError, match="unprotect it for the service account"):
        engine.run(SCRIPT, limit_rows=20, progress=False)
    assert world.stats()["idicore"]["calls"] == bought
    world.protect_sheet()
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert observe(world, engine, job.id).clean


def test_what_is_protected_beside_the_leads_stops_nobody(world, engine):
    engine.run(SCRIPT, limit_rows=20, progress=False)
    rows = world.sheet_values()
    world.protect_sheet(f"{_ALL}!A2:A5", f"{_ALL}!AZ:AZ")
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert job.ok
    assert len(world.sheet_values()) > len(rows)


@pytest.mark.parametrize(("role", "match"), [("reader", "as an editor"), ("none", "no permission")])
def test_a_sheet_that_is_not_shared_as_editor_fails_a_job_before_its_first_lookup(world, engine, role, match):
    world.share_sheet(role)
    _fails_before_a_lookup_then_resumes(world, engine, match, lambda: world.share_sheet("writer"))


@pytest.mark.parametrize(
    ("take", "give"),
    [
        (lambda w: w.protect_sheet(_ALL), lambda w: w.protect_sheet()),
        (lambda w: w.share_sheet("reader"), lambda w: w.share_sheet("writer")),
    ],
)
def test_a_tab_closed_in_mid_job_fails_it_and_loses_nothing(world, engine, take, give):
    world.configure(latency={"idicore": 0.1})
    handle = engine.submit(SCRIPT, limit_rows=120)
    deadline = time.monotonic() + 60
    while len(world.sheet_values()) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    take(world)
    with pytest.raises(JobFailedError, match="then resume"):
        handle.result(120)
    assert str(handle.status) == "FAILED"
    world.configure(latency={"idicore": 0.0})
    give(world)
    job = engine.resume(handle.id, progress=False)
    assert job.ok
    assert job.counts.balanced
    assert observe(world, engine, job.id).clean
    assert engine.report(job.id).ok

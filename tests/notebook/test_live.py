"""The live view: how far a job is, in what colors, and that panel and watch show the same."""

from __future__ import annotations

import re
import time

import pytest
from waiting import until as _until

import leadflow as lf
from leadflow.job import Progress
from leadflow.notebook.live import Pace, Snapshot, to_html, to_text
from leadflow.notebook.watch import Watch

_STAGES = {"Lookup": 60, "Litigators": 40, "DNC": 40, "Sheet": 0, "Cache": 0}


def _html(status, progress):
    return to_html(Snapshot("j", status, progress), Pace())


def test_the_bar_moves_with_lookups_and_checks_before_any_lead_is_settled():
    at = [Progress(0, 200, {**_STAGES, "Lookup": leads}).percent for leads in (0, 20, 60, 100, 200)]
    assert at == sorted(set(at))
    assert Progress(0, 200, dict.fromkeys(_STAGES, 0)).percent == 0
    assert Progress(0, 200, dict.fromkeys(_STAGES, 199)).percent == 99
    assert Progress(200, 200, dict.fromkeys(_STAGES, 200)).percent == 100
    assert Progress(0, 0).percent == 100
    assert Progress().percent == 0
    assert Progress(25, 60).percent == 41


def test_a_completed_job_is_at_100_with_its_retry_part_in_amber():
    progress = Progress(50, 300, dict.fromkeys(_STAGES, 300), {"retry": 240}).completed()
    assert progress.percent == 100
    shown = _html("COMPLETED", progress)
    widths = re.findall(r'<div class="(lf-fill[^"]*)" style="width:([\d.]+)%">', shown)[:2]
    assert widths == [("lf-fill", "16.7"), ("lf-fill lf-open", "83.3")]
    assert "100% · 50 of 300 settled, 250 may still clear" in shown
    assert "100%, 250 may still clear" in to_text(Snapshot("j", "COMPLETED", progress))


@pytest.mark.parametrize("status", ["STOPPED", "FAILED", "DEAD", "COMPLETED"])
def test_a_job_that_has_ended_has_no_time_left(status):
    pace = Pace()
    to_html(Snapshot("j", "RUNNING", Progress(0, 200, _STAGES)), pace)
    time.sleep(0.02)
    later = Progress(0, 200, {**_STAGES, "Lookup": 90})
    assert "s left" in to_html(Snapshot("j", "RUNNING", later), pace)
    assert "s left" not in to_html(Snapshot("j", status, later), pace)


def test_every_bar_is_a_progressbar_for_a_screen_reader():
    shown = _html("RUNNING", Progress(0, 200, _STAGES))
    assert shown.count('role="progressbar"') == 6
    assert 'aria-label="Lookup" aria-valuemin="0" aria-valuemax="100" aria-valuenow="30"' in shown
    assert 'aria-valuetext="60 of 200"' in shown


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def test_a_job_with_leads_that_may_still_clear_is_complete_everywhere(world, engine, capfd):
    world.fail("dnc", "503", times=8)
    handle = engine.submit("SELECT * FROM RAW_LEADS", limit_rows=300)
    job = handle.result(120)
    kept = sum(job.counts.retry.values())
    assert kept > 0
    assert (handle.progress.percent, handle.progress.may_clear) == (100, kept)
    assert f"{job.id} COMPLETED 100%" in repr(handle)
    assert engine.history.job(job.id)["progress"] == 100
    watch = Watch(job.id, engine.history, 1.0)
    assert watch._now.progress.percent == 100
    assert f"100%, {kept} may still clear" in repr(watch)
    world.heal()
    again = engine.submit_resume(job.id)
    assert again.result(120).ok
    assert again.progress.may_clear == 0
    assert again.progress.done == 300


def _watched(engine, panel):
    return Watch(panel.handle.id, engine.history, 1.0)._now


def test_a_watch_in_another_kernel_shows_the_numbers_of_the_panel(world, engine):
    world.configure(latency={"idicore": 0.4})
    panel = lf.panel(engine)
    panel.run("SELECT * FROM RAW_LEADS", 300)
    _until(lambda: _watched(engine, panel).progress.percent > 0)
    seen = _watched(engine, panel).progress
    assert (seen.total, seen.done) == (300, 0), "no batch is settled, but lookups are done"
    assert all(seen.stages[stage] <= leads for stage, leads in panel.handle.progress.stages.items())
    assert set(_watched(engine, panel).log) <= set(panel._shown._log.lines)
    world.configure(latency={"idicore": 0.0})
    panel.handle.result(120)
    _until(lambda: "COMPLETED" in panel._view.live.value)
    _until(lambda: panel._view.report.value)
    assert to_html(_watched(engine, panel), Pace()) == panel._view.live.value
    assert "live" not in engine.history.job(panel.handle.id)["counts"]

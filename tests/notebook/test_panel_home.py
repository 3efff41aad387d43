"""The panel belongs to the home folder: no job of this user on this machine is out of sight, or out of reach."""

from __future__ import annotations

import pytest
from job_process import jobs_elsewhere
from waiting import until as _until

import leadflow as lf
from leadflow.notebook.live_jobs import where

_SCRIPT = "SELECT * FROM RAW_LEADS"
_OWNER = """
import json, sys
import leadflow as lf
engine = lf.Engine()
script = "SELECT * FROM RAW_LEADS"
if sys.argv[1] == "queue":
    queue = engine.queue([script] * 3, limit_rows=900)
    print(json.dumps(queue.ids), flush=True)
    queue.wait()
else:
    handle = engine.submit(script, name="cron", limit_rows=900)
    print(json.dumps([handle.id]), flush=True)
    handle.wait()
"""


@pytest.fixture
def elsewhere(world):
    """Start jobs in another process; give its process and their ids."""
    world.configure(latency={"idicore": 1.5})  # long enough for a machine that does much else
    with jobs_elsewhere(world, _OWNER) as started:
        yield started


def test_run_all_again_shows_the_running_job_with_stop(world):
    world.configure(latency={"idicore": 0.5})
    with lf.Engine(world.settings) as first:
        panel = lf.panel(first)
        panel.run(_SCRIPT, 300)
        with lf.Engine(world.settings) as second:
            again = lf.panel(second)
            assert again is panel
            assert again.engine is second
            assert not again._view.stop_button.disabled
            assert list(again._view.jobs.lines) == [panel.handle.id]
            again._view.stop_button.click()
            assert panel.handle.wait(60)
            assert str(panel.handle.status) == "STOPPED"


def test_an_engine_that_is_closed_gives_the_panel_to_the_next(world):
    with lf.Engine(world.settings) as first:
        panel = lf.panel(first)
    with pytest.raises(lf.errors.InputError, match="is closed; make one"):
        panel.engine  # noqa: B018
    with lf.Engine(world.settings) as second:
        assert lf.panel(second) is panel
        assert panel.engine is second
        assert panel._looking.is_alive()


def test_a_job_of_another_process_is_listed_watched_and_stopped(world, elsewhere):
    with lf.Engine(world.settings) as engine:
        panel = lf.panel(engine)
        view = panel._view
        assert view.jobs.box.layout.display == "none"
        child, (job_id,) = elsewhere("run")
        _until(lambda: job_id in view.jobs.lines)
        assert f"another process, {child.pid}" in view.jobs.lines[job_id].value
        assert world.settings.started_by in view.jobs.lines[job_id].value
        _until(lambda: "settled" in view.jobs.lines[job_id].value)
        watch, stop = view.jobs.buttons[job_id]
        watch.click()
        _until(lambda: job_id in view.live.value and "RUNNING" in view.live.value)
        assert panel.handle is None
        assert not view.stop_button.disabled
        stop.click()
        _until(lambda: "is asked to stop it, and hears it within 5 seconds" in view.message.value)
        _until(lambda: "STOPPED" in view.live.value)
        _until(lambda: view.jobs.box.layout.display == "none")
        assert f"stopped by {world.settings.started_by}" in engine.history.job(job_id)["message"]


def test_the_main_stop_stops_a_watched_job_of_another_process(world, elsewhere):
    with lf.Engine(world.settings) as engine:
        panel = lf.panel(engine)
        _, (job_id,) = elsewhere("run")
        panel.watch(job_id)
        panel._view.stop_button.click()
        _until(lambda: engine.history.job(job_id)["status"] == "STOPPED")
        _until(lambda: "STOPPED" in panel._view.report.value)


def test_a_queue_of_this_kernel_is_shown_and_stopped(world):
    world.configure(latency={"idicore": 0.5})
    with lf.Engine(world.settings) as engine:
        queue = engine.queue([_SCRIPT] * 3, limit_rows=900)
        _until(lambda: queue.running is not None)
        view = lf.panel(engine)._view
        assert list(view.jobs.lines) == queue.ids
        assert "waits in a queue" in view.jobs.lines[queue.ids[2]].value
        assert view.jobs.buttons[queue.ids[2]][0].disabled, "there is nothing to watch yet"
        view.jobs.buttons[queue.ids[1]][1].click()
        _until(lambda: queue.ids[1] not in view.jobs.lines)
        assert view.jobs.stop_queue.description == "Stop the queue (1)"
        view.jobs.stop_queue.click()
        assert queue.wait(60)
        _until(lambda: view.jobs.box.layout.display == "none")
        assert {engine.history.job(job_id)["status"] for job_id in queue.ids} == {"STOPPED"}


def test_a_queue_of_another_process_is_shown_and_its_waiting_jobs_are_stopped(world, elsewhere):
    with lf.Engine(world.settings) as engine:
        panel = lf.panel(engine)
        _, ids = elsewhere("queue")
        _until(lambda: set(panel._view.jobs.lines) == set(ids))
        _until(lambda: engine.history.job(ids[0])["status"] == "RUNNING")
        panel._view.jobs.stop_queue.click()
        _until(lambda: not {*ids[1:]} & set(panel._view.jobs.lines))
        assert [engine.history.job(job_id)["status"] for job_id in ids[1:]] == ["STOPPED", "STOPPED"]
        assert engine.history.job(ids[0])["status"] in ("RUNNING", "COMPLETED"), "it has its own Stop"


def test_a_dead_job_is_not_listed_as_running(world, elsewhere):
    child, (job_id,) = elsewhere("run")
    child.kill()
    child.wait()
    with lf.Engine(world.settings) as engine:
        view = lf.panel(engine)._view
        assert view.jobs.lines == {}
        assert job_id in {value: name for name, value in view.job.options}


@pytest.mark.parametrize(("owner", "said"), [("other:12:ab", "on other, process 12"), (None, ""), ("", "")])
def test_where_a_job_runs(owner, said):
    assert where(owner) == said

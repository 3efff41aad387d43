"""A queue: jobs one after another, one budget, and a record of each that did not start."""

from __future__ import annotations

import time

import polars as pl
import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.errors import InputError, JobBusyError, JobFailedError

_FLORIDA = "SELECT * FROM RAW_LEADS WHERE \"State\" = 'FL'"


@pytest.fixture
def engine(world):
    prices = world.settings.idicore.model_copy(update={"price": 0.1})
    with lf.Engine(world.settings.model_copy(update={"idicore": prices})) as engine:
        yield engine


def _statuses(queue):
    jobs = lf.jobs(full=True).set_index("id")
    return [jobs.loc[job_id, "status"] for job_id in queue.ids]


def test_jobs_run_one_after_another_and_no_lead_is_left_to_another_job(engine):
    rows = pl.read_csv(lf.local.sample("leads.csv"), infer_schema=False).head(40)
    queue = engine.queue([SCRIPT, _FLORIDA, rows], limit_rows=30)
    assert lf.jobs()["standing"].tolist().count("queued") >= 1
    jobs = queue.result()
    assert [job.id for job in jobs] == queue.ids
    assert all(job.ok for job in jobs)
    assert not any(job.counts.retry for job in jobs)
    found = lf.jobs(full=True).set_index("id").loc[queue.ids]
    assert (found["started_at"].iloc[1:].to_numpy() >= found["completed_at"].iloc[:-1].to_numpy()).all()


def test_a_folder_runs_by_name(engine, tmp_path):
    (tmp_path / "b.sql").write_text(_FLORIDA)
    (tmp_path / "a.SQL").write_text(SCRIPT)
    (tmp_path / "notes.md").write_text("no script")
    assert [job.name for job in engine.queue(tmp_path, limit_rows=5).result()] == ["a", "b"]


def test_the_budget_is_that_of_all_jobs_together(world, engine):
    queue = engine.queue([SCRIPT, _FLORIDA, SCRIPT], limit_rows=30, max_lookups=40)
    first, second = queue.result()
    assert first.ok
    assert second.status is lf.JobStatus.STOPPED
    assert world.stats()["idicore"]["calls"] <= 42  # with the sign-ins
    assert _statuses(queue) == ["COMPLETED", "STOPPED", "STOPPED"]
    assert "the queue's budget is used up" in lf.jobs().set_index("id").loc[queue.ids[2], "message"]
    assert engine.resume(queue.ids[2], progress=False).ok


def test_dollars_are_shared_too(engine):
    queue = engine.queue([SCRIPT, _FLORIDA], limit_rows=30, max_cost=4.0)
    jobs = queue.result()
    assert sum(job.counts.cost for job in jobs) <= 4.0
    assert _statuses(queue) == ["COMPLETED", "STOPPED"]


def test_a_failed_job_does_not_keep_the_next_from_running(engine):
    queue = engine.queue(["SELECT * FROM NOT_THERE", SCRIPT], limit_rows=10)
    with pytest.raises(JobFailedError, match=f"1 of 2 jobs failed: {queue.ids[0]}"):
        queue.result()
    assert _statuses(queue) == ["FAILED", "COMPLETED"]


def test_a_stop_starts_none_of_the_others(world, engine):
    world.configure(latency={"idicore": 0.3})
    queue = engine.queue([SCRIPT, _FLORIDA], limit_rows=200)
    while queue.running is None or world.stats()["idicore"]["calls"] < 5:
        time.sleep(0.02)
    with pytest.raises(JobBusyError, match="waits in a queue"):
        engine.resume(queue.ids[1], progress=False)
    queue.stop()
    assert queue.wait(60)
    assert _statuses(queue) == ["STOPPED", "STOPPED"]
    world.configure(latency={"idicore": 0.0})
    assert all(engine.resume(job_id, progress=False).ok for job_id in queue.ids)


def test_closing_the_engine_stops_the_queue(world):
    world.configure(latency={"idicore": 0.3})
    with lf.Engine(world.settings) as engine:
        queue = engine.queue([SCRIPT, _FLORIDA], limit_rows=200)
    assert queue.wait(0)
    assert _statuses(queue) == ["STOPPED", "STOPPED"]


@pytest.mark.parametrize(
    ("scripts", "said"),
    [
        ([], "the queue is empty"),
        (SCRIPT, "a list or a folder"),
        (7, "a list or a folder, not a int"),
        (pl.DataFrame({"a": [1]}), "a list or a folder, not a DataFrame"),
        (["SELECT 1", "missing.csv"], "there is no file"),
    ],
)
def test_what_is_no_list_of_leads_records_nothing(engine, scripts, said):
    with pytest.raises(InputError, match=said):
        engine.queue(scripts)
    assert lf.jobs().empty

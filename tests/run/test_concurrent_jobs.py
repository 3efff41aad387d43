"""Several jobs, engines, processes or machines at once: no row twice, no lead paid for twice, one run of a job."""

from __future__ import annotations

import json

import pytest
from job_process import RUN, resume_and_judge, start_job
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.errors import JobBusyError

pytestmark = pytest.mark.usual_quota


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def test_two_jobs_at_once_on_one_sheet(world, engine):
    half = "SELECT * FROM RAW_LEADS WHERE MD5(\"Lead Number\") {} '8'"
    handles = [engine.submit(half.format(op), limit_rows=200) for op in ("<", ">=")]
    jobs = [h.result(250) for h in handles]
    assert all(j.ok for j in jobs)
    assert (
        len({r["Lead Key"] for r in sheet_rows(world)})
        == len(sheet_rows(world))
        == sum(j.counts.delivered for j in jobs)
    )


def test_two_jobs_at_once_on_the_same_leads_double_no_row(world, engine):
    handles = [engine.submit(SCRIPT, limit_rows=100) for _ in range(2)]
    jobs = [h.result(250) for h in handles]
    assert all(j.ok for j in jobs)
    keys = [r["Lead Key"] for r in sheet_rows(world)]
    assert len(keys) == len(set(keys))


def test_two_processes_on_one_sheet_and_one_history(world):
    children = [start_job(world, RUN, 0, "-", 100) for _ in range(2)]
    said = [c.communicate(timeout=250)[0].splitlines() for c in children]
    assert [json.loads(s[-1]) for s in said] == ["COMPLETED"] * 2, said
    keys = [row["Lead Key"] for row in sheet_rows(world)]
    assert len(keys) == len(set(keys))
    bought = world.stats()["idicore"]["bought"]
    assert all(n == 1 for n in bought.values())
    for job_id in (s[0] for s in said):
        resume_and_judge(world, job_id)
    keys = [row["Lead Key"] for row in sheet_rows(world)]
    assert len(keys) == len(set(keys))


def test_a_running_job_cannot_beresume_and_judge(world, engine):
    world.configure(latency={"idicore": 0.3})
    handle = engine.submit(SCRIPT, limit_rows=400)
    with pytest.raises(JobBusyError):
        engine.resume(handle.id)
    handle.stop()
    handle.wait(200)


def test_a_second_engine_of_the_process_cannot_resume_a_running_job(world, engine):
    world.configure(latency={"idicore": 0.3})
    handle = engine.submit(SCRIPT, limit_rows=400)
    with lf.Engine(world.settings) as second, pytest.raises(JobBusyError, match="this very process"):
        second.resume(handle.id)
    handle.stop()
    handle.wait(200)


def test_a_live_job_of_another_process_is_refused_and_a_dead_one_taken_over(world):
    world.configure(latency={"idicore": 0.5})
    child = start_job(world, RUN, 0, "-", 90, LEADFLOW_IDICORE__MAX_IN_FLIGHT="2")
    job_id = child.stdout.readline().strip()
    with lf.Engine(world.settings) as engine:
        with pytest.raises(lf.errors.JobBusyError, match=job_id):
            engine.resume(job_id)
        child.kill()
        child.communicate(timeout=60)
        world.configure(latency={"idicore": 0.0})
        assert engine.resume(job_id, progress=False).ok


def test_leads_that_another_machine_processed_meanwhile_are_not_paid_for_again(world, engine, tmp_path):
    stopped = engine.run(SCRIPT, limit_rows=60, max_lookups=20, progress=False)
    elsewhere = world.settings.model_copy(update={"home": tmp_path})
    with lf.Engine(elsewhere) as other:
        assert other.run(SCRIPT, limit_rows=30, progress=False).ok
    job = engine.resume(stopped.id, progress=False)
    assert job.ok
    assert job.counts.balanced
    assert job.counts.already_processed >= 30
    assert job.counts.bought == 30
    assert all(n == 1 for n in world.stats()["idicore"]["bought"].values())
    assert engine.report(job.id).ok, engine.report(job.id).validation
    assert observe(world, engine, job.id).clean

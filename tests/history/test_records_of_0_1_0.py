"""Jobs of leadflow 0.1.0 are listed, traced, reported, compared and resumed by this one."""

from __future__ import annotations

import pytest
from old_records import unpack
from outcome import doubles, sheet_rows

import leadflow as lf
from leadflow.history import History

_STANDING = {"completed": "completed", "stopped": "stopped", "unchecked": "may clear", "failed": "failed"}


@pytest.fixture
def history(tmp_path):
    return History(unpack("history.duckdb", tmp_path))


@pytest.fixture
def engine(world):
    """An engine over the files of 0.1.0."""
    home = world.settings.home
    unpack("history.duckdb", home)
    unpack("checkpoints.sqlite", home)
    # The files are as old as they are: nothing in them is to be pruned.
    policy = world.settings.policy.model_copy(update={"keep_checkpoints_days": 100_000})
    with lf.Engine(world.settings.model_copy(update={"policy": policy, "batch_size": 20})) as engine:
        yield engine


def _ids(history):
    return dict(history.jobs()[["name", "id"]].itertuples(index=False))


def test_every_job_is_listed(history):
    jobs = history.jobs().set_index("name")
    assert jobs["standing"].to_dict() == _STANDING
    assert set(jobs["job_type"]) == {"single_script"}
    assert jobs.loc["completed", ["total_rows_processed", "clean_count"]].tolist() == [60, 47]
    assert [job["standing"] for job in history.resumable()] == ["failed", "may clear", "stopped"]


@pytest.mark.parametrize("name", _STANDING)
def test_every_job_is_traced_and_reported(history, name):
    job_id = _ids(history)[name]
    timeline = lf.trace(job_id, full=True, history=history)
    assert timeline["message"].iloc[0] == "Job created, status=PENDING"
    assert timeline["elapsed"].is_monotonic_increasing
    report = lf.reports.report(job_id, history=history)
    assert name in report.to_markdown()
    counts = history.job(job_id)["counts"]
    delivered = (history.leads(job_id)["disposition"] == "delivered").sum()
    assert delivered == counts["delivered"]
    assert str(counts["delivered"]) in report._repr_html_()


def test_two_jobs_are_compared(history):
    ids = _ids(history)
    table = lf.compare(ids["completed"], ids["stopped"], history=history)
    assert table.loc["delivered"].tolist() == [47, 36, -11]


def test_the_stopped_job_is_resumed_and_buys_nothing_twice(world, engine):
    job_id = _ids(engine.history)["stopped"]
    before = engine.checkpoints.tally(job_id)
    paid = set(engine.checkpoints.answers(engine.checkpoints.keys(job_id)))
    # It bought 50 answers; those of the other ten leads were bought by the jobs after it.
    assert (len(paid), before["", ""], engine.checkpoints.bought(job_id)) == (60, 10, 50)
    job = engine.resume(job_id, max_lookups=60, progress=False)
    assert job.ok
    assert (job.counts.bought, job.counts.balanced, job.counts.waiting) == (50, True, 0)
    assert world.stats()["idicore"]["bought"] == {}
    delivered = [row["Lead Key"] for row in sheet_rows(world)]
    assert doubles(delivered) == 0
    assert len(delivered) == job.counts.delivered - before["delivered", ""]
    assert engine.report(job_id).to_markdown()


@pytest.mark.parametrize("name", ["failed", "unchecked"])
def test_paid_answers_are_used_again(world, engine, name):
    job_id = _ids(engine.history)[name]
    unpaid = set(engine.checkpoints.keys(job_id)) - set(engine.checkpoints.answers(engine.checkpoints.keys(job_id)))
    job = engine.resume(job_id, progress=False)
    assert job.ok
    assert (job.counts.balanced, job.counts.waiting) == (True, 0)
    assert set(world.stats()["idicore"]["bought"]) == unpaid
    assert len(sheet_rows(world)) == job.counts.delivered > 0


def test_a_new_job_beside_the_old_ones_uses_their_answers(world, engine):
    ids = _ids(engine.history)
    paid = set(engine.checkpoints.answers(engine.checkpoints.keys(ids["completed"])))
    assert len(paid) == 60
    # This world's PERSON_CACHE is empty, so the first 60 leads are those of the completed job.
    job = engine.run("SELECT * FROM RAW_LEADS", name="new", limit_rows=60, progress=False)
    assert job.ok
    assert not paid & set(world.stats()["idicore"]["bought"])
    assert job.counts.reused > 0
    assert len(engine.history.jobs()) == 5

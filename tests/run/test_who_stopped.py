"""The report of a job that ended early says who or what ended it, when, what is left and how to go on."""

from __future__ import annotations

import re
import time

import pytest

import leadflow as lf
from leadflow.errors import JobFailedError

_SCRIPT = "SELECT * FROM RAW_LEADS"


@pytest.fixture
def engine(world):
    priced = world.settings.model_copy(update={"idicore": world.settings.idicore.model_copy(update={"price": 0.12})})
    with lf.Engine(priced) as engine:
        yield engine


def _stopped(world, engine, how):
    """The report of a job that was stopped after its first leads."""
    world.configure(latency={"idicore": 0.1})
    handle = engine.submit(_SCRIPT, name="june", limit_rows=600)
    while not handle.progress.done:
        time.sleep(0.02)
    how(handle)
    handle.wait()
    with lf.Engine(world.settings) as other:
        return other.report(handle.id)


def _note(report):
    (note,) = report.notes
    assert "incomplete" not in note
    assert report.to_markdown().count("was stopped by") <= 2, "in the timeline and in the events log"
    return note


@pytest.mark.parametrize("who", ["a person", "engine.close()"])
def test_a_job_that_was_stopped_says_by_whom_when_and_what_is_left(world, engine, who):
    report = _stopped(world, engine, lambda handle: handle.stop() if who == "a person" else engine.close())
    counts = report.job["counts"]
    note = _note(report)
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d \w+"
    left = f"{counts['waiting']:,} of 600 leads are left; what was paid for is kept."
    resume = f'To go on: engine.resume("{report.job["id"]}")'
    assert re.fullmatch(rf"Stopped by {re.escape(who)} at {when}\. {re.escape(f'{left} {resume}')}", note)
    assert who in report.job["message"]
    assert note in report._repr_html_().replace("&quot;", '"')


@pytest.mark.parametrize(
    ("budget", "limit", "argument"),
    [({"max_cost": 6}, "max_cost $6.00", "max_cost=..."), ({"max_lookups": 25}, "max_lookups 25", "max_lookups=...")],
)
def test_a_job_that_its_budget_stopped_names_the_budget(engine, budget, limit, argument):
    job = engine.run(_SCRIPT, limit_rows=60, progress=False, **budget)
    report = job.report()
    assert _note(report).startswith(f"Stopped by its budget ({limit}) at ")
    assert f"{job.counts.waiting} of 60 leads are left" in _note(report)
    assert f'engine.resume("{job.id}", {argument}), with a higher limit for the job as a whole' in _note(report)
    assert report.limits == f"row limit 60, {limit}"
    assert f"Limits: row limit 60, {limit}" in report.to_markdown()
    assert engine.resume(job.id, progress=False).report().limits == "row limit 60, no budget"


def test_a_job_that_failed_says_where_and_why_without_calling_its_trace_incomplete(engine):
    with pytest.raises(JobFailedError):
        engine.run("CREATE TEMPORARY TABLE T AS SELECT 1 AS a; SELECT * FROM NO_SUCH_TABLE", progress=False)
    report = engine.report(lf.jobs().iloc[0]["id"])
    assert re.match(r"The job broke off at T\+[\d.]+s in Job \(\w+\.py:\d+\): .*NO_SUCH_TABLE", _note(report))
    assert "No lead was read, and nothing was bought. To go on:" in _note(report)
    assert set(report.validation["state"][1:]) == {"could not be checked"}


def test_the_head_of_a_report_has_limits_times_with_their_zone_and_the_script(engine, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        job = engine.run(f"{_SCRIPT} WHERE \"State\" <> 'secret'", name="june", limit_rows=5, progress=False)
        report = job.report()
        for shown in (report.to_markdown(), report._repr_html_()):
            assert re.search(r"Started(:|</b>) \d{4}-\d\d-\d\d \d\d:\d\d E[SD]T", shown)
            assert re.search(r"Ended(:|</b>) \d{4}-\d\d-\d\d \d\d:\d\d E[SD]T", shown)
            assert "row limit 5, no budget" in shown
            assert "FROM RAW_LEADS WHERE" in shown
            assert "secret" not in shown
            assert "docs.google.com" not in shown, "the local world's sheet has no page"
    finally:
        monkeypatch.undo()
        time.tzset()

"""The main job, end to end on the local world."""

from __future__ import annotations

import subprocess
import sys
import threading

import pandas as pd
import pytest
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.errors import InputError, JobBusyError, JobFailedError, JobNotFound, ScriptError, SettingsError


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def test_a_job_delivers_every_callable_lead_once_and_proves_it(world, engine):
    job = engine.run(SCRIPT, name="june_leads", limit_rows=450, progress=False)
    assert job.ok
    assert job.counts.balanced
    assert job.counts.delivered > 0
    assert observe(world, engine, job.id).clean
    report = job.report()
    assert report.ok, report.validation
    text = report.to_markdown()
    for part in ("# Job Flow Trace", "## Timeline", "## Data Flow", "## Validation", "Snowflake", "idiCORE", "Litigator", "DNC"):
        assert part in text


def test_limit_rows_counts_unprocessed_leads(engine):
    first = engine.run(SCRIPT, limit_rows=50, progress=False)
    second = engine.run(SCRIPT, limit_rows=50, progress=False)
    settled = [j.counts.delivered + sum(n for r, n in j.counts.held.items() if r not in _UNPROCESSED) for j in (first, second)]
    assert settled == [50, 50]


_UNPROCESSED = ("duplicate", "no_identity", "over_limit")


def test_a_second_run_pays_for_nobody_again(world, engine):
    engine.run(SCRIPT, limit_rows=120, progress=False)
    before = world.stats()["idicore"]["bought"]
    again = engine.run(SCRIPT, limit_rows=120, progress=False)
    after = world.stats()["idicore"]["bought"]
    assert all(n == 1 for n in after.values())
    assert len(after) == len(before) + again.counts.bought


def test_nothing_to_do_is_a_success(engine):
    job = engine.run(SCRIPT + " WHERE 1 = 0", progress=False)
    assert job.ok
    assert job.counts.extracted == 0


def test_trace_has_one_row_an_event(engine):
    job = engine.run(SCRIPT, limit_rows=30, progress=False)
    trace = lf.trace(job.id)
    assert isinstance(trace, pd.DataFrame)
    assert list(trace.columns[:4]) == ["time", "stage", "source", "event"]
    assert trace["time"].iloc[0].startswith("T+0.")
    assert trace["source"].str.fullmatch(r"\w+\.py:\d+").all()
    assert {"job_progress", "job_log", "batch_progress", "row_processed", "job_complete"} <= set(trace["event"])


def test_unknown_job_lists_recent_ones(engine):
    job = engine.run(SCRIPT, limit_rows=5, progress=False)
    with pytest.raises(JobNotFound, match=job.id):
        lf.trace("no-such-job")


def test_jobs_lists_past_jobs(engine):
    engine.run(SCRIPT, name="june_leads", limit_rows=5, progress=False)
    assert len(lf.jobs(script="june", status="completed")) == 1


def test_submit_runs_in_the_background_and_stops(world, engine):
    world.configure(latency={"idicore": 0.05})
    handle = engine.submit(SCRIPT, limit_rows=1000)
    while handle.progress.total is None:
        assert not handle.wait(0.05)
    handle.stop()
    job = handle.result(60)
    assert str(job.status) == "STOPPED"
    assert lf.jobs(status="stopped")["id"].tolist() == [job.id]
    world.configure(latency={"idicore": 0.0})
    resumed = engine.resume(job.id, progress=False)
    assert resumed.ok
    assert resumed.counts.balanced
    assert observe(world, engine, job.id).clean


def test_two_jobs_at_once_on_one_sheet(world, engine):
    half = "SELECT * FROM RAW_LEADS WHERE MD5(\"Lead Number\") {} '8'"
    handles = [engine.submit(half.format(op), limit_rows=200) for op in ("<", ">=")]
    jobs = [h.result(120) for h in handles]
    assert all(j.ok for j in jobs)
    assert len({r["Lead Key"] for r in sheet_rows(world)}) == len(sheet_rows(world)) == sum(j.counts.delivered for j in jobs)


def test_two_jobs_at_once_on_the_same_leads_double_no_row(world, engine):
    handles = [engine.submit(SCRIPT, limit_rows=100) for _ in range(2)]
    jobs = [h.result(120) for h in handles]
    assert all(j.ok for j in jobs)
    keys = [r["Lead Key"] for r in sheet_rows(world)]
    assert len(keys) == len(set(keys))


def test_a_running_job_cannot_be_resumed(world, engine):
    world.configure(latency={"idicore": 0.05})
    handle = engine.submit(SCRIPT, limit_rows=400)
    with pytest.raises(JobBusyError):
        engine.resume(handle.id)
    handle.stop()
    handle.wait(60)


def test_budget_stops_before_it_is_passed_and_delivers_what_was_bought(world, engine):
    job = engine.run(SCRIPT, limit_rows=300, max_lookups=70, progress=False)
    assert str(job.status) == "STOPPED"
    assert "max_lookups" in job.message
    bought = world.stats()["idicore"]["bought"]
    assert sum(bought.values()) == 70
    settled = engine.checkpoints.keys(job.id, "delivered", "held", "retry")
    assert len(settled) == 70
    assert engine.resume(job.id, progress=False).ok
    assert observe(world, engine, job.id).clean


def test_max_cost_needs_a_price(engine):
    if engine.settings.idicore.price is None:
        with pytest.raises(SettingsError, match="price"):
            engine.run(SCRIPT, max_cost=1.0, progress=False)


def test_estimate_buys_nothing_and_is_exact(world, engine):
    estimate = engine.estimate(SCRIPT, limit_rows=80)
    assert world.stats()["idicore"]["calls"] == 0
    assert estimate.lookups == 80
    job = engine.run(SCRIPT, limit_rows=80, progress=False)
    assert job.counts.bought <= estimate.lookups


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("", ScriptError),
        ("/no/such/file.sql", ScriptError),
    ],
)
def test_bad_arguments_are_refused_at_once(engine, script, error):
    with pytest.raises(error):
        engine.run(script, progress=False)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(engine, limit):
    with pytest.raises(InputError, match="limit_rows"):
        engine.run(SCRIPT, limit_rows=limit, progress=False)


@pytest.mark.parametrize(
    "script",
    [
        "SELEC 1",
        "DELETE FROM RAW_LEADS",
        'SELECT "First Name" FROM RAW_LEADS',
        'SELECT *, "First Name" AS "FIRST_NAME" FROM RAW_LEADS',
        "SELECT * FROM NO_SUCH_TABLE",
    ],
)
def test_a_bad_script_fails_before_money_is_spent(world, engine, script):
    with pytest.raises((JobFailedError, InputError)):
        engine.run(script, progress=False)
    assert world.stats()["idicore"]["calls"] == 0


def test_settings_without_purposes_are_refused(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("GLBA", "DPPA"):
        monkeypatch.delenv(f"LEADFLOW_IDICORE__{name}", raising=False)
    with pytest.raises(SettingsError, match="IDICORE"):
        lf.Engine()


def test_one_stage_imports_nothing_heavy():
    code = (
        "import sys; from leadflow.stages import check_litigators, lookup_people, check_dnc, deliver, filter_unprocessed;"
        "heavy = {'IPython', 'ipywidgets', 'duckdb', 'snowflake'} & {m.split('.')[0] for m in sys.modules};"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_progress_never_goes_back(engine):
    seen: list[int] = []
    lock = threading.Lock()

    def listen(recorded):
        if recorded.event.name == "job_progress":
            with lock:
                seen.append(recorded.event.progress)

    engine.submit(SCRIPT, limit_rows=600, listeners=(listen,)).result(120)
    assert seen == sorted(seen)
    assert seen[-1] == 100

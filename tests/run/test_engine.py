"""The main job, end to end on the local world."""

from __future__ import annotations

import subprocess
import sys
import threading

import pandas as pd
import pytest
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow.errors import InputError, JobFailedError, JobNotFound, ScriptError, SettingsError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import connect_options, connector_major


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
    for part in (
        "# Job Flow Trace",
        "## Timeline",
        "## Data Flow",
        "## Validation",
        "Snowflake",
        "idiCORE",
        "Litigator",
        "DNC",
    ):
        assert part in text


def test_limit_rows_counts_unprocessed_leads(engine):
    first = engine.run(SCRIPT, limit_rows=50, progress=False)
    second = engine.run(SCRIPT, limit_rows=50, progress=False)
    settled = [
        j.counts.delivered + sum(n for r, n in j.counts.held.items() if r not in _UNPROCESSED) for j in (first, second)
    ]
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
    world.configure(latency={"idicore": 0.3})
    handle = engine.submit(SCRIPT, limit_rows=1000)
    while handle.progress.total is None:
        assert not handle.wait(0.05)
    handle.stop()
    job = handle.result(200)
    assert str(job.status) == "STOPPED"
    assert lf.jobs(status="stopped")["id"].tolist() == [job.id]
    world.configure(latency={"idicore": 0.0})
    resumed = engine.resume(job.id, progress=False)
    assert resumed.ok
    assert resumed.counts.balanced
    assert observe(world, engine, job.id).clean


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


def test_a_job_that_broke_off_keeps_its_budget_over_all_its_runs(world, engine):
    world.configure(latency={"idicore": 0.5})
    slow = world.settings.idicore.model_copy(update={"max_in_flight": 4})
    with lf.Engine(world.settings.model_copy(update={"idicore": slow})) as first:
        handle = first.submit(SCRIPT, limit_rows=200, max_lookups=60)
        while handle.progress.stages.get("Lookup", 0) < 10:
            assert not handle.wait(0.01)
        handle.stop()
        assert "was stopped" in handle.result(200).message
    world.configure(latency={"idicore": 0.0})
    resumed = engine.resume(handle.id, progress=False)
    assert str(resumed.status) == "STOPPED"
    assert "max_lookups of this job is 60" in resumed.message
    assert resumed.counts.bought == sum(world.stats()["idicore"]["bought"].values()) == 60
    raised = engine.resume(handle.id, max_lookups=80, progress=False)
    assert raised.counts.bought == sum(world.stats()["idicore"]["bought"].values()) == 80
    assert engine.resume(handle.id, progress=False).ok
    assert observe(world, engine, handle.id).clean


def test_a_script_that_changes_the_schema_is_not_paid_for_again(world, engine):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS ELSEWHERE")
    script = "USE SCHEMA ELSEWHERE; SELECT * FROM LEADS_DB.PUBLIC.RAW_LEADS"
    first = engine.run(script, limit_rows=30, progress=False)
    again = engine.run(script, limit_rows=30, progress=False)
    assert again.counts.already_processed >= first.counts.bought == 30
    assert all(n == 1 for n in world.stats()["idicore"]["bought"].values())
    assert observe(world, engine, first.id).clean


@pytest.mark.parametrize("name", ["PERSON_CACHE", "public.person_cache", "unique_consolidated_data", "LF_LEADS"])
def test_a_script_must_not_hide_a_table_of_ours(world, engine, name):
    with pytest.raises(ScriptError, match="give it another name"):
        engine.run(f"CREATE TEMPORARY TABLE {name} AS SELECT 1 AS x; {SCRIPT}", progress=False)
    assert world.stats()["idicore"]["calls"] == 0


def test_a_script_s_statements_may_take_longer_than_other_requests(engine, monkeypatch):
    from snowflake.connector.cursor import SnowflakeCursor

    execute, allowed = SnowflakeCursor.execute, {}

    def noting(self, command, *args, **options):
        allowed[command] = options.get("timeout")
        return execute(self, command, *args, **options)

    monkeypatch.setattr(SnowflakeCursor, "execute", noting)
    assert engine.run(f"SET a = 1; {SCRIPT}", limit_rows=5, progress=False).ok
    if connector_major() >= 5:  # a statement has no limit of its own there; all have that of the connection
        assert connect_options(engine.settings.warehouse, "tag")["query_timeout"] == 3_600
        return
    assert allowed["SET a = 1"] == 3_600
    assert [t for sql, t in allowed.items() if "LF_SCRIPT" in sql and "RAW_LEADS" in sql] == [3_600]
    assert {t for sql, t in allowed.items() if sql.startswith("MERGE")} == {1_800}


def test_tables_may_be_named_with_their_schema(world):
    table = world.settings.warehouse.model_copy(update={"person_cache": "LEADS_DB.PUBLIC.PEOPLE"})
    with lf.Engine(world.settings.model_copy(update={"warehouse": table})) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        assert engine.report(job.id).ok
    assert world.stats()["snowflake"]["rows"]["PEOPLE"] == 20


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
        "import sys;"
        "from leadflow.stages import check_litigators, lookup_people, check_dnc, deliver, filter_unprocessed;"
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

    engine.submit(SCRIPT, limit_rows=600, listeners=(listen,)).result(250)
    assert seen == sorted(seen)
    assert seen[-1] == 100

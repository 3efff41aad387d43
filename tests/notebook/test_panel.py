"""The panel's buttons, without a browser: the widgets live in the kernel."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys

import pytest
from waiting import until as _until

import leadflow as lf
from leadflow.errors import InputError, JobNotFound


@pytest.fixture
def engine(world):
    world.configure(latency={"idicore": 0.02})
    with lf.Engine(world.settings) as engine:
        yield engine


def _estimate(view):
    """Press Estimate and wait for the price on the Run button."""
    view.estimate_button.click()
    _until(lambda: not view.run_button.disabled)


def _paste(view, script):
    view.script.value, view.text.value = "paste", script


def test_run_stop_resume_and_report(world, engine):
    world.configure(latency={"idicore": 0.1})
    panel = lf.panel(engine, lf.local.sample("scripts"))
    assert panel is lf.panel(engine)
    view = panel._view
    assert [name for name, _ in view.script.options][2:] == ["all_leads.sql", "june_leads.sql", "probate.sql"]
    view.script.value = view.script.options[2][1]
    view.limit.value = "1,000"
    _estimate(view)
    view.run_button.click()
    assert view.run_button.disabled
    _until(lambda: panel.handle.progress.done >= 200)
    _until(lambda: "lf-fill" in view.live.value)
    view.stop_button.click()
    _until(lambda: not view.resume_button.disabled)
    assert "STOPPED" in view.live.value
    assert view.job.value == panel.handle.id
    view.resume_button.click()
    _until(lambda: "COMPLETED" in view.report.value)
    assert "COMPLETED" in view.live.value
    assert panel.handle.progress.percent == 100
    progress = panel.handle.progress
    assert progress.stages["Lookup"] == progress.stages["Cache"] == 1000, (
        "answers paid for before the stop are through the lookup too"
    )
    assert progress.counts["delivered"] + progress.counts["held"] == 1000, "the counts are of both runs"


def _died(world, limit=500):
    """The id of a job whose process is killed after its first batch, which the history has by then."""
    code = (
        "import leadflow as lf, os, time\n"
        "e = lf.Engine()\n"
        f"h = e.submit('SELECT * FROM RAW_LEADS', name='june_leads', limit_rows={limit})\n"
        "print(h.id, flush=True)\n"
        "while not h.progress.done: time.sleep(0.02)\n"
        "time.sleep(0.3)\ne.history.flush()\nos._exit(9)"
    )
    env = {**os.environ, **world.env(), "LEADFLOW_BATCH_SIZE": "50"}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False, timeout=120
    ).stdout.strip()


def _offered(panel):
    return {value: name for name, value in panel._view.job.options if value}


def test_a_new_kernels_panel_points_at_the_job_that_died_with_the_old_one(world):
    world.configure(latency={"idicore": 0.1})
    job_id = _died(world)
    world.configure(latency={"idicore": 0.0})
    with lf.Engine(world.settings) as engine:
        assert lf.jobs()["standing"].tolist() == ["dead"]
        panel = lf.panel(engine)
        view = panel._view
        assert view.job.value == ""
        assert view.resume_button.disabled, "nobody chose it"
        assert f"{job_id} broke off: its process died" in view.message.value
        assert "press Resume" in view.message.value
        label = _offered(panel)[job_id]
        assert label.startswith(f"{job_id} · its process died, ")
        assert label.endswith(" of 500 settled")
        assert int(label.split(", ")[1].split()[0]) >= 50
        view.job.value = job_id
        view.resume_button.click()
        assert view.message.value == ""
        _until(lambda: "COMPLETED" in view.report.value)
        _until(lambda: _offered(panel) == {})


def test_what_can_be_resumed_is_offered_newest_first_and_says_why(world, engine):
    retry = _with_retry(world, engine)
    stopped = engine.run("SELECT * FROM RAW_LEADS", name="short", limit_rows=60, max_lookups=25, progress=False)
    engine.run("SELECT * FROM RAW_LEADS", name="good", limit_rows=5, progress=False)
    panel = lf.panel(engine)
    kept, settled = sum(retry.counts.retry.values()), 60 - stopped.counts.waiting
    assert 25 <= settled < 60
    assert panel._view.job.options == (
        ("choose a job to resume", ""),
        (f"{stopped.id} · stopped by its budget, {settled} of 60 settled", stopped.id),
        (f"{retry.id} · {kept} leads may still clear", retry.id),
    )
    assert panel._view.message.value == "", "a job that was stopped is no news to who stopped it"
    listed = lf.jobs(full=True)
    assert listed["standing"].tolist() == ["completed", "stopped", "may clear"]
    assert listed["retry"].tolist() == [0, 0, kept]
    assert listed.columns[-2:].tolist() == ["retry", "standing"]


def _with_retry(world, engine):
    """A completed job with leads that may still clear."""
    world.fail("dnc", "503", times=8)
    job = engine.run("SELECT * FROM RAW_LEADS", name="unlucky", limit_rows=20, progress=False)
    world.heal()
    assert job.ok
    assert job.counts.retry
    return job


def test_a_job_that_runs_elsewhere_is_not_offered_until_it_is_over(world, engine):
    world.configure(latency={"idicore": 0.3})
    with lf.Engine(world.settings) as other:
        handle = other.submit("SELECT * FROM RAW_LEADS", limit_rows=300)
        panel = lf.panel(engine)
        assert panel.handle is handle
        assert panel is lf.panel(other)
        assert not panel._view.stop_button.disabled
        assert _offered(panel) == {}
        assert panel._view.message.value == ""
        assert lf.jobs()["standing"].tolist() == ["running"]
        panel._view.stop_button.click()
        assert handle.wait(60)
        _until(lambda: panel._view.job.value == handle.id)
        assert not panel._view.resume_button.disabled


def test_an_estimate_costs_nothing_and_says_rows_and_calls(world, engine):
    view = lf.panel(engine, lf.local.sample("scripts"))._view
    view.script.value = view.script.options[2][1]
    view.limit.value = "30"
    _estimate(view)
    assert view.run_button.description == "Run, price unknown"
    assert "30 leads" in view.message.value
    assert world.stats()["idicore"]["calls"] == 0


@pytest.mark.parametrize(
    ("script", "limit", "budget", "said"),
    [
        ("", "", "", "empty"),
        ("SELECT 1", "ten", "", "not a number"),
        ("SELECT 1", "0", "", "limit_rows"),
        ("SELECT 1", "-5", "", "not a number"),
        ("SELECT 1", "1.5", "", "not a number"),
        ("SELECT 1", "", "six", "not an amount"),
        ("SELECT 1", "", "-6", "not an amount"),
        ("SELECT 1", "", "inf", "not an amount"),
        ("SELECT 1", "", "6", "idicore.price is not"),
        ("SELECT * FROM NO_SUCH_TABLE", "", "", "NO_SUCH_TABLE"),
        ("DELETE FROM RAW_LEADS", "", "", "writes"),
    ],
)
def test_bad_input_is_shown_not_lost(engine, script, limit, budget, said):
    view = lf.panel(engine)._view
    _paste(view, script)
    view.limit.value, view.budget.value = limit, budget
    view.estimate_button.click()
    _until(lambda: said in view.message.value)
    assert view.run_button.disabled
    assert lf.jobs().empty


def test_a_job_that_fails_is_shown_with_its_reason(engine):
    panel = lf.panel(engine)
    panel.run("CREATE TEMPORARY TABLE T AS SELECT 1 AS a; SELECT * FROM NO_SUCH_TABLE")
    _until(lambda: "FAILED" in panel._view.report.value)
    view = panel._view
    assert "FAILED" in view.live.value
    assert "NO_SUCH_TABLE" in view.live.value
    assert "no leads were read" in view.live.value
    _until(lambda: _offered(panel))
    assert _offered(panel)[panel.handle.id].endswith("· FAILED, before its leads were read")
    with pytest.raises(InputError, match=r"\.id"):
        lf.report(panel.handle)


def test_a_panel_made_later_follows_the_running_job(engine):
    handle = engine.submit("SELECT * FROM RAW_LEADS", limit_rows=300)
    panel = lf.panel(engine)
    assert panel.handle is handle
    _until(lambda: "COMPLETED" in panel._view.live.value)


def test_front_ends_without_widgets_get_html_and_text(engine, monkeypatch):
    engine.run("SELECT * FROM RAW_LEADS", limit_rows=5, progress=False)
    shown = lf.panel(engine)._repr_mimebundle_()
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(shown)
    real = builtins.__import__

    def without(name, *args, **more):
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    elsewhere = engine.settings.model_copy(update={"home": engine.settings.home / "other"})
    with lf.Engine(elsewhere) as other:
        panel = lf.panel(other)
        assert "leadflow[notebook]" in panel._repr_mimebundle_()["text/html"]
        panel.run("SELECT * FROM RAW_LEADS", 5)
        panel.handle.result(60)
        assert "COMPLETED" in panel._repr_mimebundle_()["text/html"]


_WATCH = """
import leadflow as lf, sys
print(lf.watch(sys.argv[1], history=sys.argv[2], every_s=0.2).status)
"""


def test_another_process_watches_a_job_to_its_end(world, engine):
    handle = engine.submit("SELECT * FROM RAW_LEADS", limit_rows=600)
    code = [sys.executable, "-c", _WATCH, handle.id, str(world.settings.history_file)]
    said = subprocess.run(code, capture_output=True, text=True, timeout=120, check=True).stdout.splitlines()
    assert said[-1] == "COMPLETED"
    assert any("RUNNING" in line for line in said)
    assert "100%" in said[-2]


def test_a_watch_has_a_bar_for_each_stage(world, engine):
    from leadflow.notebook.watch import Watch
    from leadflow.run.tally import STAGES

    world.configure(latency={"idicore": 0.1, "litigator": 0.3, "dnc": 1.0, "sheets": 0.5})
    handle = engine.submit("SELECT * FROM RAW_LEADS", limit_rows=600)
    seen = []
    while not handle.wait(0.05):
        told = Watch(handle.id, engine.history, 1.0)._now.progress
        for stage, leads in told.stages.items():
            assert told.done <= leads <= handle.progress.stages[stage], stage
        seen.append(tuple(told.stages.values()))
    bars = [dict(zip(STAGES, stages, strict=True)) for stages in seen if stages]
    for earlier, later in (("Lookup", "Litigators"), ("Litigators", "DNC"), ("DNC", "Cache")):
        assert any(bar[earlier] > bar[later] for bar in bars), f"{earlier} was never seen ahead of {later}"
    assert Watch(handle.id, engine.history, 1.0)._now.progress.stages == dict.fromkeys(STAGES, 600)


def test_a_stopped_job_is_watched_as_far_as_it_came(engine):
    job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=60, max_lookups=25, progress=False)
    watch = lf.watch(job.id)
    assert watch.status == "STOPPED"
    assert "25 of 60 leads, 41%" in repr(watch)


def test_watching_a_job_whose_process_died_says_so(world):
    world.configure(latency={"idicore": 0.1})
    job_id = _died(world)
    watch = lf.watch(job_id, history=world.settings.history_file)
    assert watch.status == "DEAD"
    assert f"engine.resume('{job_id}')" in repr(watch)
    assert lf.jobs(status="dead", history=world.settings.history_file)["id"].tolist() == [job_id]


def test_watching_an_unknown_job_names_recent_ones(engine):
    job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=5, progress=False)
    with pytest.raises(JobNotFound, match=job.id):
        lf.watch("no-such-job")


def test_a_run_without_a_display_is_silent(world, engine, capfd):
    engine.run("SELECT * FROM RAW_LEADS", limit_rows=5)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_the_report_is_one_page_that_needs_nothing_from_outside(engine):
    job = engine.run("SELECT * FROM RAW_LEADS", name="<b>bold</b>", limit_rows=450, progress=False)
    page = lf.report(job.id)._repr_html_()
    assert page.count('class="marks"') == 1, "the stages over the batches"
    assert "Batch 3" in page
    for outside in ("<script", "src=", "@import", "url(http", "<link"):
        assert outside not in page
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold" in page


def test_the_bars_of_a_batch_lie_between_its_start_and_end(engine):
    job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=450, progress=False)
    report = engine.report(job.id)
    plan, ran = report.schedule, report.timeline["elapsed"].max()
    assert {bar.stage for bar in plan.bars} == {"idiCORE", "Litigator + DNC", "Google Sheets", "Cache"}
    assert all(0 < bar.start < bar.end <= ran + 0.001 for bar in plan.bars)


def test_the_report_says_what_the_lookups_cost(world):
    priced = world.settings.model_copy(update={"idicore": world.settings.idicore.model_copy(update={"price": 0.07})})
    with lf.Engine(priced) as engine:
        job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=20, progress=False)
        assert job.counts.cost == 1.4
        assert "<b>$1.40</b>" in job.report()._repr_html_()

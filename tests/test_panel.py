"""The panel's buttons, without a browser: the widgets live in the kernel."""

from __future__ import annotations

import builtins
import subprocess
import sys
import time

import pytest

import leadflow as lf
from leadflow.errors import JobNotFound


@pytest.fixture
def engine(world):
    world.configure(latency={"idicore": 0.02})
    with lf.Engine(world.settings) as engine:
        yield engine


def _until(ready, seconds=90):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def test_run_stop_resume_and_report(engine):
    panel = lf.panel(engine, lf.local.sample("scripts"))
    assert panel is lf.panel(engine)
    view = panel._view
    assert [name for name, _ in view.script.options][1:] == ["all_leads.sql", "june_leads.sql", "probate.sql"]
    view.limit.value = "1,000"
    view.run_button.click()
    assert view.run_button.disabled
    _until(lambda: panel.handle.progress.stages.get("Lookup", 0) > 20)
    _until(lambda: "lf-fill" in view.live.value)
    view.stop_button.click()
    _until(lambda: not view.run_button.disabled)
    assert "STOPPED" in view.live.value
    assert view.job.value == panel.handle.id
    view.resume_button.click()
    _until(lambda: not view.run_button.disabled and "COMPLETED" in view.live.value)
    assert "COMPLETED" in view.report.value
    assert panel.handle.progress.percent == 100
    assert panel.handle.progress.stages["Cache"] >= 1000


def test_an_estimate_costs_nothing_and_says_rows_and_calls(world, engine):
    view = lf.panel(engine, lf.local.sample("scripts"))._view
    view.limit.value = "30"
    view.estimate_button.click()
    _until(lambda: "leads to look up" in view.said.value)
    assert "30 leads" in view.said.value
    assert world.stats()["idicore"]["calls"] == 0


@pytest.mark.parametrize(("script", "limit", "said"), [("", "", "empty"), ("SELECT 1", "ten", "not a number"), ("SELECT 1", "0", "limit_rows")])
def test_bad_input_is_shown_not_lost(engine, script, limit, said):
    view = lf.panel(engine)._view
    view.script.value = None
    view.text.value, view.limit.value = script, limit
    view.run_button.click()
    assert said in view.said.value
    assert not view.run_button.disabled


def test_a_job_that_fails_is_shown_with_its_reason(engine):
    panel = lf.panel(engine)
    view = panel._view
    view.script.value = None
    view.text.value = "SELECT * FROM NO_SUCH_TABLE"
    view.run_button.click()
    _until(lambda: not view.run_button.disabled)
    assert "FAILED" in view.live.value
    assert "NO_SUCH_TABLE" in view.live.value


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
    with lf.Engine(engine.settings) as other:
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


def test_watching_a_job_whose_process_died_says_so(world):
    code = "import leadflow as lf, os\ne = lf.Engine()\nh = e.submit('SELECT * FROM RAW_LEADS', limit_rows=500)\nprint(h.id, flush=True)\nimport time; time.sleep(1)\nos._exit(9)"
    import os

    world.configure(latency={"idicore": 0.5})
    job_id = subprocess.run([sys.executable, "-c", code], env={**os.environ, **world.env()}, capture_output=True, text=True, check=False).stdout.strip()
    watch = lf.watch(job_id, history=world.settings.history_file)
    assert watch.status == "DEAD"
    assert f"engine.resume('{job_id}')" in repr(watch)


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
    assert page.count('class="marks"') == 1, "the stages over the batches, drawn by altair"
    assert "Batch 3" in page
    for outside in ("<script", "src=", "@import", "url(http", '<link'):
        assert outside not in page
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold" in page


def test_the_bars_of_a_batch_lie_between_its_start_and_end(engine):
    from leadflow.reports.gantt import bars

    job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=450, progress=False)
    flow = engine.report(job.id).flow
    drawn = bars(flow)
    whole = (flow["completed_at"].max() - flow["started_at"].min()).total_seconds()
    assert set(drawn["stage"]) == {"idiCORE", "Litigator + DNC", "Google Sheets", "Cache"}
    assert (drawn["start"] >= 0).all()
    assert (drawn["end"] <= whole + 0.001).all()

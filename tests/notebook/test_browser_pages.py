"""Reports and live views in a real Chromium: dark and light, wide and narrow, with enough contrast."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timedelta, timezone

import pytest
from contrast import FAINT, GROUNDS, LEAST, is_readable, notebook_page
from recorded_jobs import COUNTS, facts, record_job

from leadflow import reports
from leadflow.history import History
from leadflow.job import Progress
from leadflow.notebook.live import Pace, Snapshot, to_html

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_STAGES = {"Lookup": 210, "Litigators": 200, "DNC": 180, "Sheet": 100, "Cache": 60}
_COUNTED = {"phones_found": 400, "litigator": 9, "dnc": 80, "delivered": 40, "held": 20, "retry": 30, "left_out": 7}


if not _CHROMIUM and not os.environ.get("CI"):
    pytest.skip("no Chromium here; apt-get install chromium", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def _report(history, kind):
    """The report of a recorded job: completed, stopped, resumed the next day, or of many batches."""
    status = "STOPPED" if kind == "stopped" else "COMPLETED"
    counts = {**COUNTS, "cost": 12_345.5, "checked": 90, "delivered": 3, "waiting": 1}
    record_job(history, kind, status=status, done=kind != "stopped", counts=counts, script="SELECT *\nFROM RAW_LEADS")
    start = datetime.now(timezone.utc)
    for batch in range(2, {"many": 90, "next day": 12}.get(kind, 4)):
        at = start + timedelta(seconds=3 * batch)
        times = {"lookup_s": 4.0, "check_s": 2.0, "deliver_s": 1.0, "cache_s": 1.0}
        done = {"started_at": at, "completed_at": at + timedelta(seconds=9)}
        history.record_batch(kind, batch, rows=200, litigator=1, dnc=2, delivered=1, held=0, retry=0, **times, **done)
    wrong = facts(cache_keys=None, sheet_keys=["a", "b", "c", "e"], delivered_keys=["a", "b", "c"])
    return reports.report(kind, history=history, facts=wrong)


def _live(status):
    progress = Progress(60, 300, _STAGES, _COUNTED)
    if status == "COMPLETED":
        progress = progress.completed()
    message = "" if status == "RUNNING" else "317 delivered, 133 held back"
    log = [f"T+{n}.0s  idiCORE: 125 phones found" for n in range(9)]
    return to_html(Snapshot("june_leads-20261128-170844-52eb26", status, progress, message, log), Pace())


_REPORTS = ["completed", "stopped", "many"]
_LIVES = ["RUNNING", "COMPLETED", "STOPPED", "FAILED", "DEAD"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The HTML of everything that is looked at, by name."""
    history = History(tmp_path_factory.mktemp("pages") / "history.duckdb")
    found = {kind: _report(history, kind) for kind in _REPORTS}
    return {kind: report._repr_html_() for kind, report in found.items()} | {s: _live(s) for s in _LIVES}


def _notebook(browser, html, scheme, width):
    """A notebook's page around an output, with all that can be unfolded."""
    page = notebook_page(browser, html, scheme, width)
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    return page


@pytest.mark.parametrize("name", [*_REPORTS, *_LIVES])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 420])
def test_all_text_can_be_read_and_nothing_is_wider_than_the_page(browser, shown, name, scheme, width):
    page = _notebook(browser, shown[name], scheme, width)
    try:
        assert is_readable(page, name, scheme, width)
    finally:
        page.close()


def test_faint_text_is_found(browser):
    html = "<div class='lf'><p style='color:#999'>faint</p><p style='opacity:.5'>half</p><p>fine</p></div>"
    page = _notebook(browser, html, "light", 420)
    assert [words for words, *_ in page.evaluate(FAINT, [LEAST, GROUNDS["light"]])] == ["faint", "half"]
    page.close()


def test_a_narrow_funnel_and_chart_are_still_drawn(browser, shown):
    page = _notebook(browser, shown["completed"], "light", 420)
    for drawn in (".lf .step.delivered .stay", ".lf svg .marks rect", ".lf .check .no", ".lf .check .unknown"):
        box = page.locator(drawn).first.bounding_box()
        assert box["width"] > 3, drawn
        assert box["height"] > 3, drawn
    assert page.locator(".lf svg text").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 11
    assert page.locator(".lf .step.delivered .track").bounding_box()["width"] > 250
    page.close()


def test_the_table_cells_of_a_report_are_left_aligned_in_a_notebook(browser, shown):
    style = "<style>.jp-RenderedHTMLCommon td, .jp-RenderedHTMLCommon th { text-align: right }</style>"
    html = f"<div class='jp-RenderedHTMLCommon'>{shown['completed']}</div>{style}"
    page = _notebook(browser, html, "light", 1200)
    aligned = "e => e.map(c => getComputedStyle(c).textAlign)"
    assert set(page.locator(".lf td, .lf th").evaluate_all(aligned)) == {"left"}
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_page_follows_the_mode_of_the_browser(browser, tmp_path, scheme):
    history = History(tmp_path / "history.duckdb")
    file = _report(history, "completed").save(tmp_path / "r.html")
    page = browser.new_page(viewport={"width": 420, "height": 900}, color_scheme=scheme)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    ground = page.evaluate("getComputedStyle(document.querySelector('.lf')).color")
    assert ground == ("rgb(0, 0, 0)" if scheme == "light" else "rgb(255, 255, 255)")
    assert page.evaluate(FAINT, [LEAST, [255, 255, 255] if scheme == "light" else [18, 18, 18]]) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert asked == [file.as_uri()], "the page asks for nothing else"
    page.close()


def test_the_bar_of_a_completed_job_is_full_and_its_retry_part_is_amber(browser, shown):
    page = _notebook(browser, shown["COMPLETED"], "light", 1200)
    track, fills = page.locator(".lf-row.job .lf-track"), page.locator(".lf-row.job .lf-fill")
    boxes = [fill.bounding_box() for fill in fills.all()]
    assert sum(box["width"] for box in boxes) == pytest.approx(track.bounding_box()["width"], abs=1.5)
    color = fills.nth(1).evaluate("e => getComputedStyle(e).backgroundColor")
    assert color == "rgb(242, 165, 65)"
    assert track.get_attribute("role") == "progressbar"
    assert track.get_attribute("aria-valuenow") == "100"
    page.close()

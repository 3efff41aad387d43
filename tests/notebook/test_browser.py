"""A real JupyterLab in a real Chromium: run, watch, stop, reload, resume, read the report."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from lab import CHROMIUM, PATIENCE_MS, lab_over, page_of, run_all

_NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01_run_a_job.ipynb"
_SHOTS = os.environ.get("LEADFLOW_SCREENSHOTS")

if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip("no Chromium here; apt-get install chromium", allow_module_level=True)


@pytest.fixture
def page(tmp_path):
    with lab_over(_NOTEBOOK, tmp_path) as address, page_of(address) as page:
        yield page


# Whether an element is whole in the notebook's scroller: what is outside is not painted.
_WHOLE = """e => {
    const seen = e.closest('.jp-WindowedPanel-outer').getBoundingClientRect(), is = e.getBoundingClientRect();
    return is.height > 0 && is.top >= seen.top && is.bottom <= seen.bottom;
}"""


def _shot(page, name, what, until=None):
    """A small picture of an output for the README, down to `until` in it; the window is made high enough for it."""
    if not _SHOTS:
        return
    before, drawn = page.viewport_size, page.locator(what).last
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": 1000, "height": int(drawn.bounding_box()["height"]) + 400})
    deadline = time.monotonic() + 30
    while not drawn.evaluate(_WHOLE):
        assert time.monotonic() < deadline, f"{what} does not fit the window"
        drawn.evaluate("e => e.scrollIntoView({block: 'center'})")
        time.sleep(0.2)
    box = drawn.bounding_box()
    if until:
        box["height"] = drawn.locator(until).bounding_box()["y"] - box["y"]
    page.screenshot(path=f"{_SHOTS}/{name}.png", clip=box, style=".jp-toast,.Toastify{display:none}")
    page.set_viewport_size(before)


# The first ground behind an element that is not next to transparent.
_GROUND = """e => {
    const ground = e => getComputedStyle(e).backgroundColor;
    while (e.parentElement && /^rgba.*, 0(\\.[0-4]\\d*)?\\)$/.test(ground(e))) e = e.parentElement;
    return ground(e);
}"""


def _light(color):
    """How light a CSS color is, 0 to 1."""
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) / 765


def _dark_theme(page):
    """In JupyterLab's dark theme, report and panel have dark grounds and light text, the drawing's too."""
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    for what in (".lf-panel .lf", ".lf-panel .lf .num", ".lf-panel .lf td", ".lf-panel .lf-live"):
        assert _light(page.locator(what).last.evaluate(_GROUND)) < 0.25, what
        assert _light(page.locator(what).last.evaluate("e => getComputedStyle(e).color")) > 0.75, what
    assert _light(page.locator(".lf-panel .lf svg text").last.evaluate("e => getComputedStyle(e).fill")) > 0.75


def _width(page):
    return float(page.locator(".lf-panel .lf-row.job .lf-fill").last.evaluate("e => e.style.width").rstrip("%"))


def _moves(page):
    """The job's bar is seen at a place between its ends, and later further on."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    seen = []
    while time.monotonic() < deadline:
        if page.locator(".lf-panel .lf-row.job .lf-fill").count():
            width = _width(page)
            if 0 < width < 100 and width not in seen:
                seen.append(width)
            if len(seen) >= 2:
                return seen
        time.sleep(0.1)
    raise AssertionError(f"the bar did not move: {seen}")


def _status(page, word):
    page.wait_for_function(
        "w => [...document.querySelectorAll('.lf-panel .lf-status')].some(e => e.textContent === w)", arg=word
    )


def _press(page, name):
    page.locator(f"button.widget-button:has-text('{name}'):not([disabled])").first.click()


@pytest.mark.timeout(900)
def test_run_watch_stop_reload_and_resume(page):
    run_all(page)
    page.locator(".lf-panel .widget-dropdown select").first.select_option(label="all_leads.sql")
    limit = page.locator(".lf-panel .widget-text input[type=text]").first
    limit.scroll_into_view_if_needed()
    limit.fill("1500")
    limit.press("Tab")
    _press(page, "Estimate")
    page.wait_for_selector("text=leads to look up")
    _press(page, "Run")
    first = _moves(page)
    assert first == sorted(first)
    bar = (
        "[...document.querySelectorAll('.lf-panel .lf-row.job [role=progressbar]')].pop().getAttribute('aria-valuenow')"
    )
    assert page.evaluate(bar) != "0"
    _shot(page, "panel", ".jp-OutputArea-output:has(.lf-panel)")

    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    time.sleep(1)
    page.reload()
    page.wait_for_selector(".lf-panel .lf-row.job .lf-fill", state="attached")
    assert max(_moves(page)) > min(first)

    # Not by a locator: the view is drawn again three times a second, and its elements are new ones each time.
    page.evaluate("[...document.querySelectorAll('.lf-panel .lf-live')].pop().scrollIntoView({block: 'center'})")
    _press(page, "Stop")
    _status(page, "STOPPED")
    _press(page, "Resume")
    _status(page, "COMPLETED")
    _report_is_drawn(page)


def _report_is_drawn(page):
    """The report of the resumed job, in the light theme and in the dark one."""
    page.wait_for_selector(".lf-panel .lf h2", state="attached")
    _shot(page, "report", ".lf-panel .lf", until="h3:text('Delays')")
    assert page.locator(".lf-panel .lf .badge").last.inner_text() == "COMPLETED"
    assert page.locator(".lf-panel .lf").last.bounding_box()["width"] > 600
    page.locator(".lf-panel .lf details").last.evaluate(
        "e => e.closest('.lf').querySelectorAll('details').forEach(d => d.open = true)"
    )
    aligned = page.locator(".lf-panel .lf td, .lf-panel .lf th").evaluate_all(
        "e => e.map(c => getComputedStyle(c).textAlign)"
    )
    assert set(aligned) == {"left"}
    for drawn in (".step.delivered .stay", "svg .marks rect", ".check .yes"):
        assert page.locator(f".lf-panel .lf {drawn}").last.bounding_box()["height"] > 0, drawn
    _dark_theme(page)
    _shot(page, "report_dark", ".lf-panel .lf", until="h3:text('Delays')")
    _shot(page, "panel_dark", ".jp-OutputArea-output:has(.lf-panel)")

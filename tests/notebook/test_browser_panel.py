"""The panel in a real JupyterLab: nothing is spent by a slip, no job is lost, what is saved can be read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from contrast import FAINT, LEAST
from lab import CHROMIUM, lab_over, page_of, run_all

_SHOTS = os.environ.get("LEADFLOW_SCREENSHOTS")
_WORLD = """
import os, sys
import leadflow as lf
if "world" not in globals():
    world = lf.local.start(latency={"idicore": 0.5})
priced = world.settings.idicore.model_copy(update={"price": 0.12})
engine = lf.Engine(world.settings.model_copy(update={"idicore": priced}))
"""
_PANEL = 'lf.panel(engine, lf.local.sample("scripts"))'
_WIDE = "[...document.querySelectorAll('.lf-panel')].pop().style.width = ''"
_BUTTON = ".lf-panel button.widget-button"
_FRESH = "[...document.querySelectorAll('.lf-panel')].pop()"

if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip("no Chromium here; apt-get install chromium", allow_module_level=True)


def _notebook(folder: Path, *cells: str) -> Path:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "panel.ipynb"
    nbformat.write(made, path)
    return path


@pytest.fixture
def slow_page(tmp_path):
    """As `page`, but its jobs take minutes: on a slow machine too, none is done before the test stops it."""
    world = _WORLD.replace('"idicore": 0.5', '"idicore": 8.0')
    with lab_over(_notebook(tmp_path, world, _PANEL), tmp_path) as address, page_of(address) as page:
        yield page


@pytest.fixture
def page(tmp_path):
    with lab_over(_notebook(tmp_path, _WORLD, _PANEL), tmp_path) as address, page_of(address) as page:
        yield page


def _fill(page, label, text):
    field = page.locator(f".lf-panel .widget-text:has(label:text-is('{label}')) input").last
    field.fill(text)
    field.press("Tab")


def _choose(page, label, option):
    page.locator(f".lf-panel .widget-dropdown:has(label:text-is('{label}')) select").last.select_option(label=option)


def _press(page, name):
    page.locator(f"{_BUTTON}:has-text('{name}'):not([disabled])").last.click()


def _waits(page, text):
    page.wait_for_function("t => [...document.querySelectorAll('.lf-panel')].pop()?.innerText.includes(t)", arg=text)


def _theme(page, name):
    page.evaluate(f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {name}'}})")
    light = "true" if name == "Light" else "false"
    page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")


def _looked_at(page, name):
    """In both themes, wide and narrow: enough contrast, nothing wider than the panel; a picture of each."""
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    page.set_viewport_size({"width": 1200, "height": 2400})
    for theme, ground in (("Light", [255, 255, 255]), ("Dark", [17, 17, 17])):
        _theme(page, theme)
        for width in (1200, 420):
            # JupyterLab's own bars would leave little of a window of 420 pixels.
            page.evaluate(f"{_FRESH}.style.width = '{width - 16}px'" if width < 1200 else _WIDE)
            time.sleep(1)
            page.evaluate(f"{_FRESH}.scrollIntoView({{block: 'start'}})")
            if _SHOTS:
                page.locator(".lf-panel").last.screenshot(path=f"{_SHOTS}/{name}_{theme.lower()}_{width}.png")
            assert page.evaluate(FAINT, [LEAST, ground]) == [], (theme, width)
            wide = f"{_FRESH}.getBoundingClientRect().right + 1"
            out = f"""right => [...{_FRESH}.querySelectorAll('button, input, select, pre, .lf-live *')].filter(
                e => !e.closest('.scroll') && e.getBoundingClientRect().right > right
            ).map(e => e.outerHTML.slice(0, 90))"""
            assert page.evaluate(out, page.evaluate(wide)) == [], (theme, width)
    page.evaluate(_WIDE)
    _theme(page, "Light")
    page.set_viewport_size({"width": 1180, "height": 900})


@pytest.mark.timeout(900)
def test_nothing_is_spent_by_a_slip_and_no_job_is_lost(slow_page):
    page = slow_page
    run_all(page)
    _waits(page, "Estimate")
    first = page.locator(".lf-panel select").first
    first.focus()
    for key in ("Tab", "Tab", "Enter", "Tab", "Enter", "Tab", "Enter", "Tab", "Enter"):
        page.keyboard.press(key)
    time.sleep(3)
    assert page.locator(".lf-panel .lf-live").count() == 0, "nothing runs"
    assert page.locator(f"{_BUTTON}:has-text('Run')").is_disabled()

    _choose(page, "Script", "all_leads.sql")
    page.wait_for_selector(".lf-panel .lf-sql:has-text('SELECT')")
    _fill(page, "Row limit", "900")
    _press(page, "Estimate")
    _waits(page, "Run, at most $108.00")
    _fill(page, "Row limit", "9000")
    _waits(page, "Run: estimate first")
    _fill(page, "Row limit", "900")
    _fill(page, "Budget ($)", "60")
    _press(page, "Estimate")
    _waits(page, "stops after 500 leads at $60.00")
    _waits(page, "Run, at most $60.00")
    _press(page, "Run, at most")
    _waits(page, "spent so far")
    _waits(page, "Jobs of this machine that run or wait: 1")
    _waits(page, "of 900 settled")
    _looked_at(page, "panel_runs")

    run_all(page)  # another engine of the same home
    page.wait_for_function("() => document.querySelectorAll('.lf-panel').length === 1")
    _waits(page, "RUNNING")
    page.locator(f"{_BUTTON}:has-text('Stop'):not([disabled])").first.wait_for()
    _press(page, "Stop")
    _waits(page, "STOPPED")
    page.wait_for_selector(f"{_BUTTON}:has-text('Resume, at most'):not([disabled])")


@pytest.mark.timeout(900)
def test_a_budget_is_replaced_and_what_is_saved_is_readable_without_the_kernel(page, tmp_path):
    run_all(page)
    _waits(page, "Estimate")
    _choose(page, "Script", "all_leads.sql")
    _fill(page, "Row limit", "300")
    _fill(page, "Budget ($)", "12")
    _press(page, "Estimate")
    _waits(page, "Run, at most $12.00")
    _press(page, "Run, at most")
    _waits(page, "Resume with $...")
    assert page.locator(f"{_BUTTON}:has-text('Resume')").is_disabled()
    _fill(page, "New budget", "60")
    _press(page, "Resume with $60.00")
    _waits(page, "COMPLETED")
    page.wait_for_selector(".lf-panel .lf h2")
    assert page.locator(".lf-live >> visible=true").count() == 1, "the plain copy is hidden while the widgets live"
    _looked_at(page, "panel")

    _save(page, tmp_path / "panel.ipynb")
    _is_readable_as_html(page, tmp_path)
    page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.wait_for_function("async () => [...window.jupyterapp.serviceManager.sessions.running()].length === 0")
    page.reload()
    page.wait_for_selector(".lf-live >> visible=true")
    assert page.locator("text=model not found >> visible=true").count() == 0
    assert page.locator(".lf-status >> visible=true").first.inner_text() == "COMPLETED"


def _save(page, notebook):
    """Save until the file has the end of the job: the page gets the last state of the plain copy a moment later."""
    end = time.monotonic() + 60
    while "COMPLETED</span>" not in notebook.read_text():
        assert time.monotonic() < end, "the saved notebook does not show the end of the job"
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        time.sleep(1)


def _is_readable_as_html(page, folder):
    """What nbconvert makes of the saved notebook shows the end state and the report."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(folder / "panel.ipynb")]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    plain = page.context.browser.new_page()
    plain.goto((folder / "panel.html").as_uri())
    plain.wait_for_selector(".lf-live .lf-row.job [role=progressbar] >> visible=true")
    assert plain.locator(".lf-status >> visible=true").first.inner_text() == "COMPLETED"
    assert plain.locator(".lf h2 >> visible=true").count() >= 1
    assert plain.locator("text=model not found >> visible=true").count() == 0
    plain.close()


@pytest.mark.timeout(900)
def test_where_widgets_of_threads_do_not_update_the_output_does(tmp_path):
    colab = "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"
    start = "handle = engine.submit('SELECT * FROM RAW_LEADS', limit_rows=300)\n"
    with (
        lab_over(_notebook(tmp_path, colab + _WORLD + start, _PANEL), tmp_path) as address,
        page_of(address) as page,
    ):
        run_all(page)
        page.wait_for_selector(".lf-live .lf-row.job >> visible=true")
        assert page.locator(".lf-panel .lf-live >> visible=true").count() == 0
        seen = set()
        while "COMPLETED" not in (said := page.locator(".jp-OutputArea .lf-live >> visible=true").last.inner_text()):
            seen.add(re.search(r"(\d+)%", said).group(1) if "%" in said else "")
            time.sleep(0.2)
        assert len(seen) > 2, "it moves"

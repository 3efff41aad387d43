"""What public objects show, in a real Chromium: light and dark, 1200 and 420 pixels wide, readable and in its frame."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timezone

import pytest
from contrast import is_readable, notebook_page

from leadflow.display.elements import bar, framed
from leadflow.job import Job, JobStatus
from leadflow.leads.counts import Counts
from leadflow.reports.shown_frame import ShownFrame
from leadflow.reports.why import CHECKED, HELD, Fact, Why
from leadflow.run.rescrub_start import RescrubEstimate

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_AT = datetime(2026, 11, 28, 15, tzinfo=timezone.utc)
_JOB = "june_leads-20261128-170844-52eb26"

if not _CHROMIUM and not os.environ.get("CI"):
    pytest.skip("no Chromium here; apt-get install chromium", allow_module_level=True)


def _shown():
    held = {"over_limit": 1_880, "duplicate": 90, "litigator": 13}
    counts = Counts(2_200, delivered=217, held=held, bought=300, checked=1_200, cost=36.0)
    facts = [Fact(_AT, CHECKED, "history", _JOB, "litigator", "litigator check, code L, list of 2026-11-28", place=2)]
    facts += [Fact(_AT, HELD, "history", _JOB, "litigator")]
    frame = {
        "id": [_JOB] * 3,
        "standing": ["completed"] * 3,
        "created_at": [_AT] * 3,
        "message": ["delivered, " * 30] * 3,
    }
    return {
        "job": Job(_JOB, "june", JobStatus.COMPLETED, counts, "217 delivered; 9 of them are for review")._repr_html_(),
        "why": Why(("0112e168dc938f2895fc7c6522fd44ed",), "Lead was not delivered.", facts, ["a note"])._repr_html_(),
        "jobs": ShownFrame(frame)._repr_html_(),
        "rescrub": RescrubEstimate(200, 40, 80, 3, 2, 1, 1, 1.6)._repr_html_(),
        "bar": framed(bar("june", 42, "june: 42%, 12 s, about 16 s left", amber=10)),
    }


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("name", ["job", "why", "jobs", "rescrub", "bar"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 420])
def test_all_text_can_be_read_and_nothing_is_wider_than_thenotebook_page(browser, name, scheme, width):
    page = notebook_page(browser, _shown()[name], scheme, width)
    try:
        assert is_readable(page, f"shown_{name}", scheme, width)
    finally:
        page.close()


def test_tables_are_left_aligned_against_a_notebook_that_aligns_right(browser):
    css = "<style>td, th { text-align: right; } table { margin-left: auto; }</style>"
    page = notebook_page(browser, css + _shown()["jobs"], "light", 1200)
    aligned = "[...document.querySelectorAll('.lf td, .lf th')].map(e => getComputedStyle(e).textAlign)"
    assert set(page.evaluate(aligned)) == {"left"}
    page.close()


def test_where_there_is_little_room_a_row_is_a_block_of_named_lines(browser):
    page = notebook_page(browser, _shown()["jobs"], "light", 420)
    content = "getComputedStyle(document.querySelector('.lf td'), '::before').content"
    assert page.evaluate(content) == '"id"'
    assert page.locator(".lf th").first.is_visible() is False
    page.close()


def test_a_bar_is_drawn_in_two_colors(browser):
    page = notebook_page(browser, _shown()["bar"], "light", 420)
    widths = page.evaluate("[...document.querySelectorAll('.lf .fill')].map(e => e.getBoundingClientRect().width)")
    assert widths[0] > 3 * widths[1] > 0
    page.close()

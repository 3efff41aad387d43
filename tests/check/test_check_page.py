"""The result of a check: a frame, text, a page for a notebook, and the exit status of `leadflow check`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest
from account_check import ALL_ROWS, LISTED, ready
from privacy import SECRETS, forbidden_words, words_in

import leadflow as lf
from leadflow.check.render import headline, to_html, to_text
from leadflow.check.result import CheckResult
from leadflow.check.rows import Row
from leadflow.cli import main

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ROWS = (
    Row("Clock", "ok", "right, within 1 s"),
    Row("Tab", "warning", "callers is not there; a run would make it", "Nothing, before your first run."),
    Row("Role <b>", "failed", 'no "rights" & <script>alert(1)</script>', "Have them granted."),
    Row("Room", "ok", "x" * 400),
)


def test_the_frame_has_the_columns_and_a_row_for_each():
    result = CheckResult(_ROWS)
    assert isinstance(result.frame, pd.DataFrame)
    assert result.frame.columns.tolist() == result.columns == ["what", "status", "found", "what_to_do"]
    assert result["status"].tolist() == ["ok", "warning", "failed", "ok"]
    assert len(result) == len(list(result)) == len(result.frame) == 4
    assert CheckResult(()).frame.columns.tolist() == result.columns


@pytest.mark.parametrize(("statuses", "ok"), [([], True), (["ok", "warning"], True), (["ok", "failed"], False)])
def test_ok_unless_something_failed(statuses, ok):
    assert CheckResult(tuple(Row("x", status, "y") for status in statuses)).ok is ok


def test_the_text_says_all_of_it():
    text = to_text(_ROWS, 80)
    for row in _ROWS[:3]:
        for part in (row.what, row.status, row.found, row.what_to_do):
            assert " ".join(part.split()) in " ".join(text.split()).replace(" -> ", " "), part
    assert text.splitlines()[-1] == "1 failed, 1 warning, 2 ok" == headline(_ROWS)
    assert max(len(line) for line in text.splitlines() if "xxx" not in line) <= 80
    assert repr(CheckResult(_ROWS)) == to_text(_ROWS)


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def test_the_page_is_escaped_and_self_contained():
    page = to_html(_ROWS)
    seen = _Text()
    seen.feed(page)
    assert not {"script", "link", "img", "iframe"} & set(seen.tags)
    assert "http" not in page
    for row in _ROWS:
        assert row.what in seen.text
        assert row.found in seen.text
        assert row.what_to_do in seen.text
    assert CheckResult(_ROWS)._repr_html_() == page


def test_no_secret_and_nobody_in_a_check(world, monkeypatch):
    settings = ready(world)
    world.edit_sheet([("append", ["k1", "Ann", "Lee", "1 Elm St", "", "", "", "+15045550143"])])
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:hunter22@proxy.example.com")
    with lf.Engine(settings) as engine:
        engine.run("SELECT * FROM RAW_LEADS", limit_rows=40, progress=False)
        for fault in ("", "422", "503"):
            if fault:
                world.fail("snowflake", fault, times=1)
            result = engine.check()
            texts = f"{result!r} {result._repr_html_()} {result.frame.to_csv()}"
            assert words_in(texts, {*forbidden_words(), *SECRETS, "hunter22", LISTED}) == []


def test_the_command_prints_the_check_and_exits_with_its_status(world, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in world.env().items():
        monkeypatch.setenv(name, value)
    ready(world)
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert all(what in out for what in ALL_ROWS)
    world.share_sheet("reader")
    assert main(["check"]) == 1
    assert "as a reader" in capsys.readouterr().out


def test_the_command_says_which_settings_are_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "leadflow", "check"], capture_output=True, text=True, check=False, env=_bare(tmp_path)
    )
    assert done.returncode == 1
    assert "LEADFLOW_IDICORE__CLIENT_ID" in done.stderr
    assert "Traceback" not in done.stderr


def _bare(tmp_path):
    import os
    from pathlib import Path

    root = str(Path(lf.__file__).resolve().parents[1])
    names = {name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")}
    return {**names, "PYTHONPATH": root, "HOME": str(tmp_path)}


@pytest.mark.skipif(not _CHROMIUM, reason="no Chromium here")
@pytest.mark.parametrize("width", [1200, 420])
def test_the_page_fits_a_wide_and_a_narrow_output(width):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_content(f"<body style='margin:8px'>{to_html(_ROWS)}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        beside = "r => r.querySelector('.found').getBoundingClientRect().left > "
        beside += "r.querySelector('.what').getBoundingClientRect().left + 100"
        assert page.locator(".row").first.evaluate(beside) == (width == 1200)
        browser.close()

"""A report is saved as a page, as Markdown or as text."""

from __future__ import annotations

import pytest
from recorded_jobs import facts, record_job

from leadflow import reports
from leadflow.errors import InputError

_GOOGLE = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"


@pytest.fixture
def report(history):
    record_job(history, script="SELECT * FROM T WHERE N = '?' -- `", spreadsheet_id=_GOOGLE, worksheet="June | leads")
    return reports.report("j", history=history, facts=facts())


@pytest.mark.parametrize("name", ["r.html", "r.HTM"])
def test_a_page_is_whole_and_needs_nothing_from_outside(report, tmp_path, name):
    page = report.save(str(tmp_path / name)).read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert '<meta charset="utf-8">' in page
    assert "<title>j: COMPLETED</title>" in page
    assert report._repr_html_() in page
    for outside in ("<script", "src=", "@import", "url(http", "<link"):
        assert outside not in page


def test_markdown_and_text_are_saved(report, tmp_path):
    assert report.save(tmp_path / "r.md").read_text(encoding="utf-8") == report.to_markdown()
    assert report.save(tmp_path / "r.txt").read_text(encoding="utf-8") == repr(report)


@pytest.mark.parametrize("name", ["r", "r.pdf", "r.docx", ".html"])
def test_another_ending_is_refused_with_the_known_ones(report, tmp_path, name):
    with pytest.raises(InputError, match=r"\.html, \.md or \.txt"):
        report.save(tmp_path / name)


def test_a_folder_that_is_not_there_is_said(report, tmp_path):
    with pytest.raises(InputError, match=r"cannot be saved as .*No such file or directory"):
        report.save(tmp_path / "none" / "r.html")


def test_the_sheet_is_linked_and_the_script_is_quoted(report):
    address = f"https://docs.google.com/spreadsheets/d/{_GOOGLE}"
    assert f'<a href="{address}" target="_blank" rel="noopener">June | leads</a>' in report._repr_html_()
    assert f"[June | leads]({address})" in report.to_markdown()
    assert "````sql\nSELECT * FROM T WHERE N = '?' -- `\n````" in report.to_markdown()

"""Each word of the screen has one meaning: all displays of one job over the sample data show the same numbers."""

from __future__ import annotations

import re

import pytest

import leadflow as lf
from leadflow.notebook.live import Pace, to_html
from leadflow.notebook.watch import Watch

_FLAGGED = re.compile(r"(\d+) flagged,.* of (\d+) phones")


@pytest.fixture(params=["all answers", "some unanswered"])
def engine(world, request):
    if request.param == "some unanswered":
        world.fail("dnc", "503", times=4)
    with lf.Engine(world.settings) as engine:
        yield engine


@pytest.fixture
def job(engine):
    return engine.run(lf.local.sample("scripts/june_leads.sql"), limit_rows=450, progress=False)


def _logged(trace, stage, batch=None):
    """The flagged phones and all phones that the log lines of a check count."""
    lines = trace[(trace["stage"] == stage) & ((trace["batch"] == batch) | (batch is None))]
    found = [_FLAGGED.search(message) for message in lines["message"]]
    return [sum(int(match[n]) for match in found if match) for n in (1, 2)]


def _cards(html):
    return {label: number for number, label in re.findall(r'<div class="num [a-z]*"><b>([^<]+)</b>([^<]+)</div>', html)}


def _live(engine, job):
    now = Watch(job.id, engine.history, 1.0)._now
    return {label: number for number, label in re.findall(r"<span><b>([^<]+)</b> ([^<]+)</span>", to_html(now, Pace()))}


def test_flagged_is_what_a_check_found_on_its_list(engine, job):
    report, trace = job.report(), job.trace(full=True)
    html, live = _cards(report._repr_html_()), _live(engine, job)
    for stage, column, label in (("Litigator", "litigator", "litigator"), ("DNC", "dnc", "do not call")):
        for batch in report.flow.to_dict("records"):
            assert _logged(trace, stage, batch["batch"]) == [batch[column], batch["phones_found"]]
            assert f"{stage}: {batch[column]} flagged" in report.to_markdown()
        flagged = _logged(trace, stage)[0]
        assert flagged > 0
        assert html[f"flagged: {label}"] == live[f"flagged: {label}"] == f"{flagged:,}"
        assert report.job[f"{column}_count"] == flagged
        assert lf.jobs(full=True).iloc[0][f"{column}_count"] == flagged


def test_held_back_is_all_that_was_not_delivered_for_a_reason(engine, job):
    counts, report = job.counts, job.report()
    held = counts.extracted - counts.already_processed - counts.delivered
    assert held == counts.held_back > counts.left_out > 0
    text = report.to_markdown()
    assert f"{held:,} held back" in job.message
    assert f"{counts.left_out} of those held back were left out" in text
    total = next(line for line in text.splitlines() if line.startswith("Total:"))
    assert f" {held} held back (" in total
    assert f"{held} held back" in report.validation["detail"][1]
    html, live = _cards(report._repr_html_()), _live(engine, job)
    for shown in (html, live):
        assert shown["held back"] == f"{held:,}"
        assert shown["of them left out"] == f"{counts.left_out:,}"
        assert shown["of them may still clear"] == f"{sum(counts.retry.values()):,}"
        assert shown["delivered"] == f"{counts.delivered:,}"
    in_batches = sum(int(n) for n in re.findall(r"uploaded, (\d+) held back", text))
    assert in_batches == held - counts.left_out
    assert lf.compare(job.id, job.id).loc["held_back"].iloc[0] == held

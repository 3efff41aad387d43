"""The report: facts, gaps and next steps."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from recorded_jobs import DELIVERED, FINAL, facts, record_job

from leadflow import reports
from leadflow.events import EventBus, JobErrored, JobLog, JobProgress, Recorded
from leadflow.reports import Facts


def test_a_good_job_is_ticked(history):
    record_job(history)
    report = reports.report("j", history=history, facts=facts())
    assert report.ok, report.validation
    text = report.to_markdown()
    for part in (
        "# Job Flow Trace: j",
        "## Timeline",
        "| Time | Stage | File:Line | Event |",
        "## Data Flow",
        "Snowflake (10 rows)",
        "Filtered (7 unprocessed",
    ):
        assert part in text
    for part in (
        "└── Batch 1 (7 rows)",
        "idiCORE: 9 phones found",
        "Litigator: 1 flagged",
        "DNC: 2 flagged",
        "Google Sheets: 4 uploaded",
        "Total: 7 processed, 4 clean",
    ):
        assert part in text
    for part in (
        "Total: 7 processed, 4 clean, 4 held back (unchecked 2, duplicate 1, litigator 1)",
        "## Events Log",
        "## Validation",
        "- [x] Job status is COMPLETED",
        "## Delays",
        "\\| pipe",
    ):
        assert part in text
    assert "[ ]" not in text
    assert 'engine.resume("j")' in text


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"sheet_keys": ["a", "b", "c"]}, 2),
        ({"sheet_keys": [*DELIVERED, "a"]}, 2),
        ({"sheet_keys": None}, 2),
        ({"sheet_keys": [*DELIVERED, "e"]}, 2),
        ({"cache_keys": DELIVERED}, 3),
        ({"consolidated_keys": [*FINAL, "e"]}, 4),
        ({"delivered_keys": [], "sheet_keys": []}, 2),
    ],
)
def test_a_fact_that_does_not_hold_is_not_ticked(history, changes, wrong):
    record_job(history)
    report = reports.report("j", history=history, facts=facts(**changes))
    assert list(report.validation.index[~report.validation["ok"]]) == [wrong]
    unread = changes in ({"sheet_keys": None}, {"delivered_keys": [], "sheet_keys": []})
    assert report.validation["state"][wrong] == ("could not be checked" if unread else "does not hold")
    assert ("- [?]" if unread else "- [ ]") in report.to_markdown()
    assert report.to_markdown().count("could not be checked") == unread


def test_without_facts_nothing_outside_is_ticked_or_crossed_out(history):
    record_job(history)
    report = reports.report("j", history=history)
    assert list(report.validation["ok"]) == [True, True, False, False, False]
    assert list(report.validation["state"]) == ["holds"] * 2 + ["could not be checked"] * 3
    assert not report.ok, "what nobody could check does not pass for right"
    assert report.to_markdown().count("- [?]") == 3
    assert "- [ ]" not in report.to_markdown()
    html = report._repr_html_()
    assert (html.count('class="yes"'), html.count('class="unknown"'), html.count('class="no"')) == (2, 3, 0)


def test_an_incomplete_trace_says_where_and_what_to_run(history):
    record_job(history, status="FAILED", done=False)
    EventBus("j", history.record, first_seq=6).emit(
        JobErrored(stage="DNC", message="service down", error="ServiceDownError")
    )
    text = reports.report("j", history=history).to_markdown()
    assert "broke off at T+0.0s in DNC" in text
    assert 'engine.resume("j")' in text


def test_missing_events_and_logs_are_said(history):
    history.start_job(id="empty", script_name="s")
    assert "No events" in reports.report("empty", history=history).to_markdown()
    history.start_job(id="quiet", script_name="s")
    EventBus("quiet", history.record).emit(JobProgress(stage="Engine", status="running", progress=0, message="m"))
    assert "No log lines" in reports.report("quiet", history=history).to_markdown()
    assert "No events" in reports.report("empty", history=history)._repr_html_()


def test_html_is_escaped_and_self_contained(history):
    record_job(history)
    html = reports.report("j", history=history, facts=facts())._repr_html_()
    assert "<script" not in html
    assert "<b>done" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in re.sub(r"xmlns(:xlink)?=\"http://www.w3.org/[^\"]+\"", "", html)
    assert "<svg" in html
    assert "Batch 1" in html


def _gap(history, job_id, seconds, created):
    history.start_job(id=job_id, script_id="abc123", script_name="june", created_at=created)
    for seq, elapsed in enumerate((0.0, seconds), 1):
        history.record(Recorded(job_id, seq, created, elapsed, JobLog(stage="DNC", batch=1, message=f"m{seq}")))


def test_delays_are_judged_by_earlier_jobs_of_the_script(history):
    now = datetime.now(timezone.utc)
    for n in range(3):
        _gap(history, f"old{n}", 10.0, now - timedelta(days=n + 1))
    _gap(history, "usual", 12.0, now)
    _gap(history, "slow", 60.0, now)
    assert reports.report("usual", history=history).delays.empty
    slow = reports.report("slow", history=history).delays
    assert set(slow["stage"]) == {"DNC", "(all stages)"}
    assert set(slow["usual_s"]) == {10.0}
    assert "| 1 min | 10 s |" in reports.report("slow", history=history).to_markdown()


def test_a_running_job_is_not_called_broken(history):
    record_job(
        history,
        status="RUNNING",
        done=False,
        completed_at=None,
        owner="another-host:1:a",
        heartbeat_at=datetime.now(timezone.utc),
    )
    history.start_job(id="new", script_name="s", owner="another-host:1:a")
    for job_id in ("j", "new"):
        (note,) = reports.report(job_id, history=history).notes
        assert f'lf.watch("{job_id}")' in note
        assert "resume" not in note
        assert "ncomplete" not in note


def test_a_job_that_failed_before_its_leads_were_read_has_nothing_ticked(history):
    zeros = {"extracted": 0, "already_processed": 0, "delivered": 0, "held": {}, "retry": {}, "waiting": 0, "bought": 0}
    nothing = Facts(delivered_keys=[], final_keys=[], sheet_keys=["x"], cache_keys=[], consolidated_keys=[])
    record_job(history, "bad", status="FAILED", done=False, counts=zeros)
    report = reports.report("bad", history=history, facts=nothing)
    assert not report.validation["ok"].any()
    assert "did not get as far as the extraction" in report._repr_html_()
    record_job(history, "none", counts=zeros)
    assert reports.report("none", history=history, facts=nothing).ok, "a script may well find nobody"

"""The trace and the report: facts, gaps and next steps."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from leadflow import reports as reports
from leadflow.errors import InputError, JobNotFound
from leadflow.events import (
    BatchProgress,
    EventBus,
    JobComplete,
    JobErrored,
    JobLog,
    JobProgress,
    Recorded,
    RowProcessed,
)
from leadflow.history import History, set_default
from leadflow.reports import Facts

_COUNTS = {
    "extracted": 10,
    "already_processed": 2,
    "delivered": 4,
    "held": {"duplicate": 1, "litigator": 1},
    "retry": {"unchecked": 2},
    "waiting": 0,
    "bought": 6,
    "reused": 0,
}
_DELIVERED, _FINAL = list("abcd"), list("abcde")


@pytest.fixture
def history(tmp_path):
    opened = History(tmp_path / "history.duckdb")
    set_default(opened.path)
    yield opened
    set_default(None)
    opened.close()


def _job(history, job_id="j", *, status="COMPLETED", done=True, script_name="june", **fields):
    now = datetime.now(timezone.utc)
    fields = {"counts": _COUNTS, "started_at": now, "completed_at": now + timedelta(seconds=9), **fields}
    history.start_job(
        id=job_id,
        name=script_name,
        script_id="abc123",
        script_name=script_name,
        status=status,
        message="<b>done</b>",
        **fields,
    )
    bus = EventBus(job_id, history.record)
    bus.emit(JobLog(stage="Job", message="Job created, status=PENDING"))
    bus.emit(JobProgress(stage="Engine", status="running", progress=0, message="ETL job started"))
    bus.emit(BatchProgress(stage="Engine", batch=1, first_row=1, last_row=7, total_batches=1))
    bus.emit(JobLog(stage="idiCORE", batch=1, message="<script>alert(1)</script> | pipe"))
    bus.emit(RowProcessed(stage="Engine", batch=1, row=10, person_key="a", outcome="delivered"))
    if done:
        bus.emit(JobComplete(stage="Job", stats={"clean_count": 4}))
    at = {"started_at": now, "completed_at": now + timedelta(seconds=8)}
    history.record_batch(
        job_id,
        1,
        rows=7,
        phones_found=9,
        litigator=1,
        dnc=2,
        delivered=4,
        held=1,
        retry=2,
        lookup_s=3.0,
        check_s=1.0,
        **at,
    )
    history.record_leads(job_id, 1, [("a", "delivered", ""), ("e", "held", "litigator")])


def _facts(**changes):
    return Facts(
        **{
            "delivered_keys": _DELIVERED,
            "final_keys": _FINAL,
            "sheet_keys": [*_DELIVERED, "x"],
            "cache_keys": _FINAL,
            "consolidated_keys": _FINAL,
            **changes,
        }
    )


def test_trace_is_one_row_an_event(history):
    _job(history)
    trace = reports.trace("j")
    assert list(trace.columns) == [
        "time",
        "stage",
        "source",
        "event",
        "message",
        "elapsed",
        "level",
        "batch",
        "at",
        "data",
    ]
    assert list(trace["event"])[:3] == ["job_log", "job_progress", "batch_progress"]
    assert trace["time"].iloc[0] == "T+0.0s"
    assert str(trace["at"].dt.tz) == "UTC"


def test_an_unknown_job_lists_recent_ones_and_how_to_search(history):
    for n in range(12):
        _job(history, f"job{n}")
    for ask in (reports.trace, lambda i: reports.report(i, history=history)):
        with pytest.raises(JobNotFound) as caught:
            ask("nope")
        text = str(caught.value)
        assert text.count("COMPLETED") == 10
        assert "lf.jobs(script=" in text
        assert "since=" in text


def test_a_good_job_is_ticked(history):
    _job(history)
    report = reports.report("j", history=history, facts=_facts())
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
        "4 held back (unchecked 2, duplicate 1, litigator 1)",
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
        ({"sheet_keys": [*_DELIVERED, "a"]}, 2),
        ({"sheet_keys": None}, 2),
        ({"sheet_keys": [*_DELIVERED, "e"]}, 2),
        ({"cache_keys": _DELIVERED}, 3),
        ({"consolidated_keys": [*_FINAL, "e"]}, 4),
        ({"delivered_keys": [], "sheet_keys": []}, 2),
    ],
)
def test_a_fact_that_does_not_hold_is_not_ticked(history, changes, wrong):
    _job(history)
    report = reports.report("j", history=history, facts=_facts(**changes))
    assert list(report.validation.index[~report.validation["ok"]]) == [wrong]
    assert "- [ ]" in report.to_markdown()


def test_without_facts_nothing_outside_is_ticked(history):
    _job(history)
    report = reports.report("j", history=history)
    assert list(report.validation["ok"]) == [True, True, False, False, False]
    assert "could not be checked" in report.to_markdown()


@pytest.mark.parametrize("counts", [{**_COUNTS, "delivered": 5}, {**_COUNTS, "waiting": 1}, {}])
def test_counts_that_do_not_add_up_are_not_ticked(history, counts):
    _job(history, counts=counts)
    assert not reports.report("j", history=history, facts=_facts()).validation["ok"].iloc[1]


def test_an_incomplete_trace_says_where_and_what_to_run(history):
    _job(history, status="FAILED", done=False)
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
    _job(history)
    html = reports.report("j", history=history, facts=_facts())._repr_html_()
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
    assert "60.0 s" in reports.report("slow", history=history).to_markdown()


def test_jobs_are_searched(history):
    _job(history, "a", script_name="June leads")
    _job(history, "b", script_name="probate", status="FAILED")
    assert list(reports.jobs(script="june")["id"]) == ["a"]
    assert list(reports.jobs(script="abc123")["id"]) == ["b", "a"]
    assert list(reports.jobs(status="failed")["id"]) == ["b"]
    assert list(reports.jobs(since="2100-01-01")["id"]) == []
    assert list(reports.jobs(limit=1, history=history.path)["id"]) == ["b"]
    assert list(reports.jobs(script="%")["id"]) == []
    for bad in ({"limit": 0}, {"since": "yesterdayish"}):
        with pytest.raises(InputError):
            reports.jobs(**bad)


def test_compare_and_lineage(history):
    _job(history, "a")
    _job(history, "b", counts={**_COUNTS, "delivered": 5})
    both = reports.compare("a", "b")
    assert list(both.loc["delivered"]) == [4, 5, 1]
    story = reports.lineage("e")
    assert list(story[story["kind"] == "outcome"]["job_id"]) == ["a", "b"]
    assert set(story[story["kind"] == "outcome"]["reason"]) == {"litigator"}


_MANY = {
    "extracted": 2200,
    "already_processed": 106,
    "delivered": 650,
    "held": {
        "over_limit": 1080,
        "duplicate": 84,
        "no_identity": 30,
        "litigator": 59,
        "no_phone": 44,
        "no_match": 32,
        "ambiguous": 24,
        "all_suppressed": 62,
        "bad_cell": 1,
    },
    "retry": {"unchecked": 20, "lookup_failed": 8},
    "waiting": 0,
    "bought": 900,
    "cost": 63.0,
}


def test_the_funnel_goes_down_from_extracted_to_delivered(history):
    from leadflow.reports.flow import accounting
    from leadflow.reports.funnel import steps

    found = steps(accounting(_MANY))
    assert [(step.name, step.leads) for step in found] == [
        ("extracted", 2200),
        ("already processed", 106),
        ("duplicates", 84),
        ("no identity", 30),
        ("over the row limit", 1080),
        ("to look up", 900),
        ("not found", 32),
        ("ambiguous", 24),
        ("no phone found", 44),
        ("litigators", 59),
        ("every phone suppressed", 62),
        ("bad cell", 1),
        ("may still clear: unchecked", 20),
        ("may still clear: lookup failed", 8),
        ("delivered", 650),
    ]
    left = [step.left for step in found]
    assert left == sorted(left, reverse=True)
    assert found[-2].left == 650, "what the steps took away and what was delivered are all that was extracted"


def test_left_out_is_told_apart_from_held_back_and_the_sum_still_holds(history):
    _job(history, counts=_MANY)
    report = reports.report("j", history=history)
    cards = dict(
        reversed(pair)
        for pair in re.findall(r'<div class="num [a-z]*"><b>([^<]+)</b>([^<]+)</div>', report._repr_html_())
    )
    assert cards.pop("seconds")
    assert cards == {
        "extracted": "2,200",
        "already processed": "106",
        "left out": "1,194",
        "delivered": "650",
        "held back": "222",
        "may still clear": "28",
        "litigator phones": "1",
        "DNC phones": "2",
        "lookups bought": "900",
        "for lookups": "$63.00",
    }
    assert report.validation["ok"].iloc[1]
    assert (
        "2200 extracted = 106 already processed + 650 delivered + 1444 held back" in report.validation["detail"].iloc[1]
    )
    total = next(line for line in report.to_markdown().splitlines() if line.startswith("Total:"))
    assert total.startswith("Total: 900 processed, 650 clean, 250 held back (")
    assert total.endswith("106 already processed, 1194 left out (over_limit 1080, duplicate 84, no_identity 30)")


def test_a_job_without_an_end_is_shown_as_it_stands(history):
    from leadflow.reports.flow import accounting

    counts = {"extracted": 20, "already_processed": 2, "duplicate": 1, "over_limit": 8, "todo": 9}
    _job(history, status="RUNNING", done=False, counts=counts, completed_at=None)
    history.record_leads("j", 1, [("b", "retry", "unchecked")])
    report = reports.report("j", history=history)
    totals = accounting(report.job["counts"])
    assert (totals.delivered, totals.held_here, totals.retry, totals.waiting, totals.todo) == (
        1,
        {"litigator": 1},
        {"unchecked": 1},
        6,
        9,
    )
    assert report.standing == "dead"
    assert ">DEAD<" in report._repr_html_()
    assert "process that ran the job is gone" in report.notes[0]
    assert 'engine.resume("j")' in report.notes[0]


@pytest.mark.parametrize("earlier_end", [{}, {"already_processed": 4, "elsewhere": 2, "delivered": 1}])
def test_leads_that_another_job_processed_are_counted_once_in_a_job_without_an_end(history, earlier_end):
    counts = {"extracted": 20, "already_processed": 2, "duplicate": 1, "over_limit": 8, **earlier_end}
    _job(history, status="RUNNING", done=False, counts=counts, completed_at=None)
    history.record_leads("j", None, [("x", "processed", "by_another_job"), ("y", "processed", "by_another_job")])
    report = reports.report("j", history=history)
    counted = report.job["counts"]
    assert (counted["already_processed"], counted["waiting"]) == (4, 5)
    assert "4 already processed" in report.to_markdown()


def test_a_running_job_is_not_called_broken(history):
    _job(
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
    _job(history, "bad", status="FAILED", done=False, counts=zeros)
    report = reports.report("bad", history=history, facts=nothing)
    assert not report.validation["ok"].any()
    assert "did not get as far as the extraction" in report._repr_html_()
    _job(history, "none", counts=zeros)
    assert reports.report("none", history=history, facts=nothing).ok, "a script may well find nobody"


@pytest.mark.parametrize("ask", [reports.trace, reports.report, lambda job: reports.compare("j", job)])
def test_a_job_in_place_of_its_id_is_told_so(history, ask):
    from leadflow.job import Job, JobStatus
    from leadflow.leads.counts import Counts

    _job(history)
    with pytest.raises(InputError, match=r"this Job has its id in \.id"):
        ask(Job("j", "j", JobStatus.COMPLETED, Counts()))
    with pytest.raises(InputError, match="this NoneType is none"):
        ask(None)


def test_questions_with_a_slip_are_answered_with_it(history):
    _job(history)
    with pytest.raises(InputError, match="known ones are running, pending, completed, stopped, failed, dead"):
        reports.jobs(status="finished")
    with pytest.raises(InputError, match="Lead Key"):
        reports.lineage(" ")
    assert reports.lineage("nobody").empty
    assert len(reports.lineage(" e ")) == len(reports.lineage("e")) > 0

"""Past jobs: the trace, the list of jobs, two jobs compared, one lead's history."""

from __future__ import annotations

import pytest
from recorded_jobs import COUNTS, record_job

from leadflow import reports
from leadflow.errors import InputError, JobNotFound
from leadflow.job import Job, JobStatus
from leadflow.leads.counts import Counts


def test_trace_is_one_row_an_event(history):
    record_job(history)
    assert list(reports.trace("j").columns) == ["time", "stage", "source", "event", "level", "message"]
    trace = reports.trace("j", full=True)
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
        record_job(history, f"job{n}")
    for ask in (reports.trace, lambda i: reports.report(i, history=history)):
        with pytest.raises(JobNotFound) as caught:
            ask("nope")
        text = str(caught.value)
        assert text.count("COMPLETED") == 10
        assert "lf.jobs(script=" in text
        assert "since=" in text


def test_jobs_are_searched(history):
    record_job(history, "a", script_name="June leads")
    record_job(history, "b", script_name="probate", status="FAILED")
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
    record_job(history, "a")
    record_job(history, "b", counts={**COUNTS, "delivered": 5})
    both = reports.compare("a", "b")
    assert list(both.loc["delivered"]) == [4, 5, 1]
    story = reports.lineage("e")
    assert list(story[story["kind"] == "outcome"]["job_id"]) == ["a", "b"]
    assert set(story[story["kind"] == "outcome"]["reason"]) == {"litigator"}


@pytest.mark.parametrize("ask", [reports.trace, reports.report, lambda job: reports.compare("j", job)])
def test_a_job_in_place_of_its_id_is_told_so(history, ask):
    record_job(history)
    with pytest.raises(InputError, match=r"this Job has its id in \.id"):
        ask(Job("j", "j", JobStatus.COMPLETED, Counts()))
    with pytest.raises(InputError, match="this NoneType is none"):
        ask(None)


def test_questions_with_a_slip_are_answered_with_it(history):
    record_job(history)
    with pytest.raises(InputError, match="known ones are running, pending, queued, completed, stopped, failed, dead"):
        reports.jobs(status="finished")
    with pytest.raises(InputError, match="Lead Key"):
        reports.lineage(" ")
    assert reports.lineage("nobody").empty
    assert len(reports.lineage(" e ")) == len(reports.lineage("e")) > 0

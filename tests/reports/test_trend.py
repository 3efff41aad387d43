"""The trend of a script, and the line of a report on what is unusual against earlier jobs."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest
from recorded_jobs import record_job

import leadflow as lf
from leadflow import reports
from leadflow.errors import InputError

_NOW = datetime(2026, 11, 20, 15, tzinfo=timezone.utc)


def _job(history, job_id, day, *, no_match=11, litigator=4, cost=60.0, script="june", **more):
    """A job of 100 leads that were looked up, and 30 that were over the limit."""
    delivered = 100 - no_match - litigator
    held = {"over_limit": 30, "no_match": no_match, "litigator": litigator}
    counts = {"extracted": 130, "already_processed": 0, "delivered": delivered, "held": held, "retry": {}, "waiting": 0}
    counts |= {"bought": 100, "cost": cost, "checked": 200}
    record_job(history, job_id, counts=counts, script_name=script, created_at=_NOW + timedelta(days=day), **more)


def _report(history, job_id):
    return reports.report(job_id, history=history)


@pytest.fixture
def month(history):
    for day in range(-25, 0):
        _job(history, f"d{day}", day, no_match=11 + day % 3)
    return history


def test_the_trend_has_shares_of_the_leads_that_were_looked_up_oldest_first(month):
    found = lf.trend("june")
    assert list(found["id"]) == [f"d{day}" for day in range(-20, 0)]
    last = found.iloc[-1]
    assert (last["leads"], last["delivered"], last["no_match"], last["litigator"]) == (100, 83, 0.13, 0.04)
    assert last["hit_rate"] == pytest.approx(0.87)
    assert last["held_back"] == pytest.approx(0.17)
    assert last["cost_per_delivered"] == pytest.approx(60 / 83)
    assert "over_limit" not in found
    assert len(lf.trend("june", last=3)) == 3


def test_a_trend_of_nothing_is_empty_and_has_its_columns(history):
    assert list(lf.trend("june").columns)[:4] == ["id", "started", "status", "leads"]
    record_job(history, "empty", counts={})
    assert lf.trend().empty
    with pytest.raises(InputError, match="1 or more"):
        lf.trend("june", last=0)


def test_what_is_unusual_is_said_at_the_top_of_each_report(month):
    _job(month, "odd", 1, no_match=38)
    report = _report(month, "odd")
    unusual = "no_match 38 %, usually 12 %; delivered 58 %, usually 84 %"
    assert report.notes[-1] == f"Unusual against the last 20 jobs of this script: {unusual}."
    for shown in (report.to_markdown(), report._repr_html_(), repr(report)):
        assert "no_match 38 %, usually 12 %" in shown


def test_a_dearer_and_a_slower_job_is_unusual_too(month):
    _job(month, "dear", 1, cost=200.0)
    assert "$2.35 a delivered lead, usually $0.71" in _report(month, "dear").notes[-1]


def test_a_job_like_the_others_is_said_to_be_so(month):
    _job(month, "same", 1, no_match=12)
    report = _report(month, "same")
    assert "Unusual" not in repr(report)
    assert report.usual == "Nothing is unusual against the last 20 jobs of this script."
    assert report.usual in report._repr_html_()
    assert report.usual in report.to_markdown()


@pytest.mark.parametrize(("jobs", "said"), [(0, False), (2, False), (3, True)])
def test_fewer_than_three_earlier_jobs_make_nothing_usual(history, jobs, said):
    for day in range(jobs):
        _job(history, f"d{day}", day)
    _job(history, "other", 1, script="probate", script_id="another")
    _job(history, "now", 30, no_match=60)
    assert ("Unusual" in repr(_report(history, "now"))) == said


def test_a_share_of_few_leads_is_not_unusual_by_chance(month):
    counts = {
        "extracted": 5,
        "already_processed": 0,
        "delivered": 3,
        "held": {"no_match": 2},
        "retry": {},
        "waiting": 0,
    }
    record_job(month, "few", counts=counts, created_at=_NOW + timedelta(days=1))
    assert "Unusual" not in repr(_report(month, "few"))


def test_jobs_that_nobody_named_are_compared_with_their_own_script_only(history):
    for day in range(5):
        _job(history, f"d{day}", day, script="script", script_id=f"s{day}")
    _job(history, "now", 30, no_match=60, script="script", script_id="new")
    assert _report(history, "now").usual == ""
    assert "Unusual" not in repr(_report(history, "now"))


def test_an_unknown_price_has_no_cost(history):
    _job(history, "free", 0, cost=None)
    assert math.isnan(lf.trend()["cost"].iloc[0])


def test_a_re_scrub_is_no_run_with_a_hit_rate_of_nothing(month):
    counts = {"extracted": 40, "renewed": 36, "withdrawn": {"dnc": 4}, "waiting": 0, "bought": 0, "cost": 1.2}
    for day in range(1, 5):
        record_job(
            month,
            f"again{day}",
            counts=counts,
            job_type="rescrub",
            script_name="june",
            created_at=_NOW + timedelta(days=day),
        )
    assert not lf.trend().id.str.startswith("again").any()
    assert "usual" not in repr(_report(month, "again4")).lower()
    _job(month, "same", 6, no_match=12)
    assert _report(month, "same").usual == "Nothing is unusual against the last 20 jobs of this script."


@pytest.mark.parametrize("status", ["QUEUED", "STOPPED"])
def test_a_job_of_a_queue_that_never_ran_is_no_run(month, status):
    before = lf.trend()
    month.start_job(id="waits", name="june", script_name="june", script_id="abc123", status=status)
    assert lf.trend().equals(before)

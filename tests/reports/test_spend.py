"""What jobs cost, by script, day, job and person; an unknown price is not zero."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest
from recorded_jobs import record_job

import leadflow as lf
from leadflow.errors import InputError

_NOW = datetime(2026, 11, 20, 15, tzinfo=timezone.utc)


def _job(history, job_id, day=0, *, cost=6.0, bought=50, delivered=40, status="COMPLETED", **more):
    counts = {"extracted": 50, "already_processed": 0, "delivered": delivered, "held": {}, "retry": {}, "waiting": 0}
    counts |= {"bought": bought, "cost": cost, "checked": 2 * bought}
    record_job(history, job_id, counts=counts, status=status, created_at=_NOW + timedelta(days=day), **more)


@pytest.fixture
def jobs(history):
    _job(history, "a", 0, script_name="june", started_by="ann")
    _job(history, "b", 1, script_name="june", started_by="bob", cost=9.0)
    _job(history, "c", 1, script_name="probate", started_by="ann", cost=20.0, delivered=10)
    _job(history, "d", 2, script_name="unpriced", started_by="cy", cost=None)
    return history


def _table(by, **more):
    return lf.spend(by=by, **more).set_index(lf.spend(by=by).columns[0])


def test_the_cost_by_script_has_the_dearest_first(jobs):
    found = lf.spend()
    assert list(found.columns) == [
        *("script", "jobs", "lookups", "checks", "delivered", "cost", "cost_per_delivered", "jobs_of_unknown_cost")
    ]
    assert found["script"].tolist() == ["probate", "june", "unpriced"]
    june = found.iloc[1]
    assert (june["jobs"], june["lookups"], june["checks"], june["delivered"]) == (2, 100, 200, 80)
    assert (june["cost"], june["cost_per_delivered"]) == (15.0, 15 / 80)


def test_an_unknown_cost_is_said_and_is_not_zero(jobs):
    unpriced = _table("script").loc["unpriced"]
    assert unpriced[["cost", "cost_per_delivered"]].isna().all()
    assert unpriced["jobs_of_unknown_cost"] == 1
    _job(jobs, "e", 3, script_name="june", cost=None)
    june = _table("script").loc["june"]
    assert (june["jobs"], june["cost"], june["jobs_of_unknown_cost"]) == (3, 15.0, 1)
    assert june["cost_per_delivered"] == 15 / 80, "of the jobs whose cost is known"


def test_a_job_that_bought_nothing_cost_nothing_and_one_that_has_not_ended_is_unknown(history):
    _job(history, "none", cost=None, bought=0, delivered=0, script_name="none")
    _job(history, "runs", status="RUNNING", script_name="runs")
    found = _table("script")
    assert (found.loc["none"]["cost"], found.loc["none"]["jobs_of_unknown_cost"]) == (0.0, 0)
    assert found.loc["runs"]["jobs_of_unknown_cost"] == 1


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("job", ["c", "b", "a", "d"]),
        ("person", ["ann", "bob", "cy"]),
        ("person who started", ["ann", "bob", "cy"]),
    ],
)
def test_jobs_are_grouped_by_job_and_person(jobs, by, groups):
    assert lf.spend(by=by).iloc[:, 0].tolist() == groups


def test_days_are_in_the_order_of_time_and_since_leaves_out_earlier_jobs(jobs):
    days = lf.spend(by="day")
    assert days["day"].is_monotonic_increasing
    assert days["cost"].tolist()[:2] == [6.0, 29.0]
    assert lf.spend(since="2026-11-21")["jobs"].sum() == 3
    assert lf.spend(since="2100-01-01").empty


def test_a_slip_is_answered_with_what_is_known(history):
    with pytest.raises(InputError, match="'script', 'day', 'job', 'person'"):
        lf.spend(by="week")
    with pytest.raises(InputError, match="is no time"):
        lf.spend(since="yesterdayish")


def test_the_checks_of_a_re_scrub_cost_money_but_make_no_delivery_dearer(jobs):
    counts = {"extracted": 40, "renewed": 40, "withdrawn": {}, "waiting": 0, "bought": 0, "checked": 200, "cost": 5.0}
    record_job(jobs, "again", counts=counts, job_type="rescrub", script_name="rescrub", started_by="ann")
    ann = _table("person").loc["ann"]
    assert (ann["jobs"], ann["cost"], ann["delivered"]) == (3, 31.0, 50)
    assert ann["cost_per_delivered"] == 26.0 / 50
    assert math.isnan(_table("script").loc["rescrub", "cost_per_delivered"])


@pytest.mark.parametrize("status", ["QUEUED", "STOPPED"])
def test_a_job_of_a_queue_that_never_ran_is_in_no_row(jobs, status):
    before = lf.spend(by="job")
    jobs.start_job(id="waits", name="july", script_name="july", script_id="xyz", status=status)
    assert lf.spend(by="job").equals(before)

"""A delay is longer than usual for what was done; the normal time of a batch and a pause between runs are none."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from leadflow import reports
from leadflow.events import STARTED, BatchProgress, JobLog, JobProgress, Recorded

_NOW = datetime(2026, 11, 20, 15, tzinfo=timezone.utc)


def _record(history, job_id, lookups, created=_NOW, pause=0.0):
    """A job of batches one after another, each with a lookup of so many seconds; a second run begins at `pause`."""
    history.start_job(id=job_id, script_id="s", script_name="june", status="COMPLETED", created_at=created)
    seq, clock = 0, 0.0

    def emit(event, seconds):
        nonlocal seq
        seq += 1
        history.record(Recorded(job_id, seq, created + timedelta(seconds=seconds), seconds, event))

    emit(JobProgress(stage="Engine", status="running", progress=0, message=STARTED), 0.0)
    for number, lookup in enumerate(lookups, 1):
        emit(BatchProgress(stage="Engine", batch=number, first_row=1, last_row=200), clock)
        emit(JobLog(stage="idiCORE", batch=number, message=f"API lookup of 200 leads, {number} known already"), clock)
        found = f"{3 * number} phones found, 200 lookups bought, 0 failed"
        emit(JobLog(stage="idiCORE", batch=number, message=found), clock + lookup)
        emit(JobProgress(stage="Engine", batch=number, status="running", progress=1, message="done"), clock + lookup)
        clock += lookup
    if pause:
        emit(JobProgress(stage="Engine", status="running", progress=0, message=STARTED), clock + pause)
    return reports.report(job_id, history=history)


@pytest.mark.parametrize("lookups", [[7.0], [7.0, 8.0], [6.0, 9.0, 14.0], [12.0] * 30, [40.0]])
def test_the_normal_time_of_a_batch_is_no_delay(history, lookups):
    assert _record(history, "j", lookups).delays.empty


def test_a_batch_that_takes_much_longer_than_the_others_of_its_job_is_a_delay(history):
    delays = _record(history, "j", [7.0, 8.0, 7.0, 90.0, 7.0]).delays
    assert set(delays["gap_s"]) == {90.0}
    assert set(delays["stage"]) == {"idiCORE", "Engine", "(all stages)"}
    assert set(delays["usual_s"]) == {7.0}
    assert set(delays["batch"].dropna()) == {4}


def test_a_batch_that_alone_of_its_kind_is_silent_for_minutes_is_listed_without_a_usual_time(history):
    report = _record(history, "j", [200.0])
    assert set(report.delays["gap_s"]) == {200.0}
    assert report.delays["usual_s"].isna().all()
    assert "| 3 min 20 s | not known |" in report.to_markdown()


def test_earlier_jobs_of_the_script_say_what_is_usual(history):
    for day in range(1, 4):
        _record(history, f"old{day}", [7.0], created=_NOW - timedelta(days=day))
    assert set(_record(history, "slow", [60.0]).delays["usual_s"]) == {7.0}
    assert _record(history, "fine", [15.0]).delays.empty


def test_a_pause_between_two_runs_is_no_delay(history):
    assert _record(history, "j", [3.0, 3.0], pause=4_000.0).delays.empty

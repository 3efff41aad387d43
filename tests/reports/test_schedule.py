"""The chart of a report: job time, pauses between runs, few batches as bars and many as a curve."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import reports
from leadflow.display.units import duration
from leadflow.events import STARTED, BatchProgress, JobComplete, JobProgress, Recorded, RowProcessed
from leadflow.reports.gantt import gantt, ticks

_START = datetime(2026, 11, 20, 15, tzinfo=timezone.utc)


class _Recorder:
    """Records a job whose clock and job time move as it is told; each run begins with its event."""

    def __init__(self, history, job_id="j"):
        self.history, self.job_id, self.seq, self.paused = history, job_id, 0, timedelta(0)
        history.start_job(id=job_id, script_name="june", status="COMPLETED", created_at=_START)

    def at(self, seconds):
        return _START + self.paused + timedelta(seconds=seconds)

    def emit(self, event, seconds):
        self.seq += 1
        self.history.record(Recorded(self.job_id, self.seq, self.at(seconds), seconds, event))

    def run(self, seconds, after=timedelta(0)):
        self.paused += after
        self.emit(JobProgress(stage="Engine", status="running", progress=0, message=STARTED), seconds)

    def batch(self, number, start, lookup=4.0, rows=200):
        end = start + lookup + 3
        self.emit(BatchProgress(stage="Engine", batch=number, first_row=1, last_row=rows), start)
        self.emit(JobProgress(stage="Engine", batch=number, status="running", progress=1, message="done"), end)
        times = {"lookup_s": lookup, "check_s": 1.0, "deliver_s": 1.0, "cache_s": 1.0}
        at = {"started_at": self.at(start), "completed_at": self.at(end)}
        self.history.record_batch(self.job_id, number, rows=rows, litigator=0, dnc=0, **times, **at)

    def report(self):
        return reports.report(self.job_id, history=self.history)


@pytest.fixture
def recorder(history):
    return _Recorder(history)


def test_a_resume_the_next_day_is_marked_and_leaves_no_gap(recorder):
    recorder.run(0.0)
    recorder.batch(1, 10.0)
    recorder.run(20.0, after=timedelta(days=1))
    recorder.batch(2, 25.0)
    plan = recorder.report().schedule
    assert plan.seconds == 32.0
    assert [(bar.batch, bar.start, bar.end) for bar in plan.bars if bar.stage == "idiCORE"] == [
        (1, 10, 14),
        (2, 25, 29),
    ]
    (resume,) = plan.resumes
    assert (resume.first_s, resume.pause_s) == (20.0, 86_400.0)
    drawn = recorder.report()._repr_html_()
    assert "after a pause of 1 d, at 20 s of job time." in drawn
    assert drawn.count('class="resume" x1="62.500%"') == 1


def test_the_time_before_the_first_batch_is_on_the_axis(recorder):
    recorder.run(0.0)
    recorder.batch(1, 93.0)
    assert min(bar.start for bar in recorder.report().schedule.bars) == 93.0


def test_a_batch_that_two_runs_share_begins_in_the_first_and_ends_in_the_second(recorder):
    recorder.run(0.0)
    recorder.batch(1, 2.0)
    recorder.run(50.0, after=timedelta(hours=9))
    recorder.batch(1, 60.0)
    bars = recorder.report().schedule.bars
    assert min(bar.start for bar in bars) == 2.0
    assert max(bar.end for bar in bars) == 67.0


@pytest.mark.parametrize(("batches", "lanes"), [(1, 1), (60, 60), (61, 0)])
def test_up_to_sixty_batches_have_a_lane_each(recorder, batches, lanes):
    recorder.run(0.0)
    for number in range(1, batches + 1):
        recorder.batch(number, 3.0 * number, lookup=40.0 if number == 17 else 4.0)
    report = recorder.report()
    plan, drawn = report.schedule, report._repr_html_()
    assert plan.batches == batches
    assert len({bar.batch for bar in plan.bars}) == lanes
    assert all(0 <= bar.start <= bar.end <= plan.seconds + 1e-6 for bar in plan.bars)
    assert bool(plan.throughput) == (not lanes)
    assert drawn.count('class="marks"') == 1
    assert (f">Batch {batches}</text>" in drawn) == bool(lanes)
    if not lanes:
        assert "The 20 slowest of 61 batches" in drawn
        assert plan.slowest[0].batch == 17
        assert len(plan.slowest) == 20
        width = plan.seconds / len(plan.throughput)
        assert sum(rate * width for rate in plan.throughput) == pytest.approx(61 * 200)


def test_a_job_without_a_finished_batch_or_without_events_has_a_report(recorder, history):
    assert "No batch was finished." in recorder.report()._repr_html_()
    history.record_batch(
        "j", 1, rows=5, lookup_s=2.0, started_at=recorder.at(0), completed_at=recorder.at(9), litigator=0, dnc=0
    )
    assert [bar.end for bar in recorder.report().schedule.bars] == [2.0]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_clock_that_was_set_back_breaks_nothing(recorder, order):
    recorder.run(0.0)
    recorder.batch(order[0], 5.0)
    recorder.run(30.0, after=timedelta(hours=-2))
    recorder.batch(order[1], 35.0)
    plan = recorder.report().schedule
    assert all(0 <= bar.start <= bar.end <= plan.seconds for bar in plan.bars)
    assert "<svg" in gantt(plan)


@given(st.floats(0.001, 3e7))
def test_an_axis_has_a_few_round_ticks_within_the_job(seconds):
    found = ticks(seconds)
    assert found[0] == 0
    assert len(found) <= 5
    assert found[-1] <= seconds + 1e-6
    assert all(a < b for a, b in pairwise(found))


@given(st.floats(0, 1e8))
def test_a_duration_is_short_and_has_at_most_two_units(seconds):
    text = duration(seconds)
    assert len(text.split()) <= 4
    assert "60 s" not in text
    assert "60 min" not in text


def test_the_report_of_a_thousand_batches_and_two_hundred_thousand_events_is_quick(recorder):
    recorder.run(0.0)
    for number in range(1, 1001):
        recorder.batch(number, 3.0 * number)
        for row in range(198):
            event = RowProcessed(stage="Engine", batch=number, row=row, person_key="k" * 32, outcome="delivered")
            recorder.emit(event, 3.0 * number + 7)
    recorder.emit(JobComplete(stage="Job", stats={}), 3_100.0)
    recorder.history.flush()
    begun = time.process_time()
    page = recorder.report()._repr_html_()
    assert time.process_time() - begun < 20, "it took 1.5 s where this was written"
    assert len(page) < 1_000_000

"""Where every extracted lead went: counts, funnel, and a job without an end."""

from __future__ import annotations

import re

import pytest
from recorded_jobs import COUNTS, facts, record_job

from leadflow import reports
from leadflow.reports.accounting import accounting
from leadflow.reports.funnel import steps

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
        ("no callable phone", 62),
        ("bad cell", 1),
        ("may still clear: unchecked", 20),
        ("may still clear: lookup failed", 8),
        ("delivered", 650),
    ]
    left = [step.left for step in found]
    assert left == sorted(left, reverse=True)
    assert found[-2].left == 650, "what the steps took away and what was delivered are all that was extracted"


def test_left_out_is_a_part_of_held_back_everywhere_and_the_sum_holds(history):
    record_job(history, counts=_MANY)
    report = reports.report("j", history=history)
    cards = dict(
        reversed(pair)
        for pair in re.findall(r'<div class="num [a-z]*"><b>([^<]+)</b>([^<]+)</div>', report._repr_html_())
    )
    assert cards.pop("run time")
    assert cards == {
        "extracted": "2,200",
        "already processed": "106",
        "delivered": "650",
        "held back": "1,444",
        "of them left out": "1,194",
        "of them may still clear": "28",
        "flagged: litigator": "1",
        "flagged: do not call": "2",
        "lookups bought": "900",
        "for lookups": "$63.00",
    }
    assert report.validation["ok"].iloc[1]
    assert (
        "2200 extracted = 106 already processed + 650 delivered + 1444 held back" in report.validation["detail"].iloc[1]
    )
    assert "$63.00 for lookups" in report.to_markdown()
    total = next(line for line in report.to_markdown().splitlines() if line.startswith("Total:"))
    assert total.startswith("Total: 900 processed, 650 clean, 1444 held back (over_limit 1080, duplicate 84, ")
    assert total.endswith("106 already processed; 1194 of those held back were left out before the lookup")


def test_a_job_without_an_end_is_shown_as_it_stands(history):
    counts = {"extracted": 20, "already_processed": 2, "duplicate": 1, "over_limit": 8, "todo": 9}
    record_job(history, status="RUNNING", done=False, counts=counts, completed_at=None)
    history.record_leads("j", 1, [("b", "retry", "unchecked")])
    report = reports.report("j", history=history)
    totals = accounting(report.job["counts"])
    assert (totals.delivered, totals.held_final, totals.retry, totals.waiting, totals.todo) == (
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
    record_job(history, status="RUNNING", done=False, counts=counts, completed_at=None)
    history.record_leads("j", None, [("x", "processed", "by_another_job"), ("y", "processed", "by_another_job")])
    report = reports.report("j", history=history)
    counted = report.job["counts"]
    assert (counted["already_processed"], counted["waiting"]) == (4, 5)
    assert "4 already processed" in report.to_markdown()


@pytest.mark.parametrize("counts", [{**COUNTS, "delivered": 5}, {**COUNTS, "waiting": 1}, {}])
def test_counts_that_do_not_add_up_are_not_ticked(history, counts):
    record_job(history, counts=counts)
    assert not reports.report("j", history=history, facts=facts()).validation["ok"].iloc[1]

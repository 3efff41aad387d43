"""What each provider was asked, brought and cost: in the report and in lf.spend."""

from __future__ import annotations

import math
from datetime import datetime, timezone

import pytest
from further_providers import OwnCheck, OwnSource, priced, rows_of
from outcome import SCRIPT
from recorded_jobs import record_job

import leadflow as lf
from leadflow.reports.providers import provider_rows

_COLUMNS = ["provider", "what", "jobs", "asked", "hits", "hit_rate", "unanswered", "cost", "cost_per_hit"]


def _part(provider, what, asked, hits, cost, unanswered=0):
    names = ("provider", "what", "asked", "hits", "unanswered", "cost")
    return dict(zip(names, (provider, what, asked, hits, unanswered, cost), strict=True))


def _job(history, job_id, *parts):
    counts = {
        "extracted": 9,
        "already_processed": 0,
        "delivered": 9,
        "held": {},
        "retry": {},
        "waiting": 0,
        "bought": 9,
    }
    more = {"providers": list(parts)} if parts else {}
    record_job(history, job_id, counts={**counts, **more}, created_at=datetime(2026, 11, 20, tzinfo=timezone.utc))


def test_spend_by_provider_sums_over_jobs_the_dearest_first(history):
    _job(history, "a", _part("idicore", "lookup", 100, 80, 10.0), _part("pdl", "lookup", 20, 5, 1.4, 2))
    _job(history, "b", _part("idicore", "lookup", 100, 90, None), _part("pdl", "lookup", 0, 0, 0.0))
    _job(history, "of an earlier version")
    found = lf.spend(by="provider")
    assert list(found.columns) == [*_COLUMNS, "jobs_of_unknown_cost"]
    first, second = found.to_dict("records")
    assert [first[name] for name in ("provider", "jobs", "asked", "hits", "cost", "jobs_of_unknown_cost")] == [
        "idicore", 2, 200, 170, 10.0, 1,
    ]  # fmt: skip
    assert (first["hit_rate"], first["cost_per_hit"]) == (0.85, 10.0 / 80), "of the jobs whose cost is known"
    assert [second[name] for name in ("provider", "jobs", "asked", "hits", "unanswered")] == ["pdl", 1, 20, 5, 2]
    assert second["cost_per_hit"] == pytest.approx(0.28)


def test_an_unknown_price_is_not_zero_and_no_jobs_are_no_rows(history):
    assert lf.spend(by="provider").empty
    _job(history, "a", _part("idicore", "lookup", 10, 8, None))
    row = lf.spend(by="provider").iloc[0]
    assert math.isnan(row["cost"])
    assert math.isnan(row["cost_per_hit"])
    assert provider_rows({"counts": {"providers": [_part("idicore", "lookup", 10, 8, None)]}}) == [
        ["idicore", "lookup", "10", "8", "80 %", "no price is set", ""]
    ]
    with pytest.raises(lf.errors.InputError, match="'provider'"):
        lf.spend(by="vendor")


def test_report_and_spend_have_the_jobs_own_numbers(world):
    source, check = OwnSource(price=0.25), OwnCheck(price=0.02)
    with lf.Engine(priced(world.settings), lookups=[source], checks=[check]) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        report = engine.report(job.id)
        spent = lf.spend(by="provider").set_index(["provider", "what"])
        assert lf.spend(by="job").iloc[0]["cost"] == pytest.approx(job.counts.cost)
    rows = rows_of(job)
    stats = world.stats()
    assert rows["idicore", "lookup"]["asked"] == sum(stats["idicore"]["bought"].values()) == 60
    assert rows["dncscrub", "litigator"]["asked"] == stats["litigator"]["numbers"]
    assert rows["dncscrub", "dnc"]["asked"] == stats["dnc"]["numbers"]
    assert rows["own", "lookup"]["asked"] == len(source.asked)
    assert rows["own_list", "complaints"]["asked"] == len(check.asked)
    for (provider, what), row in rows.items():
        assert spent.loc[(provider, what), "asked"] == row["asked"]
        assert spent.loc[(provider, what), "cost"] == pytest.approx(row["cost"], abs=0.01)
    assert job.counts.bought == 60 + len(source.asked)
    assert job.counts.cost == pytest.approx(sum(row["cost"] for row in job.counts.providers), abs=0.01)
    text, page = report.to_markdown(), report._repr_html_()
    assert f"| own | lookup | {len(source.asked)} |" in text
    assert "| own_list | complaints |" in text
    assert "Providers" in page
    assert "own_list" in page

"""Old checks, checks from the future, and a clock that steps back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.stages import check_dnc


def _scrub(phone, days):
    at = datetime.now(timezone.utc) - timedelta(days=days)
    return Scrub(phone=phone, check="dnc", verdict=Verdict.CLEAN, provider="test", code="C", checked_at=at)


@pytest.mark.parametrize(("days", "asked"), [(0, 0), (30, 0), (32, 1), (-2, 1)])
def test_a_scrub_too_old_or_from_the_future_does_not_count(world, days, asked):
    import polars as pl

    from leadflow.services.dnc_list import dnc_service

    phone = "+15045550143"
    before = world.stats()["dnc"]["calls"]
    service = dnc_service(world.settings.dnc)
    check_dnc(pl.DataFrame({"phones": [[phone]]}), service, known={phone: _scrub(phone, days)})
    service.close()
    assert world.stats()["dnc"]["calls"] - before == asked


def test_a_clock_that_steps_back_disorders_nothing(world, monkeypatch):
    import leadflow.events as events

    class Back(datetime):
        @classmethod
        def now(cls, tz=None):
            steps["n"] += 1
            return datetime.now(tz) - timedelta(hours=steps["n"] % 7)

    steps = {"n": 0}
    with lf.Engine(world.settings) as engine:
        monkeypatch.setattr(events, "datetime", Back)
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        monkeypatch.undo()
        elapsed = [float(t.removeprefix("T+").removesuffix("s")) for t in lf.trace(job.id)["time"]]
        assert elapsed == sorted(elapsed)
        assert lf.trace(job.id)["event"].iloc[-1] in ("job_complete", "job_progress")
        assert engine.report(job.id).ok

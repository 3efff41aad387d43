"""An estimate says where a budget stops the run. A resume that would stop at once is refused, with what to do."""

from __future__ import annotations

import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.errors import BudgetReached, InputError, SettingsError


def _engine(world, price=0.12, checks=0.0, charge=True, **settings):
    idicore = world.settings.idicore.model_copy(update={"price": price, "charge_on_no_match": charge})
    more = {name: getattr(world.settings, name).model_copy(update={"price": checks}) for name in ("litigator", "dnc")}
    return lf.Engine(world.settings.model_copy(update={"idicore": idicore, **more, **settings}))


@pytest.mark.parametrize(
    ("budget", "leads", "words", "price"),
    [
        ({}, None, "", "at most $24.00"),
        ({"max_cost": 60}, None, "", "at most $24.00"),
        ({"max_cost": 24}, None, "", "at most $24.00"),
        ({"max_cost": 6}, 50, "stops after 50 leads at $6.00", "at most $6.00"),
        ({"max_cost": 0.13}, 1, "stops after 1 lead at $0.13", "at most $0.13"),
        ({"max_cost": 0.05}, 0, "stops before the first lookup: $0.05 allows none", "at most $0.05"),
        ({"max_lookups": 25}, 25, "stops after 25 leads at max_lookups 25", "at most $3.00"),
        ({"max_lookups": 0}, 0, "stops before the first lookup: max_lookups 0 allows none", "at most $0.00"),
        ({"max_lookups": 25, "max_cost": 6}, 25, "stops after 25 leads at max_lookups 25", "at most $3.00"),
        ({"max_lookups": 100, "max_cost": 6}, 50, "stops after 50 leads at $6.00", "at most $6.00"),
        ({"max_lookups": 200}, None, "", "at most $24.00"),
    ],
)
def test_the_estimate_says_where_the_budget_stops_the_run(world, budget, leads, words, price):
    with _engine(world) as engine:
        found = engine.estimate(SCRIPT, limit_rows=200, **budget)
    assert (found.lookups, found.cost) == (200, 24.0), "those of the whole run"
    assert found.stops_after == leads
    assert (words in str(found)) if words else ("stops" not in str(found))
    assert found.price == price
    assert str(found) in repr(found)


@pytest.mark.parametrize("checks", [0.0, 0.01])
@pytest.mark.parametrize("max_cost", [1.3, 4.0])
def test_the_run_stops_where_the_estimate_said(world, checks, max_cost):
    with _engine(world, checks=checks) as engine:
        engine.run(SCRIPT, limit_rows=60, progress=False)  # so that the phones a lead are known
        found = engine.estimate(SCRIPT, limit_rows=60, max_cost=max_cost)
        job = engine.run(SCRIPT, limit_rows=60, max_cost=max_cost, progress=False)
    assert str(job.status) == "STOPPED"
    assert abs(job.counts.bought - found.stops_after) <= (2 if checks else 0)
    assert job.counts.cost <= max_cost
    assert ("stops after about" in str(found)) == bool(checks)
    assert found.price == f"at most ${max_cost:.2f}"


def test_the_budget_of_the_settings_counts_and_a_wrong_one_is_refused(world):
    with _engine(world, max_cost=6.0) as engine:
        assert engine.estimate(SCRIPT, limit_rows=200).stops_after == 50
        assert engine.estimate(SCRIPT, limit_rows=200, max_cost=12).stops_after == 100
        for wrong in (-1, "6", True, float("nan")):
            with pytest.raises(InputError, match="max_cost"):
                engine.estimate(SCRIPT, limit_rows=5, max_cost=wrong)
    with lf.Engine(world.settings) as engine:
        unpriced = engine.estimate(SCRIPT, limit_rows=5)
        assert unpriced.price == "price unknown"
        assert "cost unknown: set LEADFLOW_IDICORE__PRICE" in str(unpriced)
        with pytest.raises(SettingsError, match=r"idicore\.price is not"):
            engine.estimate(SCRIPT, limit_rows=5, max_cost=6)


def test_checks_make_the_price_about_and_free_lookups_do_not_lower_the_most(world):
    with _engine(world, price=0.1, checks=0.01) as engine:
        assert engine.estimate(SCRIPT, limit_rows=50).price == "about $8.00"
        assert engine.estimate(SCRIPT, limit_rows=50, max_cost=20).price == "about $8.00, at most $20.00"
    with _engine(world, price=0.1, charge=False) as engine:
        engine.run(SCRIPT, limit_rows=80, progress=False)
        found = engine.estimate(SCRIPT, limit_rows=80)
        assert found.price == "at most $8.00"
        assert "at most $8.00 for lookups, probably $" in str(found)


def test_a_resume_that_would_stop_at_once_is_refused_and_says_what_to_do(world):
    with _engine(world, max_cost=3.0) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        assert (str(job.status), job.counts.bought) == ("STOPPED", 25)
        for limit in ({}, {"max_cost": 3}, {"max_lookups": 25}):
            with pytest.raises(BudgetReached) as refused:
                engine.resume(job.id, progress=False, **limit)
            said = str(refused.value)
            assert "has bought 25 lookups for $3.00" in said
            assert "allows no more for the 35 leads that are left: a resume would stop at once" in said
            assert f"engine.resume('{job.id}', max_cost=...)" in said
        assert engine.history.job(job.id)["status"] == "STOPPED", "nothing changed"
        more = engine.resume(job.id, max_cost=4.8, progress=False)
        assert (str(more.status), more.counts.bought) == ("STOPPED", 40)
        assert engine.resume(job.id, max_cost=60, progress=False).ok


def test_a_resume_with_paid_leads_to_deliver_is_not_refused(world):
    world.fail("dnc", "503", times=8)
    with _engine(world, max_cost=1.2) as engine:
        job = engine.run(SCRIPT, limit_rows=10, progress=False)
        world.heal()
        assert job.counts.retry
        assert engine.resume(job.id, progress=False).ok


def test_dollars_so_far_are_part_of_the_progress(world):
    world.configure(latency={"idicore": 0.05})
    with _engine(world) as engine:
        handle = engine.submit(SCRIPT, limit_rows=100)
        seen = set()
        while not handle.wait(0.02):
            seen.add(handle.progress.cost)
        assert len(seen) > 3
        assert sorted(seen) == sorted(cost for cost in seen if 0 <= cost <= 12)
        assert handle.progress.cost == handle.result().counts.cost == 12.0

"""What a job may spend: lookups and checks, over all its runs; and what it says it has spent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow.errors import BudgetReached, Stopped
from leadflow.leads.people import Answer, Phone
from leadflow.run.budget import MOST_PHONES, Budget, Prices


def _priced(world, lookup=0.10, litigator=0.01, dnc=0.02, **idicore):
    return world.settings.model_copy(
        update={
            "batch_size": 10,
            "idicore": world.settings.idicore.model_copy(update={"price": lookup, **idicore}),
            "litigator": world.settings.litigator.model_copy(update={"price": litigator}),
            "dnc": world.settings.dnc.model_copy(update={"price": dnc}),
        }
    )


def _billed(world, lookup=0.10, litigator=0.01, dnc=0.02, no_match=0):
    """What the vendors' own counters say that the job costs."""
    stats = world.stats()
    lookups = sum(stats["idicore"]["bought"].values()) - no_match
    return round(lookups * lookup + stats["litigator"]["numbers"] * litigator + stats["dnc"]["numbers"] * dnc, 2)


def test_the_cost_of_a_job_is_what_the_vendors_bill(world):
    with lf.Engine(_priced(world)) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        assert job.counts.cost == _billed(world) > 6.0
        assert job.counts.checked == world.stats()["dnc"]["numbers"] + world.stats()["litigator"]["numbers"]
        assert f"<b>${job.counts.cost:,.2f}</b>for lookups and checks" in job.report()._repr_html_()


def test_a_search_that_finds_nobody_costs_nothing_where_the_contract_says_so(world):
    with lf.Engine(_priced(world, charge_on_no_match=False)) as engine:
        job = engine.run(SCRIPT, limit_rows=80, progress=False)
        nobody = job.counts.held["no_match"]
        assert nobody > 0
        assert job.counts.cost == _billed(world, no_match=nobody)
        assert job.counts.bought == 80


def test_a_search_waits_for_checks_that_are_counted_twice_meanwhile():
    """Numbers are counted when they are checked, and set aside until their batch is through: for a moment, both."""
    budget = Budget(max_cost=1.0, prices=Prices(0.10, {"dnc": 0.02}))
    budget.take()
    budget.answered(Answer("k1", "found", tuple(Phone(f"+150455501{n:02d}") for n in range(20))))
    budget.checks_begin(["k1"])
    budget.checked("dnc", 20)
    with ThreadPoolExecutor(1) as pool:
        search = pool.submit(budget.take)
        with pytest.raises(TimeoutError):
            search.result(0.3)
        budget.checks_done(["k1"])
        search.result(100)
    assert budget.spent == 2


def test_checks_that_are_reused_cost_nothing(world):
    with lf.Engine(_priced(world)) as engine:
        stopped = engine.run(SCRIPT, limit_rows=40, max_lookups=20, progress=False)
        first = world.stats()["dnc"]["numbers"]
        assert stopped.counts.checked == first + world.stats()["litigator"]["numbers"]
        with engine.checkpoints.transaction() as db:
            db.execute("UPDATE leads SET disposition = NULL WHERE disposition IN ('delivered', 'held')")
        job = engine.resume(stopped.id, progress=False)
        assert job.ok
        assert job.counts.cost == _billed(world)
        assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("max_cost", [0.0, 0.05, 0.39, 0.45, 1.0, 3.0, 6.0])
@pytest.mark.parametrize("latency", [0.0, 0.02])
def test_no_job_costs_more_than_max_cost(world, max_cost, latency):
    world.configure(latency={"idicore": latency})
    with lf.Engine(_priced(world)) as engine:
        job = engine.run(SCRIPT, limit_rows=200, max_cost=max_cost, progress=False)
        assert str(job.status) == "STOPPED"
        assert "max_cost" in job.message
        assert job.counts.cost == _billed(world) <= max_cost
        # What is left would not have paid for one more search with the most phones set aside, but for phones that
        # several of the leads have: these were set aside for each, and checked once.
        found = int(engine.history.batches(job.id)["phones_found"].fillna(0).sum())
        checked_once = found - world.stats()["dnc"]["numbers"]
        assert max_cost - job.counts.cost < 0.10 + (MOST_PHONES + checked_once) * 0.03 + 1e-9
        assert job.counts.waiting == 200 - job.counts.bought
        world.configure(latency={"idicore": 0.0})
        resumed = engine.resume(job.id, max_cost=100, progress=False)
        assert resumed.ok
        assert resumed.counts.cost == _billed(world)
        assert observe(world, engine, job.id).clean


def test_max_cost_holds_over_all_runs(world):
    with lf.Engine(_priced(world)) as engine:
        job = engine.run(SCRIPT, limit_rows=120, max_cost=3.0, progress=False)
    with lf.Engine(_priced(world)) as engine:
        again = engine.resume(job.id, max_cost=4.5, progress=False)
        assert str(again.status) == "STOPPED"
        assert job.counts.cost < again.counts.cost == _billed(world) <= 4.5
        with pytest.raises(lf.errors.BudgetReached, match="a resume would stop at once"):
            engine.resume(job.id, max_cost=4.5, progress=False)
        assert _billed(world) == again.counts.cost


_KILLED = """
import os, signal, threading, time
import leadflow as lf
engine = lf.Engine()
handle = engine.submit("SELECT * FROM RAW_LEADS", name="killed", limit_rows=200, max_cost=12.0)
print(handle.id, flush=True)
while handle.progress.stages.get("DNC", 0) < 20:
    time.sleep(0.005)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_max_cost_holds_over_a_kill(world):
    """Numbers are counted in the transaction that stores their checks, so a kill loses none of them."""
    prices = {
        "LEADFLOW_IDICORE__PRICE": "0.1",
        "LEADFLOW_LITIGATOR__PRICE": "0.01",
        "LEADFLOW_DNC__PRICE": "0.02",
        "LEADFLOW_BATCH_SIZE": "10",
    }
    world.configure(latency={"idicore": 0.02})
    child = subprocess.run(
        [sys.executable, "-c", _KILLED],
        env={**os.environ, **world.env(), **prices},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    killed = world.stats()
    assert killed["dnc"]["numbers"] > 0
    with lf.Engine(_priced(world)) as engine:
        job = engine.resume(child.stdout.split()[0], progress=False)
        assert str(job.status) == "STOPPED"
        assert job.counts.cost <= 12.0
        # Of the calls in flight at the kill nobody knows: at most so many lookups, and one bulk of each check.
        lost = world.settings.idicore.max_in_flight * (0.10 + 4 * 0.03)
        assert job.counts.cost <= _billed(world) <= 12.0 + lost
        assert job.counts.checked >= killed["dnc"]["numbers"]


def test_checks_of_phones_that_are_bought_are_never_refused(world):
    """An outage of a check leaves leads to retry; they are checked on resume whatever is left."""
    world.fail("dnc", "503", times=1000)
    quick = _priced(world)
    dnc = quick.dnc.model_copy(update={"attempts": 1, "breaker_failures": 1000})
    with lf.Engine(quick.model_copy(update={"dnc": dnc})) as engine:
        job = engine.run(SCRIPT, limit_rows=30, max_cost=50, progress=False)
        assert job.counts.retry
        world.heal()
        resumed = engine.resume(job.id, max_cost=job.counts.cost, progress=False)
        assert resumed.ok
        assert not resumed.counts.retry
        assert resumed.counts.cost == round(
            resumed.counts.bought * 0.10
            + sum(n * p for n, p in zip(_checked(engine, job.id), (0.02, 0.01), strict=True)),
            2,
        )


def _checked(engine, job_id):
    found = engine.checkpoints.checked(job_id)
    return found["dnc"], found["litigator"]


def test_an_estimate_counts_the_checks(world):
    with lf.Engine(_priced(world)) as engine:
        before = engine.estimate(SCRIPT, limit_rows=50)
        assert (before.phones_a_lead, before.check_cost, before.cost) == (3.0, 4.5, 9.5)
        job = engine.run(SCRIPT, limit_rows=50, progress=False)
        after = engine.estimate(SCRIPT, limit_rows=50)
        assert after.phones_a_lead != 3.0
        assert after.cost == round(5.0 + after.check_cost, 2)
        assert abs(after.cost - job.counts.cost) < 1.0
    with lf.Engine(world.settings) as engine:
        unpriced = engine.estimate(SCRIPT, limit_rows=50)
        assert (unpriced.cost, unpriced.check_cost) == (None, 0.0)


def test_an_estimate_expects_searches_that_find_nobody_to_be_free_where_they_are(world):
    with lf.Engine(_priced(world, litigator=0, dnc=0, charge_on_no_match=False)) as engine:
        assert engine.estimate(SCRIPT, limit_rows=80).cost == 8.0
        nobody = engine.run(SCRIPT, limit_rows=80, progress=False).counts.held["no_match"]
        after = engine.estimate(SCRIPT, limit_rows=80)
        assert after.cost == round(after.lookups * (1 - nobody / 80) * 0.10, 2) < 8.0
    with lf.Engine(_priced(world, litigator=0, dnc=0)) as engine:
        assert engine.estimate(SCRIPT, limit_rows=80).cost == 8.0


def test_searches_whose_answer_is_lost_count_against_the_budget_and_are_said(world):
    idicore = world.settings.idicore.model_copy(update={"attempts": 3, "breaker_failures": 1000})
    world.fail("idicore", "truncated", times=1000)
    with lf.Engine(world.settings.model_copy(update={"idicore": idicore})) as engine:
        job = engine.run(SCRIPT, limit_rows=40, max_lookups=12, progress=False)
        assert str(job.status) == "STOPPED"
        assert sum(world.stats()["idicore"]["bought"].values()) == job.counts.unanswered == 12
        assert "12 lookups brought no answer and may have been charged" in lf.jobs()["message"].iloc[0]
        world.heal()
        resumed = engine.resume(job.id, max_lookups=20, progress=False)
        assert (resumed.counts.bought, resumed.counts.unanswered) == (8, 12)


def test_a_refused_search_is_given_back_to_the_budget(world):
    world.fail("idicore", "429", times=5, retry_after=0)
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=40, max_lookups=12, progress=False)
    assert (job.counts.bought, job.counts.unanswered) == (12, 0)


# The budget alone.


def _answer(key, phones, status="found"):
    return Answer(key, status, tuple(Phone(f"+1504555{n:04d}") for n in range(phones)))


def test_a_search_waits_for_what_those_under_way_may_leave():
    budget = Budget(max_cost=1.0, prices=Prices(0.10, {"litigator": 0.02, "dnc": 0.02}))
    under_way, answer_now = threading.Event(), threading.Event()

    def search():
        budget.take()
        under_way.set()
        answer_now.wait(100)
        budget.answered(_answer("a", 1))

    first = threading.Thread(target=search)
    first.start()
    assert under_way.wait(100)
    budget.take()
    budget.answered(_answer("b", 1))
    taken = threading.Event()
    second = threading.Thread(target=lambda: (budget.take(), taken.set()))
    budget.spent = 3
    second.start()
    assert not taken.wait(0.3)
    answer_now.set()
    assert taken.wait(100)
    first.join()
    second.join()


def test_a_stop_ends_the_wait():
    stop = threading.Event()
    budget = Budget(max_cost=1.0, prices=Prices(0.10, {"litigator": 0.02, "dnc": 0.02}), stop=stop)
    thread = threading.Thread(target=budget.take)
    thread.start()
    thread.join()
    threading.Timer(0.2, stop.set).start()
    budget.spent = 4
    with pytest.raises(Stopped):
        budget.take()


@given(
    st.floats(0, 20),
    st.floats(0, 1),
    st.floats(0, 0.1),
    st.booleans(),
    st.lists(
        st.tuples(st.integers(0, MOST_PHONES), st.sampled_from(["found", "no_match", "ambiguous"]), st.booleans()),
        max_size=80,
    ),
)
@examples(max_examples=300, deadline=None)
def test_whatever_the_answers_are_no_more_is_spent_than_max_cost(max_cost, lookup, check, charged, answers):
    prices = Prices(lookup, {"litigator": check, "dnc": check}, charged)
    budget = Budget(max_cost=max_cost, prices=prices)
    bought, free, checked = 0, 0, 0
    for number, (phones, status, lost) in enumerate(answers):
        try:
            budget.take()
        except BudgetReached:
            break
        bought += 1
        if lost:
            budget.ended()
            continue
        phones = 0 if status == "no_match" else phones
        free += status == "no_match"
        budget.answered(_answer(str(number), phones, status))
        if number % 3:
            for name in prices.checks:
                budget.checked(name, phones)
            budget.checks_done([str(number)])
        checked += phones
    cost = prices.cost(bought, free, dict.fromkeys(prices.checks, checked))
    assert cost is not None
    assert cost <= max_cost + 1e-6

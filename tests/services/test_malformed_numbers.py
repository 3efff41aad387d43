"""A malformed number fails a whole request; halving it isolates the number."""

from __future__ import annotations

import pytest
from outcome import SCRIPT, observe, sheet_rows
from vendor_answers import BAD, CLEAN, NUMBERS, verdict_of

import leadflow as lf
from leadflow.errors import JobFailedError, RefusedError
from leadflow.leads.verdicts import Verdict


@pytest.mark.parametrize("name", ["litigator", "dnc"])
@pytest.mark.parametrize("size", [1, 2, 60, 100])
def test_a_malformed_number_is_isolated_by_halving(world, check, name, size):
    numbers = [BAD, *(n for n in NUMBERS if n != BAD)][:size]
    world.fail(name, "malformed_number", times=1000, key=BAD)
    if size == 1:
        assert check(name, numbers) == {}
    else:
        assert set(check(name, numbers)) == {f"+1{n}" for n in numbers[1:]}
    assert world.stats()[name]["calls"] <= 1 + 2 * (size - 1).bit_length()


@pytest.mark.parametrize("name", ["litigator", "dnc"])
def test_malformed_numbers_side_by_side_are_isolated_too(world, check, name):
    bad = NUMBERS[:3]
    for number in bad:
        world.fail(name, "malformed_number", times=1000, key=number)
    assert set(check(name, NUMBERS)) == {f"+1{n}" for n in NUMBERS[3:]}
    assert world.stats()[name]["calls"] < 25


@pytest.mark.parametrize("name", ["litigator", "dnc"])
def test_a_malformed_number_holds_its_lead_alone(world, engine, name):
    clean = engine.run(SCRIPT, limit_rows=40, progress=False)
    answers = engine.checkpoints.answers(engine.checkpoints.keys(clean.id, "delivered"))
    key, answer = next((k, a) for k, a in answers.items() if len(a.phones) == 1)
    number = answer.phones[0].number.removeprefix("+1")
    sharing = [k for k, a in answers.items() if number in str([p.number for p in a.phones])]
    world.reset()
    with lf.Engine(engine.settings.model_copy(update={"home": world.settings.home})) as fresh:
        world.fail(name, "malformed_number", times=1000, key=number)
        job = fresh.run(SCRIPT, limit_rows=40, progress=False)
        assert job.ok
        assert set(fresh.checkpoints.keys(job.id, "retry")) <= set(sharing)
        assert key in fresh.checkpoints.keys(job.id, "retry")
        assert job.counts.delivered == clean.counts.delivered - len(
            job.counts.retry and fresh.checkpoints.keys(job.id, "retry")
        )
        assert key not in {row["Lead Key"] for row in sheet_rows(world)}
        assert world.stats()[name]["calls"] < 2 * 15
        observed = observe(world, fresh, job.id)
        assert (observed.unsafe, observed.doubled, observed.lost) == (0, 0, 0)
        world.heal()
        assert fresh.resume(job.id, progress=False).counts.retry == {}
        assert observe(world, fresh, job.id).clean


@pytest.mark.parametrize("name", ["litigator", "dnc"])
def test_a_bulk_hit_once_by_a_malformed_number_is_delivered_in_halves(world, engine, name):
    world.fail(name, "malformed_number", times=1)
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert job.counts.retry == {}
    assert world.stats()[name]["calls"] == 3
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("name", ["litigator", "dnc"])
def test_a_request_that_is_always_refused_is_not_halved_to_the_last_phone(world, check, name):
    world.fail(name, "400", times=100_000)
    with pytest.raises(RefusedError, match="proj_id"):
        check(name, [f"{area}{n:07}" for area in (504, 505) for n in range(5_550_000, 5_555_000)])
    assert world.stats()[name]["calls"] <= 15


def test_a_wrong_project_fails_the_job_with_a_clear_message(world, engine):
    world.fail("dnc", "400", times=100_000)
    with pytest.raises(JobFailedError, match="proj_id"):
        engine.run(SCRIPT, limit_rows=60, progress=False)
    assert world.stats()["dnc"]["calls"] <= 3 * 15
    assert sheet_rows(world) == []
    world.heal()
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert observe(world, engine, job.id).clean


def test_many_malformed_numbers_do_not_use_up_the_quota(world, check):
    bad = NUMBERS[:50:2]
    for number in bad:
        world.fail("litigator", "malformed_number", times=1000, key=number)
    found = check("litigator", NUMBERS)
    assert not {f"+1{n}" for n in bad} & set(found)
    assert {f"+1{n}" for n in NUMBERS[50:]} <= set(found)
    assert world.stats()["litigator"]["calls"] < 100


def test_the_answers_of_one_half_are_kept_when_the_other_fails(world, check):
    world.fail("dnc", "malformed_number", times=1)
    world.fail("dnc", "503", times=2)
    assert set(check("dnc", NUMBERS)) == {f"+1{n}" for n in NUMBERS[50:]}


@pytest.mark.parametrize("number", ["", "504", "5045550143,2025550199", "Ann", "+445045550143"])
def test_what_is_no_us_phone_is_never_sent(world, check, number):
    assert verdict_of(check("dnc", [number, CLEAN]), number) == Verdict.UNCHECKED
    counted = ("calls", "refused", "faults", "numbers")
    assert {name: world.stats()["dnc"][name] for name in counted} == {
        "calls": 1,
        "refused": 0,
        "faults": 0,
        "numbers": 1,
    }

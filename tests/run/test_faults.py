"""Each fault happens over a real socket; nothing unsafe goes out, nothing is lost or doubled."""

from __future__ import annotations

import pytest
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.errors import JobFailedError

_LEADS = 60
_TIMEOUT_S = 2.0
_VENDOR_FAULTS = ["timeout", "500", "503", "429", "truncated", "html", "drop"]


@pytest.fixture
def kind():
    """The fault, where a test is not parametrized with one."""


@pytest.fixture
def engine(world, kind):
    """Two attempts a call, and a short wait for a vendor that is busy.

    Time-outs are short only where calls hang: a slow machine has none of its own.
    """
    quick = {"attempts": 2, "busy_wait_s": 3.0, **({"timeout_s": _TIMEOUT_S} if kind == "timeout" else {})}
    vendors = ("idicore", "litigator", "dnc")
    changed = {name: getattr(world.settings, name).model_copy(update=quick) for name in vendors}
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20, **changed})) as engine:
        yield engine


def _run_then_resume(world, engine):
    """Run under the fault, heal, resume until nothing waits; judge at both moments."""
    try:
        job_id = engine.run(SCRIPT, limit_rows=_LEADS, progress=False).id
    except JobFailedError:
        job_id = lf.jobs()["id"].iloc[0]
    under_fault = observe(world, engine, job_id)
    assert under_fault.unsafe == 0
    assert under_fault.doubled == 0
    world.heal()
    job = engine.resume(job_id, progress=False)
    assert job.ok
    assert job.counts.balanced
    assert not job.counts.retry
    outcome = observe(world, engine, job_id)
    assert (outcome.doubled, outcome.lost, outcome.unsafe) == (0, 0, 0), outcome
    assert engine.report(job_id).ok, engine.report(job_id).validation
    return outcome


@pytest.mark.parametrize("service", ["idicore", "litigator", "dnc"])
@pytest.mark.parametrize("kind", _VENDOR_FAULTS)
def test_a_vendor_that_fails_a_few_times(world, engine, service, kind):
    world.fail(service, kind, times=3, s=2 * _TIMEOUT_S)
    _run_then_resume(world, engine)


@pytest.mark.parametrize("service", ["litigator", "dnc"])
@pytest.mark.parametrize("kind", [*_VENDOR_FAULTS, "missing_row"])
def test_phones_without_an_answer_are_never_delivered(world, engine, service, kind):
    world.fail(service, kind, times=1000, s=2 * _TIMEOUT_S)
    try:
        engine.run(SCRIPT, limit_rows=20, progress=False)
    except JobFailedError:
        pass
    if kind == "missing_row":
        return
    assert sheet_rows(world) == []


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("dnc", "unknown_code"),
        ("litigator", "missing_row"),
        ("dnc", "missing_row"),
        ("idicore", "expired_token"),
        ("idicore", "429"),
    ],
)
def test_odd_answers(world, engine, service, kind):
    world.fail(service, kind, times=2, retry_after=1)
    _run_then_resume(world, engine)


@pytest.mark.parametrize("kind", ["applied_then_503", "applied_then_drop", "503", "429", "drop", "500"])
def test_the_sheet_gets_exactly_one_row_a_lead(world, engine, kind):
    world.fail("sheets", kind, times=1, after=3)
    outcome = _run_then_resume(world, engine)
    assert outcome.bought_twice == 0


def test_a_vendor_that_is_down_ends_the_job_instead_of_burning_the_list(world, engine):
    world.fail("idicore", "500", times=100_000)
    with pytest.raises(JobFailedError, match="resume"):
        engine.run(SCRIPT, limit_rows=400, progress=False)
    calls = world.stats()["idicore"]["calls"]
    assert calls < 400
    assert world.stats()["idicore"]["bought"] == {} or max(world.stats()["idicore"]["bought"].values()) >= 0
    world.heal()
    assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok


def test_a_failed_lookup_is_never_cached_as_done(world, engine):
    world.fail("idicore", "500", times=4)
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    if job.counts.retry:
        assert engine.resume(job.id, progress=False).counts.retry == {}
    assert observe(world, engine, job.id).lost == 0


def test_forget_removes_a_person(world, engine):
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    key = engine.checkpoints.keys(job.id)[0]
    assert lf.forget(key) > 0
    assert engine.checkpoints.answers([key]) == {}


def test_a_login_that_works_again_lets_a_job_resume_with_the_same_engine(world):
    idicore = world.settings.idicore.model_copy(update={"attempts": 1})
    world.fail("idicore", "500", times=1000, on="login")
    with lf.Engine(world.settings.model_copy(update={"idicore": idicore})) as engine:
        with pytest.raises(lf.errors.JobFailedError):
            engine.run(SCRIPT, limit_rows=40, progress=False)
        world.heal()
        assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok

"""A vendor that is busy for a while is waited for: no lead is left for a resume, and few calls are refused."""

from __future__ import annotations

import time

import pytest
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow.errors import JobFailedError

_WAIT_S = 20.0
_SERVICES = ("idicore", "litigator", "dnc", "sheets")
_WORDS = {"idicore": "idiCORE", "litigator": "the litigator list", "dnc": "the do-not-call scrub"}


def _settings(world, wait_s=_WAIT_S, **more):
    changed = {name: getattr(world.settings, name).model_copy(update={"busy_wait_s": wait_s}) for name in _SERVICES}
    return world.settings.model_copy(update={"batch_size": 20, **changed, **more})


def _busy_lines(job_id):
    trace = lf.trace(job_id)
    return [line for line in trace["message"].astype(str) if "is busy and refuses" in line]


def _completes(world, service, kind="429", leads=100, wait_s=_WAIT_S, most_refused=12, **fault):
    """Run while a service is busy; return how many calls it refused."""
    world.fail(service, kind, **fault)
    with lf.Engine(_settings(world, wait_s)) as engine:
        job = engine.run(SCRIPT, limit_rows=leads, progress=False)
        assert job.ok
        assert not job.counts.retry
        assert job.counts.balanced
        assert observe(world, engine, job.id).clean
        refused = world.stats()[service]["faults"]
        assert refused <= most_refused
        return refused, _busy_lines(job.id)


@pytest.mark.parametrize("service", _SERVICES)
@pytest.mark.parametrize("for_s", [0.5, 4.0])
@pytest.mark.parametrize("fault", [{}, {"kind": "503", "retry_after": 1}], ids=["429", "503 with Retry-After"])
def test_a_vendor_that_is_busy_for_a_while_is_waited_for(world, service, for_s, fault):
    refused, lines = _completes(world, service, for_s=for_s, most_refused=32 + 8, **fault)
    assert refused >= 1
    assert len(lines) == (for_s > 1)


@pytest.mark.parametrize("service", _SERVICES)
def test_a_vendor_that_is_busy_in_mid_job_is_waited_for(world, service):
    _completes(world, service, for_s=4.0, after=3, most_refused=32 + 8)


@pytest.mark.parametrize("service", ["idicore", "dnc"])
def test_half_a_minute_without_retry_after(world, service):
    refused, _ = _completes(world, service, leads=200, wait_s=600.0, for_s=30.0, most_refused=32 + 10)
    print(f"busy for 30 s: {service} refused {refused} calls")


def test_idicore_s_login_is_waited_for(world):
    _completes(world, "idicore", on="login", for_s=3.0)


@pytest.mark.parametrize("service", _SERVICES)
def test_a_vendor_that_stays_busy_fails_the_job_which_can_be_resumed(world, service):
    world.fail(service, "429", for_s=3_600)
    with lf.Engine(_settings(world, wait_s=3.0)) as engine:
        start = time.monotonic()
        with pytest.raises(JobFailedError, match=r"busy for 3 s.*busy_wait_s.*[Rr]esume"):
            engine.run(SCRIPT, limit_rows=100, progress=False)
        assert 3 <= time.monotonic() - start < 60
        assert world.stats()[service]["faults"] <= 32 + 4
        world.heal()
        job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
        assert job.ok
        assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("service", _SERVICES)
def test_a_stop_is_heard_while_a_vendor_is_busy(world, service):
    world.fail(service, "429", for_s=3_600)
    with lf.Engine(_settings(world, wait_s=600.0)) as engine:
        handle = engine.submit(SCRIPT, limit_rows=40)
        deadline = time.monotonic() + 30
        while world.stats()[service]["faults"] < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        handle.stop()
        start = time.monotonic()
        assert handle.wait(30)
        assert time.monotonic() - start < 12
        assert str(handle.status) == "STOPPED"
        world.heal()
        assert engine.resume(handle.id, progress=False).ok


def test_the_trace_has_one_line_for_a_wait_and_one_for_its_end(world):
    world.fail("idicore", "429", for_s=4.0)
    with lf.Engine(_settings(world)) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
    lines = [
        line for line in lf.trace(job.id)["message"].astype(str) if "idiCORE is busy" in line or "again, after" in line
    ]
    assert len(lines) == 2
    assert "up to 20 s" in lines[0]
    assert "idiCORE answers again, after" in lines[1]


def test_calls_speed_up_again_after_the_wait_and_the_limits_hold(world):
    world.configure(latency={"idicore": 0.02})
    world.fail("idicore", "429", for_s=2.0)
    with lf.Engine(_settings(world)) as engine:
        assert engine.run(SCRIPT, limit_rows=600, progress=False).ok
        assert engine.idicore.limiter.width > engine.idicore.limiter.max_in_flight // 2
        assert world.stats()["idicore"]["max_in_flight"] <= engine.idicore.limiter.max_in_flight


def test_two_jobs_wait_for_the_same_vendor_together(world):
    world.fail("idicore", "429", for_s=4.0)
    with lf.Engine(_settings(world)) as engine:
        handles = [
            engine.submit(f"{SCRIPT} WHERE RIGHT(\"Lead Number\", 1) {half} '5'", limit_rows=40) for half in ("<", ">=")
        ]
        assert all(handle.result(120).ok for handle in handles)
    assert world.stats()["idicore"]["faults"] <= 32 + 6

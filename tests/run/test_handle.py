"""A handle in an event loop, with a callback, and a job that must not be stopped."""

from __future__ import annotations

import asyncio
import threading

import pytest
from outcome import SCRIPT

import leadflow as lf
from leadflow.errors import JobFailedError, Stopped


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def test_await_returns_the_job_and_the_loop_goes_on_meanwhile(world, engine):
    world.configure(latency={"idicore": 0.2})
    ticks = []

    async def cell():
        handle = engine.submit(SCRIPT, limit_rows=20)
        ticking = asyncio.create_task(tick())
        job = await handle
        ticking.cancel()
        assert (await handle).id == job.id
        return job

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.01)

    assert asyncio.run(cell()).ok
    assert len(ticks) > 5


def test_await_raises_the_error_of_the_job(engine):
    async def cell():
        return await engine.submit("CREATE TEMPORARY TABLE T AS SELECT 1 AS a; SELECT * FROM NOT_THERE")

    with pytest.raises(JobFailedError, match="NOT_THERE"):
        asyncio.run(cell())


def test_a_cancelled_wait_leaves_the_job_alone(world, engine):
    world.configure(latency={"idicore": 0.2})

    async def cell():
        handle = engine.submit(SCRIPT, limit_rows=20)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_wait(handle), 0.05)
        return handle

    async def _wait(handle):
        return await handle

    assert asyncio.run(cell()).result().ok


def test_callbacks_hear_of_the_end_once_and_their_errors_are_warnings(engine):
    heard, gate = [], threading.Event()
    handle = engine.submit(SCRIPT, limit_rows=20)
    handle.on_end(lambda ended: heard.append(ended.status))
    handle.on_end(lambda ended: gate.set())
    assert handle.result().ok
    assert gate.wait(60)
    handle.on_end(lambda ended: heard.append(ended.id))
    assert heard == [lf.JobStatus.COMPLETED, handle.id]
    with pytest.warns(RuntimeWarning, match=f"on_end of job {handle.id} failed: ZeroDivisionError"):
        handle.on_end(lambda _: 1 / 0)


def test_a_stopped_job_raises_if_asked(engine):
    with pytest.raises(Stopped, match="was stopped before its end"):
        engine.run(SCRIPT, max_lookups=5, progress=False, raise_on_stop=True)
    assert engine.run(SCRIPT, max_lookups=5, progress=False).status is lf.JobStatus.STOPPED

"""Lookups sent by the workers of an executor: same results, same caps, nothing lost with a worker."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.errors import JobFailedError
from leadflow.services.remote import Exchange, Reply

_LEADS = 120
_SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def cluster():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=8, processes=True, dashboard_address=None, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _settings(world, **idicore):
    return world.settings.model_copy(update={"batch_size": 20, "idicore": world.settings.idicore.model_copy(update=idicore)})


def _delivered(world):
    """What stands in the sheet, but for what differs by run."""
    return sorted(tuple(v for n, v in row.items() if n not in ("Job Id", "Scrubbed At")) for row in sheet_rows(world))


def _run(world, executor, **idicore):
    with lf.Engine(_settings(world, **idicore), executor=executor) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert job.ok
        outcome = observe(world, engine, job.id)
        assert outcome.clean, outcome
        assert engine.report(job.id).ok
    return job.counts, _delivered(world)


@pytest.fixture
def alone(world):
    """Counts and rows of a run without an executor; the world is as new afterwards."""
    found = _run(world, None)
    world.reset()
    return found


def test_a_pool_of_threads_gives_the_same(world, alone):
    with ThreadPoolExecutor(8) as pool:
        assert _run(world, pool) == alone
        assert pool.submit(int, "1").result() == 1, "the engine must not shut down an executor that it was given"


def test_a_pool_of_processes_gives_the_same(world, alone):
    with ProcessPoolExecutor(2, mp_context=_SPAWN) as pool:
        assert _run(world, pool) == alone


def test_a_dask_cluster_gives_the_same(world, cluster, alone):
    assert _run(world, cluster.get_executor()) == alone


def test_the_calls_come_from_the_workers(world, cluster):
    """Without the workers no call goes out: their processes hold the connections."""
    pids = set(cluster.run(os.getpid).values())
    assert os.getpid() not in pids
    before = world.stats()["idicore"]["calls"]
    _run(world, cluster.get_executor())
    assert world.stats()["idicore"]["calls"] > before


@pytest.mark.parametrize("cap", [1, 5])
def test_a_cap_holds_over_the_whole_cluster(world, cluster, cap):
    world.configure(latency={"idicore": 0.03}, in_flight={"idicore": cap})
    _run(world, cluster.get_executor(), max_in_flight=cap)
    stats = world.stats()["idicore"]
    assert stats["max_in_flight"] <= cap
    assert stats.get("refused", 0) == 0


def test_a_killed_dask_worker_loses_nothing(world, cluster):
    world.configure(latency={"idicore": 0.1})
    with lf.Engine(_settings(world), executor=cluster.get_executor()) as engine:
        handle = engine.submit(SCRIPT, limit_rows=_LEADS)
        _wait_for(lambda: world.stats()["idicore"]["calls"] >= 40)
        os.kill(next(iter(cluster.run(os.getpid).values())), signal.SIGKILL)
        job = handle.result(200)
        assert job.ok
        world.configure(latency={"idicore": 0.0})
        while job.counts.retry:
            job = engine.resume(job.id, progress=False)
        outcome = observe(world, engine, job.id, in_flight=world.settings.idicore.max_in_flight)
        assert outcome.clean, outcome
        assert job.counts.balanced


def _wait_for(ready, seconds=120):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def test_a_broken_pool_of_processes_fails_the_job_which_resumes_without_it(world):
    world.configure(latency={"idicore": 0.1})
    with ProcessPoolExecutor(2, mp_context=_SPAWN) as pool, lf.Engine(_settings(world), executor=pool) as engine:
        handle = engine.submit(SCRIPT, limit_rows=_LEADS)
        _wait_for(lambda: world.stats()["idicore"]["calls"] >= 20)
        for pid in list(pool._processes):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(JobFailedError, match="resume"):
            handle.result(120)
    world.configure(latency={"idicore": 0.0})
    with lf.Engine(_settings(world)) as engine:
        job = engine.resume(handle.id, progress=False)
        assert job.ok
        assert observe(world, engine, job.id, in_flight=2).clean


def test_a_stop_ends_a_job_on_an_executor(world):
    world.configure(latency={"idicore": 0.1})
    with ThreadPoolExecutor(4) as pool, lf.Engine(_settings(world), executor=pool) as engine:
        handle = engine.submit(SCRIPT, limit_rows=400)
        _wait_for(lambda: world.stats()["idicore"]["calls"] >= 10)
        threading.Timer(0.1, handle.stop).start()
        assert str(handle.result(60).status) == "STOPPED"
        world.configure(latency={"idicore": 0.0})
        assert engine.resume(handle.id, progress=False).ok
        assert observe(world, engine, handle.id).clean


@pytest.mark.parametrize("kind", ["500", "429", "drop", "timeout", "truncated"])
def test_faults_are_met_as_without_an_executor(world, kind):
    world.fail("idicore", kind, times=5, s=3.0)
    with ThreadPoolExecutor(8) as pool, lf.Engine(_settings(world, timeout_s=2.0), executor=pool) as engine:
        job = engine.run(SCRIPT, limit_rows=40, progress=False)
        world.heal()
        while job.counts.retry:
            job = engine.resume(job.id, progress=False)
        outcome = observe(world, engine, job.id)
        assert (outcome.lost, outcome.doubled, outcome.unsafe) == (0, 0, 0)


def test_what_travels_tells_nothing():
    body = b'{"lastName": "Secretperson"}'
    exchange = Exchange("POST", "https://127.0.0.1/", ((b"authorization", b"secret-token"),), body, {})
    for thing in (exchange, Reply(200, (), body)):
        assert "ecret" not in repr(thing)
        assert pickle.loads(pickle.dumps(thing)) == thing

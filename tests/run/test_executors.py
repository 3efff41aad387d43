"""Lookups sent by an executor's workers: threads, spawned processes, and a real dask cluster of processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from outcome import SCRIPT, observe, personal_words, sheet_rows

import leadflow as lf
from leadflow import errors
from leadflow.errors import ExecutorError, JobFailedError, TransientError
from leadflow.leads.people import Answer, Person, Phone
from leadflow.services.idicore import Idicore
from leadflow.services.transport.executor import Exchange, ExecutorTransport, Reply
from leadflow.services.warehouse import Warehouse

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

_LEADS = 120
_THREADS = 4
_CAP = 6
_VOLATILE = ("job", "time", "_at", " at", "date", "script")
_ANN = Person("k1", "Ann", "Lee", "1 Elm St", "Bath", "ME", "04530")


@contextmanager
def _cluster(allowed_failures):
    workers = {"n_workers": 2, "threads_per_worker": _THREADS, "processes": True, "dashboard_address": ":0"}
    config = dask.config.set({"distributed.scheduler.allowed-failures": allowed_failures})
    with config, distributed.LocalCluster(**workers) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def client():
    """A cluster that leaves a call lost with its worker to the engine, as the README advises."""
    with _cluster(0) as client:
        yield client


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture(params=["threads", "processes", "dask"])
def executor(request):
    if request.param != "dask":
        return request.getfixturevalue(request.param)
    client = request.getfixturevalue("client")
    client.wait_for_workers(2, timeout=60)
    return client.get_executor()


def _settings(world, **idicore):
    """Settings with an address of their own, so that no other test has made the service's limiter already."""
    idicore.setdefault("search_url", f"{world.settings.idicore.search_url}/{time.monotonic_ns()}")
    update = {"batch_size": 30, "idicore": world.settings.idicore.model_copy(update=idicore)}
    return world.settings.model_copy(update=update)


def _stable(row):
    return tuple(sorted((k, v) for k, v in row.items() if not any(word in k.lower() for word in _VOLATILE)))


def _table(world, name):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        columns = [
            c
            for (c,) in warehouse.execute(
                f"SELECT column_name FROM information_schema.columns WHERE table_name = '{name}'"
            )
        ]
        return sorted(
            _stable(dict(zip(columns, row, strict=True)))
            for row in warehouse.execute(
                f"SELECT {', '.join(f'{c!r}'.replace(chr(39), chr(34)) for c in columns)} FROM {name}"
            )
        )


def _left_behind(world, job):
    sheet = sorted(_stable(row) for row in sheet_rows(world))
    return sheet, _table(world, "PERSON_CACHE"), _table(world, "UNIQUE_CONSOLIDATED_DATA"), job.counts


def _until_bought(world, handle, n):
    while sum(world.stats()["idicore"]["bought"].values()) < n:
        assert not handle.wait(0.02), handle.result()


_plain: list = []


def test_the_results_are_those_of_a_run_without_executor(world, executor):
    if not _plain:
        with lf.Engine(_settings(world)) as engine:
            _plain.append(_left_behind(world, engine.run(SCRIPT, limit_rows=_LEADS, progress=False)))
        world.reset()
    with lf.Engine(_settings(world), executor=executor) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert job.ok
        assert observe(world, engine, job.id).clean
        assert engine.report(job.id).ok
    sheet, cache, consolidated, counts = _left_behind(world, job)
    assert (sheet, cache, consolidated, counts) == _plain[0]
    assert sheet
    assert len(cache) == len(consolidated) == _LEADS
    assert executor.submit(os.getpid).result(30), "the engine shut down an executor that is not its own"


def test_calls_in_flight_hold_over_all_workers(world, executor):
    world.configure(latency={"idicore": 0.2}, in_flight={"idicore": 3})
    with lf.Engine(_settings(world, max_in_flight=3), executor=executor) as engine:
        assert engine.run(SCRIPT, limit_rows=40, progress=False).counts.bought == 40
    seen = world.stats()["idicore"]
    assert seen["refused"] == 0
    assert seen["max_in_flight"] <= 3
    if not isinstance(executor, ProcessPoolExecutor):
        assert seen["max_in_flight"] == 3


def test_calls_a_minute_hold_over_all_workers(world, executor, monkeypatch):
    monkeypatch.setattr("leadflow.services.transport.limits._WINDOW_S", 9.0)
    world.configure(quotas={"idicore": 25, "window_s": 8})
    with lf.Engine(_settings(world, max_per_minute=25), executor=executor) as engine:
        started = time.monotonic()
        handle = engine.submit(SCRIPT, limit_rows=60)
        _until_bought(world, handle, 30)
        assert time.monotonic() - started > 8
        handle.stop()
        assert str(handle.result(100).status) == "STOPPED"
    assert world.stats()["idicore"]["refused"] == 0


def test_a_refusal_comes_back_and_slows_the_engine_down(world, executor):
    world.fail("idicore", "429", times=2, after=10, retry_after=1)
    with lf.Engine(_settings(world), executor=executor) as engine:
        job = engine.run(SCRIPT, limit_rows=40, progress=False)
        assert job.ok
        assert not job.counts.retry
        assert engine.idicore.limiter._width < engine.idicore.limiter.max_in_flight
        assert observe(world, engine, job.id).clean


def test_stop_ends_within_the_calls_in_flight_and_resume_goes_on(world, executor):
    world.configure(latency={"idicore": 0.4})
    with lf.Engine(_settings(world, max_in_flight=_CAP), executor=executor) as engine:
        handle = engine.submit(SCRIPT, limit_rows=60)
        _until_bought(world, handle, 10)
        handle.stop()
        assert str(handle.result(200).status) == "STOPPED"
        assert sum(world.stats()["idicore"]["bought"].values()) < 60
        world.configure(latency={"idicore": 0.0})
        assert engine.resume(handle.id, progress=False).ok
        assert observe(world, engine, handle.id).clean


def _kill_one_worker(client):
    pid = sorted(client.run(os.getpid).values())[0]
    os.kill(pid, signal.SIGKILL)


def _judge_kill(world, client, says_lost):
    """Kill a worker under a job and judge what is left; gives back how many people were bought twice."""
    client.wait_for_workers(2, timeout=60)
    world.configure(latency={"idicore": 0.4})
    with lf.Engine(_settings(world, max_in_flight=2 * _THREADS), executor=client.get_executor()) as engine:
        handle = engine.submit(SCRIPT, limit_rows=_LEADS)
        _until_bought(world, handle, 30)
        _kill_one_worker(client)
        job = handle.result(250)
        assert job.ok
        assert job.counts.balanced
        assert not job.counts.retry
        outcome = observe(world, engine, job.id, in_flight=_THREADS)
        assert outcome.clean, outcome
        assert engine.report(job.id).ok
        lost = [e for e in engine.trace(job.id)["message"] if "lost with workers" in str(e)]
        assert bool(lost) == says_lost
    bought = world.stats()["idicore"]["bought"].values()
    assert max(bought) <= 2


def test_a_killed_dask_worker_loses_nothing_and_the_job_says_so(world, client, caplog):
    _judge_kill(world, client, says_lost=True)
    client.wait_for_workers(2, timeout=60)
    said = caplog.text + str(client.get_worker_logs()) + str(client.get_scheduler_logs())
    assert not [word for word in personal_words() | {"local-secret", "local-login"} if word in said]


def test_a_cluster_that_sends_lost_calls_again_by_itself_loses_nothing_either(world):
    with _cluster(3) as client:
        _judge_kill(world, client, says_lost=False)


def test_a_process_pool_that_lost_a_worker_fails_the_job_which_can_be_resumed(world):
    world.configure(latency={"idicore": 0.4})
    settings = _settings(world, max_in_flight=_CAP)
    pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    with pool, lf.Engine(settings, executor=pool) as engine:
        handle = engine.submit(SCRIPT, limit_rows=60)
        _until_bought(world, handle, 10)
        os.kill(pool.submit(os.getpid).result(30), signal.SIGKILL)
        with pytest.raises(JobFailedError, match="resume") as failed:
            handle.result(200)
        assert isinstance(failed.value.__cause__, ExecutorError)
        assert str(handle.status) == "FAILED"
    with ThreadPoolExecutor(8) as other, lf.Engine(settings, executor=other) as engine:
        assert engine.resume(handle.id, progress=False).ok
        outcome = observe(world, engine, handle.id, in_flight=_CAP)
        assert outcome.clean, outcome
        assert engine.report(handle.id).ok


def test_the_same_call_made_twice_is_sent_twice(world, executor):
    with Idicore(_settings(world).idicore, executor) as idicore:
        assert [idicore.lookup(_ANN).person_key for _ in range(2)] == ["k1", "k1"]
    assert world.stats()["idicore"]["bought"] == {"k1": 2}


def test_errors_of_a_worker_are_those_of_a_call_sent_from_here(world, executor):
    closed = _settings(world, search_url="http://127.0.0.1:9/search", attempts=1).idicore
    with (
        Idicore(closed, executor) as idicore,
        pytest.raises(TransientError, match=r"connection failed \(ConnectError\)"),
    ):
        idicore.lookup(_ANN)
    world.fail("idicore", "timeout", s=3)
    slow = _settings(world, timeout_s=0.5, attempts=1).idicore
    with Idicore(slow, executor) as idicore, pytest.raises(TransientError, match="in time"):
        idicore.lookup(_ANN)
    world.fail("idicore", "403")
    with (
        Idicore(_settings(world).idicore, executor) as idicore,
        pytest.raises(errors.RefusedError, match="credentials"),
    ):
        idicore.lookup(_ANN)


def test_an_expired_token_is_renewed_by_the_engine(world, executor):
    with Idicore(_settings(world).idicore, executor) as idicore:
        idicore.lookup(_ANN)
        world.fail("idicore", "expired_token")
        assert idicore.lookup(_ANN).person_key == "k1"
    assert world.stats()["idicore"]["logins"] == 2


def _get(executor, timeout=0.1):
    with httpx.Client(transport=ExecutorTransport(executor), timeout=timeout) as client:
        return client.get("http://127.0.0.1:9/")


def test_an_executor_that_was_shut_down_says_so():
    with ThreadPoolExecutor(1) as pool:
        pass
    with pytest.raises(ExecutorError, match="shut down"):
        _get(pool)


def test_an_executor_that_never_starts_a_call_is_not_waited_for_forever():
    held = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(held.wait, 30)
        with pytest.raises(TransientError, match="no worker"):
            _get(pool)
        held.set()


def test_workers_without_leadflow_are_said_to_be_so():
    class Bare(ThreadPoolExecutor):
        def submit(self, fn, *args):
            return super().submit(__import__, "no_such_leadflow")

    with Bare(1) as pool, pytest.raises(ExecutorError, match="install"):
        _get(pool)


def _every(kind):
    return [kind, *(sub for direct in kind.__subclasses__() for sub in _every(direct))]


@pytest.mark.parametrize("kind", _every(errors.LeadflowError))
def test_every_error_survives_the_way_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("said")))
    assert type(error) is kind
    assert str(error) == "said"
    if kind is TransientError:
        assert pickle.loads(pickle.dumps(TransientError("said", 3.0))).retry_after == 3.0


def test_what_travels_pickles_and_its_repr_keeps_the_secrets(world):
    exchange = Exchange("POST", "https://x", ((b"authorization", b"token-of-mine"),), b"Ann Lee", {"read": 1.0})
    reply = Reply(200, (), b"207 555 0134")
    answer = Answer("k1", "found", (Phone("+12075550134"),))
    for thing in (exchange, reply, answer, _ANN, world.settings):
        assert pickle.loads(pickle.dumps(thing)) == thing
    said = repr((exchange, reply, answer, _ANN, world.settings))
    for secret in ("token-of-mine", "Ann", "5550134", "local-secret", "local-login", "local-token"):
        assert secret not in said


def test_leadflow_itself_never_imports_dask():
    code = (
        "import sys, leadflow.engine, leadflow.services.transport.executor;"
        "sys.exit('distributed' in sys.modules or 'dask' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

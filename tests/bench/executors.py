"""Lookups sent by an executor's workers: how many a second, and what each costs the engine's process."""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import polars as pl

import leadflow as lf
from leadflow.run.gc_pause import gc_frozen
from leadflow.services.idicore import Idicore
from leadflow.stages import lookup_people
from tests.bench import job
from tests.bench.leads import write_leads
from tests.bench.speed import IN_FLIGHT, LATENCY

HEAD = """| lookups sent by | a second (median; all) | CPU of the engine's process a lookup ms |
|---|---|---|"""
_WARM_UP = 2 * IN_FLIGHT


@contextmanager
def _dask() -> Iterator[Executor]:
    from dask import config
    from distributed import Client, LocalCluster

    with (
        config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=2, threads_per_worker=IN_FLIGHT // 2, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor()


def _processes() -> AbstractContextManager[Executor]:
    return ProcessPoolExecutor(IN_FLIGHT, mp_context=multiprocessing.get_context("spawn"))


SENDERS: dict[str, Callable[[], AbstractContextManager[Executor | None]]] = {
    "the engine itself": nullcontext,
    f"{IN_FLIGHT} threads": lambda: ThreadPoolExecutor(IN_FLIGHT),
    f"{IN_FLIGHT} spawned processes": _processes,
    f"dask, 2 workers of {IN_FLIGHT // 2} threads, the scheduler in the engine's process": _dask,
}


def rows(leads: int, repeat: int) -> Iterator[str]:
    """A table row for each sender: `leads` lookups, `repeat` times, after some to warm up its workers."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_leads(Path(folder) / "leads.csv", leads)
        frame = pl.read_csv(path, infer_schema_length=0)
        with lf.local.start(leads=path, latency=LATENCY, in_flight={"idicore": IN_FLIGHT}) as world:
            settings = job.changed(world.settings, {"idicore": {"max_in_flight": IN_FLIGHT}}).idicore
            for name, sender in SENDERS.items():
                with sender() as executor, Idicore(settings, executor) as idicore:
                    lookup_people(frame.head(_WARM_UP), idicore)
                    runs = [_measured(frame, idicore) for _ in range(repeat)]
                speeds = sorted(leads / wall for wall, _ in runs)
                cpu = statistics.median(cpu for _, cpu in runs) / leads * 1e3
                every = ", ".join(f"{speed:.0f}" for speed in speeds)
                yield f"| {name} | {statistics.median(speeds):.0f}; {every} | {cpu:.2f} |"


def _measured(frame: pl.DataFrame, idicore: Idicore) -> tuple[float, float]:
    with gc_frozen():
        start, cpu = time.monotonic(), time.process_time()
        done = lookup_people(frame, idicore)
        spent = time.monotonic() - start, time.process_time() - cpu
    assert not done["lookup_status"].is_in(["failed", "skipped"]).any()
    return spent

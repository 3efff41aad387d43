"""The history: what an event costs the job, and how long reads of a large history take beside the plain query."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

import leadflow as lf
from leadflow.events import EventBus, RowProcessed
from leadflow.history import History
from tests.bench.instant import equip
from tests.bench.job import SCRIPT, changed
from tests.bench.leads import write_leads
from tests.bench.own import NO_CAPS, NO_LATENCY, NO_QUOTAS

_EXIT = """
import sys
from leadflow.events import EventBus, JobLog
from leadflow.history import History
bus = EventBus("j", History(sys.argv[1]).record)
for n in range(20_000):
    bus.emit(JobLog(stage="Engine", message=f"line {n}"))
"""
_TRACE = """SELECT format('T+{:.1f}s', elapsed) AS time, stage, source, event, message, elapsed, level, batch,
    "at", data
    FROM job_events WHERE job_id = 'big' ORDER BY seq"""
_JOBS = "SELECT * EXCLUDE (script, counts) FROM etl_jobs ORDER BY created_at DESC LIMIT 100"


def measure(events: int = 1_000_000, jobs: int = 100_000, repeat: int = 3) -> str:
    """All of it, as a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.duckdb"
        lines = [
            "| history | measured |",
            "|---|---|",
            f"| one event, on the job's side | {_event_cost(path) * 1e6:.1f} us |",
        ]
        lines.append(
            "| lost of 20,000 events at an exit without close "
            f"| {20_000 - _kept_at_exit(Path(folder) / 'exit.duckdb')} |"
        )
        _fill(path, events, jobs)
        history = History(path)
        trace = _ratio(lambda: lf.trace("big", history=history), lambda: _bare(path, _TRACE), repeat)
        lines.append(
            f"| trace of {events:,} events: lf {trace[0]:.2f} s, bare query {trace[1]:.2f} s "
            f"| {trace[0] / trace[1]:.2f} x |"
        )
        listed = _ratio(lambda: lf.jobs(history=history), lambda: _bare(path, _JOBS), repeat * 3)
        lines.append(
            f"| jobs() of {jobs:,}: lf {listed[0] * 1e3:.0f} ms, bare query {listed[1] * 1e3:.0f} ms "
            f"| {listed[0] / listed[1]:.2f} x |"
        )
        history.close()
        return "\n".join(lines)


def _event_cost(path: Path, count: int = 20_000) -> float:
    """Seconds of the emitting thread for one event: made, stamped, queued."""
    history = History(path)
    bus = EventBus("warm", history.record)
    bus.emit(RowProcessed(stage="Engine", row=1, person_key="k" * 32, outcome="delivered"))
    history.flush()
    start = time.thread_time()
    for row in range(count):
        bus.emit(RowProcessed(stage="Engine", batch=1, row=row, person_key="k" * 32, outcome="delivered"))
    spent = time.thread_time() - start
    history.close()
    assert len(History(path).events("warm")) == count + 1
    return spent / count


def _kept_at_exit(path: Path) -> int:
    subprocess.run([sys.executable, "-c", _EXIT, str(path)], check=True)
    return len(History(path).events("j"))


def _fill(path: Path, events: int, jobs: int) -> None:
    with duckdb.connect(str(path)) as db:
        db.execute(
            "INSERT INTO etl_jobs (id, name, script_id, script_name, script, status, progress, message, "
            "created_at, started_at, completed_at) "
            "SELECT 'job' || i, 'june', 's' || i % 50, 'june', repeat('SELECT 1 ', 50), 'COMPLETED', 100, 'done', "
            "TIMESTAMP '2026-01-01' + to_minutes(i), TIMESTAMP '2026-01-01' + to_minutes(i), "
            f"TIMESTAMP '2026-01-01' + to_minutes(i + 1) FROM range({jobs}) t(i)"
        )
        db.execute(
            "INSERT INTO etl_jobs (id, name, script_name, status, created_at) "
            "VALUES ('big', 'big', 'big', 'COMPLETED', TIMESTAMP '2025-01-01')"
        )
        db.execute(
            "INSERT INTO job_events SELECT 'big', i, TIMESTAMP '2026-01-01' + to_milliseconds(i), "
            "i / 1000.0, 'Engine', 'pipeline.py:100', "
            "'row_processed', 'info', i // 200, 'Row ' || i || ': delivered (' || md5(i::VARCHAR) || ')', "
            f"json_object('row', i, 'person_key', md5(i::VARCHAR), 'outcome', 'delivered') FROM range({events}) t(i)"
        )


def _bare(path: Path, sql: str) -> Any:
    with duckdb.connect(str(path)) as db:
        return db.execute(sql).df()


def _ratio(ours: Callable[[], Any], bare: Callable[[], Any], repeat: int) -> tuple[float, float]:
    """Median seconds of both, taken by turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeat):
        for kept, work in zip(times, (ours, bare), strict=True):
            start = time.monotonic()
            work()
            kept.append(time.monotonic() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def report_of(batches: int, leads_a_batch: int = 10) -> str:
    """Seconds for the report of a job of so many small batches, and for its page, as a Markdown table."""
    leads = batches * leads_a_batch
    with tempfile.TemporaryDirectory() as folder:
        path = write_leads(Path(folder) / "leads.csv", leads)
        with (
            lf.local.start(leads=path, latency=NO_LATENCY, quotas=NO_QUOTAS) as world,
            lf.Engine(changed(world.settings, {**NO_CAPS, "batch_size": leads_a_batch})) as engine,
        ):
            equip(engine)
            job = engine.run(SCRIPT, name="bench", limit_rows=leads, progress=False)
            assert len(engine.history.batches(job.id)) == batches
            events = len(engine.trace(job.id, full=True))
            start = time.monotonic()
            found = engine.report(job.id)
            made = time.monotonic()
            size = found.save(Path(folder) / "report.html").stat().st_size / 1e6
            end = time.monotonic()
    return (
        "| batches | events | report s | its page s | page MB |\n|---|---|---|---|---|\n"
        f"| {batches:,} | {events:,} | {made - start:.2f} | {end - made:.2f} | {size:.2f} |"
    )


def imports(repeat: int = 7) -> str:
    """How much longer `import leadflow` takes than `import polars`, each in a fresh process, by turns."""
    names = (
        "import polars",
        "import polars, leadflow",
        "import polars, leadflow; leadflow.Engine; leadflow.stages.deliver",
    )
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(repeat):
        for name in names:
            code = f"import time; t = time.perf_counter(); {name}; print(time.perf_counter() - t)"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            times[name].append(float(done.stdout))
    base, *others = (statistics.median(times[name]) for name in names)
    rows = [f"| `{name}` | {more:.3f} | {more - base:+.3f} |" for name, more in zip(names[1:], others, strict=True)]
    return "\n".join(
        ["| import | s (median) | beyond polars s |", "|---|---|---|", f"| `{names[0]}` | {base:.3f} | |", *rows]
    )

"""One job in a process of its own, for its own CPU time and memory: `python -m tests.bench.job '{...}'`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import leadflow as lf
from leadflow.settings import Settings
from tests.bench.instant import equip

SCRIPT = "SELECT * FROM RAW_LEADS"


def run(world: lf.local.World, leads: int, in_process: bool = False, **settings: Any) -> dict[str, Any]:
    """Run a job on the local world in a child process and return its measurements.

    With `in_process`, the vendors are objects in the child process, and no sockets are used.
    """
    return child(world, "tests.bench.job", {"leads": leads, "in_process": in_process, "settings": settings})


def child(world: lf.local.World, module: str, order: dict[str, Any]) -> dict[str, Any]:
    """Run a module with an order in a process of its own, and return the measurements that it prints."""
    before = cpu_of(world.pid)
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(order)],
        env={**os.environ, **world.env()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the job's process ended with {done.returncode}: {done.stderr[-3000:]}")
    return {**json.loads(done.stdout.splitlines()[-1]), "world_cpu_s": cpu_of(world.pid) - before}


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def changed(settings: Settings, parts: dict[str, Any]) -> Settings:
    """The settings with parts of them replaced, as in {"policy": {"reuse_scrubs_hours": 0}}."""
    update = {
        name: getattr(settings, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in parts.items()
    }
    return settings.model_copy(update=update)


def _main(order: dict[str, Any]) -> dict[str, Any]:
    settings = changed(Settings.model_validate({}), order["settings"])
    with lf.Engine(settings) as engine:
        # As in the second cell of a notebook, libraries are loaded and services were reached before.
        engine.estimate(f"{SCRIPT} LIMIT 1")
        import gspread
        import phonenumbers.timezone  # noqa: F401

        answered = _times_of_appends(gspread.Worksheet)
        if order["in_process"]:
            equip(engine)
        rss = _rss_mb()
        cpu, start = time.process_time(), time.monotonic()
        job = engine.run(SCRIPT, name="bench", limit_rows=order["leads"], progress=False)
        wall, cpu = time.monotonic() - start, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert job.ok, job.message
        assert job.counts.balanced
        batches = engine.history.batches(job.id)
        stages = {name: float(batches[f"{name}_s"].sum()) for name in ("lookup", "check", "deliver", "cache")}
        settled = job.counts.delivered + job.counts.held_back - job.counts.left_out
        trace = engine.trace(job.id, full=True)
        return {
            "job_id": job.id,
            "wall_s": wall,
            "cpu_s": cpu,
            "rss_before_mb": rss,
            "rss_peak_mb": peak,
            "settled": settled,
            "delivered": job.counts.delivered,
            "batches": len(batches),
            "stages": stages,
            "marks": _marks(trace),
            "first_lookup_s": float(trace[trace["stage"] == "idiCORE"]["elapsed"].min()),
            "first_row_s": answered[0] - start if answered else 0.0,
        }


def _times_of_appends(worksheet: Any) -> list[float]:
    """Have gspread note when each append was answered; leadflow's own event comes after the rows were read back."""
    append, answered = worksheet.append_rows, list[float]()

    def noted(tab: Any, *args: Any, **options: Any) -> Any:
        answer = append(tab, *args, **options)
        answered.append(time.monotonic())
        return answer

    worksheet.append_rows = noted
    return answered


def _rss_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _marks(trace: Any) -> dict[str, float]:
    """Seconds from the start to the first and the last event of each stage."""
    elapsed = trace.groupby("stage")["elapsed"]
    return {**{f"{k} first": v for k, v in elapsed.min().items()}, **{f"{k} last": v for k, v in elapsed.max().items()}}


if __name__ == "__main__":
    print(json.dumps(_main(json.loads(sys.argv[1]))))

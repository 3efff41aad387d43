"""leadflow beside the same job written by hand with asyncio and aiohttp, by turns, each in a process of its own."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import leadflow as lf
from tests.bench import job, speed
from tests.bench.leads import write_leads

HEAD = """\
| leads | in flight | who | wall s (median; all) | / floor | CPU s | CPU ms a lead | stand-ins' CPU s | peak MB \
| above imports MB | 429 | first lookup s | first rows s | / its floor | rows | load |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"""
COLUMNS = """\
floor: the least time of any client, as in the part `speed`. First rows: seconds from the start until the first append
was answered (leadflow then reads it back); their floor: the start of the first lookup, and the first batch's lookups,
check and append. CPU: of the contestant's process alone, after its imports. The job by hand has no checkpoints, no
history, no accounting, no review, no ledger and no opt-outs."""


def rows(sizes: list[int], widths: list[int], repeat: int) -> Iterator[str]:
    """Table rows for each size and width; the contestants run by turns on one world, `repeat` times."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_leads(Path(folder) / "leads.csv", max(sizes))
        for width in widths:
            caps = {"idicore": width}
            with lf.local.start(leads=path, latency=speed.LATENCY, in_flight=caps, quotas=speed.QUOTAS) as world:
                for leads in sizes:
                    yield from _measured(world, leads, width, repeat)


def _measured(world: lf.local.World, leads: int, width: int, repeat: int) -> Iterator[str]:
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(repeat):
        for name, contestant in CONTESTANTS.items():
            world.reset()
            load = os.getloadavg()[0]
            done = contestant(world, leads, width)
            stats = world.stats()
            runs.setdefault(name, []).append({**done, "refused": speed.refused(stats), "load": load})
    for name, found in runs.items():
        yield _row(name, leads, width, found)


def _leadflow(world: lf.local.World, leads: int, width: int) -> dict[str, Any]:
    return job.run(world, leads, **{**speed.CAPS, "idicore": {"max_in_flight": width}})


def _by_hand(world: lf.local.World, leads: int, width: int) -> dict[str, Any]:
    order = {"leads": leads, "in_flight": width, "batch": speed.BATCH, "append_every_s": speed.APPEND_EVERY_S + 0.05}
    return job.child(world, "tests.bench.by_hand", order)


CONTESTANTS = {"leadflow": _leadflow, "asyncio + aiohttp, by hand": _by_hand}


def first_rows_floor(first_lookup_s: float, width: int) -> float:
    """The least time until rows of the first batch are in the sheet, given when lookups could begin."""
    return first_lookup_s + speed.floor(speed.BATCH, width) - speed.LATENCY["sheets"]


def _row(name: str, leads: int, width: int, runs: list[dict[str, Any]]) -> str:
    def middle(column: str) -> float:
        return statistics.median(run[column] for run in runs)

    wall, cpu, first = middle("wall_s"), middle("cpu_s"), middle("first_row_s")
    begun = middle("first_lookup_s")
    every = ", ".join(f"{run['wall_s']:.2f}" for run in runs)
    above = statistics.median(run["rss_peak_mb"] - run["rss_before_mb"] for run in runs)
    cells = [
        f"{leads:,}", width, name, f"{wall:.2f}; {every}", f"{wall / speed.floor(leads, width):.2f}", f"{cpu:.2f}",
        f"{cpu / leads * 1e3:.2f}", f"{middle('world_cpu_s'):.1f}", f"{middle('rss_peak_mb'):.0f}", f"{above:.0f}",
        max(run["refused"] for run in runs), f"{begun:.2f}", f"{first:.2f}",
        f"{first / first_rows_floor(begun, width):.2f}",
        f"{middle('delivered'):.0f}", f"{min(r['load'] for r in runs):.1f}-{max(r['load'] for r in runs):.1f}",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"

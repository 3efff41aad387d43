"""A job against vendors with latency and limits: its time, the limit that they set, and a sequential flow."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

import leadflow as lf
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.idicore import Idicore
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.stages import (
    check_dnc,
    check_litigators,
    consolidate,
    deliver,
    extract,
    filter_unprocessed,
    lookup_people,
)
from tests.bench import job
from tests.bench.leads import write_leads

LATENCY = {"idicore": 0.120, "litigator": 0.060, "dnc": 0.150, "sheets": 0.400}
IN_FLIGHT = 32
APPEND_EVERY_S = 1.0
BATCH = 200
SEQUENTIAL_THREADS = 8
# One write a second, and a second one within the second is refused. The other quotas a minute are far away.
QUOTAS = {"window_s": 1.0, "sheets_writes": 1, "sheets_reads": None, "litigator": None, "dnc": None}
CAPS: dict[str, Any] = {
    "batch_size": BATCH,
    "policy": {"reuse_scrubs_hours": 0},
    "idicore": {"max_in_flight": IN_FLIGHT},
    "sheets": {"write_every_s": APPEND_EVERY_S},
}


def limits(leads: int) -> dict[str, float]:
    """Seconds of work divided by the calls in flight, by vendor; one append may hold several batches."""
    batches = math.ceil(leads / BATCH)
    return {
        "lookups": leads * LATENCY["idicore"] / IN_FLIGHT,
        "litigator": batches * LATENCY["litigator"] / 8,
        "dnc": batches * LATENCY["dnc"] / 8,
        "sheet": max(LATENCY["sheets"], APPEND_EVERY_S * math.ceil(leads / 1500)),
    }


def measure(sizes: list[int], repeat: int, sequential: bool = True) -> list[dict[str, Any]]:
    """Each size `repeat` times, and the sequential flow once a size, in one run on one world."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_leads(Path(folder) / "leads.csv", max(sizes))
        with lf.local.start(leads=path, latency=LATENCY, in_flight={"idicore": IN_FLIGHT}, quotas=QUOTAS) as world:
            return [_size(world, leads, repeat, sequential) for leads in sizes]


def _size(world: lf.local.World, leads: int, repeat: int, sequential: bool) -> dict[str, Any]:
    runs = []
    for _ in range(repeat):
        world.reset()
        done = job.run(world, leads, **CAPS)
        stats = world.stats()
        runs.append({**done, "refused": refused(stats), "appends": stats["sheets"]["writes"]})
        assert stats["sheets"]["rows"] == done["delivered"]
    world.reset()
    bare = bare_lookups(world, leads)
    runs.sort(key=lambda run: run["wall_s"])
    found = {"leads": leads, "limits": limits(leads), "bare_s": bare, "runs": runs}
    if sequential:
        world.reset()
        found["sequential_s"] = sequential_flow(world, leads)
    return found


def bare_lookups(world: lf.local.World, leads: int) -> float:
    """Seconds for the lookups alone, by a plain httpx client in 32 threads."""
    settings = world.settings.idicore
    auth = (settings.client_id, settings.client_secret.get_secret_value())
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    with httpx.Client(limits=limits, timeout=60) as client, ThreadPoolExecutor(IN_FLIGHT) as pool:
        token = client.post(settings.login_url, json={"glba": "otheruse", "dppa": "none"}, auth=auth).text

        def search(number: int) -> int:
            body = {
                "lastName": "Lee",
                "address": f"{number} Elm St",
                "city": "Bath",
                "state": "ME",
                "zip": "04530",
                "referenceId": f"bare{number}",
            }
            return client.post(settings.search_url, json=body, headers={"authorization": token}).status_code

        start = time.monotonic()
        assert set(pool.map(search, range(leads))) == {200}
        return time.monotonic() - start


def refused(stats: Mapping[str, Any]) -> int:
    """Calls answered 429, over all vendors."""
    return sum(service["refused"] for service in stats.values())


def sequential_flow(world: lf.local.World, leads: int) -> float:
    """The same stages one after another, batch after batch, with 8 threads for the lookups."""
    settings = job.changed(world.settings, {"idicore": {"max_in_flight": SEQUENTIAL_THREADS}, "sheets": CAPS["sheets"]})
    start = time.monotonic()
    with Warehouse(settings.warehouse) as warehouse, Idicore(settings.idicore) as idicore:
        litigator, dnc, sheet = LitigatorList(settings.litigator), DncScrub(settings.dnc), Sheet(settings.sheets)
        warehouse.ensure_tables()
        todo = filter_unprocessed(extract(job.SCRIPT, warehouse).head(leads), warehouse)
        for first in range(0, len(todo), BATCH):
            batch = lookup_people(todo.iloc[first : first + BATCH], idicore)
            batch = check_dnc(check_litigators(batch, litigator), dnc)
            consolidate(deliver(batch, sheet), warehouse)
    return time.monotonic() - start


def floor(leads: int, in_flight: int = IN_FLIGHT) -> float:
    """The least time of any client: one write to the sheet, lookups in rounds of 32, the last check and append."""
    rounds = math.ceil(leads / in_flight)
    return LATENCY["sheets"] + rounds * LATENCY["idicore"] + LATENCY["dnc"] + LATENCY["sheets"]


_COLUMNS = """\
limit: the slowest vendor's work divided by its calls in flight.
floor: the least time for any client: the sheet is tested before the first lookup, and the last lead is checked and
appended after the last one.
job: all of engine.run(): sign-in, script, lookups, checks, sheet, tables.
bare lookups: the same number of lookups, and nothing else, by 32 threads of a plain httpx client.
sequential: the same stages one after another, batch after batch."""


def table(sizes: list[dict[str, Any]]) -> str:
    """The measurements as a Markdown table; of several runs the median."""
    lines = [
        "| leads | slowest vendor | limit s | job s (median; all) | job / limit | floor s | job / floor "
        "| bare lookups s | 429 | sheet writes | sequential s | times faster |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        runs, vendor = size["runs"], max(size["limits"], key=size["limits"].__getitem__)
        limit, middle = size["limits"][vendor], size["runs"][(len(size["runs"]) - 1) // 2]
        wall, lowest = middle["wall_s"], floor(size["leads"])
        slow = size.get("sequential_s")
        compared = f"{slow:.1f} | {slow / wall:.1f}" if slow else "- | -"
        every = ", ".join(f"{run['wall_s']:.2f}" for run in runs)
        lines.append(
            f"| {size['leads']:,} | {vendor} | {limit:.2f} | {wall:.2f}; {every} | {wall / limit:.2f} "
            f"| {lowest:.2f} | {wall / lowest:.2f} "
            f"| {size['bare_s']:.2f} | {max(run['refused'] for run in runs)} | {middle['appends']} | {compared} |"
        )
    return "\n".join([*lines, "", _COLUMNS])

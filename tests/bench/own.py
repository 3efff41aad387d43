"""What leadflow itself costs, with vendors that answer at once: leads a second, CPU by stage, memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

import leadflow as lf
from leadflow.settings import Policy
from leadflow.stages import check_dnc, check_litigators, consolidate, deliver, lookup_people
from leadflow.stages.settle import settle
from tests.bench import instant, job
from tests.bench.leads import write_leads
from tests.bench.speed import BATCH

NO_LATENCY: dict[str, float] = dict.fromkeys(("idicore", "litigator", "dnc", "sheets"), 0.0)
NO_QUOTAS: dict[str, float | None] = dict.fromkeys(("sheets_reads", "sheets_writes", "litigator", "dnc"))
NO_CAPS: dict[str, Any] = {
    "policy": {"reuse_scrubs_hours": 0},
    "litigator": {"max_per_minute": None},
    "dnc": {"max_per_minute": None},
    "sheets": {"writes_per_minute": 10**6, "reads_per_minute": 10**6},
}


HEAD = """\
| leads | vendors | wall s | leads/s | CPU of the job s | us CPU a lead | CPU of the local world s \
| memory before MB | peak MB |
|---|---|---|---|---|---|---|---|---|"""


def jobs(over_sockets: list[int], at_once: list[int]) -> Iterator[str]:
    """A table row for each whole job: over sockets to the local world, or with vendors in the job's own process."""
    for leads, in_process in [*((n, False) for n in over_sockets), *((n, True) for n in at_once)]:
        with tempfile.TemporaryDirectory() as folder:
            path = write_leads(Path(folder) / "leads.csv", leads)
            with lf.local.start(leads=path, latency=NO_LATENCY, quotas=NO_QUOTAS) as world:
                yield _row(leads, in_process, job.run(world, leads, in_process, **NO_CAPS))


def _row(leads: int, in_process: bool, one: dict[str, Any]) -> str:
    vendors = "in process" if in_process else "over sockets"
    return (
        f"| {leads:,} | {vendors} | {one['wall_s']:.1f} | {leads / one['wall_s']:,.0f} | {one['cpu_s']:.1f} "
        f"| {one['cpu_s'] / leads * 1e6:,.0f} | {one['world_cpu_s']:.1f} "
        f"| {one['rss_before_mb']:.0f} | {one['rss_peak_mb']:.0f} |"
    )


def stages(batches: int = 40) -> str:
    """CPU by stage, in one thread, batch after batch, with vendors that answer at once."""
    with tempfile.TemporaryDirectory() as folder, lf.local.start() as world:
        path = write_leads(Path(folder) / "leads.csv", batches * BATCH)
        leads = pl.read_csv(path, infer_schema_length=0)
        settings = job.changed(world.settings, NO_CAPS)
        spent: dict[str, float] = {}
        with instant.InstantIdicore(settings.idicore) as idicore:
            steps: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
                "lookup": lambda f: lookup_people(f, idicore),
                "litigators": lambda f: check_litigators(f, instant.InstantLitigators(settings.litigator)),
                "dnc": lambda f: check_dnc(f, instant.InstantDnc(settings.dnc)),
                "settle": lambda f: settle(f, Policy()),
                "deliver": lambda f: deliver(f, instant.InstantSheet(settings.sheets)),
                "consolidate": lambda f: consolidate(f, instant.InstantWarehouse(settings.warehouse)),
            }
            for number, batch in enumerate(leads.iter_slices(BATCH)):
                for name, step in steps.items():
                    start = time.process_time()
                    batch = step(batch)
                    # The first batch also pays for imports and connections.
                    spent[name] = spent.get(name, 0.0) + (time.process_time() - start if number else 0.0)
        each = " | ".join(f"{seconds / (leads.height - BATCH) * 1e6:.0f}" for seconds in spent.values())
    return f"| CPU us a lead | {' | '.join(spent)} |\n|---|{'---|' * len(spent)}\n| batches of {BATCH} | {each} |"

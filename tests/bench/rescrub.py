"""What a re-scrub costs: requests to each system, and seconds, for a sheet whose rows are all due."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl

import leadflow as lf
from leadflow.local.people import dnc_code, is_litigator
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.tables import CONSOLIDATED_COLUMNS
from tests.bench.job import changed
from tests.bench.leads import write_leads
from tests.bench.own import NO_CAPS, NO_LATENCY, NO_QUOTAS

HEAD = """\
| rows | phones | what | s | litigator | dnc | sheet reads | sheet writes | MB read | Snowflake | idiCORE \
| renewed | withdrawn |
|---|---|---|---|---|---|---|---|---|---|---|---|---|"""
_PHONES_A_ROW = 2
_ONE_IN = 50  # rows whose second phone is on a list by now


def rows(sizes: list[int]) -> Iterator[str]:
    """Table rows for each size: a dry run, and a re-scrub of all rows."""
    with tempfile.TemporaryDirectory() as folder:
        leads = write_leads(Path(folder) / "leads.csv", 100)
        with lf.local.start(leads=leads, latency=NO_LATENCY, quotas=NO_QUOTAS) as world:
            for size in sizes:
                world.reset()
                yield from _measured(world, size)


def _measured(world: lf.local.World, size: int) -> Iterator[str]:
    with lf.Engine(changed(world.settings, NO_CAPS)) as engine:
        engine.run("SELECT * FROM RAW_LEADS", limit_rows=20, progress=False)
        header, first, *_ = world.sheet_values()
        people = _people(header, first, size)
        world.edit_sheet([("replace", [header, *people])])
        _fill_table(engine, header, people)
        yield _row(world, size, "dry run", lambda: engine.rescrub(dry_run=True))
        yield _row(world, size, "re-scrub", lambda: engine.rescrub(progress=False))
        yield _row(world, size, "re-scrub, nothing due", lambda: engine.rescrub(progress=False))


def _people(header: list[str], like: list[str], size: int) -> list[list[str]]:
    """Rows of different leads with old checks, each with phones of its own."""
    at = datetime.now(timezone.utc) - timedelta(days=27)
    dates = {"Scrubbed At": f"{at:%Y-%m-%d %H:%M} UTC", "Callable Until": f"{at + timedelta(days=31):%Y-%m-%d}"}
    clean, listed = _numbers(_is_clean), _numbers(lambda phone: not _is_clean(phone))
    people = []
    for n in range(size):
        cells = dict(zip(header, [*like, *[""] * len(header)], strict=False))
        second = next(listed if n % _ONE_IN == 7 else clean)
        cells |= {"Lead Key": f"{n:032x}", "Phone 1": next(clean), "Phone 2": second, "Phone 3": "", **dates}
        people.append([cells[name] for name in header])
    return people


def _numbers(wanted: Callable[[str], bool]) -> Iterator[str]:
    return (f"+1504{n}" for n in itertools.count(2_000_000) if wanted(f"504{n}"))


def _is_clean(phone: str) -> bool:
    return dnc_code(phone) in "CWY" and not is_litigator(phone)


def _fill_table(engine: lf.Engine, header: list[str], people: list[list[str]]) -> None:
    """Put the rows into the consolidated table, as the job that delivered them did."""
    settings = engine.settings.warehouse
    there = [name for name in CONSOLIDATED_COLUMNS if name in header]
    frame = (
        pl.DataFrame(people, header, orient="row")
        .select(there)
        .with_columns(*(pl.lit("").alias(name) for name in CONSOLIDATED_COLUMNS if name not in there))
    )
    frame = frame.with_columns(pl.lit("delivered").alias("Disposition"), pl.lit("{}").alias("Extra"))
    with Warehouse(settings) as warehouse:
        warehouse.merge(frame, "Lead Key", {settings.consolidated: {name: name for name in CONSOLIDATED_COLUMNS}})


def _row(world: lf.local.World, size: int, what: str, work: Callable[[], object]) -> str:
    before, began = world.stats(), time.perf_counter()
    done = work()
    took, after = time.perf_counter() - began, world.stats()

    def more(system: str, name: str) -> int:
        return int(after[system].get(name, 0)) - int(before[system].get(name, 0))

    counts = getattr(done, "counts", None)
    outcome = (counts.renewed, sum(counts.withdrawn.values())) if counts else ("", "")
    calls = [more("litigator", "calls"), more("dnc", "calls"), more("sheets", "reads"), more("sheets", "writes")]
    read = f"{more('sheets', 'bytes') / 1e6:,.1f}"
    cells = [f"{size:,}", f"{size * _PHONES_A_ROW:,}", what, f"{took:.1f}", *calls, read]
    return f"| {' | '.join(map(str, [*cells, more('snowflake', 'calls'), more('idicore', 'calls'), *outcome]))} |"

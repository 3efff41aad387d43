"""What a large sheet costs: the calls, and the bytes that the stand-in answers, at a start, an append and in a job."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import leadflow as lf
from leadflow.services.sheets import Sheet
from tests.bench.job import changed
from tests.bench.leads import write_leads
from tests.bench.own import NO_CAPS, NO_LATENCY, NO_QUOTAS

HEAD = """\
| rows in the sheet | what | reads | writes | MB answered, not compressed | s |
|---|---|---|---|---|---|"""
_APPENDED = 200
_SCRIPT = 'SELECT * FROM RAW_LEADS ORDER BY "Lead Number"'


def rows(sizes: list[int]) -> Iterator[str]:
    """A table row for each size and each kind of work."""
    with tempfile.TemporaryDirectory() as folder:
        leads = write_leads(Path(folder) / "leads.csv", 2_000)
        with lf.local.start(leads=leads, latency=NO_LATENCY, quotas=NO_QUOTAS) as world:
            for size in sizes:
                world.reset()
                yield from _measured(world, size)


def _measured(world: lf.local.World, size: int) -> Iterator[str]:
    settings = changed(world.settings, NO_CAPS)
    with lf.Engine(settings) as engine:
        engine.run(_SCRIPT, limit_rows=40, progress=False)
        header, *first = world.sheet_values()
        people = [_filled(header, first[0], n) for n in range(size - len(first))]
        world.edit_sheet([("replace", [header, *first, *people])])
        sheet = Sheet(settings.sheets)
        yield _row(world, size, "start", lambda: _start(sheet, header))
        new = [dict(zip(header, _filled(header, first[0], size + n), strict=True)) for n in range(2 * _APPENDED)]
        yield _row(world, size, f"append of {_APPENDED} rows", lambda: sheet.append(new[:_APPENDED]))
        world.edit_sheet([("append", [people[0][0], "copied and changed"])])
        again = Sheet(settings.sheets)
        yield _row(world, size, "start, two rows of a key differ", lambda: _start(again, header))
        world.edit_sheet([("insert", 5, [])])
        blank = Sheet(settings.sheets)
        yield _row(world, size, "start, blank row in the middle", lambda: _start(blank, header))
        yield _row(world, size, f"append of {_APPENDED} rows, blank row", lambda: blank.append(new[_APPENDED:]))
        yield _row(
            world,
            size,
            "job of 400 leads",
            lambda: engine.run(_SCRIPT, limit_rows=400, progress=False),
        )


def _start(sheet: Sheet, names: list[str]) -> None:
    sheet.connect(prove=True)
    sheet.prepare(names)


def _filled(header: list[str], like: list[str], number: int) -> list[str]:
    """A row of another lead, with a phone of its own in each column that has one in the row `like`."""
    found = [*like, *[""] * (len(header) - len(like))]
    cells = [f"+1{2_000_000_000 + number}" if cell.startswith("+1") else cell for cell in found]
    cells[header.index("Lead Key")] = f"lead-{number:09}-of-the-bench"
    return cells


def _row(world: lf.local.World, size: int, what: str, work: Callable[[], object]) -> str:
    before, began = world.stats()["sheets"], time.perf_counter()
    work()
    took, after = time.perf_counter() - began, world.stats()["sheets"]
    reads, writes, sent = (after.get(name, 0) - before.get(name, 0) for name in ("reads", "writes", "bytes"))
    return f"| {size:,} | {what} | {reads} | {writes} | {sent / 1e6:,.2f} | {took:.1f} |"

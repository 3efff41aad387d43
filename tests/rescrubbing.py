"""A sheet of delivered rows whose checks are old, and what must be true after they were checked again."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from outcome import OBSERVED, SCRIPT, Outcome, doubles, sheet_rows, unsafe_phones

import leadflow as lf
from leadflow.services.warehouse import Warehouse

OLD_DAYS = 28


def no_reuse(world: Any, **parts: Any) -> Any:
    """Settings in which a check of an earlier job is never used again, and other parts changed."""
    policy = world.settings.policy.model_copy(update={"reuse_scrubs_hours": 0, **parts.pop("policy", {})})
    changed = {name: getattr(world.settings, name).model_copy(update=value) for name, value in parts.items()}
    return world.settings.model_copy(update={"policy": policy, **changed})


def deliver_old_rows(world: Any, engine: Any, leads: int = 40, days: float = OLD_DAYS) -> list[str]:
    """Deliver leads, and make their checks look old in the sheet. Return the keys, in the order of the sheet."""
    engine.run(SCRIPT, limit_rows=leads, progress=False)
    age(world, days)
    return [row["Lead Key"] for row in sheet_rows(world)]


def age(world: Any, days: float, *keys: str) -> None:
    """Make the checks of rows look this old; of all rows without keys."""
    scrubbed = datetime.now(timezone.utc) - timedelta(days=days)
    dates = {
        "Scrubbed At": f"{scrubbed:%Y-%m-%d %H:%M} UTC",
        "Callable Until": f"{scrubbed + timedelta(days=31):%Y-%m-%d}",
    }
    set_cells(world, dict.fromkeys(keys or [row["Lead Key"] for row in sheet_rows(world)], dates))


def set_cells(world: Any, cells: dict[str, dict[str, str]]) -> None:
    """Type texts into the rows of keys, by column; a column that is not there is added."""

    def edit(rows: list[list[str]]) -> list[list[str]]:
        header = rows[0]
        for name in dict.fromkeys(name for texts in cells.values() for name in texts):
            if name not in header:
                header.append(name)
        column = header.index("Lead Key")
        for row in rows[1:]:
            row += [""] * (len(header) - len(row))
            for name, text in cells.get(row[column], {}).items():
                row[header.index(name)] = text
        return rows

    world.edit_sheet(edit)


def row_of(world: Any, key: str) -> dict[str, str]:
    """The row of a key in the callers' tab; empty without one."""
    return next((row for row in sheet_rows(world) if row.get("Lead Key") == key), {})


def phones_of(row: dict[str, str]) -> list[str]:
    return [cell for name, cell in row.items() if name.startswith("Phone ") and name[6:].isdigit() and cell]


def list_phones(world: Any, *phones: str, code: str = "D", times: int = 100_000) -> None:
    """Put phones on the do-not-call list from now on: DNCScrub answers a second, worse row for each."""
    world.fail("dnc", "lie", times=times, add=[{"Phone": phone[2:], "ResultCode": code} for phone in phones])


def withdrawn_rows(world: Any) -> list[dict[str, str]]:
    header, *rows = world.sheet_values("Withdrawn") or [[]]
    return [dict(zip(header, row, strict=False)) for row in rows]


def query(world: Any, sql: str) -> list[tuple[Any, ...]]:
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        return warehouse.execute(sql)


def table_words(world: Any) -> dict[str, tuple[Any, ...]]:
    """Disposition, reason and Callable Until of each lead in the consolidated table."""
    sql = 'SELECT "Lead Key", "Disposition", "Reason", "Callable Until" FROM UNIQUE_CONSOLIDATED_DATA'
    return {key: tuple(words) for key, *words in query(world, sql)}


def is_fresh(row: dict[str, str]) -> bool:
    """Whether a row says that its checks are of today."""
    now = datetime.now(timezone.utc)
    until = (now + timedelta(days=31)).date().isoformat()
    return row["Scrubbed At"] >= f"{now - timedelta(hours=1):%Y-%m-%d %H:%M}" and row["Callable Until"] >= until


def observe_rescrub(world: Any, keys: list[str], unlawful: set[str]) -> Outcome:
    """Judge sheet, tables and ledger after a re-scrub of `keys`, of which `unlawful` must have gone; for the table."""
    rows = sheet_rows(world)
    there = [row["Lead Key"] for row in rows if row.get("Lead Key")]
    moved = [row["Lead Key"] for row in withdrawn_rows(world)]
    words, entries = table_words(world), query(world, 'SELECT "ENTRY_ID" FROM SCRUB_LEDGER')
    said = {key for key in unlawful if words[key][:1] == ("withdrawn",)}
    gone = {key for (key,) in query(world, "SELECT LEAD_KEY FROM SCRUB_LEDGER WHERE EVENT = 'withdrawn'")}
    lost = (
        len(set(keys) - unlawful - set(there))
        + len(unlawful - set(moved))
        + len(unlawful - said)
        + len(unlawful - gone)
    )
    stale = sum(1 for row in rows if row.get("Lead Key") in keys and not is_fresh(row))
    outcome = Outcome(
        rows=len(there),
        doubled=doubles(there) + doubles(moved) + doubles([entry for (entry,) in entries]),
        lost=lost,
        bought_twice=0,
        unsafe=unsafe_phones(world, rows) + len(unlawful & set(there)) + stale,
    )
    OBSERVED.append((os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].split(" ")[0], outcome))
    return outcome


def resume_until_done(world: Any, engine: Any, job_id: str) -> Any:
    """Heal the world, and resume until no lead waits."""
    world.heal()
    job = engine.resume(job_id, progress=False)
    assert job.ok
    assert job.counts.balanced
    assert not job.counts.retry
    return job


def last_job() -> str:
    return str(lf.jobs()["id"].iloc[0])

"""What a job left behind, read from the outside systems themselves, for tests to judge."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from leadflow.local import sample
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.tables import LEDGER_COLUMNS

SCRIPT = "SELECT * FROM RAW_LEADS"
OBSERVED: list[tuple[str, Outcome]] = []


@dataclass
class Outcome:
    """Counts a fault table is made of; all but `rows` must be zero after a resume."""

    rows: int
    doubled: int
    lost: int
    bought_twice: int
    unsafe: int

    @property
    def clean(self) -> bool:
        return (self.doubled, self.lost, self.bought_twice, self.unsafe) == (0, 0, 0, 0)


def sheet_rows(world: Any) -> list[dict[str, str]]:
    header, *rows = world.sheet_values() or [[]]
    return [dict(zip(header, row, strict=False)) for row in rows]


def table_keys(world: Any, table: str, column: str) -> list[str]:
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        return [key for (key,) in warehouse.execute(f'SELECT "{column}" FROM {table}')]


def doubles(keys: list[str]) -> int:
    return sum(n - 1 for n in Counter(keys).values())


def observe(world: Any, engine: Any, job_id: str, in_flight: int = 0) -> Outcome:
    """Compare sheet and tables with what the job says, and phones with the truth."""
    delivered = engine.checkpoints.keys(job_id, "delivered")
    final = engine.checkpoints.keys(job_id, "delivered", "held")
    rows = sheet_rows(world)
    sheet = [row["Lead Key"] for row in rows]
    cache = table_keys(world, "PERSON_CACHE", "person_key")
    consolidated = table_keys(world, "UNIQUE_CONSOLIDATED_DATA", "Lead Key")
    lost = len(set(delivered) - set(sheet)) + len(set(final) - set(cache)) + len(set(final) - set(consolidated))
    ledger = ledger_rows(world, job_id)
    lost += len(unrecorded(ledger, [row for row in rows if row["Lead Key"] in set(delivered)]))
    bought = world.stats()["idicore"]["bought"]
    outcome = Outcome(
        rows=len(rows),
        doubled=doubles(sheet) + doubles(cache) + doubles(consolidated) + doubles([row["ENTRY_ID"] for row in ledger]),
        lost=lost,
        bought_twice=max(0, doubles([k for k, n in bought.items() for _ in range(n)]) - in_flight),
        unsafe=unsafe_phones(world, rows),
    )
    OBSERVED.append((os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].split(" ")[0], outcome))
    return outcome


def ledger_rows(world: Any, job_id: str | None = None) -> list[dict[str, Any]]:
    """The ledger's rows of a job, or all."""
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        names = ", ".join(LEDGER_COLUMNS)
        where, values = ("WHERE JOB_ID = ?", (job_id,)) if job_id else ("", ())
        rows = warehouse.execute(f"SELECT {names} FROM SCRUB_LEDGER {where}", values)
        return [dict(zip(LEDGER_COLUMNS, row, strict=True)) for row in rows]


def phones_of(row: dict[str, str]) -> list[str]:
    """The phones that a row of the sheet shows."""
    return [value for name, value in row.items() if re.fullmatch(r"Phone \d+", name) and value]


def unrecorded(ledger: list[dict[str, Any]], rows: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    """What the ledger lacks: for each phone in the sheet its delivery and both checks, and deliveries of no row."""
    said = {(row["LEAD_KEY"], row["PHONE"], row["KIND"] or row["EVENT"]) for row in ledger}
    shown = {(row["Lead Key"], phone) for row in rows for phone in phones_of(row)}
    wanted = {(*place, word) for place in shown for word in ("delivered", "litigator", "dnc")}
    return sorted(wanted - said) + sorted((k, p, w) for k, p, w in said if w == "delivered" and (k, p) not in shown)


def fault_table() -> list[str]:
    """What was observed, by fault: times observed, and sums of what must be zero."""
    sums: dict[str, list[int]] = {}
    for test, seen in OBSERVED:
        fault = re.sub(r"\[\d+\]$", "", test.removeprefix("test_"))
        row = sums.setdefault(fault, [0] * 6)
        for n, value in enumerate((1, seen.rows, seen.lost, seen.doubled, seen.bought_twice, seen.unsafe)):
            row[n] += value
    lines = [f"{'fault':<86} {'seen':>4} {'rows':>6} {'lost':>4} {'doubled':>7} {'bought twice':>12} {'unsafe':>6}"]
    return lines + [
        f"{fault[:86]:<86} {n:>4} {rows:>6} {lost:>4} {doubled:>7} {twice:>12} {unsafe:>6}"
        for fault, (n, rows, lost, doubled, twice, unsafe) in sums.items()
    ]


def truth_phones() -> list[dict[str, Any]]:
    with sample("truth.csv").open(encoding="utf-8", newline="") as file:
        return [phone for row in csv.DictReader(file) for phone in json.loads(row["phones"])]


def personal_words() -> set[str]:
    """What must never be said of a sample person: full names, streets, phones in three forms, e-mails."""
    words = {form for p in truth_phones() for form in (p["number"], p["e164"], p["written"].strip())}
    with sample("leads.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words |= {row["Address"].strip(), f"{row['First Name'].strip()} {row['Last Name'].strip()}"}
    with sample("truth.csv").open(encoding="utf-8", newline="") as file:
        words |= {email for row in csv.DictReader(file) for email in json.loads(row["emails"])}
    return {word for word in words if len(word) >= 8}


def unsafe_phones(world: Any, rows: list[dict[str, str]]) -> int:
    """Phones delivered though the truth says litigator, do-not-call, or any code but clean ones."""
    bad = {p["e164"] for p in truth_phones() if p["litigator"] or p["dnc"] or p["dnc_code"] not in ("C", "W", "Y")}
    return sum(1 for row in rows for phone in phones_of(row) if phone in bad)

"""Answers with candidates, and what accepting one of them did: helpers of the tests of reviews."""

from __future__ import annotations

import json

from outcome import SCRIPT, sheet_rows

from leadflow.local.people import dnc_code, is_litigator
from leadflow.services.warehouse import Warehouse

NUMBERS = [f"504555{n:04}" for n in range(100, 200)]
CLEAN, CLEAN_TOO, *_ = [n for n in NUMBERS if not is_litigator(n) and dnc_code(n) == "C"]
LITIGATOR = next(n for n in NUMBERS if is_litigator(n))
DNC = next(n for n in NUMBERS if dnc_code(n) == "D" and not is_litigator(n))


def person(lead, pid, phones, first="Wilhelmina", emails=("w@example.com",), **more):
    """A person at the lead's address, with another first name."""
    home = {"data": lead["address"], "city": lead["city"], "state": lead["state"], "zip": lead["zip"]}
    listed = [{"number": phone, "type": "Mobile", "meta": {"rank": n}} for n, phone in enumerate(phones, 1)]
    return {
        "pid": pid,
        "name": [{"first": first, "last": lead["last"]}],
        "address": [home],
        "phone": listed,
        "email": [{"data": e} for e in emails],
        **more,
    }


def set_answers(world, lead, *people):
    world.fail("idicore", "body", body=json.dumps({"result": people}), on="search", key=lead["key"], times=100)


def run_job(engine, **options):
    return engine.run(SCRIPT, limit_rows=40, progress=False, **options)


def sheet_row(world, key):
    rows = [row for row in sheet_rows(world) if row["Lead Key"] == key]
    assert len(rows) <= 1
    return rows[0] if rows else None


def table_states(world, key):
    """What both tables say of a lead: status in PERSON_CACHE, disposition and reason in the other."""
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        cached = warehouse.execute(f"""SELECT "status" FROM PERSON_CACHE WHERE "person_key" = '{key}'""")
        merged = warehouse.execute(
            f"""SELECT "Disposition", "Reason" FROM UNIQUE_CONSOLIDATED_DATA WHERE "Lead Key" = '{key}'"""
        )
    return [status for (status,) in cached], [(d, r or "") for d, r in merged]


def accept_state(engine, job, key):
    """A picture of all that an accept may change."""
    return (
        engine.checkpoints.tally(job.id),
        engine.checkpoints.answers([key]),
        engine.history.job(job.id)["status"],
        engine.review(job.id).to_dict(),
    )

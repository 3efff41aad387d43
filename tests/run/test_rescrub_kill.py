"""Kill a re-scrub anywhere; a resume renews or withdraws each row once, and leaves nothing unlawful in the sheet."""

from __future__ import annotations

import random
import signal
import time

import pytest
from job_process import start_job
from rescrubbing import (
    deliver_old_rows,
    last_job,
    list_phones,
    no_reuse,
    observe_rescrub,
    phones_of,
    row_of,
    sheet_rows,
    withdrawn_rows,
)

import leadflow as lf

_SMALL = {"max_numbers": 30}
_ENV = {
    "LEADFLOW_POLICY__REUSE_SCRUBS_HOURS": "0",
    "LEADFLOW_DNC__MAX_NUMBERS": "30",
    "LEADFLOW_LITIGATOR__MAX_NUMBERS": "30",
}
# Arguments: an event (its name, its stage, or stage|words) or a call (Class.method:before or :after), and which one.
_KILLS_ITSELF = """
import os, signal, sys
import leadflow as lf
from leadflow.checkpoints import Checkpoints
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse

at, nth = sys.argv[1], int(sys.argv[2])
seen = 0
def count():
    global seen
    seen += 1
    if seen == nth:
        os.kill(os.getpid(), signal.SIGKILL)
def kill(recorded):
    event = recorded.event
    if at in (event.name, event.stage, event.stage + "|" + event.text()[:8]):
        count()
place, _, moment = at.partition(":")
if moment:
    owner, name = place.split(".")
    owner = {"Sheet": Sheet, "Warehouse": Warehouse, "Checkpoints": Checkpoints}[owner]
    whole = getattr(owner, name)
    def wrapped(self, *args, **more):
        if moment == "before":
            count()
        found = whole(self, *args, **more)
        if moment == "after":
            count()
        return found
    setattr(owner, name, wrapped)
engine = lf.Engine()
handle = engine.submit_rescrub(listeners=(kill,))
print(handle.id, flush=True)
handle.result()
"""


@pytest.fixture
def engine(world):
    with lf.Engine(no_reuse(world, litigator=_SMALL, dnc=_SMALL)) as engine:
        yield engine


def _begin(world, engine):
    """Old rows, of which two may not be called any more. Return all keys and those two."""
    keys = deliver_old_rows(world, engine, leads=60)
    two = {keys[2], keys[len(keys) - 3]}
    list_phones(world, *(phones_of(row_of(world, key))[0] for key in two))
    return keys, two


def _resume(world, engine, keys, unlawful):
    job = engine.resume(last_job(), progress=False)
    assert job.ok, job.message
    assert (job.counts.renewed, job.counts.withdrawn, job.counts.waiting) == (len(keys) - 2, {"dnc": 2}, 0)
    outcome = observe_rescrub(world, keys, unlawful)
    assert outcome.clean, outcome
    assert engine.report(job.id).ok, engine.report(job.id).validation


_MOMENTS = [
    ("Google Sheets|Connecti", 1), ("Snowflake", 2), ("Engine", 3), ("batch_progress", 1), ("batch_progress", 3),
    ("DNC", 1), ("Litigator", 1), ("Litigator", 4), ("Google Sheets|Withdrew", 1), ("Google Sheets|Brought ", 1),
    ("Cache", 1), ("Cache", 2), ("row_processed", 1), ("job_complete", 1),
    ("Checkpoints.add_leads:after", 1), ("Checkpoints.extracted:after", 1), ("Checkpoints.save_scrubs:after", 1),
    ("Checkpoints.save_scrubs:after", 3), ("Checkpoints.settle:before", 1), ("Checkpoints.settle:after", 1),
    ("Sheet.append:before", 1), ("Sheet.append:after", 1), ("Sheet._send_deletes:before", 1),
    ("Sheet._send_deletes:after", 1), ("Sheet._write:before", 1), ("Sheet._write:after", 1),
    ("Warehouse.merge:before", 1), ("Warehouse.merge:after", 1), ("Warehouse.merge:after", 2),
    ("Checkpoints.settle:before", 2), ("Checkpoints.settle:after", 2), ("Checkpoints.settle:before", 3),
]  # fmt: skip


@pytest.mark.parametrize(("at", "nth"), _MOMENTS)
def test_a_rescrub_killed_at_a_step(world, engine, at, nth):
    keys, unlawful = _begin(world, engine)
    child = start_job(world, _KILLS_ITSELF, at, nth, **_ENV)
    _, err = child.communicate(timeout=200)
    assert child.returncode == -signal.SIGKILL, err
    _resume(world, engine, keys, unlawful)


@pytest.mark.parametrize("seed", range(6))
def test_a_rescrub_killed_at_a_random_moment(world, engine, seed):
    keys, unlawful = _begin(world, engine)
    world.configure(latency={"litigator": 0.05, "dnc": 0.05, "sheets": 0.04})
    child = start_job(world, _KILLS_ITSELF, "never", 1, **_ENV)
    child.stdout.readline()
    time.sleep(random.Random(seed).uniform(0, 2.0))
    child.kill()
    child.communicate(timeout=100)
    world.configure(latency={"litigator": 0.0, "dnc": 0.0, "sheets": 0.0})
    _resume(world, engine, keys, unlawful)


def test_a_rescrub_killed_twice_pays_for_no_check_twice(world, engine):
    keys, unlawful = _begin(world, engine)
    numbers = {name: world.stats()[name]["numbers"] for name in ("litigator", "dnc")}
    phones = {phone for row in sheet_rows(world) for phone in phones_of(row)}
    start_job(world, _KILLS_ITSELF, "Sheet._send_deletes:after", 1, **_ENV).communicate(timeout=200)
    code = _KILLS_ITSELF.replace("engine.submit_rescrub(", f"engine.submit_resume({last_job()!r}, ")
    start_job(world, code, "Warehouse.merge:after", 1, **_ENV).communicate(timeout=200)
    _resume(world, engine, keys, unlawful)
    assert {name: world.stats()[name]["numbers"] - before for name, before in numbers.items()} == {
        "litigator": len(phones), "dnc": len(phones),
    }  # fmt: skip
    assert len(withdrawn_rows(world)) == 2

"""Kill the process anywhere; a resume loses nothing, doubles nothing and pays for nothing twice."""

from __future__ import annotations

import random
import signal
import time

import pytest
from job_process import resume_and_judge, start_job

import leadflow as lf

_LEADS = 90
_KILLS_ITSELF = """
import os, signal, sys
import leadflow as lf
at, nth = sys.argv[1], int(sys.argv[2])
seen = 0
def kill(recorded):
    global seen
    event = recorded.event
    if at in (event.name, event.stage, event.stage + "|" + event.text()[:9]):
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)
engine = lf.Engine()
handle = engine.submit("SELECT * FROM RAW_LEADS", name="killed", limit_rows=int(sys.argv[3]), listeners=(kill,))
print(handle.id, flush=True)
handle.result()
"""


def _resume(world, job_id):
    resume_and_judge(world, job_id, in_flight=world.settings.idicore.max_in_flight)


_BOUNDARIES = [
    ("Snowflake", 2),
    ("Google Sheets", 2),
    ("batch_progress", 1),
    ("batch_progress", 4),
    ("idiCORE", 1),
    ("idiCORE", 3),
    ("Litigator", 1),
    ("Litigator", 3),
    ("DNC", 1),
    ("DNC", 3),
    ("Google Sheets", 3),
    ("Google Sheets", 4),
    ("Cache", 1),
    ("Cache", 2),
    ("row_processed", 1),
    ("row_processed", 5),
    ("job_complete", 1),
]


@pytest.mark.parametrize(("at", "nth"), _BOUNDARIES)
def test_killed_at_a_stage_boundary(world, at, nth):
    child = start_job(world, _KILLS_ITSELF, at, nth, _LEADS)
    out, err = child.communicate(timeout=200)
    # Batches that go out together have one event, so a late one may not come: then the job is complete.
    assert child.returncode in (-signal.SIGKILL, 0), err
    _resume(world, out.strip() or lf.jobs(history=world.settings.history_file)["id"].iloc[0])


@pytest.mark.parametrize(("at", "nth"), [("Google Sheets", 3), ("Cache", 1), ("batch_progress", 4)])
def test_killed_and_all_phones_checked_again(world, at, nth):
    """The resume uses no check again, so it repeats deliveries with other checks, at another time."""
    child = start_job(world, _KILLS_ITSELF, at, nth, _LEADS, LEADFLOW_POLICY__REUSE_SCRUBS_HOURS="0")
    out, err = child.communicate(timeout=200)
    assert child.returncode in (-signal.SIGKILL, 0), err
    policy = world.settings.policy.model_copy(update={"reuse_scrubs_hours": 0})
    resume_and_judge(world, out.strip(), world.settings.idicore.max_in_flight, policy=policy)


@pytest.mark.parametrize("seed", range(30))
def test_killed_at_a_random_moment(world, seed):
    world.configure(latency={"idicore": 0.01, "litigator": 0.02, "dnc": 0.02, "sheets": 0.05})
    child = start_job(world, _KILLS_ITSELF, "never", 1, _LEADS)
    job_id = child.stdout.readline().strip()
    time.sleep(random.Random(seed).uniform(0, 1.6))
    child.kill()
    child.communicate(timeout=100)
    _resume(world, job_id)

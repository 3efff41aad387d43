"""Kill the process anywhere; a resume loses nothing, doubles nothing and pays for nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from outcome import SCRIPT, observe

import leadflow as lf

_LEADS = 90
_BATCH = 20

_CHILD = (
    """
import os, signal, sys, threading
import leadflow as lf
from leadflow.engine import Engine
at, nth = sys.argv[1], int(sys.argv[2])
seen = 0
def kill(recorded):
    global seen
    event = recorded.event
    if at in (event.name, event.stage, event.stage + "|" + event.text()[:9]):
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)
engine = Engine()
handle = engine.submit("SELECT * FROM RAW_LEADS", name="killed", limit_rows=%d, listeners=(kill,))
print(handle.id, flush=True)
handle.result()
"""
    % _LEADS
)


def _start(world, at="never", nth=1):
    env = {**os.environ, **world.env(), "LEADFLOW_BATCH_SIZE": str(_BATCH)}
    return subprocess.Popen([sys.executable, "-c", _CHILD, at, str(nth)], env=env, stdout=subprocess.PIPE, text=True)


def _resume_and_judge(world, job_id):
    settings = world.settings.model_copy(update={"batch_size": _BATCH})
    with lf.Engine(settings) as engine:
        job = engine.resume(job_id, progress=False)
        assert job.ok
        assert job.counts.balanced
        assert job.counts.waiting == 0
        outcome = observe(world, engine, job_id, in_flight=world.settings.idicore.max_in_flight)
        assert outcome.clean, outcome
        assert engine.report(job_id).ok, engine.report(job_id).validation


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
    child = _start(world, at, nth)
    job_id = child.stdout.readline().strip()
    child.wait(120)
    if not job_id:
        job_id = lf.jobs(history=world.settings.history_file)["id"].iloc[0]
    _resume_and_judge(world, job_id)


@pytest.mark.parametrize("seed", range(30))
def test_killed_at_a_random_moment(world, seed):
    world.configure(latency={"idicore": 0.01, "litigator": 0.02, "dnc": 0.02, "sheets": 0.05})
    child = _start(world)
    job_id = child.stdout.readline().strip()
    time.sleep(random.Random(seed).uniform(0, 1.6))
    child.send_signal(signal.SIGKILL)
    child.wait(60)
    _resume_and_judge(world, job_id)


def test_a_live_job_of_another_process_is_refused_and_a_dead_one_taken_over(world):
    world.configure(latency={"idicore": 0.2})
    child = _start(world)
    job_id = child.stdout.readline().strip()
    with lf.Engine(world.settings) as engine:
        with pytest.raises(lf.errors.JobBusyError, match=job_id):
            engine.resume(job_id)
        child.kill()
        child.wait(60)
        world.configure(latency={"idicore": 0.0})
        assert engine.resume(job_id, progress=False).ok
        assert SCRIPT

"""A job in a process of its own, and what must be true after its resume."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from outcome import Outcome, observe

import leadflow as lf

BATCH = 20
# Arguments: bytes that the files may still grow by (0: any), the stage at which that begins, and the number of leads.
RUN = """
import json, os, resource, sys
import leadflow as lf
limit, at = int(sys.argv[1]), sys.argv[2]
def squeeze(recorded):
    if limit and recorded.event.stage == at:
        room = max(os.path.getsize(p) for p in (engine.settings.history_file, engine.settings.checkpoint_file)) + limit
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
engine = lf.Engine()
handle = engine.submit("SELECT * FROM RAW_LEADS", name="child", limit_rows=int(sys.argv[3]), listeners=(squeeze,))
print(handle.id, flush=True)
try:
    print(json.dumps(str(handle.result().status)), flush=True)
except lf.errors.LeadflowError as error:
    print(json.dumps("FAILED " + str(error)), flush=True)
"""


def start_job(world: Any, code: str, *args: object, **env: str) -> subprocess.Popen[str]:
    """A child that executes the code; lf.Engine() in it uses the local world, in batches of BATCH leads."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        env={**os.environ, **world.env(), "LEADFLOW_BATCH_SIZE": str(BATCH), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def jobs_elsewhere(world: Any, code: str) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], Any]]]:
    """Give a function that starts the code with a verb, and returns its process and the ids that it prints first."""
    children: list[subprocess.Popen[str]] = []

    def started(verb: str) -> tuple[subprocess.Popen[str], Any]:
        child = start_job(world, code, verb)
        children.append(child)
        return child, json.loads(child.stdout.readline())

    try:
        yield started
    finally:
        for child in children:
            child.kill()
            child.communicate()


def resume_and_judge(world: Any, job_id: str, in_flight: int = 0, **settings: Any) -> Outcome:
    """Resume the job here; nothing is lost or doubled, and at most so many leads as were in flight are bought twice."""
    with lf.Engine(world.settings.model_copy(update={"batch_size": BATCH, **settings})) as engine:
        job = engine.resume(job_id, progress=False)
        assert job.ok
        assert job.counts.balanced
        assert job.counts.waiting == 0
        outcome = observe(world, engine, job_id, in_flight=in_flight)
        assert outcome.clean, outcome
        report = engine.report(job_id)
        assert report.ok, report.validation
        certificate = engine.certificate(job_id)
        assert certificate.ok, certificate.problems
    return outcome

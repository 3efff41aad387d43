"""lf.stop: a job of this process, of another process, in a queue, ended, dead, unknown; and the trace says who."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from job_process import jobs_elsewhere
from waiting import until

import leadflow as lf
from leadflow.errors import InputError, JobNotFound
from leadflow.history import HEARTBEAT_S, History

_SCRIPT = "SELECT * FROM RAW_LEADS"
# A process that runs a job, a queue or a re-scrub, says its ids, and then how each ended.
_OWNER = """
import json, sys
import leadflow as lf
engine, verb = lf.Engine(), sys.argv[1]
script = "SELECT * FROM RAW_LEADS"
if verb == "run":
    handles = [engine.submit(script, name="june", limit_rows=600)]
    ids = [handles[0].id]
if verb == "queue":
    queue = engine.queue([script, script, script], limit_rows=600)
    ids = queue.ids
print(json.dumps(ids), flush=True)
if verb == "queue":
    queue.wait()
else:
    handles[0].wait()
print(json.dumps([engine.history.job(i)["status"] for i in ids]), flush=True)
"""


@pytest.fixture
def owner(world):
    """Start the owner of jobs; give its process and the ids of the jobs."""
    world.configure(latency={"idicore": 1.0})
    with jobs_elsewhere(world, _OWNER) as started:
        yield started


def _messages(history, job_id):
    return history.events(job_id)["message"].tolist()


def test_a_job_of_this_process_stops_at_once(world):
    world.configure(latency={"idicore": 0.3})
    with lf.Engine(world.settings) as engine:
        handle = engine.submit(_SCRIPT, limit_rows=600)
        said = lf.stop(handle.id, by="ann")
        assert (said.asked, said.standing) == (True, "running")
        assert f"job {handle.id} of this process was asked to stop" in str(said)
        job = handle.result(60)
        assert job.status is lf.JobStatus.STOPPED
        assert "was stopped by ann" in job.message


def test_a_job_of_another_process_stops_with_its_next_heartbeat(world, owner):
    child, (job_id,) = owner("run")
    path = world.settings.history_file
    until(lambda: len(world.stats()["idicore"]["bought"]) > 20, 120)
    begun = time.monotonic()
    said = lf.stop(job_id, by="ann; of accounts", history=path)
    assert said.asked
    assert f"hears it within {HEARTBEAT_S} seconds" in said.message
    assert str(child.pid) in said.message
    assert json.loads(child.stdout.readline()) == ["STOPPED"]
    assert time.monotonic() - begun < HEARTBEAT_S + 15
    history = History(path)
    assert "Asked to stop by ann, of accounts" in _messages(history, job_id)
    assert "was stopped by ann, of accounts; engine.resume" in history.job(job_id)["message"]
    bought = len(world.stats()["idicore"]["bought"])
    assert bought < 600
    child.wait(60)
    world.configure(latency={"idicore": 0.0})
    with lf.Engine(world.settings) as engine:
        assert engine.history.job(job_id)["stop_requested_by"] == "ann, of accounts"
        assert engine.resume(job_id, progress=False).ok, "the old request does not stop the resumed job"
        assert engine.history.job(job_id)["stop_requested_at"] is None
    assert set(world.stats()["idicore"]["bought"].values()) == {1}


def test_the_second_who_asks_learns_of_the_first(owner, world):
    _, (job_id,) = owner("run")
    path = world.settings.history_file
    until(lambda: history_status(path, job_id) == "RUNNING", 120)
    lf.stop(job_id, by="ann", history=path)
    again = lf.stop(job_id, by="bob", history=path)
    assert again.message.startswith("ann asked ") or again.standing == "stopped"


def history_status(path, job_id):
    return History(path).job(job_id)["status"]


def test_the_history_is_written_by_its_owner_all_the_while(world, owner):
    """The owner writes without a pause, and four processes ask at once: all are answered and the job stops."""
    world.configure(latency={"idicore": 2.0})  # four processes start before the job may end
    child, (job_id,) = owner("run")
    path = world.settings.history_file
    history, ended = History(path), threading.Event()

    def write():
        while not ended.is_set():
            history.record_leads("other", 1, [(str(n), "held", "dnc") for n in range(500)])
            history.flush()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    code = "import leadflow as lf, sys\nprint(lf.stop(sys.argv[1], by='x' + sys.argv[3], history=sys.argv[2]).asked)"
    asking = [
        subprocess.Popen([sys.executable, "-c", code, job_id, str(path), str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    assert {ask.communicate(timeout=120)[0].strip() for ask in asking} == {"True"}
    assert json.loads(child.stdout.readline()) == ["STOPPED"]
    ended.set()
    for writer in writers:
        writer.join()


def test_a_job_that_waits_in_the_queue_of_another_process_leaves_it(world, owner):
    child, ids = owner("queue")
    path = world.settings.history_file
    until(lambda: history_status(path, ids[0]) == "RUNNING", 120)
    said = lf.stop(ids[1], by="ann", history=path)
    assert (said.asked, said.standing) == (True, "queued")
    assert "the other jobs of the queue go on" in said.message
    until(lambda: history_status(path, ids[1]) == "STOPPED", 120)
    assert "not started: it was stopped by ann" in History(path).job(ids[1])["message"]
    assert history_status(path, ids[2]) == "QUEUED"
    world.configure(latency={"idicore": 0.0})
    assert json.loads(child.stdout.readline()) == ["COMPLETED", "STOPPED", "COMPLETED"]


def test_a_job_of_a_queue_of_this_process_leaves_it_at_once(world):
    world.configure(latency={"idicore": 0.3})
    with lf.Engine(world.settings) as engine:
        queue = engine.queue([_SCRIPT, _SCRIPT], limit_rows=200)
        until(lambda: queue.running is not None, 120)
        said = lf.stop(queue.ids[1])
        assert (said.asked, said.standing) == (True, "queued")
        assert queue.queued == []
        assert f"it was stopped by {world.settings.started_by}" in engine.history.job(queue.ids[1])["message"]
        queue.stop()


def test_a_job_that_has_ended_is_left_alone(world):
    with lf.Engine(world.settings) as engine:
        job = engine.run(_SCRIPT, limit_rows=5, progress=False)
        said = lf.stop(job.id)
        assert (said.asked, said.standing) == (False, "completed")
        assert said.message.startswith(f"nothing to stop: job {job.id} is COMPLETED since ")
        assert engine.history.job(job.id)["stop_requested_at"] is None


def test_a_job_whose_process_died_is_said_to_be_dead(world, owner):
    child, (job_id,) = owner("run")
    path = world.settings.history_file
    until(lambda: history_status(path, job_id) == "RUNNING", 120)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(30)
    said = lf.stop(job_id, history=path)
    assert (said.asked, said.standing) == (False, "dead")
    assert f"the process that ran job {job_id} is gone; engine.resume('{job_id}')" in said.message


@pytest.mark.parametrize("by", ["", " \n ", "x" * 101, 7])
def test_who_stops_a_job_has_a_name(world, by):
    with lf.Engine(world.settings), pytest.raises(InputError, match="`by` is who stops the job"):
        lf.stop("j", by=by)


def test_an_unknown_job_and_what_is_no_id(world):
    with lf.Engine(world.settings) as engine:
        with pytest.raises(JobNotFound, match="there is no job 'nope'"):
            lf.stop("nope")
        with pytest.raises(InputError, match="named by its id"):
            lf.stop(engine)


def test_a_rescrub_is_stopped_like_any_job(world):
    with lf.Engine(world.settings) as engine:
        engine.run(_SCRIPT, limit_rows=60, progress=False)
        world.configure(latency={"dnc": 2.0, "litigator": 2.0})
        handle = engine.submit_rescrub(0)
        said = lf.stop(handle.id, by="ann")
        assert said.asked
        assert "rows that it has not withdrawn yet stay in the sheet" in said.message
        assert handle.result(60).status is lf.JobStatus.STOPPED
        world.configure(latency={"dnc": 0.0, "litigator": 0.0})
        assert engine.resume(handle.id, progress=False).ok

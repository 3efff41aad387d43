"""Somebody asks not to be called while a job runs on them: on the same machine, on another, in either order, killed."""

from __future__ import annotations

import signal

import pytest
from job_process import start_job
from opt_outs import (
    ASKED,
    SCRIPT,
    elsewhere,
    one_with_own_phone,
    query,
    recorded,
    shown,
    suppressions,
    withdrawn_events,
)
from outcome import observe

import leadflow as lf
from leadflow.compliance.guard import Guard
from leadflow.run.steps import Deliver

LEADS = 30
# A job in a child that is killed after its last append, before it reads the list again. Another engine of that child,
# with another home, suppresses a phone when the checks begin.
KILLED = """
import os, signal, sys
import leadflow as lf
from leadflow.compliance.guard import Guard

Guard.end = lambda self: os.kill(os.getpid(), signal.SIGKILL)

other = lf.Engine(lf.Settings(home=sys.argv[1]))
def suppress(recorded):
    if recorded.event.text().startswith("Checking") and not other.checkpoints.suppression_entries():
        other.suppress(sys.argv[2], reason="asked on the phone", by="ann")
engine = lf.Engine()
handle = engine.submit("SELECT * FROM RAW_LEADS", limit_rows=int(sys.argv[3]), listeners=(suppress,))
print(handle.id, flush=True)
handle.result()
"""


@pytest.fixture
def target(world):
    """A lead that the next job delivers, and a phone that only its row shows; the world is as new afterwards."""
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=LEADS, progress=False)
        found = one_with_own_phone(world)
    world.reset()
    return found


@pytest.fixture
def other(world, target, tmp_path):
    """An engine of another machine."""
    with lf.Engine(elsewhere(world.settings, tmp_path / "other")) as engine:
        yield engine


def _run(engine, suppress, when):
    """Run a job; the first event whose text begins so makes somebody ask not to be called."""
    asked = []

    def listener(recorded):
        if recorded.event.text().startswith(when) and not asked:
            asked.append(suppress())

    job = engine.submit(SCRIPT, limit_rows=LEADS, listeners=(listener,)).result(120)
    assert job.ok
    assert job.counts.balanced
    assert asked, "the job did not say what the test waits for"
    return job, asked[0]


BEFORE, AFTER = "Checking", "Uploaded batch"


@pytest.mark.parametrize("when", [BEFORE, AFTER], ids=["before the append", "after the append"])
@pytest.mark.parametrize("who", ["phone", "person"])
def test_on_another_machine_the_row_is_gone_at_the_end_in_either_order(world, target, other, when, who):
    key, phone = target
    given = {"phones": phone} if who == "phone" else {"person_key": key}
    with lf.Engine(world.settings) as engine:
        job, said = _run(engine, lambda: other.suppress(**given, **ASKED), when)
        assert key not in shown(world)
        assert recorded(world, key) == ("withdrawn", "suppressed")
        assert len(withdrawn_events(world, key)) == len(set(withdrawn_events(world, key))) > 0
        assert said.withdrawn == (1 if when == AFTER else 0)
        report = engine.report(job.id)
        assert report.ok, report.validation
        assert not engine.checkpoints.unproven_appends()


@pytest.mark.parametrize("when", [BEFORE, AFTER], ids=["before the append", "after the append"])
def test_on_the_same_machine_it_is_seen_before_the_append(world, target, when):
    key, phone = target
    with lf.Engine(world.settings) as engine:
        job, _ = _run(engine, lambda: engine.suppress(phone, **ASKED), when)
        assert key not in shown(world)
        state = ("held", "all_suppressed") if when == BEFORE else ("withdrawn", "suppressed")
        assert recorded(world, key)[0] in (state[0], "delivered") if when == BEFORE else recorded(world, key) == state
        assert not any(phone in phones for phones in shown(world).values())
        report = engine.report(job.id)
        assert report.ok, report.validation


@pytest.mark.parametrize("who", ["phone", "person"])
def test_rows_that_are_made_already_are_made_again(world, target, who, monkeypatch):
    key, phone = target
    given = {"phones": phone} if who == "phone" else {"person_key": key}
    with lf.Engine(world.settings) as engine:
        prepare, asked = Deliver.prepare, []

        def made(step, batch):
            prepare(step, batch)
            if key in batch.prepared.rows["Lead Key"]:
                asked.append(engine.suppress(**given, **ASKED))

        monkeypatch.setattr(Deliver, "prepare", made)
        job = engine.run(SCRIPT, limit_rows=LEADS, progress=False)
        assert len(asked) == 1
        assert asked[0].withdrawn == 0  # nothing was in the sheet yet
        assert not any(phone in phones for phones in shown(world).values())
        assert recorded(world, key) == ("held", "all_suppressed")
        assert engine.trace(job.id)["message"].str.contains("1 leads asked not to be called since their check").any()
        assert engine.report(job.id).ok, engine.report(job.id).validation


def test_on_the_same_machine_a_person_is_not_bought_any_more(world, target):
    _key, _ = target
    settings = world.settings.model_copy(update={"batch_size": 5, "batches_in_flight": 1})
    with lf.Engine(settings) as engine:
        job, _ = _run(engine, lambda: engine.suppress(person_key=_last(engine), **ASKED), "Batch 1")
        assert job.counts.held["suppressed_meanwhile"] == 1
        assert job.counts.bought == LEADS - 1
        assert engine.report(job.id).ok, engine.report(job.id).validation
        assert observe(world, engine, job.id).clean


def _last(engine):
    """The last lead of the running job."""
    [handle] = engine.running
    keys = engine.checkpoints.keys(handle.id)
    assert keys
    return keys[-1]


def test_new_requests_of_other_machines_are_seen_while_the_job_runs(world, target, other, monkeypatch):
    key, phone = target
    monkeypatch.setattr(Guard, "every_s", 0.0)
    seen = []
    monkeypatch.setattr(Guard, "end", lambda guard: seen.append(key in shown(world)))
    settings = world.settings.model_copy(update={"batch_size": 5, "batches_in_flight": 1})
    with lf.Engine(settings) as engine:
        _run(engine, lambda: other.suppress(phone, **ASKED), BEFORE)
    assert seen == [False]


def test_a_job_that_is_killed_before_its_last_look_leaves_it_to_the_next(world, target, tmp_path):
    key, phone = target
    child = start_job(world, KILLED, tmp_path / "other", phone, LEADS)
    out, said = child.communicate(timeout=200)
    assert child.returncode == -signal.SIGKILL, said
    assert key in shown(world)  # the request came after the job's read and before its append
    with lf.Engine(world.settings) as engine:
        assert engine.checkpoints.unproven_appends()
        assert engine.complete_suppressions().withdrawn == 1
        assert key not in shown(world)
        assert not engine.checkpoints.unproven_appends()
        job = engine.resume(out.split()[0], progress=False)
        assert job.counts.balanced
        assert engine.report(job.id).ok, engine.report(job.id).validation


def test_a_job_that_was_stopped_leaves_it_to_the_next_job(world, target, other):
    key, phone = target
    with lf.Engine(world.settings.model_copy(update={"batch_size": 5})) as engine:
        handle = engine.submit(SCRIPT, limit_rows=LEADS, listeners=(_stop_when(lambda: handle, AFTER),))
        handle.wait(120)
        there = set(shown(world))
        if key not in there:
            key, phone = one_with_own_phone(world)
        assert engine.checkpoints.unproven_appends()
        query(world, f"INSERT INTO SUPPRESSIONS (PHONE, ADDED_AT) VALUES ('{phone}', '2019-01-01')")
        assert engine.run("SELECT * FROM RAW_LEADS LIMIT 1", progress=False).ok
        assert key not in shown(world)
        assert not engine.checkpoints.unproven_appends()


def _stop_when(handle, text):
    def listener(recorded):
        if recorded.event.text().startswith(text):
            handle().stop()

    return listener


def test_a_resumed_job_leaves_out_who_asked_meanwhile(world, target, other):
    with lf.Engine(world.settings) as engine:
        stopped = engine.run(SCRIPT, limit_rows=LEADS, max_lookups=10, progress=False)
        unpaid = engine.checkpoints.unpaid_keys(stopped.id)[0]
        paid = next(key for key in engine.checkpoints.keys(stopped.id) if key in engine.checkpoints.answers([key]))
        other.suppress(person_key=[unpaid, paid], **ASKED)
        job = engine.resume(stopped.id, max_lookups=100, progress=False)
        assert job.ok
        assert job.counts.balanced
        assert job.counts.held["suppressed_meanwhile"] == 1
        assert job.counts.bought == LEADS - 1
        assert not {unpaid, paid} & set(shown(world))
        assert engine.report(job.id).ok, engine.report(job.id).validation


def test_two_machines_that_say_the_same_at_once_leave_one_entry(world, target, other):
    from concurrent.futures import ThreadPoolExecutor

    with lf.Engine(world.settings) as engine, ThreadPoolExecutor(2) as pool:
        engine.run(SCRIPT, limit_rows=5, progress=False)
        said = [pool.submit(e.suppress, "504-555-0143", **ASKED) for e in (engine, other) for _ in range(2)]
        assert all(result.result(120) for result in said)
        # Two MERGE at one moment may both insert. The entry is the same, and counts once.
        assert len(set(suppressions(world))) == 1
        frames = [e.suppressions() for e in (engine, other)]
        assert [len(frame) for frame in frames] == [1, 1]
        assert len({frame["added_at"][0] for frame in frames}) == 1


def test_without_requests_a_job_makes_no_call_for_them(world):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=5, progress=False)
        reads = world.stats()["sheets"]["reads"]
        engine.complete_suppressions()
        assert world.stats()["sheets"]["reads"] == reads
    assert world.stats()["dnc"]["internal"] == {}

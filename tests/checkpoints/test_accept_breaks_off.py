"""Accepting a candidate beside limits, faults, other threads, lf.forget and pruning; it names nobody."""

from __future__ import annotations

import threading

import pytest
from accepting import (
    CLEAN,
    CLEAN_TOO,
    accept_state,
    person,
    run_job,
    set_answers,
    sheet_row,
)
from outcome import SCRIPT, observe
from privacy import history_text, traceback_text, words_in

import leadflow as lf
from leadflow.checkpoints import review as candidates
from leadflow.errors import HistoryError, InputError, JobBusyError, JobFailedError
from leadflow.job import JobStatus
from leadflow.services.warehouse import Warehouse


@pytest.mark.parametrize("limit", [{"max_lookups": 30}, {"max_cost": 30.0}], ids=str)
def test_a_job_that_a_limit_stopped_delivers_an_accepted_candidate_and_buys_nothing(world, lead, limit):
    # One batch, four searches at once: the lead, one of the first, is searched for before the limit is reached.
    priced = world.settings.idicore.model_copy(update={"price": 1.0, "max_in_flight": 4})
    with lf.Engine(world.settings.model_copy(update={"batch_size": 60, "idicore": priced})) as engine:
        set_answers(world, lead, person(lead, "71", [CLEAN]))
        job = engine.run(SCRIPT, limit_rows=60, progress=False, **limit)
        assert job.status is JobStatus.STOPPED
        assert lead["key"] in set(job.review()["person_key"])
        calls = world.stats()["idicore"]["calls"]
        after = engine.accept(lead["key"], "71", progress=False)
        assert after.status is JobStatus.STOPPED
        assert after.message.startswith(
            f"lead {lead['key']}: delivered; {job.counts.waiting} leads of job {job.id} are still to be processed"
        )
        assert (world.stats()["idicore"]["calls"], after.counts.waiting) == (calls, job.counts.waiting)
        assert (after.counts.delivered, after.counts.bought, after.counts.balanced) == (
            job.counts.delivered + 1,
            job.counts.bought,
            True,
        )
        assert sheet_row(world, lead["key"])["Phone 1"] == f"+1{CLEAN}"
        assert engine.accept(lead["key"], "71").message.endswith("nothing was done")
        done = engine.resume(job.id, progress=False, max_lookups=60, max_cost=100)
        assert (done.ok, done.counts.bought, done.report().ok) == (True, 60, True)
        batches = engine.history.batches(job.id)
        assert (batches["delivered"].sum(), batches["rows"].sum()) == (done.counts.delivered, 60)
        assert observe(world, engine, job.id).clean


def test_accepting_buys_nothing_even_where_leads_wait_for_a_retry(world, engine, lead):
    set_answers(world, lead, person(lead, "71", [CLEAN]))
    world.fail("idicore", "400", times=3, on="search")
    job = run_job(engine)
    assert sum(job.counts.retry.values()) == 3
    calls = world.stats()["idicore"]["calls"]
    after = engine.accept(lead["key"], "71", progress=False)
    assert world.stats()["idicore"]["calls"] == calls
    assert after.counts.retry == job.counts.retry
    assert after.counts.balanced
    assert engine.history.batches(job.id)["retry"].sum() == 3
    assert after.report().ok
    assert engine.resume(job.id, progress=False).counts.retry == {}
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize(
    ("service", "kind", "options"),
    [
        ("dnc", "500", {"times": 100}),
        ("litigator", "403", {"times": 100}),
        ("sheets", "400", {"on": "write", "times": 100}),
        ("snowflake", "sql_error", {"code": 3001, "key": "MERGE", "times": 100}),
    ],
)
def test_an_accept_that_breaks_off_is_resumed(world, lead, service, kind, options):
    quick = {
        name: getattr(world.settings, name).model_copy(update={"attempts": 2, "timeout_s": 5.0})
        for name in ("litigator", "dnc", "sheets")
    }
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20, **quick})) as engine:
        set_answers(world, lead, person(lead, "71", [CLEAN]))
        job = run_job(engine)
        calls = world.stats()["idicore"]["calls"]
        world.fail(service, kind, **options)
        if service == "dnc":
            assert engine.accept(lead["key"], "71", progress=False).counts.retry == {"unchecked": 1}
        else:
            with pytest.raises(JobFailedError, match=r"engine\.resume"):
                engine.accept(lead["key"], "71", progress=False)
        assert lf.jobs()["id"].tolist() == [job.id]
        world.heal()
        after = engine.accept(lead["key"], "71", progress=False)
        assert after.message.startswith(f"lead {lead['key']}: delivered")
        assert world.stats()["idicore"]["calls"] == calls
        assert after.report().ok
        assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("again", ["resume", "accept"])
def test_a_process_that_died_after_the_choice_was_stored_loses_nothing(world, engine, lead, again):
    set_answers(world, lead, person(lead, "71", [CLEAN]))
    job = run_job(engine)
    candidates.store(engine.checkpoints, candidates.choose(engine.checkpoints, lead["key"], "71"))
    assert engine.checkpoints.tally(job.id)["", ""] == 1
    after = (
        engine.resume(job.id, progress=False) if again == "resume" else engine.accept(lead["key"], "71", progress=False)
    )
    assert (after.counts.delivered, after.counts.bought) == (job.counts.delivered + 1, job.counts.bought)
    assert sheet_row(world, lead["key"])["Phone 1"] == f"+1{CLEAN}"
    assert observe(world, engine, job.id).clean


def test_an_accepted_answer_that_another_job_bought_is_not_left_as_processed(world, engine, lead):
    """The lead is in PERSON_CACHE, and the answer belongs to the job that paid; the job that holds it delivers."""
    set_answers(world, lead, person(lead, "71", [CLEAN]))
    first = run_job(engine)
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        warehouse.execute("DELETE FROM PERSON_CACHE")
    second = run_job(engine)
    assert second.counts.reused == 40
    candidates.store(engine.checkpoints, candidates.choose(engine.checkpoints, lead["key"], "71"))
    after = engine.resume(second.id, progress=False)
    assert (after.counts.delivered, after.counts.already_processed) == (
        second.counts.delivered + 1,
        second.counts.already_processed,
    )
    assert lead["key"] not in set(engine.review(first.id)["person_key"])


def test_a_disk_that_is_full_leaves_the_job_as_it_was(engine, world, lead, monkeypatch):
    set_answers(world, lead, person(lead, "71", [CLEAN]))
    job = run_job(engine)
    before = accept_state(engine, job, lead["key"])
    engine.checkpoints._db.execute("PRAGMA max_page_count = 1")
    engine.checkpoints._db.execute("PRAGMA query_only = ON")
    with pytest.raises(HistoryError):
        engine.accept(lead["key"], "71", progress=False)
    engine.checkpoints._db.execute("PRAGMA query_only = OFF")
    engine.checkpoints._db.execute("PRAGMA max_page_count = 1073741823")
    assert accept_state(engine, job, lead["key"]) == before
    assert engine.accept(lead["key"], "71", progress=False).ok


def test_two_threads_accept_one_lead_once(world, engine, lead):
    set_answers(world, lead, person(lead, "71", [CLEAN]))
    job = run_job(engine)
    outcomes = []

    def accept():
        try:
            outcomes.append(engine.accept(lead["key"], "71", progress=False).ok)
        except (InputError, JobBusyError) as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=accept) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert True in outcomes
    assert set(outcomes) <= {True, "JobBusyError"}
    assert observe(world, engine, job.id).clean


def test_what_is_forgotten_is_gone_with_its_candidates(world, engine, lead):
    set_answers(world, lead, person(lead, "71", [CLEAN], emails=["gone@example.com"]), person(lead, "72", [CLEAN_TOO]))
    job = run_job(engine)
    path = engine.settings.checkpoint_file
    assert b"gone@example.com" in path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes()
    assert engine.forget(lead["key"]) > 0
    assert lead["key"] not in set(job.review()["person_key"])
    for file in path.parent.glob(f"{path.name}*"):
        assert b"gone@example.com" not in file.read_bytes(), file.name
        assert CLEAN_TOO.encode() not in file.read_bytes()
    with pytest.raises(InputError, match="no candidates are kept"):
        engine.accept(lead["key"], "71")


def test_checks_of_an_accepted_candidates_phones_are_forgotten_too(world, engine, lead):
    set_answers(world, lead, person(lead, "71", [CLEAN]))
    run_job(engine)
    engine.accept(lead["key"], "71", progress=False)
    assert engine.checkpoints.scrubs([f"+1{CLEAN}"], "dnc")
    engine.forget(lead["key"])
    assert not engine.checkpoints.scrubs([f"+1{CLEAN}"], "dnc")
    with pytest.raises(InputError, match="not under review"):
        engine.accept(lead["key"], "71")


def test_candidates_are_pruned_with_their_job(world, engine, lead):
    set_answers(world, lead, person(lead, "71", [CLEAN]))
    job = run_job(engine)
    engine.accept(lead["key"], "71", progress=False)
    engine.checkpoints.prune(-1)
    assert engine.review(job.id).empty
    assert engine.checkpoints._db.execute(
        "SELECT (SELECT count(*) FROM accepted) + (SELECT count(*) FROM pids)"
    ).fetchone() == (0,)
    with pytest.raises(InputError, match="no job has a lead"):
        engine.accept(lead["key"], "71")


def test_nobody_is_named_when_a_candidate_is_accepted(world, engine, lead, logged, capfd):
    set_answers(world, lead, person(lead, "zq71zq71", [CLEAN], first="Wilhelmina", emails=["wilhelmina@example.com"]))
    job = run_job(engine)
    frame = job.review()
    wrong = "Wilhelmina"
    with pytest.raises(InputError) as refused:
        engine.accept(lead["key"], wrong)
    after = engine.accept(lead["key"], "zq71zq71", progress=False)
    answer = engine.checkpoints.answers([lead["key"]])[lead["key"]]
    said = [
        after.message,
        repr(after),
        after.report().to_markdown(),
        repr(answer),
        repr(answer.candidates),
        str(candidates.choose(engine.checkpoints, lead["key"], "zq71zq71").answer),
        traceback_text(refused.value),
    ]
    engine.history.flush()
    said += [history_text(engine.settings.history_file), *capfd.readouterr(), *(text for _, text in logged.records)]
    words = {"Wilhelmina", "wilhelmina@example.com", CLEAN, f"+1{CLEAN}", "zq71zq71"}
    assert not words_in("\n".join(said), words)
    assert f"+1{CLEAN}" not in frame.to_string()
    assert CLEAN not in frame.to_string()

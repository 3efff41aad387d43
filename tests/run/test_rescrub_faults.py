"""Vendors fail, people work in the sheet, machines meet: no unlawful row stays, and no row is lost or doubled."""

from __future__ import annotations

import pytest
from outcome import SCRIPT
from privacy import forbidden_words, history_text, traceback_text, words_in
from rescrubbing import (
    age,
    deliver_old_rows,
    is_fresh,
    last_job,
    list_phones,
    no_reuse,
    observe_rescrub,
    phones_of,
    resume_until_done,
    row_of,
    set_cells,
    sheet_rows,
    withdrawn_rows,
)

import leadflow as lf
from leadflow.errors import JobFailedError
from leadflow.events import JobLog
from leadflow.job import JobStatus
from leadflow.services.sheets import Sheet

_QUICK = {"attempts": 2, "busy_wait_s": 3.0, "timeout_s": 2.0, "max_numbers": 30}


@pytest.fixture
def engine(world):
    with lf.Engine(no_reuse(world, litigator=_QUICK, dnc=_QUICK)) as engine:
        yield engine


def _begin(world, engine, leads=40):
    keys = deliver_old_rows(world, engine, leads=leads)
    list_phones(world, phones_of(row_of(world, keys[1]))[0])
    return keys, {keys[1]}


def _run(engine):
    """Run the re-scrub under a fault, and return its id."""
    try:
        return engine.rescrub(progress=False).id
    except JobFailedError:
        return last_job()


@pytest.mark.parametrize("service", ["litigator", "dnc"])
@pytest.mark.parametrize("kind", ["500", "429", "html", "timeout"])
def test_rescrub_with_a_vendor_down(world, engine, service, kind):
    keys = deliver_old_rows(world, engine)
    age(world, 33, keys[0], keys[5])
    world.fail(service, kind, times=100_000, s=4.0)
    job_id = _run(engine)
    there = {row["Lead Key"] for row in sheet_rows(world)}
    assert there == set(keys) - {keys[0], keys[5]}, (
        "rows without an answer stay while their old checks count, no longer"
    )
    assert {row["Why"] for row in withdrawn_rows(world)} == {"unchecked"}
    job = resume_until_done(world, engine, job_id)
    assert (job.counts.renewed, job.counts.withdrawn) == (len(keys) - 2, {"unchecked": 2})
    assert observe_rescrub(world, keys, {keys[0], keys[5]}).clean
    assert engine.report(job_id).ok, engine.report(job_id).validation


@pytest.mark.parametrize("service", ["litigator", "dnc"])
@pytest.mark.parametrize("kind", ["503", "429", "drop", "truncated"])
def test_rescrub_with_a_vendor_that_fails_once(world, engine, service, kind):
    keys, unlawful = _begin(world, engine)
    world.fail(service, kind, times=1, retry_after=1)
    job_id = _run(engine)
    if not engine.history.job(job_id)["counts"].get("retry"):
        assert observe_rescrub(world, keys, unlawful).clean
        return
    resume_until_done(world, engine, job_id)


@pytest.mark.parametrize("service", ["litigator", "dnc"])
def test_rescrub_with_a_vendor_that_answers_for_half(world, engine, service):
    keys = deliver_old_rows(world, engine)
    age(world, 33, keys[-1])
    world.fail(service, "missing_row", times=1000, rows=15)
    job = engine.rescrub(progress=False)
    assert job.ok
    assert 0 < job.counts.renewed < len(keys)
    assert job.counts.retry["unchecked"] > 0
    rows = {row["Lead Key"]: row for row in sheet_rows(world)}
    assert sum(map(is_fresh, rows.values())) == job.counts.renewed
    assert "1 withdrawn (unchecked 1)" in job.message or keys[-1] in rows
    resume_until_done(world, engine, job.id)
    gone = set(keys) - {row["Lead Key"] for row in sheet_rows(world)}
    assert observe_rescrub(world, keys, gone).clean


def test_rescrub_with_a_canary_that_is_not_listed_withdraws_only_what_has_run_out(world):
    canary = {**_QUICK, "canary": "+15045550100"}
    with lf.Engine(no_reuse(world)) as engine:
        keys = deliver_old_rows(world, engine)
    age(world, 33, keys[0])
    world.configure(dnc_project="litigator_only")
    with lf.Engine(no_reuse(world, dnc=canary)) as engine:
        with pytest.raises(JobFailedError, match="LEADFLOW_DNC__CANARY"):
            engine.rescrub(progress=False)
        assert {row["Lead Key"] for row in sheet_rows(world)} == set(keys[1:])
        assert not any(is_fresh(row) for row in sheet_rows(world))
    world.configure(dnc_project="full")


@pytest.mark.parametrize("kind", ["applied_then_503", "applied_then_drop", "503", "claimed"])
@pytest.mark.parametrize("after", [0, 2, 4, 6])
def test_rescrub_with_a_write_of_the_sheet_that_fails(world, engine, kind, after):
    keys, unlawful = _begin(world, engine, leads=20)
    world.fail("sheets", kind, times=1, after=after, on="write")
    job_id = _run(engine)
    world.heal()
    if engine.history.job(job_id)["status"] != "COMPLETED":
        list_phones(world, phones_of(row_of(world, keys[1]))[0]) if row_of(world, keys[1]) else None
        assert engine.resume(job_id, progress=False).ok
    assert observe_rescrub(world, keys, unlawful).clean


def _delete(key):
    return lambda rows: [row for row in rows if row[0] != key]


def _new_column(rows):
    return [[*row[:9], "Mine" if n == 0 else "", *row[9:]] for n, row in enumerate(rows)]


_EDITS = {
    "sorts": lambda keys: lambda rows: [rows[0], *reversed(rows[1:])],
    "inserts_rows": lambda keys: lambda rows: [rows[0], ["", "mine"], *rows[1:4], ["", "mine too"], *rows[4:]],
    "deletes_a_row": lambda keys: _delete(keys[6]),
    "rotates": lambda keys: lambda rows: [rows[0], *rows[5:], *rows[1:5]],
}


def _meanwhile(world, monkeypatch, at, edit):
    """A person edits the callers' tab just before a call of leadflow's."""
    whole, done = getattr(Sheet, at), []

    def late(self, *args):
        if not done and self.settings.worksheet == "consolidated_data":
            done.append(world.edit_sheet(edit))
        return whole(self, *args)

    monkeypatch.setattr(Sheet, at, late)
    return done


@pytest.mark.parametrize("at", ["_write", "_send_deletes"])
@pytest.mark.parametrize("edit", _EDITS)
def test_rescrub_of_a_sheet_that_a_person_changes_in_the_middle(world, engine, monkeypatch, at, edit):
    keys, unlawful = _begin(world, engine)
    set_cells(world, {key: {"Notes": f"note of {key}"} for key in keys})
    done = _meanwhile(world, monkeypatch, at, _EDITS[edit](keys))
    job = engine.rescrub(progress=False)
    assert done
    assert job.ok
    rows = {row["Lead Key"]: row for row in sheet_rows(world) if row.get("Lead Key")}
    # A row that a person deletes in the very moment of our delete comes back: nothing says whose delete it was.
    gone = {keys[6]} - rows.keys() if edit == "deletes_a_row" else set()
    assert job.counts.withdrawn == {"dnc": 1, **({"removed_by_hand": 1} if gone else {})}
    assert all(row["Notes"] == f"note of {key}" for key, row in rows.items())
    assert [row["Notes"] for row in withdrawn_rows(world)] == [f"note of {key}" for key in unlawful]
    assert observe_rescrub(world, [key for key in keys if key not in gone], unlawful).clean
    if edit == "inserts_rows":
        assert sum(row.count("mine") + row.count("mine too") for row in world.sheet_values()) == 2


def test_rescrub_of_a_sheet_that_gets_a_column_while_rows_are_withdrawn(world, engine, monkeypatch):
    keys, unlawful = _begin(world, engine)
    done = _meanwhile(world, monkeypatch, "_send_deletes", _new_column)
    assert engine.rescrub(progress=False).ok
    assert done
    assert observe_rescrub(world, keys, unlawful).clean


def test_a_column_put_in_at_the_moment_of_a_write_ends_the_rescrub_with_what_to_restore(world, engine, monkeypatch):
    keys, unlawful = _begin(world, engine)
    before = world.sheet_values()
    _meanwhile(world, monkeypatch, "_write", _new_column)
    with pytest.raises(JobFailedError, match=r"may have been written over.*Version history"):
        engine.rescrub(progress=False)
    assert not unlawful & {row["Lead Key"] for row in sheet_rows(world)}
    world.edit_sheet(lambda _: [row for row in before if row[0] not in unlawful])  # a person restores the version
    assert engine.resume(last_job(), progress=False).ok
    assert observe_rescrub(world, keys, unlawful).clean


def test_rescrub_on_two_machines_at_once(world, tmp_path):
    settings = no_reuse(world, litigator=_QUICK, dnc=_QUICK)
    with lf.Engine(settings) as one, lf.Engine(settings.model_copy(update={"home": tmp_path / "other"})) as other:
        keys, unlawful = _begin(world, one, leads=60)
        world.configure(latency={"sheets": 0.02})
        handles = [one.submit_rescrub(), other.submit_rescrub()]
        jobs = [handle.result() for handle in handles]
        world.configure(latency={"sheets": 0.0})
        assert all(job.ok and job.counts.balanced for job in jobs)
        assert max(job.counts.renewed for job in jobs) == len(keys) - 1
        assert observe_rescrub(world, keys, unlawful).clean
        assert one.report(jobs[0].id).ok, one.report(jobs[0].id).validation


def test_rescrub_while_a_job_delivers(world, engine):
    keys, unlawful = _begin(world, engine, leads=20)
    world.configure(latency={"idicore": 0.005, "sheets": 0.02})
    running = engine.submit(SCRIPT, limit_rows=80)
    job = engine.rescrub(progress=False)
    delivered = running.result()
    world.configure(latency={"idicore": 0.0, "sheets": 0.0})
    assert job.ok
    assert delivered.ok
    new = engine.checkpoints.keys(delivered.id, "delivered")
    there = [row["Lead Key"] for row in sheet_rows(world)]
    assert sorted(there) == sorted([*(set(keys) - unlawful), *new])
    assert observe_rescrub(world, keys, unlawful).clean
    assert engine.report(delivered.id).ok, engine.report(delivered.id).validation


def test_rescrub_that_is_stopped_goes_on_where_it_was(world, engine):
    keys, unlawful = _begin(world, engine, leads=60)
    handle = None

    def stop(recorded):
        event = recorded.event
        if isinstance(event, JobLog) and event.stage == "DNC" and handle is not None:
            handle.stop()

    world.configure(latency={"dnc": 0.3, "litigator": 0.3})
    handle = engine.submit_rescrub(listeners=(stop,))
    job = handle.result()
    world.configure(latency={"dnc": 0.0, "litigator": 0.0})
    assert job.status is JobStatus.STOPPED
    assert "engine.resume" in job.message
    done = engine.resume(job.id, progress=False)
    assert (done.ok, done.counts.renewed) == (True, len(keys) - 1)
    assert observe_rescrub(world, keys, unlawful).clean


def test_rescrub_with_a_sheet_that_may_not_be_written_says_so_and_calls_nothing_withdrawn(world, engine):
    keys, _ = _begin(world, engine, leads=20)
    world.fail("sheets", "403", times=1000, key="addSheet")
    with pytest.raises(JobFailedError, match=r"could not be moved to tab Withdrawn.*without their phones"):
        engine.rescrub(progress=False)
    assert phones_of(row_of(world, keys[1])) == []
    assert engine.history.leads(last_job()).empty
    world.heal()
    job = engine.resume(last_job(), progress=False)
    assert job.ok
    assert sum(job.counts.withdrawn.values()) == 1
    assert observe_rescrub(world, keys, {keys[1]}).clean


@pytest.mark.parametrize("fault", [None, ("sheets", "400", "deleteDimension"), ("snowflake", "422", "MERGE")])
def test_rescrub_names_nobody_anywhere(world, engine, logged, capfd, fault):
    keys, _ = _begin(world, engine, leads=20)
    set_cells(
        world, {keys[1]: {"Notes": "call her sister at 504-555-0199"}, keys[2]: {"Phone 1": "Ann's 504-555-0198"}}
    )
    if fault:
        world.fail(fault[0], fault[1], times=100, key=fault[2])
    said = []
    try:
        engine.rescrub(progress=False)
    except JobFailedError as error:
        said.append(traceback_text(error))
    job_id = last_job()
    said += [engine.trace(job_id).to_csv(), lf.jobs().to_csv(), engine.report(job_id).to_markdown()]
    said += [
        history_text(world.settings.history_file),
        "".join(capfd.readouterr()),
        *(text for _, text in logged.records),
    ]
    words = {*forbidden_words(), "504-555-0199", "504-555-0198", "+15045550198", "+15045550199"}
    assert not [found for text in said if (found := words_in(text, words))]

"""Further sources that fail: the lead waits for a resume, nothing odd is delivered, and nothing is paid for twice."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from further_providers import OwnSource, priced, rows_of, with_accounts
from job_process import BATCH, start_job
from outcome import SCRIPT, observe, sheet_rows
from privacy import forbidden_words, history_text, words_in

import leadflow as lf
from leadflow.checkpoints.further import Further
from leadflow.errors import (
    HistoryError,
    JobFailedError,
    RefusedError,
    RejectedError,
    ServiceDownError,
    TransientError,
    UnreadableError,
)

_LEADS = 80
_NAME, _HOME = lf.FoundName("Ann", "Lee"), lf.FoundAddress("12 Elm St", "Bath", "ME", "04530")


@pytest.fixture
def settings(world):
    return priced(world.settings)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (TransientError("later"), True),
        (UnreadableError("html"), True),
        (RejectedError("this one"), False),
        (RefusedError("no credits"), False),
        (ServiceDownError("down"), False),
    ],
)
def test_a_failure_holds_the_lead_for_a_resume_and_no_later_source_is_asked(world, settings, error, lost):
    source, later = OwnSource(fault=error), OwnSource("later")
    with lf.Engine(settings, lookups=[source, later]) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert job.ok
        failed = job.counts.retry["lookup_failed"]
        assert failed > 5
        assert not later.asked
        is_down = isinstance(error, (RefusedError, ServiceDownError))
        assert len(source.asked) <= (source.max_in_flight if is_down else failed)
        row = rows_of(job)["own", "lookup"]
        assert (row["asked"], row["unanswered"]) == (0, failed if lost else 0)
        assert row["cost"] == pytest.approx(0.5 * row["unanswered"])
        source.fault, source.asked = None, []
        done = engine.resume(job.id, progress=False)
        assert not done.counts.retry
        assert len(source.asked) == failed
        assert rows_of(done)["own", "lookup"]["cost"] == pytest.approx(0.5 * (row["unanswered"] + failed))
        assert done.counts.cost == pytest.approx(sum(part["cost"] for part in done.counts.providers), abs=0.02)
        assert observe(world, engine, job.id).clean


_GARBAGE = {
    "raises": KeyError("Ann Lee, 12 Elm St, 5045550143"),
    "an exit": lambda person: int("Ann Lee"),
    "a dict": {"phones": ["5045550143"]},
    "an answer of idiCORE's kind": lambda person: lf.SearchResult,
    "people of no class": lambda person: lf.SearchResult([{"phones": ["5045550143"]}]),
    "no people": lambda person: lf.SearchResult(None),
    "charged in words": lambda person: lf.SearchResult([], charged="yes"),
    "phones as text": lambda person: lf.SearchResult([lf.FoundPerson([_NAME], [_HOME], ["5045550143"])]),
    "a number as int": lambda person: lf.SearchResult([lf.FoundPerson([_NAME], [_HOME], [lf.FoundPhone(5045550143)])]),
    "names as text": lambda person: lf.SearchResult([lf.FoundPerson("Ann Lee", [_HOME])]),
    "dead in words": lambda person: lf.SearchResult([lf.FoundPerson([_NAME], [_HOME], deceased="yes")]),
}


@pytest.mark.parametrize("fault", _GARBAGE.values(), ids=_GARBAGE)
def test_garbage_is_paid_once_held_and_never_delivered(world, settings, fault, logged, capfd):
    source = OwnSource(fault=fault)
    with lf.Engine(settings, lookups=[source]) as engine:
        job = engine.run(SCRIPT, limit_rows=40, progress=False)
        assert job.ok
        assert source.asked
        asked = len(source.asked)
        assert rows_of(job)["own", "lookup"]["cost"] == pytest.approx(0.5 * asked)
        assert rows_of(job)["own", "lookup"]["hits"] == 0
        engine.resume(job.id, progress=False)
        assert len(source.asked) == asked, "what it returns is not bought a second time"
        said = engine.trace(job.id).to_csv() + history_text(world.settings.history_file)
    said += " ".join(text for _, text in logged.records) + "".join(capfd.readouterr())
    assert not words_in(said, {"Elm St", "5045550143", "Ann Lee"})
    assert not any("+15045550143" in row.values() for row in sheet_rows(world))


def test_a_person_is_looked_up_once_over_jobs_and_forgotten_on_request(world, settings):
    source = OwnSource(phones=())
    with lf.Engine(settings, lookups=[source]) as engine:
        engine.run(SCRIPT, limit_rows=40, progress=False)
        key = source.asked[0]
        assert engine.checkpoints.further_answers([key], "own")
        engine.forget(key)
        assert not engine.checkpoints.further_answers([key], "own")


def test_an_answer_that_cannot_be_stored_ends_the_job(world, settings, monkeypatch):
    def full(self, job_id, provider, answer, cost):
        raise HistoryError("the disk is full; free space, then resume")

    source = OwnSource()
    with lf.Engine(settings, lookups=[source]) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(Further, "save_further", full)
            with pytest.raises(JobFailedError, match="disk is full"):
                engine.run(SCRIPT, limit_rows=60, progress=False)
        job_id = lf.jobs()["id"].iloc[0]
        assert len(source.asked) <= 2 * source.max_in_flight
        assert engine.resume(job_id, progress=False).ok


@pytest.mark.parametrize("kind", ["500", "html", "drop", "429", "expired_token", "truncated"])
def test_a_fault_of_people_data_labs_costs_nobody_a_lead(world, kind):
    settings = with_accounts(world, lookups=("people_data_labs",), people_data_labs={"attempts": 1})
    world.fail("people_data_labs", kind, times=2, **({"retry_after": 1} if kind == "429" else {}))
    with lf.Engine(settings.model_copy(update={"batch_size": 20})) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert job.ok
        done = engine.resume(job.id, progress=False)
        assert not done.counts.retry
        assert observe(world, engine, job.id).clean
        assert engine.report(job.id).ok
    bought = world.stats()["people_data_labs"]["bought"]
    assert max(bought.values()) <= (2 if kind == "truncated" else 1), "only an answer that broke off is bought again"


def test_an_account_without_credits_is_asked_no_more(world):
    settings = with_accounts(world, lookups=("people_data_labs",))
    world.configure(pdl_credits=0)
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert job.counts.retry["lookup_failed"] > 5
        assert world.stats()["people_data_labs"]["calls"] <= settings.people_data_labs.max_in_flight
        assert "no credits" in engine.trace(job.id).to_csv()
        world.configure(pdl_credits=100)
        assert not engine.resume(job.id, progress=False).counts.retry


def test_limits_of_a_source_hold(world):
    more = {"max_in_flight": 2}
    settings = with_accounts(world, lookups=("people_data_labs",), people_data_labs=more)
    world.configure(latency={"people_data_labs": 0.02})
    try:
        with lf.Engine(settings) as engine:
            engine.run(SCRIPT, limit_rows=200, progress=False)
        assert world.stats()["people_data_labs"]["max_in_flight"] == 2
    finally:
        world.configure(latency={"people_data_labs": 0.0})


def test_a_stop_ends_the_searches_and_a_resume_goes_on(world, settings):
    handles = []

    def stopping(person):
        handles[0].stop()
        return lf.SearchResult([])

    source = OwnSource(fault=stopping)
    with lf.Engine(settings, lookups=[source]) as engine:
        handles.append(engine.submit(SCRIPT, limit_rows=_LEADS))
        job = handles[0].result()
        assert str(job.status) == "STOPPED"
        first = list(source.asked)
        assert len(first) <= source.max_in_flight
        source.fault = None
        assert engine.resume(job.id, progress=False).ok
    assert max(Counter(source.asked).values()) == 1, "an answer that found nobody is kept too"


_KILLS = """
import os, signal, sys
import leadflow as lf
at, nth = sys.argv[1], int(sys.argv[2])
seen = 0
def kill(recorded):
    global seen
    if at in (recorded.event.name, recorded.event.stage):
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)
engine = lf.Engine()
handle = engine.submit("SELECT * FROM RAW_LEADS", name="killed", limit_rows=int(sys.argv[3]), listeners=(kill,))
print(handle.id, flush=True)
handle.result()
"""
_STOPS_IN_A_SEARCH = """
import os, signal, sys
import leadflow as lf
from leadflow.checkpoints.further import Further
seen, save = [], Further.save_further
def killed(self, *answer):
    save(self, *answer)
    seen.append(1)
    if len(seen) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
Further.save_further = killed
engine = lf.Engine()
handle = engine.submit("SELECT * FROM RAW_LEADS", name="killed", limit_rows=int(sys.argv[3]))
print(handle.id, flush=True)
handle.result()
"""
_MOMENTS = [
    (_KILLS, "people_data_labs", 1), (_KILLS, "people_data_labs", 3), (_KILLS, "blacklist_alliance", 2),
    (_KILLS, "Google Sheets", 4), (_KILLS, "Cache", 1), (_STOPS_IN_A_SEARCH, "", 1), (_STOPS_IN_A_SEARCH, "", 4),
]  # fmt: skip


@pytest.mark.parametrize(("code", "at", "nth"), _MOMENTS, ids=[f"{at or 'search'}-{nth}" for _, at, nth in _MOMENTS])
def test_killed_in_the_middle_with_two_providers(world, code, at, nth):
    """Each source is paid once for each lead; only the searches in flight at the kill may be bought again."""
    settings = with_accounts(world, lookups=("people_data_labs",), checks=("blacklist_alliance",), batch_size=BATCH)
    env = {"LEADFLOW_LOOKUPS": "people_data_labs", "LEADFLOW_CHECKS": "blacklist_alliance"}
    for name in ("people_data_labs", "blacklist_alliance"):
        for key, value in world.provider_settings(name).items():
            text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            env[f"LEADFLOW_{name}__{key}".upper()] = str(text)
    child = start_job(world, code, at, nth, 90, **env)
    out, err = child.communicate(timeout=250)
    assert child.returncode in (-signal.SIGKILL, 0), err
    job_id = out.strip() or lf.jobs(history=world.settings.history_file)["id"].iloc[0]
    with lf.Engine(settings) as engine:
        job = engine.resume(job_id, progress=False)
        assert job.ok
        assert job.counts.waiting == 0
        outcome = observe(world, engine, job_id, in_flight=world.settings.idicore.max_in_flight)
        assert outcome.clean, outcome
        assert engine.report(job_id).ok
        assert engine.certificate(job_id).ok
        paid = engine.checkpoints.further_bought(job_id)["people_data_labs"]
    stats = world.stats()["people_data_labs"]
    twice = sum(n - 1 for n in stats["asked"].values())
    assert twice <= settings.people_data_labs.max_in_flight
    assert paid.asked == len(stats["asked"])
    assert paid.cost == pytest.approx(0.28 * len(stats["bought"]))


def test_nobody_is_named_anywhere_with_further_providers(world, capfd, logged):
    settings = with_accounts(world, lookups=("people_data_labs",), checks=("blacklist_alliance",), batch_size=20)
    world.fail("people_data_labs", "500", times=1)
    world.fail("people_data_labs", "truncated", times=1, after=2)
    world.fail("people_data_labs", "lie", times=1, after=4, set={"data": {"first_name": "Ann", "phones": 7}})
    world.fail("blacklist_alliance", "html", times=1, after=1)
    world.fail("blacklist_alliance", "unknown_code", times=1, after=1)
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        report = engine.report(job.id)
        said = engine.trace(job.id).to_csv() + report.to_markdown() + report._repr_html_() + repr(engine.settings)
        said += engine.check()._repr_html_() + repr(engine.estimate(SCRIPT))
    said += history_text(world.settings.history_file) + "".join(capfd.readouterr())
    said += "\n".join(text for _, text in logged.records)
    assert "people_data_labs" in said
    assert not words_in(said, forbidden_words())

"""Paid candidates are kept, judged, and delivered without another purchase, exactly once."""

from __future__ import annotations

import json
import threading

import pandas as pd
import pytest
from outcome import SCRIPT, observe, sheet_rows, table_keys
from privacy import history_text, traceback_text, words_in

import leadflow as lf
from leadflow.checkpoints import review as candidates
from leadflow.errors import HistoryError, InputError, JobBusyError, JobFailedError, JobNotFound
from leadflow.job import Job, JobStatus
from leadflow.leads.counts import Counts
from leadflow.leads.people import Answer
from leadflow.local.people import dnc_code, is_litigator
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract, filter_unprocessed

_NUMBERS = [f"504555{n:04}" for n in range(100, 200)]
_CLEAN, _CLEAN_TOO, *_ = [n for n in _NUMBERS if not is_litigator(n) and dnc_code(n) == "C"]
_LITIGATOR = next(n for n in _NUMBERS if is_litigator(n))
_DNC = next(n for n in _NUMBERS if dnc_code(n) == "D" and not is_litigator(n))


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        yield engine


@pytest.fixture
def lead(world):
    """The first lead of the sample that can be looked up: its key and the six parts of its identity."""
    with Warehouse(world.settings.warehouse) as warehouse:
        rows = filter_unprocessed(extract(SCRIPT, warehouse), warehouse)
    row = rows[rows["Address"].str.contains(r"^\d+ [A-Z]", regex=True)].iloc[0]
    return {
        "key": row["person_key"],
        "first": row["First Name"],
        "last": row["Last Name"],
        "address": row["Address"],
        "city": row["City"],
        "state": row["State"],
        "zip": row["Zip"],
    }


def _person(lead, pid, phones, first="Wilhelmina", emails=("w@example.com",), **more):
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


def _answers(world, lead, *people):
    world.fail("idicore", "body", body=json.dumps({"result": people}), on="search", key=lead["key"], times=100)


def _run(engine, **options):
    return engine.run(SCRIPT, limit_rows=40, progress=False, **options)


def _row(world, key):
    rows = [row for row in sheet_rows(world) if row["Lead Key"] == key]
    assert len(rows) <= 1
    return rows[0] if rows else None


def _tables(world, key):
    """What both tables say of a lead: status in PERSON_CACHE, disposition and reason in the other."""
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        cached = warehouse.execute(f"""SELECT "status" FROM PERSON_CACHE WHERE "person_key" = '{key}'""")
        merged = warehouse.execute(
            f"""SELECT "Disposition", "Reason" FROM UNIQUE_CONSOLIDATED_DATA WHERE "Lead Key" = '{key}'"""
        )
    return [status for (status,) in cached], [(d, r or "") for d, r in merged]


def _unchanged(engine, job, key):
    """A picture of all that an accept may change."""
    return (
        engine.checkpoints.tally(job.id),
        engine.checkpoints.answers([key]),
        engine.history.job(job.id)["status"],
        engine.review(job.id).to_dict(),
    )


def test_a_review_shows_candidates_and_accepting_one_delivers_it(world, engine, lead):
    _answers(
        world,
        lead,
        _person(lead, "71", [_CLEAN, _DNC]),
        _person(
            lead,
            "72",
            [_CLEAN_TOO],
            first=lead["first"],
            address=[{"data": "9 Elsewhere Rd", "city": "Nome", "state": "AK", "zip": "99762"}],
        ),
    )
    job = _run(engine)
    frame = job.review()
    assert isinstance(frame, pd.DataFrame)
    mine = frame[frame["person_key"] == lead["key"]].set_index("pid")
    assert mine.loc["71", "differs"] == "given name"
    assert mine.loc["71", "agrees"].startswith("surname, street, area")
    assert mine.loc["72", "differs"] == "street, area"
    assert mine.loc["71", "phones"] == f"***{_CLEAN[-4:]}, ***{_DNC[-4:]}"
    assert mine.loc["71", "emails"] == 1
    assert mine.loc["71", "lead"].startswith(
        f"{lead['first'].strip()} {lead['last'].strip()} {lead['address'].strip()}"
    )
    assert "Wilhelmina" in mine.loc["71", "candidate"]
    assert _row(world, lead["key"]) is None
    assert _tables(world, lead["key"]) == (["ambiguous"], [("held", "ambiguous")])
    bought = world.stats()["idicore"]["calls"]

    after = engine.accept(lead["key"], "71", progress=False)

    assert after.ok
    assert after.id == job.id
    assert after.message.startswith(f"lead {lead['key']}: delivered")
    assert world.stats()["idicore"]["calls"] == bought
    assert (after.counts.bought, after.counts.balanced) == (job.counts.bought, True)
    assert after.counts.delivered == job.counts.delivered + 1
    assert after.counts.held.get("ambiguous", 0) == job.counts.held["ambiguous"] - 1
    row = _row(world, lead["key"])
    assert (row["Phone 1"], row["Phone 2"], row["Email 1"], row["Held Phones"]) == (
        f"+1{_CLEAN}",
        "",
        "w@example.com",
        "1 dnc",
    )
    assert _tables(world, lead["key"]) == (["found"], [("delivered", "")])
    assert after.report().ok
    assert lead["key"] not in set(after.review()["person_key"])
    assert observe(world, engine, job.id).clean
    batches = engine.history.batches(job.id)
    assert (batches["delivered"].sum(), batches["held"].sum(), batches["rows"].sum()) == (
        after.counts.delivered,
        sum(after.counts.held.values()) - after.counts.left_out,
        40,
    )
    assert lf.lineage(lead["key"])["disposition"].tolist()[-1] == "delivered"
    assert "accepted for lead" in " ".join(lf.trace(job.id)["message"])


def test_a_near_match_is_held_for_review_and_delivered_when_accepted(world, engine):
    with Warehouse(world.settings.warehouse) as warehouse:
        frame = filter_unprocessed(extract(SCRIPT, warehouse), warehouse)
    bob = frame[frame["First Name"].str.strip().isin(["Robert", "William", "James", "Margaret", "Nancy"])].iloc[0]
    formal = {"Robert": "BOB", "William": "BILL", "James": "JIM", "Margaret": "PEGGY", "Nancy": "ANN"}[
        bob["First Name"].strip()
    ]
    lead = {
        "key": bob["person_key"],
        "first": bob["First Name"],
        "last": bob["Last Name"],
        "address": bob["Address"],
        "city": bob["City"],
        "state": bob["State"],
        "zip": bob["Zip"],
    }
    _answers(world, lead, _person(lead, "71", [_CLEAN], first=formal))
    job = engine.run(SCRIPT, limit_rows=300, progress=False)
    assert job.counts.held["near_match"] == 1
    assert "near_match 1" in job.report().to_markdown()
    assert job.report().ok
    assert job.review().query("reason == 'near_match'")["agrees"].tolist() == ["surname, nickname, street, area"]
    assert _row(world, lead["key"]) is None
    after = engine.accept(lead["key"], 71, progress=False)
    assert after.counts.held.get("near_match") is None
    assert _row(world, lead["key"])["Phone 1"] == f"+1{_CLEAN}"
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize(
    ("phones", "outcome"),
    [([_LITIGATOR, _CLEAN], "held (litigator)"), ([_DNC], "held (all_suppressed)"), ([], "held (no_phone)")],
)
def test_an_accepted_candidate_goes_through_both_checks(world, engine, lead, phones, outcome):
    _answers(world, lead, _person(lead, "71", phones))
    job = _run(engine)
    after = engine.accept(lead["key"], "71", progress=False)
    assert after.message.startswith(f"lead {lead['key']}: {outcome};")
    assert _row(world, lead["key"]) is None
    assert (after.counts.delivered, after.counts.balanced) == (job.counts.delivered, True)
    assert observe(world, engine, job.id).clean
    assert engine.accept(lead["key"], "71").message.endswith("nothing was done")


def test_accepting_twice_does_nothing_and_another_is_refused(world, engine, lead):
    _answers(world, lead, _person(lead, "71", [_CLEAN]), _person(lead, "72", [_CLEAN_TOO]))
    job = _run(engine)
    engine.accept(lead["key"], "71", progress=False)
    before = world.sheet_values(), world.stats()["dnc"]["calls"]
    again = engine.accept(lead["key"], "71", progress=False)
    assert again.ok
    assert again.counts.delivered == job.counts.delivered + 1
    assert "accepted" in again.message
    with pytest.raises(InputError, match="another candidate was accepted"):
        engine.accept(lead["key"], "72")
    assert (world.sheet_values(), world.stats()["dnc"]["calls"]) == before


def test_what_cannot_be_accepted_is_said_and_changes_nothing(world, engine, lead):
    _answers(world, lead, _person(lead, "71", [_CLEAN], isDead="Y"), _person(lead, "72", [_CLEAN_TOO]))
    job = _run(engine)
    delivered = engine.checkpoints.keys(job.id, "delivered")[0]
    before, sheet = _unchanged(engine, job, lead["key"]), world.sheet_values()
    for key, pid, said in [
        ("f" * 32, "71", "no job has a lead with this key"),
        ("Ann Lee 5045550143", "71", "no job has a lead"),
        (lead["key"], "73", "no candidate with this pid"),
        (lead["key"], "", "no candidate with this pid"),
        (lead["key"], f"+1{_CLEAN_TOO}", "no candidate with this pid"),
        (lead["key"], "71", "deceased"),
        (lead["key"], 71, "deceased"),
        (delivered, "72", "not under review: in job .* it is delivered"),
    ]:
        with pytest.raises(InputError, match=said) as caught:
            engine.accept(key, pid)
        assert "5045550143" not in str(caught.value)
        assert _CLEAN_TOO not in str(caught.value)
    assert _unchanged(engine, job, lead["key"]) == before
    assert world.sheet_values() == sheet


def test_a_candidate_of_whom_one_entry_is_dead_is_dead(world, engine, lead):
    _answers(world, lead, _person(lead, "71", [_CLEAN]), _person(lead, "71", [], isDead=True), _person(lead, "72", []))
    _run(engine)
    with pytest.raises(InputError, match="deceased"):
        engine.accept(lead["key"], "71")


def test_two_entries_of_a_candidate_are_one_person(world, engine, lead):
    _answers(
        world, lead, _person(lead, "71", [_CLEAN]), _person(lead, "71", [_CLEAN_TOO, _CLEAN], emails=["v@example.com"])
    )
    _run(engine)
    engine.accept(lead["key"], "71", progress=False)
    row = _row(world, lead["key"])
    assert [row["Phone 1"], row["Phone 2"], row["Phone 3"], row["Email 1"], row["Email 2"]] == [
        f"+1{_CLEAN}",
        f"+1{_CLEAN_TOO}",
        "",
        "w@example.com",
        "v@example.com",
    ]


def test_a_candidate_without_a_pid_is_accepted_by_its_place(world, engine, lead):
    _answers(world, lead, _person(lead, None, [_CLEAN]), _person(lead, None, [_CLEAN_TOO]))
    job = _run(engine)
    assert job.review().query("person_key == @lead['key']")["pid"].tolist() == ["#1", "#2"]
    engine.accept(lead["key"], "#2", progress=False)
    assert _row(world, lead["key"])["Phone 1"] == f"+1{_CLEAN_TOO}"
    assert engine.checkpoints.answers([lead["key"]])[lead["key"]].pid == ""


def test_too_many_matches_leave_nobody_to_judge(world, engine, lead):
    world.fail(
        "idicore",
        "body",
        status=400,
        body=json.dumps({"error": {"code": "TooManyMatches"}}),
        on="search",
        key=lead["key"],
    )
    job = _run(engine)
    assert lead["key"] in engine.checkpoints.keys(job.id, "held")
    assert lead["key"] not in set(job.review()["person_key"])
    with pytest.raises(InputError, match="no candidates are kept"):
        engine.accept(lead["key"], "71")


def test_an_answer_of_an_older_release_has_no_candidates(engine):
    old = (
        '{"person_key": "k", "status": "ambiguous", "phones": [], "emails": [], '
        '"bought_at": "2026-11-01T10:00:00+00:00", "pid": ""}'
    )
    assert Answer.from_json(old).candidates == ()
    assert "candidates" not in Answer.from_json(old).to_json()


@pytest.mark.parametrize("limit", [{"max_lookups": 30}, {"max_cost": 30.0}], ids=str)
def test_a_job_that_a_limit_stopped_delivers_an_accepted_candidate_and_buys_nothing(world, lead, limit):
    # One batch, four searches at once: the lead, one of the first, is searched for before the limit is reached.
    priced = world.settings.idicore.model_copy(update={"price": 1.0, "max_in_flight": 4})
    with lf.Engine(world.settings.model_copy(update={"batch_size": 60, "idicore": priced})) as engine:
        _answers(world, lead, _person(lead, "71", [_CLEAN]))
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
        assert _row(world, lead["key"])["Phone 1"] == f"+1{_CLEAN}"
        assert engine.accept(lead["key"], "71").message.endswith("nothing was done")
        done = engine.resume(job.id, progress=False, max_lookups=60, max_cost=100)
        assert (done.ok, done.counts.bought, done.report().ok) == (True, 60, True)
        batches = engine.history.batches(job.id)
        assert (batches["delivered"].sum(), batches["rows"].sum()) == (done.counts.delivered, 60)
        assert observe(world, engine, job.id).clean


def test_accepting_buys_nothing_even_where_leads_wait_for_a_retry(world, engine, lead):
    _answers(world, lead, _person(lead, "71", [_CLEAN]))
    world.fail("idicore", "400", times=3, on="search")
    job = _run(engine)
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
        ("snowflake", "422", {"key": "MERGE", "times": 100}),
    ],
)
def test_an_accept_that_breaks_off_is_resumed(world, lead, service, kind, options):
    quick = {
        name: getattr(world.settings, name).model_copy(update={"attempts": 2, "timeout_s": 5.0})
        for name in ("litigator", "dnc", "sheets")
    }
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20, **quick})) as engine:
        _answers(world, lead, _person(lead, "71", [_CLEAN]))
        job = _run(engine)
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
    _answers(world, lead, _person(lead, "71", [_CLEAN]))
    job = _run(engine)
    candidates.store(engine.checkpoints, candidates.choose(engine.checkpoints, lead["key"], "71"))
    assert engine.checkpoints.tally(job.id)["", ""] == 1
    after = (
        engine.resume(job.id, progress=False) if again == "resume" else engine.accept(lead["key"], "71", progress=False)
    )
    assert (after.counts.delivered, after.counts.bought) == (job.counts.delivered + 1, job.counts.bought)
    assert _row(world, lead["key"])["Phone 1"] == f"+1{_CLEAN}"
    assert observe(world, engine, job.id).clean


def test_an_accepted_answer_that_another_job_bought_is_not_left_as_processed(world, engine, lead):
    """The lead is in PERSON_CACHE, and the answer belongs to the job that paid; the job that holds it delivers."""
    _answers(world, lead, _person(lead, "71", [_CLEAN]))
    first = _run(engine)
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        warehouse.execute("DELETE FROM PERSON_CACHE")
    second = _run(engine)
    assert second.counts.reused == 40
    candidates.store(engine.checkpoints, candidates.choose(engine.checkpoints, lead["key"], "71"))
    after = engine.resume(second.id, progress=False)
    assert (after.counts.delivered, after.counts.already_processed) == (
        second.counts.delivered + 1,
        second.counts.already_processed,
    )
    assert lead["key"] not in set(engine.review(first.id)["person_key"])


def test_a_disk_that_is_full_leaves_the_job_as_it_was(engine, world, lead, monkeypatch):
    _answers(world, lead, _person(lead, "71", [_CLEAN]))
    job = _run(engine)
    before = _unchanged(engine, job, lead["key"])
    engine.checkpoints._db.execute("PRAGMA max_page_count = 1")
    engine.checkpoints._db.execute("PRAGMA query_only = ON")
    with pytest.raises(HistoryError):
        engine.accept(lead["key"], "71", progress=False)
    engine.checkpoints._db.execute("PRAGMA query_only = OFF")
    engine.checkpoints._db.execute("PRAGMA max_page_count = 1073741823")
    assert _unchanged(engine, job, lead["key"]) == before
    assert engine.accept(lead["key"], "71", progress=False).ok


def test_two_threads_accept_one_lead_once(world, engine, lead):
    _answers(world, lead, _person(lead, "71", [_CLEAN]))
    job = _run(engine)
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
    _answers(world, lead, _person(lead, "71", [_CLEAN], emails=["gone@example.com"]), _person(lead, "72", [_CLEAN_TOO]))
    job = _run(engine)
    path = engine.settings.checkpoint_file
    assert b"gone@example.com" in path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes()
    assert engine.forget(lead["key"]) > 0
    assert lead["key"] not in set(job.review()["person_key"])
    for file in path.parent.glob(f"{path.name}*"):
        assert b"gone@example.com" not in file.read_bytes(), file.name
        assert _CLEAN_TOO.encode() not in file.read_bytes()
    with pytest.raises(InputError, match="no candidates are kept"):
        engine.accept(lead["key"], "71")


def test_checks_of_an_accepted_candidates_phones_are_forgotten_too(world, engine, lead):
    _answers(world, lead, _person(lead, "71", [_CLEAN]))
    _run(engine)
    engine.accept(lead["key"], "71", progress=False)
    assert engine.checkpoints.scrubs([f"+1{_CLEAN}"], "dnc")
    engine.forget(lead["key"])
    assert not engine.checkpoints.scrubs([f"+1{_CLEAN}"], "dnc")
    with pytest.raises(InputError, match="not under review"):
        engine.accept(lead["key"], "71")


def test_candidates_are_pruned_with_their_job(world, engine, lead):
    _answers(world, lead, _person(lead, "71", [_CLEAN]))
    job = _run(engine)
    engine.accept(lead["key"], "71", progress=False)
    engine.checkpoints.prune(-1)
    assert engine.review(job.id).empty
    assert engine.checkpoints._db.execute(
        "SELECT (SELECT count(*) FROM accepted) + (SELECT count(*) FROM pids)"
    ).fetchone() == (0,)
    with pytest.raises(InputError, match="no job has a lead"):
        engine.accept(lead["key"], "71")


def test_nobody_is_named_when_a_candidate_is_accepted(world, engine, lead, logged, capfd):
    _answers(world, lead, _person(lead, "zq71zq71", [_CLEAN], first="Wilhelmina", emails=["wilhelmina@example.com"]))
    job = _run(engine)
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
    words = {"Wilhelmina", "wilhelmina@example.com", _CLEAN, f"+1{_CLEAN}", "zq71zq71"}
    assert not words_in("\n".join(said), words)
    assert f"+1{_CLEAN}" not in frame.to_string()
    assert _CLEAN not in frame.to_string()


def test_a_review_of_no_job_is_refused_and_of_nothing_is_empty(world, engine):
    with pytest.raises(JobNotFound):
        engine.review("nope")
    with pytest.raises(JobFailedError, match=r"engine\.review"):
        Job("j", "j", JobStatus.COMPLETED, Counts()).review()
    job = engine.run(SCRIPT, limit_rows=1, progress=False)
    assert list(job.review().columns) == [
        "person_key",
        "reason",
        "lead",
        "pid",
        "candidate",
        "agrees",
        "differs",
        "phones",
        "emails",
        "deceased",
    ]


def test_an_accepted_lead_ends_once_in_both_tables(world, engine, lead):
    _answers(world, lead, _person(lead, "71", [_CLEAN]))
    _run(engine)
    engine.accept(lead["key"], "71", progress=False)
    assert table_keys(world, "PERSON_CACHE", "person_key").count(lead["key"]) == 1
    assert table_keys(world, "UNIQUE_CONSOLIDATED_DATA", "Lead Key").count(lead["key"]) == 1

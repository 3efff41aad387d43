"""Paid candidates are kept, judged, and delivered without another purchase, exactly once."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from accepting import (
    CLEAN,
    CLEAN_TOO,
    DNC,
    LITIGATOR,
    accept_state,
    person,
    run_job,
    set_answers,
    sheet_row,
    table_states,
)
from outcome import SCRIPT, observe, table_keys

import leadflow as lf
from leadflow.errors import InputError, JobFailedError, JobNotFound
from leadflow.job import Job, JobStatus
from leadflow.leads.counts import Counts
from leadflow.leads.people import Answer
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract, filter_unprocessed


def test_a_review_shows_candidates_and_accepting_one_delivers_it(world, engine, lead):
    set_answers(
        world,
        lead,
        person(lead, "71", [CLEAN, DNC]),
        person(
            lead,
            "72",
            [CLEAN_TOO],
            first=lead["first"],
            address=[{"data": "9 Elsewhere Rd", "city": "Nome", "state": "AK", "zip": "99762"}],
        ),
    )
    job = run_job(engine)
    frame = job.review()
    assert isinstance(frame, pd.DataFrame)
    mine = frame[frame["person_key"] == lead["key"]].set_index("pid")
    assert mine.loc["71", "differs"] == "given name"
    assert mine.loc["71", "agrees"].startswith("surname, street, area")
    assert mine.loc["72", "differs"] == "street, area"
    assert mine.loc["71", "phones"] == f"***{CLEAN[-4:]}, ***{DNC[-4:]}"
    assert mine.loc["71", "emails"] == 1
    assert mine.loc["71", "lead"].startswith(
        f"{lead['first'].strip()} {lead['last'].strip()} {lead['address'].strip()}"
    )
    assert "Wilhelmina" in mine.loc["71", "candidate"]
    assert sheet_row(world, lead["key"]) is None
    assert table_states(world, lead["key"]) == (["ambiguous"], [("held", "ambiguous")])
    bought = world.stats()["idicore"]["calls"]

    after = engine.accept(lead["key"], "71", progress=False)

    assert after.ok
    assert after.id == job.id
    assert after.message.startswith(f"lead {lead['key']}: delivered")
    assert world.stats()["idicore"]["calls"] == bought
    assert (after.counts.bought, after.counts.balanced) == (job.counts.bought, True)
    assert after.counts.delivered == job.counts.delivered + 1
    assert after.counts.held.get("ambiguous", 0) == job.counts.held["ambiguous"] - 1
    row = sheet_row(world, lead["key"])
    assert (row["Phone 1"], row["Phone 2"], row["Email 1"], row["Held Phones"]) == (
        f"+1{CLEAN}",
        "",
        "w@example.com",
        "1 dnc",
    )
    assert table_states(world, lead["key"]) == (["found"], [("delivered", "")])
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
    set_answers(world, lead, person(lead, "71", [CLEAN], first=formal))
    job = engine.run(SCRIPT, limit_rows=300, progress=False)
    assert job.counts.held["near_match"] == 1
    assert "near_match 1" in job.report().to_markdown()
    assert job.report().ok
    assert job.review().query("reason == 'near_match'")["agrees"].tolist() == ["surname, nickname, street, area"]
    assert sheet_row(world, lead["key"]) is None
    after = engine.accept(lead["key"], 71, progress=False)
    assert after.counts.held.get("near_match") is None
    assert sheet_row(world, lead["key"])["Phone 1"] == f"+1{CLEAN}"
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize(
    ("phones", "outcome"),
    [([LITIGATOR, CLEAN], "held (litigator)"), ([DNC], "held (all_suppressed)"), ([], "held (no_phone)")],
)
def test_an_accepted_candidate_goes_through_both_checks(world, engine, lead, phones, outcome):
    set_answers(world, lead, person(lead, "71", phones))
    job = run_job(engine)
    after = engine.accept(lead["key"], "71", progress=False)
    assert after.message.startswith(f"lead {lead['key']}: {outcome};")
    assert sheet_row(world, lead["key"]) is None
    assert (after.counts.delivered, after.counts.balanced) == (job.counts.delivered, True)
    assert observe(world, engine, job.id).clean
    assert engine.accept(lead["key"], "71").message.endswith("nothing was done")


def test_accepting_twice_does_nothing_and_another_is_refused(world, engine, lead):
    set_answers(world, lead, person(lead, "71", [CLEAN]), person(lead, "72", [CLEAN_TOO]))
    job = run_job(engine)
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
    set_answers(world, lead, person(lead, "71", [CLEAN], isDead="Y"), person(lead, "72", [CLEAN_TOO]))
    job = run_job(engine)
    delivered = engine.checkpoints.keys(job.id, "delivered")[0]
    before, sheet = accept_state(engine, job, lead["key"]), world.sheet_values()
    for key, pid, said in [
        ("f" * 32, "71", "no job has a lead with this key"),
        ("Ann Lee 5045550143", "71", "no job has a lead"),
        (lead["key"], "73", "no candidate with this pid"),
        (lead["key"], "", "no candidate with this pid"),
        (lead["key"], f"+1{CLEAN_TOO}", "no candidate with this pid"),
        (lead["key"], "71", "deceased"),
        (lead["key"], 71, "deceased"),
        (delivered, "72", "not under review: in job .* it is delivered"),
    ]:
        with pytest.raises(InputError, match=said) as caught:
            engine.accept(key, pid)
        assert "5045550143" not in str(caught.value)
        assert CLEAN_TOO not in str(caught.value)
    assert accept_state(engine, job, lead["key"]) == before
    assert world.sheet_values() == sheet


def test_a_candidate_of_whom_one_entry_is_dead_is_dead(world, engine, lead):
    set_answers(world, lead, person(lead, "71", [CLEAN]), person(lead, "71", [], isDead=True), person(lead, "72", []))
    run_job(engine)
    with pytest.raises(InputError, match="deceased"):
        engine.accept(lead["key"], "71")


def test_two_entries_of_a_candidate_are_one_person(world, engine, lead):
    set_answers(
        world, lead, person(lead, "71", [CLEAN]), person(lead, "71", [CLEAN_TOO, CLEAN], emails=["v@example.com"])
    )
    run_job(engine)
    engine.accept(lead["key"], "71", progress=False)
    row = sheet_row(world, lead["key"])
    assert [row["Phone 1"], row["Phone 2"], row["Phone 3"], row["Email 1"], row["Email 2"]] == [
        f"+1{CLEAN}",
        f"+1{CLEAN_TOO}",
        "",
        "w@example.com",
        "v@example.com",
    ]


def test_a_candidate_without_a_pid_is_accepted_by_its_place(world, engine, lead):
    set_answers(world, lead, person(lead, None, [CLEAN]), person(lead, None, [CLEAN_TOO]))
    job = run_job(engine)
    assert job.review().query("person_key == @lead['key']")["pid"].tolist() == ["#1", "#2"]
    engine.accept(lead["key"], "#2", progress=False)
    assert sheet_row(world, lead["key"])["Phone 1"] == f"+1{CLEAN_TOO}"
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
    job = run_job(engine)
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
    set_answers(world, lead, person(lead, "71", [CLEAN]))
    run_job(engine)
    engine.accept(lead["key"], "71", progress=False)
    assert table_keys(world, "PERSON_CACHE", "person_key").count(lead["key"]) == 1
    assert table_keys(world, "UNIQUE_CONSOLIDATED_DATA", "Lead Key").count(lead["key"]) == 1

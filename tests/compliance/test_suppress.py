"""engine.suppress on the local world: rows go at once, everything is recorded, nobody is bought or delivered again."""

from __future__ import annotations

import pandas as pd
import pytest
from opt_outs import (
    ASKED,
    SCRIPT,
    one_with_own_phone,
    query,
    recorded,
    shown,
    suppressions,
    with_project,
    withdrawn_events,
)
from outcome import observe

import leadflow as lf
from leadflow.errors import InputError
from leadflow.leads.suppressions import Suppressed
from leadflow.stages.suppressed import with_suppressed


@pytest.fixture
def engine(world):
    with lf.Engine(with_project(world.settings)) as engine:
        yield engine


@pytest.fixture
def job(engine):
    return engine.run(SCRIPT, limit_rows=40, progress=False)


def test_the_rows_of_a_phone_are_withdrawn_and_recorded(world, engine, job):
    key, phone = one_with_own_phone(world)
    others, phones = set(shown(world)) - {key}, shown(world)[key]
    result = engine.suppress(phone, **ASKED)
    assert result.ok
    assert (result.withdrawn, set(shown(world))) == (1, others)
    assert recorded(world, key) == ("withdrawn", "suppressed")
    assert withdrawn_events(world, key) == sorted(phones)
    assert world.sheet_values("Withdrawn")[1][0] == key
    [row] = result.frame.to_dict("records")
    assert (row["phone"], row["rows_withdrawn"], row["dncscrub"], row["open"]) == (f"...{phone[-4:]}", 1, "yes", "")
    report = engine.report(job.id)
    assert report.ok, report.validation
    assert any("1 opt-outs of the last 90 days are done" in line for line in report.opt_outs)


def test_a_phone_that_two_rows_show_takes_both(world, engine, job):
    key, phone = one_with_own_phone(world)
    other = next(other for other in shown(world) if other != key)
    header, *rows = world.sheet_values()
    place = 2 + next(n for n, row in enumerate(rows) if row[header.index("Lead Key")] == other)
    cells = list(rows[place - 2])
    cells[header.index("Phone 3")] = phone
    world.edit_sheet([("set", place, cells)])
    assert engine.suppress(phone, **ASKED).withdrawn == 2
    assert not {key, other} & set(shown(world))


def test_a_person_is_withdrawn_and_their_phone_stays_callable_for_others(world, engine, job):
    key, phone = one_with_own_phone(world)
    result = engine.suppress(person_key=key, **ASKED)
    assert key not in shown(world)
    assert recorded(world, key) == ("withdrawn", "suppressed")
    assert result.frame["dncscrub"].tolist() == ["no: it has lists of phones only"]
    assert phone not in engine.checkpoints.suppressed().phones
    assert world.stats()["dnc"]["internal"].get("P1", []) == []


def test_the_phones_of_a_person_are_suppressed_too_if_asked(world, engine, job):
    key, phone = one_with_own_phone(world)
    engine.suppress(person_key=key, phones_too=True, **ASKED)
    assert phone in engine.checkpoints.suppressed().phones
    assert phone[2:] in world.stats()["dnc"]["internal"]["P1"]


def test_a_suppressed_person_is_not_bought_and_the_counts_prove_it(world, engine):
    listed = engine.run(SCRIPT, limit_rows=10, progress=False)
    leads = list(engine.checkpoints.keys(listed.id))
    with lf.Engine(world.settings) as fresh:
        fresh.suppress(person_key=leads[:4], **ASKED)
    query(world, "DELETE FROM PERSON_CACHE")
    before = world.stats()["idicore"]["bought"]
    found = engine.estimate(SCRIPT, limit_rows=10)
    assert found.held["suppressed"] == 4
    job = engine.run(SCRIPT, limit_rows=10, progress=False)
    assert job.counts.held["suppressed"] == 4
    assert job.counts.left_out >= 4
    assert job.counts.balanced
    assert not set(leads[:4]) & set(engine.checkpoints.keys(job.id))
    bought = world.stats()["idicore"]["bought"]
    assert all(bought[key] == before[key] for key in leads[:4])
    report = engine.report(job.id)
    assert report.ok, report.validation
    assert "suppressed 4" in report.to_markdown()


def test_the_same_person_under_another_spelling_is_not_bought_either(world, engine):
    names = "'Ann' AS \"First Name\", 'Lee' AS \"Last Name\""
    place = "'Bath' AS \"City\", 'ME' AS \"State\", '04530' AS \"Zip\""
    one, other = (f"SELECT {names}, '{street}' AS \"Address\", {place}" for street in ("12 Elm Street", "12 ELM ST."))
    first = engine.run(one, progress=False)
    [key] = engine.checkpoints.keys(first.id)
    engine.suppress(person_key=key, **ASKED)
    query(world, "DELETE FROM PERSON_CACHE")
    calls = world.stats()["idicore"]["calls"]
    second = engine.run(other, progress=False)
    assert second.counts.held == {"suppressed": 1}
    assert world.stats()["idicore"]["calls"] == calls


def test_a_key_that_the_same_person_has_besides_is_suppressed_too(world, engine):
    names = "'Ann' AS \"First Name\", 'Lee' AS \"Last Name\""
    place = "'Bath' AS \"City\", 'ME' AS \"State\", '04530' AS \"Zip\""
    keys = []
    for street in ("12 Elm Street", "12 ELM ST."):
        job = engine.run(f"SELECT {names}, '{street}' AS \"Address\", {place}", progress=False)
        keys += engine.checkpoints.keys(job.id)
        query(world, "UPDATE PERSON_CACHE SET \"status\" = 'error'")
    engine.suppress(person_key=keys[0], **ASKED)
    assert {key for _, key, *_ in suppressions(world)} == set(keys)


def test_a_suppressed_phone_is_never_delivered_whoever_has_it(world, engine):
    listed = engine.run(SCRIPT, limit_rows=30, progress=False)
    key, phone = one_with_own_phone(world)
    engine.suppress(phone, **ASKED)
    query(world, "DELETE FROM PERSON_CACHE")
    with lf.Engine(world.settings) as fresh:  # without the project, so that no vendor knows the number
        job = fresh.run(SCRIPT, limit_rows=30, progress=False)
        assert job.counts.balanced
        assert not any(phone in phones for phones in shown(world).values())
        found = query(world, f"SELECT VERDICT FROM SCRUB_LEDGER WHERE KIND = 'internal' AND JOB_ID = '{job.id}'")
        assert found == [("internal_dnc",)]
    assert key in engine.checkpoints.keys(listed.id)


def test_a_job_of_a_campaign_obeys_its_own_requests_and_those_for_all(world, engine, job):
    (key, phone), (_, other) = one_with_own_phone(world), one_with_own_phone(world, 1)
    settings = world.settings
    roofs = settings.model_copy(
        update={
            "compliance": settings.compliance.model_copy(update={"scope": "roofs"}),
            "home": settings.home / "roofs",
        }
    )
    with lf.Engine(roofs) as theirs:
        theirs.suppress(phone, scope="solar", **ASKED)
        assert key in shown(world)
        theirs.suppress(other, scope="roofs", **ASKED)
    assert engine.complete_suppressions().withdrawn == 1  # this engine has no campaign, and obeys every request
    assert key not in shown(world)


def test_the_list_is_a_frame_newest_first(world, engine, job):
    engine.suppress("504-555-0143", **ASKED)
    engine.suppress(person_key="A-17", reason="by mail", by="bob")
    found = lf.suppressions()
    assert found[["phone", "person_key", "reason", "by"]].to_numpy().tolist() == [
        ["", "A-17", "by mail", "bob"],
        ["+15045550143", "", "asked on the phone", "ann"],
    ] or set(found["person_key"]) == {"", "A-17"}
    assert found["added_at"].dt.tz is not None
    assert engine.suppressions(since="2999-01-01").empty
    with pytest.raises(InputError, match="since="):
        engine.suppressions(since="soon")


def test_a_row_that_somebody_adds_or_ends_in_the_table_counts(world, engine, job):
    (key, phone), (other, theirs) = one_with_own_phone(world), one_with_own_phone(world, 1)
    query(world, f"INSERT INTO SUPPRESSIONS (PHONE, ADDED_AT) VALUES ('{phone[2:]}', '2019-01-01')")
    query(world, f"INSERT INTO SUPPRESSIONS (PHONE, EXPIRES_ON) VALUES ('{theirs}', '2020-01-01')")
    engine.suppressions()
    assert engine.complete_suppressions().withdrawn == 1
    assert key not in shown(world)
    assert other in shown(world)
    query(world, "DELETE FROM SUPPRESSIONS")
    assert engine.suppressions().empty


def test_without_a_project_that_is_said_and_is_no_error(world):
    with lf.Engine(world.settings) as engine:
        result = engine.suppress("504-555-0143", **ASKED)
    assert result.ok
    assert "LEADFLOW_DNC__PROJ_ID" in repr(result)
    assert world.stats()["dnc"]["calls"] == 0


def test_with_a_list_as_provider_nothing_is_pushed(world, tmp_path):
    (tmp_path / "list_2026-11-20.csv").write_text("5045550100\n")
    dnc = world.settings.dnc.model_copy(
        update={"provider": "list", "list_path": (tmp_path / "list_2026-11-20.csv",), "list_date": "2026-11-20"}
    )
    with lf.Engine(world.settings.model_copy(update={"dnc": dnc})) as engine:
        result = engine.suppress("504-555-0143", **ASKED)
    assert result.ok
    assert result.frame["dncscrub"].tolist() == ["no: the provider is a list"]
    assert not result.notes


@pytest.mark.parametrize("frame", [True, False])
def test_all_suppressed_is_a_verdict_of_its_own_and_keeps_worse_ones(frame):
    import polars as pl

    rows = {
        "person_key": ["a", "b"],
        "phones": [["+15045550143", "+15045550144"], ["+15045550145", "+15045550146"]],
        "dnc_verdicts": [["clean", "dnc"], ["unchecked", "state_wireless"]],
    }
    leads = pd.DataFrame(rows) if frame else pl.DataFrame(rows)
    listed = Suppressed(frozenset({"+15045550143", "+15045550144"}), frozenset({"b"}))
    found = with_suppressed(leads, listed)
    assert list(map(list, found["dnc_verdicts"])) == [["internal_dnc", "dnc"], ["internal_dnc", "internal_dnc"]]
    assert list(map(list, with_suppressed(leads, Suppressed())["dnc_verdicts"])) == rows["dnc_verdicts"]


def test_forget_leaves_a_mark_and_nobody_buys_the_person_again(world, engine):
    listed = engine.run(SCRIPT, limit_rows=10, progress=False)
    key, _ = one_with_own_phone(world)
    assert lf.forget(key) > 0
    assert [(k, why) for _, k, why, *_ in suppressions(world)] == [(key, "forgotten")]
    engine.complete_suppressions()
    assert key in shown(world)  # forget changes no sheet
    query(world, "DELETE FROM PERSON_CACHE")
    query(world, "DELETE FROM UNIQUE_CONSOLIDATED_DATA")
    before = world.stats()["idicore"]["bought"][key]
    job = engine.run(SCRIPT, limit_rows=10, progress=False)
    assert job.counts.held["suppressed"] == 1
    assert world.stats()["idicore"]["bought"][key] == before
    assert not engine.report(listed.id).opt_outs
    engine.suppress(person_key=key, **ASKED)
    assert key not in shown(world)


def test_nothing_else_is_lost_or_doubled(world, engine, job):
    for n in range(3):
        engine.suppress(one_with_own_phone(world, n)[1], **ASKED)
    again = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert again.ok
    assert observe(world, engine, again.id).clean
    assert engine.report(again.id).ok
    assert engine.report(job.id).ok

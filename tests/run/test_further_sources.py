"""Further sources of phones: when they are asked, in which order, what they cost, and that nothing is bought twice."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest
from further_providers import OwnCheck, OwnSource, priced, rows_of, with_accounts
from outcome import SCRIPT, ledger_rows, observe, sheet_rows

import leadflow as lf
from leadflow.errors import InputError, SettingsError
from leadflow.local import sample
from leadflow.local.people import dnc_code, is_litigator

_CLEAN = next(
    f"504555{n:04}" for n in range(100, 200) if dnc_code(f"504555{n:04}") == "C" and not is_litigator(f"504555{n:04}")
)
_ON_THE_LIST = next(f"504555{n:04}" for n in range(100, 200) if dnc_code(f"504555{n:04}") == "D")
_LEADS = 120


def _phones(key):
    with sample("truth.csv").open(encoding="utf-8", newline="") as file:
        rows = {
            row["person_key"]: [phone["e164"] for phone in json.loads(row["phones"])] for row in csv.DictReader(file)
        }
    return rows[key]


def _held(engine, job_id, *reasons):
    leads = engine.checkpoints.reading()
    with leads as db:
        rows = db.execute("SELECT person_key, disposition, reason FROM leads WHERE job_id = ?", (job_id,)).fetchall()
    return {key for key, disposition, reason in rows if disposition == "held" and reason in reasons}


@pytest.fixture
def without(world):
    """The job without a further source, and the keys by reason."""
    with lf.Engine(priced(world.settings)) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        reasons = {reason: _held(engine, job.id, reason) for reason in job.counts.held}
    world.reset()
    return job, reasons


def test_a_source_is_asked_only_for_leads_without_a_callable_phone(world, without):
    first, reasons = without
    wanted = reasons["no_match"] | reasons["no_phone"] | reasons["all_suppressed"]
    source = OwnSource(phones=lambda person: (_CLEAN[:-2] + f"{int(person.person_key, 16) % 100:02}",))
    with lf.Engine(priced(world.settings), lookups=[source]) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        assert job.counts.balanced
        assert set(source.asked) == wanted, "never for ambiguous, near_match, deceased, litigator or a failure"
        assert max(Counter(source.asked).values()) == 1
        assert job.counts.delivered > first.counts.delivered
        assert observe(world, engine, job.id).clean
        assert engine.report(job.id).ok
        assert engine.certificate(job.id).ok
        assert engine.resume(job.id, progress=False).counts.bought == job.counts.bought
    assert max(Counter(source.asked).values()) == 1


def test_the_first_job_stays_as_it_was_without_further_providers(world, without):
    with lf.Engine(priced(world.settings), lookups=[], checks=[]) as engine:
        again = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
    assert (again.counts.held, again.counts.cost) == (without[0].counts.held, without[0].counts.cost)
    assert [row["provider"] for row in again.counts.providers] == ["idicore", "dncscrub", "dncscrub"]


def test_the_next_source_is_asked_in_its_turn(world, without):
    listed = OwnSource("first_one", phones=(_ON_THE_LIST,))
    nobody = OwnSource("second_one", fault=lambda person: lf.SearchResult([]))
    last = OwnSource("third_one", phones=(_CLEAN,))
    never = OwnSource("fourth_one", phones=("2025550143",))
    with lf.Engine(priced(world.settings), lookups=[listed, nobody, last, never]) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        held = job.counts.held
    wanted = set().union(*(without[1][reason] for reason in ("no_match", "no_phone", "all_suppressed")))
    assert set(listed.asked) == set(nobody.asked) == set(last.asked) == wanted
    assert not never.asked, "the third source had a callable phone for each lead"
    assert not {"no_match", "no_phone"} & held.keys()
    assert rows_of(job)["second_one", "lookup"]["hits"] == 0


def test_all_checks_of_all_phones_are_in_the_ledger(world):
    source = OwnSource(phones=(_ON_THE_LIST, _CLEAN))
    with lf.Engine(priced(world.settings), lookups=[source]) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
        ledger = ledger_rows(world, job.id)
        keys = set(source.asked) & set(engine.checkpoints.keys(job.id, "delivered"))
    assert keys
    for key in keys:
        said = {(row["PHONE"], row["KIND"], row["VERDICT"]) for row in ledger if row["LEAD_KEY"] == key}
        assert (f"+1{_ON_THE_LIST}", "dnc", "dnc") in said
        assert (f"+1{_CLEAN}", "dnc", "clean") in said
    rows = [row for row in sheet_rows(world) if row["Lead Key"] in keys]
    assert {row["Phone 1"] for row in rows} == {f"+1{_CLEAN}"}, "no phone of the list is in the sheet"


@pytest.mark.parametrize("status", ["stranger", "near", "dead"])
def test_a_person_who_is_not_the_leads_gives_no_phone(world, without, status):
    def found(person):
        home = lf.FoundAddress(person.address, person.city, person.state, person.zip)
        first = "Wilhelmina" if status == "stranger" else person.first_name
        there = lf.FoundAddress("99 Elsewhere Rd", person.city, person.state, person.zip) if status == "near" else home
        name = lf.FoundName(first, person.last_name)
        phones = [lf.FoundPhone(_CLEAN)]
        return lf.SearchResult([lf.FoundPerson([name], [there], phones, deceased=status == "dead")])

    source = OwnSource(fault=found)
    with lf.Engine(priced(world.settings), lookups=[source]) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
    assert source.asked
    assert job.counts.delivered == without[0].counts.delivered
    assert job.counts.held.get("deceased", 0) == (len(source.asked) if status == "dead" else 0)
    assert not any(_CLEAN in str(row) for row in sheet_rows(world))


def test_people_who_ask_not_to_be_called_meanwhile_are_not_bought(world, without):
    leads = sorted(without[1]["no_match"])
    source = OwnSource()
    with lf.Engine(priced(world.settings)) as other:
        asking = OwnCheck(
            answer=lambda check, phones: other.suppress(person_key=leads, reason="asked", by="ann") and {}
        )
        with lf.Engine(priced(world.settings), lookups=[source], checks=[asking]) as engine:
            job = engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
    assert job.counts.balanced
    assert source.asked
    assert not set(leads) & set(source.asked)


def test_nobody_looks_for_another_phone_of_a_person_who_opted_out(world, without):
    source = OwnSource(phones=(_CLEAN,))
    with lf.Engine(priced(world.settings)) as other:
        keys = without[1]["all_suppressed"]
        phones = [phone for key in keys for phone in _phones(key)]
        asking = OwnCheck(answer=lambda check, numbers: other.suppress(phones, reason="asked", by="ann") and {})
        with lf.Engine(priced(world.settings), lookups=[source], checks=[asking]) as engine:
            engine.run(SCRIPT, limit_rows=_LEADS, progress=False)
    assert source.asked
    assert not {key for key in keys if _phones(key)} & set(source.asked)


def test_a_near_match_is_for_review_and_accepting_it_buys_nothing(world, without):
    def nickname(person):
        home = lf.FoundAddress(person.address, person.city, person.state, person.zip)
        names = {"Robert": "Bob", "William": "Bill", "Elizabeth": "Liz", "Margaret": "Peggy", "James": "Jim"}
        name = lf.FoundName(names.get(person.first_name.strip().title(), "Zed"), person.last_name)
        return lf.SearchResult(
            [lf.FoundPerson([name], [home], [lf.FoundPhone(_CLEAN)], pid="p" + person.person_key[:9])]
        )

    source = OwnSource(fault=nickname)
    with lf.Engine(priced(world.settings), lookups=[source]) as engine:
        job = engine.run(SCRIPT, limit_rows=400, progress=False)
        review = engine.review(job.id)
        mine = review[(review["reason"] == "near_match") & review["pid"].str.startswith("p")]
        assert len(mine)
        lead, asked = mine.iloc[0], len(source.asked)
        done = engine.accept(lead["person_key"], lead["pid"], progress=False)
        assert "delivered" in done.message
        assert len(source.asked) == asked
        assert done.counts.bought == job.counts.bought
        assert engine.accept(lead["person_key"], lead["pid"], progress=False).message.count("before")
        assert observe(world, engine, job.id).clean


def test_a_budget_counts_the_price_of_every_source_and_a_resume_buys_the_rest(world, without):
    source = OwnSource(price=2.0)
    settings = priced(world.settings).model_copy(update={"batch_size": 20})
    needed = without[0].counts.cost
    with lf.Engine(settings, lookups=[source]) as engine:
        job = engine.run(SCRIPT, limit_rows=_LEADS, max_cost=round(needed + 5, 2), progress=False)
        assert str(job.status) == "STOPPED"
        assert job.counts.cost <= needed + 5 + 1e-9
        assert 0 < len(source.asked) < 5
        assert "max_cost" in job.message
        done = engine.resume(job.id, max_cost=1_000, progress=False)
        assert done.ok
        assert observe(world, engine, job.id).clean
    assert max(Counter(source.asked).values()) == 1
    row = rows_of(done)["own", "lookup"]
    assert (row["asked"], row["cost"]) == (len(source.asked), 2.0 * len(source.asked))
    assert done.counts.cost == pytest.approx(sum(row["cost"] for row in done.counts.providers), abs=0.02)


def test_max_lookups_counts_the_searches_of_all_sources(world):
    source = OwnSource()
    with lf.Engine(world.settings, lookups=[source]) as engine:
        job = engine.run(SCRIPT, limit_rows=60, max_lookups=61, progress=False)
        assert len(source.asked) <= 1
        assert str(job.status) == "STOPPED"
        assert job.counts.bought == 61
        assert engine.resume(job.id, max_lookups=1_000, progress=False).ok


def test_the_estimate_is_a_range_with_a_part_for_each_provider(world):
    source, check = OwnSource(price=0.25), OwnCheck(price=0.02)
    with lf.Engine(priced(world.settings)) as engine:
        alone = engine.estimate(SCRIPT, limit_rows=100)
        assert alone.cost_at_most == alone.cost
    with lf.Engine(priced(world.settings), lookups=[source], checks=[check]) as engine:
        found = engine.estimate(SCRIPT, limit_rows=100)
        assert found.cost == pytest.approx(alone.cost + 100 * 3 * 0.02)
        most = 100 * (0.10 + 0.25) + 2 * 100 * 3 * (0.002 + 0.001 + 0.02)
        assert found.cost_at_most == pytest.approx(most)
        named = [(part.provider, part.what, part.at_least, part.at_most) for part in found.providers]
        assert named == [
            ("idicore", "lookup", 100, 100),
            ("own", "lookup", 0, 100),
            ("own_list", "complaints", 300, 600),
        ]
        job = engine.run(SCRIPT, limit_rows=200, progress=False)
        assert found.cost <= job.counts.cost * 2
        rates = {part.provider: part.hit_rate for part in engine.estimate(SCRIPT).providers}
        assert rates["own"] == 1.0
        assert 0.8 < rates["idicore"] < 1


def test_the_settings_name_the_shipped_ones(world):
    settings = with_accounts(world, lookups="people_data_labs", checks=["blacklist_alliance"])
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=80, progress=False)
        assert {("people_data_labs", "lookup"), ("blacklist_alliance", "litigator+dnc")} <= rows_of(job).keys()
        assert observe(world, engine, job.id).clean
    stats = world.stats()["people_data_labs"]
    row = rows_of(job)["people_data_labs", "lookup"]
    assert row["asked"] == sum(stats["asked"].values()) == len(stats["asked"])
    assert row["cost"] == pytest.approx(0.28 * sum(stats["bought"].values())), "a search without a match is free"
    asked = world.stats()["blacklist_alliance"]["asked"]
    assert set(asked.values()) == {1}


@pytest.mark.parametrize("change", [{"api_key": None}, {"price": None}])
def test_a_shipped_one_without_its_key_or_price_is_refused(world, change):
    for name in ("people_data_labs", "blacklist_alliance"):
        part = {"lookups" if name == "people_data_labs" else "checks": (name,)}
        with pytest.raises(SettingsError, match=f"LEADFLOW_{name.upper()}__PRICE"):
            lf.Engine(with_accounts(world, **{name: change}, **part))


@pytest.mark.parametrize(
    ("lookups", "checks", "words"),
    [
        ([OwnSource], [], "search"),
        ([object()], [], "PeopleSearch"),
        ([OwnSource("idicore")], [], "lookups.1..provider"),
        ([OwnSource("Own Source")], [], "small letters"),
        ([OwnSource(price=None)], [], "price"),
        ([OwnSource(price=-1)], [], "price"),
        ([OwnSource(price=float("nan"))], [], "price"),
        ([OwnSource(price=True)], [], "price"),
        ([OwnSource(), OwnSource()], [], "two providers have one provider"),
        ([], [OwnSource()], "PhoneCheck"),
        ([], [OwnCheck(kind="dnc")], "kind"),
        ([], [OwnCheck("a"), OwnCheck("b")], "one kind"),
    ],
)
def test_what_is_no_provider_is_refused_before_anything(world, lookups, checks, words):
    with pytest.raises(InputError, match=words):
        lf.Engine(world.settings, lookups=lookups, checks=checks)


def test_a_resume_without_the_jobs_providers_is_refused(world):
    source, check = OwnSource(price=5.0), OwnCheck()
    with lf.Engine(priced(world.settings), lookups=[source], checks=[check]) as engine:
        job = engine.run(SCRIPT, limit_rows=60, max_cost=7, progress=False)
        assert str(job.status) == "STOPPED"
    with lf.Engine(priced(world.settings), lookups=[source]) as engine:
        with pytest.raises(InputError, match="own_list"):
            engine.resume(job.id, progress=False)
        assert engine.history.job(job.id)["status"] == "STOPPED"
    with lf.Engine(priced(world.settings), lookups=[source], checks=[check]) as engine:
        assert engine.resume(job.id, max_cost=1_000, progress=False).ok

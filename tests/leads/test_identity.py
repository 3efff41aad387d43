"""One person, however written, is bought once and has one row."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest
from identities import ANN, TITLES, select, written
from outcome import sheet_rows, table_keys

import leadflow as lf
from leadflow import stages
from leadflow.leads.columns import person_key
from leadflow.leads.identity import identity_text
from leadflow.leads.postal import repaired_zip
from leadflow.services.warehouse import Warehouse


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


# The first eight are the issue's; each is the one person at the one address that Publication 28 writes one way.
SPELLINGS = {
    "as it is": written(),
    "lost zero": written(zip="4530"),
    "float": written(zip="4530.0"),
    "ZIP+4": written(zip="04530-1234"),
    "nine digits": written(zip="045301234"),
    "street": written(address="12 Elm Street"),
    "dot": written(address="12 ELM ST."),
    "two blanks": written(address="12  Elm St"),
    "trailing tab": written(last_name="Lee\t"),
    "state by name": written(state="Maine"),
    "decimals": written(zip="4530.00"),
    "ZIP+4 without zero": written(zip="4530-1234"),
    "eight digits": written(zip="45301234"),
    "no-break space": written(first_name="Ann\u00a0", city="\u00a0Bath"),
    "zero width": written(first_name="A\u200bnn"),
    "accent": written(first_name="Ánn"),
    "decomposed accent": written(first_name="A\u0301nn"),
    "state with dots": written(state="M.E."),
    "house with zeros": written(address="0012 Elm St"),
    "comma": written(address="12 Elm St,"),
    "strt": written(address="12 elm Strt"),
    "blank ZIP end": written(zip="04530 "),
}


PAIRS = [
    ({"address": "12 North Elm St"}, {"address": "12 N. Elm Street"}),
    ({"address": "12 Elm St Apt 4"}, {"address": "12 Elm St #4"}),
    ({"address": "12 Elm St, Apartment 4B"}, {"address": "12 ELM STREET APT # 4B"}),
    ({"address": "12 Fourth Ave"}, {"address": "12 4th Avenue"}),
    ({"address": "P.O. Box 12"}, {"address": "PO BOX 12"}),
    ({"address": "R.R. 1 Box 12"}, {"address": "RR 1 BOX 12"}),
    ({"address": "Rural Route 1 Box 12"}, {"address": "R R 1 Box 12"}),
    ({"address": "12 E St N.E."}, {"address": "12 E Street NE"}),
    ({"address": "12-3 Elm St"}, {"address": "12\u20133 Elm St"}),
    (
        {"city": "St. Louis", "state": "MO", "zip": "63101"},
        {"city": "Saint Louis", "state": "Missouri", "zip": "63101-0001"},
    ),
    ({"city": "Fort Kent"}, {"city": "FT KENT"}),
    ({"last_name": "O'Neil"}, {"last_name": "ONEIL"}),
    ({"last_name": "St. John"}, {"last_name": "Saint John"}),
    ({"last_name": "Smith-Jones"}, {"last_name": "Smith Jones"}),
    ({"state": "PR", "zip": "00601"}, {"state": "Puerto Rico", "zip": "601"}),
    ({"state": "NY", "zip": "00501"}, {"state": "N.Y.", "zip": "501.0"}),
    ({"state": "NH", "zip": "03301"}, {"state": "New  Hampshire", "zip": "3301"}),
    ({"state": "AE", "zip": "09012"}, {"state": "ae", "zip": "9012"}),
]


STRANGERS = [
    ({"address": "12 Elm St"}, {"address": "13 Elm St"}),
    ({"address": "12-3 Elm St"}, {"address": "123 Elm St"}),
    ({"address": "12-3 Elm St"}, {"address": "12 3 Elm St"}),
    ({"address": "1 23rd St"}, {"address": "12 3rd St"}),
    ({"address": "12 Elm St"}, {"address": "12 Elm Ave"}),
    ({"address": "12 N Elm St"}, {"address": "12 S Elm St"}),
    ({"address": "12 N Elm St"}, {"address": "12 Elm St"}),
    ({"address": "12 N E St"}, {"address": "12 NE St"}),
    ({"address": "12 Elm St Apt 4"}, {"address": "12 Elm St Apt 5"}),
    ({"address": "12 Elm St Apt 4"}, {"address": "12 Elm St Ste 4"}),
    ({"address": "12 Elm St Apt 4"}, {"address": "12 Elm St"}),
    ({"address": "12 1/2 Elm St"}, {"address": "12 Elm St"}),
    ({"address": "PO Box 12"}, {"address": "PO Box 120"}),
    ({"first_name": "Ann"}, {"first_name": "Anne"}),
    ({"first_name": "Ann"}, {"first_name": "A"}),
    ({"last_name": "Lee"}, {"last_name": "Lee Jr"}),
    ({"first_name": "\u6797"}, {"first_name": "\u674e"}),
    ({"last_name": "Street"}, {"last_name": "St"}),
    ({"zip": "04530"}, {"zip": "04531"}),
    ({"zip": "4530", "state": "TX"}, {"zip": "04530", "state": "TX"}),
    ({"state": "ME"}, {"state": "MA"}),
    ({"city": "Bath"}, {"city": "Woolwich"}),
    ({"first_name": "Ann Lee", "last_name": "Roe"}, {"first_name": "Ann", "last_name": "Lee Roe"}),
]


@pytest.mark.parametrize("person", SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_of_one_person_are_one(person):
    assert identity_text(*person) == identity_text(*ANN)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_standard_writings_are_one(one, other):
    assert identity_text(*written(**one)) == identity_text(*written(**other))


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_two_persons_stay_two(one, other):
    assert identity_text(*written(**one)) != identity_text(*written(**other))


def test_all_spellings_in_one_job_are_one_purchase_and_one_row(world, engine):
    job = engine.run(select(*SPELLINGS.values()), progress=False)
    assert job.counts.balanced
    assert job.counts.held["duplicate"] == len(SPELLINGS) - 1
    assert sum(world.stats()["idicore"]["bought"].values()) == 1
    assert len(sheet_rows(world)) + sum(n for reason, n in job.counts.held.items() if reason != "duplicate") == 1


@pytest.mark.parametrize("zip_type", ["VARCHAR", "NUMBER", "FLOAT", "NUMBER(10,2)"])
def test_a_later_job_pays_for_no_spelling_again(world, engine, zip_type):
    first = engine.run(select(written()), progress=False)
    assert first.counts.bought == 1
    people = [p for p in SPELLINGS.values() if zip_type == "VARCHAR" or p[5] in ("4530", "4530.0", "4530.00")]
    later = engine.run(select(*people, zip_type=zip_type), progress=False)
    assert (later.counts.already_processed, later.counts.bought) == (len(people), 0)
    assert engine.estimate(select(*people, zip_type=zip_type)).lookups == 0
    assert sum(world.stats()["idicore"]["bought"].values()) == 1


def test_strangers_are_each_bought(world, engine):
    people = {written(**parts) for pair in STRANGERS for parts in pair if parts.get("address") != "x"}
    job = engine.run(select(*sorted(people)), progress=False)
    assert job.counts.held.get("duplicate", 0) == len(people) - len({identity_text(*p) for p in people})
    assert job.counts.bought == len({identity_text(*p) for p in people}) >= 30


@pytest.mark.parametrize("zip_type", ["NUMBER", "FLOAT", "VARCHAR"])
def test_the_repaired_zip_goes_to_the_vendor_the_sheet_and_the_tables(world, engine, zip_type):
    world.fail("idicore", "500", times=1, key='"zip":"04530"')
    engine.run(select(written(zip="4530"), zip_type=zip_type), progress=False)
    assert world.stats()["idicore"]["faults"] == 1  # a search for that ZIP was sent, and repeated
    assert [row["Zip"] for row in sheet_rows(world)] in (["04530"], [])
    assert table_keys(world, "PERSON_CACHE", "zip_code") == ["04530"]
    assert table_keys(world, "UNIQUE_CONSOLIDATED_DATA", "Zip") == ["04530"]


def test_the_key_is_that_of_the_text_as_it_came(world, engine):
    engine.run(select(written(zip="4530")), progress=False)
    assert table_keys(world, "PERSON_CACHE", "person_key") == [person_key(*written(zip="4530"))]


@pytest.mark.parametrize(
    "cached", [written(zip="4530"), written(zip="04530-1234", state="Maine", address="12 Elm Street")]
)
@pytest.mark.parametrize("key", ["its own", "another program's"])
def test_an_existing_cache_knows_its_people_by_key_and_by_writing(world, engine, cached, key):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.ensure_tables()
        values = [person_key(*cached) if key == "its own" else "k1", *cached]
        names = ("person_key", "first_name", "last_name", "address", "city", "state", "zip_code")
        warehouse.execute(
            f"INSERT INTO PERSON_CACHE ({', '.join(map(_quoted, names))}) VALUES "
            f"({', '.join(_text(v) for v in values)})"
        )
    job = engine.run(select(cached, written(), written(address="13 Elm St")), progress=False)
    assert (job.counts.already_processed, job.counts.bought) == (2, 1)


def _quoted(name):
    return f'"{name}"'


def _text(value):
    return "'" + value.replace("'", "''") + "'"


def test_a_cached_error_is_no_answer_however_written(world, engine):
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.ensure_tables()
        columns = '"person_key", "first_name", "last_name", "address", "city", "state", "zip_code", "status"'
        warehouse.execute(f"INSERT INTO PERSON_CACHE ({columns}) VALUES ('k', {', '.join(map(_text, ANN))}, 'error')")
    assert engine.run(select(written(zip="4530")), progress=False).counts.bought == 1


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_a_frame_keeps_each_person_once(world, kind):
    people = [*SPELLINGS.values(), written(address="13 Elm St")]
    frame = kind({title: [person[n] for person in people] for n, title in enumerate(TITLES)})
    with Warehouse(world.settings.warehouse) as warehouse:
        with pytest.warns(UserWarning, match="PERSON_CACHE.* was not there and was made, empty"):
            kept = stages.filter_unprocessed(frame, warehouse)
        assert (len(kept), list(kept["zip"])) == (2, ["04530", "04530"])
        columns = '"person_key", "first_name", "last_name", "address", "city", "state", "zip_code"'
        warehouse.execute(
            f"INSERT INTO PERSON_CACHE ({columns}) VALUES ('k', "
            f"{', '.join(map(_text, written(zip='4530', state='Maine')))})"
        )
        assert list(stages.filter_unprocessed(frame, warehouse)["address"]) == ["13 Elm St"]


def test_a_frame_of_floats_and_a_frame_with_keys_get_their_zips_too(world):
    frame = pd.DataFrame([written()], columns=list(TITLES)).assign(Zip=[4530.0])
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.ensure_tables()
        kept = stages.filter_unprocessed(frame, warehouse)
        assert list(kept["zip"]) == ["04530"]
        own = kept.assign(zip=[4530])
        assert list(stages.filter_unprocessed(own, warehouse)["zip"]) == ["04530"]


def test_a_resumed_job_leaves_out_whom_another_processed_under_another_spelling(world, engine):
    one, other = select(*SPELLINGS.values(), written(address="14 Elm St")), select(written(zip="4530", state="Maine"))
    job = engine.run(one, max_lookups=0, progress=False)
    assert str(job.status) == "STOPPED"
    settings = world.settings.model_copy(update={"home": world.settings.home / "elsewhere"})
    with lf.Engine(settings) as elsewhere:
        assert elsewhere.run(other, progress=False).counts.bought == 1
    resumed = engine.resume(job.id, max_lookups=10, progress=False)
    assert (resumed.counts.bought, resumed.counts.elsewhere, resumed.counts.balanced) == (1, 1, True)


@pytest.mark.parametrize(
    ("text", "state", "expected"),
    [
        ("4530", "ME", "04530"),
        ("501", "NY", "00501"),
        ("601", "Puerto Rico", "00601"),
        ("802", "VI", "00802"),
        ("4530", "TX", "4530"),
        ("4530.0", "TX", "4530"),
        ("4530", "", "4530"),
        ("2801", "RI", "02801"),
        ("2801", "MA", "2801"),
        ("5501", "MA", "05501"),
        ("6390", "NY", "06390"),
        ("6390", "CT", "06390"),
        ("77001", "TX", "77001"),
        ("77001-1234", "TX", "77001"),
        ("770011234", "TX", "77001"),
        ("5011234", "NY", "00501"),
        ("8012.000", "N.J.", "08012"),
        ("9012", "AE", "09012"),
        ("9012", "AP", "9012"),
        ("", "ME", ""),
        (" K1A 0B1 ", "ON", "K1A 0B1"),
        ("04530 ", "ME", "04530"),
        ("45", "ME", "45"),
        ("04530\u20131234", "ME", "04530"),
        ("1e5", "ME", "1e5"),
        ("00000", "ME", "00000"),
        ("\u0664\u0665\u0663\u0660", "ME", "\u0664\u0665\u0663\u0660"),
    ],
)
def test_a_zip_gets_its_zeros_back_only_where_the_state_agrees(text, state, expected):
    assert repaired_zip(text, state) == expected
    assert repaired_zip(expected, state) == expected

"""Nobody is bought whom no answer could match; whoever is not bought could not be matched."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matched import as_found, found, lead
from outcome import observe, sheet_rows

import leadflow as lf
from leadflow.leads.columns import IDENTITY
from leadflow.leads.matching import is_same, searched_name, unsearchable
from leadflow.leads.people import Person
from leadflow.services.idicore import Idicore
from leadflow.services.idicore.request import search_body
from leadflow.settings import Policy
from leadflow.stages import lookup_people
from leadflow.stages.settle import settle


def _why(first="Maria", last="Garcia", **more):
    person = lead(first, last, **more)
    why = unsearchable(person)
    assert is_same(person, as_found(person)) is (why == "")
    return why


def _split(text):
    """The cells of a table whose rows are lines."""
    return [cell.strip() for line in text.strip().splitlines() for cell in line.split("|")]


def _names(text):
    return [tuple(cell.strip() for cell in f" {pair} ".split("+")) for pair in _split(text)]


@pytest.mark.parametrize(
    ("first", "last"),
    _names("""
    N/A + Smith | n / a + Smith | N\\A + Smith | NA + Smith | None + Smith | NULL + Smith | Unknown + Smith
    UNK + Smith | TEST + Smith
    XXX + Smith | xx + Smith | - + Smith | . + Smith | FNU + Singh | TBD + Smith | asdf + asdf | aaaa + Smith
    John + N/A | John + LNU
    John + UNKNOWN | John + xxxx | John + None | John + - | John + Dr | John + TR | John + ET AL
    John + not available | + Smith | John +
    Current + Resident | HOME + OWNER | Occupant + Occupant | Test + User | First Name + Last Name
    Valued + Customer | NO NAME + SMITH
    Not + Provided | Baby Boy + Smith | The + Smiths | MR + SMITH | MR & MRS + SMITH | DR + SMITH | J/M + SMITH
    12 + 34
    ESTATE OF + SMITH | Estate of John + Smith | EST OF JOHN + SMITH | JOHN + SMITH EST | HEIRS OF JOHN + SMITH
    JOHN + SMITH (DECEASED)
    JOHN DECD + SMITH | JOHN + SMITH DEC'D | JOHN (DEC) + SMITH | JOHN + SMITH - Deceased | SMITH FAMILY + TRUST
    JOHN + SMITH LIVING TRUST
    SMITH + REVOCABLE TRUST | ABC + PROPERTIES LLC | ACME + HOLDINGS | ACME BRICK + CO | WELLS FARGO + BANK
    FIRST BAPTIST + CHURCH
    CITY OF + HOUSTON | COUNTY + OF HARRIS | JOHN + SMITH & SONS | JONES + REALTY | BANK + OF AMERICA
    Dallas + School District
    Smith + and Associates | Friends + for Harry | JOHN + SMITH REV LIV TR | JOHN + SMITH FAMILY TR | DO NOT + CALL
    DO NOT CALL + SMITH
    JOHN + SMITH DNC | JOHN + SMITH DELETED | THE LATE JOHN + SMITH | JOHN + SMITH DEC | JOHN (MINOR) + SMITH
    nan + nan | #REF! + Smith
    N A + Smith | N. A. + Smith | N-A + Smith | N + A | John + N A | none given + Smith | John + None Given
    Same as above + Smith | Refused + Smith
    JOHN + SMITH RIP | JOHN + SMITH R.I.P. | JOHN + SMITH DEAD | JOHN + SMITH (dead) | JOHN + SMITH PASSED AWAY
    JOHN (PASSED) + SMITH
    JOHN + SMITH DOD 2019 | JOHN + SMITH \u2020 | JOHN + SmithDECEASED | JOHN*DECEASED* + SMITH
    JOHN + SMITH EXPIRED | JOHN + SMITH LITIGATOR
    Acme + L.L.C. | Acme + L L C | Smith Brothers + P.L.L.C. | Spouse + Smith
    """),
)
def test_no_name_of_a_person(first, last):
    assert _why(first, last) == "no_person_name"


@pytest.mark.parametrize(
    ("first", "last"),
    _names("""
    Jennifer + Null | Yun + Na | Frederick + Test | Jon + Tester | Ana + Blank | James + Last | Kim + Guest
    Owen + Owner | Nan + Goldin
    Charlotte + Church | John + Bank | Tyra + Banks | Grace + Hall | Grace Ann + Hall | Mary + Hall Banks | Ana + Co
    Christian + Temple
    Denny + Law | Chase + House | Mary Ann + Church | John + Farmer | Ann + Land | Faith + Post | May + House
    Hoa + Tran | America + Store
    Md + Rahman | Md Abdul + Karim | Thi + Do | Hon + Nguyen | Major + Harris | Judge + Reinhold | Earl + Grey
    Duke + Ellington | Sir + Jones
    Prince + Rogers | John + Est | John + Miss | JT + Smith | J.R. + Smith | J + Smith | Baby + Thomas | Ng + Lee
    Al + Green | Trinity + Moss
    Ольга + Иванова | 伟 + 王 | O + Oh | An + Or | Reverend John + Case | John + Sergeant | Gen + Ito | Pa + Vang
    Rip + Torn
    N + Smith | J R + Smith | J. R. D. + Smith | Given + Nkosi | Passed + Smith | Her + Vang | A + Single | N + Ahn
    Late + Smith | John + Dec | Kyle + Minor | Kim + No | John + Opt | Ann + Baptiste
    """),
)
def test_names_of_people_that_look_like_something_else(first, last):
    assert _why(first, last) == ""


@pytest.mark.parametrize(
    "line",
    _split("""
    | - | # | N/A | UNKNOWN | HOMELESS | 123 | 0 | 0 MAIN ST | 000 ELM ST | 123 UNKNOWN | 123 N/A | MAIN ST | 5TH AVE
    12TH AVE 345
    MAIN ST 123 | MAIN ST APT 5 | APT 4 | LOT 5 | MAIN ST LOT 5 | PMB 123 | 123 APT 4 | GENERAL DELIVERY | POSTMASTER
    PSC 3 | UNIT 2050
    USS ENTERPRISE | RFD 3 | STAR ROUTE | HC 61 | RR 2 | PO BOX | BOX | C/O JOHN SMITH | MILE 12 | HIGHWAY 90 WEST
    5 MILES N OF TOWN
    2 BLOCKS FROM SCHOOL | 1/2 MILE N OF HWY 9 | ACROSS FROM 12 ELM ST | CORNER OF MAIN AND ELM | EIGHT MILE RD
    SEVEN HILLS DR
    TWENTY FIRST ST | URB LAS GLADIOLAS | CALLE A | COND ASHFORD PALACE | THE OLD FARM | 39.2 RD | 12.5 MAIN ST
    AVENUE B 150 | A17 MAIN AVE | COND 5
    PO BOX N/A | RR 3 12 | CMR 402 # | HC-01 | MILE MARKER 12 | URB SANTA ROSA BLOQUE 5
    """),
)
def test_no_address_that_can_be_compared(line):
    assert _why(address=line) == "unreadable_address"


@pytest.mark.parametrize(
    ("area", "why"),
    [
        ({"zip": ""}, ""),
        ({"city": "", "state": ""}, ""),
        ({"city": "", "zip": ""}, "unreadable_address"),
        ({"state": "", "zip": ""}, "unreadable_address"),
        ({"city": "", "state": "", "zip": ""}, "unreadable_address"),
        ({"city": "N/A", "zip": ""}, "unreadable_address"),
        ({"state": "ZZ", "zip": ""}, "unreadable_address"),
        ({"city": "", "zip": "00000"}, "unreadable_address"),
        ({"city": "", "zip": "99999"}, "unreadable_address"),
        ({"city": "", "zip": "123"}, ""),  # 00123 without its zeros
        ({"city": "", "zip": "12"}, "unreadable_address"),
        ({"city": "", "zip": "unknown"}, "unreadable_address"),
        ({"city": "", "zip": "77002-1234"}, ""),
        ({"city": "", "zip": "4530.0"}, ""),
        ({"state": "Texas", "zip": ""}, ""),
    ],
)
def test_an_area_to_compare(area, why):
    assert _why(**area) == why


# Properties

_NAME_PARTS = _split("""
John|Mary|Smith|O'Neil|van|der|García|Müller|Jr|TR|MD|ET|UX|DR|N/A|n/a|Null|Na|(|)|(DECEASED)|&|and|/|-|.|,|Church|Bank|TRUST|LLC|of
the|Estate|EST|H/W|C/O|x|Ñ|ß|İ|ŉ|ǰ|\u017f|ﬁ|Ольга|伟|12|J.|J.R.|"|'|½
""")
_LINE_PARTS = _split("""
12|12-B|43-15|0|½|1/2|#|Apt|4|Main|St.|N|W|Box|PO|P.O.|RR|RFD|2|HC|PSC|CMR|UNIT|Urb|Calle|A|Carr|Km|4.5|km4.5|Cond|Lot|Trlr|Acres|One
Twenty-|Twenty-One|Hundred|Mile|Hwy|C/O|%|Attn|John|,|.|-|Houston|TX|77002|Texas|General|Delivery|N6W23|2S650|A-17|ß|ŉ|İ|É|Straße|Res
Edif|apto|bin|No|2nd|Floor|rear
""")
_called = st.lists(st.sampled_from(_NAME_PARTS), max_size=4).map(" ".join) | st.text(max_size=12)
_lines = st.lists(st.sampled_from(_LINE_PARTS), max_size=7).map(" ".join) | st.text(max_size=20)
_cities = st.sampled_from(["Houston", "N/A", "", "St. Louis", "\u017fan José", "unknown"]) | st.text(max_size=6)
_states = st.sampled_from(["TX", "Texas", "", "ZZ", "N. Dak.", "pr"]) | st.text(max_size=3)
_zips = st.sampled_from(["77002", "", "77002-1234", "4530", "99999", "00000", "x", "4530.0"]) | st.text(max_size=5)
_people = st.builds(Person, st.just("k"), _called, _called, _lines, _cities, _states, _zips)
_calm = settings(deadline=None, max_examples=1_500, suppress_health_check=list(HealthCheck))


@_calm
@given(_people, st.sampled_from([str, str.upper, str.lower]))
def test_who_can_be_searched_for_is_who_the_own_name_and_address_match(person, vary):
    assert is_same(person, as_found(person, vary)) is (unsearchable(person) == "")


@_calm
@given(_people, _people)
def test_nobody_matches_whom_no_answer_could(person, other):
    if unsearchable(person):
        assert not is_same(person, as_found(other))
        assert not is_same(
            person,
            {"name": [as_found(other)["name"][0], as_found(person)["name"][0]], "address": as_found(other)["address"]},
        )


@_calm
@given(_people, _people)
def test_what_two_people_are_called_decides_both_ways(one, other):
    assert is_same(one, as_found(other)) == is_same(other, as_found(one)) or unsearchable(one) != unsearchable(other)


# The request


@pytest.mark.parametrize(
    ("first", "last", "searched"),
    [
        ("John", "Smith", ("John", "Smith")),
        (" Séan ", "O'Neil-Peña", (" Séan ", "O'Neil-Peña")),
        ("Dr. John", "Smith, M.D.", ("JOHN", "SMITH")),
        ("JOHN & MARY", "SMITH ET UX", ("JOHN", "SMITH")),
        ("JOHN SMITH", "TR", ("JOHN", "SMITH")),
        ("Md", "Rahman", ("Md", "Rahman")),
    ],
)
def test_the_name_that_is_searched_for_is_the_one_that_is_compared(world, first, last, searched):
    assert searched_name(first, last) == searched
    body = search_body(lead(first, last), world.settings.idicore.fields)
    assert (body["firstName"], body["lastName"]) == searched


def test_words_that_are_no_name_do_not_keep_a_person_from_being_found():
    assert is_same(lead("JOHN & MARY", "SMITH TR"), found({"first": "JOHN", "last": "SMITH"}))


# Jobs

_HELD = [
    ("N/A", "Smith", "12 Elm St", "no_person_name"),
    ("John", "Smith", "General Delivery", "unreadable_address"),
    ("Estate of", "Lee", "5 Oak Ave", "no_person_name"),
]
_GOOD = [
    ("Ann", "Jones", "PSC 3 BOX 12"),
    ("Bob", "Jones", "ONE MAIN ST"),
    ("Cid", "Jones", "RFD 3 BOX 4"),
    ("Dan", "Jones", "POB 12"),
    ("Eve", "Jones", "12 Elm St"),
    ("Flo", "Jones", "LOT 5 SHADY ACRES"),
]


def _select(rows):
    named = ("First Name", "Last Name", "Address", "City", "State", "Zip")
    rows = [zip(named, (*row[:3], "Bath", "ME", "04530"), strict=True) for row in rows]
    return " UNION ALL ".join("SELECT " + ", ".join(f"'{value}' AS \"{name}\"" for name, value in row) for row in rows)


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def test_an_estimate_and_a_job_hold_back_unpaid_whom_no_answer_could_match(world, engine):
    script = _select([*_HELD, *_GOOD])
    held = {"unreadable_address": 1, "no_person_name": 2}
    estimate = engine.estimate(script)
    assert (estimate.extracted, estimate.held, estimate.lookups) == (9, held, 6)
    job = engine.run(script, progress=False)
    assert job.ok
    assert job.counts.balanced
    assert {reason: n for reason, n in job.counts.held.items() if reason in held} == held
    assert job.counts.left_out == 3
    assert "3 of those held back were left out (unreadable_address 1, no_person_name 2)" in job.message
    assert (job.counts.bought, sum(world.stats()["idicore"]["bought"].values())) == (6, 6)
    assert observe(world, engine, job.id).clean
    trace = engine.trace(job.id)
    told = "\n".join(trace["message"].fillna("").astype(str))
    assert (
        "Filtered to 6 unprocessed leads (0 already processed, 0 suppressed, 0 duplicate, 0 no identity, "
        "1 unreadable address, 2 no person name, 0 over limit)" in told
    )
    assert "Not searched for, since no answer could match: 1 unreadable_address (" in told
    report = engine.report(job.id)
    assert report.validation["ok"].all()
    assert "unreadable_address 1" in report.to_markdown()
    # Nobody who was held back is bought or counted as processed by a second run either.
    again = engine.run(script, progress=False)
    assert {reason: again.counts.held[reason] for reason in held} == held
    assert again.counts.bought == 0


@pytest.mark.parametrize("limit", [1, 2, 4, 6, 7, 50])
def test_the_row_limit_counts_leads_that_can_be_searched_for(world, engine, limit):
    rows = [_HELD[0], _GOOD[0], _HELD[1], _GOOD[1], _GOOD[2], _HELD[2], *_GOOD[3:]]
    script = _select(rows)
    job = engine.run(script, limit_rows=limit, progress=False)
    wanted = min(limit, len(_GOOD))
    assert job.ok
    assert job.counts.balanced
    assert job.counts.bought == wanted
    assert engine.estimate(script, limit_rows=limit).extracted == 9
    seen = wanted + sum(job.counts.held.get(reason, 0) for reason in ("unreadable_address", "no_person_name"))
    assert job.counts.held.get("over_limit", 0) == 9 - seen
    assert (job.counts.held.get("over_limit", 0) == 0) is (limit >= len(_GOOD))


def test_a_job_of_nobody_who_can_be_searched_for_ends_well_and_buys_nothing(world, engine):
    job = engine.run(_select(_HELD), limit_rows=2, progress=False)
    assert (job.ok, job.counts.balanced, job.counts.bought) == (True, True, 0)
    assert job.counts.held == {"unreadable_address": 1, "no_person_name": 2}
    assert sheet_rows(world) == []
    assert world.stats()["idicore"]["calls"] == 0


def test_a_lookup_alone_says_why_it_buys_nothing(world):
    leads = pl.DataFrame(
        [(*row[:3], "Bath", "ME", "04530") for row in [*_HELD, _GOOD[0]]], schema=list(IDENTITY), orient="row"
    )
    with Idicore(world.settings.idicore) as idicore:
        done = lookup_people(leads, idicore)
    assert done["lookup_status"].to_list()[:3] == [why for *_, why in _HELD]
    assert sum(world.stats()["idicore"]["bought"].values()) == 1
    settled = settle(done.head(3), Policy())
    assert settled["disposition"].to_list() == ["held"] * 3
    assert settled["reason"].to_list() == [why for *_, why in _HELD]

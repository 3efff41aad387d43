"""A found person is the lead only if a name and an address agree; nothing else makes a stranger's phones the lead's."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from pathlib import Path

import httpx
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.services.idicore import Idicore, Person, _read_answer
from leadflow.services.matching import is_same
from leadflow.stages import lookup_people

_SAMPLES = Path(__file__).parent.parent / "data_samples"
_NAMED = {"first": "MARIA", "last": "GARCIA"}
_AT_HOME = {"data": "123 MAIN ST", "city": "HOUSTON", "state": "TX", "zip": "77002"}


def _lead(first="Maria", last="Garcia", address="123 Main St", city="Houston", state="TX", zip="77002"):
    return Person("k", first, last, address, city, state, zip)


def _found(name=None, address=None, **more):
    return {"name": [name or _NAMED], "address": [address or _AT_HOME], **more}


def _same_by_name(first, last, name):
    return is_same(_lead(first, last), _found(name))


def _same_by_line(mine, theirs, **area):
    return is_same(_lead(address=mine), _found(address={**_AT_HOME, "data": theirs, **area}))


def _both_ways(mine, theirs):
    """Which side says what makes no difference."""
    one, other = _same_by_line(mine, theirs), _same_by_line(theirs, mine)
    assert one == other
    return one


# Names


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Maria", "Garcia", {"first": "MARIA", "last": "GARCIA"}),
        ("J", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("John", "Smith", {"first": "J", "last": "SMITH"}),
        ("J.", "Smith", {"first": "JOHN", "last": "SMITH", "middle": "ROBERT"}),
        ("J. R.", "Smith", {"first": "JOHN", "last": "SMITH", "middle": "ROBERT"}),
        ("John A", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("John A.", "Smith", {"first": "JOHN", "last": "SMITH", "middle": "ALLEN"}),
        ("John", "Smith", {"first": "JOHN A", "last": "SMITH"}),
        ("John", "Smith Jr", {"first": "JOHN", "last": "SMITH"}),
        ("John", "Smith Jr.", {"first": "JOHN", "last": "SMITH", "suffix": "JR"}),
        ("John Jr.", "Smith", {"first": "JOHN", "last": "SMITH", "suffix": "JR"}),
        ("John", "Smith III", {"first": "JOHN", "last": "SMITH 3RD"}),
        ("John", "Smith", {"first": "JOHN", "last": "SMITH SR"}),
        ("Søren", "Sørensen", {"first": "SOREN", "last": "SORENSEN"}),
        ("Søren", "Sørensen", {"first": "SOEREN", "last": "SOERENSEN"}),
        ("Jürgen", "Müller", {"first": "JURGEN", "last": "MULLER"}),
        ("Juergen", "Mueller", {"first": "JÜRGEN", "last": "MÜLLER"}),
        ("Jürgen", "Müller", {"first": "JUERGEN", "last": "MUELLER"}),
        ("Łukasz", "Wałęsa", {"first": "LUKASZ", "last": "WALESA"}),
        ("Zoë", "Groß", {"first": "ZOE", "last": "GROSS"}),
        ("Þóra", "Æsir", {"first": "THORA", "last": "AESIR"}),
        ("Ann", "O'Neil", {"first": "ANN", "last": "ONEIL"}),
        ("Ann", "O\u2019Neil", {"first": "ANN", "last": "O NEIL"}),
        ("Ann", "ONeil", {"first": "ANN", "last": "O'NEIL"}),
        ("D'Andre", "Brown", {"first": "DANDRE", "last": "BROWN"}),
        ("Mary-Kate", "Brown", {"first": "MARY KATE", "last": "BROWN"}),
        ("Mary-Kate", "Brown", {"first": "MARYKATE", "last": "BROWN", "middle": "L"}),
        ("Mary-Kate", "Brown", {"first": "MARY", "last": "BROWN"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "GARCIA LOPEZ"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "GARCIALOPEZ"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "GARCIA"}),
        ("Maria", "García", {"first": "MARIA", "last": "GARCIA-LOPEZ"}),
        ("Maria", "García López", {"first": "MARIA", "middle": "GARCIA", "last": "LOPEZ"}),
        ("Ana", "van der Berg", {"data": "ANA VAN DER BERG"}),
        ("Ana", "van der Berg", {"first": "", "last": None, "data": "Ana M. van der Berg"}),
        ("Ana", "van der Berg", {"first": "ANA VAN DER", "last": "BERG"}),
        ("Ana", "de la Cruz", {"data": "DE LA CRUZ, ANA"}),
        ("John", "Smith", {"data": "JOHN SMITH, JR"}),
        ("John", "Smith III", {"data": "JOHN SMITH 3RD"}),
        ("John", "Smith", {"data": "SMITH, JOHN A"}),
        ("John", "Smith", {"last": "SMITH", "data": "JOHN SMITH"}),
        ("Ann", "St. John", {"first": "ANN", "last": "SAINT JOHN"}),
        ("Ольга", "Иванова", {"first": "ОЛЬГА", "last": "ИВАНОВА"}),
        ("Ольга", "Иванова", {"data": "ольга иванова"}),
        ("伟", "王", {"first": "伟", "last": "王"}),
        (" Maria ", "=Garcia", {"first": "MARIA", "last": "GARCIA"}),
    ],
)
def test_names_of_one_person(first, last, name):
    assert _same_by_name(first, last, name)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Ольга", "Иванова", {"data": "JOHN SMITH"}),
        ("Ольга", "Иванова", {"first": "ОЛЬГА", "last": "ПЕТРОВА"}),
        ("Андрей", "Май", {"first": "АНДРЕЙ", "last": "МАИ"}),
        ("伟", "王", {"first": "伟明", "last": "王"}),
        ("-", ".", {"data": "JOHN SMITH"}),
        ("-", ".", {"first": "-", "last": "."}),
        ("", "", {"data": "JOHN SMITH"}),
        ("", "", {"first": "", "last": "", "data": ""}),
        ("John", "", {"data": "JOHN SMITH"}),
        ("John", "", {"first": "JOHN", "last": ""}),
        ("John", "...", {"first": "JOHN", "last": "..."}),
        ("", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("John", "Smith", {"first": "", "last": "SMITH"}),
        ("John", "Smith", {"last": "SMITH", "data": "SMITH"}),
        ("John", "Smith", {"first": "JANE", "last": "SMITH"}),
        ("John", "Smith", {"first": "JOHNNY", "last": "SMITH"}),
        ("Jo", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("K", "Smith", {"first": "JOHN", "last": "SMITH"}),
        ("John", "Smith", {"first": "JOHN", "last": "SMYTHE"}),
        ("John", "S", {"first": "JOHN", "last": "SMITH"}),
        ("John A", "Smith", {"first": "JOHN", "middle": "B", "last": "SMITH"}),
        ("Mary-Kate", "Brown", {"first": "MARY ANN", "last": "BROWN"}),
        ("John", "Smith Jr", {"first": "JOHN", "last": "SMITH", "suffix": "SR"}),
        ("John", "Smith II", {"first": "JOHN", "last": "SMITH III"}),
        ("John", "Smith Sr", {"data": "JOHN SMITH JR"}),
        ("John", "Jr", {"data": "JOHN SMITH JR"}),
        ("Jr", "Jr", {"first": "JOHN", "last": "SMITH"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "LOPEZ"}),
        ("Maria", "García-López", {"first": "MARIA", "last": "GARCIA PEREZ"}),
        ("Ana", "van der Berg", {"first": "ANA", "last": "VAN"}),
        ("Ana", "Berg", {"data": "ANA VAN DER BERG"}),
        ("Ana", "Berg", {"first": "ANA VAN DER", "last": "BERG"}),
        ("Ana", "Santa Cruz", {"first": "ANA", "last": "SANTA"}),
        ("12", "34", {"first": "12", "last": "34"}),
        ("Ana", "A" * 400, {"first": "ANA", "last": "A" * 400}),
        ("Ana", "Cruz", {"data": "ANA B C D E F G H CRUZ"}),
        ("Minh", "Le", {"first": "MINH", "last": "LE BLANC"}),
        ("John", "Thomas", {"data": "JOHN THOMAS SMITH"}),
        ("Thomas", "Smith", {"data": "JOHN THOMAS SMITH"}),
        ("Smith", "John", {"data": "JOHN SMITH"}),
        ("John", "Smith", {"data": "ROBERT SMITH, JOHN"}),
        ("John", "Müller", {"first": "JOHN", "last": "MILLER"}),
        ("John", "Muller", {"first": "JOHN", "last": "MUELLER"}),
    ],
)
def test_names_of_two_people(first, last, name):
    assert not _same_by_name(first, last, name)


# Addresses


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("123 Main Street", "123 MAIN ST"),
        ("123 Main St.", "123 MAIN"),
        ("7 N Main St", "7 NORTH MAIN STREET"),
        ("123 N. Main St", "123 MAIN ST"),
        ("123 Main St N", "123 N MAIN ST"),
        ("123 N.E. 4th Ave", "123 NORTHEAST FOURTH AVENUE"),
        ("123 4th St", "123 4 ST"),
        ("123-A Main St", "123 MAIN ST"),
        ("123A Main St", "123-A MAIN ST"),
        ("123-A Main St", "123 MAIN ST APT A"),
        ("0123 Main St", "123 MAIN ST"),
        ("123 1/2 Main St", "123 1/2 MAIN ST"),
        ("123½ Main St", "123 1/2 MAIN ST"),
        ("123-1/2 Main St", "123 MAIN ST"),
        ("43-15 Main St", "4315 MAIN ST"),
        ("Apt 4, 123 Main St", "123 MAIN ST"),
        ("Apt 4, 123 Main St", "123 MAIN ST # 4"),
        ("#4 123 Main St", "123 MAIN ST UNIT 4"),
        ("123 Main St #4B", "123 MAIN ST APT 4B"),
        ("123 Main St Suite 4-B", "123 MAIN ST STE 4B"),
        ("123 Main St 4B", "123 MAIN ST UNIT 4B"),
        ("123 Main St Bldg 3 Apt 4", "123 MAIN ST APT 4"),
        ("123 Main St 2nd Floor", "123 MAIN ST FL 2"),
        ("123 Main St Rear", "123 MAIN ST"),
        ("123 Main St\nUnit 11", "123 MAIN ST UNIT 11"),
        ("123 Main St, PO Box 9", "123 MAIN ST"),
        ("123 Saint Charles Ave", "123 ST. CHARLES AVENUE"),
        ("123 St Charles", "123 SAINT CHARLES AVE"),
        ("123 Mt Vernon Rd", "123 MOUNT VERNON ROAD"),
        ("123 O'Keefe Ave", "123 O KEEFE AVE"),
        ("123 Cañon Dr", "123 CANON DR"),
        ("123 Harbor View Ln", "123 HARBORVIEW LANE"),
        ("123 Deer Run", "123 DEER RUN RD"),
        ("123 County Road 12", "123 CO RD 12"),
        ("123 County Rd 12", "123 CR 12"),
        ("123 C.R. 12", "123 CR12"),
        ("123 County Road 12 Apt 18, #B", "123 COUNTY RD 12 APT 18 # B"),
        ("123 State Road 7", "123 SR 7"),
        ("123 US Highway 90 W", "123 U.S. HWY 90 WEST"),
        ("123 Farm to Market Road 1960", "123 FM 1960"),
        ("123 Highway 90", "123 US HWY 90"),
        ("123 Route 9", "123 STATE ROUTE 9"),
        ("123 Ste. Marie Ave", "123 SAINTE MARIE AVENUE"),
        ("123 I-10", "123 INTERSTATE 10"),
        ("123 Avenue B", "123 AVE B"),
        ("123 North St", "123 NORTH STREET"),
        ("123 N St NW", "123 N ST"),
        ("842 E 1700 S", "842 EAST 1700 SOUTH"),
        ("123 Dr Martin Luther King Jr Blvd", "123 MARTIN LUTHER KING BLVD"),
        ("123 MLK Blvd", "123 Martin Luther King Jr Boulevard"),
        ("123 Front St", "123 FRONT STREET"),
        ("123 Old Trailer Park Rd", "123 OLD TRAILER PARK ROAD"),
        ("PO Box 12", "P.O. BOX 12"),
        ("P O Box 012", "POST OFFICE BOX 12"),
        ("PO Box #12", "BOX 12"),
        ("PO Box 12-A", "PO BOX 12A"),
        ("PO Box A-12", "PO BOX A 12"),
        ("RR 2 Box 15", "RURAL ROUTE 2 BOX 15"),
        ("123 Main St, Houston, TX 77002-1234", "123 MAIN ST"),
    ],
)
def test_one_address(mine, theirs):
    assert _both_ways(mine, theirs)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("123 Main St", "123 ELM AVE"),
        ("123 Main St", "124 MAIN ST"),
        ("123 Main St", "1234 MAIN ST"),
        ("123 Main St", "MAIN ST"),
        ("123 Main St", "123"),
        ("123", "123"),
        ("Main St", "MAIN ST"),
        ("", ""),
        ("#", "#"),
        ("123 Oak St", "123 OAK CT"),
        ("123 Old Mill Rd", "123 OLD TOWN RD"),
        ("123 Old Mill Rd", "123 OLD RD"),
        ("123 N Main St", "123 S MAIN ST"),
        ("123 Peachtree St NE", "123 PEACHTREE ST NW"),
        ("123 Avenue B", "123 AVENUE C"),
        ("123 Avenue N", "123 AVENUE S"),
        ("123 N St NW", "123 E ST NW"),
        ("123 4th St", "123 5TH ST"),
        ("43-15 Main St", "43-17 MAIN ST"),
        ("43-15 Main St", "43 MAIN ST"),
        ("123-A Main St", "123-B MAIN ST"),
        ("123 1/2 Main St", "1231 MAIN ST"),
        ("Apt 4, 123 Main St", "123 MAIN ST APT 7"),
        ("Apt 4, 123 Main St", "4 MAIN ST"),
        ("123 Main St Bldg 3 Apt 4", "123 MAIN ST BLDG 3 APT 7"),
        ("123 County Road 12", "123 COUNTY ROAD 14"),
        ("123 County Road 12", "123 STATE ROAD 12"),
        ("123 US 90", "123 STATE HWY 90"),
        ("PO Box 12", "PO BOX 9999"),
        ("PO Box 12-3", "PO BOX 12"),
        ("PO Box 12-3", "PO BOX 123"),
        ("PO Box 12A", "PO BOX 12"),
        ("123 # 4", "123 # 4"),
        ("123 Apt 4", "123 APT 4"),
        ("PO Box 12", "12 BOX ST"),
        ("PO Box 12", "12 PO ST"),
        ("PO Box 12", "RR 2 BOX 12"),
        ("RR 2 Box 15", "RR 3 BOX 15"),
        ("General Delivery", "GENERAL DELIVERY"),
        ("123 Front St", "123 REAR ST"),
    ],
)
def test_two_addresses(mine, theirs):
    assert not _both_ways(mine, theirs)


@pytest.mark.parametrize(
    ("lead", "area", "same"),
    [
        ({}, {}, True),
        ({"zip": "77002-1234"}, {}, True),
        ({}, {"zip": "77002-9999"}, True),
        ({}, {"zip": 77002}, True),
        ({"zip": "770021234"}, {"city": "BELLAIRE"}, True),
        ({"zip": "02101"}, {"zip": "2101", "city": "x"}, True),
        ({}, {"city": None, "state": None}, True),
        ({}, {"zip": "77099"}, True),
        ({}, {"zip": None}, True),
        ({"zip": ""}, {}, True),
        ({"city": "Ft. Worth"}, {"zip": "", "city": "FORT WORTH"}, True),
        ({"city": "St. Louis", "state": "MO"}, {"zip": "", "city": "SAINT LOUIS", "state": "MO"}, True),
        ({"city": "N Little Rock"}, {"zip": "", "city": "NORTH LITTLE ROCK"}, True),
        ({"city": "Coeur d'Alene"}, {"zip": "", "city": "COEUR D ALENE"}, True),
        ({"city": "San José"}, {"zip": "", "city": "SAN JOSE"}, True),
        ({"city": "Winston-Salem"}, {"zip": "", "city": "WINSTON SALEM"}, True),
        ({}, {"zip": "77099", "city": "DALLAS"}, False),
        ({}, {"zip": "77099", "state": "LA"}, False),
        ({}, {"zip": None, "city": None}, False),
        ({}, {"zip": None, "state": None}, False),
        ({}, {"zip": None, "city": None, "state": None}, False),
        ({"zip": "", "city": "", "state": ""}, {"zip": "", "city": "", "state": ""}, False),
        ({"zip": "00000", "city": ""}, {"zip": "00000"}, False),
        ({"zip": "N/A", "city": ""}, {"zip": "N/A"}, False),
        ({}, {"zip": None, "city": None, "state": None, "data": "123 MAIN ST, HOUSTON, TX 77002"}, True),
        ({}, {"zip": None, "city": None, "state": None, "data": "123 Main St Houston TX"}, True),
        ({}, {"data": "123 MAIN ST HOUSTON TX 77002-1111"}, True),
        ({}, {"zip": None, "city": None, "state": None, "data": "123 MAIN ST, DALLAS, TX 75201"}, False),
        ({"address": "PO Box 12"}, {"data": "PO BOX 12"}, True),
        ({"address": "PO Box 12"}, {"data": "PO BOX 12", "zip": None}, True),
        ({"address": "PO Box 12"}, {"data": "PO BOX 12", "zip": "77099"}, False),
        ({"address": "123 Omaha NE", "city": "Omaha", "state": "NE"}, {"data": "123 OMAHA NE"}, True),
    ],
)
def test_where_an_address_is(lead, area, same):
    assert is_same(_lead(**lead), _found(address={**_AT_HOME, **area})) is same


def test_the_case_that_was_proven_wrong_is_refused():
    elsewhere = {"data": "123 ELM AVE", "city": "HOUSTON", "state": "TX", "zip": "77099"}
    assert not is_same(_lead(), _found(address=elsewhere))


def test_a_past_name_and_a_past_address_count():
    found = {"name": [{"first": "MARIA", "last": "LOPEZ"}, _NAMED], "address": [{"data": "9 ELM ST", "zip": "10001"}, _AT_HOME]}
    assert is_same(_lead(), found)


# Answers


def _answer(*people):
    response = httpx.Response(200, json={"result": people})
    return _read_answer(_lead(), response, _Ascending())


class _Ascending:
    rank_order = "ascending"


@pytest.mark.parametrize(
    ("pids", "status"),
    [
        (["1"], "found"),
        ([None], "found"),
        (["1", "1"], "found"),
        ([1, "1"], "found"),
        (["1", "2"], "ambiguous"),
        (["1", None], "ambiguous"),
        (["", ""], "ambiguous"),
        ([None, None], "ambiguous"),
    ],
)
def test_entries_of_one_pid_are_one_person(pids, status):
    assert _answer(*(_found(pid=pid) for pid in pids)).status == status


def test_people_who_are_somebody_else_do_not_count():
    stranger = _found({"first": "WILHELMINA", "last": "GARCIA"}, pid="2")
    assert _answer(stranger, _found(pid="1")).pid == "1"
    assert _answer(stranger).status == "ambiguous"


# Properties

_calm = settings(deadline=None, max_examples=200)  # no deadline: the machine may be busy

_FIRST = ["Maria", "José", "Søren", "Jürgen", "Mary-Kate", "D'Andre", "Núria", "J", "John A", "Ольга"]
_LAST = ["Garcia", "Wilson Jr", "O'Neil", "van der Berg", "Müller", "Łukasz", "St. John", "Smith-Jones", "Peña", "Иванова"]
_STREET = ["Main St", "N 4th Street", "St. Charles Ave", "County Road 12", "Calle Sol", "O'Keefe Ave", "Avenue N", "Peachtree St NE", "Old Mill Rd", "Cañon Dr"]
_CITY = [("New Orleans", "LA", "70112"), ("St. Louis", "MO", "63101"), ("Coeur d'Alene", "ID", "83814"), ("San José", "CA", "95112")]
_UNIT = ["", " Apt 4", " #4B", ", Ste 12", "\nUnit B", " Rear"]

_leads = st.builds(
    lambda first, last, number, street, unit, city: Person("k", first, last, f"{number} {street}{unit}", *city),
    st.sampled_from(_FIRST),
    st.sampled_from(_LAST),
    st.integers(1, 99_999),
    st.sampled_from(_STREET),
    st.sampled_from(_UNIT),
    st.sampled_from(_CITY),
)
_varied = st.sampled_from(
    [
        str,
        str.upper,
        str.lower,
        str.title,
        lambda text: f"  {text}\t",
        lambda text: text.replace(" ", "   "),
        lambda text: text.replace("'", "\u2019").replace(".", ""),
        lambda text: text.replace(".", "").replace("'", ""),
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: f"{text}.",
    ]
)


def _as_found(person):
    name = {"first": person.first_name, "last": person.last_name}
    address = {"data": person.address, "city": person.city, "state": person.state, "zip": person.zip}
    return _found(name, address)


@_calm
@given(_leads, _varied, st.sampled_from(["zip", "city", "state", ""]))
def test_a_person_is_the_same_however_written(person, vary, missing):
    parts = (person.first_name, person.last_name, person.address, person.city, person.state, person.zip)
    found = _as_found(Person("k", *(vary(part) for part in parts)))
    found["address"][0].pop(missing, None)
    assert is_same(person, found)


@_calm
@given(_leads, st.sampled_from(_LAST))
def test_another_last_name_is_another_person(person, last):
    found = _as_found(person)
    found["name"][0]["last"] = last
    assert is_same(person, found) is (last == person.last_name)


@_calm
@given(_leads, st.integers(1, 99_999))
def test_another_house_is_another_place(person, number):
    mine, _, street = person.address.partition(" ")
    found = _as_found(person)
    found["address"][0]["data"] = f"{number} {street}"
    assert is_same(person, found) is (number == int(mine))


@_calm
@given(_leads, st.sampled_from(_STREET), st.sampled_from(_UNIT))
def test_another_street_is_another_place(person, street, unit):
    number, _, mine = person.address.partition(" ")
    found = _as_found(person)
    found["address"][0]["data"] = f"{number} {street}{unit}"
    assert not is_same(person, found) or mine.startswith(street)


_text = st.text("abcdeéüøßжи -.,'#/&12½", max_size=14)
_people = st.builds(Person, st.just("k"), _text, _text, st.builds("{} {}".format, st.integers(1, 3), _text), st.just("Bath"), st.just("ME"), st.just("04530"))


@_calm
@given(_people, _people)
def test_two_people_are_the_same_either_way_round(one, other):
    assert is_same(one, _as_found(other)) == is_same(other, _as_found(one))


_odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["A" * 10_000, "1 " * 5_000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["first", "last", "data", "city", "zip", "meta"]), inner, max_size=4),
    max_leaves=8,
)
_odd_entry = st.dictionaries(st.sampled_from(["first", "middle", "last", "suffix", "data", "city", "state", "zip", "meta"]), _odd)


@_calm
@given(
    st.fixed_dictionaries({}, optional={"name": _odd | st.lists(_odd_entry | st.just(_NAMED)), "address": _odd | st.lists(_odd_entry)}),
    st.one_of(st.just(_lead()), st.builds(Person, *[st.text(max_size=30)] * 7)),
)
def test_no_shape_of_an_answer_raises(found, person):
    assert is_same(person, found) in (True, False)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"name": "MARIA GARCIA", "address": [_AT_HOME]},
        {"name": [_NAMED], "address": None},
        {"name": [_NAMED], "address": "123 MAIN ST"},
        {"name": ["MARIA GARCIA"], "address": [_AT_HOME]},
        {"name": [{"first": ["MARIA"], "last": {"x": 1}, "meta": []}], "address": [_AT_HOME]},
        {"name": [{"first": 10**5_000, "last": True}], "address": [{**_AT_HOME, "zip": 10**5_000}]},
        {"name": [_NAMED], "address": [{"data": 123, "zip": 77002}]},
        {"name": [{"first": "MARIA", "last": "GARCIA " * 2_000}], "address": [_AT_HOME]},
        {"name": [{"data": "A " * 5_000}], "address": [{"data": "1 " * 5_000, "zip": "1" * 10_000}]},
    ],
)
def test_odd_shapes_are_nobody(found):
    assert is_same(_lead(), found) is False


# The sample world


def test_the_sample_leads_have_the_outcomes_of_the_truth_file(world):
    with (_SAMPLES / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["person_key"]: row["outcome"].replace("no_phone", "found") for row in csv.DictReader(file)}
    leads = pl.read_csv(_SAMPLES / "leads.csv", infer_schema=False)
    with Idicore(world.settings.idicore) as idicore:
        done = lookup_people(leads, idicore).select("person_key", "lookup_status").rows()
    assert [(key, status) for key, status in done if status != truth.get(key, "skipped")] == []
    assert Counter(status for _, status in done) == {"found": 2035, "no_match": 81, "ambiguous": 54, "skipped": 30}

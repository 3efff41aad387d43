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
from matched import AT_HOME, NAMED, as_found, found, lead

from leadflow.leads.matching import is_same
from leadflow.leads.people import Person
from leadflow.services.idicore import Idicore
from leadflow.services.idicore.answer import read_answer
from leadflow.stages import lookup_people

_SAMPLES = Path(__file__).parents[2] / "data_samples"


def test_a_past_name_and_a_past_address_count():
    found = {
        "name": [{"first": "MARIA", "last": "LOPEZ"}, NAMED],
        "address": [{"data": "9 ELM ST", "zip": "10001"}, AT_HOME],
    }
    assert is_same(lead(), found)


# Answers


def _answer(*people):
    response = httpx.Response(200, json={"result": people})
    return read_answer(lead(), response, _Ascending())


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
    assert _answer(*(found(pid=pid) for pid in pids)).status == status


def test_people_who_are_somebody_else_do_not_count():
    stranger = found({"first": "WILHELMINA", "last": "GARCIA"}, pid="2")
    assert _answer(stranger, found(pid="1")).pid == "1"
    assert _answer(stranger).status == "ambiguous"


# Properties

_calm = settings(deadline=None, max_examples=200)  # no deadline: the machine may be busy

_FIRST = ["Maria", "José", "Søren", "Jürgen", "Mary-Kate", "D'Andre", "Núria", "J", "John A", "Ольга"]
_LAST = [
    "Garcia",
    "Wilson Jr",
    "O'Neil",
    "van der Berg",
    "Müller",
    "Łukasz",
    "St. John",
    "Smith-Jones",
    "Peña",
    "Иванова",
]
_STREET = [
    "Main St",
    "N 4th Street",
    "St. Charles Ave",
    "County Road 12",
    "Calle Sol",
    "O'Keefe Ave",
    "Avenue N",
    "Peachtree St NE",
    "Old Mill Rd",
    "Cañon Dr",
]
_CITY = [
    ("New Orleans", "LA", "70112"),
    ("St. Louis", "MO", "63101"),
    ("Coeur d'Alene", "ID", "83814"),
    ("San José", "CA", "95112"),
]
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


@_calm
@given(_leads, _varied, st.sampled_from(["zip", "city", "state", ""]))
def test_a_person_is_the_same_however_written(person, vary, missing):
    parts = (person.first_name, person.last_name, person.address, person.city, person.state, person.zip)
    found = as_found(Person("k", *(vary(part) for part in parts)))
    found["address"][0].pop(missing, None)
    assert is_same(person, found)


@_calm
@given(_leads, st.sampled_from(_LAST))
def test_another_last_name_is_another_person(person, last):
    found = as_found(person)
    found["name"][0]["last"] = last
    assert is_same(person, found) is (last == person.last_name)


@_calm
@given(_leads, st.integers(1, 99_999))
def test_another_house_is_another_place(person, number):
    mine, _, street = person.address.partition(" ")
    found = as_found(person)
    found["address"][0]["data"] = f"{number} {street}"
    assert is_same(person, found) is (number == int(mine))


@_calm
@given(_leads, st.sampled_from(_STREET), st.sampled_from(_UNIT))
def test_another_street_is_another_place(person, street, unit):
    number, _, mine = person.address.partition(" ")
    found = as_found(person)
    found["address"][0]["data"] = f"{number} {street}{unit}"
    assert not is_same(person, found) or mine.startswith(street)


_text = st.text("abcdeéüøßжи -.,'#/&12½", max_size=14)
_people = st.builds(
    Person,
    st.just("k"),
    _text,
    _text,
    st.builds("{} {}".format, st.integers(1, 3), _text),
    st.just("Bath"),
    st.just("ME"),
    st.just("04530"),
)


@_calm
@given(_people, _people)
def test_two_people_are_the_same_either_way_round(one, other):
    assert is_same(one, as_found(other)) == is_same(other, as_found(one))


_odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["A" * 10_000, "1 " * 5_000]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["first", "last", "data", "city", "zip", "meta"]), inner, max_size=4)
    ),
    max_leaves=8,
)
_odd_entry = st.dictionaries(
    st.sampled_from(["first", "middle", "last", "suffix", "data", "city", "state", "zip", "meta"]), _odd
)


@_calm
@given(
    st.fixed_dictionaries(
        {}, optional={"name": _odd | st.lists(_odd_entry | st.just(NAMED)), "address": _odd | st.lists(_odd_entry)}
    ),
    st.one_of(st.just(lead()), st.builds(Person, *[st.text(max_size=30)] * 7)),
)
def test_no_shape_of_an_answer_raises(found, person):
    assert is_same(person, found) in (True, False)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"name": "MARIA GARCIA", "address": [AT_HOME]},
        {"name": [NAMED], "address": None},
        {"name": [NAMED], "address": "123 MAIN ST"},
        {"name": ["MARIA GARCIA"], "address": [AT_HOME]},
        {"name": [{"first": ["MARIA"], "last": {"x": 1}, "meta": []}], "address": [AT_HOME]},
        {"name": [{"first": 10**5_000, "last": True}], "address": [{**AT_HOME, "zip": 10**5_000}]},
        {"name": [NAMED], "address": [{"data": 123, "zip": 77002}]},
        {"name": [{"first": "MARIA", "last": "GARCIA " * 2_000}], "address": [AT_HOME]},
        {"name": [{"data": "A " * 5_000}], "address": [{"data": "1 " * 5_000, "zip": "1" * 10_000}]},
    ],
)
def test_odd_shapes_are_nobody(found):
    assert is_same(lead(), found) is False


# The sample world


def test_the_sample_leads_have_the_outcomes_of_the_truth_file(world):
    with (_SAMPLES / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["person_key"]: row["outcome"].replace("no_phone", "found") for row in csv.DictReader(file)}
    leads = pl.read_csv(_SAMPLES / "leads.csv", infer_schema=False)
    with Idicore(world.settings.idicore) as idicore:
        done = lookup_people(leads, idicore).select("person_key", "lookup_status").rows()
    unsearchable = {"unreadable_address": 17, "no_person_name": 13}
    assert [
        (key, status) for key, status in done if status != truth.get(key, status if status in unsearchable else "")
    ] == []
    assert Counter(status for _, status in done) == {"found": 2035, "no_match": 81, "ambiguous": 54, **unsearchable}

"""A nickname with the same surname and the same address is a near match, which a person reviews."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.leads.matching import is_same
from leadflow.leads.matching.near_match import closeness, is_near_match
from leadflow.leads.people import Person
from leadflow.services.idicore import Idicore

_HOME = {"data": "12 ELM ST APT 4", "city": "BATH", "state": "ME", "zip": "04530"}


def _lead(first="Bob", last="Lee", address="12 Elm St Apt 4", city="Bath", state="ME", zip_code="04530"):
    return Person("b" * 32, first, last, address, city, state, zip_code)


def _found(first, last="LEE", pid="7", **home):
    name = {"first": first, "last": last} if last else {"data": first}
    return {"pid": pid, "name": [name], "address": [{**_HOME, **home}], "phone": [{"number": "5045550143"}]}


_NICKNAMES = [
    ("Bob", "ROBERT"),
    ("Robert", "BOB"),
    ("Peggy", "MARGARET"),
    ("Margaret", "PEGGY"),
    ("Bill", "WILLIAM"),
    ("Dick", "RICHARD"),
    ("Jack", "JOHN"),
    ("Liz", "ELIZABETH"),
    ("Ted", "EDWARD"),
    ("Chuck", "CHARLES"),
    ("Hank", "HENRY"),
    ("Kate", "KATHERINE"),
    ("Rob", "BOB"),
    ("Meg", "PEGGY"),
    ("bob", "Robert"),
    (" BOB ", "ROBERT"),
    ("Bob J", "ROBERT JAMES"),
    ("Bob", "ROBERT JAMES"),
]


@pytest.mark.parametrize(("asked", "found"), _NICKNAMES)
def test_a_nickname_at_the_same_address_is_a_near_match(asked, found):
    assert is_near_match(_lead(asked), _found(found))
    assert not is_same(_lead(asked), _found(found))


@pytest.mark.parametrize(
    "found",
    [
        _found("ROBERT LEE", ""),
        _found("LEE, ROBERT", ""),
        _found("ROBERT J LEE", ""),
        {**_found("MARY"), "name": [{"first": "MARY", "last": "LEE"}, {"first": "ROBERT", "last": "LEE"}]},
        {**_found("ROBERT"), "address": [{"data": "9 OAK ST", "city": "BATH", "zip": "04530"}, _HOME]},
    ],
    ids=["free text", "surname first", "with an initial", "second name", "second address"],
)
def test_a_near_match_is_seen_however_the_vendor_writes(found):
    assert is_near_match(_lead(), found)


@pytest.mark.parametrize(
    "found",
    [
        _found("MARY"),
        _found("ROBERTA"),
        _found("ROBERT", "LEWIS"),
        _found("ROBERT", data="14 ELM ST APT 4"),
        _found("ROBERT", data="12 OAK ST"),
        _found("ROBERT", data="12 ELM ST APT 5"),
        _found("ROBERT", city="LIMA", state="OH", zip="45801"),
        _found("ROBERT", data=None),
        _found("ROBERT", data=7),
        {**_found("ROBERT"), "address": []},
        {**_found("ROBERT"), "address": None},
        {**_found("ROBERT"), "name": "ROBERT LEE"},
        {},
        _found(None),
        _found(["ROBERT"]),
        _found(""),
    ],
)
def test_anybody_else_is_no_near_match(found):
    assert not is_near_match(_lead(), found)


def test_a_father_is_not_his_son():
    son = _lead(last="Lee Jr")
    assert not is_near_match(son, {**_found("ROBERT"), "name": [{"first": "ROBERT", "last": "LEE", "suffix": "SR"}]})
    assert is_near_match(son, {**_found("ROBERT"), "name": [{"first": "ROBERT", "last": "LEE", "suffix": "JR"}]})


@pytest.mark.parametrize(
    ("found", "agrees", "differs"),
    [
        (_found("ROBERT"), ("surname", "nickname", "street", "area", "unit"), ("given name",)),
        (_found("MARY"), ("surname", "street", "area", "unit"), ("given name",)),
        (_found("BOB", data="14 ELM ST"), ("surname", "given name", "area"), ("street",)),
        (_found("BOB", data="12 ELM ST APT 5"), ("surname", "given name", "street", "area"), ("unit",)),
        (_found("BOB", city="LIMA", state="OH", zip="45801"), ("surname", "given name", "street", "unit"), ("area",)),
        (_found("BOB", "KHAN"), ("given name", "street", "area", "unit"), ("surname",)),
        ({}, (), ("surname", "given name", "street", "area")),
    ],
)
def test_what_agrees_and_what_does_not_is_told(found, agrees, differs):
    close = closeness(_lead(), found)
    assert (close.agrees, close.differs) == (agrees, differs)


def test_the_closest_name_and_address_are_shown():
    found = {
        "name": [{"first": "MARY", "last": "KHAN"}, {"first": "ROBERT", "middle": "J", "last": "LEE"}],
        "address": [{"data": "1 OAK ST"}, _HOME],
    }
    close = closeness(_lead(), found)
    assert (close.name, close.address) == ("ROBERT J LEE", "12 ELM ST APT 4 BATH ME 04530")


@pytest.fixture
def lookup(world):
    with Idicore(world.settings.idicore) as idicore:

        def ask(*people):
            world.fail("idicore", "body", body=json.dumps({"result": people}), on="search")
            return idicore.lookup(_lead())

        yield ask


def test_a_paid_near_match_is_kept_and_not_found(lookup):
    answer = lookup(_found("MARY", pid="8"), _found("ROBERT"))
    assert (answer.status, answer.phones) == ("near_match", ())
    assert [(c.pid, len(c.phones)) for c in answer.candidates] == [("7", 1), ("8", 1)]


def test_the_very_person_is_found_beside_a_near_match(lookup):
    assert lookup(_found("ROBERT"), _found("BOB", pid="8")).pid == "8"


def test_two_near_matches_are_for_review_and_strangers_are_ambiguous(lookup):
    assert lookup(_found("ROBERT"), _found("ROB", pid="8")).status == "near_match"
    answer = lookup(_found("MARY"))
    assert (answer.status, len(answer.candidates)) == ("ambiguous", 1)


def test_a_near_match_who_is_dead_stays_so(lookup):
    answer = lookup({**_found("ROBERT"), "isDead": True})
    assert (answer.status, [c.deceased for c in answer.candidates]) == ("near_match", [True])


_text = (
    st.none()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(["BOB", "ROBERT", "LEE", "12 ELM ST APT 4", "BATH", "ME", "04530"])
)
_part = st.dictionaries(
    st.sampled_from(["first", "middle", "last", "suffix", "data", "city", "state", "zip"]), _text, max_size=6
)
_parts = st.lists(_part | _text, max_size=3) | _text


@given(st.fixed_dictionaries({}, optional={"name": _parts, "address": _parts}), _text, _text)
@settings(max_examples=300, deadline=None)
def test_nothing_raises_and_no_near_match_is_without_the_surname_and_the_whole_address(found, first, last):
    lead = _lead(str(first or ""), str(last or ""))
    close = closeness(lead, found)
    if is_near_match(lead, found):
        assert {"surname", "street", "area"} <= set(close.agrees)
    assert not set(close.agrees) & set(close.differs)

"""People Data Labs over its wire format: what is asked, what is charged, and that nothing odd becomes a phone."""

from __future__ import annotations

import json

import pytest
from further_providers import with_accounts
from privacy import traceback_text
from vendor_answers import ANN

from leadflow.errors import (
    RefusedError,
    RejectedError,
    ServiceDownError,
    Stopped,
    TransientError,
    UnreadableError,
)
from leadflow.leads.found_people import judged
from leadflow.services.people_data_labs import PeopleDataLabs

_RECORD = {
    "id": "qEnOZ5Oh0poWnQ1luFBfVw_0000",
    "first_name": "ann",
    "last_name": "lee",
    "mobile_phone": "+15045550143",
    "phone_numbers": ["+15045550143", "+15045550144"],
    "phones": [{"number": "+15045550144", "last_seen": "2026-05-01"}],
    "personal_emails": ["ann@example.com"],
    "emails": [{"address": "Ann@example.com"}, {"address": "ann.lee@example.org"}],
    "street_addresses": [
        {"street_address": "12 elm street", "locality": "bath", "region": "maine", "postal_code": "04530"}
    ],
}


@pytest.fixture
def source(world):
    made = []

    def make(**more):
        made.append(PeopleDataLabs(with_accounts(world, people_data_labs=more).people_data_labs))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _answer(world, record=None, status=200, **more):
    body = {"status": status, "likelihood": 9, "data": _RECORD if record is None else record, **more}
    world.fail("people_data_labs", "body", body=json.dumps(body), status=status)


def test_the_request_names_the_person_alone_and_asks_for_few_fields(world, source):
    source().search(ANN)
    asked = world.stats()["people_data_labs"]["last_search"]
    assert {name: asked[name] for name in ("first_name", "last_name", "street_address", "locality", "region")} == {
        "first_name": "Ann", "last_name": "Lee", "street_address": "12 Elm St", "locality": "Bath", "region": "ME",
    }  # fmt: skip
    assert (asked["postal_code"], asked["min_likelihood"]) == ("04530", 6)
    assert "phone_numbers" in asked["required"]
    assert "street_addresses" in asked["data_include"]


def test_a_person_with_the_same_name_and_address_has_phones_mobile_first(world, source):
    _answer(world)
    found = judged(ANN, source().search(ANN), "people_data_labs")
    assert (found.status, [phone.number for phone in found.phones]) == ("found", ["+15045550143", "+15045550144"])
    assert [(phone.type, phone.last_seen, phone.rank) for phone in found.phones] == [
        ("mobile", "", 1),
        ("", "20260501", 2),
    ]
    assert found.emails == ("ann@example.com", "ann.lee@example.org")
    assert (found.pid, found.source) == (_RECORD["id"], "people_data_labs")


@pytest.mark.parametrize(
    "change",
    [
        {"first_name": "wilhelmina"},
        {"last_name": None},
        {"street_addresses": [{**_RECORD["street_addresses"][0], "street_address": "99 elsewhere road"}]},
        {"street_addresses": None},
        {"street_addresses": ["12 elm street, bath"]},
        {"first_name": True},
        {"first_name": ["ann"]},
    ],
)
def test_another_person_gives_no_phone(world, source, change):
    _answer(world, {**_RECORD, **change})
    found = judged(ANN, source().search(ANN), "people_data_labs")
    assert found.status in ("ambiguous", "near_match")
    assert not found.phones


@pytest.mark.parametrize(
    "change",
    [
        {"phone_numbers": None, "mobile_phone": None, "phones": None},
        {"phone_numbers": [None, 5, "Ann"], "mobile_phone": ""},
    ],
)
def test_what_is_no_phone_is_left_out(world, source, change):
    _answer(world, {**_RECORD, "phones": [], **change})
    assert judged(ANN, source().search(ANN), "x").phones == ()


def test_an_alias_and_an_earlier_address_count(world, source):
    first = {**_RECORD["street_addresses"][0], "street_address": "1 other st"}
    _answer(world, {
        **_RECORD, "first_name": "annabel", "name_aliases": ["ann lee"],
        "street_addresses": [first, *_RECORD["street_addresses"]],
    })  # fmt: skip
    assert judged(ANN, source().search(ANN), "x").status == "found"


def test_a_dead_person_is_never_called(world, source):
    _answer(world, {**_RECORD, "is_deceased": True})
    assert judged(ANN, source().search(ANN), "x").status == "deceased"


def test_nobody_found_is_free_unless_the_contract_says_otherwise(world, source):
    error = {"status": 404, "error": {"type": "not_found", "message": "No records were found matching your request"}}
    for charges in (False, True):
        world.fail("people_data_labs", "body", body=json.dumps(error), status=404)
        found = source(charge_on_no_match=charges).search(ANN)
        assert (list(found.people), found.charged) == ([], charges)


def test_a_match_below_the_likelihood_is_no_match_and_was_charged(world, source):
    for likelihood in (5, None, "9", 9.5, True):
        _answer(world, likelihood=likelihood)
        found = source().search(ANN)
        assert (list(found.people), found.charged) == ([], True)


def test_a_plan_that_hides_phones_is_refused_and_was_charged(world, source):
    world.configure(pdl_hides_contacts=True)
    _answer(world, {**_RECORD, "phone_numbers": True})
    with pytest.raises(RefusedError, match="hides phones") as caught:
        source().search(ANN)
    assert caught.value.charged


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, RefusedError, "credentials"),
        (402, RefusedError, "no credits"),
        (403, RefusedError, "credentials"),
        (400, RejectedError, ANN.person_key),
        (404, RefusedError, "address"),
        (405, RefusedError, "405"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_not_repeated(world, source, status, error, words):
    world.fail("people_data_labs", "body", times=9, body='{"message": "no"}', status=status)
    with pytest.raises(error, match=words) as caught:
        source().search(ANN)
    assert world.stats()["people_data_labs"]["calls"] == 1
    assert "Elm" not in traceback_text(caught.value)


@pytest.mark.parametrize("kind", ["500", "503", "timeout", "drop", "html", "truncated", "429"])
def test_a_fault_of_one_call_is_tried_again(world, source, kind):
    world.fail("people_data_labs", kind, times=1, **({"s": 5} if kind == "timeout" else {}))
    assert source(timeout_s=1.0).search(ANN) is not None
    assert world.stats()["people_data_labs"]["calls"] == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [("500", TransientError), ("timeout", TransientError), ("html", UnreadableError), ("truncated", UnreadableError)],
)
def test_a_lasting_fault_ends_in_an_error_without_the_person(world, source, kind, error):
    world.fail("people_data_labs", kind, times=99, **({"s": 5} if kind == "timeout" else {}))
    with pytest.raises(error) as caught:
        source(timeout_s=0.5).search(ANN)
    said = traceback_text(caught.value)
    assert "Elm" not in said
    assert "local-pdl-key" not in said


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"status": 200}', '{"status": 200, "data": []}', '{"data": {}}'])
def test_an_answer_without_a_record_is_no_answer_and_not_repeated(world, source, body):
    world.fail("people_data_labs", "body", times=9, body=body)
    with pytest.raises(UnreadableError):
        source().search(ANN)
    assert world.stats()["people_data_labs"]["calls"] == 1


def test_a_vendor_that_is_down_is_not_called_for_ever(world, source):
    world.fail("people_data_labs", "500", times=999)
    one = source(attempts=1, breaker_failures=3)
    for _ in range(3):
        with pytest.raises(TransientError):
            one.search(ANN)
    with pytest.raises(ServiceDownError):
        one.search(ANN)
    assert world.stats()["people_data_labs"]["calls"] == 3


def test_a_busy_vendor_is_given_up_in_the_end_and_a_stop_ends_the_wait(world, source):
    world.fail("people_data_labs", "429", times=99, retry_after=1)
    with pytest.raises(ServiceDownError, match="busy"):
        source(busy_wait_s=1.5).search(ANN)

    class Set:
        def is_set(self):
            return True

    with pytest.raises(Stopped):
        source(url=f"{world.url}/people_data_labs/v5/person/enrich/").search(ANN, Set())


def test_the_probe_is_free(world, source):
    world.configure(pdl_credits=77)
    assert source().probe() == "the key is accepted; 77 credits are left"
    assert not world.stats()["people_data_labs"]["bought"]
    world.fail("people_data_labs", "expired_token", on="limits")
    with pytest.raises(RefusedError, match="credentials"):
        source().probe()

"""idiCORE answers wrongly, in odd shapes, or refuses, over real sockets."""

from __future__ import annotations

import json

import httpx
import pytest
from outcome import SCRIPT, observe, sheet_rows
from vendor_answers import ANN, CLEAN, FOUND

import leadflow as lf
from leadflow.errors import JobFailedError, RejectedError, UnreadableError
from leadflow.services.idicore import Idicore
from leadflow.services.transport import http
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Quota exceeded", "result": []},
        {"error": "Quota exceeded"},
        {"error": {"message": "x"}, "result": []},
        {"error": {"message": "x"}},
        {"error": {"code": "QuotaExceeded"}, "result": [FOUND]},
        {"error": ["x"], "result": []},
    ],
)
def test_an_error_beside_an_empty_result_is_not_a_person_who_was_not_found(world, lookup, body):
    world.fail("idicore", "body", body=json.dumps(body))
    with pytest.raises(RejectedError, match=ANN.person_key):
        lookup()
    assert world.stats()["idicore"]["calls"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"result": {}},
        {"result": None},
        {"result": "x"},
        {},
        [],
        "x",
        {"result": [None]},
        {"result": ["x", 1]},
        {"result": [[]]},
    ],
)
def test_a_search_without_a_list_of_people_is_no_answer(world, lookup, body):
    world.fail("idicore", "body", times=2, body=json.dumps(body))
    with pytest.raises(UnreadableError):
        lookup()


@pytest.mark.parametrize("error", [None, {}, "", {"code": None, "message": ""}])
def test_an_empty_error_is_none(world, lookup, error):
    world.fail("idicore", "body", body=json.dumps({"error": error, "result": []}))
    assert lookup().status == "no_match"


@pytest.mark.parametrize(
    ("phones", "numbers"),
    [
        ([{}, {"number": None}, {"type": "Mobile"}, None, "x"], []),
        ([{"number": "+44 20 7946 0018"}, {"number": "555-0143"}, {"number": "000-000-0000"}], []),
        (
            [{"number": "(504) 555-0143", "meta": {"rank": "x"}}, {"number": 5045550144}],
            ["+15045550143", "+15045550144"],
        ),
        ({"number": "(504) 555-0143"}, []),
    ],
)
def test_phones_that_are_none_are_left_out(world, lookup, phones, numbers):
    world.fail("idicore", "body", body=json.dumps({"result": [None, {**FOUND, "phone": phones}]}))
    answer = lookup()
    assert (answer.status, [phone.number for phone in answer.phones]) == ("found", numbers)


@pytest.mark.parametrize("meta", ["x", ["x"], 7, {"rank": "\u00b2"}])
def test_an_odd_meta_costs_nothing_but_its_rank(world, lookup, meta):
    phones = [{"number": "5045550143", "meta": meta}, {"number": "5045550144", "meta": {"rank": 1}}]
    world.fail("idicore", "body", body=json.dumps({"result": [{**FOUND, "phone": phones}]}))
    assert [phone.number for phone in lookup().phones] == ["+15045550144", "+15045550143"]


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_a_phone_without_a_rank_comes_last_in_both_orders(world, order):
    phones = [
        {"number": "5045550143"},
        {"number": "5045550144", "meta": {"rank": 2}},
        {"number": "5045550145", "meta": {"rank": 1}},
    ]
    world.fail("idicore", "body", body=json.dumps({"result": [{**FOUND, "phone": phones}]}))
    with Idicore(world.settings.idicore.model_copy(update={"rank_order": order})) as idicore:
        found = [phone.number[-1] for phone in idicore.lookup(ANN).phones]
    assert found == (["5", "4", "3"] if order == "ascending" else ["4", "5", "3"])


@pytest.mark.parametrize("status", [200, 400])
def test_too_many_matches_is_an_ambiguous_person(world, lookup, status):
    world.fail("idicore", "body", status=status, body=json.dumps({"error": {"code": "TooManyMatches", "message": "x"}}))
    assert lookup().status == "ambiguous"


def test_half_a_character_in_a_paid_answer_does_not_break_the_job(world, engine):
    with Warehouse(world.settings.warehouse) as warehouse:
        lead = extract(SCRIPT, warehouse).iloc[0]
    found = {
        "pid": "1",
        "name": [{"first": lead["First Name"], "last": lead["Last Name"]}],
        "address": [{"data": lead["Address"], "city": lead["City"], "state": lead["State"], "zip": lead["Zip"]}],
        "phone": [
            {
                "number": f"({CLEAN[:3]}) {CLEAN[3:6]}-{CLEAN[6:]}",
                "type": "Mobile\ud800",
                "meta": {"lastSeen": "\udfff"},
            }
        ],
        "email": [{"data": "ann\ud83d@example.com"}, {"data": "lee\U0001f3e0@example.com"}],
    }
    world.fail("idicore", "body", body=json.dumps({"result": [found]}), on="search", key=lead["Address"])
    job = engine.run(SCRIPT, limit_rows=3, progress=False)
    assert job.ok
    row = next(row for row in sheet_rows(world) if row["Address"] == lead["Address"])
    assert (row["Phone 1"], row["Email 1"], row["Email 2"]) == (
        f"+1{CLEAN}",
        "ann?@example.com",
        "lee\U0001f3e0@example.com",
    )


@pytest.mark.parametrize("half", [b'"\\ud800"', b'"\\uD800"', b'"\xed\xa0\x80"'])
def test_half_a_character_is_read_as_question_marks_however_it_is_written(half):
    said = http.read_json(
        "vendor", httpx.Response(200, content=b'{"a": [' + half + b', "\\\\ud800", "\\ud83c\\udfe0", "\xed\x95\x9c"]}')
    )
    first, *others = said["a"]
    assert set(first) == {"?"}
    assert others == ["\\ud800", "\U0001f3e0", "\ud55c"]


def test_one_person_too_many_match_is_held_and_the_others_are_delivered(world, engine):
    world.fail("idicore", "body", status=400, body=json.dumps({"error": {"code": "TooManyMatches"}}))
    before = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert before.ok
    assert before.counts.held["ambiguous"] >= 1
    assert observe(world, engine, before.id).clean


def test_one_search_refused_is_one_lead_to_retry(world, engine):
    world.fail("idicore", "body", status=400, body=json.dumps({"error": {"code": "BadRequest", "message": "zip"}}))
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert job.ok
    assert job.counts.retry == {"lookup_failed": 1}
    job = engine.resume(job.id, progress=False)
    assert job.counts.retry == {}
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_end_the_job(world, engine, status):
    world.fail("idicore", str(status), times=100_000, on="search")
    with pytest.raises(JobFailedError, match="credentials"):
        engine.run(SCRIPT, limit_rows=60, progress=False)
    world.heal()
    assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok


def test_every_search_refused_ends_the_job_before_the_list_is_burnt(world, engine):
    world.fail("idicore", "400", times=100_000)
    with pytest.raises(JobFailedError, match="in a row"):
        engine.run(SCRIPT, limit_rows=400, progress=False)
    assert world.stats()["idicore"]["calls"] < 100

"""Vendors that answer wrongly, in odd shapes, or refuse: over real sockets. In doubt a phone is never clean."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.errors import JobFailedError, RefusedError, RejectedError, SettingsError, TransientError, UnreadableError
from leadflow.leads.people import Person
from leadflow.leads.verdicts import CALLABLE, Verdict
from leadflow.local.people import dnc_code, is_litigator
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.idicore import Idicore
from leadflow.services.transport import http
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract

_NUMBERS = [f"504555{n:04}" for n in range(100, 200)]
_BAD, _CLEAN, *_ = [n for n in _NUMBERS if not is_litigator(n) and dnc_code(n) == "C"]
_ANN = Person("a" * 32, "Ann", "Lee", "12 Elm St", "Bath", "ME", "04530")
_FOUND = {
    "pid": "1",
    "name": [{"first": "ANN", "last": "LEE"}],
    "address": [{"data": "12 ELM ST", "city": "BATH", "zip": "04530"}],
    "phone": [{"number": "(504) 555-0143", "meta": {"rank": 1}}],
}


@pytest.fixture
def check(world):
    """Ask one of the two lists, with two attempts a call."""
    made = []

    def ask(name, numbers, **changed):
        part = getattr(world.settings, name).model_copy(update={"attempts": 2, "timeout_s": 5.0, **changed})
        made.append((LitigatorList if name == "litigator" else DncScrub)(part))
        return made[-1].check([f"+1{n}" for n in numbers])

    yield ask
    for service in made:
        service.close()


@pytest.fixture
def lookup(world):
    with Idicore(world.settings.idicore.model_copy(update={"attempts": 2, "timeout_s": 5.0})) as idicore:
        yield lambda: idicore.lookup(_ANN)


def _verdict(found, number=_CLEAN):
    scrub = found.get(f"+1{number}")
    return scrub.verdict if scrub else Verdict.UNCHECKED


# What a row says.


@pytest.mark.parametrize("said", ["false", "False", None, 0, 1, "", [], {}, "no", 0.0])
def test_a_litigator_answer_that_is_no_boolean_is_no_answer(world, check, said):
    world.fail("litigator", "lie", set={"IsLitigator": said})
    assert _verdict(check("litigator", [_CLEAN])) == Verdict.UNCHECKED


def test_a_litigator_answer_without_its_verdict_is_no_answer(world, check):
    world.fail("litigator", "lie", unset=["IsLitigator"])
    assert _verdict(check("litigator", [_CLEAN])) == Verdict.UNCHECKED


@pytest.mark.parametrize("first", [True, False, None])
@pytest.mark.parametrize("second", [True, False, None])
def test_two_litigator_rows_for_one_phone_count_as_the_worst(world, check, first, second):
    rows = [{"Phone": int(_CLEAN), "IsLitigator": said} for said in (first, second)]
    world.fail("litigator", "body", body=json.dumps(rows))
    worst = (
        Verdict.LITIGATOR
        if True in (first, second)
        else Verdict.UNCHECKED
        if None in (first, second)
        else Verdict.CLEAN
    )
    assert _verdict(check("litigator", [_CLEAN])) == worst


@pytest.mark.parametrize("codes", ["CD", "DC", "CQ", "QC", "IC", "WC", "XD", "DX"])
def test_two_scrub_rows_for_one_phone_count_as_the_worst(world, check, codes):
    world.fail("dnc", "body", body=json.dumps([{"Phone": _CLEAN, "ResultCode": code, "Reason": ""} for code in codes]))
    verdict = _verdict(check("dnc", [_CLEAN]))
    assert verdict == (
        Verdict.DNC
        if "D" in codes
        else Verdict.INVALID
        if "I" in codes
        else Verdict.UNCHECKED
        if "Q" in codes
        else Verdict.CLEAN_WIRELESS
    )


def test_one_object_that_says_two_things_is_no_answer(world, check):
    world.fail("litigator", "body", times=2, body=f'[{{"Phone": {_CLEAN}, "IsLitigator": true, "IsLitigator": false}}]')
    with pytest.raises(UnreadableError):
        check("litigator", [_CLEAN])


def test_rows_for_phones_that_were_not_asked_are_nothing(world, check):
    world.fail("litigator", "lie", add=[{"Phone": int(_BAD), "IsLitigator": False}])
    assert set(check("litigator", [_CLEAN])) == {f"+1{_CLEAN}"}


def test_an_answer_for_other_phones_alone_is_no_answer(world, check):
    world.fail("dnc", "body", times=2, body=json.dumps([{"Phone": _BAD, "ResultCode": "C"}]))
    with pytest.raises(UnreadableError, match="none of the 1 phones"):
        check("dnc", [_CLEAN])


@pytest.mark.parametrize(
    "written", [float(_CLEAN), int(_CLEAN), _CLEAN, f"1{_CLEAN}", f"+1{_CLEAN}", f"{_CLEAN}|17", f" {_CLEAN} "]
)
@pytest.mark.parametrize(("name", "says"), [("litigator", {"IsLitigator": True}), ("dnc", {"ResultCode": "D"})])
def test_a_hit_is_heard_however_its_phone_is_written(world, check, name, says, written):
    world.fail(name, "body", body=json.dumps([{"Phone": written, **says}]))
    assert _verdict(check(name, [_CLEAN])) in (Verdict.LITIGATOR, Verdict.DNC)


@pytest.mark.parametrize(
    "written",
    [
        None,
        True,
        "",
        float(_CLEAN) + 0.5,
        int(_CLEAN) // 10,
        f"44{_CLEAN}",
        [_CLEAN],
        {"number": _CLEAN},
        f"{_CLEAN}.0",
    ],
)
def test_a_row_whose_phone_cannot_be_read_clears_nobody(world, check, written):
    rows = [{"Phone": written, "ResultCode": "C"}, {"Phone": _BAD, "ResultCode": "C"}]
    world.fail("dnc", "body", body=json.dumps(rows))
    assert set(check("dnc", [_CLEAN, _BAD])) == {f"+1{_BAD}"}


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"ResultCode": " C "}, Verdict.CLEAN),
        ({"ResultCode": "c"}, Verdict.UNCHECKED),
        ({"ResultCode": ""}, Verdict.UNCHECKED),
        ({"ResultCode": None}, Verdict.UNCHECKED),
        ({"ResultCode": ["C"]}, Verdict.UNCHECKED),
        ({"ResultCode": "CC"}, Verdict.UNCHECKED),
        ({"ResultCode": "C", "Reason": "Litigator"}, Verdict.LITIGATOR),
        ({"ResultCode": "D", "Reason": "Litigator"}, Verdict.LITIGATOR),
        ({"ResultCode": "Q", "Reason": "known LITIGATOR;;;W"}, Verdict.LITIGATOR),
        ({"ResultCode": "C", "Reason": "National (USA) 2003-06-01;;;"}, Verdict.HOLD),
        ({"ResultCode": "W", "Reason": ";TX 2019-01-01;;W"}, Verdict.HOLD),
        ({"ResultCode": "W", "Reason": ";;;W"}, Verdict.CLEAN_WIRELESS),
        ({"ResultCode": "C", "Reason": None}, Verdict.CLEAN),
        ({"ResultCode": "C", "DoNotCallToday": "1"}, Verdict.UNCHECKED),
        ({"ResultCode": "D", "DoNotCallToday": "1"}, Verdict.DNC),
    ],
)
def test_what_a_scrub_row_means(world, check, row, verdict):
    world.fail("dnc", "lie", set=row)
    assert _verdict(check("dnc", [_CLEAN])) == verdict


def test_a_code_is_kept_only_if_it_can_be_one(world, check):
    world.fail("dnc", "lie", set={"ResultCode": "Ann Lee 5045550143"})
    assert check("dnc", [_CLEAN])[f"+1{_CLEAN}"].code == "unreadable"


# What a body says.

_ROW = {"Phone": _CLEAN, "ResultCode": "C", "IsLitigator": False}
_BODIES = {
    "an object": json.dumps({"result": [_ROW]}),
    "one row": json.dumps(_ROW),
    "no objects": json.dumps([_CLEAN, "C", None, 1]),
    "lists": json.dumps([[_CLEAN, "C"]]),
    "trailing garbage": json.dumps([_ROW]) + "<!-- cached -->",
    "two bodies": json.dumps([_ROW]) * 2,
    "nothing": "",
    "null": "null",
    "no rows": "[]",
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("name", ["litigator", "dnc"])
@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
def test_a_body_of_another_shape_is_no_answer(world, check, name, body):
    world.fail(name, "body", times=2, body=body)
    with pytest.raises(UnreadableError):
        check(name, [_CLEAN])
    assert world.stats()[name]["calls"] == 2


def _sent(content, **headers):
    return {
        "body": base64.b64encode(content).decode(),
        "base64": True,
        "headers": {"content-type": "application/json", **headers},
    }


def test_a_gzipped_body_and_a_byte_order_mark_are_read(world, check):
    rows = json.dumps([{"Phone": _CLEAN, "ResultCode": "D"}]).encode()
    world.fail("dnc", "body", **_sent(gzip.compress(rows), **{"content-encoding": "gzip"}))
    assert _verdict(check("dnc", [_CLEAN])) == Verdict.DNC
    world.fail("dnc", "body", **_sent(b"\xef\xbb\xbf" + rows))
    assert _verdict(check("dnc", [_CLEAN])) == Verdict.DNC


@pytest.mark.parametrize(
    ("content", "headers"),
    [(b"\x1f\x8b no gzip", {"content-encoding": "gzip"}), (gzip.compress(b"[]"), {}), (b'["\xff\xfe"]', {})],
)
def test_a_body_that_cannot_be_unpacked_is_no_answer(world, check, content, headers):
    world.fail("dnc", "body", times=2, **_sent(content, **headers))
    with pytest.raises(UnreadableError):
        check("dnc", [_CLEAN])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=6), part, max_size=3),
    max_leaves=8,
)
_said = st.sampled_from([True, False, None, "C", "W", "D", "c", "", "Litigator", ";;;W", "National;;;", 0, 1]) | _json


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "Phone": st.sampled_from([_CLEAN, int(_CLEAN), float(_CLEAN), f"+1{_CLEAN}"]) | _json,
                "IsLitigator": _said,
                "ResultCode": _said,
                "Reason": _said,
            },
        )
        | _json,
        max_size=4,
    )
    | _json
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_vendor_answers_only_its_plain_word_clears_a_phone(local_world, body):
    local_world.configure(quotas={"litigator": 100_000, "dnc": 100_000})
    local_world.heal()
    rows = [row for row in body if isinstance(row, dict)] if isinstance(body, list) else []
    for name, kind, clear in (
        ("litigator", LitigatorList, lambda r: r.get("IsLitigator") is False),
        ("dnc", DncScrub, lambda r: str(r.get("ResultCode")).strip() in ("C", "W", "Y")),
    ):
        local_world.fail(name, "body", body=json.dumps(body))
        service = kind(getattr(local_world.settings, name).model_copy(update={"attempts": 1, "max_per_minute": None}))
        try:
            found = service.check([f"+1{_CLEAN}"])
        except UnreadableError:
            found = {}
        finally:
            service.close()
        if _verdict(found) in CALLABLE:
            assert any(clear(row) for row in rows)
            assert all(clear(row) for row in rows if row.get("Phone") in (_CLEAN, int(_CLEAN), f"+1{_CLEAN}"))


# idiCORE.


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Quota exceeded", "result": []},
        {"error": "Quota exceeded"},
        {"error": {"message": "x"}, "result": []},
        {"error": {"message": "x"}},
        {"error": {"code": "QuotaExceeded"}, "result": [_FOUND]},
        {"error": ["x"], "result": []},
    ],
)
def test_an_error_beside_an_empty_result_is_not_a_person_who_was_not_found(world, lookup, body):
    world.fail("idicore", "body", body=json.dumps(body))
    with pytest.raises(RejectedError, match=_ANN.person_key):
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
    world.fail("idicore", "body", body=json.dumps({"result": [None, {**_FOUND, "phone": phones}]}))
    answer = lookup()
    assert (answer.status, [phone.number for phone in answer.phones]) == ("found", numbers)


@pytest.mark.parametrize("meta", ["x", ["x"], 7, {"rank": "\u00b2"}])
def test_an_odd_meta_costs_nothing_but_its_rank(world, lookup, meta):
    phones = [{"number": "5045550143", "meta": meta}, {"number": "5045550144", "meta": {"rank": 1}}]
    world.fail("idicore", "body", body=json.dumps({"result": [{**_FOUND, "phone": phones}]}))
    assert [phone.number for phone in lookup().phones] == ["+15045550144", "+15045550143"]


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_a_phone_without_a_rank_comes_last_in_both_orders(world, order):
    phones = [
        {"number": "5045550143"},
        {"number": "5045550144", "meta": {"rank": 2}},
        {"number": "5045550145", "meta": {"rank": 1}},
    ]
    world.fail("idicore", "body", body=json.dumps({"result": [{**_FOUND, "phone": phones}]}))
    with Idicore(world.settings.idicore.model_copy(update={"rank_order": order})) as idicore:
        found = [phone.number[-1] for phone in idicore.lookup(_ANN).phones]
    assert found == (["5", "4", "3"] if order == "ascending" else ["4", "5", "3"])


@pytest.mark.parametrize("status", [200, 400])
def test_too_many_matches_is_an_ambiguous_person(world, lookup, status):
    world.fail("idicore", "body", status=status, body=json.dumps({"error": {"code": "TooManyMatches", "message": "x"}}))
    assert lookup().status == "ambiguous"


@pytest.fixture
def engine(world):
    base = world.settings
    quick = {
        name: getattr(base, name).model_copy(update={"timeout_s": 2.0, "attempts": 2})
        for name in ("idicore", "litigator", "dnc")
    }
    with lf.Engine(base.model_copy(update={"batch_size": 20, **quick})) as engine:
        yield engine


def test_half_a_character_in_a_paid_answer_does_not_break_the_job(world, engine):
    with Warehouse(world.settings.warehouse) as warehouse:
        lead = extract(SCRIPT, warehouse).iloc[0]
    found = {
        "pid": "1",
        "name": [{"first": lead["First Name"], "last": lead["Last Name"]}],
        "address": [{"data": lead["Address"], "city": lead["City"], "state": lead["State"], "zip": lead["Zip"]}],
        "phone": [
            {
                "number": f"({_CLEAN[:3]}) {_CLEAN[3:6]}-{_CLEAN[6:]}",
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
        f"+1{_CLEAN}",
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


# A malformed number in a bulk.


@pytest.mark.parametrize("name", ["litigator", "dnc"])
@pytest.mark.parametrize("size", [1, 2, 60, 100])
def test_a_malformed_number_is_isolated_by_halving(world, check, name, size):
    numbers = [_BAD, *(n for n in _NUMBERS if n != _BAD)][:size]
    world.fail(name, "malformed_number", times=1000, key=_BAD)
    if size == 1:
        assert check(name, numbers) == {}
    else:
        assert set(check(name, numbers)) == {f"+1{n}" for n in numbers[1:]}
    assert world.stats()[name]["calls"] <= 1 + 2 * (size - 1).bit_length()


@pytest.mark.parametrize("name", ["litigator", "dnc"])
def test_malformed_numbers_side_by_side_are_isolated_too(world, check, name):
    bad = _NUMBERS[:3]
    for number in bad:
        world.fail(name, "malformed_number", times=1000, key=number)
    assert set(check(name, _NUMBERS)) == {f"+1{n}" for n in _NUMBERS[3:]}
    assert world.stats()[name]["calls"] < 25


@pytest.mark.parametrize("name", ["litigator", "dnc"])
def test_a_malformed_number_holds_its_lead_alone(world, engine, name):
    clean = engine.run(SCRIPT, limit_rows=40, progress=False)
    answers = engine.checkpoints.answers(engine.checkpoints.keys(clean.id, "delivered"))
    key, answer = next((k, a) for k, a in answers.items() if len(a.phones) == 1)
    number = answer.phones[0].number.removeprefix("+1")
    sharing = [k for k, a in answers.items() if number in str([p.number for p in a.phones])]
    world.reset()
    with lf.Engine(engine.settings.model_copy(update={"home": world.settings.home})) as fresh:
        world.fail(name, "malformed_number", times=1000, key=number)
        job = fresh.run(SCRIPT, limit_rows=40, progress=False)
        assert job.ok
        assert set(fresh.checkpoints.keys(job.id, "retry")) <= set(sharing)
        assert key in fresh.checkpoints.keys(job.id, "retry")
        assert job.counts.delivered == clean.counts.delivered - len(
            job.counts.retry and fresh.checkpoints.keys(job.id, "retry")
        )
        assert key not in {row["Lead Key"] for row in sheet_rows(world)}
        assert world.stats()[name]["calls"] < 2 * 15
        observed = observe(world, fresh, job.id)
        assert (observed.unsafe, observed.doubled, observed.lost) == (0, 0, 0)
        world.heal()
        assert fresh.resume(job.id, progress=False).counts.retry == {}
        assert observe(world, fresh, job.id).clean


@pytest.mark.parametrize("name", ["litigator", "dnc"])
def test_a_bulk_hit_once_by_a_malformed_number_is_delivered_in_halves(world, engine, name):
    world.fail(name, "malformed_number", times=1)
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert job.counts.retry == {}
    assert world.stats()[name]["calls"] == 3
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("name", ["litigator", "dnc"])
def test_a_request_that_is_always_refused_is_not_halved_to_the_last_phone(world, check, name):
    world.fail(name, "400", times=100_000)
    with pytest.raises(RefusedError, match="proj_id"):
        check(name, [f"{area}{n:07}" for area in (504, 505) for n in range(5_550_000, 5_555_000)])
    assert world.stats()[name]["calls"] <= 15


def test_a_wrong_project_fails_the_job_with_a_clear_message(world, engine):
    world.fail("dnc", "400", times=100_000)
    with pytest.raises(JobFailedError, match="proj_id"):
        engine.run(SCRIPT, limit_rows=60, progress=False)
    assert world.stats()["dnc"]["calls"] <= 3 * 15
    assert sheet_rows(world) == []
    world.heal()
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert observe(world, engine, job.id).clean


def test_many_malformed_numbers_do_not_use_up_the_quota(world, check):
    bad = _NUMBERS[:50:2]
    for number in bad:
        world.fail("litigator", "malformed_number", times=1000, key=number)
    found = check("litigator", _NUMBERS)
    assert not {f"+1{n}" for n in bad} & set(found)
    assert {f"+1{n}" for n in _NUMBERS[50:]} <= set(found)
    assert world.stats()["litigator"]["calls"] < 100


def test_the_answers_of_one_half_are_kept_when_the_other_fails(world, check):
    world.fail("dnc", "malformed_number", times=1)
    world.fail("dnc", "503", times=2)
    assert set(check("dnc", _NUMBERS)) == {f"+1{n}" for n in _NUMBERS[50:]}


@pytest.mark.parametrize("number", ["", "504", "5045550143,2025550199", "Ann", "+445045550143"])
def test_what_is_no_us_phone_is_never_sent(world, check, number):
    assert _verdict(check("dnc", [number, _CLEAN]), number) == Verdict.UNCHECKED
    assert world.stats()["dnc"] | {"max_in_flight": 0} == {
        "calls": 1,
        "refused": 0,
        "faults": 0,
        "numbers": 1,
        "max_in_flight": 0,
    }


# Retry-After.


def _date(seconds):
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        (lambda: "2", 2, 5),
        (lambda: "1.5", 1.5, 5),
        (lambda: _date(3), 1.9, 6),
        (lambda: _date(-3600), 0, 3),
        (lambda: "-5", 0, 3),
        (lambda: "0", 0, 3),
        (lambda: "soon", 1, 4),
        (lambda: "²", 1, 4),
        (lambda: "nan", 1, 4),
        (lambda: "", 1, 4),
        (lambda: "Wed, 99 Foo 2026", 1, 4),
        (lambda: "Wed, 25 Nov 2026 10:00:00 +9999999999999", 1, 4),
    ],
)
@pytest.mark.parametrize("name", ["dnc", "sheets"])
def test_retry_after_is_heard_in_every_form(world, check, name, header, least, most):
    import time

    from leadflow.services.sheets import Sheet

    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 5.0}))
    sheet.prepare(["Lead Key"])
    world.fail(name, "429", retry_after=header(), on=None if name == "dnc" else "write")
    start = time.monotonic()
    if name == "dnc":
        assert check("dnc", [_CLEAN])
    else:
        assert sheet.append([{"Lead Key": "k1"}]) == 1
    assert least <= time.monotonic() - start < most


@pytest.mark.parametrize("name", ["dnc", "sheets"])
@pytest.mark.parametrize("header", ["3600", "1e9", "inf"])
def test_a_vendor_cannot_make_a_call_wait_for_an_hour(world, check, monkeypatch, name, header):
    monkeypatch.setattr(http, "_LONGEST_WAIT_S", 1.5)
    test_retry_after_is_heard_in_every_form(world, check, name, lambda: header, 1.5, 5)


def test_refused_again_and_again_without_a_wait_is_not_hammered(world, check):
    import time

    world.fail("dnc", "429", times=100, retry_after="0")
    start = time.monotonic()
    with pytest.raises(TransientError):
        check("dnc", [_CLEAN], attempts=5)
    assert time.monotonic() - start > 0.3
    assert world.stats()["dnc"]["calls"] == 5


# Result codes that the settings change.


def _codes(world, **codes):
    return world.settings.model_copy(update={"dnc": world.settings.dnc.model_copy(update={"codes": codes})})


def test_wireless_can_be_held(world, check):
    number = next(n for n in _NUMBERS if dnc_code(n) == "W")
    assert _verdict(check("dnc", [number]), number) == Verdict.CLEAN_WIRELESS
    scrub = check("dnc", [number], codes={"w": "hold"})[f"+1{number}"]
    assert (scrub.verdict, scrub.policy) == (Verdict.HOLD, "dncscrub-2026-11+W=hold")


def test_no_wireless_phone_is_delivered_where_it_is_held(world):
    with lf.Engine(_codes(world, W="hold", Y="hold")) as engine:
        assert engine.run(SCRIPT, limit_rows=40, progress=False).counts.delivered > 0
    said = {value for row in sheet_rows(world) for name, value in row.items() if name.endswith(" Verdict")}
    assert said == {"clean", ""}


@pytest.mark.parametrize(
    ("codes", "match"),
    [({"W": "holdd"}, "known verdicts are clean"), ({"": "clean"}, "one letter"), ({"CW": "clean"}, "one letter")],
)
def test_a_wrong_override_is_refused_when_the_engine_is_made(world, codes, match):
    with pytest.raises(SettingsError, match=match):
        lf.Engine(_codes(world, **codes))


def test_no_override_clears_a_litigator(world, check):
    world.fail("dnc", "lie", set={"ResultCode": "D", "Reason": "Litigator"})
    assert _verdict(check("dnc", [_CLEAN], codes={"D": "clean"})) == Verdict.LITIGATOR


def test_a_code_made_callable_is_visible_in_every_scrub(world, check):
    world.fail("dnc", "lie", set={"ResultCode": "X", "Reason": "National (USA) 2003-06-01;;;"})
    scrub = check("dnc", [_CLEAN], codes={"X": "clean", "E": "clean_wireless", "C": "clean"})[f"+1{_CLEAN}"]
    assert (scrub.verdict, scrub.policy) == (Verdict.CLEAN, "dncscrub-2026-11+E=clean_wireless+X=clean")

"""DNCScrub answers wrongly or in odd shapes, over real sockets. In doubt a phone is never clean."""

from __future__ import annotations

import base64
import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vendor_answers import BAD, CLEAN, verdict_of

from leadflow.errors import UnreadableError
from leadflow.leads.verdicts import CALLABLE, Verdict
from leadflow.services.dncscrub import DncScrub, LitigatorList


@pytest.mark.parametrize("said", ["false", "False", None, 0, 1, "", [], {}, "no", 0.0])
def test_a_litigator_answer_that_is_no_boolean_is_no_answer(world, check, said):
    world.fail("litigator", "lie", set={"IsLitigator": said})
    assert verdict_of(check("litigator", [CLEAN])) == Verdict.UNCHECKED


def test_a_litigator_answer_without_its_verdict_is_no_answer(world, check):
    world.fail("litigator", "lie", unset=["IsLitigator"])
    assert verdict_of(check("litigator", [CLEAN])) == Verdict.UNCHECKED


@pytest.mark.parametrize("first", [True, False, None])
@pytest.mark.parametrize("second", [True, False, None])
def test_two_litigator_rows_for_one_phone_count_as_the_worst(world, check, first, second):
    rows = [{"Phone": int(CLEAN), "IsLitigator": said} for said in (first, second)]
    world.fail("litigator", "body", body=json.dumps(rows))
    worst = (
        Verdict.LITIGATOR
        if True in (first, second)
        else Verdict.UNCHECKED
        if None in (first, second)
        else Verdict.CLEAN
    )
    assert verdict_of(check("litigator", [CLEAN])) == worst


@pytest.mark.parametrize("codes", ["CD", "DC", "CQ", "QC", "IC", "WC", "XD", "DX"])
def test_two_scrub_rows_for_one_phone_count_as_the_worst(world, check, codes):
    world.fail("dnc", "body", body=json.dumps([{"Phone": CLEAN, "ResultCode": code, "Reason": ""} for code in codes]))
    verdict = verdict_of(check("dnc", [CLEAN]))
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
    world.fail("litigator", "body", times=2, body=f'[{{"Phone": {CLEAN}, "IsLitigator": true, "IsLitigator": false}}]')
    with pytest.raises(UnreadableError):
        check("litigator", [CLEAN])


def test_rows_for_phones_that_were_not_asked_are_nothing(world, check):
    world.fail("litigator", "lie", add=[{"Phone": int(BAD), "IsLitigator": False}])
    assert set(check("litigator", [CLEAN])) == {f"+1{CLEAN}"}


def test_an_answer_for_other_phones_alone_is_no_answer(world, check):
    world.fail("dnc", "body", times=2, body=json.dumps([{"Phone": BAD, "ResultCode": "C"}]))
    with pytest.raises(UnreadableError, match="none of the 1 phones"):
        check("dnc", [CLEAN])


@pytest.mark.parametrize(
    "written", [float(CLEAN), int(CLEAN), CLEAN, f"1{CLEAN}", f"+1{CLEAN}", f"{CLEAN}|17", f" {CLEAN} "]
)
@pytest.mark.parametrize(("name", "says"), [("litigator", {"IsLitigator": True}), ("dnc", {"ResultCode": "D"})])
def test_a_hit_is_heard_however_its_phone_is_written(world, check, name, says, written):
    world.fail(name, "body", body=json.dumps([{"Phone": written, **says}]))
    assert verdict_of(check(name, [CLEAN])) in (Verdict.LITIGATOR, Verdict.DNC)


@pytest.mark.parametrize(
    "written",
    [
        None,
        True,
        "",
        float(CLEAN) + 0.5,
        int(CLEAN) // 10,
        f"44{CLEAN}",
        [CLEAN],
        {"number": CLEAN},
        f"{CLEAN}.0",
    ],
)
def test_a_row_whose_phone_cannot_be_read_clears_nobody(world, check, written):
    rows = [{"Phone": written, "ResultCode": "C"}, {"Phone": BAD, "ResultCode": "C"}]
    world.fail("dnc", "body", body=json.dumps(rows))
    assert set(check("dnc", [CLEAN, BAD])) == {f"+1{BAD}"}


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
    assert verdict_of(check("dnc", [CLEAN])) == verdict


def test_a_code_is_kept_only_if_it_can_be_one(world, check):
    world.fail("dnc", "lie", set={"ResultCode": "Ann Lee 5045550143"})
    assert check("dnc", [CLEAN])[f"+1{CLEAN}"].code == "unreadable"


# What a body says.

_ROW = {"Phone": CLEAN, "ResultCode": "C", "IsLitigator": False}
_BODIES = {
    "an object": json.dumps({"result": [_ROW]}),
    "one row": json.dumps(_ROW),
    "no objects": json.dumps([CLEAN, "C", None, 1]),
    "lists": json.dumps([[CLEAN, "C"]]),
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
        check(name, [CLEAN])
    assert world.stats()[name]["calls"] == 2


def _sent(content, **headers):
    return {
        "body": base64.b64encode(content).decode(),
        "base64": True,
        "headers": {"content-type": "application/json", **headers},
    }


def test_a_gzipped_body_and_a_byte_order_mark_are_read(world, check):
    rows = json.dumps([{"Phone": CLEAN, "ResultCode": "D"}]).encode()
    world.fail("dnc", "body", **_sent(gzip.compress(rows), **{"content-encoding": "gzip"}))
    assert verdict_of(check("dnc", [CLEAN])) == Verdict.DNC
    world.fail("dnc", "body", **_sent(b"\xef\xbb\xbf" + rows))
    assert verdict_of(check("dnc", [CLEAN])) == Verdict.DNC


@pytest.mark.parametrize(
    ("content", "headers"),
    [(b"\x1f\x8b no gzip", {"content-encoding": "gzip"}), (gzip.compress(b"[]", mtime=0), {}), (b'["\xff\xfe"]', {})],
)
def test_a_body_that_cannot_be_unpacked_is_no_answer(world, check, content, headers):
    world.fail("dnc", "body", times=2, **_sent(content, **headers))
    with pytest.raises(UnreadableError):
        check("dnc", [CLEAN])


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
                "Phone": st.sampled_from([CLEAN, int(CLEAN), float(CLEAN), f"+1{CLEAN}"]) | _json,
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
            found = service.check([f"+1{CLEAN}"])
        except UnreadableError:
            found = {}
        finally:
            service.close()
        if verdict_of(found) in CALLABLE:
            assert any(clear(row) for row in rows)
            assert all(clear(row) for row in rows if row.get("Phone") in (CLEAN, int(CLEAN), f"+1{CLEAN}"))

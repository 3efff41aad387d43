"""Blacklist Alliance over its wire format: a phone is clean only if a complete answer says so."""

from __future__ import annotations

import json

import pytest
from further_providers import with_accounts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from privacy import traceback_text
from vendor_answers import NUMBERS

from leadflow.errors import RefusedError, ServiceDownError, SettingsError, TransientError, UnreadableError
from leadflow.leads.verdicts import CALLABLE, Verdict
from leadflow.local.blacklist_alliance import codes_of
from leadflow.local.people import phone_type
from leadflow.services.blacklist_alliance import BlacklistAlliance
from leadflow.services.blacklist_alliance.codes import CODES

_CLEAN = next(n for n in NUMBERS if not codes_of(n) and phone_type(n) == "Landline")
_PHONE = f"+1{_CLEAN}"


@pytest.fixture
def service(world):
    made = []

    def make(**more):
        made.append(BlacklistAlliance(with_accounts(world, blacklist_alliance=more).blacklist_alliance))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _verdict(found, phone=_PHONE):
    return str(found[phone].verdict) if phone in found else "no answer"


def test_numbers_are_checked_in_one_call_and_the_worst_code_counts(world, service):
    others = [number for number in NUMBERS if number != _CLEAN]
    codes = ("plaintiff-primary,federal-dnc", "federal-dnc", "Texas-DNC", "screamer", "suppression", "new-list")
    listed = {**dict(zip(others, codes, strict=False)), _CLEAN: ""}
    world.configure(blacklisted=listed)
    found = service().check([f"+1{number}" for number in listed])
    words = [str(found[f"+1{number}"].verdict) for number in listed]
    assert words == ["litigator", "dnc", "dnc", "hold", "internal_dnc", "unchecked", "clean"]
    assert found[f"+1{others[0]}"].code == "federal-dnc,plaintiff-primary"
    assert {(one.check, one.provider) for one in found.values()} == {("litigator+dnc", "blacklist_alliance")}
    assert found[_PHONE].code == "good"
    assert world.stats()["blacklist_alliance"]["calls"] == 1


def test_a_wireless_number_is_clean_wireless(world, service):
    mobile = next(n for n in NUMBERS if not codes_of(n) and phone_type(n) == "Mobile")
    assert _verdict(service().check([f"+1{mobile}"]), f"+1{mobile}") == "clean_wireless"


def test_many_numbers_are_divided(world, service):
    phones = [f"+1{number}" for number in NUMBERS]
    assert set(service(max_numbers=30).check([*phones, *phones])) == set(phones)
    stats = world.stats()["blacklist_alliance"]
    assert (stats["calls"], stats["numbers"]) == (4, 100)


_GOOD = {
    "status": "success",
    "numbers": 1,
    "count": 1,
    "phones": [_CLEAN],
    "supression": [],
    "wireless": [],
    "reasons": {},
}


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "clean"),
        ({"reasons": []}, "clean"),
        ({"reasons": None}, "clean"),
        ({"wireless": None}, "clean"),
        ({"phones": ["5045550000"]}, "no answer"),
        ({"phones": []}, "no answer"),
        ({"reasons": {_CLEAN: "federal-dnc"}}, "unchecked"),
        ({"supression": [_CLEAN]}, "unchecked"),
        ({"suppression": [_CLEAN], "reasons": {_CLEAN: "gov"}}, "hold"),
        ({"supression": [int(_CLEAN)], "reasons": {f"1{_CLEAN}": ["federal-dnc"]}}, "dnc"),
    ],
)
def test_odd_answers_never_clear_a_phone_that_they_do_not_name(world, service, change, verdict):
    world.fail("blacklist_alliance", "body", body=json.dumps([{**_GOOD, **change}]))
    assert _verdict(service(attempts=1).check([_PHONE])) == verdict


@pytest.mark.parametrize(
    "change",
    [
        {"status": "error"}, {"status": None}, {"status": "Success!"}, {"count": 0}, {"count": None}, {"count": "1"},
        {"count": True}, {"phones": None}, {"phones": _CLEAN}, {"supression": None}, {"supression": {}}, {"reasons": 7},
    ],
)  # fmt: skip
def test_an_incomplete_answer_is_no_answer(world, service, change):
    world.fail("blacklist_alliance", "body", times=9, body=json.dumps({**_GOOD, **change}))
    with pytest.raises(UnreadableError):
        service(attempts=1).check([_PHONE])


_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just(_CLEAN)
_NAMES = st.sampled_from([*_GOOD, _CLEAN])


@given(
    body=st.recursive(
        _VALUES, lambda one: st.lists(one, max_size=3) | st.dictionaries(_NAMES, one, max_size=7), max_leaves=20
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_but_the_documented_one_clears_a_phone(world, service, body):
    world.fail("blacklist_alliance", "body", body=json.dumps(body))
    try:
        found = service(attempts=1, breaker_failures=10_000).check([_PHONE])
    except UnreadableError:
        return
    finally:
        world.heal()
    is_named = isinstance(body, dict) and _CLEAN in (body.get("phones") or ())
    assert is_named or _verdict(found) not in {str(verdict) for verdict in CALLABLE}


@pytest.mark.parametrize("kind", ["500", "503", "timeout", "drop", "html", "truncated", "429", "empty", "missing_row"])
def test_a_fault_of_one_call_is_tried_again(world, service, kind):
    world.fail("blacklist_alliance", kind, times=1, **({"s": 5} if kind == "timeout" else {}))
    assert _verdict(service(timeout_s=1.0).check([_PHONE])) == "clean"


@pytest.mark.parametrize(
    ("kind", "error"),
    [("500", TransientError), ("html", UnreadableError), ("expired_token", RefusedError), ("422", RefusedError)],
)
def test_a_lasting_fault_is_an_error_without_phone_and_key(world, service, kind, error):
    world.fail("blacklist_alliance", kind, times=99)
    with pytest.raises(error) as caught:
        service().check([_PHONE])
    said = traceback_text(caught.value)
    assert _CLEAN not in said
    assert "local-bla-key" not in said


def test_a_busy_vendor_is_given_up_in_the_end(world, service):
    world.fail("blacklist_alliance", "429", times=99, retry_after=1)
    with pytest.raises(ServiceDownError, match="busy"):
        service(busy_wait_s=1.5).check([_PHONE])


def test_the_key_is_in_no_log(world, service, logged):
    service().check([_PHONE])
    said = " ".join(text for _, text in logged.records)
    assert "/blacklist_alliance/bulklookup" in said
    assert "local-bla-key" not in said
    assert _CLEAN not in said


def test_paid_answers_of_earlier_requests_are_kept_if_a_later_one_cannot_be_read(world, service):
    world.fail("blacklist_alliance", "html", times=9, after=1)
    phones = [f"+1{number}" for number in NUMBERS]
    assert len(service(max_numbers=60, attempts=1).check(phones)) == 60


def test_codes_can_be_overridden_and_the_policy_names_it(service):
    one = service(codes={"Screamer": "dnc"})
    assert one.policy == "blacklist-alliance-2026-11+screamer=dnc"
    assert service().policy == "blacklist-alliance-2026-11"
    with pytest.raises(SettingsError, match="known verdicts"):
        service(codes={"screamer": "fine"})


def test_no_known_code_is_callable():
    assert not set(CODES.values()) & {*CALLABLE, Verdict.UNCHECKED}

"""DNCScrub's RNDBasic: only false is clean, every answer is recorded as it comes, and no number is in a log."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import SecretStr

from leadflow.errors import RefusedError, SettingsError, Stopped
from leadflow.services.dncscrub import ReassignedNumbers
from leadflow.settings import ReassignedSettings

_PHONE, _OTHER = "+12075550143", "+12075550144"
_DAY = date(2026, 1, 5)


@pytest.fixture
def service(world):
    made = []

    def make(**more):
        login = {"login_id": SecretStr("local-login"), "date_column": "Last Contact"}
        url = f"{world.url}/reassigned/v1.5/Data/RNDBasic"
        made.append(ReassignedNumbers(ReassignedSettings(**{"url": url, "timeout_s": 2.0, **login, **more})))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("answer", "verdict", "code"), [(False, "clean", "false"), (True, "hold", "true"), (None, "hold", "null")]
)
def test_only_false_is_clean(world, service, answer, verdict, code):
    world.configure(reassigned={_PHONE[2:]: answer})
    scrub = service().check({_PHONE: _DAY})[_PHONE]
    assert (str(scrub.verdict), scrub.code, scrub.check, scrub.provider) == (verdict, code, "reassigned", "dncscrub")
    assert scrub.policy == "rnd-basic since 2026-01-05"
    assert world.stats()["reassigned"]["dates"] == {_PHONE[2:]: "2026-01-05"}


@pytest.mark.parametrize(
    "lie",
    [{"set": {"IsReassigned": "false"}}, {"set": {"IsReassigned": 0}}, {"unset": ["IsReassigned"]},
     {"set": {"PhoneNumber": "2075550199"}}, {"unset": ["PhoneNumber"]}],
)  # fmt: skip
def test_an_answer_that_is_not_understood_is_no_answer(world, service, lie):
    world.configure(reassigned={_PHONE[2:]: False})
    world.fail("reassigned", "lie", times=9, **lie)
    assert service(attempts=1).check({_PHONE: _DAY}) == {}


@pytest.mark.parametrize("kind", ["503", "timeout", "html", "drop", "empty", "truncated", "unknown_code"])
def test_a_fault_of_one_call_is_tried_again(world, service, kind):
    world.configure(reassigned={_PHONE[2:]: False})
    world.fail("reassigned", kind, times=1, **({"s": 3} if kind == "timeout" else {}))
    assert str(service().check({_PHONE: _DAY})[_PHONE].verdict) == "clean"


def test_a_refused_login_ends_the_check(service):
    with pytest.raises(RefusedError, match="credentials"):
        service(login_id=SecretStr("other")).check({_PHONE: _DAY})


def test_a_number_that_is_refused_leaves_the_others(world, service):
    world.configure(reassigned={_PHONE[2:]: False, _OTHER[2:]: False})
    world.fail("reassigned", "400", times=1)
    assert len(service(max_in_flight=1).check({_PHONE: _DAY, _OTHER: _DAY})) == 1


def test_each_answer_is_reported_as_it_comes(world, service):
    world.configure(reassigned={_PHONE[2:]: True, _OTHER[2:]: False})
    seen = []
    found = service().check({_PHONE: _DAY, _OTHER: date(2025, 12, 31)}, on_scrub=seen.append)
    assert {scrub.phone for scrub in seen} == set(found) == {_PHONE, _OTHER}
    assert world.stats()["reassigned"]["numbers"] == 2


def test_a_stop_ends_it(service):
    class Stop:
        def is_set(self):
            return True

        def wait(self, timeout=None):
            return True

    with pytest.raises(Stopped):
        service().check({_PHONE: _DAY}, Stop())


def test_no_number_is_in_a_log_or_an_error(world, service, logged):
    world.fail("reassigned", "503", times=2)
    scrubs = service().check({_PHONE: _DAY})
    told = " ".join(text for _, text in logged.records) + repr([*scrubs.values()])
    assert "HTTP Request: GET" in told
    assert "2075550143" not in told
    assert "local-login" not in told


def test_the_settings_go_together():
    assert not ReassignedSettings().is_set
    for given in ({"login_id": SecretStr("x")}, {"date_column": "Last Contact"}):
        with pytest.raises(SettingsError, match="needs both"):
            ReassignedSettings(**given)
    with pytest.raises(SettingsError, match="LEADFLOW_REASSIGNED__LOGIN_ID"):
        ReassignedNumbers(ReassignedSettings())


def test_the_proxy_of_the_environment_is_used(world, service, monkeypatch):
    """The stand-in is told apart from a proxy by its answer: no proxy listens on that port."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert service(attempts=1).check({_PHONE: _DAY}) == {}
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert _PHONE in service().check({_PHONE: _DAY})

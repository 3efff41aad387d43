"""DNCScrub's internal list: numbers are added once, read back, and a scrub of the project answers P for them."""

from __future__ import annotations

import pytest

from leadflow.errors import RefusedError, SettingsError, TransientError
from leadflow.services.dncscrub import DncScrub, InternalList

PHONES = ["+15045550143", "+15045550144"]


def _settings(world, **changes):
    return world.settings.dnc.model_copy(update={"proj_id": "P1", "attempts": 2, "timeout_s": 2.0, **changes})


@pytest.fixture
def internal(world):
    made = InternalList(_settings(world))
    yield made
    made.close()


def test_added_numbers_are_read_back_and_adding_them_again_changes_nothing(world, internal):
    assert internal.listed(PHONES) == set()
    internal.add(PHONES)
    internal.add([*PHONES, PHONES[0]])
    assert internal.listed([*PHONES, "+15045550145"]) == set(PHONES)
    assert world.stats()["dnc"]["internal"] == {"P1": ["5045550143", "5045550144"]}


def test_a_later_scrub_of_the_project_finds_them(world, internal):
    clean = next(p for p in (f"+150455501{n:02d}" for n in range(100)) if _verdict(world, p, "P1") == "clean")
    internal.add([clean])
    assert _verdict(world, clean, "P1") == "internal_dnc"
    assert _verdict(world, clean, "P2") == "clean"


def _verdict(world, phone, project):
    service = DncScrub(_settings(world, proj_id=project))
    try:
        return str(service.check([phone])[phone].verdict)
    finally:
        service.close()


def test_many_numbers_are_sent_in_parts(world, internal):
    many = [f"+1{area}55501{n:02d}" for area in range(201, 215) for n in range(100)]
    internal.add(many)
    assert internal.listed(many) == set(many)
    assert world.stats()["dnc"]["calls"] == 6


def test_a_number_that_dncscrub_skips_is_not_confirmed(internal):
    internal.add([*PHONES, "+11115550143"])
    assert internal.listed(PHONES) == set(PHONES)


@pytest.mark.parametrize("body", ["", "<html>5045550143</html>", "true", "null", '{"success": true}', "5045550143"])
def test_an_answer_to_status_that_is_not_understood_confirms_nothing(world, internal, body):
    internal.add(PHONES)
    world.fail("dnc", "body", on="list", body=body)
    assert internal.listed(PHONES) == set()


def test_a_number_without_an_answer_is_not_confirmed(world, internal):
    internal.add(PHONES)
    world.fail("dnc", "missing_row", on="list")
    assert internal.listed(PHONES) == {PHONES[0]}


def test_failures_are_errors_and_a_retry_completes(world, internal):
    world.fail("dnc", "503", on="list")
    internal.add(PHONES)
    assert internal.listed(PHONES) == set(PHONES)
    world.fail("dnc", "503", times=2, on="list")
    with pytest.raises(TransientError):
        internal.add(PHONES)
    world.fail("dnc", "401", on="list")
    with pytest.raises(RefusedError, match="credentials"):
        internal.listed(PHONES)


def test_an_add_that_was_applied_before_the_connection_broke_is_repeated_without_harm(world, internal):
    world.fail("dnc", "applied_then_drop", on="list")
    internal.add(PHONES)
    assert internal.listed(PHONES) == set(PHONES)


def test_without_a_project_there_is_no_list(world):
    with pytest.raises(SettingsError, match="LEADFLOW_DNC__PROJ_ID"):
        InternalList(world.settings.dnc)


def test_the_wrong_login_is_refused(world):
    from pydantic import SecretStr

    internal = InternalList(_settings(world, login_id=SecretStr("wrong")))
    with pytest.raises(RefusedError, match="credentials"):
        internal.add(PHONES)
    internal.close()

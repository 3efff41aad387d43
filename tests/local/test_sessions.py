"""Snowflake's sessions expire, are renewed and end, as those of the real service."""

from __future__ import annotations

import httpx
import pytest

from leadflow.local import World
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.interruption import InterruptedWork

pytestmark = pytest.mark.connector

ROWS = "SELECT COUNT(*) FROM RAW_LEADS"


def sign_in(world: World) -> dict:
    """What the stand-in answers to a sign-in, without a client library."""
    settings = world.settings.warehouse
    url = f"http://{settings.host}:{settings.port}/session/v1/login-request"
    answer = httpx.post(url, params={"databaseName": "LEADS_DB"}, json={"data": {"SESSION_PARAMETERS": {}}})
    return answer.json()["data"]


def test_a_sign_in_answers_all_that_a_client_needs(world: World):
    data = sign_in(world)
    assert data["token"] != data["masterToken"]
    assert (data["validityInSeconds"], data["masterValidityInSeconds"]) == (3_600, 14_400)
    assert isinstance(data["sessionId"], int)
    assert data["sessionInfo"]["roleName"] == "PUBLIC"
    assert data["sessionInfo"]["databaseName"] == "LEADS_DB"


def test_an_expired_session_is_renewed_by_the_client(world: World):
    world.configure(session_life_s=0)
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        world.configure(session_life_s=3_600)
        assert warehouse.execute(ROWS) == [(2_200,)]


@pytest.mark.parametrize("code", ["390111", "390112", "390114"])
def test_a_session_that_has_ended_is_an_error_with_snowflakes_number(world: World, code: str):
    with Warehouse(world.settings.warehouse) as warehouse:
        assert warehouse.execute(ROWS) == [(2_200,)]
        world.configure(end_sessions=code)
        with pytest.raises(InterruptedWork, match="390114" if code == "390112" else code):
            warehouse.execute(ROWS)
    with Warehouse(world.settings.warehouse) as another:
        assert another.execute(ROWS) == [(2_200,)]


def test_an_unknown_setting_of_the_world_is_an_error(world: World):
    with pytest.raises(ValueError, match="no setting latncy"):
        world.configure(latncy={"idicore": 1})
    with pytest.raises(ValueError, match="390111, 390112"):
        world.configure(end_sessions="390100")

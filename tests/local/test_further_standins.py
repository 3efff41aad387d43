"""The stand-ins of the further providers are as strict as the vendors' documents say."""

from __future__ import annotations

import httpx
import pytest

from leadflow.local import start
from leadflow.settings import Settings

_ANN = {
    "first_name": "Ann", "last_name": "Lee", "street_address": "1 Elm St", "locality": "Bath", "region": "ME",
    "postal_code": "04530",
}  # fmt: skip


def _enrich(world, key="local-pdl-key", method="POST", **more):
    url = f"{world.url}/people_data_labs/v5/person/enrich"
    body = {"json": {**_ANN, **more}} if method == "POST" else {}
    return httpx.request(method, url, headers={"X-Api-Key": key}, timeout=5, **body)


def _lookup(world, phones, key="local-bla-key"):
    url = f"{world.url}/blacklist_alliance/bulklookup"
    return httpx.post(url, params={"key": key, "ver": "v5", "resp": "json"}, json={"phones": phones}, timeout=5)


def test_people_data_labs_answers_alike_for_a_person_and_charges_for_a_match_alone(world):
    answers = [_enrich(world, last_name=name) for name in ("Lee", "Poe", "Ray", "Cox", "Day", "Fox")]
    assert {answer.status_code for answer in answers} == {200, 404}
    found = next(answer.json() for answer in answers if answer.status_code == 200)
    nobody = next(answer.json() for answer in answers if answer.status_code == 404)
    assert found["status"] == 200
    assert 6 <= found["likelihood"] <= 10
    assert found["data"]["last_name"].islower()
    assert found["data"]["street_addresses"][0]["region"] == "maine"
    assert nobody["error"]["type"] == "not_found"
    stats = world.stats()["people_data_labs"]
    assert sum(stats["bought"].values()) == sum(answer.status_code == 200 for answer in answers)


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"key": "wrong"}, 401, "authentication_error"),
        ({"last_name": ""}, 400, "invalid_request_error"),
        ({"method": "HEAD"}, 400, None),
        ({"method": "DELETE"}, 405, "invalid_request_error"),
    ],
)
def test_people_data_labs_refuses(world, change, status, kind):
    answer = _enrich(world, **change)
    assert answer.status_code == status
    assert kind is None or answer.json()["error"]["type"] == kind


def test_people_data_labs_has_no_credits_left(world):
    world.configure(pdl_credits=0)
    assert _enrich(world).json()["error"]["type"] == "payment_required"


def test_people_data_labs_has_a_quota(world):
    world.configure(quotas={"people_data_labs": 2})
    try:
        answers = [_enrich(world) for _ in range(3)]
    finally:
        world.configure(quotas={"people_data_labs": 1_000})
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert int(answers[2].headers["retry-after"]) > 0


def test_blacklist_alliance_spells_as_it_does(world):
    world.configure(blacklisted={"5045550143": "federal-dnc", "5045550144": ""})
    found = _lookup(world, ["5045550143", "5045550144"]).json()
    assert (found["status"], found["numbers"], found["count"]) == ("success", 2, 2)
    assert (found["supression"], found["reasons"]) == (["5045550143"], {"5045550143": "federal-dnc"})


@pytest.mark.parametrize(
    ("phones", "key", "status"),
    [(["5045550143"], "wrong", 401), ([], "local-bla-key", 422), ("504", "local-bla-key", 422)],
)
def test_blacklist_alliance_refuses(world, phones, key, status):
    assert _lookup(world, phones, key).status_code == status


def test_the_world_has_the_accounts_that_it_is_started_with():
    with start(providers=["blacklist_alliance"]) as world:
        settings = world.settings
        assert settings.blacklist_alliance.api_key
        assert settings.people_data_labs.api_key is None
        assert {"LEADFLOW_BLACKLIST_ALLIANCE__API_KEY", "LEADFLOW_BLACKLIST_ALLIANCE__URL"} <= world.env().keys()
    with pytest.raises(KeyError):
        start(providers=["nobody"])


def test_unknown_names_of_providers_are_refused(world):
    for name in ("lookups", "checks"):
        with pytest.raises(ValueError, match="known are"):
            world.settings.model_copy(update={name: "nobody"})
    assert Settings.model_fields["lookups"].default == ()

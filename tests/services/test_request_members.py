"""What the settings add to the vendors' requests goes out with the types that the vendors' manuals have."""

from __future__ import annotations

import json

import httpx
import pytest
from vendor_answers import ANN, CLEAN

from leadflow.errors import SettingsError
from leadflow.services.idicore import Idicore
from leadflow.services.idicore.request import search_body
from leadflow.settings import IdicoreSettings, Settings
from leadflow.settings.search_parameters import SENT


def _idicore(**parameters):
    return IdicoreSettings(client_id="c", client_secret="s", glba="otheruse", dppa="none", search_parameters=parameters)


def _posted(world, name, **members):
    body = {"phoneList": CLEAN, "loginId": "local-login", "output": "json", **members}
    return httpx.post(getattr(world.settings, name).url, json=body).status_code


@pytest.mark.parametrize(
    ("name", "members", "status"),
    [
        ("litigator", {"CampaignId": 12}, 200),
        ("litigator", {"CampaignId": "12"}, 400),
        ("litigator", {"CampaignId": True}, 400),
        ("litigator", {"CampaignId": 12.0}, 400),
        ("litigator", {"ProjId": 7}, 400),
        ("dnc", {"campaignId": "12"}, 200),
        ("dnc", {"campaignId": 12}, 400),
        ("dnc", {"projId": 12}, 400),
        ("dnc", {"version": 5}, 400),
    ],
)
def test_the_stand_in_is_as_strict_as_the_manual(world, name, members, status):
    assert _posted(world, name, **members) == status


@pytest.mark.parametrize("name", ["litigator", "dnc"])
@pytest.mark.parametrize("campaign", [12, "12", " 12 "])
@pytest.mark.parametrize("project", [None, 7, "winbacks"])
def test_a_campaign_and_a_project_are_sent_as_the_manual_says(world, check, name, campaign, project):
    assert check(name, [CLEAN], campaign_id=campaign, proj_id=project)


@pytest.mark.parametrize("campaign", ["twelve", "1.5", 1.5, 0, -3, True, "1,200", "", "12a"])
def test_a_campaign_that_is_no_whole_number_is_an_error_at_load(world, campaign):
    with pytest.raises(SettingsError, match="campaign_id"):
        world.settings.litigator.model_copy(update={"campaign_id": campaign})


def test_search_parameters_go_into_the_body_as_they_are(world):
    parameters = {"searchType": "APISearch", "nicknamesearch": True, "ageMin": 18, "score": 0.5, "states": ["ME", "LA"]}
    settings = world.settings.idicore.model_copy(update={"search_parameters": parameters})
    with Idicore(settings) as idicore:
        assert idicore.lookup(ANN).person_key == ANN.person_key
    assert world.stats()["idicore"]["last_search"] == {**search_body(ANN, settings.fields), **parameters}


def test_without_the_setting_a_search_is_as_before(world):
    with Idicore(world.settings.idicore) as idicore:
        idicore.lookup(ANN)
    assert set(map(str.lower, world.stats()["idicore"]["last_search"])) == SENT


@pytest.mark.parametrize("name", [*search_body(ANN, ()), "FIRSTNAME", "Zip", "referenceID", "Fields"])
def test_what_leadflow_sends_itself_is_refused(name):
    with pytest.raises(SettingsError, match=f"{name} is sent by leadflow itself"):
        _idicore(**{name: "x"})


@pytest.mark.parametrize("name", ["dob", "email", "phoneNumber", "pidlist", "middleName", "ssn"])
def test_what_describes_one_person_is_refused(name):
    with pytest.raises(SettingsError, match=f"{name} describes one person"):
        _idicore(**{name: "x"})


@pytest.mark.parametrize(
    "value", [None, {}, {"a": 1}, [], [None], [{"a": 1}], "", " ", float("nan"), float("inf"), b"x", object()]
)
def test_a_value_that_is_no_plain_json_is_refused(value):
    with pytest.raises(SettingsError, match="search_parameters"):
        _idicore(nicknamesearch=value)


@pytest.mark.parametrize(
    "parameters", [{"": 1}, {"a b": 1}, {"a-b": 1}, {"1a": 1}, {3: 1}, {"a": 1, "A": 2}, {"searchType": 1}, [], "x", 3]
)
def test_names_and_mappings_that_cannot_be_meant_are_refused(parameters):
    with pytest.raises(SettingsError, match="search_parameters"):
        IdicoreSettings(client_id="c", client_secret="s", glba="otheruse", dppa="none", search_parameters=parameters)


def test_they_are_read_from_the_environment_as_json(world, monkeypatch):
    for name, value in world.env().items():
        monkeypatch.setenv(name, value)
    parameters = {"searchType": "APISearch", "nicknamesearch": False}
    monkeypatch.setenv("LEADFLOW_IDICORE__SEARCH_PARAMETERS", json.dumps(parameters))
    monkeypatch.setenv("LEADFLOW_LITIGATOR__CAMPAIGN_ID", "12")
    monkeypatch.setenv("LEADFLOW_DNC__CAMPAIGN_ID", "12")
    monkeypatch.setenv("LEADFLOW_SHEETS__BUSY_WAIT_S", "30")
    settings = Settings(_env_file=None)
    assert settings.idicore.search_parameters == parameters
    assert (settings.litigator.campaign_id, settings.dnc.campaign_id) == (12, "12")
    assert (settings.sheets.busy_wait_s, settings.idicore.busy_wait_s) == (30, 600)
    monkeypatch.setenv("LEADFLOW_IDICORE__SEARCH_PARAMETERS__SEARCHTYPE", "APISearch")
    with pytest.raises(SettingsError, match="SEARCH_PARAMETERS__SEARCHTYPE"):
        Settings(_env_file=None)


@pytest.mark.parametrize("value", ["yes", "[1]", '{"searchType": "A", "searchType": "B"}', "{'a': 1}"])
def test_what_is_no_json_object_is_an_error_at_load(world, monkeypatch, value):
    for name, given in world.env().items():
        monkeypatch.setenv(name, given)
    monkeypatch.setenv("LEADFLOW_IDICORE__SEARCH_PARAMETERS", value)
    with pytest.raises(SettingsError, match="LEADFLOW_IDICORE__SEARCH_PARAMETERS"):
        Settings(_env_file=None)

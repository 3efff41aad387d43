"""Values of settings and arguments that cannot be used are refused."""

from __future__ import annotations

import os

import pytest
from outcome import SCRIPT
from setting_values import BASE, refusal_of, settings_with

import leadflow as lf
from leadflow.errors import InputError
from leadflow.settings import DncSettings, SheetsSettings


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("LEADFLOW")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "DNC__CODES",
            "{W: hold}",
            'is not JSON; write a JSON object such as LEADFLOW_DNC__CODES=\'{"key": "value"}\'',
        ),
        ("DNC__CODES", "W=hold", "is not JSON"),
        ("DNC__CODES", '["W"]', "is JSON of another kind"),
        ("DNC__CODES", '{"W": "hold", "W": "clean"}', "says a key twice"),
        ("DNC__CODES", '{"W": 1}', "LEADFLOW_DNC__CODES__W: Input should be a valid string"),
        ("DNC", "list", "or single values such as LEADFLOW_DNC__PROVIDER"),
        ("IDICORE__FIELDS", "name,phone", "is not JSON; write a JSON list"),
        ("IDICORE__FIELDS", '["name", "address", "email"]', "lacks phone"),
        ("IDICORE__PRICE", "0,12", "a plain number such as 0.12"),
        ("IDICORE__PRICE", "$0.12", "a plain number such as 0.12"),
        ("IDICORE__PRICE", "nan", "finite"),
        ("IDICORE__PRICE", "inf", "finite"),
        ("IDICORE__PRICE", "-0.12", "greater than or equal to 0"),
        ("IDICORE__PRICE", "free", "valid number"),
        ("DNC__PRICE", "-1", "greater than or equal to 0"),
        ("MAX_COST", "inf", "finite"),
        ("MAX_COST", "nan", "finite"),
        ("MAX_COST", "-1", "greater than or equal to 0"),
        ("MAX_LOOKUPS", "two", "valid integer"),
        ("MAX_LOOKUPS", "2.5", "valid integer"),
        ("MAX_LOOKUPS", "1 000", "a plain number"),
        ("MAX_LOOKUPS", "true", "valid integer"),
        ("POLICY__DELIVER_WIRELESS", "maybe", "valid boolean"),
        ("POLICY__PHONES_DELIVERED", "0", "greater than or equal to 1"),
        ("POLICY__MAX_SCRUB_AGE_DAYS", "60", "less than or equal to 31"),
        ("IDICORE__TIMEOUT_S", "0", "greater than 0"),
        ("IDICORE__TOKEN_LIFE_S", "-1", "greater than 0"),
        ("DNC__MAX_PER_MINUTE", "0", "greater than or equal to 1"),
        ("DNC__MAX_NUMBERS", "20000", "less than or equal to 10000"),
        ("DNC__VERSION", "latest", "match pattern"),
        ("DNC__LIST_PATH", "dnc.txt", "list_path is set, but provider is dncscrub"),
        ("DNC__CANARY", "the canary", "is no US phone"),
        ("DNC__CANARY", "5045550143, 123", "is no US phone"),
        ("DNC__URL", "http://www.dncscrub.com/app", "must be https"),
        ("LITIGATOR__URL", "http://localhost.example.com/scrub", "must be https"),
        ("STARTED_BY", "  ", "is empty"),
        ("HOME", "", "is empty"),
        ("WAREHOUSE__PORT", "70000", "less than or equal to 65535"),
        ("WAREHOUSE__SESSION_PARAMETERS", '{"query_tag": "mine"}', "sets QUERY_TAG"),
        (
            "WAREHOUSE__SESSION_PARAMETERS",
            '{"autocommit": false}',
            "sets AUTOCOMMIT, which leadflow's own statements depend on",
        ),
        (
            "WAREHOUSE__SESSION_PARAMETERS__QUOTED_IDENTIFIERS_IGNORE_CASE",
            "true",
            "sets QUOTED_IDENTIFIERS_IGNORE_CASE",
        ),
        ("WAREHOUSE__CONSOLIDATED", "person_cache", "name the same table"),
        ("WAREHOUSE__PROTOCOL", "http", "allowed only with a host on loopback"),
        ("BATCH_SIZE", "0", "greater than or equal to 1"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(monkeypatch, name, value, said):
    found = refusal_of(lambda: settings_with(monkeypatch, **{f"LEADFLOW_{name}": value}))
    assert f"LEADFLOW_{name}" in found or f"LEADFLOW_{name.split('__')[0]}" in found
    assert said in found


@pytest.mark.parametrize(
    "address",
    [
        "https://docs.google.com/spreadsheets/d/1AbC-d_e/edit#gid=0",
        "docs.google.com/spreadsheets/u/1/d/1AbC-d_e/edit?usp=sharing",
        " 1AbC-d_e\n",
    ],
)
def test_a_sheet_may_be_named_by_its_address(address):
    assert SheetsSettings(spreadsheet_id=address).spreadsheet_id == "1AbC-d_e"


@pytest.mark.parametrize(
    "address",
    [
        "https://docs.google.com/spreadsheets/d/e/2PACX-1vQ/pubhtml",
        "my leads",
        "https://drive.google.com/open?id=1AbC",
        "",
    ],
)
def test_what_names_no_sheet_is_refused(address):
    assert "SheetsSettings.spreadsheet_id: " in refusal_of(lambda: SheetsSettings(spreadsheet_id=address))


def test_text_is_a_number_in_the_environment(monkeypatch):
    found = settings_with(
        monkeypatch,
        LEADFLOW_MAX_LOOKUPS="2",
        LEADFLOW_MAX_COST="12.5",
        LEADFLOW_IDICORE__PRICE=" 0.12",
        LEADFLOW_IDICORE__TOKEN_PREFIX="Bearer ",
    )
    assert (found.max_lookups, found.max_cost, found.idicore.price, found.idicore.token_prefix) == (
        2,
        12.5,
        0.12,
        "Bearer ",
    )


def test_true_is_no_number():
    assert "must be a number" in refusal_of(lambda: lf.Settings(**BASE, max_lookups=True))


def test_a_copy_is_proven_like_the_first_one():
    settings = lf.Settings(**BASE)
    assert settings.model_copy(update={"max_lookups": 3}).max_lookups == 3
    assert settings.model_copy(update={"max_lookups": 3}).warehouse is settings.warehouse
    for update in ({"max_cost": float("nan")}, {"batch_size": 0}, {"dnc": None}, {"home": ""}):
        refusal_of(lambda update=update: settings.model_copy(update=update))
    assert "provider is list" in refusal_of(lambda: DncSettings(provider="list", codes={"W": "hold"}))
    assert "provider is list" in refusal_of(lambda: DncSettings(provider="list", price=0.01))


@pytest.mark.parametrize(
    ("argument", "value"),
    [("max_lookups", value) for value in ("2", 2.5, True, -1, float("nan"), [2], "")]
    + [("limit_rows", value) for value in ("5", True, 2.5, 0, float("inf"))]
    + [("max_cost", value) for value in ("10", float("nan"), float("inf"), -1, True, [1], "$5")],
)
@pytest.mark.parametrize("verb", ["run", "submit", "resume", "estimate"])
def test_an_argument_that_cannot_be_used_is_refused(world, argument, value, verb):
    if (argument == "limit_rows") == (verb == "resume") or (verb == "estimate" and argument != "limit_rows"):
        verb = "submit"
    priced = world.settings.idicore.model_copy(update={"price": 0.1})
    with lf.Engine(world.settings.model_copy(update={"idicore": priced})) as engine:
        subject = SCRIPT
        if verb == "resume":
            subject = engine.run(SCRIPT, limit_rows=2, max_lookups=1, progress=False).id
        bought = world.stats()["idicore"]["calls"]
        with pytest.raises(InputError, match=argument) as caught:
            getattr(engine, verb)(subject, **{argument: value})
        assert "\n" not in str(caught.value)
        assert world.stats()["idicore"]["calls"] == bought


def test_numbers_of_numpy_and_whole_floats_are_numbers(world):
    import numpy

    with lf.Engine(world.settings) as engine:
        assert engine.run(SCRIPT, limit_rows=numpy.int64(3), max_lookups=2.0, progress=False).counts.bought == 2


@pytest.mark.parametrize("home", ["a_file", "a_file/below", "~no-such-user-here/x"])
def test_a_home_that_cannot_be_a_folder_is_said(world, tmp_path, home):
    (tmp_path / "a_file").write_text("")
    where = home if home.startswith("~") else tmp_path / home
    assert "LEADFLOW_HOME" in refusal_of(lambda: lf.Engine(world.settings.model_copy(update={"home": where})))


@pytest.mark.parametrize("name", ["Phone 1", "phone 2 verdict", "First Name", "Job Id"])
def test_the_key_has_a_column_of_its_own(world, name):
    sheets = world.settings.sheets.model_copy(update={"key_column": name})
    assert "LEADFLOW_SHEETS__KEY_COLUMN" in refusal_of(
        lambda: lf.Engine(world.settings.model_copy(update={"sheets": sheets}))
    )


@pytest.mark.parametrize("given", [{"home": "x"}, "settings", 5])
def test_an_engine_takes_settings_only(given):
    assert "takes lf.Settings" in refusal_of(lambda: lf.Engine(given))

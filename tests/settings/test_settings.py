"""Every setting is read or refused, in one clear line, before any money is spent."""

from __future__ import annotations

import codecs
import json
import os
import string
from datetime import date

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from outcome import SCRIPT
from pydantic import SecretStr

import leadflow as lf
from leadflow.errors import InputError, LeadflowError, RefusedError
from leadflow.services.sheets.google import credentials
from leadflow.services.warehouse.connection import connect_options
from leadflow.settings import DncSettings, IdicoreSettings, LitigatorSettings, Policy, SheetsSettings, WarehouseSettings
from leadflow.settings.sources import Known, Place, read

BASE = {
    "warehouse": {"account": "acme", "user": "ann", "token": "warehouse-word"},
    "idicore": {"client_id": "client", "client_secret": "idicore-word", "glba": "otheruse", "dppa": "none"},
    "litigator": {"login_id": "litigator-word"},
    "dnc": {"login_id": "dnc-word"},
    "sheets": {"spreadsheet_id": "sheet"},
}
SECRETS = ("warehouse-word", "idicore-word", "litigator-word", "dnc-word", "key-word")
NAMES = sorted(Known.of(lf.Settings).single)


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("LEADFLOW")]:
        monkeypatch.delenv(name)


def _refused(make) -> str:
    with pytest.raises(LeadflowError) as caught:
        make()
    said = str(caught.value)
    assert "\n" not in said
    assert not [word for word in SECRETS if word in said]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return said


def _with(monkeypatch, **names):
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return lf.Settings(**BASE)


# Names.


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("LEADFLOW_MAX_LOOKUP", "LEADFLOW_MAX_LOOKUPS"),
        ("LEADFLOW_POLICY_DELIVER_WIRELESS", "LEADFLOW_POLICY__DELIVER_WIRELESS"),
        ("LEADFLOW_IDICORE__PRIC", "LEADFLOW_IDICORE__PRICE"),
        ("LEADFLOW_DNC__CODE", "LEADFLOW_DNC__CODES"),
        ("leadflow_max_lookup", "LEADFLOW_MAX_LOOKUPS"),
        ("LEADFLOW_MAXCOST", "LEADFLOW_MAX_COST"),
        ("LEADFLOW__MAX_COST", "LEADFLOW_MAX_COST"),
        ("LEADFLOW_POLICY__DELIVER__WIRELESS", "LEADFLOW_POLICY__DELIVER_WIRELESS"),
        ("LEADFLOW_WAREHOUSE__SCHEMA", "LEADFLOW_WAREHOUSE__SCHEMA_NAME"),
        ("LEADFLOW_SHEET__WORKSHEET", "LEADFLOW_SHEETS__WORKSHEET"),
        ("LEADFLOW_DNC__CODESS__W", "LEADFLOW_DNC__CODES"),
        ("LEADFLOW_PRICE", "LEADFLOW_IDICORE__PRICE or LEADFLOW_LITIGATOR__PRICE or LEADFLOW_DNC__PRICE"),
        ("LEADFOW_MAX_LOOKUPS", "LEADFLOW_MAX_LOOKUPS"),
        ("LEAD_FLOW_MAX_COST", "LEADFLOW_MAX_COST"),
        ("LEADFLOWS_POLICY__DELIVER_WIRELESS", "LEADFLOW_POLICY__DELIVER_WIRELESS"),
        ("LEADFLOWMAX_COST", "LEADFLOW_MAX_COST"),
        ("LEAD_FLOW_HOME", "LEADFLOW_HOME"),
        ("LEDFLOW_IDICORE__PRIC", "LEADFLOW_IDICORE__PRICE"),
    ],
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_an_unknown_name_is_refused_and_the_nearest_named(monkeypatch, tmp_path, name, near, place):
    if place == "environment":
        monkeypatch.setenv(name, "2")
    else:
        (tmp_path / ".env").write_text(f"{name}=2\n")
    said = _refused(lambda: lf.Settings(**BASE))
    assert f"{name}, in " in said
    assert f"the nearest is {near}" in said


@pytest.mark.parametrize(
    "name",
    [
        "HOME",
        "LANGFLOW_HOME",
        "LOADFLOW_HOME",
        "MLFLOW_MAX_COST",
        "DATAFLOW_SHEETS",
        "PRICE",
        "MAX_COST",
        "DNC__CODES",
        "FLOW_MAX_COST",
    ],
)
def test_a_name_of_another_program_is_left_alone(monkeypatch, name):
    assert _with(monkeypatch, **{name: "2"}).max_cost is None


@given(st.sampled_from(NAMES), st.integers(0, 3), st.data())
@examples(max_examples=300, deadline=None)
def test_a_misspelt_name_is_never_skipped(name, kind, data):
    """One letter left out, doubled, swapped with the next, or replaced, anywhere after the prefix."""
    at = data.draw(st.integers(9, len(name) - 1))
    other = data.draw(st.sampled_from(string.ascii_uppercase + "_"))
    wrong = (
        name[:at] + name[at + 1 :],
        name[:at] + name[at] + name[at:],
        name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :],
        name[:at] + other + name[at + 1 :],
    )[kind]
    known = Known.of(lf.Settings)
    found, faults = read(lf.Settings, [Place("here", {wrong: "2"})])
    if known.holds(wrong):
        return
    assert not found
    assert len(faults) == 1
    assert f"{wrong}, here, is no setting; the nearest is " in faults[0]
    if len(name) > 18:
        assert name in faults[0]


@given(st.sampled_from(NAMES), st.lists(st.booleans(), min_size=60, max_size=60))
@examples(max_examples=200, deadline=None)
def test_a_known_name_is_read_in_any_case(name, upper):
    written = "".join(c.upper() if up else c.lower() for c, up in zip(name, upper, strict=False))
    field = Known.of(lf.Settings).single[name]
    value = (
        "[]"
        if name.endswith("FIELDS")
        else "{}"
        if (field.is_required() and "__" not in name) or name.endswith(("CODES", "PARAMETERS", "POLICY"))
        else "2"
    )
    found, faults = read(lf.Settings, [Place("here", {written: value})])
    assert not faults
    path = name.removeprefix("LEADFLOW_").lower().split("__")
    for part in path:
        found = found[part]
    assert found in ("2", 2, [], {})  # what takes words or a path makes text of the number


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: lf.Settings(**BASE, max_lookup=2),
            "LEADFLOW_MAX_LOOKUP is no setting; the nearest is LEADFLOW_MAX_LOOKUPS",
        ),
        (
            lambda: lf.Settings(**{**BASE, "dnc": {**BASE["dnc"], "code": {"W": "hold"}}}),
            "LEADFLOW_DNC__CODE is no setting; the nearest is LEADFLOW_DNC__CODES",
        ),
        (lambda: lf.Settings(**BASE, _env_fil=".env"), "is no setting"),
        (lambda: lf.Settings(**BASE).model_copy(update={"max_lookup": 2}), "the nearest is LEADFLOW_MAX_LOOKUPS"),
        (lambda: Policy().model_copy(update={"deliver_wirless": False}), "the nearest is Policy.deliver_wireless"),
        (lambda: Policy(deliverwireless=False), "the nearest is Policy.deliver_wireless"),
        (lambda: DncSettings(login="dnc-word"), "the nearest is DncSettings.login_id"),
        (
            lambda: SheetsSettings(spreadsheet_id="a", credential_file="x"),
            "the nearest is SheetsSettings.credentials_file",
        ),
        (lambda: LitigatorSettings(login_id="litigator-word", cost=1), "LitigatorSettings.cost is no setting"),
        (
            lambda: IdicoreSettings(**BASE["idicore"], chargeOnNoMatch=False),
            "the nearest is IdicoreSettings.charge_on_no_match",
        ),
        (lambda: WarehouseSettings(**BASE["warehouse"], schema="X"), "the nearest is WarehouseSettings.schema_name"),
    ],
)
def test_an_unknown_argument_is_refused(make, said):
    assert said in _refused(make)


def test_settings_are_changed_by_a_copy_only():
    for part in (lf.Settings(**BASE), Policy()):
        assert "model_copy(update={'batch_size': ...})" in _refused(lambda part=part: setattr(part, "batch_size", 5))


def test_a_dict_of_settings_is_read_or_refused_in_one_line():
    assert lf.Settings.model_validate(BASE) == lf.Settings(**BASE) == lf.Settings(**lf.Settings(**BASE).model_dump())
    assert Policy.model_validate({"deliver_wireless": False}).deliver_wireless is False
    assert "the nearest is LEADFLOW_MAX_LOOKUPS" in _refused(
        lambda: lf.Settings.model_validate({**BASE, "max_lookup": 2})
    )
    assert "write lf.Settings(**values)" in _refused(lambda: lf.Settings(BASE))


@pytest.mark.parametrize("canary", [5045550143, "504-555-0143", ["5045550143"], (5045550143,), "+1 504 555 0143;"])
def test_a_canary_may_be_text_a_number_or_several(canary):
    assert DncSettings(login_id="dnc-word", canary=canary).canaries == ("+15045550143",)


def test_no_canary_and_a_day_as_python_has_it():
    assert DncSettings(login_id="dnc-word", canary=None).canaries == ()
    assert DncSettings(provider="list", list_path="x", list_date=date(2026, 11, 2)).list_date == "2026-11-02"


def test_a_part_as_json_is_read_and_its_members_are_proven(monkeypatch):
    assert _with(monkeypatch, LEADFLOW_SHEETS='{"worksheet": "mine"}').sheets.worksheet == "mine"
    monkeypatch.setenv("LEADFLOW_SHEETS", '{"worksheeet": "mine"}')
    assert "the nearest is LEADFLOW_SHEETS__WORKSHEET" in _refused(lambda: lf.Settings(**BASE))


def test_keys_below_a_mapping_are_free(monkeypatch):
    found = _with(monkeypatch, LEADFLOW_DNC__CODES__W="hold", LEADFLOW_WAREHOUSE__SESSION_PARAMETERS__TIMEZONE="UTC")
    assert (found.dnc.codes, found.warehouse.session_parameters) == ({"w": "hold"}, {"timezone": "UTC"})


def test_all_that_is_wrong_is_said_at_once(monkeypatch):
    monkeypatch.setenv("LEADFLOW_MAX_LOOKUP", "2")
    monkeypatch.setenv("LEADFLOW_DNC__CODES", "{W: hold}")
    monkeypatch.setenv("LEADFLOW_POLICY__DELIVER_WIRELESS", "maybe")
    said = _refused(lf.Engine)
    for name in (
        "MAX_LOOKUP,",
        "DNC__CODES is not JSON",
        "POLICY__DELIVER_WIRELESS:",
        "WAREHOUSE__ACCOUNT",
        "IDICORE__GLBA",
        "LITIGATOR__LOGIN_ID",
        "SHEETS__SPREADSHEET_ID",
    ):
        assert f"LEADFLOW_{name}" in said


def test_the_order_of_places_is_argument_environment_file_secrets(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("LEADFLOW_MAX_LOOKUPS=2\nLEADFLOW_BATCH_SIZE=2\nLEADFLOW_MAX_COST=2\nOTHER=x\n")
    (tmp_path / "run").mkdir()
    for name in ("leadflow_row_event_every", "LEADFLOW_MAX_COST"):
        (tmp_path / "run" / name).write_text("1\n")
    monkeypatch.setenv("LEADFLOW_MAX_LOOKUPS", "3")
    monkeypatch.setenv("LEADFLOW_BATCH_SIZE", "3")
    found = lf.Settings(**BASE, batch_size=4, _secrets_dir=tmp_path / "run")
    assert (found.batch_size, found.max_lookups, found.max_cost, found.row_event_every) == (4, 3, 2.0, 1)
    (tmp_path / "run" / "leadflow_max_lookup").write_text("1")
    assert "leadflow_max_lookup, in " in _refused(lambda: lf.Settings(**BASE, _secrets_dir=tmp_path / "run"))
    assert lf.Settings(**BASE, _env_file=None).max_cost is None


def test_the_home_of_the_env_file_is_that_of_lf_jobs(tmp_path, monkeypatch):
    from leadflow.history import history

    monkeypatch.setattr(history, "_default", None)
    (tmp_path / ".env").write_text(f"leadflow_home={tmp_path / 'house'}\n")
    assert history.default_path() == tmp_path / "house" / "history.duckdb"
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path / "flat"))
    assert history.default_path() == tmp_path / "flat" / "history.duckdb"


# Files.

TEXT = "# caf\u00e9\nLEADFLOW_MAX_LOOKUPS=2\n"


@pytest.mark.parametrize(
    ("raw", "lookups"),
    [
        (TEXT.encode(), 2),
        (codecs.BOM_UTF8 + TEXT.encode(), 2),
        (TEXT.encode("utf-16"), 2),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), 2),
        (TEXT.encode("utf-16-le"), 2),
        (TEXT.encode("utf-16-be"), 2),
        (TEXT.encode("utf-32"), 2),
        (TEXT.encode("cp1252"), 2),
        (TEXT.encode("cp850"), 2),
        (TEXT.replace("\n", "\r\n").encode(), 2),
        (b"export LEADFLOW_MAX_LOOKUPS = '2'\n", 2),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is not text that can be read; save it as UTF-8"),
        ("LEADFLOW_SHEETS__WORKSHEET=Caf\u00e9\n".encode("cp1252"), "characters that are not UTF-8"),
        (b"LEADFLOW_MAX_LOOKUPS: 2\n", "line 1 of .env is not NAME=value"),
        (b"A=1\nLEADFLOW_MAX_LOOKUPS\n", "LEADFLOW_MAX_LOOKUPS, in .env, has no value"),
        (b"LEADFLOW_MAX_LOOKUPS=\n", "is empty; give it a value or remove it"),
        (b"LEADFLOW_IDICORE__GLBA=...\n", "still holds a placeholder"),
        (b"LEADFLOW_IDICORE__GLBA=<your purpose>\n", "still holds a placeholder"),
        (b"LEADFLOW_MAX_LOOKUPS=${NO_SUCH_NAME}\n", "is empty"),
        (b"LEADFLOW_MAX_LOOKUPS=2\nLEADFLOW_MAX_LOOKUPS=5\n", "stands twice in .env"),
        (b"LEADFLOW_MAX_LOOKUPS=2\nleadflow_max_lookups=5\n", "stands twice in .env"),
        (b'TITLE="my\nLEADFLOW_MAX_LOOKUPS=2\nLAST="x"\n', "a quote of line 1 of .env is not closed"),
    ],
)
def test_an_env_file_is_read_or_refused_in_one_line(tmp_path, raw, lookups):
    (tmp_path / ".env").write_bytes(raw)
    if isinstance(lookups, str):
        assert lookups in _refused(lambda: lf.Settings(**BASE))
    else:
        assert lf.Settings(**BASE).max_lookups == lookups


def test_an_accented_value_is_read_in_utf_8_and_utf_16(tmp_path):
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / ".env").write_bytes("LEADFLOW_SHEETS__WORKSHEET=Caf\u00e9\n".encode(encoding))
        assert lf.Settings(**BASE).sheets.worksheet == "Caf\u00e9"


# Values.


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
    found = _refused(lambda: _with(monkeypatch, **{f"LEADFLOW_{name}": value}))
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
    assert "SheetsSettings.spreadsheet_id: " in _refused(lambda: SheetsSettings(spreadsheet_id=address))


def test_text_is_a_number_in_the_environment(monkeypatch):
    found = _with(
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
    assert "must be a number" in _refused(lambda: lf.Settings(**BASE, max_lookups=True))


def test_a_copy_is_proven_like_the_first_one():
    settings = lf.Settings(**BASE)
    assert settings.model_copy(update={"max_lookups": 3}).max_lookups == 3
    assert settings.model_copy(update={"max_lookups": 3}).warehouse is settings.warehouse
    for update in ({"max_cost": float("nan")}, {"batch_size": 0}, {"dnc": None}, {"home": ""}):
        _refused(lambda update=update: settings.model_copy(update=update))
    assert "provider is list" in _refused(lambda: DncSettings(provider="list", codes={"W": "hold"}))
    assert "provider is list" in _refused(lambda: DncSettings(provider="list", price=0.01))


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
    assert "LEADFLOW_HOME" in _refused(lambda: lf.Engine(world.settings.model_copy(update={"home": where})))


@pytest.mark.parametrize("name", ["Phone 1", "phone 2 verdict", "First Name", "Job Id"])
def test_the_key_has_a_column_of_its_own(world, name):
    sheets = world.settings.sheets.model_copy(update={"key_column": name})
    assert "LEADFLOW_SHEETS__KEY_COLUMN" in _refused(
        lambda: lf.Engine(world.settings.model_copy(update={"sheets": sheets}))
    )


@pytest.mark.parametrize("given", [{"home": "x"}, "settings", 5])
def test_an_engine_takes_settings_only(given):
    assert "takes lf.Settings" in _refused(lambda: lf.Engine(given))


# Signing in to Snowflake.

_PLACE = {"account": "acme", "user": "ann"}
_KEY = {"private_key_file": "~/key.p8"}
_TOKEN = {"token": SecretStr("warehouse-word")}


@pytest.mark.parametrize(
    ("given", "authenticator"),
    [
        ({**_PLACE, **_TOKEN}, "PROGRAMMATIC_ACCESS_TOKEN"),
        ({"account": "acme", **_TOKEN}, "PROGRAMMATIC_ACCESS_TOKEN"),
        ({**_PLACE, **_TOKEN, "authenticator": "oauth"}, "oauth"),
        ({**_PLACE, **_KEY}, "SNOWFLAKE_JWT"),
        ({**_PLACE, "authenticator": "externalbrowser"}, "externalbrowser"),
        ({"account": "acme", "authenticator": "workload_identity"}, "workload_identity"),
        ({"connection_name": "leads"}, None),
        ({"connection_name": "leads", **_TOKEN, "authenticator": "oauth"}, "oauth"),
        ({"connection_name": "leads", "authenticator": "username_password_mfa"}, "username_password_mfa"),
    ],
)
def test_a_way_to_sign_in_is_told_to_the_connector(given, authenticator):
    options = connect_options(WarehouseSettings(**given), "tag")
    assert options.get("authenticator") == authenticator
    assert options.get("token") == ("warehouse-word" if "token" in given else None)


@pytest.mark.parametrize(
    "account",
    ["https://acme.snowflakecomputing.com/", "acme.snowflakecomputing.com", "ACME.snowflakecomputing.com:443", "acme"],
)
def test_an_account_may_be_named_by_its_address(account):
    assert WarehouseSettings(**{**_PLACE, "account": account}, **_TOKEN).account.lower() == "acme"


def test_a_schema_of_its_own_is_passed_on_without_a_database_too():
    assert connect_options(WarehouseSettings(connection_name="leads", schema_name="LEADS"), "")["schema"] == "LEADS"
    assert "schema" not in connect_options(WarehouseSettings(connection_name="leads"), "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "set LEADFLOW_WAREHOUSE__ACCOUNT, or LEADFLOW_WAREHOUSE__CONNECTION_NAME"),
        ({"database": "D"}, "set LEADFLOW_WAREHOUSE__ACCOUNT"),
        ({"user": "ann", **_TOKEN}, "set LEADFLOW_WAREHOUSE__ACCOUNT"),
        ({"host": "127.0.0.1", **_TOKEN}, "set LEADFLOW_WAREHOUSE__ACCOUNT"),
        (_PLACE, "no way to sign in"),
        ({"account": "acme", **_KEY}, "user is not set"),
        ({"account": "acme", "authenticator": "externalbrowser"}, "user is not set"),
        ({**_PLACE, "authenticator": "externalbrowsr"}, "the nearest is EXTERNALBROWSER"),
        ({**_PLACE, "authenticator": "PAT"}, "is no known word"),
        ({**_PLACE, "authenticator": "snowflake"}, "needs a password"),
        ({**_PLACE, "authenticator": "https://acme.okta.com"}, "needs a password"),
        ({**_PLACE, "authenticator": "oauth"}, "needs a token"),
        ({**_PLACE, "authenticator": "snowflake_jwt"}, "needs a key"),
        ({**_PLACE, **_TOKEN, **_KEY}, "both set"),
        ({**_PLACE, **_TOKEN, "authenticator": "externalbrowser"}, "takes none"),
        ({**_PLACE, **_KEY, "authenticator": "externalbrowser"}, "takes none"),
        ({**_PLACE, **_TOKEN, "private_key_password": "key-word"}, "without private_key_file"),
        ({"connection_name": "leads", **_TOKEN}, "set authenticator too"),
        ({**_PLACE, "account": "https://app.snowflake.com/org/acme", **_TOKEN}, "no account identifier"),
    ],
)
def test_a_sign_in_that_cannot_work_is_refused_before_any_call(given, said):
    assert said in _refused(lambda: WarehouseSettings(**given))


# Google's credentials.


@pytest.fixture(scope="module")
def key():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "type": "service_account",
        "client_email": "a@b.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        "private_key": pem,
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda key: "{", "is not a JSON object"),
        (lambda key: "", "is not a JSON object"),
        (lambda key: "[]", "is not a JSON object"),
        (lambda key: "-----BEGIN PRIVATE KEY-----\nkey-word", "is not a JSON object"),
        (lambda key: {"installed": {"client_id": "x"}}, "an OAuth client's secret, not the key of a service account"),
        (lambda key: {"web": {"client_id": "x"}}, "an OAuth client's secret"),
        (lambda key: {"type": "authorized_user", "refresh_token": "key-word"}, "a user's sign-in"),
        (lambda key: {"type": "external_account"}, "a workload identity configuration"),
        (lambda key: {}, "of another kind"),
        (lambda key: {**key, "client_email": None}, "it has no client_email"),
        (lambda key: {name: key[name] for name in ("type", "client_email")}, "it has no token_uri, private_key"),
        (lambda key: {**key, "private_key": "key-word"}, "is not a private key"),
        (lambda key: {**key, "private_key": key["private_key"][:300]}, "is not a private key"),
        (lambda key: {**key, "private_key": key["private_key"].replace("\n", "\\n")}, "is not a private key"),
        (lambda key: {**key, "private_key": 5}, "it has no private_key"),
    ],
)
def test_a_broken_credentials_file_is_said_in_one_line(tmp_path, key, change, said):
    made = change(key)
    (tmp_path / "key.json").write_text(made if isinstance(made, str) else json.dumps(made))
    settings = SheetsSettings(spreadsheet_id="sheet", credentials_file=tmp_path / "key.json")
    found = _refused(lambda: credentials(settings))
    assert said in found
    assert "BEGIN" not in found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_key_file_is_read_whatever_editor_saved_it(tmp_path, monkeypatch, key, encoding):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key.json").write_bytes(json.dumps(key).encode(encoding))
    assert (
        credentials(SheetsSettings(spreadsheet_id="sheet", credentials_file="~/key.json")).service_account_email
        == key["client_email"]
    )


@pytest.mark.parametrize("path", ["", "missing.json"])
def test_a_credentials_file_that_is_none_is_said(tmp_path, path):
    assert "there is no Google credentials file" in _refused(
        lambda: credentials(SheetsSettings(spreadsheet_id="s", credentials_file=tmp_path / path))
    )


def test_missing_default_credentials_are_said(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(
        RefusedError, match="there are no Google credentials: set LEADFLOW_SHEETS__CREDENTIALS_FILE"
    ) as caught:
        credentials(SheetsSettings(spreadsheet_id="sheet"))
    assert caught.value.__context__ is None


def test_a_broken_credentials_file_ends_a_job_before_money(world, tmp_path):
    (tmp_path / "key.json").write_text("{")
    sheets = world.settings.sheets.model_copy(update={"credentials_file": tmp_path / "key.json"})
    with (
        lf.Engine(world.settings.model_copy(update={"sheets": sheets})) as engine,
        pytest.raises(lf.errors.JobFailedError, match="is not a JSON object"),
    ):
        engine.run(SCRIPT, limit_rows=3, progress=False)
    assert world.stats()["idicore"]["calls"] == 0


def test_a_system_that_does_not_know_its_user_is_told_which_name_to_set(monkeypatch):
    import getpass

    def nobody():
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert "set LEADFLOW_STARTED_BY" in _refused(lambda: lf.Settings(**BASE))
    assert _with(monkeypatch, LEADFLOW_STARTED_BY="ann").started_by == "ann"

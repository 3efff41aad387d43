"""Names and places of settings: what is read, and what is refused."""

from __future__ import annotations

import codecs
import os
import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter
from setting_values import BASE, refusal_of, settings_with

import leadflow as lf
from leadflow.settings import DncSettings, IdicoreSettings, LitigatorSettings, Policy, SheetsSettings, WarehouseSettings
from leadflow.settings.sources import Known, Place, read

NAMES = sorted(Known.of(lf.Settings).single)


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("LEADFLOW")]:
        monkeypatch.delenv(name)


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
    said = refusal_of(lambda: lf.Settings(**BASE))
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
    assert settings_with(monkeypatch, **{name: "2"}).max_cost is None


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


def _value_for(field):
    """Something that this setting could hold, by its type."""
    schema = TypeAdapter(field.annotation).json_schema()
    kinds = {part.get("type") for part in schema.get("anyOf", [schema])}
    return "{}" if kinds <= {"object", "null"} else "[]" if kinds <= {"array", "null"} else "2"


@pytest.mark.parametrize("name", NAMES)
@given(upper=st.lists(st.booleans(), min_size=60, max_size=60))
@examples(max_examples=5, deadline=None)
def test_a_known_name_is_read_in_any_case(name, upper):
    written = "".join(c.upper() if up else c.lower() for c, up in zip(name, upper, strict=False))
    value = _value_for(Known.of(lf.Settings).single[name])
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
    assert said in refusal_of(make)


def test_settings_are_changed_by_a_copy_only():
    for part in (lf.Settings(**BASE), Policy()):
        assert "model_copy(update={'batch_size': ...})" in refusal_of(lambda part=part: setattr(part, "batch_size", 5))


def test_a_dict_of_settings_is_read_or_refused_in_one_line():
    assert lf.Settings.model_validate(BASE) == lf.Settings(**BASE) == lf.Settings(**lf.Settings(**BASE).model_dump())
    assert Policy.model_validate({"deliver_wireless": False}).deliver_wireless is False
    assert "the nearest is LEADFLOW_MAX_LOOKUPS" in refusal_of(
        lambda: lf.Settings.model_validate({**BASE, "max_lookup": 2})
    )
    assert "write lf.Settings(**values)" in refusal_of(lambda: lf.Settings(BASE))


@pytest.mark.parametrize("canary", [5045550143, "504-555-0143", ["5045550143"], (5045550143,), "+1 504 555 0143;"])
def test_a_canary_may_be_text_a_number_or_several(canary):
    assert DncSettings(login_id="dnc-word", canary=canary).canaries == ("+15045550143",)


def test_no_canary_and_a_day_as_python_has_it():
    assert DncSettings(login_id="dnc-word", canary=None).canaries == ()
    assert DncSettings(provider="list", list_path="x", list_date=date(2026, 11, 2)).list_date == "2026-11-02"


def test_a_part_as_json_is_read_and_its_members_are_proven(monkeypatch):
    assert settings_with(monkeypatch, LEADFLOW_SHEETS='{"worksheet": "mine"}').sheets.worksheet == "mine"
    monkeypatch.setenv("LEADFLOW_SHEETS", '{"worksheeet": "mine"}')
    assert "the nearest is LEADFLOW_SHEETS__WORKSHEET" in refusal_of(lambda: lf.Settings(**BASE))


def test_keys_below_a_mapping_are_free(monkeypatch):
    found = settings_with(
        monkeypatch, LEADFLOW_DNC__CODES__W="hold", LEADFLOW_WAREHOUSE__SESSION_PARAMETERS__TIMEZONE="UTC"
    )
    assert (found.dnc.codes, found.warehouse.session_parameters) == ({"w": "hold"}, {"timezone": "UTC"})


def test_all_that_is_wrong_is_said_at_once(monkeypatch):
    monkeypatch.setenv("LEADFLOW_MAX_LOOKUP", "2")
    monkeypatch.setenv("LEADFLOW_DNC__CODES", "{W: hold}")
    monkeypatch.setenv("LEADFLOW_POLICY__DELIVER_WIRELESS", "maybe")
    said = refusal_of(lf.Engine)
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
    assert "leadflow_max_lookup, in " in refusal_of(lambda: lf.Settings(**BASE, _secrets_dir=tmp_path / "run"))
    assert lf.Settings(**BASE, _env_file=None).max_cost is None


def test_the_home_of_the_env_file_is_that_of_lf_jobs(tmp_path, monkeypatch):
    from leadflow.history import history

    monkeypatch.setattr(history, "_default", None)
    (tmp_path / ".env").write_text(f"leadflow_home={tmp_path / 'house'}\n")
    assert history.default_path() == tmp_path / "house" / "history.duckdb"
    monkeypatch.setenv("LEADFLOW_HOME", str(tmp_path / "flat"))
    assert history.default_path() == tmp_path / "flat" / "history.duckdb"


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
        assert lookups in refusal_of(lambda: lf.Settings(**BASE))
    else:
        assert lf.Settings(**BASE).max_lookups == lookups


def test_an_accented_value_is_read_in_utf_8_and_utf_16(tmp_path):
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / ".env").write_bytes("LEADFLOW_SHEETS__WORKSHEET=Caf\u00e9\n".encode(encoding))
        assert lf.Settings(**BASE).sheets.worksheet == "Caf\u00e9"


def test_a_system_that_does_not_know_its_user_is_told_which_name_to_set(monkeypatch):
    import getpass

    def nobody():
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert "set LEADFLOW_STARTED_BY" in refusal_of(lambda: lf.Settings(**BASE))
    assert settings_with(monkeypatch, LEADFLOW_STARTED_BY="ann").started_by == "ann"

"""Which ways to sign in to Snowflake and to Google the settings allow."""

from __future__ import annotations

import json
import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from outcome import SCRIPT
from pydantic import SecretStr
from setting_values import refusal_of

import leadflow as lf
from leadflow.errors import RefusedError
from leadflow.services.sheets.google import credentials
from leadflow.services.warehouse.connection import connect_options
from leadflow.settings import SheetsSettings, WarehouseSettings

pytestmark = pytest.mark.connector


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("LEADFLOW")]:
        monkeypatch.delenv(name)


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
    assert said in refusal_of(lambda: WarehouseSettings(**given))


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
    found = refusal_of(lambda: credentials(settings))
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
    assert "there is no Google credentials file" in refusal_of(
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

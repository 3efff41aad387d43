"""Each way to sign in to Snowflake: our options are taken, and a server that is not there is said within seconds.

Runs with connector 4 and 5: nothing here needs the local world.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import warnings

import pytest
import snowflake.connector
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from leadflow.errors import RefusedError, TransientError
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import translated
from leadflow.settings import WarehouseSettings


@pytest.fixture
def closed_port():
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("keys") / "key.p8"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"key-word"),
        )
    )
    path.chmod(0o600)
    return path


def _settings(port, **more):
    where = {
        "account": "acme",
        "user": "ann",
        "host": "127.0.0.1",
        "port": port,
        "protocol": "http",
        "database": "D",
        "network_timeout_s": 4,
    }
    return WarehouseSettings(**where, **more)


def _kinds(key_file):
    key = {"private_key_file": key_file, "private_key_password": SecretStr("key-word")}
    return {
        "key pair": {"authenticator": "SNOWFLAKE_JWT", **key},
        "key pair alone": key,
        "token": {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": SecretStr("token-word")},
        "oauth": {"authenticator": "OAUTH", "token": SecretStr("token-word")},
        "browser": {"authenticator": "externalbrowser"},
    }


@pytest.mark.parametrize("kind", ["key pair", "key pair alone", "token", "oauth", "browser"])
def test_a_server_that_is_not_there_is_said_within_seconds(closed_port, key_file, kind):
    start = time.monotonic()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=DeprecationWarning, message=".*(deprecated|unknown).*")
        with pytest.raises(TransientError, match="sign in to Snowflake") as caught:
            Warehouse(_settings(closed_port, **_kinds(key_file)[kind])).connect()
    assert time.monotonic() - start < 60
    assert "-word" not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        "Failed to login: External browser SSO failed: HTTP retry budget exhausted during external browser flow. "
        "Connection refused (os error 111)",
        "Failed to login: Native Okta authentication failed: HTTP retry budget exhausted during Okta flow",
        "Failed to login: HTTP request failed: error sending request for url",
        "Failed to login: OAuth HTTP transport error",
    ],
)
def test_a_request_that_got_no_answer_may_be_sent_again(words):
    """Which of these connector 5 says depends on where its time ran out: one was only seen on a loaded machine."""

    def fail():
        raise snowflake.connector.errors.ProgrammingError(msg=words, errno=250001, sqlstate="08001")

    with pytest.raises(TransientError, match="could not sign in"):
        translated("sign in to Snowflake", fail)


@pytest.mark.parametrize(
    "wrong", [{"private_key_password": SecretStr("other-word")}, {"private_key_file": "/nowhere/key.p8"}]
)
def test_a_key_that_cannot_be_used_is_said(closed_port, key_file, wrong):
    settings = _settings(closed_port, **{**_kinds(key_file)["key pair"], **wrong})
    with pytest.raises(RefusedError, match="sign in to Snowflake") as caught:
        Warehouse(settings).connect()
    assert "-word" not in str(caught.value)


_NAMED = """
import sys
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.connection import translated
from leadflow.settings import WarehouseSettings
try:
    Warehouse(WarehouseSettings(connection_name=sys.argv[1], network_timeout_s=4)).connect()
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [("mine", "TransientError could not sign in"), ("other", "SqlError could not sign in to Snowflake")],
)
def test_a_connection_of_connections_toml(closed_port, tmp_path, name, said):
    """In a process of its own: the connector reads SNOWFLAKE_HOME when it is imported."""
    file = tmp_path / "connections.toml"
    file.write_text(
        '[mine]\naccount = "acme"\nuser = "ann"\nauthenticator = "PROGRAMMATIC_ACCESS_TOKEN"\ntoken = "token-word"\n'
        f'host = "127.0.0.1"\nport = {closed_port}\nprotocol = "http"\n'
    )
    file.chmod(0o600)
    tmp_path.chmod(0o700)
    found = subprocess.run(
        [sys.executable, "-c", _NAMED, name],
        env={**os.environ, "SNOWFLAKE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.stdout.startswith(said), found.stdout + found.stderr
    assert "token-word" not in found.stdout

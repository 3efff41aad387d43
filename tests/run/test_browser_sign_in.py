"""With authenticator externalbrowser, a process opens one browser, over the connector's real flow."""

from __future__ import annotations

import os
import subprocess
import sys
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow.errors import RefusedError, ServiceError
from leadflow.services.warehouse import Warehouse, browser
from leadflow.services.warehouse.browser import SessionUse
from leadflow.services.warehouse.connection import connector_major

pytestmark = pytest.mark.connector

_BROWSER = Path(__file__).parents[1] / "browser.py"


@pytest.fixture
def warehouse_settings(world, monkeypatch):
    """The settings of a person who signs in with a browser, in a process that has not done so yet."""
    monkeypatch.setenv("BROWSER", f"{sys.executable} {_BROWSER} %s &")
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    browser._accounts.clear()
    browser._tokens._tokens.clear()
    world.configure(id_tokens=None)
    yield world.settings.warehouse.model_copy(update={"authenticator": "externalbrowser", "token": None})
    for account in browser._accounts.values():
        for connection in account.idle:
            connection.close()
    browser._accounts.clear()


@pytest.fixture
def settings(world, warehouse_settings):
    return world.settings.model_copy(update={"batch_size": 20, "warehouse": warehouse_settings})


def _signed_in(world):
    found = world.stats()["snowflake"]
    return found["browsers"], found["logins"]


def test_estimate_run_and_report_open_one_browser(world, settings):
    with lf.Engine(settings) as engine:
        engine.estimate(SCRIPT, limit_rows=20)
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        assert job.ok
        assert engine.report(job.id).ok
        assert engine.run(SCRIPT, limit_rows=20, progress=False).ok
        assert _signed_in(world) == (1, 1)
        assert observe(world, engine, job.id).doubled == 0


def test_the_query_tag_of_a_job_is_its_own(world, warehouse_settings):
    tags = []
    for tag in ("leadflow:a", "leadflow:b'c"):
        with Warehouse(warehouse_settings, query_tag=tag) as warehouse:
            rows = warehouse.execute("SHOW PARAMETERS IN SESSION")
            tags += [row[1] for row in rows if row[0] == "QUERY_TAG"]
    assert tags == ["leadflow:a", "leadflow:b'c"]
    assert _signed_in(world) == (1, 1)


@pytest.mark.parametrize(
    "script",
    [
        "USE SCHEMA PUBLIC",
        "ALTER SESSION SET TIMEZONE = 'UTC'",
        "SET top = 5",
        "CREATE TEMPORARY TABLE mine (a INT)",
        "/* a\nnote */ USE ROLE PUBLIC",
        "CREATE OR REPLACE TEMPORARY TABLE PERSON_CACHE AS SELECT 1 AS a",
    ],
)
@pytest.mark.parametrize("id_tokens", [False, True])
def test_a_session_that_a_script_changed_is_lent_to_nobody(world, warehouse_settings, script, id_tokens):
    world.configure(id_tokens=id_tokens)
    with Warehouse(warehouse_settings) as first:
        first.execute(script)
        changed = first._connection
    with Warehouse(warehouse_settings) as second:
        assert second._connection is None
        second.connect()
        assert second._connection is not changed
        assert changed.is_closed() if callable(getattr(changed, "is_closed", None)) else True
    assert _signed_in(world) == (1 if id_tokens else 2, 2)


def test_leadflow_s_own_temporary_tables_are_gone_for_the_next_owner(world, warehouse_settings):
    with Warehouse(warehouse_settings) as first:
        first.execute(f"CREATE OR REPLACE TEMPORARY TABLE {first.temporary('LF_LEADS')} AS SELECT 1 AS a")
        assert first.execute(f"SELECT a FROM {first.temporary('LF_LEADS')}") == [(1,)]
    with Warehouse(warehouse_settings) as second:
        second.connect()
        with pytest.raises(RefusedError):
            second.execute(f"SELECT a FROM {second.temporary('LF_LEADS')}")
    assert _signed_in(world)[0] == 1


def test_two_threads_at_once_open_one_browser(world, warehouse_settings):
    world.configure(id_tokens=True)
    warehouses = [Warehouse(warehouse_settings) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Warehouse.connect, warehouses))
        assert len({id(warehouse._connection) for warehouse in warehouses}) == 4
        list(pool.map(Warehouse.close, warehouses))
    assert _signed_in(world) == (1, 4)


def test_two_jobs_at_once_open_one_browser(world, settings):
    world.configure(id_tokens=True)
    with lf.Engine(settings) as engine:
        handles = [engine.submit(SCRIPT, name=name, limit_rows=20) for name in ("a", "b")]
        assert all(handle.result(120).ok for handle in handles)
    assert _signed_in(world)[0] == 1


def test_without_id_tokens_two_threads_open_their_browsers_one_after_the_other(world, warehouse_settings):
    warehouses = [Warehouse(warehouse_settings) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Warehouse.connect, warehouses))
    for warehouse in warehouses:
        warehouse.close()
    with Warehouse(warehouse_settings) as third, Warehouse(warehouse_settings) as fourth:
        third.connect()
        fourth.connect()
    assert _signed_in(world) == (2, 2)


@pytest.mark.parametrize("code", ["390111", "390114"])
@pytest.mark.parametrize("id_tokens", [None, False])
def test_a_connection_that_died_is_signed_in_to_again(world, warehouse_settings, code, id_tokens):
    with Warehouse(warehouse_settings) as first:
        first.connect()
    world.configure(end_sessions=code, id_tokens=id_tokens)
    with Warehouse(warehouse_settings) as second:
        assert second.execute("SELECT 1") == [(1,)]
    assert _signed_in(world) == (2, 2)


def test_an_id_token_that_is_taken_back_leads_to_a_browser(world, warehouse_settings):
    world.configure(id_tokens=True)
    with Warehouse(warehouse_settings) as first:
        first.connect()
        world.configure(id_tokens=None)
        with Warehouse(warehouse_settings) as second:
            second.connect()
    assert _signed_in(world) == (2, 2)


_AT_ONCE = """
import leadflow as lf
from leadflow.services.warehouse import Warehouse
settings = lf.Settings().warehouse.model_copy(update={"authenticator": "externalbrowser", "token": None})
with Warehouse(settings) as one, Warehouse(settings) as other:
    one.connect()
    other.connect()
"""


def _run_child(code, **variables):
    environment = {**os.environ, "BROWSER": f"{sys.executable} {_BROWSER} %s &", **variables}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("has_runtime_folder", [True, False])
def test_no_token_outlives_the_process(world, tmp_path, has_runtime_folder):
    """In a process of its own: connector 5 looks for its cache's folder once."""
    world.configure(id_tokens=True)
    folders = {name: tmp_path / name for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR", "XDG_RUNTIME_DIR")}
    for name, folder in folders.items():
        if has_runtime_folder or name != "XDG_RUNTIME_DIR":
            folder.mkdir(mode=0o700)
    _run_child(_AT_ONCE, **world.env(), **{name: str(folder) for name, folder in folders.items()})
    assert _signed_in(world) == (1, 2)
    assert not [path for path in tmp_path.rglob("*") if "credential" in path.name]


def test_a_folder_for_tokens_that_the_user_has_set_is_used(world, tmp_path):
    world.configure(id_tokens=True)
    variables = {**world.env(), "SF_TEMPORARY_CREDENTIAL_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        _run_child(_AT_ONCE, **variables)
    assert _signed_in(world) == (1 if connector_major() >= 5 else 2, 4)


def test_a_session_that_ended_warns_of_nothing(world, warehouse_settings, monkeypatch, recwarn):
    monkeypatch.setattr("snowflake.connector.errors._FUTURE_BASE_CHANGE_WARNED", False, raising=False)
    with Warehouse(warehouse_settings) as warehouse:
        warehouse.connect()
        world.configure(end_sessions="390114")
        with pytest.raises(ServiceError):
            warehouse.execute("SELECT 1")
    assert not [str(one.message) for one in recwarn.list if one.category is not ResourceWarning]


def _idle():
    return sum(len(account.idle) for account in browser._accounts.values())


def test_a_session_whose_statement_was_not_answered_is_lent_to_nobody(world, warehouse_settings):
    with Warehouse(warehouse_settings.model_copy(update={"network_timeout_s": 2})) as first:
        first.connect()
        world.fail("snowflake", "503", times=1_000)
        with pytest.raises(ServiceError):
            first.execute("SELECT 1")
    assert _idle() == 0


def test_a_session_in_a_transaction_is_lent_to_nobody(world, warehouse_settings):
    with Warehouse(warehouse_settings) as first:
        first.execute("BEGIN")
    assert _idle() == 0
    with Warehouse(warehouse_settings) as second:
        second.execute("BEGIN")
        second.execute("ROLLBACK")
    assert _idle() == 1


def test_a_session_whose_statement_snowflake_refused_is_lent_again(world, warehouse_settings):
    with Warehouse(warehouse_settings) as first, pytest.raises(RefusedError):
        first.execute("SELECT * FROM NO_SUCH_TABLE")
    assert _idle() == 1


def test_two_people_never_share_a_session(world, warehouse_settings):
    for change in ({"user": "ann"}, {"user": "bob"}, {"role": "OTHER"}, {"schema_name": "OTHER"}):
        with Warehouse(warehouse_settings.model_copy(update=change)) as warehouse:
            warehouse.connect()
    assert _signed_in(world)[1] == 4


def test_other_ways_to_sign_in_are_as_before(world):
    for _ in range(2):
        with Warehouse(world.settings.warehouse) as warehouse:
            warehouse.connect()
    assert _signed_in(world) == (0, 2)


_NAMED = """
from leadflow.services.warehouse import Warehouse
from leadflow.settings import WarehouseSettings
for _ in range(2):
    with Warehouse(WarehouseSettings(connection_name="mine")) as warehouse:
        warehouse.execute("SELECT 1")
"""


def test_a_connection_of_connections_toml_opens_one_browser(world, tmp_path):
    """In a process of its own: the connector reads SNOWFLAKE_HOME when it is imported."""
    where = world.settings.warehouse
    file = tmp_path / "connections.toml"
    file.write_text(
        '[mine]\naccount = "fakesnow"\nuser = "ann"\nauthenticator = "externalbrowser"\nhost = "127.0.0.1"\n'
        f'port = {where.port}\nprotocol = "http"\ndatabase = "LEADS_DB"\nschema = "PUBLIC"\n'
    )
    file.chmod(0o600)
    tmp_path.chmod(0o700)
    _run_child(_NAMED, SNOWFLAKE_HOME=str(tmp_path))
    assert _signed_in(world) == (1, 1)


@pytest.mark.parametrize(
    ("sql", "is_clean"),
    [
        ("SELECT 1", True),
        ("  with a as (select 1) select * from a", True),
        ("-- why\nSELECT 1", True),
        ("/* why */ -- and\n SELECT 1", True),
        ('CREATE OR REPLACE TEMPORARY TABLE "D"."P"."LF_SCRIPT" AS SELECT 1', True),
        ("CREATE TABLE IF NOT EXISTS T (a INT)", True),
        ("MERGE INTO T USING S ON T.a = S.a WHEN MATCHED THEN UPDATE SET a = 1", True),
        ("SETTING", False),
        ("SET a = 1", False),
        ("UNSET a", False),
        ("USE ROLE x", False),
        ("alter session set a = 1", False),
        ("CREATE TEMP TABLE x AS SELECT 1", False),
        ("CREATE OR REPLACE TEMP TABLE x AS SELECT 1", False),
        ("CREATE LOCAL TEMPORARY TABLE x (a INT)", False),
        ("CREATE TEMPORARY STAGE s", False),
        ("EXECUTE IMMEDIATE 'USE ROLE x'", False),
        ("CALL p()", False),
        ("BEGIN LET x := 1; END", False),
        ("-- SELECT\nUSE ROLE x", False),
        ("/* SELECT */ USE ROLE x", False),
        ("SELECTED", False),
    ],
)
def test_which_statements_leave_a_session_clean(sql, is_clean):
    use = SessionUse()
    use.record(sql)
    assert use.is_clean is is_clean

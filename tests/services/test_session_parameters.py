"""Parameters that an account, a user or connections.toml sets otherwise do not change what a job does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow.errors import RefusedError
from leadflow.services.warehouse import Warehouse

pytestmark = pytest.mark.connector

_ODD = {
    "QUOTED_IDENTIFIERS_IGNORE_CASE": True,
    "TIMESTAMP_INPUT_FORMAT": "DD/MM/YYYY HH24:MI",
    "ROWS_PER_RESULTSET": 3,
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_TZ",
}


def test_a_job_in_an_account_with_other_defaults(world):
    world.configure(account_parameters=_ODD)
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        world.configure(account_parameters={})
        assert job.counts.bought == 20
        assert observe(world, engine, job.id).clean
        assert engine.report(job.id).ok


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        (
            "QUOTED_IDENTIFIERS_IGNORE_CASE",
            'SELECT COUNT(*) FROM (SELECT 1 AS "a", 2 AS "A") WHERE "a" = 1 AND "A" = 2',
        ),
        ("ROWS_PER_RESULTSET", "SELECT * FROM RAW_LEADS LIMIT 7"),
    ],
)
def test_each_default_is_replaced_at_the_sign_in(world, name, sql):
    world.configure(account_parameters=_ODD)
    with Warehouse(world.settings.warehouse) as warehouse:
        rows = warehouse.execute(sql)
        assert len(rows) in (1, 7)
        shown = {key: value for key, value, *_ in warehouse.execute("SHOW PARAMETERS")}
        assert shown[name] in ("false", "0")
        assert shown["TIMESTAMP_TYPE_MAPPING"] == "TIMESTAMP_TZ"  # the script's own affair


def test_the_stand_in_reads_times_by_the_session_s_format(world):
    world.configure(account_parameters=_ODD)
    with Warehouse(world.settings.warehouse) as warehouse, pytest.raises(RefusedError, match="100035"):
        warehouse.execute("SELECT '2026-01-01 10:00:00'::TIMESTAMP_NTZ")


_NAMED = """
import sys, warnings
from leadflow.services.warehouse.parameters import session_parameters
from leadflow.settings import WarehouseSettings
settings = WarehouseSettings(connection_name="mine", session_parameters={"week_start": 7})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = session_parameters(settings, "leadflow:1")
print({n: v for n, v in found.items() if n in ("TIMEZONE", "WEEK_START", "AUTOCOMMIT", "QUERY_TAG")})
print([str(w.message)[:70] for w in caught if w.category is UserWarning])
"""


def test_session_parameters_of_connections_toml_are_kept_but_leadflow_s_own(tmp_path):
    """In a process of its own: the connector reads SNOWFLAKE_HOME when it is imported."""
    file = tmp_path / "connections.toml"
    file.write_text(
        '[mine]\naccount = "acme"\nuser = "ann"\n[mine.session_parameters]\n'
        'TIMEZONE = "America/Denver"\nautocommit = false\nQUERY_TAG = "mine"\nWEEK_START = 1\n'
    )
    file.chmod(0o600)
    tmp_path.chmod(0o700)
    environment = {**os.environ, "SNOWFLAKE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", _NAMED], env=environment, capture_output=True, text=True, timeout=120)
    parameters, said = done.stdout.splitlines()
    assert "'TIMEZONE': 'America/Denver'" in parameters, done.stderr
    assert "'WEEK_START': 7" in parameters
    assert "'AUTOCOMMIT': True" in parameters
    assert "'QUERY_TAG': 'leadflow:1'" in parameters
    assert "sets QUERY_TAG, autocommit" in said

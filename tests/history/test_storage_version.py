"""Any DuckDB that pyproject.toml allows reads a history that the newest has written; a newer file is named so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import duckdb
import pytest

from leadflow.errors import HistoryError
from leadflow.history import History, migrations
from leadflow.history.store import Store

_ROOT = Path(__file__).parents[2]
# A folder with the oldest DuckDB (pip install --target FOLDER duckdb==1.4.0), where no package can be installed.
_FOLDER = "OLDEST_DUCKDB_FOLDER"
_WORKS_WITH_IT = """
import sys, duckdb
from leadflow.history import History
assert duckdb.__version__ == sys.argv[2], duckdb.__version__
history = History(sys.argv[1])
assert list(history.jobs()["id"]) == ["j"], history.jobs()
assert history.job("j")["job_type"] == "rescrub"
history.start_job(id="k")
history.record_batch("j", 1, delivered=5)
history.flush()
"""


def _oldest():
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (bound,) = (re.fullmatch(r"duckdb>=([\d.]+).*", d) for d in project["dependencies"] if d.startswith("duckdb"))
    return ".".join([*bound[1].split("."), "0", "0"][:3])


@pytest.fixture(scope="session")
def oldest_duckdb(tmp_path_factory):
    """A folder for PYTHONPATH with the oldest DuckDB that is allowed."""
    if folder := os.environ.get(_FOLDER):
        return folder
    folder = str(tmp_path_factory.mktemp("duckdb"))
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", folder, f"duckdb=={_oldest()}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"duckdb {_oldest()} cannot be installed here; {_FOLDER} may name a folder with it")
    return folder


def test_a_new_file_is_for_the_oldest_duckdb_that_is_allowed(tmp_path):
    assert f"v{_oldest()}" == migrations.STORAGE_VERSION
    history = History(tmp_path / "history.duckdb")
    for number in range(2):
        history.start_job(id=f"j{number}")
        with history._store.read() as connection:
            found = connection.execute(
                "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()"
            )
            assert found.fetchone() == (f"{migrations.STORAGE_VERSION}+",)


def test_the_oldest_duckdb_reads_and_writes_what_the_newest_wrote(tmp_path, oldest_duckdb):
    history = History(tmp_path / "history.duckdb")
    history.start_job(id="j", job_type="rescrub")
    history.record_batch("j", 1, delivered=3)
    history.record_leads("j", 1, [(f"k{n}", "delivered", "") for n in range(5_000)])
    history.close()
    done = subprocess.run(
        [sys.executable, "-c", _WORKS_WITH_IT, str(history.path), _oldest()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([oldest_duckdb, str(_ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert history.batches("j")["delivered"].tolist() == [8]
    assert sorted(history.jobs()["id"]) == ["j", "k"]
    assert len(history.leads("j")) == 5_000


def test_a_file_of_a_newer_duckdb_is_named_so(tmp_path):
    said = (
        "IO Error: Trying to read a database file with version number 99, but we can only read versions between 64 and "
        "67.\nThe database file was created with an newer version of DuckDB."
    )
    error = Store(tmp_path / "history.duckdb")._explained(duckdb.IOException(said))
    assert isinstance(error, HistoryError)
    assert "newer DuckDB than the one installed" in str(error)
    assert "pip install --upgrade duckdb" in str(error)


def test_a_file_of_a_newer_duckdb_is_refused_by_the_oldest(tmp_path, oldest_duckdb):
    path = tmp_path / "history.duckdb"
    with duckdb.connect(":memory:") as db:
        db.execute(f"ATTACH '{path}' AS newest (STORAGE_VERSION 'latest')")
        db.execute("CREATE TABLE newest.etl_jobs (id VARCHAR)")
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from leadflow.history import History; History(sys.argv[1]).jobs()", path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([oldest_duckdb, str(_ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0 or "has no table" in done.stderr:
        pytest.skip("the installed DuckDB has the oldest one's newest format")
    assert "HistoryError" in done.stderr
    assert "newer DuckDB" in done.stderr
    assert path.read_bytes() == before

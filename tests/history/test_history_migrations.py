"""A history of every older version is brought to the current one: all rows, at once by many, killed anywhere."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import duckdb
import pytest
from old_records import (
    as_nobody,
    dump_duckdb,
    in_a_fork,
    killed_at_line,
    unpack,
    with_files_up_to,
    without_new,
)

import leadflow as lf
from leadflow.errors import HistoryError
from leadflow.history import History, migrations
from leadflow.history.migrations import MIGRATIONS, VERSION, Migration

_CHANGES = {
    "new table": ("CREATE TABLE extra (a VARCHAR)", "INSERT INTO extra SELECT id FROM etl_jobs"),
    "new column": ("ALTER TABLE etl_jobs ADD COLUMN extra INTEGER DEFAULT 7",),
    "new column of batches": ("ALTER TABLE batches ADD COLUMN extra VARCHAR DEFAULT 'x'",),
    "changed rows": ("UPDATE job_events SET level = upper(level)", "UPDATE etl_jobs SET message = 'x'"),
    "renamed column": ("ALTER TABLE job_logs RENAME COLUMN created_at TO happened",),
    "dropped column": ("ALTER TABLE job_leads DROP COLUMN batch",),
    "other table": (
        "CREATE TABLE new_batches (batch INTEGER, job_id VARCHAR, PRIMARY KEY (batch, job_id))",
        "INSERT INTO new_batches SELECT batch, job_id FROM batches",
        "DROP TABLE batches",
        "ALTER TABLE new_batches RENAME TO batches",
    ),
}


@pytest.fixture
def path(tmp_path):
    return unpack("history.duckdb", tmp_path)


def _open(path):
    return len(History(path).jobs(limit=None))


def _version(path):
    with duckdb.connect(str(path)) as db:
        if db.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'leadflow_schema'").fetchone():
            return db.execute("SELECT version FROM leadflow_schema").fetchall()
    return [(0,)]


def _schema(path):
    with duckdb.connect(str(path)) as db:
        columns = db.execute(
            "SELECT table_name, column_name, column_index, data_type, column_default, is_nullable "
            "FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        keys = db.execute(
            "SELECT table_name, constraint_type, constraint_text FROM duckdb_constraints() ORDER BY ALL"
        ).fetchall()
    return columns, keys


def _at_version(monkeypatch, path, version):
    """Bring the file of 0.1.0 to a version; it has rows in each table."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "VERSION", version)
        patch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:version])
        with History(path)._store.read() as db:
            if version >= 4:  # the table is new in version 4
                db.execute("INSERT INTO left_out VALUES ('j', 'over_limit', uuid(), now()::TIMESTAMP)")


def test_steps_are_numbered_one_by_one():
    assert [step.version for step in MIGRATIONS] == list(range(1, VERSION + 1))
    assert all(step.summary and step.statements for step in MIGRATIONS)


@pytest.mark.parametrize("version", range(VERSION + 1))
def test_each_version_keeps_every_row_and_column(monkeypatch, path, version):
    _at_version(monkeypatch, path, version)
    before = dump_duckdb(path)
    assert _version(path) == [(version,)]
    assert all(before.values())
    assert _open(path) == 4
    after = dump_duckdb(path)
    before.pop("leadflow_schema", None)
    assert without_new(after, before) == before
    assert _version(path) == [(VERSION,)]


@pytest.mark.parametrize("version", range(VERSION + 1))
def test_a_migrated_file_has_the_schema_of_a_new_one(monkeypatch, path, tmp_path, version):
    _at_version(monkeypatch, path, version)
    _open(path)
    new = tmp_path / "new" / "history.duckdb"
    assert _open(new) == 0
    assert _schema(path) == _schema(new)
    assert _version(new) == [(VERSION,)]


@pytest.mark.parametrize("change", _CHANGES)
def test_a_step_can_make_each_change_that_the_rules_allow(monkeypatch, path, change):
    _open(path)
    before = dump_duckdb(path)
    step = Migration(VERSION + 1, change, _CHANGES[change])
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, step))
    monkeypatch.setattr(migrations, "VERSION", VERSION + 1)
    with History(path)._store.read():
        pass
    after = dump_duckdb(path)
    assert _version(path) == [(VERSION + 1,)]
    assert {name: len(rows) for name, rows in before.items()} == {name: len(after[name]) for name in before}


def test_a_step_that_fails_leaves_the_version_before_it(monkeypatch, path):
    broken = Migration(VERSION + 1, "broken", ("DELETE FROM job_events", "no SQL"))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
        patch.setattr(migrations, "VERSION", VERSION + 1)
        with pytest.raises(HistoryError, match="cannot be read or written"):
            _open(path)
    assert _version(path) == [(VERSION,)]
    assert dump_duckdb(path)["job_events"]


def test_a_file_of_a_newer_version_is_refused_and_not_changed(path):
    _open(path)
    with duckdb.connect(str(path)) as db:
        db.execute("UPDATE leadflow_schema SET version = version + 1")
    before = path.read_bytes()
    for use in (History(path).jobs, lambda: lf.trace("j", history=path), lambda: History(path).start_job(id="j")):
        with pytest.raises(HistoryError, match=r"newer leadflow.*pip install --upgrade leadflow"):
            use()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("table", ["customers (id INTEGER)", "leadflow_schema (version INTEGER)"])
def test_the_file_of_another_program_is_refused_and_not_changed(tmp_path, table):
    path = tmp_path / "history.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute(f"CREATE TABLE {table}")
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="not a history that this leadflow knows"):
        History(path).jobs()
    assert path.read_bytes() == before


@pytest.mark.parametrize("old", [True, False], ids=["old", "new"])
def test_processes_that_open_it_at_once_all_succeed(path, old):
    if not old:
        path.unlink()
    reads, writes = os.pipe()
    children = []
    for number in range(4):
        if (pid := os.fork()) == 0:
            os.close(writes)
            os.read(reads, 1)  # until the parent lets all go at once
            code = 1
            try:
                History(path).start_job(id=f"new{number}")
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    os.close(writes)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    os.close(reads)
    assert _version(path) == [(VERSION,)]
    assert _open(path) == (8 if old else 4)


def test_the_next_open_finishes_what_a_kill_cut_off_at_any_line(path, tmp_path):
    whole = tmp_path / "whole.duckdb"
    shutil.copy(path, whole)
    _open(whole)
    expected, code, number = dump_duckdb(whole), -9, 0
    while code == -9:
        number += 1
        other = tmp_path / f"killed{number}.duckdb"
        shutil.copy(path, other)
        code, text = in_a_fork(killed_at_line(number, migrations.__file__, lambda path=other: _open(path)))
        assert _open(other) == 4
        assert dump_duckdb(other) == expected, number
        other.unlink()
    assert (code, text) == (0, "4")
    assert number > 15


def test_a_full_disk_is_reported_and_loses_nothing(path):
    before = dump_duckdb(path)
    for size in (0, 100, 1_000, path.stat().st_size):
        code, text = in_a_fork(with_files_up_to(size, lambda: _open(path)))
        assert code == 0 or "Check free disk space" in text, (size, text)
        assert size or code == 1
        if code:
            assert without_new(dump_duckdb(path), before) == before
    assert _open(path) == 4
    assert without_new(dump_duckdb(path), before) == before


def test_a_file_that_may_only_be_read_is_reported_and_loses_nothing():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = unpack("history.duckdb", folder)
        before = path.read_bytes()
        path.chmod(0o444)
        folder.chmod(0o555)
        code, text = in_a_fork(as_nobody(lambda: _open(path)))
        folder.chmod(0o700)
        assert code == 1
        assert "permissions" in text
        assert path.read_bytes() == before


def test_a_process_that_only_reads_migrates_an_old_file_too(path):
    jobs = dump_duckdb(path)["etl_jobs"]
    for job in jobs:
        code, text = in_a_fork(lambda job=job: len(lf.trace(job["id"], history=path)))
        assert (code, int(text) > 5) == (0, True), text
    assert _version(path) == [(VERSION,)]

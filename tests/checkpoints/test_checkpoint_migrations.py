"""Checkpoints of every older version are brought to the current one: all rows, at once by many, killed anywhere."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from old_records import (
    as_nobody,
    dump_sqlite,
    in_a_fork,
    killed_at_line,
    unpack,
    with_files_up_to,
    without_new,
)

from leadflow.checkpoints import Checkpoints, migrations
from leadflow.checkpoints.migrations import MIGRATIONS, VERSION, Migration
from leadflow.errors import HistoryError

_ROWS = {
    "pids": "INSERT INTO pids VALUES ('j', 'p', 'k')",
    "accepted": "INSERT INTO accepted VALUES ('j', 'k', 'p', 1.5)",
    "checked": "INSERT INTO checked VALUES ('j', 'dnc', 7)",
    "suppressions": "INSERT INTO suppressions VALUES (1, 'i', '', 'k', 'r', 's', 'me', 'now', 'all', '', 1, 2, NULL)",
    "suppression_targets": "INSERT INTO suppression_targets VALUES ('sheet', 1, '', 'now')",
    "unproven_appends": "INSERT INTO unproven_appends VALUES ('j', 'sheet')",
    "unrecorded_withdrawals": "INSERT INTO unrecorded_withdrawals VALUES ('sheet', 'k', 'p', 'j')",
    "further_answers": "INSERT INTO further_answers VALUES ('k', 'p', '{}', 'j', 1.5, 0.28)",
    "further_lost": "INSERT INTO further_lost VALUES ('j', 'p', 1, 0.28)",
    "flagged": "INSERT INTO flagged VALUES ('j', 'dnc', 7)",
    "sqlite_sequence": "UPDATE sqlite_sequence SET seq = seq",
}
_CHANGES = {
    "new table": ("CREATE TABLE extra (a TEXT)", "INSERT INTO extra SELECT phone FROM scrubs"),
    "new index": ("CREATE INDEX by_phone ON scrubs (phone)",),
    "new column": ("ALTER TABLE leads ADD COLUMN extra TEXT NOT NULL DEFAULT 'x'",),
    "renamed column": ("ALTER TABLE scrubs RENAME COLUMN saved_at TO stored_at",),
    "dropped column": ("ALTER TABLE jobs DROP COLUMN extracted_at",),
    "changed rows": ("UPDATE jobs SET plan = json_set(plan, '$.extra', 1)",),
    "other table": (
        "CREATE TABLE new_scrubs (kind TEXT, phone TEXT, payload TEXT, saved_at REAL, PRIMARY KEY (kind, phone))",
        "INSERT INTO new_scrubs SELECT kind, phone, payload, saved_at FROM scrubs",
        "DROP TABLE scrubs",
        "ALTER TABLE new_scrubs RENAME TO scrubs",
    ),
}


@pytest.fixture
def path(tmp_path):
    return unpack("checkpoints.sqlite", tmp_path)


def _open(path):
    Checkpoints(path).close()


def _version(path):
    db = sqlite3.connect(path)
    found = db.execute("PRAGMA user_version").fetchone()[0]
    db.close()
    return found


def _schema(path):
    """Tables with their columns, keys and indexes, whichever way they were made."""
    db = sqlite3.connect(path)
    names = sorted(name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
    indexes = {name: sorted(row[1:] for row in db.execute(f"PRAGMA index_list({name})")) for name in names}
    found = {
        name: (db.execute(f"PRAGMA table_xinfo({name})").fetchall(), indexes[name]) for name in names if name[0] != "s"
    }
    db.close()
    return found


def _lost(version, table, row):
    """The rows that a step deletes on purpose."""
    clean = '"verdict": "clean"' in row.get("payload", "") and '"provider": "dncscrub"' in row.get("payload", "")
    return version < 1 and table == "scrubs" and row["kind"] == "dnc" and clean


def _at_version(monkeypatch, path, version):
    """Bring the file of 0.1.0 to a version, and give each table a row."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "VERSION", version)
        _open(path)
    db = sqlite3.connect(path)
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table, sql in _ROWS.items():
        if table in tables:
            db.execute(sql)
    db.commit()
    db.close()


def test_steps_are_numbered_one_by_one():
    assert [step.version for step in MIGRATIONS] == list(range(1, VERSION + 1))
    assert all(step.summary and step.statements for step in MIGRATIONS)


@pytest.mark.parametrize("version", range(VERSION + 1))
def test_each_version_keeps_every_row_and_column(monkeypatch, path, version):
    _at_version(monkeypatch, path, version)
    before = dump_sqlite(path)
    assert _version(path) == version
    assert all(before.values())
    _open(path)
    after = dump_sqlite(path)
    expected = {table: [row for row in rows if not _lost(version, table, row)] for table, rows in before.items()}
    assert without_new(after, before) == expected
    assert _version(path) == VERSION


@pytest.mark.parametrize("version", range(VERSION + 1))
def test_a_migrated_file_has_the_schema_of_a_new_one(monkeypatch, path, tmp_path, version):
    _at_version(monkeypatch, path, version)
    _open(path)
    new = tmp_path / "new" / "checkpoints.sqlite"
    _open(new)
    assert _schema(path) == _schema(new)
    assert _version(new) == VERSION


@pytest.mark.parametrize("change", _CHANGES)
def test_a_step_can_make_each_change_that_the_rules_allow(monkeypatch, path, change):
    _open(path)
    before = dump_sqlite(path)
    step = Migration(VERSION + 1, change, _CHANGES[change])
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, step))
    monkeypatch.setattr(migrations, "VERSION", VERSION + 1)
    _open(path)
    after = dump_sqlite(path)
    assert _version(path) == VERSION + 1
    assert {name: len(rows) for name, rows in before.items()} == {name: len(after[name]) for name in before}


def test_a_step_that_fails_leaves_the_version_before_it(monkeypatch, path):
    broken = Migration(VERSION + 1, "broken", ("DELETE FROM answers", "no SQL"))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
        patch.setattr(migrations, "VERSION", VERSION + 1)
        with pytest.raises(HistoryError, match="cannot be opened or upgraded"):
            _open(path)
    assert _version(path) == VERSION
    assert len(dump_sqlite(path)["answers"]) == 132


def test_a_file_of_a_newer_version_is_refused_and_not_changed(path):
    _open(path)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(HistoryError, match=r"newer leadflow.*pip install --upgrade leadflow"):
        Checkpoints(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_file_of_another_program_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "checkpoints.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE customers (id INTEGER)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="not the checkpoints of leadflow"):
        Checkpoints(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("old", [True, False], ids=["old", "new"])
def test_processes_that_open_it_at_once_all_succeed(path, old):
    if not old:
        path.unlink()
    reads, writes = os.pipe()
    children = []
    for _ in range(6):
        if (pid := os.fork()) == 0:
            os.close(writes)
            os.read(reads, 1)  # until the parent lets all go at once
            code = 1
            try:
                checkpoints = Checkpoints(path)
                code = 0 if len(checkpoints.keys("x")) == 0 else 2
            finally:
                os._exit(code)
        children.append(pid)
    os.close(writes)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 6
    os.close(reads)
    assert _version(path) == VERSION
    assert len(dump_sqlite(path)["answers"]) == (132 if old else 0)


@pytest.mark.parametrize("old", [True, False], ids=["old", "new"])
def test_the_next_open_finishes_what_a_kill_cut_off_at_any_line(path, tmp_path, old):
    whole = tmp_path / "whole" / "checkpoints.sqlite"
    whole.parent.mkdir()
    if old:
        shutil.copy(path, whole)
    _open(whole)
    expected, code, number = dump_sqlite(whole), -9, 0
    while code == -9:
        number += 1
        other = tmp_path / f"killed{number}" / "checkpoints.sqlite"
        other.parent.mkdir()
        if old:
            shutil.copy(path, other)
        code, text = in_a_fork(killed_at_line(number, migrations.__file__, lambda path=other: _open(path)))
        _open(other)
        assert (dump_sqlite(other), _version(other)) == (expected, VERSION), number
    assert (code, text) == (0, "None")
    assert number > 20


def test_a_full_disk_is_reported_and_loses_nothing(path):
    before = dump_sqlite(path)
    for size in (0, 100, 8_000, path.stat().st_size - 4096):
        code, text = in_a_fork(with_files_up_to(size, lambda: _open(path)))
        assert code == 0 or "Free disk space" in text, (size, text)
        assert size or code == 1
        if code:
            assert _version(path) == 0
            assert dump_sqlite(path) == before
    _open(path)
    assert _version(path) == VERSION


def test_a_file_that_may_only_be_read_is_reported_and_loses_nothing():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = unpack("checkpoints.sqlite", folder)
        before = dump_sqlite(path)
        path.chmod(0o444)
        folder.chmod(0o555)
        code, text = in_a_fork(as_nobody(lambda: _open(path)))
        folder.chmod(0o700)
        assert code == 1
        assert "fix the permissions" in text
        assert "paid answers" in text
        assert dump_sqlite(path) == before

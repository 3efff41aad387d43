"""Schema versions of the checkpoints, and the steps from each to the next.

The version is SQLite's `user_version`. A new file gets schema.sql, the tables of the current version. An older file is
migrated when it is opened, one step after another, each in a transaction that sets the new version too. A process that
is killed leaves the file at one version or the next, and the next open runs the remaining steps. If two processes open
it at once, one migrates and the other waits.

To change the schema, change schema.sql and append a step to MIGRATIONS that makes the same change to the version
before. A released step never changes. What a step may do:
- add a table, an index, or a column with a default (`ALTER TABLE ... ADD COLUMN`), always as the last column;
- rename or drop a column (`ALTER TABLE ... RENAME COLUMN / DROP COLUMN`);
- change rows (`UPDATE`, `DELETE`, `INSERT ... SELECT`), with the JSON functions inside `plan`, `payload` and `row`;
- any other change of a table: create the new one, `INSERT ... SELECT`, drop the old one, rename the new one.

A step must not run `PRAGMA` or `VACUUM`, which fail or have no effect in a transaction. It must not rename the tables
`answers` and `leads`, which identify a file as ours. A process of an older leadflow may still have the file open. Its
writes fail if a step renames or drops a name that it uses, so prefer to add.
Paid answers also wait in journals beside the file. They are not part of the schema. A change of their record format
needs a journal file with another suffix.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from importlib.resources import files

from leadflow.errors import HistoryError

_RECOGNISED_BY = {"answers", "leads"}


@dataclass(frozen=True)
class Migration:
    """One step: the statements that bring a file from the version before to this version."""

    version: int
    summary: str
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        "Tables for accepted candidates, the pids of a job and the numbers checked. Before this version a wireless "
        "number that DNCScrub answered C for was stored as clean: such checks are deleted, so they are made again.",
        (
            "CREATE TABLE IF NOT EXISTS pids (job_id TEXT NOT NULL, pid TEXT NOT NULL, person_key TEXT NOT NULL, "
            "PRIMARY KEY (job_id, pid)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS accepted (job_id TEXT NOT NULL, person_key TEXT NOT NULL, pid TEXT NOT NULL, "
            "accepted_at REAL NOT NULL, PRIMARY KEY (job_id, person_key)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS checked (job_id TEXT NOT NULL, kind TEXT NOT NULL, numbers INTEGER NOT NULL, "
            "PRIMARY KEY (job_id, kind))",
            "DELETE FROM scrubs WHERE kind = 'dnc' AND json_extract(payload, '$.provider') = 'dncscrub' "
            "AND json_extract(payload, '$.verdict') = 'clean'",
        ),
    ),
    Migration(
        2,
        "Tables for the house's own do-not-call list, and for what is still to be done about it.",
        (
            "CREATE TABLE IF NOT EXISTS suppressions (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, "
            "phone TEXT NOT NULL, lead_key TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL, "
            "added_by TEXT NOT NULL, added_at TEXT NOT NULL, scope TEXT NOT NULL, expires_on TEXT NOT NULL, "
            "in_table INTEGER NOT NULL DEFAULT 0, withdrawn INTEGER NOT NULL DEFAULT 0, closed_at TEXT)",
            "CREATE INDEX IF NOT EXISTS suppressed_phones ON suppressions (phone)",
            "CREATE INDEX IF NOT EXISTS suppressed_keys ON suppressions (lead_key)",
            "CREATE TABLE IF NOT EXISTS suppression_targets (target TEXT PRIMARY KEY, seq INTEGER NOT NULL, "
            "obstacle TEXT NOT NULL, tried_at TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS unproven_appends (job_id TEXT NOT NULL, target TEXT NOT NULL, "
            "PRIMARY KEY (job_id, target)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS unrecorded_withdrawals (target TEXT NOT NULL, lead_key TEXT NOT NULL, "
            "phone TEXT NOT NULL, job_id TEXT NOT NULL, PRIMARY KEY (target, lead_key, phone, job_id)) WITHOUT ROWID",
        ),
    ),
    Migration(
        3,
        "Tables for the answers of further sources of phones and their searches without an answer, and for the flagged "
        "numbers of each job.",
        (
            "CREATE TABLE IF NOT EXISTS further_answers (person_key TEXT NOT NULL, provider TEXT NOT NULL, "
            "payload TEXT NOT NULL, job_id TEXT NOT NULL, saved_at REAL NOT NULL, cost REAL NOT NULL, "
            "PRIMARY KEY (person_key, provider)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS further_lost (job_id TEXT NOT NULL, provider TEXT NOT NULL, "
            "searches INTEGER NOT NULL, cost REAL NOT NULL, PRIMARY KEY (job_id, provider)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS flagged (job_id TEXT NOT NULL, kind TEXT NOT NULL, numbers INTEGER NOT NULL, "
            "PRIMARY KEY (job_id, kind)) WITHOUT ROWID",
        ),
    ),
)
VERSION = MIGRATIONS[-1].version


def raise_if_unknown(db: sqlite3.Connection, path: object) -> None:
    """Raise HistoryError for a file of a newer version and for another program's file. Changes nothing."""
    tables, version = _tables(db), _version(db)
    if tables and not tables >= _RECOGNISED_BY:
        raise HistoryError(
            f"{path} is an SQLite file, but not the checkpoints of leadflow. "
            "Move it aside, or set LEADFLOW_HOME to another folder"
        )
    if version > VERSION:
        raise HistoryError(
            f"the checkpoint file {path} was written by a newer leadflow (schema version {version}; this one reads up "
            f"to {VERSION}). Nothing in it was changed. Upgrade leadflow: pip install --upgrade leadflow"
        )


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to the current version, or make its tables if it has none."""
    while _version(db) < VERSION:
        _take_one_step(db)


def _take_one_step(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have migrated the file while this one waited.
        found = _version(db)
        if found < VERSION:
            step = MIGRATIONS[found] if _tables(db) else _everything()
            for statement in step.statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {step.version}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _everything() -> Migration:
    """Return the step from an empty file to the current version."""
    schema = files("leadflow.checkpoints").joinpath("schema.sql").read_text("utf-8")
    return Migration(VERSION, "schema.sql", tuple(part for part in schema.split(";") if part.strip()))


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _tables(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

"""Schema versions of the history, and the steps from each to the next.

The version is the one row of the table `leadflow_schema`. A file without that table has version 0: leadflow 0.1.0
wrote it. A new file gets schema.sql, the tables of the current version. An older file is migrated when it is opened,
for a write or a read, one step after another, each in a transaction that sets the new version too. A killed process
leaves the file at one version or the next, and the next open runs the remaining steps. DuckDB lets only one process at
a time open the file. If two processes open it at once, one migrates and the other waits.

To change the schema: change schema.sql, and append a step to MIGRATIONS that makes the same change to the version
before. A released step never changes. What a step may do:
- add a table, or a column with a default (`ALTER TABLE ... ADD COLUMN`), always as the last column, in schema.sql too;
- change rows (`UPDATE`, `DELETE`, `INSERT ... SELECT`) of tables that no statement of the same step alters;
- rename or drop a column of a table without a key or an index (`job_logs`, `job_events`, `job_leads`);
- any other change of a table: create the new one, `INSERT ... SELECT`, drop the old one, rename the new one.
A step must not change or drop a column of `etl_jobs` or `batches` in place, because DuckDB refuses that for a table
with a key. It must not add a column with NOT NULL or a key, which DuckDB refuses as well. It must not rename
`etl_jobs`, which identifies a file as ours. It must not use a feature that the oldest DuckDB in pyproject.toml lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# The oldest DuckDB that pyproject.toml allows, so that every allowed version can read a new file.
STORAGE_VERSION = "v1.4.0"
_IS_HISTORY = "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND table_name = 'etl_jobs'"


class NotAHistoryError(Exception):
    """The file is a DuckDB file of another program."""


class NewerSchemaError(Exception):
    """The file was written by a newer leadflow."""


@dataclass(frozen=True)
class Migration:
    """One step: the statements that bring a file from the version before to this version."""

    version: int
    summary: str
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        "The version itself, and the type of a job. Every job of version 0 ran a single script.",
        (
            "CREATE TABLE leadflow_schema (version INTEGER NOT NULL)",
            "INSERT INTO leadflow_schema VALUES (0)",
            "ALTER TABLE etl_jobs ADD COLUMN job_type VARCHAR DEFAULT 'single_script'",
        ),
    ),
    Migration(
        2,
        "Until when the row of a delivered lead may be called. Of older rows it is not known.",
        ("ALTER TABLE job_leads ADD COLUMN callable_until DATE",),
    ),
    Migration(
        3,
        "When somebody asked the process that runs a job to stop it, and who. A resume empties both.",
        (
            "ALTER TABLE etl_jobs ADD COLUMN stop_requested_at TIMESTAMP",
            "ALTER TABLE etl_jobs ADD COLUMN stop_requested_by VARCHAR",
        ),
    ),
    Migration(
        4,
        "The phones that condemned a lead, by their number, and the leads that were left out. Of older jobs not known.",
        (
            "ALTER TABLE job_leads ADD COLUMN phone_checks VARCHAR",
            "CREATE TABLE left_out (job_id VARCHAR NOT NULL, reason VARCHAR NOT NULL, person_key UUID NOT NULL, "
            '"at" TIMESTAMP NOT NULL)',
        ),
    ),
)
VERSION = MIGRATIONS[-1].version


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of the current version in an empty file."""
    connection.begin()
    connection.execute(files("leadflow.history").joinpath("schema.sql").read_text("utf-8"))
    connection.execute("INSERT INTO leadflow_schema VALUES (?)", [VERSION])
    connection.commit()


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the file to the current version. Raises NewerSchemaError or NotAHistoryError before any change."""
    found = _version(connection)
    if found > VERSION:
        raise NewerSchemaError(f"schema version {found}; this one reads up to {VERSION}")
    for step in MIGRATIONS[found:]:
        _take(connection, step)


def _take(connection: duckdb.DuckDBPyConnection, step: Migration) -> None:
    connection.begin()
    try:
        for statement in step.statements:
            connection.execute(statement)
        connection.execute("UPDATE leadflow_schema SET version = ?", [step.version])
        connection.commit()
    except BaseException:
        _rollback(connection)
        raise


def _rollback(connection: duckdb.DuckDBPyConnection) -> None:
    import contextlib

    import duckdb

    with contextlib.suppress(duckdb.Error):
        connection.rollback()


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    import duckdb

    try:
        row = connection.execute("SELECT version FROM leadflow_schema").fetchone()
    except duckdb.CatalogException:
        row = (0,)
        if not connection.execute(_IS_HISTORY).fetchone():
            raise NotAHistoryError("it has no table etl_jobs") from None
    if row is None:
        raise NotAHistoryError("its table leadflow_schema is empty")
    return int(row[0])

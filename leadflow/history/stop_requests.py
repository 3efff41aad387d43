"""Requests to stop a job: any process of this machine writes one, and the job's owner hears it with its heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadflow.history.reader import UNENDED
from leadflow.history.store import rows
from leadflow.history.writer import utc_now

if TYPE_CHECKING:
    import duckdb

    from leadflow.history.store import Store


def ask(store: Store, job_id: str, by: str) -> None:
    """Ask the owner of a job that has not ended to stop it. The first request stands."""
    with store.write() as connection:
        connection.execute(
            "UPDATE etl_jobs SET stop_requested_at = ?, stop_requested_by = ? "
            "WHERE id = ? AND stop_requested_at IS NULL AND list_contains(?, status)",
            [utc_now(), by, job_id, list(UNENDED)],
        )


def beat(connection: duckdb.DuckDBPyConnection, job_id: str, owner: str) -> dict[str, Any] | None:
    """Record that the owner of a job is alive. Return the job's owner and who asked to stop it; None without a job."""
    found = rows(connection, "SELECT owner, stop_requested_by FROM etl_jobs WHERE id = ?", [job_id])
    if found and found[0]["owner"] == owner:
        connection.execute("UPDATE etl_jobs SET heartbeat_at = ? WHERE id = ?", [utc_now(), job_id])
    return found[0] if found else None

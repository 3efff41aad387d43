"""The queries for past jobs with their counts: all, those of a script, those before a job of the same script."""

from __future__ import annotations

from datetime import date
from typing import Any

from leadflow.history.reader import UNENDED, moment, whole
from leadflow.history.store import Store, rows

# A job that nobody named is called "script", so that name says nothing.
_UNNAMED = "script"
_MOST_EARLIER = 60


def past(store: Store, script: str | None, since: str | date | None) -> list[dict[str, Any]]:
    """Return jobs, newest first. `script` and `since` are those of lf.jobs."""
    wheres, values = ["true"], {}
    if script:
        wheres.append(
            "(contains(lower(coalesce(script_name, '')), lower($script)) "
            "OR contains(lower(coalesce(name, '')), lower($script)) OR script_id = $script)"
        )
        values["script"] = script
    if since is not None:
        wheres.append("created_at >= $since")
        values["since"] = moment(since)
    return _jobs(store, " AND ".join(wheres), values)


def earlier(store: Store, job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the ended jobs that began before a job and ran the same script or one of the same name, newest first."""
    values = {
        "at": job["created_at"].replace(tzinfo=None),
        "script": job["script_id"],
        "name": job["script_name"],
        "unnamed": _UNNAMED,
        "unended": list(UNENDED),
    }
    where = (
        "created_at < $at AND NOT list_contains($unended, status) "
        "AND (script_id = $script OR (script_name = $name AND script_name <> $unnamed))"
    )
    return _jobs(store, where, values, f" LIMIT {_MOST_EARLIER}")


def _jobs(store: Store, where: str, values: dict[str, Any], end: str = "") -> list[dict[str, Any]]:
    sql = f"""SELECT id, name, job_type, script_id, script_name, status, started_by, created_at, started_at, counts,
          (SELECT max(elapsed) FROM job_events e WHERE e.job_id = j.id) AS seconds
        FROM (SELECT * FROM etl_jobs WHERE {where} ORDER BY created_at DESC, id DESC{end}) j
        ORDER BY created_at DESC, id DESC"""
    with store.read() as connection:
        return [whole(row) for row in rows(connection, sql, values)]

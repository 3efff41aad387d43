"""The queries of the history."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from leadflow.errors import InputError, JobNotFound
from leadflow.history.store import Store, rows
from leadflow.history.writer import JOB_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

_TIMES = ("at", "created_at", "started_at", "completed_at", "heartbeat_at", "job_created_at")
_LISTED = (
    "id, name, job_type, script_id, script_name, status, progress, message, limit_rows, total_rows_processed, "
    "clean_count, litigator_count, dnc_count, started_by, created_at, started_at, completed_at, "
    "date_diff('millisecond', started_at, completed_at) / 1000.0 AS duration_s"
)
# If a job runs or its process died, the counts in its row are those of an earlier end.
_RETRY = (
    "CASE WHEN status IN ('QUEUED', 'PENDING', 'RUNNING') THEN 0 "
    "ELSE coalesce(list_sum(map_values(try_cast(json_extract(counts, '$.retry') AS MAP(VARCHAR, BIGINT)))), 0) "
    "END::BIGINT"
)
_OWNED = "owner, coalesce(heartbeat_at, created_at) AS beat"
UNENDED = ("RUNNING", "PENDING", "QUEUED")


def frame(store: Store, sql: str, parameters: list[Any] | dict[str, Any]) -> pd.DataFrame:
    """Return the result of a query as a pandas DataFrame, with its times in UTC."""
    with store.read() as connection:
        found = connection.execute(sql, parameters).df()
    for name in _TIMES:
        if name in found:
            found[name] = found[name].dt.tz_localize("UTC")
    return found


def raise_for_id(job_id: object) -> None:
    """Raise InputError for a value that cannot be a job's id, such as a Job."""
    if not isinstance(job_id, str):
        has = " has its id in .id" if hasattr(job_id, "id") else " is none"
        raise InputError(
            f"a job is named by its id, a text; this {type(job_id).__name__}{has}. lf.jobs() lists all ids"
        )


def job(store: Store, job_id: str) -> dict[str, Any]:
    """Return one job's row. Raises JobNotFound, which lists recent jobs."""
    raise_for_id(job_id)
    with store.read() as connection:
        found = rows(connection, f"SELECT {', '.join(JOB_COLUMNS)} FROM etl_jobs WHERE id = ?", [job_id])
    if not found:
        raise not_found(store, job_id)
    return whole(found[0])


def whole(row: dict[str, Any]) -> dict[str, Any]:
    """Return a job's row with its counts as a dict and its times in UTC."""
    row["counts"] = json.loads(row["counts"]) if row["counts"] else {}
    return {k: v.replace(tzinfo=timezone.utc) if isinstance(v, datetime) else v for k, v in row.items()}


def not_found(store: Store, job_id: str) -> JobNotFound:
    """Return the error for an unknown id, with the ten most recent jobs and how to find others."""
    with store.read() as connection:
        recent = rows(
            connection,
            "SELECT id, status, script_name, created_at FROM etl_jobs ORDER BY created_at DESC, id DESC LIMIT 10",
            [],
        )
    lines = [f"there is no job {job_id!r} in {store.path}."]
    if recent:
        lines.append("The most recent jobs:")
        lines += [
            f"  {r['id']}  {r['status']}  {r['script_name'] or ''}  {r['created_at']:%Y-%m-%d %H:%M:%S} UTC"
            for r in recent
        ]
        lines.append(
            f'To search: lf.jobs(script="{recent[0]["script_name"] or ""}", since="{recent[0]["created_at"]:%Y-%m-%d}")'
        )
    else:
        lines.append(
            "It holds no job yet; is LEADFLOW_HOME the right folder? To search: lf.jobs(script=..., since=...)"
        )
    return JobNotFound("\n".join(lines))


def jobs(
    store: Store, script: str | None, since: str | date | None, status: str | None, limit: int | None
) -> pd.DataFrame:
    """Return past jobs, newest first, with owner and last heartbeat. With status DEAD: all that have not ended."""
    wheres, parameters = ["true"], []
    if script:
        wheres.append(
            "(contains(lower(coalesce(script_name, '')), lower(?)) OR contains(lower(coalesce(name, '')), lower(?)) "
            "OR script_id = ?)"
        )
        parameters += [script, script, script]
    if since is not None:
        wheres.append("created_at >= ?")
        parameters.append(moment(since))
    if status:
        wheres.append("list_contains(?, status)")
        parameters.append(list(UNENDED) if status == "DEAD" else [status])
    end = "" if limit is None else f" LIMIT {int(limit)}"
    newest = f"SELECT * FROM etl_jobs WHERE {' AND '.join(wheres)} ORDER BY created_at DESC, id DESC{end}"
    return frame(
        store,
        f"SELECT {_LISTED}, {_RETRY} AS retry, {_OWNED} FROM ({newest}) ORDER BY created_at DESC, id DESC",
        parameters,
    )


_DELIVERED_SHEETS = """SELECT DISTINCT spreadsheet_id, worksheet FROM etl_jobs j
WHERE spreadsheet_id IS NOT NULL AND worksheet IS NOT NULL AND (coalesce(clean_count, 0) > 0
  OR EXISTS (SELECT 1 FROM job_leads l WHERE l.job_id = j.id AND l.disposition = 'delivered')) ORDER BY 1, 2"""


def delivered_sheets(store: Store) -> list[tuple[str, str]]:
    """Return the sheets that any job delivered to: spreadsheet's id and tab."""
    with store.read() as connection:
        return [(row["spreadsheet_id"], row["worksheet"]) for row in rows(connection, _DELIVERED_SHEETS, [])]


def unfinished(store: Store) -> list[dict[str, Any]]:
    """Return the jobs that did not complete or have leads to retry, newest first, for a list of jobs to resume."""
    sql = f"""SELECT id, name, status, counts, message, job_type, {_RETRY} AS retry, {_OWNED},
          (SELECT sum(coalesce(delivered, 0) + coalesce(held, 0)) FROM batches b
           WHERE b.job_id = j.id)::BIGINT AS settled
        FROM etl_jobs j WHERE status <> 'COMPLETED' OR {_RETRY} > 0 ORDER BY created_at DESC, id DESC LIMIT 100"""
    with store.read() as connection:
        return [whole(row) for row in rows(connection, sql, [])]


def unended(store: Store) -> list[dict[str, Any]]:
    """Return the jobs that have not ended, oldest first, with owner and last heartbeat."""
    sql = f"""SELECT id, name, status, counts, job_type, started_by, created_at, stop_requested_by, {_OWNED}
        FROM etl_jobs WHERE list_contains(?, status) ORDER BY created_at, id"""
    with store.read() as connection:
        return [whole(row) for row in rows(connection, sql, [list(UNENDED)])]


def moment(since: str | date) -> datetime:
    """Return a time that a user gives, in UTC without a zone. Raises InputError."""
    import pandas as pd

    try:
        stamp = pd.Timestamp(since)
    except (ValueError, TypeError):
        raise InputError(f'since={since!r} is no time; write it as in since="2026-11-01"') from None
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
    return cast("datetime", stamp.tz_localize(None).to_pydatetime())


def events(store: Store, job_id: str) -> pd.DataFrame:
    """Return all events of a job in their order."""
    return frame(
        store,
        'SELECT seq, "at", elapsed, stage, source, event, level, batch, message, data FROM job_events '
        "WHERE job_id = ? ORDER BY seq",
        [job_id],
    )


def trace(store: Store, job_id: str) -> pd.DataFrame:
    """Return the events of a job as a timeline."""
    raise_for_id(job_id)
    return frame(
        store,
        """SELECT format('T+{:.1f}s', elapsed) AS time, stage, source, event, message, elapsed, level, batch, "at", data
        FROM job_events WHERE job_id = ? ORDER BY seq""",
        [job_id],
    )


def logs(store: Store, job_id: str) -> pd.DataFrame:
    """Return the log lines of a job in their order."""
    return frame(store, "SELECT seq, level, message, created_at FROM job_logs WHERE job_id = ? ORDER BY seq", [job_id])


def tail(store: Store, job_id: str, most: int) -> list[tuple[float, str, str]]:
    """Return elapsed seconds, stage and message of a job's last events, oldest first, without those of rows."""
    sql = "SELECT elapsed, stage, message FROM job_events WHERE job_id = ? AND event <> 'row_processed'"
    with store.read() as connection:
        return connection.execute(f"{sql} ORDER BY seq DESC LIMIT ?", [job_id, most]).fetchall()[::-1]


def batches(store: Store, job_id: str) -> pd.DataFrame:
    """Return the batches of a job."""
    return frame(store, "SELECT * EXCLUDE (job_id) FROM batches WHERE job_id = ? ORDER BY batch", [job_id])


_OPEN = """
WITH begun AS (
  SELECT batch, max(seq) AS seq, arg_max((data->>'last_row')::BIGINT - (data->>'first_row')::BIGINT + 1, seq) AS leads
  FROM job_events WHERE job_id = $job AND event = 'batch_progress' GROUP BY batch
)
SELECT b.batch, b.leads, coalesce(bool_or(e.stage IN ('Litigator', 'DNC', 'Google Sheets')), false) AS "Lookup",
  coalesce(bool_or(e.stage = 'Litigator' AND e.message LIKE '% flagged, %'), false) AS "Litigators",
  coalesce(bool_or(e.stage = 'DNC' AND e.message LIKE '% flagged, %'), false) AS "DNC",
  coalesce(bool_or(e.stage = 'Google Sheets' AND e.message LIKE 'Uploaded %'), false) AS "Sheet", false AS "Cache"
FROM begun b LEFT JOIN job_events e ON e.job_id = $job AND e.batch = b.batch AND e.seq > b.seq
GROUP BY b.batch, b.leads HAVING NOT coalesce(bool_or(e.event = 'job_progress'), false) ORDER BY b.batch
"""


def open_batches(store: Store, job_id: str) -> list[dict[str, Any]]:
    """Return a job's unfinished batches: batch, leads, and whether they have completed each stage."""
    with store.read() as connection:
        return rows(connection, _OPEN, {"job": job_id})


def last_seq(store: Store, job_id: str) -> tuple[int, float]:
    """Return the number of the last event and the largest elapsed time; (0, 0.0) without events."""
    with store.read() as connection:
        found = connection.execute(
            "SELECT max(seq), max(elapsed) FROM job_events WHERE job_id = ?", [job_id]
        ).fetchone()
    return (int(found[0]), float(found[1])) if found and found[0] is not None else (0, 0.0)


def outcomes(store: Store, job_id: str) -> pd.DataFrame:
    """Return the last outcome of every lead of a job."""
    return frame(
        store,
        """SELECT person_key, arg_max(batch, "at") AS batch, arg_max(disposition, "at") AS disposition,
        arg_max(reason, "at") AS reason, max("at") AS "at"
        FROM job_leads WHERE job_id = ? GROUP BY person_key ORDER BY batch, person_key""",
        [job_id],
    )


_RUNNING_OUT = """
WITH last AS (
  SELECT arg_max(disposition, "at") AS disposition,
    arg_max(coalesce(callable_until, CAST("at" + INTERVAL 31 DAY AS DATE)), "at") AS until
  FROM job_leads WHERE disposition IN ('delivered', 'withdrawn') OR callable_until IS NOT NULL GROUP BY person_key
)
SELECT until, count(*) AS leads FROM last WHERE disposition <> 'withdrawn' AND until <= ? GROUP BY until ORDER BY until
"""


def running_out(store: Store, before: date) -> dict[date, int]:
    """Return the number of delivered rows by the date from which they may not be called any more, soonest first."""
    with store.read() as connection:
        return dict(connection.execute(_RUNNING_OUT, [before]).fetchall())


def lineage(store: Store, person_key: str) -> pd.DataFrame:
    """Return every outcome and event of one lead, over all jobs, oldest first."""
    return frame(
        store,
        """SELECT l."at" AS "at", l.job_id, j.script_name AS script, l.batch, 'outcome' AS kind, 'Engine' AS stage,
          l.disposition, l.reason, CASE WHEN l.reason = '' OR l.reason IS NULL THEN l.disposition
          ELSE l.disposition || ' (' || l.reason || ')' END AS message, j.status AS job_status
        FROM job_leads l LEFT JOIN etl_jobs j ON j.id = l.job_id WHERE l.person_key = ?
        UNION ALL
        SELECT e."at", e.job_id, j.script_name, e.batch, e.event, e.stage, NULL, NULL, e.message, j.status
        FROM job_events e LEFT JOIN etl_jobs j ON j.id = e.job_id WHERE contains(e.message, ?)
        ORDER BY 1, 2""",
        [person_key, person_key],
    )

"""Everything that the history has about one lead, and which jobs left out leads whose keys it does not have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from leadflow.history.store import Store, rows

_MD5 = re.compile("[0-9a-f]{32}")


def outcomes(store: Store, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return all outcomes of these leads in all jobs, oldest first, those of being left out among them.

    Each has person_key, job_id, disposition, reason, at (UTC), callable_until, phone_checks, job_type, limit_rows.
    """
    sql = """SELECT l.*, j.job_type, j.limit_rows FROM (
          SELECT person_key, job_id, disposition, reason, "at", callable_until, phone_checks FROM job_leads
          WHERE list_contains($keys, person_key)
          UNION ALL
          SELECT replace(person_key::VARCHAR, '-', ''), job_id, 'left_out', reason, "at", NULL, NULL FROM left_out
          WHERE list_contains($ids::UUID[], person_key)
        ) l LEFT JOIN etl_jobs j ON j.id = l.job_id ORDER BY l."at", l.job_id"""
    with store.read() as connection:
        return rows(connection, sql, {"keys": list(keys), "ids": [key for key in keys if _MD5.fullmatch(key)]})


def unlisted(store: Store, most: int) -> list[dict[str, Any]]:
    """Return the newest jobs that left out more leads than the history has keys of: job_id, reason, leads, listed."""
    sql = """WITH counted AS (
          SELECT id AS job_id, created_at, unnest(map_keys(held)) AS reason, unnest(map_values(held)) AS leads FROM (
            SELECT id, created_at, try_cast(json_extract(counts, '$.held') AS MAP(VARCHAR, BIGINT)) AS held
            FROM etl_jobs WHERE counts IS NOT NULL)
        ), listed AS (SELECT job_id, reason, count(*) AS listed FROM left_out GROUP BY ALL)
        SELECT c.job_id, c.reason, c.leads, coalesce(l.listed, 0) AS listed FROM counted c
        LEFT JOIN listed l ON l.job_id = c.job_id AND l.reason = c.reason
        WHERE c.reason IN ('over_limit', 'duplicate', 'no_identity', 'suppressed', 'unreadable_address',
          'no_person_name') AND c.leads > coalesce(l.listed, 0)
        ORDER BY c.created_at DESC, c.leads DESC LIMIT $most"""
    with store.read() as connection:
        return rows(connection, sql, {"most": most})


def number_of_jobs(store: Store) -> int:
    """Return how many jobs the history has."""
    with store.read() as connection:
        return int(rows(connection, "SELECT count(*) AS jobs FROM etl_jobs", [])[0]["jobs"])

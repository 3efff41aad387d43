"""The query for unusual silences of a job: gaps between its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadflow.events import STARTED
from leadflow.history.reader import frame
from leadflow.history.store import Store

if TYPE_CHECKING:
    import pandas as pd

# A gap without another one of its kind to compare it with is listed from this many seconds.
_ALONE_S = 60.0

# Gaps of one kind are those between the same two events of a stage, without their numbers and keys: "Checking # phones"
# and "# flagged, ...". The lower median of a kind, over all batches of this job and of the script's last 20 jobs, is
# what is usual. A pause between two runs is no gap: `run` counts them. A silence of all stages is listed only if it is
# unusual for the stage that ended it.
_GAPS = """
WITH jobs AS (
  SELECT $job AS id, true AS mine
  UNION ALL (
    SELECT id, false FROM etl_jobs WHERE script_id = $script AND id <> $job AND created_at < $created
    ORDER BY created_at DESC LIMIT 20
  )
), timeline AS (
  SELECT e.job_id, j.mine, e.stage, e.batch, e.seq, e.elapsed, e.message, e.source,
    CASE WHEN e.event = 'job_log' THEN regexp_replace(e.message, '[0-9a-f]{16,}|[0-9][0-9.,]*', '#', 'g')
      ELSE e.event END AS kind,
    count_if(e.event = 'job_progress' AND e.message = $started) OVER (PARTITION BY e.job_id ORDER BY e.seq) AS run
  FROM job_events e JOIN jobs j ON j.id = e.job_id WHERE e.event <> 'row_processed'
), own AS (
  SELECT *, elapsed - lag(elapsed) OVER w AS gap_s, lag(message) OVER w AS after, lag(kind) OVER w AS after_kind
  FROM timeline WHERE stage <> 'Job' AND (batch IS NOT NULL OR stage = 'Snowflake')
  WINDOW w AS (PARTITION BY job_id, run, stage, batch ORDER BY seq)
), own_judged AS (
  SELECT o.*, CASE WHEN u.n > 1 THEN u.usual_s END AS usual_s FROM own o JOIN (
    SELECT stage, after_kind, kind, quantile_disc(gap_s, 0.5) AS usual_s, count(*) AS n
    FROM own WHERE gap_s IS NOT NULL GROUP BY ALL
  ) u USING (stage, after_kind, kind) WHERE o.mine AND o.gap_s >= $threshold
), own_unusual AS (
  SELECT * FROM own_judged WHERE gap_s >= coalesce(3 * usual_s, $alone)
), whole AS (
  SELECT *, elapsed - lag(elapsed) OVER w AS gap_s, lag(message) OVER w AS after
  FROM timeline WINDOW w AS (PARTITION BY job_id, run ORDER BY seq)
), whole_judged AS (
  SELECT w.* EXCLUDE (stage), w.stage AS ended_by, CASE WHEN u.n > 1 THEN u.usual_s END AS usual_s FROM whole w JOIN (
    SELECT stage, kind, quantile_disc(gap_s, 0.5) AS usual_s, count(*) AS n
    FROM whole WHERE gap_s IS NOT NULL GROUP BY ALL
  ) u ON u.stage = w.stage AND u.kind = w.kind WHERE w.mine AND w.gap_s >= $threshold
), whole_unusual AS (
  SELECT w.* EXCLUDE (usual_s), coalesce(o.usual_s, w.usual_s) AS usual_s
  FROM whole_judged w LEFT JOIN own_unusual o USING (seq)
  WHERE o.seq IS NOT NULL
    OR (w.gap_s >= coalesce(3 * w.usual_s, $alone) AND w.seq NOT IN (SELECT seq FROM own_judged))
), found AS (
  SELECT stage, batch, elapsed, gap_s, usual_s, after, message AS before, source FROM own_unusual
  UNION ALL
  SELECT '(all stages)', NULL, elapsed, gap_s, usual_s, after, message, source FROM whole_unusual
)
SELECT stage, batch, format('T+{:.1f}s', elapsed - gap_s) AS time, gap_s, usual_s,
  CASE WHEN usual_s > 0 THEN gap_s / usual_s END AS times_usual, after, before, source
FROM found ORDER BY gap_s DESC, stage LIMIT 1000
"""


def gaps(store: Store, job: dict[str, Any], threshold_s: float) -> pd.DataFrame:
    """Return the gaps of a job that reach the threshold and three times what is usual for their kind.

    `usual_s` is null if the job and the script's earlier jobs have no other gap of the kind; such a gap is listed from
    a minute.
    """
    values = {
        "job": job["id"],
        "script": job["script_id"],
        "created": job["created_at"].replace(tzinfo=None),
        "started": STARTED,
        "threshold": threshold_s,
        "alone": max(threshold_s, _ALONE_S),
    }
    return frame(store, _GAPS, values)

"""Jobs: the plan of each, the counts of its extraction, and whether it has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from leadflow.checkpoints.database import Database
from leadflow.errors import JobNotFound


class Jobs(Database):
    """The plans of all jobs, with the state of their extraction and whether they have ended."""

    def add_job(self, job_id: str, plan: Mapping[str, Any]) -> None:
        """Store the plan of a job, so that it can be resumed."""
        with self.transaction() as db:
            db.execute("INSERT INTO jobs (job_id, plan) VALUES (?, ?)", (job_id, json.dumps(plan)))

    def plan(self, job_id: str) -> dict[str, Any]:
        """Return the plan of the job. Raises JobNotFound if its checkpoints are gone."""
        with self.reading() as db:
            row = db.execute("SELECT plan FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        if row is None:
            raise JobNotFound(
                f"job {job_id} has no checkpoints in {self.path}: it is unknown, or was pruned; "
                "run its script again, which skips the leads already processed"
            )
        return dict(json.loads(row[0]))

    def change_plan(self, job_id: str, **changes: Any) -> None:
        """Change parts of the plan of the job."""
        with self.transaction() as db:
            plan = json.dumps({**self.plan(job_id), **changes})
            db.execute("UPDATE jobs SET plan = ? WHERE job_id = ?", (plan, job_id))

    def extracted(self, job_id: str, counts: Mapping[str, int] | None = None) -> dict[str, int] | None:
        """Mark the extraction as complete with these counts, or return its counts (None: not complete)."""
        if counts is not None:
            with self.transaction() as db:
                db.execute(
                    "UPDATE jobs SET counts = ?, extracted_at = ? WHERE job_id = ?",
                    (json.dumps(dict(counts)), time.time(), job_id),
                )
            return dict(counts)
        with self.reading() as db:
            row = db.execute(
                "SELECT counts FROM jobs WHERE job_id = ? AND extracted_at IS NOT NULL", (job_id,)
            ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def reopen(self, job_id: str) -> None:
        """Record that an ended job continues, so that it is not pruned meanwhile."""
        with self.transaction() as db:
            db.execute("UPDATE jobs SET ended_at = NULL WHERE job_id = ?", (job_id,))

    def end(self, job_id: str) -> None:
        """Record that the job has completed, so that it can be pruned later."""
        with self.transaction() as db:
            db.execute("UPDATE jobs SET ended_at = ? WHERE job_id = ?", (time.time(), job_id))
            db.execute("DELETE FROM turns WHERE job_id = ?", (job_id,))

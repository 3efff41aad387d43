"""A history with jobs in it, for the tests of the reports."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from leadflow.events import BatchProgress, EventBus, JobComplete, JobLog, JobProgress, RowProcessed
from leadflow.reports import Facts

COUNTS = {
    "extracted": 10,
    "already_processed": 2,
    "delivered": 4,
    "held": {"duplicate": 1, "litigator": 1},
    "retry": {"unchecked": 2},
    "waiting": 0,
    "bought": 6,
    "reused": 0,
}
DELIVERED, FINAL = list("abcd"), list("abcde")


def record_job(history, job_id="j", *, status="COMPLETED", done=True, script_name="june", **fields):
    """Record a job of one batch in the history, as an engine does."""
    now = datetime.now(timezone.utc)
    fields = {"counts": COUNTS, "started_at": now, "completed_at": now + timedelta(seconds=9), **fields}
    names = {"id": job_id, "name": script_name, "script_name": script_name, "script_id": "abc123"}
    history.start_job(**{**names, "status": status, "message": "<b>done</b>", **fields})
    _emit_events(EventBus(job_id, history.record), done)
    _record_batch(history, job_id, now)
    history.record_leads(job_id, 1, [("a", "delivered", ""), ("e", "held", "litigator")])


def _emit_events(bus, done):
    bus.emit(JobLog(stage="Job", message="Job created, status=PENDING"))
    bus.emit(JobProgress(stage="Engine", status="running", progress=0, message="ETL job started"))
    bus.emit(BatchProgress(stage="Engine", batch=1, first_row=1, last_row=7, total_batches=1))
    bus.emit(JobLog(stage="idiCORE", batch=1, message="<script>alert(1)</script> | pipe"))
    bus.emit(RowProcessed(stage="Engine", batch=1, row=10, person_key="a", outcome="delivered"))
    if done:
        bus.emit(JobComplete(stage="Job", stats={"clean_count": 4}))


def _record_batch(history, job_id, now):
    at = {"started_at": now, "completed_at": now + timedelta(seconds=8)}
    outcomes = {"delivered": 4, "held": 1, "retry": 2}
    flagged = {"litigator": 1, "dnc": 2}
    history.record_batch(job_id, 1, rows=7, phones_found=9, **flagged, **outcomes, lookup_s=3.0, check_s=1.0, **at)


def facts(**changes):
    """The facts of that job, all as they should be but for `changes`."""
    return Facts(
        **{
            "delivered_keys": DELIVERED,
            "final_keys": FINAL,
            "sheet_keys": [*DELIVERED, "x"],
            "cache_keys": FINAL,
            "consolidated_keys": FINAL,
            **changes,
        }
    )

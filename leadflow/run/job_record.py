"""The history's record of a job: its start, its end, and its closing message."""

from __future__ import annotations

import os
import re
import secrets
import socket
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from leadflow.checkpoints.review import REVIEWED
from leadflow.job import JobStatus
from leadflow.leads.counts import LEFT_OUT
from leadflow.stages.script import script_id, without_literals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadflow.history import History
    from leadflow.leads.counts import Counts
    from leadflow.run.context import Plan, RunContext
    from leadflow.settings import Settings

# Distinguishes this process from a later one with the same process id on the same machine.
_TOKEN = secrets.token_hex(4)


def process_owner() -> str:
    """Return the name of this process as the owner of the jobs that it runs."""
    return f"{socket.gethostname()}:{os.getpid()}:{_TOKEN}"


def new_job_id(name: str) -> str:
    """Return an id for a new job with this name."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "job"
    return f"{slug}-{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def began_at(job_id: str) -> datetime | None:
    """Return a time before a job began, from its id; None for an id that new_job_id did not make.

    It is a day early, since a resume on another machine may have another clock.

    >>> began_at("june_leads-20261124-164313-0d46b1"), began_at("june")
    (datetime.datetime(2026, 11, 23, 16, 43, 13, tzinfo=datetime.timezone.utc), None)
    """
    if not (found := re.search(r"-(\d{8}-\d{6})-[0-9a-f]{6}$", job_id)):
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=timezone.utc) - timedelta(days=1)
    except (ValueError, OverflowError):
        return None


def record_new(
    history: History,
    job_id: str,
    plan: Plan,
    settings: Settings,
    dnc_policy: str,
    status: JobStatus = JobStatus.PENDING,
) -> None:
    """Record a job that is about to start, or that waits in a queue, without the literals of its script."""
    history.start_job(
        id=job_id,
        name=plan["name"],
        script_id=script_id(plan["script"]),
        script_name=plan["name"],
        script=without_literals(plan["script"]),
        status=str(status),
        progress=0,
        message="Job created" if status is JobStatus.PENDING else "Waits in a queue",
        limit_rows=plan["limit_rows"],
        glba=settings.idicore.glba,
        dppa=settings.idicore.dppa,
        policy_version=dnc_policy,
        started_by=settings.started_by,
        job_type="rescrub" if "rescrub" in plan else plan.get("job_type", "single_script"),
        owner=process_owner(),
        spreadsheet_id=settings.sheets.spreadsheet_id,
        worksheet=settings.sheets.worksheet,
        person_cache=settings.warehouse.person_cache,
        consolidated=settings.warehouse.consolidated,
    )


def record_not_started(history: History, job_id: str, why: str) -> None:
    """Record that a job of a queue was not started. It can be resumed."""
    message = f"not started: {why}; engine.resume({job_id!r}) runs it"
    history.update_job(job_id, status=str(JobStatus.STOPPED), message=message, completed_at=datetime.now(timezone.utc))
    history.flush()


def record_running(run: RunContext, message: str) -> None:
    """Record that this process runs the job from now on."""
    now = datetime.now(timezone.utc)
    run.history.update_job(
        run.job_id,
        status=str(JobStatus.RUNNING),
        message=message,
        owner=process_owner(),
        heartbeat_at=now,
        started_at=now,
    )


def record_end(
    run: RunContext, status: JobStatus, message: str, counts: Counts, flagged: Mapping[str, int], percent: int
) -> str:
    """Record the end of a job, wait until it is written, and return the job's message.

    Raises HistoryError if the record cannot be written, so that the job is not reported as a success.
    """
    if counts.unanswered:
        run.checkpoints.change_plan(run.job_id, unanswered=counts.unanswered)
        message += f"; {counts.unanswered:,} lookups brought no answer and may have been charged"
    run.history.update_job(
        run.job_id,
        status=str(status),
        progress=percent,
        message=message,
        counts=asdict(counts),
        total_rows_processed=counts.settled,
        clean_count=counts.delivered + counts.renewed,
        **flagged,
        completed_at=datetime.now(timezone.utc),
    )
    run.history.flush()
    return message


def rescrub_summary(job_id: str, counts: Counts, notes: Sequence[str]) -> str:
    """Return one line with the result of a completed re-scrub and the possible next step."""
    gone = sum(counts.withdrawn.values())
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(counts.withdrawn.items()))
    parts = f"{counts.renewed:,} renewed, {gone:,} withdrawn" + (f" ({reasons})" if gone else "")
    if counts.retry:
        waiting = sum(counts.retry.values())
        parts += f"; {waiting:,} got no answer and stay while their old checks count: engine.resume({job_id!r})"
    return "; ".join([parts, *notes])


def summary(job_id: str, counts: Counts, notes: Sequence[str]) -> str:
    """Return one line with the result of a completed job and the possible next steps."""
    before = f"{counts.already_processed:,} already processed"
    parts = [f"{counts.delivered:,} delivered, {counts.held_back:,} held back, {before}"]
    if counts.left_out:
        reasons = ", ".join(f"{r} {counts.held[r]:,}" for r in LEFT_OUT if r in counts.held)
        parts.append(f"{counts.left_out:,} of those held back were left out ({reasons})")
    if counts.retry:
        parts.append(f"{sum(counts.retry.values()):,} of them may still clear: engine.resume({job_id!r})")
    if judged := sum(counts.held.get(reason, 0) for reason in REVIEWED):
        parts.append(f"{judged:,} of them are for review: engine.review({job_id!r})")
    return "; ".join([*parts, *notes])


def limits_of(run: RunContext) -> str:
    """Return the row limit of a job and the budget of its run, such as "row limit 450, max_cost $6.00"."""
    rows = run.plan["limit_rows"]
    return f"{f'row limit {rows:,}' if rows else 'no row limit'}, {run.budget.limits or 'no budget'}"

"""How a job ended: three lines, or JSON, and the exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadflow.cli.terminal import for_terminal, say, say_json
from leadflow.display.units import duration, money

if TYPE_CHECKING:
    from leadflow.history import History

# The exit status of a command that ran a job.
_STATUS = {"COMPLETED": 0, "STOPPED": 3}
_FAILED = 1
SHOWN = (
    *("id", "name", "job_type", "script_id", "script_name", "status", "message", "limit_rows", "counts"),
    *("started_by", "created_at", "started_at", "completed_at"),
)


def job_record(history: History, job_id: str) -> dict[str, Any]:
    """Return what the history has of a job, for --json: no person and no text of a script."""
    history.flush()
    job = history.job(job_id)
    return {name: job[name] for name in SHOWN}


def say_end(history: History, job_id: str, as_json: bool) -> int:
    """Print how a job ended, in three lines or as JSON. Return the exit status: 0 done, 1 failed, 3 stopped."""
    job = job_record(history, job_id)
    if as_json:
        say_json(job)
    elif job["status"] != "FAILED":  # its error is printed instead
        say("\n".join(_three_lines(job)))
    return exit_status(job["status"])


def exit_status(status: str) -> int:
    """Return the exit status for a job's status.

    >>> [exit_status(status) for status in ("COMPLETED", "FAILED", "DEAD", "STOPPED")]
    [0, 1, 1, 3]
    """
    return _STATUS.get(status, _FAILED)


def _three_lines(job: dict[str, Any]) -> list[str]:
    counts, job_id = job["counts"], job["id"]
    took = ""
    if job["started_at"] and job["completed_at"]:
        took = f" in {duration((job['completed_at'] - job['started_at']).total_seconds())}"
    cost = counts.get("cost")
    spent = f", {money(cost)}" if cost is not None else ""
    message = for_terminal(job["message"] or "").replace("\n", " ")
    if job["status"] == "COMPLETED":
        retry = sum((counts.get("retry") or {}).values())
        again = f"leadflow resume {job_id} tries {retry:,} leads again; " if retry else ""
        return [f"{job_id}: COMPLETED{took}{spent}", message, f"{again}leadflow report {job_id}"]
    settled = f"{_settled(counts)}; " if "waiting" in counts and job["job_type"] != "rescrub" else ""
    more = " --max-cost ... (dollars over all its runs)" if by_budget(job) else ""
    return [f"{job_id}: {job['status']}{took}{spent}", settled + message, f"leadflow resume {job_id}{more}"]


def by_budget(job: Mapping[str, Any]) -> bool:
    """Return whether its budget stopped a job."""
    return job["status"] == "STOPPED" and any(word in (job["message"] or "") for word in ("max_cost", "max_lookups"))


def _settled(counts: dict[str, Any]) -> str:
    held = sum([*(counts.get("held") or {}).values(), *(counts.get("retry") or {}).values()])
    return f"{counts.get('delivered', 0):,} delivered, {held:,} held back, {counts['waiting']:,} waiting"


def say_queue_end(history: History, ids: Sequence[str], as_json: bool) -> int:
    """Print how the jobs of a queue ended, in three lines or as JSON. Return 1 if one failed, 3 if one was stopped."""
    jobs = [job_record(history, job_id) for job_id in ids]
    if as_json:
        say_json(jobs)
    else:
        say("\n".join(_queue_lines(jobs)))
    statuses = {exit_status(job["status"]) for job in jobs}
    return next((status for status in (_FAILED, 3) if status in statuses), 0)


def _queue_lines(jobs: Sequence[dict[str, Any]]) -> list[str]:
    by_status = Counter(job["status"] for job in jobs)
    costs = [job["counts"].get("cost") for job in jobs if job["counts"].get("cost") is not None]
    ended = ", ".join(f"{number} {status}" for status, number in by_status.items())
    spent = f"; {money(sum(costs))}" if costs else ""
    delivered = sum(int(job["counts"].get("delivered") or 0) for job in jobs)
    unfinished = [job for job in jobs if job["status"] != "COMPLETED"]
    many = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
    if not unfinished:
        return [f"{many}: {ended}{spent}", f"{delivered:,} leads delivered", "leadflow jobs lists them"]
    first = unfinished[0]
    why = " ".join(for_terminal(first["message"] or "").split())
    return [
        f"{many}: {ended}{spent}; {delivered:,} leads delivered",
        f"{first['id']}: {first['status']}: {why}",
        "; ".join(f"leadflow resume {job['id']}" for job in unfinished),
    ]

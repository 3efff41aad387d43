"""Descriptions of jobs that can be resumed, for an analyst who chooses one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from leadflow.display.units import money
from leadflow.reports.accounting import accounting_of

# Words of the messages of run/budget.py and run/job_queue.py.
_BY_BUDGET = re.compile(r"\bmax_cost\b|\bmax_lookups\b|the queue's budget is used up")


def label(job: dict[str, Any]) -> str:
    """Return a label, such as "june_leads-20261124-164313-0d46b1 · its process died, 120 of 900 settled".

    `job` is one of History.resumable.
    """
    if job["standing"] == "may clear":
        return f"{job['id']} · {job['retry']:,} leads may still clear"
    why = "its process died" if job["standing"] == "dead" else job["status"]
    if stopped_by_budget(job):
        cost = job["counts"].get("cost")
        why = "stopped by its budget" + (f" at {money(cost)}" if cost else "")
    return f"{job['id']} · {why}, {_settled(job)}"


def stopped_by_budget(job: dict[str, Any]) -> bool:
    """Return whether a budget stopped the job, so that a resume needs a new one."""
    return job["status"] == "STOPPED" and bool(_BY_BUDGET.search(job["message"] or ""))


def spent(job: dict[str, Any]) -> float:
    """Return what the job has cost so far, in dollars, as far as its row has it."""
    return float(job["counts"].get("cost") or 0.0)


def _settled(job: dict[str, Any]) -> str:
    totals = accounting_of(job)
    return f"{job['settled'] or 0:,} of {totals.todo:,} settled" if totals.known else "before its leads were read"


def hint(jobs: Sequence[dict[str, Any]], how: str) -> str:
    """Return HTML about the newest job whose process died, with `how` to continue it; empty if there is none."""
    dead = [job for job in jobs if job["standing"] == "dead"]
    if not dead:
        return ""
    others = f" So did {len(dead) - 1} more." if len(dead) > 1 else ""
    text = (
        f"{dead[0]['id']} broke off: its process died, {_settled(dead[0])}.{others} {how}: what was paid for is kept."
    )
    return f'<div style="border-left:3px solid #f2a541;padding:4px 12px;line-height:1.5">{escape(text)}</div>'

"""What is left of a job, and whether it may be resumed without a new limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from leadflow.cli.outcome import by_budget
from leadflow.display.units import money
from leadflow.reports.accounting import accounting_of
from leadflow.reports.report import job_row
from leadflow.run.consent import has_limit

if TYPE_CHECKING:
    from leadflow.engine import Engine

_RESCRUB = "rescrub"


def what_is_left(engine: Engine, job: dict[str, Any], max_cost: float | None) -> str:
    """Return how many leads a resume goes on with, and what their lookups cost at most."""
    totals = accounting_of(job_row(engine.history, job["id"]))
    if not totals.known:
        return "its leads were not listed yet; leadflow estimate says what its script takes"
    retry = sum(totals.retry.values())
    left = f"{totals.waiting:,} leads are waiting, {retry:,} may still clear"
    price = engine.settings.idicore.price
    if job["job_type"] == _RESCRUB or price is None or not totals.waiting:
        return left
    budget = f"; the budget of {money(max_cost)} is for all runs of the job" if max_cost is not None else ""
    return f"{left}: at most {money(price * (totals.waiting + retry))} for lookups{budget}"


def raise_without_budget(engine: Engine, job: dict[str, Any], max_lookups: int | None, max_cost: float | None) -> None:
    """Raise UsageError if nothing limits a resume, or if nothing but the row limit does after a budget was used up.

    A re-scrub buys no lookup and is not held up.
    """
    plan = engine.checkpoints.plan(job["id"])
    kept = (plan.get("max_lookups"), plan.get("max_cost"))
    used_up = by_budget(job)
    rows = None if used_up else plan.get("limit_rows")
    if job["job_type"] != _RESCRUB and not has_limit(engine.settings, max_lookups, max_cost, rows, *kept):
        why = "its budget is used up" if used_up else "nothing limits it"
        raise click.UsageError(
            f"nothing was bought: job {job['id']} is not resumed, since {why}. "
            "Add --max-cost (dollars over all its runs), --max-lookups, or --yes for all that is left"
        )

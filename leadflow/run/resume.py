"""The state of a job that is resumed: its plan, and the budget that earlier runs left."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from leadflow.checkpoints import review
from leadflow.display.units import money
from leadflow.errors import BudgetReached
from leadflow.history import STALE_S
from leadflow.job import JobStatus
from leadflow.leads.counts import Counts
from leadflow.run.budget import Budget, Prices
from leadflow.run.job_record import process_owner
from leadflow.run.rescrub_start import rescrub_budget

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.history import History
    from leadflow.run.context import Plan
    from leadflow.settings import Settings


# The dispositions of leads that a resume still has to do with.
_OPEN = ("", "retry", "withdraw")


def stored_plan(checkpoints: Checkpoints, job_id: str) -> Plan:
    """Return the plan of the job. Raises JobNotFound if its checkpoints are gone."""
    return cast("Plan", checkpoints.plan(job_id))


def resumed_budget(
    job_id: str,
    plan: Plan,
    settings: Settings,
    checkpoints: Checkpoints,
    max_lookups: int | None,
    max_cost: float | None,
) -> Budget:
    """Return the budget of a resumed job, less its spending. Without new limits the job keeps its old ones."""
    if max_lookups is None and max_cost is None:
        max_lookups, max_cost = plan.get("max_lookups"), plan.get("max_cost")
    if "rescrub" in plan:
        return rescrub_budget(settings, max_cost)
    budget = Budget.of(settings, max_lookups, max_cost)
    spent = checkpoints.bought(job_id) + plan.get("unanswered", 0)
    budget.resume(spent, checkpoints.bought(job_id, "no_match"), checkpoints.checked(job_id))
    _raise_if_used_up(job_id, budget, checkpoints)
    return budget


def _raise_if_used_up(job_id: str, budget: Budget, checkpoints: Checkpoints) -> None:
    """Raise BudgetReached if all that is left to do is to buy, and the budget allows no lookup."""
    unpaid = len(checkpoints.unpaid_keys(job_id))
    leads = checkpoints.tally(job_id)
    left = sum(n for (disposition, _), n in leads.items() if disposition in _OPEN)
    if not unpaid or left > unpaid or budget.allows_a_lookup:
        return
    bought, free, checked = budget.counted()
    cost = budget.prices.cost(bought, free, checked)
    spent = f"{bought:,} lookups{'' if cost is None else f' for {money(cost)}'}"
    raise BudgetReached(
        f"job {job_id} has bought {spent}, and its budget ({budget.limits}) allows no more for the {unpaid:,} leads "
        f"that are left: a resume would stop at once. Give a higher limit for the job as a whole, as in "
        f"engine.resume({job_id!r}, max_cost=...)"
    )


def spent_budget(job_id: str, plan: Plan, settings: Settings, checkpoints: Checkpoints) -> Budget:
    """Return a budget with the job's lookups so far as its limit, so that the run buys nothing."""
    spent = checkpoints.bought(job_id) + plan.get("unanswered", 0)
    return Budget(spent, None, Prices.of(settings), spent)


def accepted_before(choice: review.Choice, history: History) -> tuple[str, str, JobStatus, Counts, str]:
    """Return id, name, status, counts and message of the job whose candidate is already accepted."""
    job = history.job(choice.job_id)
    counts = Counts(**{name: value for name, value in job["counts"].items() if name in Counts.__dataclass_fields__})
    message = f"this candidate was accepted for lead {choice.answer.person_key} before; nothing was done"
    return job["id"], job["name"], JobStatus(job["status"]), counts, message


def store_choice(choice: review.Choice, history: History, checkpoints: Checkpoints) -> None:
    """Claim the job of an accepted candidate and store the choice. If that fails, the job stays as it was."""
    before = history.job(choice.job_id)
    history.claim(choice.job_id, process_owner(), STALE_S)
    try:
        if not choice.stored:
            review.store(checkpoints, choice)
            history.record_batch(choice.job_id, choice.batch, held=-1)
    except BaseException:
        history.update_job(choice.job_id, status=before["status"], completed_at=before["completed_at"])
        raise
    checkpoints.reopen(choice.job_id)

"""What a job bought of each provider, for its counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadflow.checkpoints.further import Bought
    from leadflow.run.context import RunContext


def by_provider(
    run: RunContext, bought: int, free: int, checked: Mapping[str, int], further: Mapping[str, Bought]
) -> list[dict[str, Any]]:
    """Return a row for each source and each check of a job, over all its runs; see Counts.providers.

    `free` is how many of the bought lookups cost nothing.
    """
    services, prices, checkpoints = run.services, run.budget.prices, run.checkpoints
    cost = None if prices.lookup is None else round((bought - free) * prices.lookup, 4)
    rows: list[dict[str, Any]] = []
    if "rescrub" not in run.plan:
        hits = checkpoints.bought_with_phones(run.job_id)
        rows.append(_row("idicore", "lookup", bought, hits, cost, max(0, run.budget.spent - bought)))
        names = dict.fromkeys([*(source.provider for source in services.further.lookups), *further])
        for name in names:
            one = further.get(name)
            found = (one.asked, one.hits, round(one.cost, 4), one.lost) if one else (0, 0, 0.0, 0)
            rows.append(_row(name, "lookup", *found))
    flagged = checkpoints.flagged_numbers(run.job_id)
    providers = {"litigator": services.litigator.provider, "dnc": services.dnc.provider}
    providers |= {check.kind: check.provider for check in services.further.checks}
    providers |= {kind: "dncscrub" for kind in checked if kind not in providers}
    for kind, provider in providers.items():
        numbers, price = checked.get(kind, 0), prices.checks.get(kind, 0.0)
        rows.append(_row(provider, kind, numbers, flagged.get(kind, 0), round(numbers * price, 4)))
    return rows


def _row(provider: str, what: str, asked: int, hits: int, cost: float | None, unanswered: int = 0) -> dict[str, Any]:
    return {
        "provider": provider,
        "what": what,
        "asked": asked,
        "hits": hits,
        "unanswered": unanswered,
        "cost": cost,
    }

"""What the jobs in the history cost, by script, day, job or person. Data only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import InputError
from leadflow.history import History, open_history
from leadflow.reports.accounting import accounting
from leadflow.reports.providers import spend_by_provider

if TYPE_CHECKING:
    import pandas as pd

# The columns by which jobs can be grouped, with the value of a job.
_GROUPS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "script": lambda job: job["script_name"] or "",
    "day": lambda job: job["created_at"].astimezone().date(),
    "job": lambda job: job["id"],
    "person": lambda job: job["started_by"] or "",
}
_SAME = {"person who started": "person", "started_by": "person"}
_COLUMNS = ["jobs", "lookups", "checks", "delivered", "cost", "cost_per_delivered", "jobs_of_unknown_cost"]


def spend(
    *, since: str | date | None = None, by: str = "script", history: History | Path | str | None = None
) -> pd.DataFrame:
    """Return what jobs cost, as the history has it, one row a group, the dearest first (days: oldest first).

    `since` is a UTC time; it selects jobs by their start. `by` is "script", "day" (of this machine's time zone), "job"
    or "person" (who started the job). A job counts with all its runs, on the day of its first. Columns: the group,
    jobs, lookups (bought), checks (numbers sent to both checks), delivered (leads), cost (dollars), cost_per_delivered
    (dollars) and jobs_of_unknown_cost.

    The cost of a job is unknown if no price of a lookup was set when it ran, and if it has not ended. Such a job counts
    neither in cost nor in cost_per_delivered. If a group has no other jobs, both are NaN, not zero.

    A job that never ran, such as one that waits in a queue, is in no row. A re-scrub delivers nothing: what its checks
    cost is in cost, but not in cost_per_delivered.

    With by="provider", a row is a source of phones or a check, with other columns: provider, what (lookup, or the kind
    of check), jobs, asked (lookups answered, or numbers checked), hits (lookups with phones, or numbers flagged),
    hit_rate, unanswered (searches that may have been charged), cost, cost_per_hit and jobs_of_unknown_cost.

    Raises InputError for an unknown group, and for a `since` that is not a time.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     job = engine.run("SELECT * FROM RAW_LEADS", name="june", limit_rows=20)
        ...     lf.spend(by="script")[["lookups", "jobs_of_unknown_cost"]].values.tolist()
        [[20, 1]]
    """
    import pandas as pd

    name = _SAME.get(by, by)
    if name == "provider":
        return spend_by_provider(open_history(history).past(since=since))
    if name not in _GROUPS:
        raise InputError(f"by is {by!r}; jobs are grouped by {', '.join(map(repr, [*_GROUPS, 'provider']))}")
    groups: dict[Any, list[dict[str, Any]]] = {}
    for job in filter(_has_run, open_history(history).past(since=since)):
        groups.setdefault(_GROUPS[name](job), []).append(job)
    table = pd.DataFrame([[group, *_sums(jobs)] for group, jobs in groups.items()], columns=pd.Index([name, *_COLUMNS]))
    table = table.astype({"cost": float, "cost_per_delivered": float})
    order = [name] if name == "day" else ["cost", "lookups", "jobs"]
    return table.sort_values(order, ascending=name == "day", ignore_index=True)


def _has_run(job: dict[str, Any]) -> bool:
    """Return whether a job began, or bought something in a record without its start."""
    return job["started_at"] is not None or bool(job["counts"])


def _sums(jobs: Sequence[dict[str, Any]]) -> list[Any]:
    counts = [job["counts"] for job in jobs]
    known = [job for job in jobs if _cost(job) is not None]
    of_deliveries = [job for job in known if job["job_type"] != "rescrub"]
    cost = sum(_cost(job) or 0.0 for job in jobs) if known else math.nan
    delivered = sum(accounting(job["counts"]).delivered for job in of_deliveries)
    return [
        len(jobs),
        sum(one.get("bought") or 0 for one in counts),
        sum(one.get("checked") or 0 for one in counts),
        sum(accounting(one).delivered for one in counts),
        round(cost, 2),
        sum(_cost(job) or 0.0 for job in of_deliveries) / delivered if delivered else math.nan,
        len(jobs) - len(known),
    ]


def _cost(job: dict[str, Any]) -> float | None:
    """Return the dollars that a job cost; None if the history does not know."""
    counts = job["counts"]
    if job["status"] in ("QUEUED", "PENDING", "RUNNING") or "bought" not in counts:
        return None
    nothing = not (counts["bought"] or counts.get("unanswered") or counts.get("checked"))
    return 0.0 if nothing else counts.get("cost")

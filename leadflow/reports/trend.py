"""The trend of a script over its jobs, and what is unusual in one of them. Data only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from leadflow.display.units import duration, money, percent
from leadflow.errors import InputError
from leadflow.history import History, open_history
from leadflow.reports.accounting import accounting_of
from leadflow.reports.funnel import WITHOUT_PHONES

if TYPE_CHECKING:
    import pandas as pd

_LAST = 20
# With fewer earlier jobs, nothing is usual yet.
_FEWEST = 3
# A share is unusual if it is further from the median than this, than three times the scatter of the earlier jobs (their
# median deviation, scaled to a standard deviation), and than three times what chance explains for so many leads.
_LEAST, _TIMES, _SCALE = 0.02, 3.0, 1.4826
_COST_RATIO, _TIME_RATIO, _LEAST_DELAY_S = 1.5, 3.0, 30.0
_MOST_SAID = 5
_UNENDED = ("QUEUED", "PENDING", "RUNNING")
_NOT_ASKED = ("lookup_failed", "in_other_job")
_FIRST = ["id", "started", "status", "leads", "delivered", "hit_rate", "held_back"]
_LAST_COLUMNS = ["cost", "cost_per_delivered", "seconds"]


def trend(script: str | None = None, *, last: int = _LAST, history: History | Path | str | None = None) -> pd.DataFrame:
    """Return the last jobs of a script, oldest first, one row each.

    Left out are jobs that settled no lead, such as those that wait in a queue, and re-scrubs, which look up nobody.

    `script` is a part of a name, or a script_id, as in lf.jobs(); None is all scripts. Columns: id, started (UTC),
    status, leads (that went through the steps), delivered (leads), hit_rate (the share of leads with a phone),
    held_back (share), a share for each reason such as no_match and litigator, cost (dollars; NaN if no price was set),
    cost_per_delivered and seconds (of all runs, without pauses). Shares are 0 to 1 and of `leads`. A lead that was left
    out before the lookup is in none of them.

    Raises InputError if `last` is below 1.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     job = engine.run("SELECT * FROM RAW_LEADS", name="june", limit_rows=20)
        ...     list(lf.trend(script="june")["leads"])
        [20]
    """
    import pandas as pd

    if last < 1:
        raise InputError(f"last is {last}; it must be 1 or more")
    rows = _measured(open_history(history).past(script))[:last]
    reasons = sorted({name for row in rows for name in row["reasons"]})
    table = [{**row, **{name: row["reasons"].get(name, 0.0) for name in reasons}} for row in reversed(rows)]
    return pd.DataFrame(table, columns=pd.Index([*_FIRST, *reasons, *_LAST_COLUMNS])).astype({"cost": float})


def _measured(jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the measures of the ended jobs that looked leads up."""
    return [row for row in map(measures, filter(_looks_up, jobs)) if row["leads"]]


def _looks_up(job: dict[str, Any]) -> bool:
    return job["status"] not in _UNENDED and job["job_type"] != "rescrub"


def measures(job: dict[str, Any]) -> dict[str, Any]:
    """Return the measures of a job (a row of History.past): numbers, shares of the settled leads, shares by reason."""
    totals = accounting_of(job)
    leads = totals.processed if totals.known else 0
    held = {reason: n for reason, n in totals.held.items() if reason not in totals.left_out}
    asked = leads - sum(held.get(reason, 0) for reason in _NOT_ASKED)
    without = sum(held.get(reason, 0) for reason in WITHOUT_PHONES)
    cost = job["counts"].get("cost")
    return {
        "id": job["id"],
        "started": job["created_at"],
        "status": job["status"],
        "leads": leads,
        "delivered": totals.delivered,
        "hit_rate": (asked - without) / asked if asked else math.nan,
        "held_back": sum(held.values()) / leads if leads else math.nan,
        "reasons": {reason: n / leads for reason, n in held.items()} if leads else {},
        "cost": cost,
        "cost_per_delivered": cost / totals.delivered if cost is not None and totals.delivered else math.nan,
        "seconds": job["seconds"],
    }


def against_usual(history: History, job: dict[str, Any], seconds: float) -> tuple[list[str], int]:
    """Return what is unusual in an ended job against the last 20 jobs of its script, and the number of these jobs.

    `seconds` is the time of all its runs. Each item is a phrase, such as "no_match 38 %, usually 11 %".
    """
    now = measures({**job, "seconds": seconds})
    if not _looks_up(job) or not now["leads"]:
        return [], 0
    earlier = _measured(history.earlier(job))[:_LAST]
    if len(earlier) < _FEWEST:
        return [], 0
    shares = sorted(_unusual_shares(now, earlier), reverse=True)
    return [*(said for _, said in shares[:_MOST_SAID]), *_unusual_cost_and_time(now, earlier)], len(earlier)


def _unusual_shares(now: dict[str, Any], earlier: Sequence[dict[str, Any]]) -> Iterator[tuple[float, str]]:
    """Yield how far each unusual share is from its median, and the phrase."""
    names = sorted({name for one in (now, *earlier) for name in one["reasons"]})
    for name in ("delivered", *names):
        share, past = _share(now, name), [_share(one, name) for one in earlier]
        usual = median(past)
        scatter = _SCALE * median(abs(value - usual) for value in past)
        chance = math.sqrt(max(usual, 1 / now["leads"]) * (1 - usual) / now["leads"])
        if abs(share - usual) > max(_LEAST, _TIMES * scatter, _TIMES * chance):
            yield abs(share - usual), f"{name} {percent(share)}, usually {percent(usual)}"


def _share(one: dict[str, Any], name: str) -> float:
    return one["delivered"] / one["leads"] if name == "delivered" else one["reasons"].get(name, 0.0)


def _unusual_cost_and_time(now: dict[str, Any], earlier: Sequence[dict[str, Any]]) -> Iterator[str]:
    costs = [one["cost_per_delivered"] for one in earlier if one["cost_per_delivered"] > 0]
    if len(costs) >= _FEWEST and now["cost_per_delivered"] > _COST_RATIO * median(costs):
        yield f"{money(now['cost_per_delivered'])} a delivered lead, usually {money(median(costs))}"
    pace = [one["seconds"] / one["leads"] for one in earlier if one["seconds"]]
    usual = median(pace) * now["leads"] if len(pace) >= _FEWEST else math.inf
    if now["seconds"] > max(_TIME_RATIO * usual, usual + _LEAST_DELAY_S):
        yield f"it ran for {duration(now['seconds'])}, usually {duration(usual)} for so many leads"

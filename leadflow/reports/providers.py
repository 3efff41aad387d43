"""What each provider of a job was asked, what it brought, and what it cost. Data only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from leadflow.display.units import money, percent

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["provider", "what", "jobs", "asked", "hits", "hit_rate", "unanswered", "cost", "cost_per_hit"]
UNKNOWN_COST = "jobs_of_unknown_cost"
HEADER = ("Provider", "For", "Asked", "Found", "Hit rate", "Cost", "Each found")


def provider_rows(job: Mapping[str, Any]) -> list[list[str]]:
    """Return the rows of a report's table: one for each source and each check of a job. None if it asked nobody."""
    rows: list[list[str]] = []
    for part in _parts(job["counts"]):
        asked, hits, cost = part["asked"], part["hits"], part["cost"]
        if not asked and not part["unanswered"]:
            continue
        numbers = f"{asked:,}" + (f" (and {part['unanswered']:,} without an answer)" if part["unanswered"] else "")
        each = money(cost / hits) if cost is not None and hits and part["what"] == "lookup" else ""
        rate = percent(hits / asked) if asked else ""
        dollars = "no price is set" if cost is None else money(cost)
        rows.append([part["provider"], part["what"], numbers, f"{hits:,}", rate, dollars, each])
    return rows


def spend_by_provider(jobs: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return what jobs cost by provider, one row for each provider and what it was asked for, the dearest first.

    Columns: provider, what (lookup, or the kind of check), jobs, asked (lookups answered, or numbers checked), hits
    (lookups with phones, or numbers flagged), hit_rate (of asked), unanswered (searches that may have been charged),
    cost (dollars), cost_per_hit (dollars) and jobs_of_unknown_cost. A job of an earlier version counts nowhere.
    """
    import pandas as pd

    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for job in jobs:
        for part in _parts(job["counts"]):
            groups.setdefault((part["provider"], part["what"]), []).append(part)
    rows = [[*named, *_sums(parts)] for named, parts in groups.items() if any(map(_was_asked, parts))]
    table = pd.DataFrame(rows, columns=pd.Index([*COLUMNS, UNKNOWN_COST]))
    table = table.astype(dict.fromkeys(("hit_rate", "cost", "cost_per_hit"), float))
    return table.sort_values(["cost", "asked", "provider"], ascending=[False, False, True], ignore_index=True)


def _sums(parts: list[dict[str, Any]]) -> list[Any]:
    parts = [part for part in parts if _was_asked(part)]
    known = [part for part in parts if part["cost"] is not None]
    asked, hits, lost = (sum(part[name] for part in parts) for name in ("asked", "hits", "unanswered"))
    cost = sum(part["cost"] for part in known) if known else math.nan
    known_hits = sum(part["hits"] for part in known)
    return [
        len(parts),
        asked,
        hits,
        hits / asked if asked else math.nan,
        lost,
        round(cost, 2),
        cost / known_hits if known_hits else math.nan,
        len(parts) - len(known),
    ]


def _was_asked(part: Mapping[str, Any]) -> bool:
    return bool(part["asked"] or part["unanswered"])


def _parts(counts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return counts.get("providers") or []

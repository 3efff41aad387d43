"""What must be true of a job, ticked from facts alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadflow.reports.flow import Accounting, accounting_of, reasons

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Facts:
    """What a job should have left behind, and the keys that are there, with repeats; None: it could not be read."""

    delivered_keys: list[str]
    final_keys: list[str]
    sheet_keys: list[str] | None = None
    cache_keys: list[str] | None = None
    consolidated_keys: list[str] | None = None


def validation(job: dict[str, Any], facts: Facts | None) -> pd.DataFrame:
    """One row a check: check, ok, detail."""
    import pandas as pd

    totals = accounting_of(job)
    settled = totals.processed - sum(totals.retry.values())
    checks = [
        ("Job status is COMPLETED", job["status"] == "COMPLETED", f"status is {job['status']}"),
        ("Row counts match expectations", totals.balanced, _sum(totals)),
        (
            "Google Sheets has new data: exactly one row for each delivered lead, and none for one held back",
            *_in_sheet(totals, facts),
        ),
    ]
    tables = (
        (job.get("person_cache") or "PERSON_CACHE", "cache_keys"),
        (job.get("consolidated") or "UNIQUE_CONSOLIDATED_DATA", "consolidated_keys"),
    )
    for table, name in tables:
        done = _one_each(totals, facts and facts.final_keys, getattr(facts, name, None), settled)
        checks.append((f"Cache updated in Snowflake: {table} has exactly one row for each final lead", *done))
    return pd.DataFrame(checks, columns=["check", "ok", "detail"]).astype({"ok": bool})


def _in_sheet(totals: Accounting, facts: Facts | None) -> tuple[bool, str]:
    ok, detail = _one_each(totals, facts and facts.delivered_keys, facts and facts.sheet_keys, totals.delivered)
    held = set(facts.final_keys) - set(facts.delivered_keys) if facts else set()
    if ok and facts and (shown := held & set(facts.sheet_keys or ())):
        return False, f"{len(shown)} leads held back stand in the sheet, such as {min(shown)}; take them out"
    return ok, detail


def _sum(totals: Accounting) -> str:
    if not totals.known:
        return "no counts were recorded: the job did not get as far as the extraction"
    why = f" ({reasons(totals.held)})" if totals.held else ""
    waiting = f"; {totals.waiting} still waiting" if totals.waiting else ""
    sign = "=" if totals.balanced or totals.waiting else "is not"
    return f"{totals.extracted} extracted {sign} {totals.already_processed} already processed + {totals.delivered} delivered + {totals.held_back} held back{why}{waiting}"


def _one_each(totals: Accounting, expected: list[str] | None, there: list[str] | None, count: int) -> tuple[bool, str]:
    """Whether each expected key is there exactly once, and in words."""
    if not totals.known:
        return False, "no lead was read"
    if expected is None:
        return False, "could not be checked: no connection was given; use engine.report(job_id)"
    if there is None:
        return False, "could not be checked: it could not be read"
    wanted = set(expected)
    if len(wanted) != count:
        return (
            False,
            f"the list of leads on disk has {len(wanted)} keys and the counts say {count}; checkpoints may have been pruned",
        )
    found = Counter(key for key in there if key in wanted)
    missing, doubled = len(wanted) - len(found), sum(1 for n in found.values() if n > 1)
    if missing or doubled:
        return False, f"of {count} leads {missing} are missing and {doubled} are there more than once"
    return True, f"{count} leads, each there once"

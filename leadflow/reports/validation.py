"""The validation of a finished job: its status, its counts, the sheet and the tables. Data only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from leadflow.reports import rescrub
from leadflow.reports.accounting import Accounting, accounting_of, reasons
from leadflow.reports.facts import Facts

if TYPE_CHECKING:
    import pandas as pd


def validation(job: dict[str, Any], facts: Facts | None) -> pd.DataFrame:
    """Return one row a check: check, ok, detail."""
    import pandas as pd

    totals = accounting_of(job)
    status = ("Job status is COMPLETED", job["status"] == "COMPLETED", f"status is {job['status']}")
    checks = [status, *(rescrub.checks(job, totals, facts) if totals.rescrub else _of_run(job, totals, facts))]
    return pd.DataFrame(checks, columns=pd.Index(["check", "ok", "detail"])).astype({"ok": bool})


def _of_run(job: dict[str, Any], totals: Accounting, facts: Facts | None) -> list[tuple[str, bool, str]]:
    return [
        ("Row counts match expectations", totals.balanced, _sum(totals)),
        (
            "Google Sheets has new data: exactly one row for each delivered lead, and none for one held back",
            *_in_sheet(totals, facts),
        ),
        *_in_tables(job, totals, facts),
    ]


def _sum(totals: Accounting) -> str:
    if not totals.known:
        return "no counts were recorded: the job did not get as far as the extraction"
    held = f"{totals.held_back} held back" + (f" ({reasons(totals.held)})" if totals.held else "")
    waiting = f"; {totals.waiting} still waiting" if totals.waiting else ""
    sign = "=" if totals.balanced or totals.waiting else "is not"
    parts = f"{totals.already_processed} already processed + {totals.delivered} delivered + {held}"
    return f"{totals.extracted} extracted {sign} {parts}{waiting}"


def _in_sheet(totals: Accounting, facts: Facts | None) -> tuple[bool, str]:
    if facts is None:
        return _one_each(totals, None, None, totals.delivered)
    withdrawn, there = facts.gone_keys & set(facts.delivered_keys), set(facts.sheet_keys or ())
    expected = [key for key in facts.delivered_keys if key not in withdrawn]
    ok, detail = _one_each(totals, expected, facts.sheet_keys, totals.delivered - len(withdrawn))
    held = set(facts.final_keys) - set(facts.delivered_keys)
    if ok and (wrong := held & there):
        return False, f"{len(wrong)} leads held back are in the sheet, such as {min(wrong)}; take them out"
    if ok and (wrong := withdrawn & there):
        return False, f"{len(wrong)} withdrawn leads are in the sheet, such as {min(wrong)}; take them out"
    return ok, detail + (f"; {len(withdrawn)} more were withdrawn since" if withdrawn else "")


def _in_tables(job: dict[str, Any], totals: Accounting, facts: Facts | None) -> list[tuple[str, bool, str]]:
    expected = facts.final_keys if facts else None
    final = totals.processed - sum(totals.retry.values())
    tables = (
        (job.get("person_cache") or "PERSON_CACHE", facts.cache_keys if facts else None),
        (job.get("consolidated") or "UNIQUE_CONSOLIDATED_DATA", facts.consolidated_keys if facts else None),
    )
    return [
        (
            f"Cache updated in Snowflake: {table} has exactly one row for each final lead",
            *_one_each(totals, expected, there, final),
        )
        for table, there in tables
    ]


def _one_each(totals: Accounting, expected: list[str] | None, there: list[str] | None, count: int) -> tuple[bool, str]:
    """Return whether each expected key is there exactly once, and the detail as text."""
    if not totals.known:
        return False, "no lead was read"
    if expected is None:
        return False, "could not be checked: no connection was given; use engine.report(job_id)"
    if there is None:
        return False, "could not be checked: it could not be read"
    wanted = set(expected)
    if len(wanted) != count:
        listed = f"the list of leads on disk has {len(wanted)} keys and the counts have {count}"
        return False, f"{listed}; checkpoints may have been pruned"
    found = Counter(key for key in there if key in wanted)
    missing, repeated = len(wanted) - len(found), sum(1 for n in found.values() if n > 1)
    if missing or repeated:
        return False, f"of {count} leads {missing} are missing and {repeated} are there more than once"
    return True, f"{count} leads, each there once"

"""The validation of a job: its status, its counts, the sheet and the tables. Data only.

A check has one of three states: it holds, it does not hold, or it could not be checked.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from leadflow.history import standing
from leadflow.reports import rescrub
from leadflow.reports.accounting import Accounting, accounting_of, reasons
from leadflow.reports.data import DOES_NOT_HOLD, HOLDS, NOT_CHECKED
from leadflow.reports.facts import Facts

if TYPE_CHECKING:
    import pandas as pd


def validation(job: dict[str, Any], facts: Facts | None) -> pd.DataFrame:
    """Return one row a check: check, ok, detail, state.

    `state` is "holds", "does not hold" or "could not be checked". `ok` is true only for a check that holds, so that
    what nobody could check never passes for right.
    """
    import pandas as pd

    totals = accounting_of(job)
    status = ("Job status is COMPLETED", _state(job["status"] == "COMPLETED", job), f"status is {job['status']}")
    counts = ("Row counts match expectations", _counts_state(totals, job), _sum(totals))
    checks = [
        status,
        *(rescrub.checks(job, totals, facts) if totals.rescrub else [counts, *_of_run(job, totals, facts)]),
    ]
    rows = [(check, state == HOLDS, detail, state) for check, state, detail in checks]
    return pd.DataFrame(rows, columns=pd.Index(["check", "ok", "detail", "state"])).astype({"ok": bool})


def _of_run(job: dict[str, Any], totals: Accounting, facts: Facts | None) -> list[tuple[str, str, str]]:
    return [
        (
            "Google Sheets has new data: exactly one row for each delivered lead, and none for one held back",
            *_in_sheet(totals, facts),
        ),
        *_in_tables(job, totals, facts),
    ]


def _state(holds: bool, job: dict[str, Any]) -> str:
    """Return the state of a check that only the end of a job can decide."""
    return HOLDS if holds else NOT_CHECKED if standing(job) == "running" else DOES_NOT_HOLD


def _counts_state(totals: Accounting, job: dict[str, Any]) -> str:
    return _state(totals.balanced, job) if totals.known else NOT_CHECKED


def _sum(totals: Accounting) -> str:
    if not totals.known:
        return "no counts were recorded: the job did not get as far as the extraction"
    held = f"{totals.held_back} held back" + (f" ({reasons(totals.held)})" if totals.held else "")
    waiting = f"; {totals.waiting} still waiting" if totals.waiting else ""
    sign = "=" if totals.balanced or totals.waiting else "is not"
    parts = f"{totals.already_processed} already processed + {totals.delivered} delivered + {held}"
    return f"{totals.extracted} extracted {sign} {parts}{waiting}"


def _in_sheet(totals: Accounting, facts: Facts | None) -> tuple[str, str]:
    if facts is None:
        return _one_each(totals, None, None, totals.delivered)
    withdrawn, there = facts.gone_keys & set(facts.delivered_keys), set(facts.sheet_keys or ())
    expected = [key for key in facts.delivered_keys if key not in withdrawn]
    state, detail = _one_each(totals, expected, facts.sheet_keys, totals.delivered - len(withdrawn))
    held = set(facts.final_keys) - set(facts.delivered_keys)
    if state == HOLDS and (wrong := held & there):
        return DOES_NOT_HOLD, f"{len(wrong)} leads held back are in the sheet, such as {min(wrong)}; take them out"
    if state == HOLDS and (wrong := withdrawn & there):
        return DOES_NOT_HOLD, f"{len(wrong)} withdrawn leads are in the sheet, such as {min(wrong)}; take them out"
    return state, detail + (f"; {len(withdrawn)} more were withdrawn since" if withdrawn else "")


def _in_tables(job: dict[str, Any], totals: Accounting, facts: Facts | None) -> list[tuple[str, str, str]]:
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


def _one_each(totals: Accounting, expected: list[str] | None, there: list[str] | None, count: int) -> tuple[str, str]:
    """Return whether each expected key is there exactly once, and the detail as text."""
    if not totals.known:
        return NOT_CHECKED, "no lead was read"
    if expected is None:
        return NOT_CHECKED, "no connection was given; use engine.report(job_id)"
    if there is None:
        return NOT_CHECKED, "it could not be read"
    wanted = set(expected)
    if len(wanted) != count:
        listed = f"the list of leads on disk has {len(wanted)} keys and the counts have {count}"
        return DOES_NOT_HOLD if wanted else NOT_CHECKED, f"{listed}; checkpoints may have been pruned"
    found = Counter(key for key in there if key in wanted)
    missing, repeated = len(wanted) - len(found), sum(1 for n in found.values() if n > 1)
    if missing or repeated:
        return DOES_NOT_HOLD, f"of {count} leads {missing} are missing and {repeated} are there more than once"
    return HOLDS, f"{count} leads, each there once"

"""The parts of a report that a re-scrub has of its own: data flow, totals, funnel and validation, as data and text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from leadflow.reports.accounting import Accounting, reasons

if TYPE_CHECKING:
    from leadflow.reports.facts import Facts

Check = tuple[str, bool, str]


def tree_lines(batches: list[dict[Any, Any]], totals: Accounting) -> list[str]:
    """Return the data-flow tree: the leads whose checks were old, then each pool of phones."""
    lines = [f"Google Sheets ({totals.extracted} leads whose checks are old)"]
    for place, batch in enumerate(batches, 1):
        branch, stem = ("└──", " ") if place == len(batches) else ("├──", "│")
        waiting = f", {batch['retry']} without an answer" if batch["retry"] else ""
        lines += [
            "    │",
            f"    {branch} Batch {batch['batch']} ({batch['rows']} leads, {batch['phones_found']} phones)",
            f"    {stem}   ├── Litigator: {batch['litigator']} flagged",
            f"    {stem}   ├── DNC: {batch['dnc']} flagged",
            f"    {stem}   └── Google Sheets: {batch['delivered']} renewed, {batch['held']} withdrawn{waiting}",
        ]
    return lines if batches else [*lines, "    │", "    └── no batch was finished"]


def total_line(totals: Accounting) -> str:
    """Return the totals in one line."""
    parts = [
        f"{totals.processed} checked again",
        f"{totals.renewed} renewed",
        _with_reasons("withdrawn", totals.withdrawn),
    ]
    parts += [_with_reasons("without an answer", totals.retry)] if totals.retry else []
    parts += [f"{totals.waiting} waiting"] if totals.waiting else []
    return f"Total: {', '.join(parts)}"


def candidates(totals: Accounting) -> Iterator[tuple[str, int, str]]:
    """Yield the funnel's steps between the leads to check and those that were renewed: name, leads, kind."""
    for reason, leads in sorted(totals.withdrawn.items(), key=lambda item: -item[1]):
        yield f"withdrawn: {reason.replace('_', ' ')}", leads, "litigator" if reason == "litigator" else "held"
    for reason, leads in totals.retry.items():
        yield f"keep their old checks: {reason.replace('_', ' ')}", leads, "open"
    yield "waiting", totals.waiting, "open"


def checks(job: dict[str, Any], totals: Accounting, facts: Facts | None) -> list[Check]:
    """Return the checks of the validation that follow that of the status: name, whether it holds, detail."""
    ledger = "SCRUB_LEDGER has the checks of each renewed lead and the withdrawal of each withdrawn one"
    table = job.get("consolidated") or "UNIQUE_CONSOLIDATED_DATA"
    return [
        ("Row counts match expectations", totals.balanced, _sum(totals)),
        ("Google Sheets shows no withdrawn lead", *_not_in_sheet(totals, facts)),
        (ledger, *_all_there(totals, facts, "ledger")),
        (f"{table} says withdrawn for each withdrawn lead that it has", *_all_there(totals, facts, "consolidated")),
    ]


def _sum(totals: Accounting) -> str:
    if not totals.known:
        return "no counts were recorded: the job did not get as far as the sheet"
    waiting = sum(totals.retry.values()) + totals.waiting
    sign = "=" if totals.balanced or totals.waiting else "is not"
    gone = _with_reasons("withdrawn", totals.withdrawn)
    return f"{totals.extracted} leads whose checks are old {sign} {totals.renewed} renewed + {gone} + {waiting} waiting"


def _not_in_sheet(totals: Accounting, facts: Facts | None) -> tuple[bool, str]:
    gone = sum(totals.withdrawn.values())
    if facts is None:
        return False, "could not be checked: no connection was given; use engine.report(job_id)"
    if facts.sheet_keys is None:
        return False, "could not be checked: it could not be read"
    if len(facts.withdrawn_keys) != gone:
        listed = f"the list of leads on disk has {len(facts.withdrawn_keys)} withdrawn and the counts have {gone}"
        return False, f"{listed}; checkpoints may have been pruned"
    if wrong := set(facts.withdrawn_keys).intersection(facts.sheet_keys):
        return False, f"{len(wrong)} withdrawn leads are in the sheet again, such as {min(wrong)}; take them out"
    return True, f"{gone} withdrawn leads, none is there"


def _all_there(totals: Accounting, facts: Facts | None, where: str) -> tuple[bool, str]:
    if facts is None:
        return False, "could not be checked: no connection was given; use engine.report(job_id)"
    missing = facts.not_in_ledger if where == "ledger" else facts.not_withdrawn_in_table
    if missing is None:
        return False, "could not be checked: it could not be read"
    if missing:
        return False, f"{len(missing)} leads are missing, such as {min(missing)}; engine.resume records them"
    leads = totals.renewed + sum(totals.withdrawn.values()) if where == "ledger" else sum(totals.withdrawn.values())
    return True, f"{leads} leads"


def _with_reasons(what: str, counts: dict[str, int]) -> str:
    return f"{sum(counts.values())} {what}" + (f" ({reasons(counts)})" if counts else "")

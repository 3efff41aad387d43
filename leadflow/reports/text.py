"""Parts of a report as plain text: the summary for a prompt, the data-flow tree, the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadflow.leads.counts import LEFT_OUT
from leadflow.reports import rescrub
from leadflow.reports.accounting import Accounting, accounting_of, reasons
from leadflow.reports.data import ReportData

if TYPE_CHECKING:
    import pandas as pd


def to_text(data: ReportData) -> str:
    """Return a few lines for a plain prompt."""
    checks = check_lines(data.validation)
    lines = [f"Job {data.job['id']}: {data.job['status']}", *data.notes, total_line(accounting_of(data.job)), *checks]
    return "\n".join([*lines, *([data.coverage] if data.coverage else []), *data.opt_outs])


def check_lines(validation: pd.DataFrame) -> list[str]:
    """Return a line for each check: a box (ticked if the check holds), the name of the check, and the detail."""
    checks = validation.to_dict("records")
    return [f"[{'x' if check['ok'] else ' '}] {check['check']} ({check['detail']})" for check in checks]


def tree(flow: pd.DataFrame, totals: Accounting) -> str:
    """Return the data-flow tree: the script's rows, then each batch through its stages."""
    batches = flow.astype(object).where(flow.notna(), 0).to_dict("records")
    if totals.rescrub:
        return "\n".join([*rescrub.tree_lines(batches, totals), "", total_line(totals)])
    skipped = {"already processed": totals.already_processed, **{r: totals.held.get(r, 0) for r in LEFT_OUT}}
    left_out = ", ".join(f"{n} {what}" for what, n in skipped.items() if n)
    lines = [
        f"Snowflake ({totals.extracted} rows)",
        "    │",
        f"    ├── Filtered ({totals.todo} unprocessed{'; ' + left_out if left_out else ''})",
    ]
    for place, batch in enumerate(batches, 1):
        lines += _branch(batch, last=place == len(batches))
    if not batches:
        lines += ["    │", "    └── no batch was finished"]
    return "\n".join([*lines, "", total_line(totals)])


def _branch(batch: dict[Any, Any], last: bool) -> list[str]:
    branch, stem = ("└──", " ") if last else ("├──", "│")
    held = f", {batch['held']} held back" + (f", {batch['retry']} to retry" if batch["retry"] else "")
    return [
        "    │",
        f"    {branch} Batch {batch['batch']} ({batch['rows']} rows)",
        f"    {stem}   ├── idiCORE: {batch['phones_found']} phones found",
        f"    {stem}   ├── Litigator: {batch['litigator']} flagged",
        f"    {stem}   ├── DNC: {batch['dnc']} flagged",
        f"    {stem}   └── Google Sheets: {batch['delivered']} uploaded{held}",
    ]


def total_line(totals: Accounting) -> str:
    """Return the totals in one line. Leads left out were never processed, so they do not count as held back."""
    if totals.rescrub:
        return rescrub.total_line(totals)
    held = {reason: n for reason, n in totals.held.items() if reason not in LEFT_OUT}
    parts = [
        f"{totals.processed} processed",
        f"{totals.delivered} clean",
        _with_reasons("held back", held),
        f"{totals.already_processed} already processed",
    ]
    parts += [_with_reasons("left out", totals.left_out)] if totals.left_out else []
    parts += [f"{totals.waiting} waiting"] if totals.waiting else []
    return f"Total: {', '.join(parts)}"


def _with_reasons(what: str, held: dict[str, int]) -> str:
    return f"{sum(held.values())} {what}" + (f" ({reasons(held)})" if held else "")

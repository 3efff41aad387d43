"""The numbers and facts at the top of a report, as text. Data only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from leadflow.display.units import duration, local_time, money
from leadflow.reports.accounting import Accounting
from leadflow.reports.data import ReportData

# Google's ids have 44 characters. The local world's sheet has a short id and no page.
_GOOGLE_ID = re.compile(r"[A-Za-z0-9_-]{30,}")


@dataclass(frozen=True)
class Figure:
    """One number with its label. Its kind is good (delivered), open (to be processed) or empty."""

    label: str
    text: str
    kind: str = ""


def figures(data: ReportData, totals: Accounting) -> list[Figure]:
    """Return the numbers of a job: leads, flagged phones, money and time."""
    flagged = data.flow[["litigator", "dnc"]].fillna(0).sum()
    retry, left_out = sum(totals.retry.values()), sum(totals.left_out.values())
    found = [
        Figure("extracted", f"{totals.extracted:,}"),
        Figure("already processed", f"{totals.already_processed:,}"),
        Figure("delivered", f"{totals.delivered:,}", "good"),
        Figure("held back", f"{totals.held_back:,}"),
        Figure("of them left out", f"{left_out:,}"),
        Figure("of them may still clear", f"{retry:,}", "open" if retry else ""),
    ]
    found += [Figure("waiting", f"{totals.waiting:,}", "open")] if totals.waiting else []
    found += [Figure("flagged: litigator", f"{int(flagged['litigator']):,}")]
    found += [Figure("flagged: do not call", f"{int(flagged['dnc']):,}"), *_costs(data)]
    return (
        [*found, Figure("run time", duration(float(data.timeline["elapsed"].max())))] if len(data.timeline) else found
    )


def _costs(data: ReportData) -> Iterator[Figure]:
    counts = data.job["counts"]
    if "bought" not in counts:
        return
    yield Figure("lookups bought", f"{counts['bought']:,}")
    if counts.get("cost") is not None:
        yield Figure("for lookups and checks" if counts.get("checked") else "for lookups", money(counts["cost"]))
    elif counts["bought"]:
        yield Figure("cost: no price is set", "unknown")


def facts(data: ReportData) -> list[tuple[str, str]]:
    """Return who ran what, when and within which limits, each with its label."""
    job = data.job
    found = [
        ("Script", job["script_name"]),
        ("Started", _moment(job["created_at"])),
        ("Ended", _moment(job["completed_at"]) if data.standing not in ("running", "dead") else ""),
        ("By", job["started_by"]),
        ("Limits", data.limits or _row_limit(job["limit_rows"])),
        ("Sheet", sheet_name(data) if not sheet_link(data) else ""),
    ]
    return [(label, str(text)) for label, text in found if text]


def message(data: ReportData) -> str:
    """Return the job's message. That of a job which ended early is in the notes, with what is left and how to go on."""
    told = bool(data.notes) and data.job["status"] != "COMPLETED" and data.standing != "running"
    return "" if told else str(data.job["message"] or "")


def sheet_name(data: ReportData) -> str:
    """Return the name of the job's tab."""
    return str(data.job.get("worksheet") or "")


def sheet_link(data: ReportData) -> str:
    """Return the address of the job's sheet; empty for a sheet that is not Google's."""
    sheet = str(data.job.get("spreadsheet_id") or "")
    return f"https://docs.google.com/spreadsheets/d/{sheet}" if _GOOGLE_ID.fullmatch(sheet) else ""


def _moment(at: datetime | None) -> str:
    return local_time(at) if at else ""


def _row_limit(rows: int | None) -> str:
    return f"row limit {rows:,}" if rows else ""

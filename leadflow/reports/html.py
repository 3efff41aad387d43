"""A report as one self-contained page for a notebook. It loads no script, font or picture from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from leadflow.reports.accounting import Accounting, accounting_of
from leadflow.reports.data import ReportData
from leadflow.reports.funnel_html import funnel_to_html
from leadflow.reports.gantt import gantt
from leadflow.reports.tables import MOST_DELAYS, delay_row, rows_where, shortened

if TYPE_CHECKING:
    import pandas as pd

_COLORS = {
    "COMPLETED": "#2e8b57",
    "FAILED": "#c0392b",
    "STOPPED": "#b9770e",
    "RUNNING": "#2471a3",
    "PENDING": "#2471a3",
    "DEAD": "#c0392b",
}


def to_html(data: ReportData) -> str:
    """Return the report as HTML."""
    totals = accounting_of(data.job)
    timeline = rows_where(data.timeline, data.timeline["event"] != "row_processed")
    parts = [
        _head(data),
        _figures(_figures_of(data, totals), totals),
        "<h3>Validation</h3>",
        _validation(data.validation),
        _muted(data.coverage) if data.coverage else "",
        _opt_outs(data.opt_outs),
        "<h3>From extracted to delivered</h3>",
        funnel_to_html(totals),
        "<h3>Stages over batches</h3>",
        gantt(data.flow),
        "<h3>Delays</h3>",
        _delays(data.delays),
        _details("Timeline", ("Time", "Stage", "File:Line", "Event"), timeline, ["time", "stage", "source", "message"]),
        _details("Events Log", ("Time", "Event", "Data"), data.events, ["time", "event", "data"]),
    ]
    return f'<div class="lf"><style>{_style()}</style>{"".join(parts)}</div>'


@cache
def _style() -> str:
    return resources.files("leadflow.reports").joinpath("report.css").read_text(encoding="utf-8")


def _head(data: ReportData) -> str:
    job = data.job
    status = "DEAD" if data.standing == "dead" else job["status"]
    badge = f'<span class="badge" style="background:{_COLORS.get(status, "#616e7c")}">{escape(status)}</span>'
    notes = "".join(f'<div class="note">{escape(note)}</div>' for note in data.notes)
    created = f"{job['created_at']:%Y-%m-%d %H:%M} UTC"
    origin = " · ".join(str(part) for part in (job["script_name"], created, job["started_by"]) if part)
    return f"<h2>{escape(job['id'])} {badge}</h2>{_muted(origin)}<div>{escape(job['message'] or '')}</div>{notes}"


def _figures_of(data: ReportData, totals: Accounting) -> dict[str, str]:
    """Return the numbers at the top of the page, each with its label."""
    counts, flagged = data.job["counts"], data.flow[["litigator", "dnc"]].fillna(0).sum()
    leads = {
        "extracted": totals.extracted,
        "already processed": totals.already_processed,
        "left out": sum(totals.left_out.values()),
        "delivered": totals.delivered,
        "held back": sum(totals.held_final.values()),
        "may still clear": sum(totals.retry.values()),
        **({"waiting": totals.waiting} if totals.waiting else {}),
        "litigator phones": int(flagged["litigator"]),
        "DNC phones": int(flagged["dnc"]),
    }
    figures = {label: f"{n:,}" for label, n in leads.items()}
    if "bought" in counts:
        figures["lookups bought"] = f"{counts['bought']:,}"
    if counts.get("cost") is not None:
        figures["for lookups and checks" if counts.get("checked") else "for lookups"] = f"${counts['cost']:,.2f}"
    if len(data.timeline):
        figures["seconds"] = f"{data.timeline['elapsed'].max():,.1f}"
    return figures


def _figures(figures: dict[str, str], totals: Accounting) -> str:
    kinds = {"delivered": "good", "waiting": "open"} | ({"may still clear": "open"} if totals.retry else {})
    boxes = (
        f'<div class="num {kinds.get(label, "")}"><b>{figure}</b>{escape(label)}</div>'
        for label, figure in figures.items()
    )
    return f'<div class="nums">{"".join(boxes)}</div>'


def _validation(checks: pd.DataFrame) -> str:
    lines: list[str] = []
    for row in checks.to_dict("records"):
        tick = '<b class="yes">&#10003;</b>' if row["ok"] else '<b class="no">&#10007;</b>'
        detail = f'<span class="mute">{escape(str(row["detail"]))}</span>'
        lines.append(f'<div class="check">{tick}<div>{escape(str(row["check"]))} {detail}</div></div>')
    return "".join(lines)


def _opt_outs(lines: list[str]) -> str:
    return "".join(["<h3>Opt-outs</h3>", *(f"<div>{escape(line)}</div>" for line in lines)]) if lines else ""


def _delays(delays: pd.DataFrame) -> str:
    if delays.empty:
        return _muted("No unusual delays.")
    rows = [delay_row(delay, with_batch=False) for delay in delays.head(MOST_DELAYS).to_dict("records")]
    return _table(("Time", "Stage", "Silence", "Usual", "After", "Until"), rows)


def _details(title: str, header: Sequence[str], frame: pd.DataFrame, columns: list[str]) -> str:
    """Return a table that is folded until its title is clicked."""
    rows = shortened(frame, columns)
    table = _table(header, rows) if rows else _muted("No events were recorded.")
    return f"<details><summary>{escape(title)}</summary>{table}</details>"


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(v))}</td>' for v in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _muted(text: str) -> str:
    return f'<div class="mute">{escape(text)}</div>'

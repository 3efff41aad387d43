"""A report as one self-contained page for a notebook: no script, no font and no picture from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from leadflow.reports import funnel
from leadflow.reports.flow import Accounting, accounting_of
from leadflow.reports.gantt import gantt
from leadflow.reports.markdown import elided

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.reports.report import Report

_COLORS = {
    "COMPLETED": "#2e8b57",
    "FAILED": "#c0392b",
    "STOPPED": "#b9770e",
    "RUNNING": "#2471a3",
    "PENDING": "#2471a3",
    "DEAD": "#c0392b",
}
# The page has no ground of its own: it takes ink and ground from the notebook, light or dark.
_STYLE = """
.lf{font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--jp-content-font-color1,var(--vscode-foreground,inherit));max-width:940px;
border:1px solid rgba(127,140,155,.35);border-radius:10px;padding:18px 24px 22px}.lf h2{font-size:19px;font-weight:600;line-height:1.3;margin:0 0 4px;color:inherit}
.lf h3{font-size:14px;font-weight:600;margin:22px 0 8px;color:inherit}.lf .mute{opacity:.72;font-size:13px}
.lf .badge{color:#fff;border-radius:12px;padding:2px 10px;font-size:12px;font-weight:600;vertical-align:middle}
.lf .nums{display:grid;grid-template-columns:repeat(auto-fill,minmax(128px,1fr));gap:8px;margin:14px 0 0}
.lf .num{background:rgba(127,140,155,.12);border-radius:8px;padding:7px 11px;font-size:12px;line-height:1.35;white-space:nowrap}
.lf .num b{display:block;font-size:20px;font-variant-numeric:tabular-nums}
.lf .num.good b{color:#2f9e63}.lf .num.open b{color:#c9820f}
.lf .note{background:rgba(242,165,65,.14);border-left:3px solid #f2a541;padding:6px 12px;margin:8px 0}
.lf .check{display:grid;grid-template-columns:16px 1fr;gap:4px;padding:1px 0}.lf .yes{color:#2f9e63}.lf .no{color:#d9534f}
.lf table{border-collapse:collapse;width:100%;font-size:12.5px;margin:0;table-layout:auto}.lf tr,.lf tr:hover{background:transparent!important}
.lf td,.lf th{padding:3px 8px;border:0;border-bottom:1px solid rgba(127,140,155,.22);text-align:left;vertical-align:top;color:inherit;max-width:none;white-space:normal}
.lf th{opacity:.72;font-weight:600}.lf td:first-child{white-space:nowrap}.lf .scroll{max-height:320px;overflow:auto}
.lf svg{max-width:100%;height:auto}.lf svg text{fill:currentColor}.lf summary{cursor:pointer;font-weight:600;margin-top:16px}
"""


def to_html(report: Report) -> str:
    """The report as HTML."""
    totals = accounting_of(report.job)
    parts = [
        _head(report),
        _numbers(report, totals),
        "<h3>Validation</h3>",
        _validation(report.validation),
        _coverage(report),
        "<h3>From extracted to delivered</h3>",
        funnel.to_html(totals),
    ]
    parts += ["<h3>Stages over batches</h3>", gantt(report.flow)]
    parts += ["<h3>Delays</h3>", _delays(report.delays)]
    timeline = report.timeline[report.timeline["event"] != "row_processed"]
    parts.append(
        _details(
            "Timeline",
            _table(("Time", "Stage", "File:Line", "Event"), elided(timeline, ["time", "stage", "source", "message"])),
        )
    )
    parts.append(
        _details("Events Log", _table(("Time", "Event", "Data"), elided(report.events, ["time", "event", "data"])))
    )
    return f'<div class="lf"><style>{_STYLE}{funnel.STYLE}</style>{"".join(parts)}</div>'


def _head(report: Report) -> str:
    job = report.job
    status = "DEAD" if report.standing == "dead" else job["status"]
    badge = f'<span class="badge" style="background:{_COLORS.get(status, "#616e7c")}">{escape(status)}</span>'
    notes = "".join(f'<div class="note">{escape(note)}</div>' for note in report.notes)
    sub = " · ".join(
        str(v) for v in (job["script_name"], f"{job['created_at']:%Y-%m-%d %H:%M} UTC", job["started_by"]) if v
    )
    return f'<h2>{escape(job["id"])} {badge}</h2><div class="mute">{escape(sub)}</div><div>{escape(job["message"] or "")}</div>{notes}'


def _numbers(report: Report, totals: Accounting) -> str:
    counts, flags = report.job["counts"], report.flow[["litigator", "dnc"]].fillna(0).sum()
    shown = {
        "extracted": totals.extracted,
        "already processed": totals.already_processed,
        "left out": sum(totals.left_out.values()),
    }
    shown |= {
        "delivered": totals.delivered,
        "held back": sum(totals.held_here.values()),
        "may still clear": sum(totals.retry.values()),
    }
    shown |= {"waiting": totals.waiting} if totals.waiting else {}
    shown |= {"litigator phones": int(flags["litigator"]), "DNC phones": int(flags["dnc"])}
    told = {what: f"{n:,}" for what, n in shown.items()}
    told |= {"lookups bought": f"{counts['bought']:,}"} if "bought" in counts else {}
    told |= (
        {f"for lookups{' and checks' if counts.get('checked') else ''}": f"${counts['cost']:,.2f}"}
        if counts.get("cost") is not None
        else {}
    )
    told |= {"seconds": f"{report.timeline['elapsed'].max():,.1f}"} if len(report.timeline) else {}
    kinds = {"delivered": "good"} | {what: "open" for what in ("may still clear", "waiting") if shown.get(what)}
    return (
        '<div class="nums">'
        + "".join(f'<div class="num {kinds.get(what, "")}"><b>{n}</b>{escape(what)}</div>' for what, n in told.items())
        + "</div>"
    )


def _validation(checks: pd.DataFrame) -> str:
    lines = []
    for row in checks.itertuples():
        tick = '<b class="yes">&#10003;</b>' if row.ok else '<b class="no">&#10007;</b>'
        lines.append(
            f'<div class="check">{tick}<div>{escape(str(row.check))} <span class="mute">{escape(str(row.detail))}</span></div></div>'
        )
    return "".join(lines)


def _coverage(report: Report) -> str:
    return f'<div class="mute">{escape(report.coverage)}</div>' if report.coverage else ""


def _delays(delays: pd.DataFrame) -> str:
    if delays.empty:
        return '<div class="mute">No unusual delays.</div>'
    few = delays.head(50).copy()
    few["gap_s"], few["usual_s"] = (
        few["gap_s"].map("{:.1f} s".format),
        few["usual_s"].map(lambda s: "" if s != s else f"{s:.1f} s"),
    )
    return _table(
        ("Time", "Stage", "Silence", "Usual", "After", "Until"),
        few[["time", "stage", "gap_s", "usual_s", "after", "before"]].to_numpy().tolist(),
    )


def _table(header: tuple[str, ...], rows: list[list[object]]) -> str:
    if not rows:
        return '<div class="mute">No events were recorded.</div>'
    head = "".join(f"<th>{escape(h)}</th>" for h in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(v))}</td>' for v in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _details(title: str, inside: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{inside}</details>"

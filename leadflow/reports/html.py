"""A report as one self-contained page for a notebook: no script, no font and no picture from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from leadflow.reports.flow import Accounting, accounting, total_line
from leadflow.reports.gantt import gantt
from leadflow.reports.markdown import elided

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.reports.report import Report

_COLORS = {"COMPLETED": "#2e8b57", "FAILED": "#c0392b", "STOPPED": "#b9770e", "RUNNING": "#2471a3"}
_STYLE = """
.lf{font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:#1f2933;background:#fff;max-width:960px;border:1px solid #e1e7ec;
border-radius:10px;padding:20px 24px}.lf h2{font-size:19px;margin:0 0 4px}.lf h3{font-size:14px;margin:22px 0 8px;color:#52606d}
.lf .badge{color:#fff;border-radius:12px;padding:2px 10px;font-size:12px;font-weight:600;vertical-align:middle}.lf .mute{color:#616e7c;font-size:13px}
.lf .nums{display:flex;flex-wrap:wrap;gap:10px;margin:14px 0 0}.lf .num{background:#f5f7fa;border-radius:8px;padding:8px 16px;min-width:90px}
.lf .num b{display:block;font-size:20px;font-variant-numeric:tabular-nums}.lf .note{background:#fff7e6;border-left:3px solid #f2a541;padding:6px 12px;margin:8px 0}
.lf table{border-collapse:collapse;width:100%;font-size:12.5px}.lf th{text-align:left;color:#616e7c;font-weight:600}
.lf td,.lf th{padding:3px 8px;border-bottom:1px solid #eef1f4;text-align:left;vertical-align:top;background:#fff;color:inherit}
.lf .scroll{max-height:320px;overflow:auto}.lf .bar{height:16px;border-radius:3px;min-width:1px}.lf .yes{color:#2e8b57}.lf .no{color:#c0392b}
.lf svg{max-width:100%;height:auto}.lf summary{cursor:pointer;color:#52606d;font-weight:600;margin-top:18px}
"""


def to_html(report: Report) -> str:
    """The report as HTML."""
    totals = accounting(report.job["counts"])
    parts = [_head(report), _numbers(report.job, totals), "<h3>Validation</h3>", _validation(report.validation), "<h3>From extracted to delivered</h3>", _funnel(totals)]
    parts += ["<h3>Stages over batches</h3>", gantt(report.flow)]
    parts += ["<h3>Delays</h3>", _delays(report.delays)]
    timeline = report.timeline[report.timeline["event"] != "row_processed"]
    parts.append(_details("Timeline", _table(("Time", "Stage", "File:Line", "Event"), elided(timeline, ["time", "stage", "source", "message"]))))
    parts.append(_details("Events Log", _table(("Time", "Event", "Data"), elided(report.events, ["time", "event", "data"]))))
    return f'<div class="lf"><style>{_STYLE}</style>{"".join(parts)}</div>'


def _head(report: Report) -> str:
    job = report.job
    color = _COLORS.get(job["status"], "#616e7c")
    badge = f'<span class="badge" style="background:{color}">{escape(job["status"])}</span>'
    notes = "".join(f'<div class="note">{escape(note)}</div>' for note in report.notes)
    sub = " · ".join(str(v) for v in (job["script_name"], f"{job['created_at']:%Y-%m-%d %H:%M} UTC", job["started_by"]) if v)
    return f'<h2>{escape(job["id"])} {badge}</h2><div class="mute">{escape(sub)}</div><div>{escape(job["message"] or "")}</div>{notes}'


def _numbers(job: dict[str, Any], totals: Accounting) -> str:
    counts = job["counts"]
    shown = {"extracted": totals.extracted, "already processed": totals.already_processed, "delivered": totals.delivered, "held back": totals.held_back}
    shown |= {"litigator phones": job["litigator_count"] or 0, "DNC phones": job["dnc_count"] or 0, "lookups bought": counts.get("bought", 0)}
    if job["started_at"] and job["completed_at"]:
        shown["seconds"] = round((job["completed_at"] - job["started_at"]).total_seconds(), 1)
    return '<div class="nums">' + "".join(f'<div class="num"><b>{n:,}</b>{escape(what)}</div>' for what, n in shown.items()) + "</div>"


def _validation(checks: pd.DataFrame) -> str:
    lines = []
    for row in checks.itertuples():
        tick = '<b class="yes">&#10003;</b>' if row.ok else '<b class="no">&#10007;</b>'
        lines.append(f'<div>{tick} {escape(str(row.check))} <span class="mute">{escape(str(row.detail))}</span></div>')
    return "".join(lines)


def _funnel(totals: Accounting) -> str:
    steps = [("extracted", totals.extracted, "#9fb3c8"), ("unprocessed", totals.todo, "#4c78a8"), ("delivered", totals.delivered, "#4daf7c")]
    steps += [(f"held: {r}", n, "#e08e79") for r, n in sorted(totals.held.items(), key=lambda item: -item[1])]
    most = max(1, totals.extracted)
    rows = "".join(
        f'<tr><td style="width:160px">{escape(what)}</td><td style="width:70px;text-align:right">{n:,}</td>'
        f'<td><div class="bar" style="width:{100 * min(n, most) / most:.1f}%;background:{color}"></div></td></tr>'
        for what, n, color in steps
    )
    return f'<table>{rows}</table><div class="mute">{escape(total_line(totals))}</div>'


def _delays(delays: pd.DataFrame) -> str:
    if delays.empty:
        return '<div class="mute">No unusual delays.</div>'
    few = delays.head(50).copy()
    few["gap_s"], few["usual_s"] = few["gap_s"].map("{:.1f} s".format), few["usual_s"].map(lambda s: "" if s != s else f"{s:.1f} s")
    return _table(("Time", "Stage", "Silence", "Usual", "After", "Until"), few[["time", "stage", "gap_s", "usual_s", "after", "before"]].to_numpy().tolist())


def _table(header: tuple[str, ...], rows: list[list[object]]) -> str:
    if not rows:
        return '<div class="mute">No events were recorded.</div>'
    head = "".join(f"<th>{escape(h)}</th>" for h in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(v))}</td>' for v in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _details(title: str, inside: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{inside}</details>"

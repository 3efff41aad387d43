"""A report as HTML for a notebook, or as a page of its own. It loads no script, font or picture from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from leadflow.display.elements import badge, folded, framed, html_table, muted
from leadflow.reports.accounting import Accounting, accounting_of
from leadflow.reports.data import DOES_NOT_HOLD, HOLDS, NOT_CHECKED, ReportData
from leadflow.reports.figures import facts, figures, message, sheet_link, sheet_name
from leadflow.reports.funnel_html import funnel_to_html
from leadflow.reports.gantt import gantt
from leadflow.reports.providers import HEADER, provider_rows
from leadflow.reports.tables import MOST_DELAYS, delay_row, rows_where, shortened
from leadflow.reports.text import detail_of

if TYPE_CHECKING:
    import pandas as pd

_MARKS = {HOLDS: ("yes", "&#10003;"), DOES_NOT_HOLD: ("no", "&#10007;"), NOT_CHECKED: ("unknown", "?")}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>:root {{ color-scheme: light dark; }} body {{ margin: 8px; }} .lf {{ margin: 0 auto; }}</style>
</head>
<body>
{report}
</body>
</html>
"""


def to_page(data: ReportData) -> str:
    """Return the report as a page of its own, which follows the light or dark mode of the browser."""
    return _PAGE.format(title=escape(f"{data.job['id']}: {data.job['status']}"), report=to_html(data))


def to_html(data: ReportData) -> str:
    """Return the report as HTML."""
    totals = accounting_of(data.job)
    parts = [
        _head(data),
        _figures(data, totals),
        muted(data.usual) if data.usual else "",
        _validation(data),
        _opt_outs(data.opt_outs),
        _section("From extracted to delivered", funnel_to_html(totals)),
        _providers(data),
        _section("Stages over batches", gantt(data.schedule)),
        _section("Delays", _delays(data.delays)),
        *_tables(data),
        _script(data),
    ]
    return framed("".join(parts))


def _section(title: str, content: str) -> str:
    return f"<h3>{escape(title)}</h3>{content}"


def _head(data: ReportData) -> str:
    job = data.job
    status = "DEAD" if data.standing == "dead" else job["status"]
    notes = "".join(f'<div class="note">{escape(note)}</div>' for note in data.notes)
    return f"<h2>{escape(job['id'])} {badge(status)}</h2>{_facts(data)}<div>{escape(message(data))}</div>{notes}"


def _facts(data: ReportData) -> str:
    lines = [f"<span><b>{escape(label)}</b> {escape(text)}</span>" for label, text in facts(data)]
    if link := sheet_link(data):
        name = escape(sheet_name(data) or "open it")
        lines.append(f'<span><b>Sheet</b> <a href="{escape(link)}" target="_blank" rel="noopener">{name}</a></span>')
    return f'<div class="facts mute">{"".join(lines)}</div>'


def _figures(data: ReportData, totals: Accounting) -> str:
    boxes = (
        f'<div class="num {figure.kind}"><b>{escape(figure.text)}</b>{escape(figure.label)}</div>'
        for figure in figures(data, totals)
    )
    return f'<div class="nums">{"".join(boxes)}</div>'


def _validation(data: ReportData) -> str:
    lines: list[str] = []
    for row in data.validation.to_dict("records"):
        kind, sign = _MARKS[row["state"]]
        mark = f'<b class="{kind}" role="img" aria-label="{row["state"]}" title="{row["state"]}">{sign}</b>'
        detail = f'<span class="mute">{escape(detail_of(row))}</span>'
        lines.append(f'<div class="check">{mark}<div>{escape(str(row["check"]))} {detail}</div></div>')
    return _section("Validation", "".join(lines) + (muted(data.coverage) if data.coverage else ""))


def _opt_outs(lines: list[str]) -> str:
    return _section("Opt-outs", "".join(f"<div>{escape(line)}</div>" for line in lines)) if lines else ""


def _providers(data: ReportData) -> str:
    rows = provider_rows(data.job)
    return _section("Providers", html_table(HEADER, rows)) if rows else ""


def _delays(delays: pd.DataFrame) -> str:
    if delays.empty:
        return muted("No unusual delays.")
    rows = [delay_row(delay) for delay in delays.head(MOST_DELAYS).to_dict("records")]
    return html_table(("Time", "Stage", "Batch", "Silence", "Usual", "After", "Until"), rows)


def _tables(data: ReportData) -> list[str]:
    timeline = rows_where(data.timeline, data.timeline["event"] != "row_processed")
    return [
        _frame("Timeline", ("Time", "Stage", "File:Line", "Event"), timeline, ["time", "stage", "source", "message"]),
        _frame("Events Log", ("Time", "Event", "Data"), data.events, ["time", "event", "data"]),
    ]


def _frame(title: str, header: Sequence[str], frame: pd.DataFrame, columns: list[str]) -> str:
    rows = shortened(frame, columns)
    return folded(title, html_table(header, rows) if rows else muted("No events were recorded."))


def _script(data: ReportData) -> str:
    text = str(data.job.get("script") or "").strip()
    return folded("Script, without its constants", f"<pre>{escape(text)}</pre>") if text else ""

"""A report as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from leadflow.reports.accounting import accounting_of
from leadflow.reports.data import ReportData
from leadflow.reports.figures import facts, figures, message, sheet_link, sheet_name
from leadflow.reports.providers import HEADER, provider_rows
from leadflow.reports.tables import MOST_DELAYS, delay_row, rows_where, shortened
from leadflow.reports.text import check_lines, tree

if TYPE_CHECKING:
    import pandas as pd


def to_markdown(data: ReportData) -> str:
    """Return the report as Markdown, in the sections of a job-flow trace."""
    parts = [f"# Job Flow Trace: {data.job['id']}", _head(data)]
    parts += ["## Timeline", _timeline(data.timeline)]
    parts += ["## Data Flow", f"```\n{tree(data.flow, accounting_of(data.job))}\n```"]
    providers = provider_rows(data.job)
    parts += ["## Providers", table(HEADER, providers)] if providers else []
    parts += ["## Events Log", _events(data.events)]
    parts += ["## Validation", _validation(data.validation)]
    parts += [data.coverage] if data.coverage else []
    parts += ["## Opt-outs", "\n".join(f"- {line}" for line in data.opt_outs)] if data.opt_outs else []
    parts += ["## Delays", _delays(data.delays), *_script(data)]
    return "\n\n".join(parts) + "\n"


def _head(data: ReportData) -> str:
    lines = [f"**{data.job['status']}** {message(data)}".rstrip()]
    lines += [f"> {note}" for note in data.notes]
    lines += [" · ".join([*(f"{label}: {text}" for label, text in facts(data)), *_link(data)])]
    numbers = [f"{figure.text} {figure.label}" for figure in figures(data, accounting_of(data.job))]
    return "\n\n".join([*lines, ", ".join(numbers), *([data.usual] if data.usual else [])])


def _link(data: ReportData) -> list[str]:
    return [f"Sheet: [{sheet_name(data) or 'open it'}]({sheet_link(data)})"] if sheet_link(data) else []


def _script(data: ReportData) -> list[str]:
    """Return the script, whose constants the history does not keep, as a block of SQL."""
    text = str(data.job.get("script") or "").strip()
    fence = "`" * (3 + text.count("`"))
    return ["## Script", f"{fence}sql\n{text}\n{fence}"] if text else []


def cell(value: object) -> str:
    """Return a value as text for a table cell."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\r", " ").replace("\n", " ")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(header)} |", f"|{'|'.join('-' * (len(h) + 2) for h in header)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(cell(v) for v in row)} |" for row in rows)])


def _timeline(timeline: pd.DataFrame) -> str:
    if timeline.empty:
        return "No events were recorded."
    rows = shortened(rows_where(timeline, timeline["event"] != "row_processed"), ["time", "stage", "source", "message"])
    return table(("Time", "Stage", "File:Line", "Event"), rows)


def _events(events: pd.DataFrame) -> str:
    if events.empty:
        return "No events were recorded."
    return table(("Event", "Data"), [[event, _fields(data)] for event, data in shortened(events, ["event", "data"])])


def _fields(data: Any) -> str:
    """Return an event's fields, such as "{progress: 0, message: "Started"}". Other than a JSON object stays as is."""
    try:
        found = json.loads(data)
    except (TypeError, ValueError):
        return str(data)
    if not isinstance(found, dict):
        return str(data)
    return "{" + ", ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in found.items()) + "}"


def _validation(checks: pd.DataFrame) -> str:
    return "\n".join(f"- {line}" for line in check_lines(checks))


def _delays(delays: pd.DataFrame) -> str:
    if delays.empty:
        return "No unusual delays."
    rows = [delay_row(delay) for delay in delays.head(MOST_DELAYS).to_dict("records")]
    return table(("Time", "Stage", "Batch", "Silence", "Usual", "After", "Until"), rows)

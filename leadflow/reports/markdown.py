"""A report as Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from leadflow.reports.flow import accounting_of, tree

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.reports.report import Report

_SHOWN = 300


def to_markdown(report: Report) -> str:
    """The report in the layout of the trace document."""
    parts = [f"# Job Flow Trace: {report.job['id']}", _head(report)]
    parts += ["## Timeline", _timeline(report.timeline)]
    parts += ["## Data Flow", f"```\n{tree(report.flow, accounting_of(report.job))}\n```"]
    parts += ["## Events Log", _events(report.events)]
    parts += [
        "## Validation",
        "\n".join(f"- [{'x' if r.ok else ' '}] {r.check} ({r.detail})" for r in report.validation.itertuples()),
    ]
    parts += [report.coverage] if report.coverage else []
    parts += ["## Delays", _delays(report.delays)]
    return "\n\n".join(parts) + "\n"


def _head(report: Report) -> str:
    job = report.job
    lines = [f"**{job['status']}** {job['message'] or ''}".rstrip()]
    lines += [f"> {note}" for note in report.notes]
    return "\n\n".join(lines)


def cell(value: object) -> str:
    """Text fit for a table cell."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\r", " ").replace("\n", " ")


def table(header: tuple[str, ...], rows: list[list[object]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(header)} |", f"|{'|'.join('-' * (len(h) + 2) for h in header)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(cell(v) for v in row)} |" for row in rows)])


def elided(frame: pd.DataFrame, columns: list[str], most: int = _SHOWN) -> list[list[object]]:
    """The rows of a frame; of a long one the first and the last, with a row that says how many are left out."""
    if len(frame) <= most:
        return frame[columns].to_numpy().tolist()
    half = most // 2
    gap: list[object] = ["...", *[""] * (len(columns) - 2), f"{len(frame) - 2 * half} more: lf.trace has them all"]
    return [*frame[columns].head(half).to_numpy().tolist(), gap, *frame[columns].tail(half).to_numpy().tolist()]


def _timeline(timeline: pd.DataFrame) -> str:
    if timeline.empty:
        return "No events were recorded."
    return table(
        ("Time", "Stage", "File:Line", "Event"),
        elided(timeline[timeline["event"] != "row_processed"], ["time", "stage", "source", "message"]),
    )


def _events(events: pd.DataFrame) -> str:
    if events.empty:
        return "No events were recorded."
    return table(("Event", "Data"), [[event, _short(data)] for event, data in elided(events, ["event", "data"])])


def _short(data: Any) -> str:
    try:
        found = json.loads(data)
    except (TypeError, ValueError):
        return str(data)
    return (
        "{" + ", ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in found.items()) + "}"
        if isinstance(found, dict)
        else str(data)
    )


def _delays(delays: pd.DataFrame) -> str:
    if delays.empty:
        return "No unusual delays."
    rows = [
        [
            r.time,
            r.stage,
            "" if r.batch != r.batch else int(r.batch),
            f"{r.gap_s:.1f} s",
            "" if r.usual_s != r.usual_s else f"{r.usual_s:.1f} s",
            r.after,
            r.before,
        ]
        for r in delays.head(50).astype({"batch": float}).itertuples()
    ]
    return table(("Time", "Stage", "Batch", "Silence", "Usual", "After", "Until"), rows)

"""The funnel of a report, drawn in HTML."""

from __future__ import annotations

from html import escape

from leadflow.display.elements import muted
from leadflow.reports.accounting import Accounting
from leadflow.reports.funnel import Step, steps


def funnel_to_html(totals: Accounting) -> str:
    """Return the funnel as HTML: for each step its leads, their share, and the rest.

    Shares are of the leads to look up, because with a row limit every share of all leads is small. Above the line "to
    look up", shares are of all extracted leads.
    """
    if not totals.known:
        return muted("No counts were recorded: the job did not get as far as the extraction.")
    lines: list[str] = []
    whole = totals.extracted
    for step in steps(totals):
        whole = totals.todo if step.kind == "todo" else whole
        lines.append(_line(step, max(1, whole)))
    said = (
        f"Shares are of the {totals.todo:,} leads to look up; above that line, of all {totals.extracted:,} extracted."
    )
    return "".join(lines) + muted(said)


def _line(step: Step, whole: int) -> str:
    share = 100 * step.leads / whole
    left = f'<i class="stay" style="width:{min(100.0, 100 * step.left / whole):.2f}%"></i>'
    gone = "" if step.level else f'<i class="gone" style="width:{min(100.0, share):.2f}%"></i>'
    return (
        f'<div class="step {"level" if step.level else "drop"} {step.kind}"><span>{escape(step.name)}</span>'
        f'<span class="n">{step.leads:,}</span><span class="p">{share:.1f}%</span>'
        f'<div class="track">{left}{gone}</div></div>'
    )

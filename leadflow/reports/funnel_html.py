"""The funnel of a report, drawn in HTML."""

from __future__ import annotations

from html import escape

from leadflow.reports.accounting import Accounting
from leadflow.reports.funnel import Step, steps


def funnel_to_html(totals: Accounting) -> str:
    """Return the funnel as HTML: for each step its leads, their share of the extracted leads, and the rest."""
    if not totals.known:
        return '<div class="mute">No counts were recorded: the job did not get as far as the extraction.</div>'
    return "".join(_line(step, max(1, totals.extracted)) for step in steps(totals))


def _line(step: Step, extracted: int) -> str:
    share = 100 * step.leads / extracted
    left = f'<i class="stay" style="width:{min(100.0, 100 * step.left / extracted):.2f}%"></i>'
    gone = "" if step.level else f'<i class="gone" style="width:{min(100.0, share):.2f}%"></i>'
    return (
        f'<div class="step {"level" if step.level else "drop"} {step.kind}"><span>{escape(step.name)}</span>'
        f'<span class="n">{step.leads:,}</span><span class="p">{share:.1f}%</span>'
        f'<div class="track">{left}{gone}</div></div>'
    )

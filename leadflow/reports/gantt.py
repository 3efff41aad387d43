"""The chart of a report: the stages of each batch over job time, or the throughput of many batches, as SVG.

Positions are percentages, so that the drawing takes any width and its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from leadflow.display.elements import folded, html_table, muted
from leadflow.display.units import duration, local_time
from leadflow.reports.data import STAGES, Bar, Run, Schedule

_COLORS = dict(zip(STAGES.values(), ("#4c78a8", "#f2a541", "#4daf7c", "#9a7fc4"), strict=True))
_LANE, _BAR, _CURVE, _AXIS = 18, 12, 120, 20
_MOST_TICKS, _MOST_RESUMES = 4, 5
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)


def gantt(plan: Schedule) -> str:
    """Return the chart with its legend, a line for each resume, and the slowest batches if there are many."""
    if not plan.batches:
        return muted("No batch was finished.")
    chart = _curve(plan) if plan.throughput else _lanes(plan)
    return "".join((chart, _resumes(plan.resumes), _slowest(plan)))


def _lanes(plan: Schedule) -> str:
    numbers = list(dict.fromkeys(bar.batch for bar in plan.bars))
    lanes = {number: place for place, number in enumerate(numbers)}
    labels = "".join(f'<text y="{_LANE * place + 12}">Batch {number}</text>' for number, place in lanes.items())
    bars = "".join(_bar(bar, lanes[bar.batch], plan.seconds) for bar in plan.bars)
    legend = "".join(
        f'<span><i style="background:{color}"></i>{escape(name)}</span>' for name, color in _COLORS.items()
    )
    return f'<div class="legend">{legend}</div>' + _plot(plan, _LANE * len(lanes), labels, bars, "Stages over batches")


def _bar(bar: Bar, lane: int, seconds: float) -> str:
    title = f"Batch {bar.batch}, {bar.stage}: {duration(bar.end - bar.start)}"
    start, width = _percent(bar.start, seconds), _percent(bar.end - bar.start, seconds)
    return (
        f'<rect x="{start}" y="{_LANE * lane + 3}" width="{width}" height="{_BAR}" rx="2" '
        f'fill="{_COLORS[bar.stage]}"><title>{escape(title)}</title></rect>'
    )


def _curve(plan: Schedule) -> str:
    most = max(plan.throughput) or 1.0
    points = " ".join(f"L{at} {100 - 96 * rate / most:.2f}" for at, rate in enumerate(plan.throughput))
    area = f"M0 100 {points} L{len(plan.throughput) - 1} 100 Z"
    drawn = (
        f'<svg width="100%" height="{_CURVE}" viewBox="0 0 {len(plan.throughput) - 1} 100" preserveAspectRatio="none">'
        f'<path class="area" d="{area}"/></svg>'
    )
    rate = f"{most:,.0f}/s" if most >= 10 else f"{most:.1f}/s"
    labels = f'<text y="14">{rate}</text><text y="{_CURVE}">0/s</text>'
    what = f"Leads a second, over all {plan.batches:,} batches"
    return muted(f"{what}.") + _plot(plan, _CURVE, labels, drawn, what)


def _plot(plan: Schedule, height: int, labels: str, marks: str, what: str) -> str:
    """Return labels and drawing side by side, over an axis of job time."""
    return (
        f'<div class="plot"><svg width="64" height="{height + _AXIS}" aria-hidden="true">{labels}</svg>'
        f'<svg width="100%" height="{height + _AXIS}" role="img" aria-label="{escape(what)}">'
        f'{"".join(_axis(plan.seconds, height))}<g class="marks">{marks}</g>'
        f"{''.join(_resume_mark(run, plan.seconds, height) for run in plan.resumes)}</svg></div>"
    )


def _axis(seconds: float, height: int) -> Iterator[str]:
    for tick in ticks(seconds):
        at = _percent(tick, seconds)
        anchor = "start" if tick == 0 else "end" if tick > 0.93 * seconds else "middle"
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="0" y2="{height}"/>'
        yield f'<text x="{at}" y="{height + 14}" text-anchor="{anchor}">{_tick_text(tick)}</text>'


def ticks(seconds: float) -> list[float]:
    """Return at most five round times from 0 to `seconds`.

    >>> ticks(177.4)
    [0, 60, 120]
    """
    step = next((step for step in _STEPS if seconds / step <= _MOST_TICKS), None)
    if step is None:
        step = 86_400 * (1 + int(seconds / 86_400 / _MOST_TICKS))
    return [round(step * n, 3) for n in range(int(seconds / step + 1e-9) + 1)]


def _tick_text(seconds: float) -> str:
    """Return a round time, such as "0.5 s", "90 s", "3 min", "2 h"."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size:g} {unit}"
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / max(whole, 1e-9):.3f}%"


def _resume_mark(run: Run, seconds: float, height: int) -> str:
    at = _percent(run.first_s, seconds)
    return (
        f'<line class="resume" x1="{at}" x2="{at}" y1="0" y2="{height}"><title>{escape(_resumed(run))}</title></line>'
    )


def _resumed(run: Run) -> str:
    return f"Resumed {local_time(run.began)}, after a pause of {duration(run.pause_s)}"


def _resumes(resumes: list[Run]) -> str:
    lines = [f"{_resumed(run)}, at {duration(run.first_s)} of job time." for run in resumes[:_MOST_RESUMES]]
    if len(resumes) > _MOST_RESUMES:
        lines.append(f"And {len(resumes) - _MOST_RESUMES} more resumes.")
    return "".join(map(muted, lines))


def _slowest(plan: Schedule) -> str:
    if not plan.slowest:
        return ""
    rows = [
        [
            slow.batch,
            f"{slow.leads:,}",
            f"T+{slow.start:.1f}s",
            duration(slow.seconds),
            *map(duration, slow.stages.values()),
        ]
        for slow in plan.slowest
    ]
    header = ("Batch", "Leads", "Start", "Took", *STAGES.values())
    title = f"The {len(rows)} slowest of {plan.batches:,} batches"
    return folded(title, html_table(header, rows))

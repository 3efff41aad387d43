"""A chart of the stages of each batch over time. altair draws it as SVG, which needs no internet and no script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from leadflow.reports.tables import rows_where

if TYPE_CHECKING:
    import pandas as pd

STAGES = (
    ("lookup_s", "idiCORE", "#4c78a8"),
    ("check_s", "Litigator + DNC", "#f2a541"),
    ("deliver_s", "Google Sheets", "#4daf7c"),
    ("cache_s", "Cache", "#9a7fc4"),
)
MOST_BATCHES = 60
_WIDTH = 760


def gantt(flow: pd.DataFrame) -> str:
    """Return the chart of a report's first batches, or a hint if altair is not installed."""
    timed = rows_where(flow, flow["started_at"].notna() & flow["completed_at"].notna())
    if timed.empty:
        return '<div class="mute">No batch was finished.</div>'
    try:
        import altair
        import vl_convert
    except ImportError:
        return "<div class=\"mute\">To see the stages over the batches: pip install 'leadflow[notebook]'</div>"
    svg = vl_convert.vegalite_to_svg(_chart(altair, bars(timed.head(MOST_BATCHES))).to_json())
    shown = f"The first {MOST_BATCHES} of {len(timed)} batches."
    more = f'<div class="mute">{shown}</div>' if len(timed) > MOST_BATCHES else ""
    return f'<div role="img" aria-label="Stages over batches">{svg}</div>{more}'


def bars(flow: pd.DataFrame) -> pd.DataFrame:
    """Return one row a batch and stage: batch, stage, start and end in seconds since the first batch began.

    Lookup and checks are placed after the batch's start, delivery and cache before its end.
    """
    import pandas as pd

    zero = cast("pd.Timestamp", flow["started_at"].min())
    found = [bar for batch in flow.to_dict("records") for bar in _bars_of(batch, zero)]
    return pd.DataFrame(found, columns=pd.Index(["batch", "stage", "start", "end"]))


def _bars_of(batch: dict[Any, Any], zero: pd.Timestamp) -> Iterator[dict[str, Any]]:
    import pandas as pd

    start, end = (batch["started_at"] - zero).total_seconds(), (batch["completed_at"] - zero).total_seconds()
    seconds = {name: 0.0 if pd.isna(batch[name]) else min(float(batch[name]), end - start) for name, _, _ in STAGES}
    begins = {
        "lookup_s": start,
        "check_s": start + seconds["lookup_s"],
        "deliver_s": end - seconds["cache_s"] - seconds["deliver_s"],
        "cache_s": end - seconds["cache_s"],
    }
    for name, title, _ in STAGES:
        if seconds[name] > 0:
            at = max(start, begins[name])
            yield {"batch": f"Batch {int(batch['batch'])}", "stage": title, "start": at, "end": at + seconds[name]}


def _chart(altair: Any, drawn: pd.DataFrame) -> Any:
    grid = {"grid": True, "gridColor": "#7f8c9b", "gridOpacity": 0.25}
    seconds = altair.Axis(domain=False, ticks=False, tickCount=8, **grid)
    return (
        altair.Chart(drawn)
        .mark_bar(height=12, cornerRadius=2)
        .encode(
            x=altair.X("start:Q", title="seconds", axis=seconds),
            x2="end:Q",
            y=altair.Y("batch:N", sort=None, title=None, axis=altair.Axis(domain=False, ticks=False)),
            color=_stage_colors(altair),
        )
        .properties(width=_WIDTH, height={"step": 18})
        .configure(background="transparent")
        .configure_axis(labelFontSize=11, titleFontSize=11, titleFontWeight="normal")
        .configure_legend(labelFontSize=11)
        .configure_view(strokeWidth=0)
    )


def _stage_colors(altair: Any) -> Any:
    titles, colors = [title for _, title, _ in STAGES], [color for _, _, color in STAGES]
    return altair.Color(
        "stage:N",
        sort=None,
        scale=altair.Scale(domain=titles, range=colors),
        legend=altair.Legend(orient="top", title=None, columnPadding=24),
    )

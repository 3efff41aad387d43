"""When each batch was in which stage: bars for a job with few batches, a curve of throughput for many. Data only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from leadflow.reports.data import MOST_LANES, STAGES, Bar, Run, Schedule, Slow
from leadflow.reports.runs import job_seconds
from leadflow.reports.tables import rows_where

if TYPE_CHECKING:
    import pandas as pd

_MOST_SLOW = 20
_SLICES = 120


def schedule(flow: pd.DataFrame, runs: Sequence[Run]) -> Schedule:
    """Return the schedule of a job from its batches and its runs."""
    timed = rows_where(flow, flow["started_at"].notna() & flow["completed_at"].notna())
    if timed.empty:
        return Schedule()
    batches = _in_job_time(timed, runs or [_one_run(timed)])
    seconds = max(batch["end"] for batch in batches)
    resumes = [run for run in runs[1:] if run.first_s <= seconds]
    if len(batches) <= MOST_LANES:
        return Schedule(len(batches), seconds, [bar for batch in batches for bar in _bars(batch)], resumes=resumes)
    return Schedule(
        len(batches), seconds, throughput=_throughput(batches, seconds), slowest=_slowest(batches), resumes=resumes
    )


def _one_run(timed: pd.DataFrame) -> Run:
    """Return the run of a job whose events are missing."""
    return Run(timed["started_at"].min().to_pydatetime(), 0.0, float("inf"))


def _in_job_time(timed: pd.DataFrame, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the batches as dicts, with `start` and `end` in job time and no second unknown."""
    found: list[dict[str, Any]] = []
    for batch in timed.fillna(dict.fromkeys(STAGES, 0.0) | {"rows": 0}).to_dict("records"):
        start = job_seconds(runs, batch["started_at"])
        end = max(start, job_seconds(runs, batch["completed_at"]))
        found.append({str(name): value for name, value in batch.items()} | {"start": start, "end": end})
    return found


def _bars(batch: dict[str, Any]) -> Iterator[Bar]:
    """Place lookup and checks after the batch's start, delivery and cache before its end."""
    start, end = batch["start"], batch["end"]
    seconds = {name: min(float(batch[name]), end - start) for name in STAGES}
    begins = {
        "lookup_s": start,
        "check_s": start + seconds["lookup_s"],
        "deliver_s": end - seconds["cache_s"] - seconds["deliver_s"],
        "cache_s": end - seconds["cache_s"],
    }
    for name, title in STAGES.items():
        if seconds[name] > 0:
            at = min(max(start, begins[name]), end - seconds[name])
            yield Bar(int(batch["batch"]), title, at, at + seconds[name])


def _throughput(batches: Sequence[dict[str, Any]], seconds: float) -> list[float]:
    """Return the leads a second in each slice; the leads of a batch are spread evenly over its time."""
    import numpy as np

    width = max(seconds, 0.001) / _SLICES
    edges = np.arange(_SLICES + 1) * width
    leads = np.zeros(_SLICES)
    for batch in batches:
        start, end = batch["start"], max(batch["end"], batch["start"] + width / 10)
        inside = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None)
        leads += float(batch["rows"]) * inside / (end - start)
    return [float(value) for value in leads / width]


def _slowest(batches: Sequence[dict[str, Any]]) -> list[Slow]:
    longest = sorted(batches, key=lambda batch: batch["start"] - batch["end"])[:_MOST_SLOW]
    return [
        Slow(
            int(batch["batch"]),
            int(batch["rows"]),
            batch["start"],
            batch["end"] - batch["start"],
            {title: float(batch[name]) for name, title in STAGES.items()},
        )
        for batch in longest
    ]

"""The runs of a job (its start and each resume), and job time: seconds of its runs, without the pauses. Data only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from leadflow.events import STARTED
from leadflow.reports.data import Run
from leadflow.reports.tables import rows_where

if TYPE_CHECKING:
    import pandas as pd


def runs_of(timeline: pd.DataFrame) -> list[Run]:
    """Return the runs of a job, oldest first. A job that never got to its start has none."""
    starts = rows_where(timeline, (timeline["event"] == "job_progress") & (timeline["message"] == STARTED))
    if starts.empty:
        return []
    began = [(row["at"].to_pydatetime(), float(row["elapsed"])) for row in starts.to_dict("records")]
    # An event's time less its job time is constant in a run, so that it grows by the pause between two runs.
    offsets = [at.timestamp() - seconds for at, seconds in began]
    pauses = [0.0, *(max(0.0, later - earlier) for earlier, later in pairwise(offsets))]
    ends = [*(seconds for _, seconds in began[1:]), float(timeline["elapsed"].max())]
    return [Run(at, first, last, pause) for (at, first), last, pause in zip(began, ends, pauses, strict=True)]


def job_seconds(runs: Sequence[Run], moment: datetime) -> float:
    """Return the job time of a moment. A moment in a pause is the end of the run before it."""
    run = next((run for run in reversed(runs) if run.began <= moment), runs[0])
    seconds = max(0.0, run.first_s + (moment - run.began).total_seconds())
    return seconds if run is runs[-1] else min(run.last_s, seconds)

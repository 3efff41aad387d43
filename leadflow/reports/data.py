"""The data of a report. html.py, markdown.py and text.py render it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# The stages of a batch: the column of `flow` with their seconds, and their name.
STAGES = {"lookup_s": "idiCORE", "check_s": "Litigator + DNC", "deliver_s": "Google Sheets", "cache_s": "Cache"}
MOST_LANES = 60
# The states of a check in the validation.
HOLDS, DOES_NOT_HOLD, NOT_CHECKED = "holds", "does not hold", "could not be checked"


@dataclass(frozen=True)
class Run:
    """One run: when it began (UTC), its first and last second in job time, and the pause before it in seconds."""

    began: datetime
    first_s: float
    last_s: float
    pause_s: float = 0.0


@dataclass(frozen=True)
class Bar:
    """A stage of a batch, from `start` to `end` in seconds of job time."""

    batch: int
    stage: str
    start: float
    end: float


@dataclass(frozen=True)
class Slow:
    """One of the slowest batches: its leads, its start in job time, its whole time, and the seconds of each stage."""

    batch: int
    leads: int
    start: float
    seconds: float
    stages: dict[str, float]


@dataclass(frozen=True)
class Schedule:
    """The finished batches of a job over job time, which leaves out the pauses between its runs.

    `bars` are those of all batches if there are at most 60, else empty; then `throughput` has the leads a second in
    equal slices of the time, and `slowest` the 20 slowest batches. `resumes` are the runs after the first.
    """

    batches: int = 0
    seconds: float = 0.0
    bars: list[Bar] = field(default_factory=list[Bar])
    throughput: list[float] = field(default_factory=list[float])
    slowest: list[Slow] = field(default_factory=list[Slow])
    resumes: list[Run] = field(default_factory=list[Run])


@dataclass(frozen=True, repr=False, eq=False)
class ReportData:
    """The data of a report: the job's row, a frame for each section, and notes for the reader.

    `standing` is the state of the job now, as in lf.jobs(). `coverage` is the job's log line about the coverage of its
    do-not-call check, `limits` its line about row limit and budget, and `usual` compares it with earlier jobs.
    `opt_outs` are lines on the requests not to be called, of all jobs of this home.
    """

    job: dict[str, Any]
    timeline: pd.DataFrame
    flow: pd.DataFrame
    events: pd.DataFrame
    validation: pd.DataFrame
    delays: pd.DataFrame
    standing: str = ""
    notes: list[str] = field(default_factory=list)
    coverage: str = ""
    opt_outs: list[str] = field(default_factory=list)
    limits: str = ""
    usual: str = ""
    schedule: Schedule = field(default_factory=Schedule)

    @property
    def ok(self) -> bool:
        """Whether every check of the validation was made and holds."""
        return bool(self.validation["ok"].all())

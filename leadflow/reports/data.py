"""The data of a report. html.py, markdown.py and text.py render it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class ReportData:
    """The data of a report: the job's row, a frame for each section, and notes for the reader.

    `standing` is the state of the job now, as in lf.jobs(). `coverage` is the job's log line about the coverage of its
    do-not-call check. `opt_outs` are lines on the requests not to be called, of all jobs of this home.
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

    @property
    def ok(self) -> bool:
        """Whether every check of the validation holds."""
        return bool(self.validation["ok"].all())

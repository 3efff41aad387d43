"""The house's own do-not-call list as a run uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadflow.compliance.guard import Guard
from leadflow.compliance.suppression_work import Work
from leadflow.history import STALE_S
from leadflow.run.job_record import process_owner

if TYPE_CHECKING:
    from leadflow.run.context import RunContext


def guard_of(run: RunContext) -> Guard:
    """Return the do-not-call list as this run uses it."""
    work = Work(
        run.settings,
        run.checkpoints,
        run.history,
        run.services.warehouse,
        lambda jobs: run.history.live(jobs, process_owner(), STALE_S),
        run.emit,
    )
    return Guard(work, run.job_id)

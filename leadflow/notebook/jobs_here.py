"""The jobs of all engines of this kernel that share a history, and requests to stop jobs of other processes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.engine.base import engines
from leadflow.engine.stopping import ask_to_stop

if TYPE_CHECKING:
    from leadflow.engine import Engine
    from leadflow.history import History
    from leadflow.job import JobHandle


def is_open(engine: Engine) -> bool:
    """Return whether an engine is not closed."""
    return engine in engines


def handle_of(path: Path, job_id: str | None = None) -> JobHandle | None:
    """Return the handle of a job that an engine of this history runs; without an id, of the newest job."""
    found = [handle for engine in engines if engine.history.path == path for handle in engine.running]
    return next((handle for handle in reversed(found) if job_id in (None, handle.id)), None)


def stop_jobs(job_ids: Iterable[str], history: History) -> str:
    """Stop jobs, whichever process runs them. Return what happened to each, a line each."""
    said = (str(ask_to_stop(job_id, None, history)) for job_id in job_ids)
    return "\n".join(f"{line[:1].upper()}{line[1:]}." for line in said)


def stop_queues(history: History) -> str:
    """Stop the queues of this kernel, and take the waiting jobs of other processes out of theirs."""
    queues = [queue for engine in engines if engine.history.path == history.path for queue in engine.queues]
    mine = [job_id for queue in queues for job_id in queue.queued]
    for queue in queues:
        if not queue.wait(0):
            queue.stop()
    said = [f"The queue of this kernel is stopped: {len(mine)} waiting jobs are not started."] if mine else []
    others = [job["id"] for job in history.live_jobs() if job["standing"] == "queued" and job["id"] not in mine]
    return "\n".join([*said, *([stop_jobs(others, history)] if others else [])]) or "No job waits in a queue."

"""What all verbs of Engine share: the services, the stores, and the jobs that run now."""

from __future__ import annotations

import threading
from concurrent.futures import Executor
from typing import Self

from leadflow.checkpoints import Checkpoints
from leadflow.errors import JobBusyError
from leadflow.history import History, set_default
from leadflow.job import JobHandle
from leadflow.run.arguments import raise_if_unusable
from leadflow.run.job_queue import JobQueue
from leadflow.services.dncscrub import LitigatorList, ReassignedNumbers
from leadflow.services.idicore import Idicore
from leadflow.settings import Settings

# Every engine of this process that is not closed, the newest last.
engines: list[EngineBase] = []
# Locked while a job is resumed, so that two threads or two engines of one process cannot resume it at once.
starting = threading.Lock()


class EngineBase:
    """The services, the stores and the running jobs of an engine."""

    def __init__(self, settings: Settings | None = None, *, executor: Executor | None = None) -> None:
        from leadflow.services.dnc_list import dnc_service

        self.settings = settings if settings is not None else Settings()  # pyright: ignore[reportCallIssue] - from .env
        raise_if_unusable(self.settings)
        self.history = History(self.settings.history_file, wait_s=self.settings.history_wait_s)
        self.history.prepare()
        set_default(self.settings.history_file)
        self.checkpoints = Checkpoints(self.settings.checkpoint_file)
        self.checkpoints.prune(self.settings.policy.keep_checkpoints_days)
        self.idicore = Idicore(self.settings.idicore, executor)
        self.litigator = LitigatorList(self.settings.litigator)
        self.dnc = dnc_service(self.settings.dnc)
        reassigned = self.settings.reassigned
        self.reassigned = ReassignedNumbers(reassigned) if reassigned.is_set else None
        self._running: dict[str, JobHandle] = {}
        self._queues: list[JobQueue] = []
        engines.append(self)

    def __enter__(self) -> Self:
        """Return this engine."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the engine."""
        self.close()

    @property
    def running(self) -> list[JobHandle]:
        """The jobs that this engine runs now, the newest last."""
        return [handle for handle in self._running.values() if not handle.wait(0)]

    @property
    def queued(self) -> list[str]:
        """The ids of the jobs that wait in this engine's queues."""
        return [job_id for queue in self._queues for job_id in queue.queued]

    @property
    def queues(self) -> list[JobQueue]:
        """The queues of this engine, the newest last."""
        return list(self._queues)

    def stop_job(self, job_id: str, by: str) -> bool:
        """Stop a job that this engine runs, or take it out of its queue. Return whether there is such a job."""
        for handle in self.running:
            if handle.id == job_id:
                handle.stop(by)
                return True
        return any(queue.stop_job(job_id, by) for queue in self._queues)

    def close(self) -> None:
        """Stop the running jobs, wait for their end, and close every service."""
        for queue in self._queues:
            queue.stop("engine.close()")
            queue.wait()
        for handle in self.running:
            handle.stop("engine.close()")
        for handle in self._running.values():
            handle.wait()
        self.history.close()
        self.checkpoints.close()
        for service in (self.idicore, self.litigator, self.dnc, self.reassigned):
            if service is not None:
                service.close()
        if self in engines:
            engines.remove(self)


def raise_if_running(job_id: str) -> None:
    """Raise JobBusyError if any engine of this process runs the job: a notebook may have a second engine."""
    if any(handle.id == job_id for engine in engines for handle in engine.running):
        raise JobBusyError(f"job {job_id} runs in this very process; .stop() its handle first")
    if any(job_id in engine.queued for engine in engines):
        raise JobBusyError(f"job {job_id} waits in a queue of this very process; .stop() the queue first")

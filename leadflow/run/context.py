"""The context of a run: the job, its settings, the outside systems, the two stores, and `emit`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NotRequired, TypedDict

from leadflow.events import JobLog, passes_on
from leadflow.run.providers import Providers

if TYPE_CHECKING:
    import polars as pl

    from leadflow.checkpoints import Checkpoints
    from leadflow.errors import ServiceError
    from leadflow.events import Emit
    from leadflow.history import History
    from leadflow.run.budget import Budget
    from leadflow.run.halt import Halt
    from leadflow.services.dnc_list import DncListFile
    from leadflow.services.dncscrub import DncScrub, LitigatorList, ReassignedNumbers
    from leadflow.services.idicore import Idicore
    from leadflow.services.sheets import Sheet
    from leadflow.services.warehouse import Warehouse
    from leadflow.settings import Settings


class RescrubPlan(TypedDict):
    """What a re-scrub is to check: rows with checks this old, in days; and when it began (ISO, UTC)."""

    older_than_days: float
    began: str


class Plan(TypedDict):
    """The task of a job, as the checkpoints keep it for a resume.

    `variables` are SET statements to run before the script; `file` is the file of leads of a job without a script.
    `unanswered` counts lookups of earlier runs that may have been charged. `only` is the key of the lead whose
    candidate somebody accepted: the run delivers that lead and does not change the others. `rescrub` is there for a
    re-scrub, which has no script. `providers` names the further sources and checks that the job began with.
    """

    script: str
    name: str
    limit_rows: int | None
    max_lookups: int | None
    max_cost: float | None
    job_type: NotRequired[str]
    variables: NotRequired[list[str]]
    file: NotRequired[str]
    unanswered: NotRequired[int]
    only: NotRequired[list[str]]
    rescrub: NotRequired[RescrubPlan]
    providers: NotRequired[dict[str, list[str]]]


@dataclass(frozen=True)
class Services:
    """The outside systems of a run. Each enforces its own limits. `reassigned` is None if the check is not set."""

    warehouse: Warehouse
    idicore: Idicore
    litigator: LitigatorList
    dnc: DncScrub | DncListFile
    sheet: Sheet
    reassigned: ReassignedNumbers | None = None
    further: Providers = field(default_factory=Providers)


@dataclass(frozen=True)
class RunContext:
    """One run of a job. It is made before the run starts and never changes. Its only method writes a log line.

    `rows` are the leads of a job that was started with a frame or a file, as stages/lead_source.py makes them.
    `refused` is why Snowflake could not be signed in to just before.
    """

    job_id: str
    plan: Plan
    settings: Settings
    services: Services
    checkpoints: Checkpoints
    history: History
    budget: Budget
    halt: Halt
    emit: Emit
    rows: pl.DataFrame | None = None
    refused: ServiceError | None = None

    @property
    def only(self) -> list[str] | None:
        """The accepted lead that this run delivers; None if the run processes all leads of the job."""
        return self.plan.get("only")

    @property
    def rescrub(self) -> RescrubPlan:
        """What this re-scrub is to check."""
        found = self.plan.get("rescrub")
        assert found is not None, "the job is no re-scrub"
        return found

    @passes_on
    def log(self, stage: str, message: str, level: str = "info", batch: int | None = None) -> None:
        """Emit a log line. The trace shows the caller's line of code as its source."""
        self.emit(JobLog(stage=stage, message=message, level=level, batch=batch))

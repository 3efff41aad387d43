"""Engine: runs, resumes and estimates jobs."""

from __future__ import annotations

import os
import re
import secrets
import socket
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.checkpoints import Checkpoints
from leadflow.checkpoints import review as candidates
from leadflow.errors import (
    BudgetReached,
    InputError,
    JobBusyError,
    JobFailedError,
    LeadflowError,
    SettingsError,
    Stopped,
)
from leadflow.events import EventBus, JobComplete, JobErrored, JobLog, JobProgress, Listener, raised_at
from leadflow.history import STALE_S, History, set_default
from leadflow.job import Job, JobHandle, JobStatus
from leadflow.leads.counts import LEFT_OUT, Counts
from leadflow.run.arguments import dollars, raise_if_unusable, whole_number
from leadflow.run.budget import PHONES_A_LEAD, Budget, Prices
from leadflow.run.gc_pause import short_pauses
from leadflow.run.pipeline import Pipeline, Services
from leadflow.run.progress import bar
from leadflow.services.dncscrub import LitigatorList
from leadflow.services.idicore import Idicore
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.services.warehouse.names import is_one_table
from leadflow.settings import Settings
from leadflow.stages.script import read_script, script_id, without_literals

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.reports import Report

_HEARTBEAT_S = 5.0
_engines: list[Engine] = []
# Held while a job is resumed, so that two threads, or two engines of one process, cannot both resume it.
_starting = threading.Lock()


@dataclass(frozen=True)
class Estimate:
    """What a run would do and cost; nothing was bought or written.

    `cost` is in dollars: every lookup at its price, plus `check_cost`. It is None while idicore.price is not set. With
    idicore.charge_on_no_match=False, as many lookups are free as found nobody among the answers in the checkpoints, if those are 20 or more.
    `check_cost` is what the litigator and do-not-call checks are expected to cost, of `phones_a_lead` phones for each lead to
    process: the mean of the answers in the checkpoints, or 3 if those are fewer than 20. A check without a price counts as free.
    `notes` say what a run would have to do first, such as making a table that is not there.
    """

    extracted: int
    already_processed: int
    held: dict[str, int]
    lookups: int
    reused: int
    litigator_calls: int
    dnc_calls: int
    sheet_appends: int
    cost: float | None
    check_cost: float = 0.0
    phones_a_lead: float = PHONES_A_LEAD
    notes: tuple[str, ...] = ()


class Engine:
    """Runs scripts through all the stages; one engine may run several jobs at once.

    `settings` come from the environment and .env when not given (SettingsError when they are not complete).
    `executor` is any concurrent.futures.Executor whose workers send the lookups: a pool of threads or of processes, or
    dask's `client.get_executor()`. It stays yours: the engine does not shut it down. All limits hold over all its workers;
    when it breaks, the job ends as FAILED with an ExecutorError, and can be resumed with another executor or none.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     job = engine.run("SELECT * FROM RAW_LEADS", name="all", limit_rows=20)
        ...     str(job.status)
        'COMPLETED'
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with lf.local.start() as world, ThreadPoolExecutor(8) as pool, lf.Engine(world.settings, executor=pool) as engine:
        ...     engine.run("SELECT * FROM RAW_LEADS", limit_rows=20).ok
        True
    """

    def __init__(self, settings: Settings | None = None, *, executor: Executor | None = None) -> None:
        self.settings = settings if settings is not None else Settings()  # type: ignore[call-arg]
        raise_if_unusable(self.settings)
        self.history = History(self.settings.history_file, wait_s=self.settings.history_wait_s)
        self.history.prepare()
        set_default(self.settings.history_file)
        self.checkpoints = Checkpoints(self.settings.checkpoint_file)
        self.checkpoints.prune(self.settings.policy.keep_checkpoints_days)
        self.idicore = Idicore(self.settings.idicore, executor)
        self.litigator = LitigatorList(self.settings.litigator)
        self.dnc = _dnc(self.settings)
        self._running: dict[str, JobHandle] = {}
        _engines.append(self)

    def __enter__(self) -> Engine:
        """The engine itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def run(
        self,
        script: str | Path,
        name: str | None = None,
        limit_rows: int | None = None,
        *,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        progress: bool = True,
    ) -> Job:
        """Run a script (SQL text, or the path of a .sql file) and wait for its end.

        `limit_rows` counts unprocessed leads that can be searched for. Raises JobFailedError if the job fails; a stopped job is returned.
        Ctrl-C stops the job within the calls in flight, then raises KeyboardInterrupt; the job can be resumed.
        """
        handle = self.submit(script, name, limit_rows, max_lookups=max_lookups, max_cost=max_cost)
        return _watched(handle, progress)

    def submit(
        self,
        script: str | Path,
        name: str | None = None,
        limit_rows: int | None = None,
        *,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> JobHandle:
        """Start a run in the background; `listeners` hear its events from the first one on."""
        text, name = read_script(script, name)
        limit_rows = whole_number("limit_rows", limit_rows, 1)
        job_id = _new_id(name)
        budget = self._budget(max_lookups, max_cost)
        plan = {
            "script": text,
            "name": name,
            "limit_rows": limit_rows,
            "max_lookups": budget.max_lookups,
            "max_cost": budget.max_cost,
        }
        self._record_start(job_id, plan)
        self.checkpoints.add_job(job_id, plan)
        return self._launch(job_id, plan, budget, listeners)

    def resume(
        self, job_id: str, *, max_lookups: int | None = None, max_cost: float | None = None, progress: bool = True
    ) -> Job:
        """Go on where a dead, failed or stopped run was, and try the leads held back for retry; pays for nothing twice.

        `max_lookups` and `max_cost` are the job's, over all its runs. Without them a job that broke off keeps those it had,
        and one that they stopped goes on with those of the settings, if any.
        Raises JobNotFound for an unknown job, JobBusyError while another live process runs it, and InputError if the settings
        name another sheet or other tables than those it began with.
        """
        return _watched(self.submit_resume(job_id, max_lookups=max_lookups, max_cost=max_cost), progress)

    def submit_resume(
        self,
        job_id: str,
        *,
        max_lookups: int | None = None,
        max_cost: float | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> JobHandle:
        """Resume in the background."""
        _raise_if_elsewhere(self.history.job(job_id), self.settings)
        plan = self.checkpoints.plan(job_id)
        if max_lookups is None and max_cost is None:
            max_lookups, max_cost = plan.get("max_lookups"), plan.get("max_cost")
        budget = self._budget(max_lookups, max_cost)
        budget.spent = self.checkpoints.bought(job_id) + plan.get("unanswered", 0)
        budget.begin(free=self.checkpoints.bought(job_id, "no_match"), checked=self.checkpoints.checked(job_id))
        with _starting:
            _raise_if_running(job_id)
            self.history.claim(job_id, _owner(), STALE_S)
            self.checkpoints.reopen(job_id)
            return self._launch(job_id, plan, budget, listeners, self.history.last_seq(job_id))

    def review(self, job_id: str) -> pd.DataFrame:
        """The leads of a job that somebody must judge, one row a candidate; see Job.review. Raises JobNotFound."""
        self.history.job(job_id)
        return candidates.review(self.checkpoints, job_id)

    def accept(self, person_key: str, pid: str | int, *, progress: bool = True) -> Job:
        """Take a candidate of job.review() for the lead's person: check the phones, deliver the lead, buy nothing.

        Goes on with the job that holds the lead, the newest if there are several, and returns it. Once accepted, to accept
        the same again does nothing, and engine.resume goes on with what broke off. Other leads of the job stay as they are:
        one that a limit stopped is STOPPED afterwards, too. Raises InputError, before anything is changed, for a lead that
        is not under review, an unknown pid, and a candidate who is deceased; JobBusyError while the job runs;
        JobFailedError if the delivery fails.
        """
        with _starting:
            choice = candidates.choose(self.checkpoints, person_key, pid)
            if choice.done:
                return self._accepted_before(choice)
            handle = self._deliver_accepted(choice)
        job = _watched(handle, progress)
        return replace(
            job, message=f"lead {person_key}: {candidates.outcome(self.checkpoints, job.id, person_key)}; {job.message}"
        )

    def _deliver_accepted(self, choice: candidates.Choice) -> JobHandle:
        job_id = choice.job_id
        before = self.history.job(job_id)
        _raise_if_elsewhere(before, self.settings)
        _raise_if_running(job_id)
        plan = self.checkpoints.plan(job_id)
        self.history.claim(job_id, _owner(), STALE_S)
        try:
            if not choice.stored:
                candidates.store(self.checkpoints, choice)
                self.history.record_batch(job_id, choice.batch, held=-1)
        except BaseException:
            self.history.update_job(job_id, status=before["status"], completed_at=before["completed_at"])
            raise
        self.checkpoints.reopen(job_id)
        # No more than was bought before: whatever happens, accepting buys nothing.
        spent = self.checkpoints.bought(job_id) + plan.get("unanswered", 0)
        budget = Budget(spent, None, Prices.of(self.settings), spent)
        only = {**plan, "only": [choice.answer.person_key]}
        return self._launch(job_id, only, budget, (), self.history.last_seq(job_id))

    def _accepted_before(self, choice: candidates.Choice) -> Job:
        job = self.history.job(choice.job_id)
        counts = Counts(**{name: value for name, value in job["counts"].items() if name in Counts.__dataclass_fields__})
        message = f"this candidate was accepted for lead {choice.answer.person_key} before; nothing was done"
        return Job(
            job["id"], job["name"], JobStatus(job["status"]), counts, message, self.report, self.trace, self.review
        )

    def _budget(self, max_lookups: int | None, max_cost: float | None) -> Budget:
        settings = self.settings
        lookups = settings.max_lookups if max_lookups is None else whole_number("max_lookups", max_lookups, 0)
        cost = settings.max_cost if max_cost is None else dollars("max_cost", max_cost)
        prices = Prices.of(settings)
        if cost is not None and prices.lookup is None:
            raise SettingsError(
                "max_cost is set, but idicore.price is not; set LEADFLOW_IDICORE__PRICE to what one lookup costs you"
            )
        return Budget(lookups, cost, prices)

    def _record_start(self, job_id: str, plan: dict[str, Any]) -> None:
        settings = self.settings
        self.history.start_job(
            id=job_id,
            name=plan["name"],
            script_id=script_id(plan["script"]),
            script_name=plan["name"],
            script=without_literals(plan["script"]),
            status=str(JobStatus.PENDING),
            progress=0,
            message="Job created",
            limit_rows=plan["limit_rows"],
            glba=settings.idicore.glba,
            dppa=settings.idicore.dppa,
            policy_version=self.dnc.policy,
            started_by=settings.started_by,
            job_type="single_script",
            owner=_owner(),
            spreadsheet_id=settings.sheets.spreadsheet_id,
            worksheet=settings.sheets.worksheet,
            person_cache=settings.warehouse.person_cache,
            consolidated=settings.warehouse.consolidated,
        )

    def _launch(
        self,
        job_id: str,
        plan: dict[str, Any],
        budget: Budget,
        listeners: tuple[Listener, ...],
        last: tuple[int, float] = (0, 0.0),
    ) -> JobHandle:
        seq, elapsed = last
        bus = EventBus(job_id, self.history.record, *listeners, first_seq=seq + 1, elapsed=elapsed)
        if seq == 0:
            bus.emit(JobLog(stage="Job", message="Job created, status=PENDING"))
        stop = threading.Event()
        if all(handle.wait(0) for handle in self._running.values()):
            self.checkpoints.try_again()
        for service in (self.idicore, self.litigator, self.dnc):
            for breaker in getattr(service, "breakers", ()):
                breaker.reset()
        services = self._services(job_id, stop)
        pipeline = Pipeline(
            job_id, plan, self.settings, services, self.checkpoints, self.history, bus, stop, budget, self._live
        )
        handle = JobHandle(job_id, plan["name"], stop, lambda: pipeline.progress)
        self._running[job_id] = handle
        threading.Thread(target=self._drive, args=(pipeline, handle), name=f"leadflow-{job_id}", daemon=True).start()
        return handle

    def _live(self, job_ids: list[str]) -> list[str]:
        return self.history.live(job_ids, _owner(), STALE_S) if job_ids else []

    def _services(self, job_id: str, stop: threading.Event) -> Services:
        warehouse = Warehouse(self.settings.warehouse, query_tag=f"leadflow:{job_id}")
        return Services(
            warehouse,
            self.idicore,
            self.litigator,
            self.dnc,
            Sheet(self.settings.sheets, locks=self.settings.home.expanduser(), stop=stop),
        )

    def _drive(self, pipeline: Pipeline, handle: JobHandle) -> None:
        """The job's thread: run, then record how it ended, whatever happened."""
        ended = threading.Event()
        beat = threading.Thread(target=self._beat, args=(pipeline, ended), name="heartbeat", daemon=True)
        beat.start()
        job, error = None, None
        try:
            with short_pauses():
                job, error = self._run_to_end(pipeline)
        except BaseException as unexpected:
            error = unexpected
        finally:
            ended.set()
            beat.join()
            handle._finish(job, error)
            with suppress(Exception):
                pipeline.services.warehouse.close()

    def _beat(self, pipeline: Pipeline, ended: threading.Event) -> None:
        while not ended.wait(_HEARTBEAT_S):
            try:
                self.history.heartbeat(pipeline.job_id, _owner())
            except JobBusyError:
                # Another process took the job over, thinking this one dead: two must not deliver.
                pipeline.stop.set()
            except LeadflowError:
                continue

    def _run_to_end(self, pipeline: Pipeline) -> tuple[Job | None, BaseException | None]:
        self._started(pipeline)
        lost = self.idicore.lost_calls
        try:
            try:
                pipeline.run()
            finally:
                _tell_lost(pipeline, self.idicore.lost_calls - lost)
            return self._completed(pipeline), None
        except (Stopped, BudgetReached) as stopped:
            if isinstance(stopped, BudgetReached):
                self.checkpoints.change_plan(pipeline.job_id, max_lookups=None, max_cost=None)
            return self._ended(pipeline, JobStatus.STOPPED, stopped), None
        except Exception as error:
            job = self._ended(pipeline, JobStatus.FAILED, error)
            return job, _failure(job, error)

    def _started(self, pipeline: Pipeline) -> None:
        now = datetime.now(timezone.utc)
        self.history.update_job(
            pipeline.job_id,
            status=str(JobStatus.RUNNING),
            message="ETL job started",
            owner=_owner(),
            heartbeat_at=now,
            started_at=now,
        )
        purposes = f"glba={self.settings.idicore.glba}, dppa={self.settings.idicore.dppa}"
        pipeline.bus.emit(JobLog(stage="Job", message=f"Purposes: {purposes}; result codes: {self.dnc.policy}"))
        pipeline.bus.emit(JobProgress(stage="Engine", status="running", progress=0, message="ETL job started"))

    def _completed(self, pipeline: Pipeline) -> Job:
        counts = pipeline.counts()
        if counts.waiting and counts.balanced and pipeline.is_for_accepted:
            raise Stopped(
                f"{counts.waiting:,} leads of job {pipeline.job_id} are still to be processed; engine.resume({pipeline.job_id!r}) goes on with them"
            )
        if not counts.balanced or counts.waiting:
            raise JobFailedError(
                f"job {pipeline.job_id} lost count of its leads: {counts}; engine.resume({pipeline.job_id!r}) settles the rest"
            )
        message = f"{counts.delivered:,} delivered, {counts.held_back - counts.left_out:,} held back, {counts.already_processed:,} already processed"
        if counts.left_out:
            message += f", {counts.left_out:,} left out ({', '.join(f'{r} {counts.held[r]:,}' for r in LEFT_OUT if r in counts.held)})"
        if counts.retry:
            message += f"; {sum(counts.retry.values())} of them may still clear: engine.resume({pipeline.job_id!r})"
        if judged := sum(counts.held.get(reason, 0) for reason in candidates.REVIEWED):
            message += f"; {judged:,} of them are for review: engine.review({pipeline.job_id!r})"
        message += "".join(f"; {note}" for note in pipeline.notes)
        self.checkpoints.end(pipeline.job_id)
        pipeline.bus.emit(JobComplete(stage="Job", stats={**asdict(counts), **pipeline.flagged()}))
        return self._record_end(pipeline, JobStatus.COMPLETED, message, counts)

    def _ended(self, pipeline: Pipeline, status: JobStatus, error: BaseException) -> Job:
        message = (
            str(error) if isinstance(error, LeadflowError) else f"unexpected {type(error).__name__} at {_where(error)}"
        )
        next_step = f"engine.resume({pipeline.job_id!r})"
        pipeline.bus.emit(
            JobErrored(
                stage="Job", message=message, error=type(error).__name__, next_step=next_step, source=raised_at(error)
            )
        )
        return self._record_end(pipeline, status, message, pipeline.counts())

    def _record_end(self, pipeline: Pipeline, status: JobStatus, message: str, counts: Counts) -> Job:
        """Write the end down; an end that cannot be recorded is not reported as a success."""
        job_id = pipeline.job_id
        if counts.unanswered:
            self.checkpoints.change_plan(job_id, unanswered=counts.unanswered)
            message += f"; {counts.unanswered:,} searches brought no answer and may have been charged"
        self.history.update_job(
            job_id,
            status=str(status),
            progress=pipeline.progress.percent,
            message=message,
            counts=asdict(counts),
            total_rows_processed=counts.delivered + sum(counts.held.values()) - counts.left_out,
            clean_count=counts.delivered,
            **pipeline.flagged(),
            completed_at=datetime.now(timezone.utc),
        )
        self.history.flush()
        return Job(job_id, pipeline.plan["name"], status, counts, message, self.report, self.trace, self.review)

    @property
    def running(self) -> list[JobHandle]:
        """The jobs that run now in this engine, the newest last."""
        return [handle for handle in self._running.values() if not handle.wait(0)]

    def estimate(self, script: str | Path, limit_rows: int | None = None) -> Estimate:
        """Rows, calls and money of a run, by the exact anti-join; buys nothing and writes to no table of yours."""
        from leadflow.stages.extraction import open_extraction

        text, _ = read_script(script)
        limit_rows = whole_number("limit_rows", limit_rows, 1)
        with Warehouse(self.settings.warehouse, query_tag="leadflow:estimate") as warehouse:
            warehouse.connect()
            extraction = open_extraction(text, warehouse, limit_rows=limit_rows)
            reused = sum(len(self.checkpoints.answers(leads["person_key"])) for leads in extraction.batches(10_000))
            notes = warehouse.missing_tables()
        counts = extraction.counts
        leads = counts["todo"]
        batches = -(-leads // self.settings.batch_size)
        lookups = leads - reused
        cost, check_cost, phones = Prices.of(self.settings).expected(
            lookups, leads, self.checkpoints.phones_a_lead(), self.checkpoints.no_match_share()
        )
        return Estimate(
            extracted=counts["extracted"],
            already_processed=counts["already_processed"],
            held={r: counts[r] for r in LEFT_OUT if counts.get(r)},
            lookups=lookups,
            reused=reused,
            litigator_calls=batches,
            dnc_calls=batches if self.settings.dnc.provider == "dncscrub" else 0,
            sheet_appends=batches,
            cost=cost,
            check_cost=check_cost,
            phones_a_lead=phones,
            notes=tuple(f"table {table} is not there; a run makes it, empty" for table in notes),
        )

    def trace(self, job_id: str) -> pd.DataFrame:
        """The timeline of a job as a DataFrame, one row an event."""
        from leadflow import reports

        self.history.flush()
        return reports.trace(job_id, history=self.history)

    def report(self, job_id: str) -> Report:
        """The report of a job, validated against the sheet and the tables as they are now."""
        from leadflow import reports

        self.history.flush()
        return reports.report(job_id, history=self.history, facts=self._facts(job_id))

    def _facts(self, job_id: str) -> Any:
        """What the job should have left behind, and what is there; what cannot be read is None."""
        from leadflow.reports import Facts

        delivered = self.checkpoints.keys(job_id, "delivered")
        final = self.checkpoints.keys(job_id, "delivered", "held")
        table = self.settings.warehouse
        with Warehouse(table, query_tag="leadflow:report") as warehouse:
            return Facts(
                delivered_keys=delivered,
                final_keys=final,
                sheet_keys=_or_none(lambda: self._sheet_keys()),
                cache_keys=_or_none(lambda: warehouse.present(table.person_cache, "person_key", final)),
                consolidated_keys=_or_none(lambda: warehouse.present(table.consolidated, "Lead Key", final)),
            )

    def _sheet_keys(self) -> list[str]:
        sheet = Sheet(self.settings.sheets)
        sheet.connect()
        return sheet.key_list()

    def forget(self, person_key: str) -> int:
        """Remove a person from the checkpoints; the number of rows removed.

        The sheet and the Snowflake tables are yours to clean: see lf.lineage(person_key) for where they went.
        """
        return self.checkpoints.forget(person_key)

    def close(self) -> None:
        """Stop what runs, wait for it, and close every service."""
        for handle in self._running.values():
            handle.stop()
        for handle in self._running.values():
            handle.wait()
        self.history.close()
        self.checkpoints.close()
        for service in (self.idicore, self.litigator, self.dnc):
            service.close()
        if self in _engines:
            _engines.remove(self)


def last_engine() -> Engine | None:
    """The engine made last in this process and not closed, if any."""
    return _engines[-1] if _engines else None


def _raise_if_running(job_id: str) -> None:
    """A job runs once in a process, whichever engine it was started from: a notebook that made a second one has two."""
    if any(handle.id == job_id for engine in _engines for handle in engine.running):
        raise JobBusyError(f"job {job_id} runs in this very process; .stop() its handle first")


def _raise_if_elsewhere(job: dict[str, Any], settings: Settings) -> None:
    """Half of a job in one sheet and half in another would be proven by no report."""
    now = {
        "spreadsheet_id": settings.sheets.spreadsheet_id,
        "worksheet": settings.sheets.worksheet,
        "person_cache": settings.warehouse.person_cache,
        "consolidated": settings.warehouse.consolidated,
    }
    tables = ("person_cache", "consolidated")
    differing = [name for name, value in now.items() if job[name] and job[name] != value]
    if changed := [n for n in differing if n not in tables or not is_one_table(job[n], now[n], settings.warehouse)]:
        names = ", ".join(changed)
        raise InputError(
            f"job {job['id']} began with another {names}; set it as it was and resume, or run the script again, which leaves out what is processed"
        )


def _dnc(settings: Settings) -> Any:
    from leadflow.services.dnc_list import dnc_service

    return dnc_service(settings.dnc)


def _new_id(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "job"
    return f"{slug}-{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


_TOKEN = secrets.token_hex(4)


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{_TOKEN}"


def _or_none(read: Callable[[], list[str]]) -> list[str] | None:
    try:
        return read()
    except LeadflowError:
        return None


def _where(error: BaseException) -> str:
    """The last file:line of the traceback: where, without what, since a message may hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"


def _tell_lost(pipeline: Pipeline, lost: int) -> None:
    if lost:
        message = f"{lost} lookups were lost with workers of the executor; those sent again may have been charged twice"
        pipeline.bus.emit(JobLog(stage="idiCORE", level="warning", message=message))


def _failure(job: Job, error: BaseException) -> BaseException:
    failed = JobFailedError(f"job {job.id} failed: {job.message}\nTo go on where it was: engine.resume({job.id!r})")
    if isinstance(error, LeadflowError):
        failed.__cause__ = error
    else:
        failed.__suppress_context__ = True
    return failed


def _watched(handle: JobHandle, progress: bool) -> Job:
    """Wait for a job with a progress bar; an interrupt stops it first, wherever it comes."""
    try:
        with bar(handle.name, progress) as drawn:
            while not handle.wait(0.2):
                drawn.to(handle.progress.percent)
            drawn.to(handle.progress.percent)
    except BaseException:
        handle.stop()
        handle.wait()
        raise
    return handle.result()

"""One job's run: batches flow through lookup, the two checks, the sheet and the cache, overlapping.

Every step is safe to repeat: answers are looked for in the checkpoints first, the sheet is read
for the key before a row goes in, the tables are merged on the key. So a resume is the same run again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import polars as pl

from leadflow.checkpoints import Checkpoints
from leadflow.checkpoints.review import hold_duplicate_persons, waiting_in_batch
from leadflow.errors import BudgetReached, HistoryError, InputError, LeadflowError, RefusedError, Stopped
from leadflow.events import (
    PROVEN,
    UNPROVEN,
    BatchProgress,
    EventBus,
    JobLog,
    JobProgress,
    RowProcessed,
    passes_on,
    raised_at,
)
from leadflow.job import Progress
from leadflow.leads.columns import IDENTITY
from leadflow.leads.counts import DUPLICATE, LEFT_OUT, Counts
from leadflow.leads.phones import time_zones
from leadflow.run.batch import Batch, facts, outcome, timed
from leadflow.run.budget import Budget
from leadflow.run.canary import raise_if_uncovered
from leadflow.run.coalescer import Coalescer
from leadflow.services.sheets import LOOK_HOLDS_S
from leadflow.settings import Settings
from leadflow.stages.consolidation import consolidate, prove_rights, stage_ahead
from leadflow.stages.delivery import deliver
from leadflow.stages.dnc import check_dnc
from leadflow.stages.extraction import open_extraction
from leadflow.stages.lead_phones import with_script_phones
from leadflow.stages.litigators import check_litigators
from leadflow.stages.lookup import lookup_people
from leadflow.stages.person_cache import processed_keys
from leadflow.stages.settle import settle
from leadflow.stages.shared_phones import SharedPhones
from leadflow.stages.sheet_rows import own_columns, sheet_columns
from leadflow.stages.withheld import WithheldTally

if TYPE_CHECKING:
    from leadflow.history import History
    from leadflow.leads.people import Answer
    from leadflow.leads.verdicts import Scrub
    from leadflow.services.dncscrub import LitigatorList
    from leadflow.services.idicore import Idicore
    from leadflow.services.sheets import Sheet
    from leadflow.services.warehouse import Warehouse

# Batches in memory at the most, for each one that is looked up: a slow sheet holds the lookups back.
_WAITING_A_WINDOW = 8
# Leads that the warehouse is asked about in one statement.
_PAGE = 50_000
_PERSON = ("person_key", *IDENTITY)


STAGES = ("Lookup", "Litigators", "DNC", "Sheet", "Cache")
_COUNTED = ("phones_found", "litigator", "dnc", "delivered", "held", "retry")


@dataclass
class Services:
    """The outside systems of a run; each owns its limits."""

    warehouse: Warehouse
    idicore: Idicore
    litigator: LitigatorList
    dnc: Any
    sheet: Sheet


class Pipeline:
    """Runs one job; `run()` blocks until it is done or an error or a stop ends it."""

    def __init__(
        self,
        job_id: str,
        plan: dict[str, Any],
        settings: Settings,
        services: Services,
        checkpoints: Checkpoints,
        history: History,
        bus: EventBus,
        stop: threading.Event,
        budget: Budget,
        find_others: Callable[[list[str]], list[str]] = lambda ids: [],
    ) -> None:
        self.job_id = job_id
        self.plan = plan
        self.settings = settings
        self.services = services
        self.checkpoints = checkpoints
        self.history = history
        self.bus = bus
        self.stop = stop
        self.budget = budget
        self.find_others = find_others
        self._only: list[str] | None = plan.get("only")  # the lead that somebody accepted; all others stay as they are
        self._others: list[str] = []
        self.progress = Progress()
        self.notes: list[str] = []
        self.reused = 0
        self._withheld = WithheldTally(settings.policy, bus.emit)
        self._lock = threading.Lock()
        self._processing = self._unsettled = 0
        self._first_lookup = (0.0, 0)
        self._check_s = 0.0
        self._look: Future[None] | None = None
        self._prepared = False
        self._sharing = SharedPhones(services.sheet)
        self._halt = threading.Event()
        budget.stop = _AnyEvent(stop, self._halt)
        self._budget_error: BudgetReached | None = None
        self._unkept: HistoryError | None = None

    def run(self) -> None:
        """Take every unsettled lead of the job to its outcome."""
        batches = self._opened()
        window = self._window()
        with ThreadPoolExecutor(2 * window, "check") as checks:
            cache = Coalescer("cache", self._cache)
            sheet = Coalescer(
                "sheet",
                lambda batches: self._deliver(batches, checks),
                then=cache,
                linger=self._linger,
                first=self._open_sheet,
            )
            try:
                self._look_up_and_check(batches, checks, sheet, window)
            except BaseException:
                sheet.abandon()
                with suppress(LeadflowError):
                    cache.finish()
                if self._unkept:
                    raise self._unkept from None
                raise
            try:
                sheet.finish()
                self._finish_sheet()
            finally:
                cache.finish()
        self._withheld.warn()
        if self._budget_error:
            raise self._budget_error

    def _look_up_and_check(
        self, batches: Iterator[Batch], checks: ThreadPoolExecutor, sheet: Coalescer, window: int
    ) -> None:
        """Bring every batch as far as the sheet; when it returns or raises, no lookup is under way any more."""
        pool = ThreadPoolExecutor(window, "batch")
        self._first_lookup = time.monotonic(), self.progress.stages["Lookup"]
        try:
            self._feed(batches, pool, checks, sheet, window)
        except BaseException:
            self._halt.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _window(self) -> int:
        """How many batches are looked up and checked at once: enough that no slot of the vendor's waits for a batch."""
        slots = self.settings.idicore.max_in_flight
        return max(self.settings.batches_in_flight, 2 + -(-2 * slots // self.settings.batch_size))

    def _linger(self) -> float:
        """How long the sheet waits for more: until its quota lets it write, and for the end if an append now would make that wait."""
        every = self.settings.sheets.write_every_s
        return max(self.services.sheet.writes.pause(), every if self._processing and self._ends_within(every) else 0.0)

    def _ends_within(self, seconds: float) -> bool:
        """Whether the last batch is likely to be through its checks by then, at the pace of the lookups so far."""
        with self._lock:
            looked, total = self.progress.stages["Lookup"], self.progress.total or 0
        began, before = self._first_lookup
        return (total - looked) * (time.monotonic() - began) <= (seconds - self._check_s) * (looked - before)

    def _feed(
        self,
        batches: Iterator[Batch],
        pool: ThreadPoolExecutor,
        checks: ThreadPoolExecutor,
        sheet: Coalescer,
        window: int,
    ) -> None:
        """Keep `window` batches between extraction and the sheet; stop at the first error."""
        flying: set[Future[None]] = set()
        for batch in batches:
            flying = self._room(flying, window, sheet)
            if self._budget_error:
                break
            self._count(processing=1, unsettled=1)
            flying.add(pool.submit(self._process, batch, checks, sheet))
        while flying:
            flying = self._room(flying, len(flying), sheet)

    def _room(self, flying: set[Future[None]], window: int, sheet: Coalescer) -> set[Future[None]]:
        """Wait until fewer than `window` batches fly, and not too many wait for the sheet and the cache.

        Raises what a batch, the sheet or the cache raised.
        """
        while (len(flying) >= window and flying) or self._unsettled >= window * _WAITING_A_WINDOW:
            done, flying = wait(flying, timeout=0.1, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            sheet.check()
            self._raise_if_stopped()
            if not flying:
                self.stop.wait(0.02)
        return flying

    def _through(self, stage: str, leads: int) -> None:
        with self._lock:
            self.progress = self.progress.through(stage, leads)

    def _count(self, processing: int = 0, unsettled: int = 0) -> None:
        with self._lock:
            self._processing += processing
            self._unsettled += unsettled

    def _raise_if_stopped(self) -> None:
        if self.stop.is_set():
            raise Stopped(f"job {self.job_id} was stopped; engine.resume({self.job_id!r}) goes on where it was")

    def _opened(self) -> Iterator[Batch]:
        """The leads to process; meanwhile the others are signed in to, and the sheet is proven, before the first lookup."""
        with ThreadPoolExecutor(2, "sign-in") as aside:
            self._raise_if_unusable()
            sheet = aside.submit(self._connect_sheet)
            aside.submit(self.services.idicore.sign_in, self.stop)  # the first lookup says what went wrong
            self._connect_warehouse()
            batches = self._batches()
            first = list(islice(batches, self._window()))
            sheet.result()
        self.services.sheet.raise_if_full((self.progress.total or 0) - self.progress.done)
        return chain(first, batches)

    def _raise_if_unusable(self) -> None:
        """A do-not-call list that is too old or no list must be said before the first lookup, not at the first check."""
        if prove := getattr(self.services.dnc, "raise_if_unusable", None):
            prove()
        canaries = self.settings.dnc.canaries
        if canaries:
            self.checkpoints.count_checked(self.job_id, "dnc", len(canaries))
        raise_if_uncovered(self.services.dnc, canaries, self.stop)
        self._log("Job", PROVEN if canaries else UNPROVEN)

    def _connect_warehouse(self) -> None:
        self._log("Snowflake", "Connecting to Snowflake")
        self.services.warehouse.connect()
        self._log("Snowflake", "Connected to Snowflake")
        self._prove_warehouse()

    def _prove_warehouse(self) -> None:
        """Prove that the job can be finished, before the first lookup, and say which tables had to be made."""
        for table in self.services.warehouse.ensure_tables():
            note = f"table {table} was not there and was made, empty"
            if table == self.services.warehouse.table(self.settings.warehouse.person_cache):
                note += (
                    ": nobody counts as processed. If you have such a table, correct LEADFLOW_WAREHOUSE__PERSON_CACHE"
                )
            self.notes.append(note)
            self._log("Snowflake", note, "warning")
        prove_rights(self.services.warehouse)

    def _connect_sheet(self) -> None:
        self._log("Google Sheets", "Connecting to Google Sheets")
        self.services.sheet.connect(prove=True)
        if warning := self.services.sheet.filter_warning():
            self._log("Google Sheets", warning, "warning")
        if self.services.sheet.header:
            self._prepare_sheet()
        self._log("Google Sheets", "Connected to Google Sheets")

    def _prepare_sheet(self) -> None:
        """Before the first append, and before the first lookup if the sheet is not new."""
        if not self._prepared:
            self._told_of(
                self.services.sheet.prepare(
                    [self.settings.sheets.key_column, *sheet_columns(self.settings.policy), *self._script_columns()]
                )
            )
            self._prepared = True

    def _open_sheet(self) -> None:
        """Prepare the sheet, and read its phones while the first lookups are under way."""
        self._prepare_sheet()
        self._sharing.begin()

    def _finish_sheet(self) -> None:
        """After the last append, while it is cached: take out doubles, mark the rows that share a phone."""
        self._told_of(self.services.sheet.settle_doubts())
        try:
            self._sharing.finish(self.bus.emit)
        except RefusedError as error:
            self._log(
                "Google Sheets", f"Rows that share a phone are not marked in column 'Shared With': {error}", "warning"
            )

    def _script_columns(self) -> list[str]:
        """The columns that the script brings to the sheet, once the leads are on disk, but for those that are withheld altogether."""
        names = self.checkpoints.columns(self.job_id) if self.checkpoints.extracted(self.job_id) else []
        own = own_columns(names, self.settings.sheets.key_column, self.settings.policy)
        return [title for name, title in own.items() if not self._withheld.is_empty(name)]

    def _told_of(self, doubles: int) -> None:
        if doubles:
            self._log(
                "Google Sheets",
                f"Took out {doubles} rows that repeated a lead, written by an append that seemed to have failed",
                "warning",
            )

    @passes_on
    def _log(self, stage: str, message: str, level: str = "info", batch: int | None = None) -> None:
        self.bus.emit(JobLog(stage=stage, message=message, level=level, batch=batch))

    def _batches(self) -> Iterator[Batch]:
        """The unsettled leads; on disk before the first is paid for, so that a resume needs no second extraction."""
        counts = self.checkpoints.extracted(self.job_id)
        if counts is None:
            counts = self._extract()
        elif self._only is None:
            self._leave_processed()
        tally = self.checkpoints.tally(self.job_id)
        settled = sum(n for (d, _), n in tally.items() if d not in ("", "retry"))
        if any(tally.get(key) for key in tally if key != ("", "")):
            if self._only:
                self._log(
                    "Engine",
                    f"A candidate was accepted for lead {', '.join(self._only)}: it is checked and delivered, and nothing is bought",
                )
            self._log("Engine", f"Resuming: {settled} of {counts['todo']} leads are settled")
        self.progress = Progress(
            settled, counts["todo"], dict.fromkeys(STAGES, settled), self._counted() if settled else {}
        )
        self._others = self.find_others(self.checkpoints.take_turn(self.job_id))
        if self.budget.max_cost is not None:
            self.budget.owe(self.checkpoints.phones_owed(self.job_id))
        return self._stored(-(-counts["todo"] // self.settings.batch_size))

    def _leave_processed(self) -> None:
        """Of a job that broke off: settle the leads that another job, perhaps of another machine, has processed since."""
        unpaid = set(self.checkpoints.unpaid_keys(self.job_id))
        batches = self.checkpoints.unsettled(self.job_id)
        left = (row for batch in batches for row in batch.rows if row["person_key"] in unpaid)
        rows = ([row[name] for name in _PERSON] for row in left)
        known: set[str] = set()
        while page := list(islice(rows, _PAGE)):
            people = pl.DataFrame(page, dict.fromkeys(_PERSON, pl.String), orient="row")
            known |= processed_keys(people, self.services.warehouse)
        outcomes = [(key, "processed", "by_another_job") for key in sorted(known)]
        if outcomes:
            self.checkpoints.settle(self.job_id, outcomes)
            self.history.record_leads(self.job_id, None, outcomes)
            self._log("Snowflake", f"{len(outcomes)} leads were processed by another job meanwhile and are left alone")

    def _counted(self) -> dict[str, int]:
        """The counts of earlier runs, so that those of a resumed job are of the whole job; what waited is tried again."""
        batches = self.history.batches(self.job_id)
        return {name: int(batches[name].fillna(0).sum()) for name in _COUNTED if name != "retry"}

    def _stored(self, batches: int) -> Iterator[Batch]:
        for stored in self.checkpoints.unsettled(self.job_id, self._only):
            leads = pl.DataFrame(stored.rows, infer_schema_length=None)
            last = stored.first_row + leads.height - 1
            self.bus.emit(
                BatchProgress(
                    stage="Engine",
                    batch=stored.number,
                    first_row=stored.first_row,
                    last_row=last,
                    total_batches=batches,
                )
            )
            yield Batch(stored.number, stored.first_row, leads)

    def _extract(self) -> dict[str, int]:
        """Stream the unprocessed leads out of Snowflake onto the disk."""
        self.checkpoints.drop_leads(self.job_id)
        extraction = open_extraction(
            self.plan["script"],
            self.services.warehouse,
            limit_rows=self.plan["limit_rows"],
            allow_writes=self.settings.warehouse.allow_writes,
            key_column=self.settings.sheets.key_column,
            emit=self.bus.emit,
        )
        first = 1
        for number, leads in enumerate(extraction.batches(self.settings.batch_size), 1):
            self._raise_if_stopped()
            self._withheld.scan(leads)
            self.checkpoints.add_leads(self.job_id, number, first, leads.to_dicts())
            first += leads.height
        self._withheld.warn()
        counts = extraction.counts
        if extraction.missing:
            raise InputError(
                f"Snowflake announced {extraction.total} leads and sent {extraction.total - extraction.missing}; nothing was bought, run the job again"
            )
        self.history.update_job(self.job_id, counts=counts)
        return self.checkpoints.extracted(self.job_id, counts) or counts

    def _process(self, batch: Batch, checks: ThreadPoolExecutor, sheet: Coalescer) -> None:
        """Lookup and both checks of one batch, in a thread of its own."""
        batch.facts = {
            "first_row": batch.first_row,
            "last_row": batch.first_row + batch.leads.height - 1,
            "rows": batch.leads.height,
        }
        batch.facts["started_at"] = datetime.now(timezone.utc)
        with timed(batch, "lookup_s"):
            leads = with_script_phones(self._lookup(batch), self.settings.policy)
        if leads.is_empty():
            self._count(processing=-1, unsettled=-1)
            return
        self._raise_if_halted()
        self.budget.checks_begin(leads["person_key"])
        with timed(batch, "check_s"):
            leads = self._check(batch, leads, checks)
        self._check_s = batch.facts["check_s"]
        self.budget.checks_done(leads["person_key"])
        batch.leads = settle(leads, self.settings.policy)
        self._raise_if_halted()
        self._count(processing=-1)
        sheet.put(batch)
        self._look_ahead(checks)

    def _look_ahead(self, checks: ThreadPoolExecutor) -> None:
        """Look at the sheet while the quota keeps the append waiting, or before the last append of the job.

        If that fails, the append looks for itself. One look at a time: those that wait for their turn at a slow sheet would take
        the threads of the checks.
        """
        is_due = self._ends_within(LOOK_HOLDS_S) or 0 < self.services.sheet.writes.pause() < LOOK_HOLDS_S
        if is_due and (self._look is None or self._look.done()):
            self._look = checks.submit(self.services.sheet.look_ahead)

    def _raise_if_halted(self) -> None:
        self._raise_if_stopped()
        if self._halt.is_set():
            raise Stopped(f"job {self.job_id} is ending because another batch failed")

    def _lookup(self, batch: Batch) -> pl.DataFrame:
        leads = batch.leads
        leads = self._without_others(leads, batch.number)
        known = self.checkpoints.answers(leads["person_key"])
        with self._lock:
            self.reused += len(known)
        self._through("Lookup", len(known))
        try:
            return self._looked_up(leads, known, batch.number)
        except BudgetReached as error:
            # What was paid for is still delivered; the rest waits for a resume with more budget.
            self._budget_error = error
            self.bus.emit(
                JobLog(
                    stage="idiCORE", message=str(error), level="warning", batch=batch.number, source=raised_at(error)
                )
            )
            known = self.checkpoints.answers(leads["person_key"])
            answered = leads.filter(pl.col("person_key").is_in(list(known)))
            return answered if answered.is_empty() else self._looked_up(answered, known, batch.number)

    def _without_others(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        """Leave to an earlier job that still runs the leads that are on its list too: both would pay for them."""
        keys = leads["person_key"].to_list()
        theirs = set().union(*(self.checkpoints.unsettled_keys(job, keys) for job in self._others))
        if not theirs:
            return leads
        outcomes = [(key, "retry", "in_other_job") for key in keys if key in theirs]
        self.checkpoints.settle(self.job_id, outcomes)
        self.history.record_leads(self.job_id, number, outcomes)
        self._log(
            "Engine",
            f"{len(outcomes)} leads are left to job {', '.join(self._others)}, which runs now",
            "warning",
            number,
        )
        return leads.filter(~pl.col("person_key").is_in(list(theirs)))

    def _looked_up(self, leads: pl.DataFrame, known: dict[str, Answer], number: int) -> pl.DataFrame:
        found = lookup_people(
            leads,
            self.services.idicore,
            known=known,
            on_answer=self._save_answer,
            budget=self.budget,
            stop=_AnyEvent(self.stop, self._halt),  # type: ignore[arg-type]
            emit=self.bus.emit,
            batch=number,
        )
        self.checkpoints.sync()
        return self._one_row_a_person(found, number)

    def _one_row_a_person(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        leads = hold_duplicate_persons(leads, self.checkpoints, self.job_id)
        if doubled := leads.filter(pl.col("lookup_status") == DUPLICATE).height:
            self._log(
                "idiCORE",
                f"{doubled} leads are people whom another lead of this job has, and are held as {DUPLICATE}",
                batch=number,
            )
        return leads

    def _save_answer(self, answer: Answer) -> None:
        try:
            self.checkpoints.save_answer(self.job_id, answer)
        except HistoryError as error:
            # What is bought after this could not be kept either: stop before the next search.
            self._unkept = error
            self._halt.set()
            raise
        self.budget.answered(answer)
        self._through("Lookup", 1)

    def _check(self, batch: Batch, leads: pl.DataFrame, checks: ThreadPoolExecutor) -> pl.DataFrame:
        """Both checks at once; each adds its own column."""
        self._look_ahead(checks)
        dnc = checks.submit(self._check_dnc, leads, batch.number)
        litigators = checks.submit(self._check_litigators, leads, batch.number)
        # What the first to fail says is told at once; the other check ends meanwhile, and keeps what it is answered.
        for check in wait((litigators, dnc), return_when=FIRST_EXCEPTION).done:
            check.result()
        found = (litigators.result(), "litigator"), (dnc.result(), "dnc")
        return leads.with_columns(
            column for frame, kind in found for column in frame.select(rf"^{kind}_(verdicts|scrubbed_at|not_covered)$")
        )

    def _save_scrubs(self, scrubs: list[Scrub]) -> None:
        """Keep checks that were paid for, and count them."""
        self.checkpoints.save_scrubs(scrubs, self.job_id)
        self.budget.checked(scrubs[0].check, len(scrubs))

    def _check_litigators(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        checked = check_litigators(
            leads,
            self.services.litigator,
            known=self._fresh(leads, "litigator", self.services.litigator),
            on_scrubs=self._save_scrubs,
            stop=_AnyEvent(self.stop, self._halt),
            emit=self.bus.emit,
            batch=number,
        )
        for phone in _phones(leads):
            time_zones(phone)  # known then, when delivery wants it; the other check takes longer
        self._through("Litigators", leads.height)
        return checked

    def _check_dnc(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        checked = check_dnc(
            leads,
            self.services.dnc,
            known=self._fresh(leads, "dnc", self.services.dnc),
            on_scrubs=self._save_scrubs,
            stop=_AnyEvent(self.stop, self._halt),
            emit=self.bus.emit,
            batch=number,
        )
        self._through("DNC", leads.height)
        return checked

    def _fresh(self, leads: pl.DataFrame, check: str, service: Any) -> dict[str, Scrub]:
        """Checks of their phones made not long ago, by this very service and with the meaning that its codes have now."""
        now = datetime.now(timezone.utc)
        policy = self.settings.policy
        age = min(timedelta(hours=policy.reuse_scrubs_hours), timedelta(days=policy.max_scrub_age_days))
        if not age:
            return {}
        known = self.checkpoints.scrubs(_phones(leads), check)
        now_said = service.provider, service.policy
        return {
            p: s
            for p, s in known.items()
            if s.fresh(now, age) and (s.provider, s.policy) == now_said and str(s.verdict) != "unchecked"
        }

    def _deliver(self, batches: list[Batch], checks: ThreadPoolExecutor) -> None:
        """Append what may be called to the sheet: one call for all the batches that wait."""
        leads = pl.concat([b.leads for b in batches], how="diagonal_relaxed")
        number = batches[0].number if len(batches) == 1 else None
        at = datetime.now(timezone.utc)

        def meanwhile() -> None:
            checks.submit(
                stage_ahead, leads, self.services.warehouse, job_id=self.job_id, script=self.plan["name"], at=at
            )

        with timed(*batches, name="deliver_s"):
            done = deliver(
                leads,
                self.services.sheet,
                policy=self.settings.policy,
                job_id=self.job_id,
                emit=self.bus.emit,
                batch=number,
                when_ready=meanwhile,
                on_withheld=self._withheld.add,
            )
        self._sharing.add(done)
        self._through("Sheet", leads.height)
        start = 0
        for batch in batches:
            batch.leads, batch.at = done.slice(start, batch.leads.height), at
            start += batch.leads.height

    def _cache(self, batches: list[Batch]) -> None:
        """Merge settled leads into the tables, then write down that they are settled."""
        leads = pl.concat([b.leads for b in batches], how="diagonal_relaxed")
        with timed(*batches, name="cache_s"):
            consolidate(
                leads,
                self.services.warehouse,
                job_id=self.job_id,
                script=self.plan["name"],
                at=batches[-1].at,
                emit=self.bus.emit,
            )
        outcomes = [
            outcome(row) for row in leads.select("person_key", "disposition", "delivered", "reason").iter_rows()
        ]
        self.checkpoints.settle(self.job_id, outcomes)
        self._through("Cache", leads.height)
        start = 0
        for batch in batches:
            self._done(batch, outcomes[start : start + batch.leads.height])
            start += batch.leads.height
        self._count(unsettled=-len(batches))

    def _done(self, batch: Batch, outcomes: list[tuple[str, str, str]]) -> None:
        """Tell the history and whoever watches that a batch is through."""
        every = self.settings.row_event_every
        for row, (key, disposition, reason) in enumerate(outcomes, batch.first_row):
            if row % every == 0:
                said = f"{disposition} ({reason})" if reason else disposition
                self.bus.emit(RowProcessed(stage="Engine", batch=batch.number, row=row, person_key=key, outcome=said))
        settled = sum(1 for _, d, _ in outcomes if d != "retry")
        found = facts(batch, outcomes)
        if self._only is not None:
            found["retry"] = waiting_in_batch(self.checkpoints, self.job_id, batch.number)
        with self._lock:
            self.progress = self.progress.settled(settled, {name: found[name] for name in _COUNTED})
        self.history.record_leads(self.job_id, batch.number, outcomes)
        self.history.record_batch(self.job_id, batch.number, **found)
        done, total = self.progress.done, self.progress.total
        self.history.update_job(self.job_id, progress=self.progress.percent, total_rows_processed=done)
        message = f"Batch {batch.number} done: {done} of {total} leads settled"
        self.bus.emit(
            JobProgress(
                stage="Engine",
                batch=batch.number,
                status="running",
                progress=self.progress.percent,
                message=message,
                current_row=done,
                total_rows=total,
            )
        )

    @property
    def is_for_accepted(self) -> bool:
        """Whether this run delivers an accepted candidate alone, and leaves the job's other leads as they are."""
        return self._only is not None

    def flagged(self) -> dict[str, int]:
        """How many phones the checks flagged, in all the job's runs."""
        counts = self._counted() if self.progress.total is None else self.progress.counts
        return {f"{name}_count": counts.get(name, 0) for name in ("litigator", "dnc")}

    def counts(self) -> Counts:
        """The job's accounting, from what is on disk."""
        extracted = self.checkpoints.extracted(self.job_id)
        if extracted is None:
            return Counts()
        bought, checked = self.checkpoints.bought(self.job_id), self.checkpoints.checked(self.job_id)
        tally = self.checkpoints.tally(self.job_id)
        held = {r: extracted[r] for r in LEFT_OUT if extracted.get(r)}
        held |= {r: n + held.get(r, 0) for (d, r), n in tally.items() if d == "held"}
        if forgotten := sum(n for (d, _), n in tally.items() if d == "forgotten"):
            held["forgotten"] = forgotten
        elsewhere = sum(n for (d, _), n in tally.items() if d == "processed")
        settled = sum(tally.values()) - tally.get(("", ""), 0)
        return Counts(
            extracted=extracted["extracted"],
            already_processed=extracted["already_processed"] + elsewhere,
            delivered=sum(n for (d, _), n in tally.items() if d == "delivered"),
            held=held,
            retry={r: n for (d, r), n in tally.items() if d == "retry"},
            waiting=extracted["todo"] - settled,
            bought=bought,
            reused=self.reused,
            unanswered=max(0, self.budget.spent - bought),
            cost=self._cost(bought, checked),
            elsewhere=elsewhere,
            checked=sum(checked.values()),
        )

    def _cost(self, bought: int, checked: dict[str, int]) -> float | None:
        """Dollars for all the job's runs, from what is on disk."""
        prices = self.budget.prices
        cost = prices.cost(
            bought, 0 if prices.charge_on_no_match else self.checkpoints.bought(self.job_id, "no_match"), checked
        )
        return None if cost is None else round(cost, 2)


def _phones(leads: pl.DataFrame) -> list[str]:
    found = leads["phones"].explode().drop_nulls().unique() if leads.height else []
    return [phone for phone in found if phone]


class _AnyEvent:
    """Set when any of its events is; all that a stage asks of a stop flag."""

    def __init__(self, *events: threading.Event) -> None:
        self._events = events

    def is_set(self) -> bool:
        return any(event.is_set() for event in self._events)

    def wait(self, timeout: float | None = None) -> bool:
        end = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = 0.05 if end is None else min(0.05, end - time.monotonic())
            if left <= 0:
                return False
            self._events[0].wait(left)
        return True

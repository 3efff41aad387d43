"""The steps of a batch: lookup, check, deliver, cache.

A batch goes through the steps once, in this order. Each step is safe to repeat: a lookup and a check read the
checkpoints first, an append reads the sheet's keys first, and a merge matches rows on the key. So a resume can run the
same steps again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import polars as pl

from leadflow.checkpoints.leads import SUPPRESSED
from leadflow.checkpoints.review import hold_duplicate_persons
from leadflow.errors import BudgetReached, HistoryError
from leadflow.events import JobLog, raised_at
from leadflow.leads.counts import DUPLICATE
from leadflow.leads.phones import time_zones
from leadflow.run.batch import joined, outcomes_of, row_ranges, timed
from leadflow.run.further_checks import with_further_checks
from leadflow.run.job_record import began_at
from leadflow.services.dncscrub.reassigned import KIND as REASSIGNED
from leadflow.services.dncscrub.reassigned import policy_since
from leadflow.stages.consolidation import consolidate, stage_ahead
from leadflow.stages.delivery import append_rows
from leadflow.stages.dnc import check_dnc
from leadflow.stages.lead_phones import with_script_phones
from leadflow.stages.litigators import check_litigators
from leadflow.stages.lookup import lookup_people
from leadflow.stages.prepared_rows import PreparedRows, joined_rows, prepare_rows
from leadflow.stages.reassigned import check_reassigned
from leadflow.stages.settle import settle
from leadflow.stages.shown_phones import with_shown_phones

if TYPE_CHECKING:
    from leadflow.compliance.guard import Guard
    from leadflow.leads.people import Answer
    from leadflow.leads.verdicts import Scrub
    from leadflow.run.batch import Batch
    from leadflow.run.context import RunContext
    from leadflow.run.tally import Tally
    from leadflow.run.target_sheet import LookAhead, TargetSheet
    from leadflow.services.dnc_list import DncListFile
    from leadflow.services.dncscrub import DncScrub, LitigatorList
    from leadflow.stages.further_checks import SafeCheck

    Service = LitigatorList | DncScrub | DncListFile | SafeCheck


@dataclass(frozen=True)
class Lookup:
    """Buys the answers that the checkpoints do not have. Skips leads that the running `earlier_jobs` will buy.

    It also skips people who asked not to be called since the job listed its leads.
    """

    run: RunContext
    tally: Tally
    earlier_jobs: Sequence[str]
    guard: Guard

    def do(self, batch: Batch) -> None:
        """Look up the leads of a batch. If the budget is reached, keep the leads whose answers are paid for."""
        with timed("lookup_s", batch):
            leads = self._without_earlier(batch)
            answers = self.run.checkpoints.answers(leads["person_key"])
            leads = self._without_suppressed(leads, answers, batch.number)
            self.tally.reuse(len(answers))
            try:
                leads = self._look_up(leads, answers, batch.number)
            except BudgetReached as error:
                leads = self._answered(leads, batch.number, error)
            batch.leads = with_script_phones(leads, self.run.settings.policy)

    def _without_earlier(self, batch: Batch) -> pl.DataFrame:
        """Settle leads that an earlier job will buy as `retry`, so that only one job pays for them."""
        run, keys = self.run, batch.leads["person_key"].to_list()
        theirs: set[str] = set().union(*(run.checkpoints.unsettled_keys(job, keys) for job in self.earlier_jobs))
        if not theirs:
            return batch.leads
        outcomes = [(key, "retry", "in_other_job") for key in keys if key in theirs]
        run.checkpoints.settle(run.job_id, outcomes)
        run.history.record_leads(run.job_id, batch.number, outcomes)
        self.tally.leave(len(outcomes))
        jobs = ", ".join(self.earlier_jobs)
        run.log("Engine", f"{len(outcomes)} leads are left to job {jobs}, which runs now", "warning", batch.number)
        return batch.leads.filter(~pl.col("person_key").is_in(list(theirs)))

    def _without_suppressed(self, leads: pl.DataFrame, answers: Container[str], number: int) -> pl.DataFrame:
        """Leave out suppressed people before they are bought. An answer that is paid for goes on to the check."""
        run, keys = self.run, self.guard.suppressed(leads).keys
        left_out = [key for key in leads["person_key"] if key in keys and key not in answers]
        if left_out:
            run.checkpoints.settle(run.job_id, [(key, *SUPPRESSED) for key in left_out])
            run.history.record_leads(run.job_id, number, [(key, "held", SUPPRESSED[1]) for key in left_out])
            self.tally.leave_out(len(left_out))
            run.log(
                "Engine", f"{len(left_out)} leads asked not to be called meanwhile and are not bought", batch=number
            )
        return leads.filter(~pl.col("person_key").is_in(left_out))

    def _answered(self, leads: pl.DataFrame, number: int, error: BudgetReached) -> pl.DataFrame:
        """Keep the leads that are paid for. The other leads wait for a resume with more budget."""
        run = self.run
        run.halt.limit = error
        run.emit(JobLog(stage="idiCORE", message=str(error), level="warning", batch=number, source=raised_at(error)))
        answers = run.checkpoints.answers(leads["person_key"])
        paid = leads.filter(pl.col("person_key").is_in(list(answers)))
        return paid if paid.is_empty() else self._look_up(paid, answers, number)

    def _look_up(self, leads: pl.DataFrame, answers: dict[str, Answer], number: int) -> pl.DataFrame:
        run = self.run
        found = lookup_people(
            leads,
            run.services.idicore,
            known=answers,
            on_answer=self._save,
            budget=run.budget,
            stop=run.halt,
            emit=run.emit,
            batch=number,
        )
        run.checkpoints.sync()
        return self._without_duplicates(found, number)

    def _save(self, answer: Answer) -> None:
        """Store a paid answer. If that fails, end the run, because the next answers could not be stored either."""
        try:
            self.run.checkpoints.save_answer(self.run.job_id, answer)
        except HistoryError as error:
            self.run.halt.unsaved = error
            self.run.halt.fail()
            raise
        self.run.budget.answered(answer)
        self.tally.advance("Lookup", 1)

    def _without_duplicates(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        leads = hold_duplicate_persons(leads, self.run.checkpoints, self.run.job_id)
        if doubled := leads.filter(pl.col("lookup_status") == DUPLICATE).height:
            self.run.log(
                "idiCORE",
                f"{doubled} leads are people whom another lead of this job has, and are held back as {DUPLICATE}",
                batch=number,
            )
        return leads


@dataclass(frozen=True)
class Check:
    """Checks the phones of a batch against both lists at once, in threads of `pool`, and settles its leads."""

    run: RunContext
    tally: Tally
    look_ahead: LookAhead | None
    pool: Executor
    guard: Guard

    def do(self, batch: Batch) -> None:
        """Check the leads of a batch and decide which of them to deliver."""
        budget, keys = self.run.budget, batch.leads["person_key"]
        budget.checks_begin(keys)
        with timed("check_s", batch):
            leads = with_further_checks(self.run, self._checked(batch), batch.number, self.fresh, self.save)
            leads = self.guard.mark(self._with_reassigned(leads, batch.number))
        budget.checks_done(keys)
        policy, compliance = self.run.settings.policy, self.run.settings.compliance
        batch.leads = with_shown_phones(settle(leads, policy, compliance), policy)

    def _checked(self, batch: Batch) -> pl.DataFrame:
        """Return the leads with the result columns of both checks."""
        if self.look_ahead is not None:
            self.look_ahead.start_if_due()
        leads = batch.leads
        dnc = self.pool.submit(self._check_dnc, leads, batch.number)
        litigators = self.pool.submit(self._check_litigators, leads, batch.number)
        # The first error is raised at once. The other check ends meanwhile and saves its answers.
        for check in wait((litigators, dnc), return_when=FIRST_EXCEPTION).done:
            check.result()
        found = (litigators.result(), "litigator"), (dnc.result(), "dnc")
        return leads.with_columns_seq(
            column
            for frame, kind in found
            for column in frame.select_seq(rf"^{kind}_(verdicts|scrubbed_at|not_covered|checks)$")
        )

    def _with_reassigned(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        """Ask for the phones that are still callable and need the reassigned-numbers check, if that check is set."""
        service, states = self.run.services.reassigned, self.run.settings.compliance.hold_without_reassigned_check
        if service is None or not states:
            return leads
        return check_reassigned(
            leads,
            service,
            states=states,
            reuse=self._reassigned_before,
            on_scrubs=self.save,
            stop=self.run.halt,
            emit=self.run.emit,
            batch=number,
        )

    def _reassigned_before(self, since: Mapping[str, date]) -> dict[str, Scrub]:
        """Return recent answers for the same dates."""
        known = self.run.checkpoints.scrubs(since, REASSIGNED)
        now = datetime.now(timezone.utc)
        return {
            phone: scrub
            for phone, scrub in known.items()
            if scrub.fresh(now, self._reuse_age) and scrub.policy == policy_since(since[phone])
        }

    @property
    def _reuse_age(self) -> timedelta:
        policy = self.run.settings.policy
        return min(timedelta(hours=policy.reuse_scrubs_hours), timedelta(days=policy.max_scrub_age_days))

    def _check_litigators(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        checked = self._check(check_litigators, "litigator", self.run.services.litigator, leads, number)
        for phone in _phones(leads):
            time_zones(phone)  # fills the cache for delivery while the slower check is under way
        self.tally.advance("Litigators", leads.height)
        return checked

    def _check_dnc(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        checked = self._check(check_dnc, "dnc", self.run.services.dnc, leads, number)
        self.tally.advance("DNC", leads.height)
        return checked

    def _check(
        self, stage: Callable[..., pl.DataFrame], kind: str, service: Service, leads: pl.DataFrame, number: int
    ) -> pl.DataFrame:
        """Run the stage of one check. Recent scrubs are used again, and new ones are saved."""
        return stage(
            leads,
            service,
            known=self.fresh(leads, kind, service),
            on_scrubs=self.save,
            stop=self.run.halt,
            emit=self.run.emit,
            batch=number,
        )

    def fresh(self, leads: pl.DataFrame, check: str, service: Service) -> dict[str, Scrub]:
        """Return recent scrubs of these phones that this service made under its current policy."""
        now, age = datetime.now(timezone.utc), self._reuse_age
        if not age:
            return {}
        known = self.run.checkpoints.scrubs(_phones(leads), check)
        made_by = service.provider, service.policy
        return {
            phone: scrub
            for phone, scrub in known.items()
            if scrub.fresh(now, age) and (scrub.provider, scrub.policy) == made_by and str(scrub.verdict) != "unchecked"
        }

    def save(self, scrubs: list[Scrub]) -> None:
        """Store paid checks and count them."""
        self.run.checkpoints.save_scrubs(scrubs, self.run.job_id)
        self.run.budget.checked(scrubs[0].check, len(scrubs))


@dataclass(frozen=True)
class Deliver:
    """Appends leads to the sheet. Meanwhile a thread of `pool` sends the rows for the cache to Snowflake.

    Directly before the append, people who asked not to be called meanwhile are held back.
    """

    run: RunContext
    tally: Tally
    sheet: TargetSheet
    pool: Executor
    guard: Guard

    def prepare(self, batch: Batch) -> None:
        """Make the rows of a batch, while the rows of others are appended."""
        batch.prepared = self._prepared(batch.leads, batch.number)

    def do(self, batches: list[Batch]) -> None:
        """Append the rows of all waiting batches at once."""
        run = self.run
        prepared = joined_rows([self._allowed(batch) for batch in batches])
        at = datetime.now(timezone.utc)
        self.guard.before_append()
        with timed("deliver_s", *batches):
            done = append_rows(
                prepared,
                run.services.sheet,
                run.settings.policy,
                emit=run.emit,
                batch=batches[0].number if len(batches) == 1 else None,
                when_ready=lambda: self._stage(prepared.leads, at),
                on_withheld=self.sheet.withheld.add,
            )
        self.guard.delivered(done)
        self.sheet.sharing.add(done)
        self.tally.advance("Sheet", done.height)
        for batch, rows in row_ranges(batches):
            batch.leads, batch.prepared, batch.delivered_at = done[rows], None, at

    def _prepared(self, leads: pl.DataFrame, number: int) -> PreparedRows:
        settings = self.run.settings
        key, job_id, emit = settings.sheets.key_column, self.run.job_id, self.run.emit
        return prepare_rows(leads, key, settings.policy, settings.compliance, job_id, emit, number)

    def _allowed(self, batch: Batch) -> PreparedRows:
        """Return the prepared rows; made again if some of their phones may not be called since the check."""
        if batch.prepared is not None and not self.guard.suppressed(batch.leads):
            return batch.prepared
        leads, policy = batch.leads, self.run.settings.policy
        settled = with_shown_phones(settle(self.guard.mark(leads), policy, self.run.settings.compliance), policy)
        held = leads.filter(pl.col("disposition") == "deliver").height
        held -= settled.filter(pl.col("disposition") == "deliver").height
        if held:
            self.run.log("Engine", f"{held} leads asked not to be called since their check, and are held back")
        return self._prepared(settled, batch.number)

    def _stage(self, leads: pl.DataFrame, at: datetime) -> None:
        run = self.run
        self.pool.submit(stage_ahead, leads, run.services.warehouse, job_id=run.job_id, script=run.plan["name"], at=at)


@dataclass(frozen=True)
class Cache:
    """Merges settled leads into the tables, then records that they are settled.

    Between merges it looks for new requests not to be called, which delays no append.
    """

    run: RunContext
    tally: Tally
    guard: Guard

    def do(self, batches: list[Batch]) -> None:
        """Cache all waiting batches with one merge."""
        run, leads = self.run, joined(batches)
        with timed("cache_s", *batches):
            consolidate(
                leads,
                run.services.warehouse,
                job_id=run.job_id,
                script=run.plan["name"],
                at=batches[-1].delivered_at,
                began=began_at(run.job_id),
                emit=run.emit,
            )
        outcomes = outcomes_of(leads)
        run.checkpoints.settle(run.job_id, outcomes)
        self.tally.advance("Cache", leads.height)
        for batch, rows in row_ranges(batches):
            self.tally.finish(batch, outcomes[rows])
        self.guard.look_if_due()


def _phones(leads: pl.DataFrame) -> list[str]:
    found = leads["phones"].explode().drop_nulls().unique() if leads.height else []
    return [phone for phone in found if phone]

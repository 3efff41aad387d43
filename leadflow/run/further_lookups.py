"""The step after the check: further sources are asked, in order, for leads without a callable phone.

A source is asked for a lead that is held as no_match, no_phone or all_suppressed, and not after a failure. Its answer
is on disk before it is used, so a resume buys it from no source twice. Its phones go through all checks. A lead that no
source helped is held for a review if one of them found a near match.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from leadflow.checkpoints.review import NEAR_MATCH, hold_duplicate_persons
from leadflow.errors import (
    BudgetReached,
    HistoryError,
    LeadflowError,
    RefusedError,
    RejectedError,
    ServiceDownError,
    Stopped,
)
from leadflow.events import JobLog, raised_at
from leadflow.leads.found_people import judged
from leadflow.leads.people import Answer, Person
from leadflow.run.batch import Batch
from leadflow.stages.further_lookups import joined_leads, may_be_asked, people_of, with_new_phones
from leadflow.stages.settle import settle
from leadflow.stages.shown_phones import with_shown_phones
from leadflow.stages.suppressed import is_suppressed

if TYPE_CHECKING:
    from leadflow.compliance.guard import Guard
    from leadflow.run.context import RunContext
    from leadflow.run.providers import Source
    from leadflow.run.steps import Check

# The status of an answer that could not be used. It was paid for, so its source is not asked again.
UNUSABLE = "unusable"


@dataclass
class _Asked:
    """The answers of one source for the leads of a batch, the leads that failed, and those without budget, by key."""

    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    bought: int = 0
    failed: dict[str, str] = field(default_factory=dict[str, str])
    unpaid: set[str] = field(default_factory=set[str])


class FurtherLookups:
    """Asks the further sources of a run. One that is refused, or down, is asked no more in this run."""

    def __init__(self, run: RunContext, check: Check, guard: Guard) -> None:
        self._run, self._guard = run, guard
        self._check = replace(check, tally=_Silent(), look_ahead=None)
        self._down: dict[str, LeadflowError] = {}

    def do(self, batch: Batch) -> None:
        """Ask for the leads of a batch that need it. Leads for which the budget does not suffice leave the batch.

        They stay unsettled, and a resume with more budget asks for them.
        """
        if self._run.only is not None:
            return
        began = time.monotonic()
        near: set[str] = set()
        for source in self._run.services.further.lookups:
            leads = batch.leads.filter(may_be_asked())
            if not leads.is_empty():
                near |= self._ask_source(source, leads, batch)
        self._hold_for_review(batch, near)
        batch.record["lookup_s"] = batch.record.get("lookup_s", 0.0) + time.monotonic() - began

    def _ask_source(self, source: Source, leads: pl.DataFrame, batch: Batch) -> set[str]:
        """Ask one source. Return the keys of the leads for which it found a near match."""
        leads = leads.filter(~is_suppressed(leads, self._guard.suppressed(leads)))
        asked = self._ask(source, people_of(leads), batch.number)
        self._log(source, leads.height, asked, batch.number)
        changed = self._with_statuses(leads, asked)
        if found := list(asked.answers.values()):
            new = with_new_phones(leads, found, source.provider)
            new = hold_duplicate_persons(new, self._run.checkpoints, self._run.job_id) if new.height else new
            changed += [self._checked(leads, new, batch)] if new.height else []
        batch.leads = _updated(batch.leads.filter(~pl.col("person_key").is_in(list(asked.unpaid))), changed)
        return {key for key, answer in asked.answers.items() if answer.status == NEAR_MATCH}

    def _hold_for_review(self, batch: Batch, keys: set[str]) -> None:
        """Hold for a review the leads that no source helped, and for which one found a near match."""
        part = batch.leads.filter(may_be_asked() & pl.col("person_key").is_in(list(keys))) if keys else pl.DataFrame()
        if not part.is_empty():
            near = self._settled(part.with_columns_seq(pl.lit(NEAR_MATCH).alias("lookup_status")))
            batch.leads = _updated(batch.leads, [near])

    def _checked(self, before: pl.DataFrame, new: pl.DataFrame, batch: Batch) -> pl.DataFrame:
        """Check the new phones, and settle their leads with all phones that they have."""
        part = Batch(batch.number, batch.first_row, new)
        self._check.do(part)
        return self._settled(joined_leads(before, part.leads))

    def _settled(self, leads: pl.DataFrame) -> pl.DataFrame:
        policy, compliance = self._run.settings.policy, self._run.settings.compliance
        return with_shown_phones(settle(leads, policy, compliance), policy)

    def _with_statuses(self, leads: pl.DataFrame, asked: _Asked) -> list[pl.DataFrame]:
        """Settle anew the leads whose search failed, for a resume, and those whose person has died, for good."""
        dead = [key for key, answer in asked.answers.items() if answer.status == "deceased"]
        found: list[pl.DataFrame] = []
        for keys, status in ((list(asked.failed), "failed"), (dead, "deceased")):
            part = leads.filter(pl.col("person_key").is_in(keys))
            if not part.is_empty():
                reasons = [asked.failed.get(key, "") for key in part["person_key"]]
                columns = pl.lit(status).alias("lookup_status"), pl.Series("lookup_reason", reasons, pl.String)
                found.append(self._settled(part.with_columns_seq(columns)))
        return found

    def _ask(self, source: Source, people: list[Person], number: int) -> _Asked:
        """Return the known answers, and buy the others. Raises Stopped, and HistoryError if one cannot be stored."""
        run = self._run
        asked = _Asked(run.checkpoints.further_answers((p.person_key for p in people), source.provider))
        wanted = [person for person in people if person.person_key not in asked.answers]
        futures = source.queue(self._buyer(source), wanted)
        wait(futures.values())
        fatal: BaseException | None = None
        for key, future in futures.items():
            error = future.exception()
            if error is None:
                asked.answers[key] = future.result()
                asked.bought += 1
            elif isinstance(error, BudgetReached):
                asked.unpaid.add(key)
                run.halt.limit = run.halt.limit or error
            elif isinstance(error, LeadflowError) and not isinstance(error, (Stopped, HistoryError)):
                asked.failed[key] = str(error)
            else:
                fatal = fatal or error
        if fatal is not None:
            raise fatal
        return asked

    def _buyer(self, source: Source) -> Callable[[Person], Answer]:
        """Make the function that buys one answer; the source calls it in its threads."""
        run, budget, provider, price = self._run, self._run.budget, source.provider, source.price

        def buy(person: Person) -> Answer:
            if run.halt.is_set():
                raise Stopped("stopped before a lookup")
            if down := self._down.get(provider):
                raise RefusedError(f"{provider} is asked no more in this run: {down}")
            budget.take_further(price)
            try:
                answer, charged = self._search(source, person)
            except LeadflowError as error:
                charged = _may_be_charged(error)
                budget.end_further(price, charged)
                if charged:
                    run.checkpoints.count_lost(run.job_id, provider, price)
                if isinstance(error, (RefusedError, ServiceDownError)):
                    self._down.setdefault(provider, error)
                raise
            self._save(provider, answer, price if charged else 0.0)
            budget.end_further(price, charged, answer)
            return answer

        return buy

    def _search(self, source: Source, person: Person) -> tuple[Answer, bool]:
        """Return the judged answer, and whether it is charged. What is no answer counts as paid, and has no phone.

        Errors of other kinds than leadflow's are not raised: their message and traceback may hold personal data.
        """
        try:
            result = source.search.search(person, self._run.halt)
            charged = result.charged
            if not isinstance(charged, bool):
                raise TypeError("charged is no bool")
            return judged(person, result, source.provider), charged
        except LeadflowError:
            raise
        except Exception as error:
            kind = type(error).__name__
        message = f"{source.provider} gave no usable result for lead {person.person_key} ({kind}); it counts as paid"
        self._run.emit(JobLog(stage=source.provider, level="warning", message=message))
        return Answer(person.person_key, UNUSABLE, source=source.provider), True

    def _save(self, provider: str, answer: Answer, cost: float) -> None:
        """Store a paid answer. If that fails, end the run, because the next answers could not be stored either."""
        try:
            self._run.checkpoints.save_further(self._run.job_id, provider, answer, cost)
        except HistoryError as error:
            self._run.halt.unsaved = error
            self._run.halt.fail()
            raise

    def _log(self, source: Source, leads: int, asked: _Asked, number: int) -> None:
        run = self._run
        phones = sum(answer.status == "found" and bool(answer.phones) for answer in asked.answers.values())
        message = (
            f"{leads} leads without a callable phone: {asked.bought} searches bought, phones found for {phones}, "
            f"{len(asked.failed)} failed"
        )
        run.log(source.provider, message, "warning" if asked.failed else "info", number)
        if asked.failed:
            first = next(iter(asked.failed.items()))
            run.log(source.provider, f"Search of {first[0]} failed: {first[1]}", "warning", number)
        if asked.unpaid and run.halt.limit:
            limit = run.halt.limit
            run.emit(
                JobLog(
                    stage=source.provider, message=str(limit), level="warning", batch=number, source=raised_at(limit)
                )
            )


class _Silent:
    """A tally that counts nothing: the leads of this step have been counted."""

    def advance(self, stage: str, leads: int) -> None:
        """Count nothing."""


def _may_be_charged(error: LeadflowError) -> bool:
    """Return whether a source may charge for a search that ended so. A refusal is free unless it says otherwise."""
    said = getattr(error, "charged", None)
    return (
        bool(said)
        if said is not None
        else not isinstance(error, (RefusedError, RejectedError, ServiceDownError, Stopped))
    )


def _updated(leads: pl.DataFrame, changed: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the leads in their order, with the rows of `changed` in place of the old ones."""
    parts = [part for part in changed if not part.is_empty()]
    if not parts:
        return leads
    new = pl.concat(parts, how="diagonal_relaxed")
    kept = leads.filter(~pl.col("person_key").is_in(new["person_key"].to_list()))
    place = leads.select_seq("person_key").with_row_index("place")
    both = pl.concat([kept, new], how="diagonal_relaxed")
    return both.join(place, on="person_key", how="inner").sort("place").drop("place")

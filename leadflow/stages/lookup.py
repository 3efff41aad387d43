"""Lookup: buy phones and e-mails of people from idiCORE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from leadflow.errors import BudgetReached, RejectedError, Stopped, TransientError, UnreadableError
from leadflow.events import Emit, JobLog, no_emit
from leadflow.leads.columns import IDENTITY
from leadflow.leads.counts import DUPLICATE
from leadflow.leads.matching import unsearchable
from leadflow.stages.duplicates import find_duplicates
from leadflow.stages.frames import same_kind, with_identity
from leadflow.stages.list_columns import lists_of

if TYPE_CHECKING:
    from leadflow.leads.people import Answer, Person
    from leadflow.services.idicore import Idicore, SearchBudget
    from leadflow.services.transport.limits import StopFlag

F = TypeVar("F")
_STAGE = "idiCORE"
_LOOK_EVERY_S = 1.0
_OF_ONE_LEAD = (TransientError, UnreadableError, RejectedError)


def lookup_people(
    leads: F,
    idicore: Idicore,
    *,
    known: Mapping[str, Answer] | None = None,
    on_answer: Callable[[Answer], None] | None = None,
    budget: SearchBudget | None = None,
    stop: StopFlag | None = None,
    emit: Emit = no_emit,
    batch: int | None = None,
) -> F:
    """Look up each lead once; adds lookup_status, lookup_reason, lookup_pid (text), phones, phone_types and emails (lists of text).

    `leads` needs first and last name, address, city, state and ZIP, in any case and spacing. A person in `known` is not
    bought, and neither is one whom no answer could match: the status is then unreadable_address or no_person_name. A person
    who comes twice, however written, is bought once; the others have status duplicate_person.
    `on_answer` has each paid answer before it is used; `budget.take()` may raise BudgetReached before a search is sent.
    A lookup that fails has status failed. ambiguous, near_match and deceased are paid answers without phones: somebody must
    judge the first two, and nobody calls the third. lookup_pid is idiCORE's id of the person found. Raises ColumnsError,
    RefusedError, ServiceDownError, Stopped, BudgetReached.
    """
    return same_kind(leads, lambda frame: _lookup(frame, idicore, known or {}, on_answer, budget, stop, emit, batch))


def _lookup(
    leads: pl.DataFrame,
    idicore: Idicore,
    known: Mapping[str, Answer],
    on_answer: Callable[[Answer], None] | None,
    budget: SearchBudget | None,
    stop: StopFlag | None,
    emit: Emit,
    batch: int | None,
) -> pl.DataFrame:
    leads = with_identity(leads)
    emit(JobLog(stage=_STAGE, batch=batch, message=f"API lookup of {leads.height} leads, {len(known)} known already"))
    people = list(_people(leads))
    barred = {person.person_key: reason for person in people if (reason := unsearchable(person))}
    repeats = find_duplicates(people, known)
    settled = {*known, *barred, *repeats}
    ready = list({p.person_key: p for p in people if p.person_key not in settled}.values())

    def buy(person: Person) -> Answer:
        if stop is not None and stop.is_set():
            raise Stopped("stopped before a lookup")
        with _search_of(budget):
            answer = idicore.lookup(person, stop, budget)
            if on_answer:
                on_answer(answer)
        return answer

    futures = idicore.queue(buy, ready)
    bought, failed = _collect(futures)
    for key, reason in failed.items():
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=f"Lookup of {key} failed: {reason}"))
    done = _with_answers(leads, {**known, **bought}, failed, barred, repeats)
    phones = int(done["phones"].list.len().sum() or 0)
    emit(
        JobLog(
            stage=_STAGE,
            batch=batch,
            message=f"{phones} phones found, {len(bought)} lookups bought, {len(failed)} failed",
        )
    )
    return done


def _people(leads: pl.DataFrame) -> Iterator[Person]:
    from leadflow.leads.people import Person

    for row in leads.select("person_key", *IDENTITY).iter_rows():
        yield Person(*(value or "" for value in row))


def _collect(futures: dict[str, Future[Answer]]) -> tuple[dict[str, Answer], dict[str, str]]:
    """Wait for every call; what ends the job is raised only when none is in flight any more."""
    fatal: BaseException | None = None
    waiting = set(futures.values())
    while waiting:
        try:
            done, waiting = wait(waiting, timeout=_LOOK_EVERY_S, return_when=FIRST_EXCEPTION)
            ends = any(_ends_all(future) for future in done)
        except BaseException as interrupt:
            fatal, ends = interrupt, True
        # One that the service cancelled as it was closed wakes nobody.
        waiting = {future for future in waiting if not (future.cancelled() or (ends and future.cancel()))}
    bought: dict[str, Answer] = {}
    failed: dict[str, str] = {}
    for key, future in futures.items():
        if future.cancelled():
            continue
        error = future.exception()
        if error is None:
            bought[key] = future.result()
        elif isinstance(error, _OF_ONE_LEAD):
            failed[key] = str(error)
        elif fatal is None or isinstance(fatal, BudgetReached):
            fatal = error
    if fatal is not None:
        raise fatal
    return bought, failed


def _ends_all(future: Future[Answer]) -> bool:
    """Whether a call that has ended failed in a way that says something of those after it, too."""
    return (
        not future.cancelled() and future.exception() is not None and not isinstance(future.exception(), _OF_ONE_LEAD)
    )


def _with_answers(
    leads: pl.DataFrame,
    answers: Mapping[str, Answer],
    failed: Mapping[str, str],
    barred: Mapping[str, str],
    repeats: Mapping[str, str],
) -> pl.DataFrame:
    failed = {**failed, **{key: failed[first] for key, first in repeats.items() if first in failed}}
    barred = {**{key: DUPLICATE for key, first in repeats.items() if first in answers}, **barred}
    keys = leads["person_key"].to_list()
    found = [None if key in barred else answers.get(key) for key in keys]
    status = [
        a.status if a else "failed" if key in failed else barred.get(key, "skipped")
        for key, a in zip(keys, found, strict=True)
    ]
    return leads.with_columns(
        pl.Series("lookup_status", status, pl.String),
        pl.Series("lookup_reason", [failed.get(key, "") for key in keys], pl.String),
        pl.Series("lookup_pid", [a.pid if a and a.status == "found" else "" for a in found], pl.String),
        lists_of("phones", [[p.number for p in a.phones] if a else [] for a in found]),
        lists_of("phone_types", [[p.type for p in a.phones] if a else [] for a in found]),
        lists_of("emails", [a.emails if a else () for a in found]),
    )


@contextmanager
def _search_of(budget: Any) -> Iterator[None]:
    """Around one search: when it is over, answered or not, nothing is reserved for it any more."""
    try:
        yield
    finally:
        if ended := getattr(budget, "ended", None):
            ended()

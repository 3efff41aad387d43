"""Look leads up: buy phones and e-mails from idiCORE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import TYPE_CHECKING, TypeVar

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
    from leadflow.leads.people import Answer, Person, Phone
    from leadflow.services.idicore.client import Idicore, SearchBudget
    from leadflow.services.transport.limits import StopFlag

F = TypeVar("F")
_STAGE = "idiCORE"
_POLL_S = 1.0
_NO_RANK = 9_999  # what the client gives a phone that idiCORE does not rank
_ERRORS_OF_ONE_LEAD = (TransientError, UnreadableError, RejectedError)


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
    """Look up each lead once and add its phones and e-mails.

    `leads` is a pandas or polars frame with first and last name, address, city, state and ZIP, in any case and spacing.
    Columns added: `lookup_status`, `lookup_reason`, `lookup_pid` (text), `phones` (E.164), `emails` (lists of text),
    and for each phone `phone_types`, `phone_last_seen` and `phone_ranks` (lists of text; idiCORE's words and dates).
    lookup_pid is idiCORE's id of the person found.

    Statuses: found, no_match, failed (no answer; lookup_reason has the error), ambiguous, near_match and deceased (paid
    answers without phones: somebody has to review the first two; the third is never called). No lookup is bought for a
    lead that no answer could match: unreadable_address or no_person_name. One lookup is bought for each person; further
    leads of the same person are duplicate_person.

    No lookup is bought for a lead whose key is in `known`. `on_answer` receives each paid answer before it is used.
    `budget.take()` may raise BudgetReached before a request is sent. `stop` ends the stage before the next lookup;
    `batch` is the number in events.

    Raises ColumnsError, RefusedError, ServiceDownError, Stopped, BudgetReached.
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
    bought, failed = _collect(idicore.queue(_buyer(idicore, on_answer, budget, stop), ready))
    for key, reason in failed.items():
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=f"Lookup of {key} failed: {reason}"))
    done = _with_answers(leads, {**known, **bought}, failed, barred, repeats)
    phones = int(done["phones"].list.len().sum() or 0)
    message = f"{phones} phones found, {len(bought)} lookups bought, {len(failed)} failed"
    emit(JobLog(stage=_STAGE, batch=batch, message=message))
    return done


def _buyer(
    idicore: Idicore, on_answer: Callable[[Answer], None] | None, budget: SearchBudget | None, stop: StopFlag | None
) -> Callable[[Person], Answer]:
    """Make the function that buys one lookup; the service calls it in its threads."""
    # The budget reserves money for a search in flight. A budget without reservations has no such method.
    release: Callable[[], object] | None = getattr(budget, "ended", None)

    def buy(person: Person) -> Answer:
        if stop is not None and stop.is_set():
            raise Stopped("stopped before a lookup")
        try:
            answer = idicore.lookup(person, stop, budget)
            if on_answer:
                on_answer(answer)
        finally:
            if release:
                release()
        return answer

    return buy


def _people(leads: pl.DataFrame) -> Iterator[Person]:
    from leadflow.leads.people import Person

    for row in leads.select_seq("person_key", *IDENTITY).iter_rows():
        yield Person(*(value or "" for value in row))


def _collect(futures: dict[str, Future[Answer]]) -> tuple[dict[str, Answer], dict[str, str]]:
    """Wait for all calls; return answers and errors by key. Raises an error that ends the job after the last call."""
    fatal: BaseException | None = None
    waiting = set(futures.values())
    while waiting:
        before = len(waiting)
        try:
            done, waiting = wait(waiting, timeout=_POLL_S, return_when=FIRST_EXCEPTION)
            ends = any(_ends_the_job(future) for future in done)
        except BaseException as interrupt:
            fatal, ends = interrupt, True
        if ends:
            waiting = {future for future in waiting if not future.cancel()}
        elif before == len(waiting):  # wait() does not return for a future that the service cancels as it closes
            waiting = {future for future in waiting if not future.cancelled()}
    bought: dict[str, Answer] = {}
    failed: dict[str, str] = {}
    for key, future in futures.items():
        if future.cancelled():
            continue
        error = future.exception()
        if error is None:
            bought[key] = future.result()
        elif isinstance(error, _ERRORS_OF_ONE_LEAD):
            failed[key] = str(error)
        elif fatal is None or isinstance(fatal, BudgetReached):
            fatal = error
    if fatal is not None:
        raise fatal
    return bought, failed


def _ends_the_job(future: Future[Answer]) -> bool:
    """Whether a finished call failed with an error that later calls would get too."""
    return (
        not future.cancelled()
        and future.exception() is not None
        and not isinstance(future.exception(), _ERRORS_OF_ONE_LEAD)
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
    return leads.with_columns_seq(
        pl.Series("lookup_status", status, pl.String),
        pl.Series("lookup_reason", [failed.get(key, "") for key in keys], pl.String),
        pl.Series("lookup_pid", [a.pid if a and a.status == "found" else "" for a in found], pl.String),
        lists_of("phones", [[p.number for p in a.phones] if a else [] for a in found]),
        lists_of("phone_types", [[p.type for p in a.phones] if a else [] for a in found]),
        lists_of("phone_last_seen", [[p.last_seen for p in a.phones] if a else [] for a in found]),
        lists_of("phone_ranks", [[_rank(p) for p in a.phones] if a else [] for a in found]),
        lists_of("emails", [a.emails if a else () for a in found]),
    )


def _rank(phone: Phone) -> str:
    return str(phone.rank) if 0 < phone.rank < _NO_RANK else ""

"""Shared code of both phone checks: check each phone once, and add the verdicts to each lead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import Protocol

import polars as pl

from leadflow.errors import RefusedError, ServiceDownError, TransientError, UnreadableError
from leadflow.events import Emit, JobLog
from leadflow.leads.calling_hours import UNREADABLE
from leadflow.leads.verdicts import CALLABLE, FLAGGED, OLDEST, Scrub, Verdict
from leadflow.services.transport.limits import StopFlag
from leadflow.stages.coverage import NOT_COVERED, scrubs_of_non_consumers, with_not_covered
from leadflow.stages.lead_phones import with_phones
from leadflow.stages.list_columns import per_lead, per_phone
from leadflow.stages.scrub_texts import scrub_text

SCRUBBED_AT = "%Y-%m-%d %H:%M UTC"


class Checker(Protocol):
    """A service that checks phones. A phone without an answer is missing from the result."""

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Mapping[str, Scrub]:
        """Check phones (E.164) and return the results by phone."""
        ...


def check_phones(
    leads: pl.DataFrame,
    service: Checker,
    kind: str,
    stage: str,
    known: Mapping[str, Scrub],
    on_scrubs: Callable[[list[Scrub]], None] | None,
    emit: Emit,
    batch: int | None,
    stop: StopFlag | None,
) -> pl.DataFrame:
    """Add `<kind>_verdicts` and `<kind>_checks` (lists in the order of the lead's phones), and `<kind>_scrubbed_at`.

    `<kind>_checks` has the whole scrub of each phone as text, "" without one, and `<kind>_scrubbed_at` the time of the
    oldest. For "dnc" also add dnc_not_covered, a list with the reason why the service's list does not cover a phone.
    """
    leads = with_phones(leads)
    phones = per_phone(leads)
    now = datetime.now(timezone.utc)
    known = {phone: scrub for phone, scrub in known.items() if scrub.fresh(now, OLDEST)}
    places = phones["phones"].to_list()
    asked = [phone for phone in dict.fromkeys(places) if phone]
    non_consumers = scrubs_of_non_consumers(asked, emit, batch) if kind == "dnc" else {}
    wanted = [phone for phone in asked if phone not in known and phone not in non_consumers]
    answered = ask(service, wanted, stop, stage, emit, batch) if wanted else {}
    if on_scrubs and answered:
        on_scrubs(list(answered.values()))
    scrubs = {**known, **answered, **non_consumers}
    phones = _with_scrubs(phones, [scrubs.get(phone) for phone in places])
    if kind == "dnc":
        _warn_of_windows(scrubs, emit, batch)
        phones = with_not_covered(phones, leads, service, emit, batch)
    _log_counts(phones["verdict"], stage, emit, batch)
    gaps = {NOT_COVERED: pl.col(NOT_COVERED)} if kind == "dnc" else {}
    lists = per_lead(
        phones, leads.height, verdicts=pl.col("verdict"), times=pl.col("at"), checks=pl.col("check"), **gaps
    )
    oldest = pl.col("times").list.min().fill_null("").alias(f"{kind}_scrubbed_at")
    named = [pl.col(name).alias(f"{kind}_{name}") for name in ("verdicts", "checks")]
    return leads.with_columns_seq(lists.select_seq(*named, oldest, *gaps).get_columns())


def _with_scrubs(phones: pl.DataFrame, found: Sequence[Scrub | None]) -> pl.DataFrame:
    """Add to each phone the verdict, the time and the text of its scrub."""
    return phones.hstack(
        [
            pl.Series("verdict", [(scrub.verdict if scrub else Verdict.UNCHECKED).value for scrub in found], pl.String),
            pl.Series("at", [scrubbed_at(scrub.checked_at) if scrub else None for scrub in found], pl.String),
            pl.Series("check", [scrub_text(scrub) if scrub else "" for scrub in found], pl.String),
        ]
    )


@lru_cache(maxsize=1_024)
def scrubbed_at(at: datetime) -> str:
    """Return the time of a check as the sheet shows it.

    >>> scrubbed_at(datetime(2026, 11, 1, 15, 30, 59, tzinfo=timezone.utc))
    '2026-11-01 15:30 UTC'
    """
    return at.astimezone(timezone.utc).strftime(SCRUBBED_AT)


def ask(
    service: Checker, phones: list[str], stop: StopFlag | None, stage: str, emit: Emit, batch: int | None
) -> dict[str, Scrub]:
    """Check phones with a service. A phone without an answer is absent, and the log says how many are.

    Raises RefusedError, ServiceDownError, Stopped.
    """
    emit(JobLog(stage=stage, batch=batch, message=f"Checking {len(phones)} phones"))
    try:
        answered = dict(service.check(phones, stop))
    except (ServiceDownError, RefusedError):
        raise
    except (TransientError, UnreadableError) as error:
        emit(JobLog(stage=stage, batch=batch, level="warning", message=f"{len(phones)} phones stay unchecked: {error}"))
        return {}
    if missing := len(phones) - len(answered):
        emit(
            JobLog(
                stage=stage,
                batch=batch,
                level="warning",
                message=f"{missing} phones were not answered for and stay unchecked",
            )
        )
    return answered


def _warn_of_windows(scrubs: Mapping[str, Scrub], emit: Emit, batch: int | None) -> None:
    """Warn of calling windows that cannot be read: they count as no answer."""
    if unread := sum(scrub.calling_window == UNREADABLE for scrub in scrubs.values()):
        message = (
            f"the calling windows of {unread} of {len(scrubs)} phones cannot be read; their Call Window comes from the "
            "table of calling hours alone"
        )
        emit(JobLog(stage="DNC", batch=batch, level="warning", message=message))


def _log_counts(verdicts: pl.Series, stage: str, emit: Emit, batch: int | None) -> None:
    """Log how many phones of the leads are flagged, as Batch.summary does; a phone of two leads counts twice."""
    counted = Counter(verdicts.to_list())
    unchecked = counted[Verdict.UNCHECKED.value]
    flagged, callable_ = (sum(counted[word.value] for word in words) for words in (FLAGGED, CALLABLE))
    others = verdicts.len() - unchecked - flagged - callable_
    barred = f" {others} invalid or held by the vendor's code," if others else ""
    emit(
        JobLog(
            stage=stage,
            batch=batch,
            message=f"{flagged} flagged,{barred} {unchecked} unchecked, of {verdicts.len()} phones",
        )
    )

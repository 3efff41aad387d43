"""What both checks of phones share: ask for every phone once, and give each lead the verdicts of all its phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Protocol

import polars as pl

from leadflow.errors import RefusedError, ServiceDownError, TransientError, UnreadableError
from leadflow.events import Emit, JobLog
from leadflow.services.limits import StopFlag
from leadflow.stages.frames import phone_lists
from leadflow.stages.lists import TEXTS, per_lead, per_phone
from leadflow.verdicts import CALLABLE, OLDEST, Scrub, Verdict


class PhoneCheck(Protocol):
    """A service that checks phones; one that it could not answer for is absent from what it returns."""

    def check(self, phones: Sequence[str], stop: StopFlag | None = None) -> Mapping[str, Scrub]:
        """The checks by E.164 phone."""
        ...


def check_phones(
    leads: pl.DataFrame,
    service: PhoneCheck,
    column: str,
    stage: str,
    known: Mapping[str, Scrub],
    on_scrubs: Callable[[list[Scrub]], None] | None,
    emit: Emit,
    batch: int | None,
    stop: StopFlag | None,
) -> pl.DataFrame:
    """Adds `column`: a list of verdict words, one for each phone of the lead, in the order of its phones."""
    if "phones" not in leads.columns:
        leads = leads.with_columns(pl.Series("phones", phone_lists(leads), TEXTS))
    phones = per_phone(leads)
    now = datetime.now(timezone.utc)
    known = {phone: scrub for phone, scrub in known.items() if scrub.fresh(now, OLDEST)}
    wanted = [phone for phone in phones["phones"].unique(maintain_order=True) if phone not in known]
    answered = _ask(service, wanted, stop, stage, emit, batch) if wanted else {}
    if on_scrubs and answered:
        on_scrubs(list(answered.values()))
    words = {phone: str(scrub.verdict) for phone, scrub in {**known, **answered}.items()}
    verdict = pl.col("phones").replace_strict(list(words), list(words.values()), default=str(Verdict.UNCHECKED), return_dtype=pl.String)
    phones = phones.with_columns(verdict.alias("verdict"))
    _tell(phones["verdict"], stage, emit, batch)
    return leads.with_columns(per_lead(phones, leads.height, verdicts=pl.col("verdict"))["verdicts"].alias(column))


def _ask(service: PhoneCheck, phones: list[str], stop: StopFlag | None, stage: str, emit: Emit, batch: int | None) -> dict[str, Scrub]:
    emit(JobLog(stage=stage, batch=batch, message=f"Checking {len(phones)} phones"))
    try:
        answered = dict(service.check(phones, stop))
    except (ServiceDownError, RefusedError):
        raise
    except (TransientError, UnreadableError) as error:
        emit(JobLog(stage=stage, batch=batch, level="warning", message=f"{len(phones)} phones stay unchecked: {error}"))
        return {}
    if missing := len(phones) - len(answered):
        emit(JobLog(stage=stage, batch=batch, level="warning", message=f"{missing} phones were not answered for and stay unchecked"))
    return answered


def _tell(verdicts: pl.Series, stage: str, emit: Emit, batch: int | None) -> None:
    counted = dict(verdicts.value_counts().iter_rows())
    unchecked = counted.get(str(Verdict.UNCHECKED), 0)
    flagged = verdicts.len() - unchecked - sum(counted.get(str(word), 0) for word in CALLABLE)
    emit(JobLog(stage=stage, batch=batch, message=f"{flagged} flagged, {unchecked} unchecked, of {verdicts.len()} phones"))

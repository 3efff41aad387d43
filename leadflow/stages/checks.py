"""What both checks of phones share: ask for every phone once, and give each lead the verdicts of all its phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Protocol

import polars as pl

from leadflow.errors import RefusedError, ServiceDownError, TransientError, UnreadableError
from leadflow.events import Emit, JobLog
from leadflow.stages.frames import phone_lists
from leadflow.verdicts import CALLABLE, Scrub, Verdict

# The safe harbour of 47 CFR 64.1200(c)(2)(i)(D): a list no older than 31 days.
OLDEST = timedelta(days=31)


class PhoneCheck(Protocol):
    """A service that checks phones; one that it could not answer for is absent from what it returns."""

    def check(self, phones: Sequence[str]) -> Mapping[str, Scrub]:
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
) -> pl.DataFrame:
    """Adds `column`: a list of verdict words, one for each phone of the lead, in the order of its phones."""
    lists = phone_lists(leads)
    now = datetime.now(timezone.utc)
    known = {phone: scrub for phone, scrub in known.items() if scrub.fresh(now, OLDEST)}
    wanted = list(dict.fromkeys(phone for phones in lists for phone in phones if phone not in known))
    answered = _ask(service, wanted, stage, emit, batch) if wanted else {}
    if on_scrubs and answered:
        on_scrubs(list(answered.values()))
    scrubs = {**known, **answered}
    verdicts = [[str(scrubs[p].verdict) if p in scrubs else str(Verdict.UNCHECKED) for p in phones] for phones in lists]
    _tell(verdicts, stage, emit, batch)
    done = leads.with_columns(pl.Series(column, verdicts, pl.List(pl.String)))
    return done if "phones" in leads.columns else done.with_columns(pl.Series("phones", lists, pl.List(pl.String)))


def _ask(service: PhoneCheck, phones: list[str], stage: str, emit: Emit, batch: int | None) -> dict[str, Scrub]:
    emit(JobLog(stage=stage, batch=batch, message=f"Checking {len(phones)} phones"))
    try:
        answered = dict(service.check(phones))
    except (ServiceDownError, RefusedError):
        raise
    except (TransientError, UnreadableError) as error:
        emit(JobLog(stage=stage, batch=batch, level="warning", message=f"{len(phones)} phones stay unchecked: {error}"))
        return {}
    if missing := len(phones) - len(answered):
        emit(JobLog(stage=stage, batch=batch, level="warning", message=f"{missing} phones were not answered for and stay unchecked"))
    return answered


def _tell(verdicts: list[list[str]], stage: str, emit: Emit, batch: int | None) -> None:
    words = [word for row in verdicts for word in row]
    flagged = sum(1 for word in words if word != "unchecked" and Verdict(word) not in CALLABLE)
    emit(JobLog(stage=stage, batch=batch, message=f"{flagged} flagged, {words.count('unchecked')} unchecked, of {len(words)} phones"))

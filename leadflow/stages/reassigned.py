"""Check phones against the reassigned-numbers database, for the states that ask for it before a sales call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from leadflow.events import Emit, JobLog, no_emit
from leadflow.leads.phone_columns import is_named
from leadflow.leads.reassigned import read_day
from leadflow.leads.verdicts import CALLABLE, Scrub, Verdict
from leadflow.services.transport.limits import StopFlag
from leadflow.stages.checks import scrubbed_at
from leadflow.stages.frames import same_kind, text_of
from leadflow.stages.lead_phones import with_phones
from leadflow.stages.list_columns import per_lead, per_phone
from leadflow.stages.scrub_texts import FURTHER_VERDICTS, scrub_text
from leadflow.stages.settle import REASSIGNED, phones_needing_check

if TYPE_CHECKING:
    from leadflow.services.dncscrub.reassigned import ReassignedNumbers

F = TypeVar("F")
_STAGE = "Reassigned"
# Returns the earlier scrubs that may be used again, for phones with their dates.
Reuse = Callable[[Mapping[str, date]], Mapping[str, Scrub]]


def check_reassigned(
    leads: F,
    reassigned: ReassignedNumbers,
    *,
    states: Collection[str] = ("ME",),
    reuse: Reuse = lambda since: {},
    on_scrubs: Callable[[list[Scrub]], object] = lambda scrubs: None,
    stop: StopFlag | None = None,
    emit: Emit = no_emit,
    batch: int | None = None,
) -> F:
    """Ask for the phones of leads in `states`, and of area codes there, whether they were reassigned; ask no others.

    `leads` is a pandas or polars frame with `phones` (lists of E.164) or columns such as "Phone 1", with a state, and
    with the column that reassigned.settings.date_column names: the date of consent or last contact. Columns added:
    `reassigned_verdicts` (lists of text: "" for a phone that needs no check, clean, hold, or unchecked without an
    answer), `reassigned_checks` (lists of text) and `reassigned_scrubbed_at`. A phone whose lead has no readable date
    is not asked for, and its verdict is hold. If leads with different dates share a phone, the earliest date counts. In
    a frame with the verdicts of the other checks, a phone that one of them flagged is not asked for.

    `reuse` returns the scrubs that may be used again, for phones with their dates; `on_scrubs` receives each paid
    answer as it comes. `stop` ends the stage between requests; `batch` is the number in events.

    Raises ColumnsError, RefusedError, ServiceDownError, Stopped.
    """

    def check(frame: pl.DataFrame) -> pl.DataFrame:
        frame = with_phones(frame)
        places = _open_places(frame, tuple(states))
        days = _days(frame, reassigned.settings.date_column)
        since = _earliest((phone, day) for row, phone in places if (day := days[row]) is not None)
        undated = sum(days[row] is None for row, _ in places)
        known = dict(reuse(since)) if since else {}
        wanted = {phone: day for phone, day in since.items() if phone not in known}
        answered = reassigned.check(wanted, stop, lambda scrub: on_scrubs([scrub])) if wanted else {}
        _log(len(places), undated, len(wanted), len(wanted) - len(answered), emit, batch)
        return _with_answers(frame, places, days, {**known, **answered})

    return same_kind(leads, check)


def _open_places(leads: pl.DataFrame, states: tuple[str, ...]) -> list[tuple[int, str]]:
    """List the phones to ask for, by row and number: those that need the check and may be callable otherwise."""
    needing = phones_needing_check(leads, states)
    names = ("litigator_verdicts", "dnc_verdicts", FURTHER_VERDICTS)
    checks = [name for name in names if name in leads.columns]
    if not needing or not checks:
        return list(needing)
    rows = per_phone(leads, *checks).iter_rows()
    return [(row, phone) for row, phone, *words in rows if (row, phone) in needing and CALLABLE.issuperset(words)]


def _days(leads: pl.DataFrame, column: str | None) -> list[date | None]:
    """Return each lead's date; None if the column is missing, or the cell cannot be read."""
    name = next((name for name in leads.columns if column and is_named(name, [column])), None)
    return [None] * leads.height if name is None else [read_day(text_of(cell)) for cell in leads[name]]


def _earliest(pairs: Iterable[tuple[str, date]]) -> dict[str, date]:
    found: dict[str, date] = {}
    for phone, day in pairs:
        found[phone] = min(day, found.get(phone, day))
    return found


def _with_answers(
    leads: pl.DataFrame, places: list[tuple[int, str]], days: list[date | None], scrubs: Mapping[str, Scrub]
) -> pl.DataFrame:
    wanted = set(places)
    phones = per_phone(leads)
    verdicts: list[str] = []
    texts: list[str] = []
    times: list[str | None] = []
    for row, phone in phones.iter_rows():
        scrub = scrubs.get(phone) if (row, phone) in wanted and days[row] is not None else None
        missing = "" if (row, phone) not in wanted else Verdict.HOLD if days[row] is None else Verdict.UNCHECKED
        verdicts.append(str(scrub.verdict if scrub else missing))
        texts.append(scrub_text(scrub) if scrub else "")
        times.append(scrubbed_at(scrub.checked_at) if scrub else None)
    columns = {REASSIGNED: verdicts, "reassigned_checks": texts, "at": times}
    phones = phones.with_columns_seq(pl.Series(name, cells, pl.String) for name, cells in columns.items())
    found = per_lead(phones, leads.height, **{name: pl.col(name) for name in columns})
    oldest = pl.col("at").list.min().fill_null("").alias("reassigned_scrubbed_at")
    return leads.with_columns_seq(found.select_seq(REASSIGNED, "reassigned_checks", oldest).get_columns())


def _log(needed: int, undated: int, asked: int, unanswered: int, emit: Emit, batch: int | None) -> None:
    if not needed:
        return
    message = f"{needed} phones need the reassigned-numbers check: {asked} asked, {unanswered} without an answer"
    if undated:
        message += f", {undated} not asked, because their leads have no readable date of consent or last contact"
    level = "warning" if undated or unanswered else "info"
    emit(JobLog(stage=_STAGE, batch=batch, level=level, message=message))

"""Keep a running job from delivering to people who asked not to be called meanwhile.

Why no request is missed, whoever makes it and wherever: `suppress` writes the request first (to the local copy, then to
SUPPRESSIONS) and reads the sheets afterwards. A job appends first and reads the list afterwards: the local copy and all
of SUPPRESSIONS, after its last append. Of the two reads, the later one comes after both writes. So either `suppress`
sees the row in the sheet, or the job sees the request; whoever sees both takes the row out.

A job that ends without that last read, because it was stopped or killed, leaves a mark in the checkpoints. The next job
of this home, or engine.complete_suppressions(), then looks at its sheet. The reads before each append, from the local
copy, and once a minute, from SUPPRESSIONS, only make it faster.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import polars as pl

from leadflow.compliance.sheet_sweep import is_forbidden, record_withdrawn
from leadflow.compliance.suppression_list import refresh
from leadflow.compliance.suppression_work import Done, Work, sheet_target
from leadflow.errors import LeadflowError, RefusedError
from leadflow.events import JobLog
from leadflow.leads.suppressions import Suppressed
from leadflow.stages.suppressed import with_suppressed

STAGE = "Opt-outs"
_ROWS_AT_ONCE = 20_000


class Guard:
    """The do-not-call list as one running job uses it. Safe to use from the job's threads.

    It reads requests of other machines every `every_s` seconds at most.
    """

    every_s: float = 60.0

    def __init__(self, work: Work, job_id: str) -> None:
        settings = work.settings
        self._work, self._job_id = work, job_id
        self._scope = settings.compliance.scope
        self._target = sheet_target(settings.sheets.spreadsheet_id, settings.sheets.worksheet)
        self._read_at: datetime | None = None
        self._next = time.monotonic() + self.every_s
        self._swept = 0
        self._appends = False
        self._delivered: list[pl.DataFrame] = []  # keys and phones; a frame is compact

    def begin(self) -> None:
        """Read the whole list, before the leads are listed. Raises RefusedError, TransientError."""
        warehouse = self._work.warehouse
        try:
            self._read_at = refresh(warehouse, self._work.checkpoints)
        except RefusedError as error:
            table = warehouse.table(warehouse.settings.suppressions)
            failure = RefusedError(
                f"the do-not-call list {table} cannot be used, so nothing was bought: {error}. Have SELECT, INSERT and "
                f"UPDATE on it granted to {warehouse.role}"
            )
            raise failure from None
        self._swept = self._work.checkpoints.last_suppression()

    def suppressed(self, leads: pl.DataFrame) -> Suppressed:
        """Return which of the leads' phones and keys may not be called, by the local copy."""
        phones = leads["phones"].explode().drop_nulls().to_list() if "phones" in leads.columns else []
        return self._work.checkpoints.suppressed_among(phones, leads["person_key"].to_list(), self._scope)

    def mark(self, leads: pl.DataFrame) -> pl.DataFrame:
        """Set the do-not-call verdict of suppressed phones to internal_dnc."""
        return with_suppressed(leads, self.suppressed(leads))

    def before_append(self) -> None:
        """Record that this job's rows must be compared with the list after its last append."""
        if not self._appends:
            self._work.checkpoints.begin_appends(self._job_id, self._target)
            self._appends = True

    def delivered(self, leads: pl.DataFrame) -> None:
        """Remember the phones that delivered rows show."""
        self._delivered.append(leads.filter("delivered").select_seq("person_key", "shown_phones"))

    def look_if_due(self) -> None:
        """Read new requests of other machines, and take out rows that they forbid."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.every_s
        try:
            self._read_at = refresh(self._work.warehouse, self._work.checkpoints, self._read_at)
            if self._appends and self._work.checkpoints.last_suppression() > self._swept:
                self._sweep([])
        except LeadflowError as error:
            self._log(f"the do-not-call list could not be read; it is read again after the last append: {error}")

    def end(self) -> None:
        """Read the whole list after the last append, and take out rows that it forbids. Then do what else is open.

        Raises RefusedError, TransientError or DeliveryError if this job's own sheet cannot be compared with the list.
        """
        refresh(self._work.warehouse, self._work.checkpoints)
        if self._appends:
            self._sweep([self._job_id])
            self._record_own()
        done = self._work.complete()
        for text in (*done.open.values(), *done.notes):
            self._log(text)

    def _sweep(self, jobs: list[str]) -> None:
        """Take suppressed rows out of the job's sheet, also those of other jobs."""
        done, last = Done(), self._work.checkpoints.last_suppression()
        self._work.sweep(done, self._target, last, jobs)
        self._swept = last
        for text in done.notes:
            self._log(text)

    def _record_own(self) -> None:
        """Record rows of this job that were taken out before their merge said that they were delivered."""
        every = pl.concat(self._delivered) if self._delivered else pl.DataFrame()
        rows = [row for some in every.iter_slices(_ROWS_AT_ONCE) for row in self._forbidden(some)]
        if rows:
            record_withdrawn(self._work.warehouse, rows)

    def _forbidden(self, delivered: pl.DataFrame) -> Iterator[tuple[str, str, str]]:
        """Yield key, phone and job for each phone in a delivered row that may not be called any more."""
        shown = {key: set(phones) for key, phones in delivered.iter_rows()}
        phones = {phone for some in shown.values() for phone in some}
        suppressed = self._work.checkpoints.suppressed_among(phones, shown, self._scope)
        for key, phones in shown.items():
            if is_forbidden(key, phones, suppressed):
                yield from ((key, phone, self._job_id) for phone in phones or {""})

    def _log(self, message: str) -> None:
        self._work.emit(JobLog(stage=STAGE, message=message, level="warning"))

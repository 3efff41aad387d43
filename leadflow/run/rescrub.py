"""The run of a re-scrub: which delivered leads are checked again, and what becomes of their rows.

    read the sheet -> list on disk -> check in pools -> decide -> withdraw, renew in the sheet -> record

All phones are checked before the sheet is changed, because each change of the sheet reads whole columns of it. So the
number of calls grows with the thousands of phones, not with the rows. Decisions are on disk before the first row goes.
Each step is safe to repeat: a resume runs the same steps for the leads that are not settled.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import polars as pl

from leadflow.compliance.rescrub import REMOVED_BY_HAND, RENEWED, RETRY, WITHDRAWN, RenewedCells, decided, renewals
from leadflow.compliance.rescrub_record import record_rescrub
from leadflow.compliance.shown_leads import SCRUBBED, UNTIL, columns_to_read, shown_leads
from leadflow.compliance.withdrawal import withdraw
from leadflow.events import JobLog
from leadflow.leads.calling_hours import read_hours
from leadflow.leads.phone_columns import shown_phone_columns
from leadflow.run.batch import Batch, Outcome, timed
from leadflow.run.intake import connect_warehouse
from leadflow.run.opt_outs import guard_of
from leadflow.run.rescrub_checks import check_again
from leadflow.run.rescrub_list import Pool, listed
from leadflow.stages.call_windows import CALL_WINDOW
from leadflow.stages.settle import settle
from leadflow.stages.shared_phones import mark_shared

if TYPE_CHECKING:
    from leadflow.errors import LeadflowError
    from leadflow.run.context import RunContext
    from leadflow.run.tally import Tally

_STAGE = "Google Sheets"
_RENEWED = (SCRUBBED, UNTIL, CALL_WINDOW)
_CHANGED = "phones_changed"  # the row showed another phone when it was to be renewed than when it was read


class Rescrub:
    """Checks the phones of delivered leads again; renews the rows that may still be called, withdraws the others."""

    def __init__(self, run: RunContext, tally: Tally) -> None:
        self._run = run
        self._tally = tally
        self._sheet = run.services.sheet

    def run(self) -> list[str]:
        """Run until all listed leads are done. Return notes for the job's message. Raises the error that ended the run.

        If a vendor fails, the leads that it answered for are finished first, and rows whose old checks no longer count
        are withdrawn; then the error is raised.
        """
        run = self._run
        with ThreadPoolExecutor(1, "sign-in") as pool:
            shown = pool.submit(self._read_sheet)
            notes = connect_warehouse(run)
            guard = guard_of(run)
            guard.begin()
            pools = listed(run, self._tally, shown.result())
        failure = check_again(run, self._tally, pools, guard)
        run.halt.raise_if_stopped()
        self._decide(pools)
        with timed("deliver_s", *(pool.batch for pool in pools)):
            self._withdraw(pools)
            run.halt.raise_if_stopped()
            self._renew(pools)
        for pool in pools:
            if pool.height:
                self._record(pool)
        guard.end()
        self._raise_if(failure)
        return notes

    def _raise_if(self, failure: LeadflowError | None) -> None:
        if failure is not None:
            raise failure

    def _read_sheet(self) -> pl.DataFrame:
        """Connect, and read which phones the sheet shows and how old their checks are, in one call."""
        run, sheet = self._run, self._sheet
        run.log(_STAGE, "Connecting to Google Sheets")
        sheet.connect(prove=True)
        if warning := sheet.filter_warning():
            run.log(_STAGE, warning, "warning")
        sheet.raise_if_unrecognizable()
        now = sheet.read_columns(columns_to_read(sheet.header, run.settings.reassigned))
        policy, older = run.settings.policy, run.rescrub["older_than_days"]
        return shown_leads(now, older, policy.max_scrub_age_days, datetime.now(timezone.utc))

    def _decide(self, pools: list[Pool]) -> None:
        """Decide on each lead, and store the decisions to withdraw, since after a kill their rows may be gone."""
        run, now = self._run, datetime.now(timezone.utc)
        for pool in pools:
            leads = pool.batch.leads
            if not pool.batch.record:
                pool.batch.start()
            if "verdicts" not in leads.columns:
                leads = settle(leads, run.settings.policy, run.settings.compliance)
            leads = decided(leads, run.settings.policy, now.date())
            pool.batch.leads = leads if pool.is_checked else leads.filter(pl.col("disposition") == WITHDRAWN)
        found = [(key, "withdraw", reason) for key, reason in _reasons(pools).items()]
        if found:
            run.checkpoints.settle(run.job_id, found)

    def _withdraw(self, pools: list[Pool]) -> None:
        """Take the rows of leads that may not be called any more out of the sheet, before any other row is touched."""
        if reasons := _reasons(pools):
            withdraw(reasons, self._sheet, self._run.settings.compliance, emit=self._run.emit)
            mark_shared(self._sheet)

    def _renew(self, pools: list[Pool]) -> None:
        """Write the new dates and verdicts into the rows that stay."""
        hours = read_hours(self._run.settings.compliance.calling_hours_file)
        cells = RenewedCells({key: one for pool in pools for key, one in renewals(pool.batch.leads, hours).items()})
        if cells.wanted:
            self._sheet.ensure_columns([self._sheet.settings.key_column, *_RENEWED])
            phones = shown_phone_columns(self._sheet.header)
            self._sheet.recompute([*phones, *(f"{name} Verdict" for name in phones), *_RENEWED], cells)
            message = f"Brought the dates and verdicts of {len(cells.wanted)} leads up to date"
            self._run.emit(JobLog(stage=_STAGE, message=message))
        for pool in pools:
            pool.batch.leads = _as_found(pool.batch.leads, cells)
            self._tally.advance("Sheet", pool.height)

    def _record(self, pool: Pool) -> None:
        """Record the outcomes of a pool: in the warehouse, then on disk, then in the history."""
        run, batch = self._run, pool.batch
        with timed("cache_s", batch):
            batch.leads = pl.concat([batch.leads, pool.absent], how="diagonal_relaxed")
            now, began = datetime.now(timezone.utc), datetime.fromisoformat(run.rescrub["began"])
            rows = record_rescrub(batch.leads, run.services.warehouse, run.job_id, now, began)
        tables = run.settings.warehouse
        message = f"Recorded {batch.leads.height} leads in {tables.ledger}, {rows} of them in {tables.consolidated}"
        run.emit(JobLog(stage="Cache", batch=batch.number, message=message))
        outcomes = _outcomes(batch)
        run.checkpoints.settle(run.job_id, outcomes)
        self._tally.advance("Cache", batch.leads.height)
        self._tally.finish(batch, outcomes)


def _reasons(pools: list[Pool]) -> dict[str, str]:
    """Return why leads are withdrawn, by key."""
    frames = (pool.batch.leads.filter(pl.col("disposition") == WITHDRAWN) for pool in pools)
    return {key: reason for frame in frames for key, reason in frame.select("person_key", "reason").iter_rows()}


def _as_found(leads: pl.DataFrame, cells: RenewedCells) -> pl.DataFrame:
    """Correct the outcomes by what the last read of the sheet showed: people work in it."""
    renewed = pl.col("disposition") == RENEWED
    gone = renewed & ~pl.col("person_key").is_in(list(cells.present))
    changed = renewed & pl.col("person_key").is_in(list(cells.changed))
    return leads.with_columns(
        pl.when(gone)
        .then(pl.lit(WITHDRAWN))
        .when(changed)
        .then(pl.lit(RETRY))
        .otherwise("disposition")
        .alias("disposition"),
        pl.when(gone)
        .then(pl.lit(REMOVED_BY_HAND))
        .when(changed)
        .then(pl.lit(_CHANGED))
        .otherwise("reason")
        .alias("reason"),
    )


def _outcomes(batch: Batch) -> list[Outcome]:
    return list(batch.leads.select("person_key", "disposition", "reason").iter_rows())

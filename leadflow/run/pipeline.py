"""The pipeline of one run: how many batches are under way at once, when the next one starts, and when all stop.

    open_run -> Lookup -> Check -> FurtherLookups -> Deliver.prepare
        -> (sheet thread) Deliver.do -> (cache thread) Cache; then Guard.end

Batches overlap: while one batch is delivered, the next are checked and looked up. A batch never returns to a step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from leadflow.errors import LeadflowError
from leadflow.run.coalescer import Coalescer
from leadflow.run.further_lookups import FurtherLookups
from leadflow.run.intake import open_run
from leadflow.run.opt_outs import guard_of
from leadflow.run.pace import Pace
from leadflow.run.steps import Cache, Check, Deliver, Lookup
from leadflow.run.target_sheet import LookAhead, TargetSheet

if TYPE_CHECKING:
    from leadflow.run.batch import Batch
    from leadflow.run.context import RunContext
    from leadflow.run.tally import Tally
    from leadflow.settings import Settings

# The most unfinished batches for each batch in lookup. With this limit, a slow sheet delays the next lookups.
_UNFINISHED_A_WINDOW = 8


class _BeforeSheet(NamedTuple):
    """What a batch goes through in its own thread, before it waits for the sheet."""

    lookup: Lookup
    check: Check
    further: FurtherLookups
    deliver: Deliver
    ahead: LookAhead


class Pipeline:
    """Sends every unsettled lead of a job through the steps.

    Up to `window` batches are looked up and checked at once, each in its own thread. One thread delivers and one
    caches. Each of these two processes all batches that wait for it in one call.
    """

    def __init__(self, run: RunContext, tally: Tally) -> None:
        self._run = run
        self._tally = tally
        self._sheet = TargetSheet(run)
        self._pace = Pace(tally)
        self._window = _window(run.settings)
        self._guard = guard_of(run)
        self._lock = threading.Lock()
        self._before_sheet = self._unfinished = 0  # batches before the sheet, and batches that are not cached yet

    def run(self) -> list[str]:
        """Run until all leads are done. Return notes for the job's message. Raises the error that ended the run."""
        run, tally = self._run, self._tally
        guard = self._guard
        with ThreadPoolExecutor(2 * self._window, "check") as pool:
            work = open_run(run, tally, self._sheet, self._window, guard, pool)
            ahead = LookAhead(run, self._pace, pool)
            cache = Coalescer("cache", partial(self._cache, Cache(run, tally, guard)))
            deliver = Deliver(run, tally, self._sheet, pool, guard)
            sheet = Coalescer(
                "sheet",
                deliver.do,
                next_step=cache,
                linger=self._linger,
                on_start=self._sheet.open,
            )
            check = Check(run, tally, ahead, pool, guard)
            steps = _BeforeSheet(
                Lookup(run, tally, work.earlier_jobs, guard), check, FurtherLookups(run, check, guard), deliver, ahead
            )
            self._drain(work.batches, partial(self._process, steps, sheet), sheet, cache)
        guard.end()
        self._sheet.withheld.warn()
        if run.halt.limit:
            raise run.halt.limit
        return work.notes

    def _drain(
        self,
        batches: Iterator[Batch],
        process: Callable[[Batch], None],
        sheet: Coalescer[Batch],
        cache: Coalescer[Batch],
    ) -> None:
        """Send all batches through all steps. After an error, cache what is in the sheet and leave the rest."""
        try:
            self._process_all(batches, process, sheet)
        except BaseException:
            sheet.abandon()
            with suppress(LeadflowError):
                cache.finish()
            if self._run.halt.unsaved:
                raise self._run.halt.unsaved from None
            raise
        try:
            sheet.finish()
            self._sheet.finish()
        finally:
            cache.finish()

    def _process_all(self, batches: Iterator[Batch], process: Callable[[Batch], None], sheet: Coalescer[Batch]) -> None:
        """Send every batch as far as the sheet's queue. When this returns or raises, no lookup is under way."""
        pool = ThreadPoolExecutor(self._window, "batch")
        self._pace.start()
        try:
            self._feed(batches, pool, process, sheet)
        except BaseException:
            self._run.halt.fail()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _feed(
        self,
        batches: Iterator[Batch],
        pool: ThreadPoolExecutor,
        process: Callable[[Batch], None],
        sheet: Coalescer[Batch],
    ) -> None:
        """Keep `window` batches in lookup and checks. Stop at an error, or when the budget is reached."""
        flying: set[Future[None]] = set()
        for batch in batches:
            flying = self._wait_for_room(flying, self._window, sheet)
            if self._run.halt.limit:
                break
            self._count(before_sheet=1, unfinished=1)
            flying.add(pool.submit(process, batch))
        while flying:
            flying = self._wait_for_room(flying, len(flying), sheet)

    def _wait_for_room(self, flying: set[Future[None]], window: int, sheet: Coalescer[Batch]) -> set[Future[None]]:
        """Wait until fewer than `window` batches are under way and not too many are unfinished.

        Returns the batches that are still under way. Raises the error of a batch, the sheet or the cache, and Stopped.
        """
        while (len(flying) >= window and flying) or self._unfinished >= window * _UNFINISHED_A_WINDOW:
            done, flying = wait(flying, timeout=0.1, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            sheet.raise_if_failed()
            self._run.halt.raise_if_stopped()
            if not flying:
                self._run.halt.stop.wait(0.02)
        return flying

    def _process(self, steps: _BeforeSheet, sheet: Coalescer[Batch], batch: Batch) -> None:
        """Send one batch through lookup and checks in its thread, make its rows, and queue them for the sheet."""
        halt = self._run.halt
        batch.start()
        steps.lookup.do(batch)
        if batch.leads.is_empty():
            self._count(before_sheet=-1, unfinished=-1)
            return
        halt.raise_if_set()
        steps.check.do(batch)
        steps.further.do(batch)
        self._pace.check_s = batch.record["check_s"]
        halt.raise_if_set()
        if batch.leads.is_empty():
            self._count(before_sheet=-1, unfinished=-1)
            return
        steps.deliver.prepare(batch)
        self._count(before_sheet=-1)
        sheet.put(batch)
        steps.ahead.start_if_due()

    def _cache(self, cache: Cache, batches: list[Batch]) -> None:
        cache.do(batches)
        self._count(unfinished=-len(batches))

    def _count(self, before_sheet: int = 0, unfinished: int = 0) -> None:
        with self._lock:
            self._before_sheet += before_sheet
            self._unfinished += unfinished

    def _linger(self) -> float:
        """Return the seconds that the sheet's thread waits for more batches before it appends.

        It waits until the quota allows a write. It also waits for the last batch if an append now would delay that one.
        """
        every = self._run.settings.sheets.write_every_s
        until_last = every if self._before_sheet and self._pace.ends_within(every) else 0.0
        return max(self._run.services.sheet.writes.pause(), until_last)


def _window(settings: Settings) -> int:
    """Return the number of batches in lookup and checks at once. It keeps all of idiCORE's slots busy."""
    slots = settings.idicore.max_in_flight
    return max(settings.batches_in_flight, 2 + -(-2 * slots // settings.batch_size))

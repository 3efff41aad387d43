"""The checks of a re-scrub: whole pools of phones at a time, against both lists at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import polars as pl

from leadflow.errors import BudgetReached, LeadflowError, Stopped
from leadflow.events import BatchProgress
from leadflow.run.intake import prove_dnc
from leadflow.run.steps import Check
from leadflow.stages.litigators import check_litigators

if TYPE_CHECKING:
    from leadflow.compliance.guard import Guard
    from leadflow.run.context import RunContext
    from leadflow.run.rescrub_list import Pool
    from leadflow.run.steps import Service
    from leadflow.run.tally import Tally

_KEEPS = timedelta(days=1)  # how long a resume uses the checks of the job's earlier runs


def check_again(run: RunContext, tally: Tally, pools: list[Pool], guard: Guard) -> LeadflowError | None:
    """Check the phones of all pools; return the error that ended the checks, if any.

    A phone on the do-not-call list of the house, which `guard` knows, is not callable. Pools that both lists answered
    for are marked as checked, also after an error. Raises Stopped if the user stops.
    """
    if not any(pool.batch.leads.height for pool in pools):
        for pool in pools:
            pool.is_checked = True
        return None
    try:
        prove_dnc(run)
    except Stopped:
        raise
    except LeadflowError as error:
        return error
    window = run.settings.batches_in_flight
    with ThreadPoolExecutor(2 * window, "check") as checks, ThreadPoolExecutor(window, "pool") as threads:
        work = _Checks(run, CheckAgain(run, tally, None, checks, guard), len(pools))
        return _first_error(run, [threads.submit(work.check, pool) for pool in pools])


def _first_error(run: RunContext, flying: list[Future[None]]) -> LeadflowError | None:
    """Wait for all pools. After an error the others end as soon as their calls in flight have returned."""
    failure: LeadflowError | None = None
    for future in flying:
        try:
            future.result()
        except Stopped:
            run.halt.raise_if_stopped()
        except LeadflowError as error:
            failure = failure or error
            run.halt.fail()
    return failure


@dataclass(frozen=True)
class CheckAgain(Check):
    """Both checks of a pool. A resume uses the checks that the job has paid for."""

    def _check_litigators(self, leads: pl.DataFrame, number: int) -> pl.DataFrame:
        checked = self._check(check_litigators, "litigator", self.run.services.litigator, leads, number)
        self.tally.advance("Litigators", leads.height)
        return checked

    @property
    def _reuse_age(self) -> timedelta:
        policy = self.run.settings.policy
        since_began = datetime.now(timezone.utc) - datetime.fromisoformat(self.run.rescrub["began"])
        age = max(min(since_began, _KEEPS), timedelta(hours=policy.reuse_scrubs_hours))
        return min(age, timedelta(days=policy.max_scrub_age_days))


class _Checks:
    """Checks pools in several threads, within the job's budget."""

    def __init__(self, run: RunContext, check: CheckAgain, total: int) -> None:
        self._run, self._check, self._total = run, check, total
        self._lock = threading.Lock()
        self._promised = 0.0  # dollars of checks under way

    def check(self, pool: Pool) -> None:
        """Check the phones of one pool."""
        run, batch = self._run, pool.batch
        run.halt.raise_if_set()
        batch.start()
        self._emit_begin(pool)
        if batch.leads.height:
            dollars = self._promise(batch.leads)
            try:
                self._check.do(batch)
            finally:
                self._release(dollars)
        pool.is_checked = True

    def _emit_begin(self, pool: Pool) -> None:
        first, last = pool.batch.first_row, pool.batch.first_row + pool.height - 1
        self._run.emit(
            BatchProgress(
                stage="Engine", batch=pool.batch.number, first_row=first, last_row=last, total_batches=self._total
            )
        )

    def _promise(self, leads: pl.DataFrame) -> float:
        """Reserve the price of a pool's checks. Raises BudgetReached before any of them is sent."""
        run, prices = self._run, self._run.budget.prices
        if run.budget.max_cost is None:
            return 0.0
        services: Mapping[str, Service] = {
            "litigator": run.services.litigator,
            "dnc": run.services.dnc,
            **{check.kind: check for check in run.services.further.checks},
        }
        phones = {phone for phone in leads["phones"].explode().drop_nulls() if phone}
        dollars = sum(
            prices.checks[kind] * len(phones - self._check.fresh(leads, kind, service).keys())
            for kind, service in services.items()
        )
        with self._lock:
            paid = sum(prices.checks.get(kind, 0.0) * n for kind, n in run.checkpoints.checked(run.job_id).items())
            if paid + self._promised + dollars > run.budget.max_cost + 1e-9:
                raise BudgetReached(
                    f"the next {len(phones)} phones would pass max_cost {run.budget.max_cost}; raise it and resume"
                )
            self._promised += dollars
        return dollars

    def _release(self, dollars: float) -> None:
        with self._lock:
            self._promised -= dollars

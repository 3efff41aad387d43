"""The counts and the progress of a job, and the record of a finished batch."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from leadflow.checkpoints.leads import SUPPRESSED
from leadflow.checkpoints.review import waiting_in_batch
from leadflow.events import JobProgress, RowProcessed
from leadflow.job import Progress
from leadflow.leads.counts import LEFT_OUT, Counts
from leadflow.run.provider_counts import by_provider
from leadflow.stages.phone_checks import phone_checks

if TYPE_CHECKING:
    from leadflow.checkpoints.further import Bought
    from leadflow.run.batch import Batch, Outcome
    from leadflow.run.context import RunContext

STAGES = ("Lookup", "Litigators", "DNC", "Sheet", "Cache")
_COUNTED = ("phones_found", "litigator", "dnc", "delivered", "held", "retry")


class Tally:
    """Counts the leads of one run as they pass the stages. Safe to use from many threads."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._reused = 0
        self._cost_at_end: float | None = None
        self.progress = Progress()

    def now(self) -> Progress:
        """Return the progress with the dollars that are spent so far."""
        cost = self._cost_at_end
        if cost is None:
            run = self._run
            # Asked several times a second, so the checkpoints are read only if a further source may have been paid.
            further = run.checkpoints.further_bought(run.job_id) if run.services.further.lookups else {}
            cost = self._cost(*run.budget.counted(), further)
        return replace(self.progress, cost=cost)

    def end(self, cost: float | None) -> None:
        """Keep the cost that is recorded at the end of the run."""
        self._cost_at_end = cost

    def start(self, settled: int, total: int) -> None:
        """Start with the number of leads that earlier runs settled, and the number of all leads to process."""
        counts = self._recorded() if settled else {}
        extracted = self._run.checkpoints.extracted(self._run.job_id) or {}
        if left_out := sum(extracted.get(reason, 0) for reason in LEFT_OUT):
            counts["left_out"] = left_out
        stages = STAGES[1:] if "rescrub" in self._run.plan else STAGES
        self.progress = Progress(settled, total, dict.fromkeys(stages, settled), counts)

    def advance(self, stage: str, leads: int) -> None:
        """Count leads that have completed a stage."""
        with self._lock:
            self.progress = self.progress.through(stage, leads)

    def leave_out(self, leads: int) -> None:
        """Count leads that are left out although they were listed."""
        with self._lock:
            self.progress = self.progress.settled(leads, {})

    def reuse(self, answers: int) -> None:
        """Count reused answers, which were paid for earlier."""
        with self._lock:
            self._reused += answers
        self.advance("Lookup", answers)

    def leave(self, leads: int) -> None:
        """Count leads that are left to another job as through all stages; they may still clear."""
        with self._lock:
            for stage in STAGES:
                self.progress = self.progress.through(stage, leads)
            self.progress = self.progress.settled(0, {"retry": leads})

    def complete(self) -> None:
        """Count all leads as through all stages, at the end of a completed job."""
        with self._lock:
            self.progress = self.progress.completed()

    def finish(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Record the outcomes of a batch in the history and emit the progress."""
        self._emit_rows(batch, outcomes)
        settled = sum(1 for _, disposition, _ in outcomes if disposition != "retry")
        record = batch.summary(outcomes)
        run, history = self._run, self._run.history
        if run.only is not None:
            record["retry"] = waiting_in_batch(run.checkpoints, run.job_id, batch.number)
        with self._lock:
            self.progress = self.progress.settled(settled, {name: record[name] for name in _COUNTED})
        history.record_leads(run.job_id, batch.number, outcomes, batch.callable_until(), phone_checks(batch.leads))
        history.record_batch(run.job_id, batch.number, **record)
        history.update_job(run.job_id, progress=self.progress.percent, total_rows_processed=self.progress.done)
        self._emit_progress(batch.number)

    def _emit_rows(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        every = self._run.settings.row_event_every
        for row, (key, disposition, reason) in enumerate(outcomes, batch.first_row):
            if row % every == 0:
                outcome = f"{disposition} ({reason})" if reason else disposition
                self._run.emit(
                    RowProcessed(stage="Engine", batch=batch.number, row=row, person_key=key, outcome=outcome)
                )

    def _emit_progress(self, number: int) -> None:
        done, total = self.progress.done, self.progress.total
        self._run.emit(
            JobProgress(
                stage="Engine",
                batch=number,
                status="running",
                progress=self.progress.percent,
                message=f"Batch {number} done: {done} of {total} leads settled",
                current_row=done,
                total_rows=total,
            )
        )

    def _recorded(self) -> dict[str, int]:
        """Return the counts of earlier runs of the job, without the leads that this run tries again."""
        batches = self._run.history.batches(self._run.job_id)
        return {name: int(batches[name].fillna(0).sum()) for name in _COUNTED if name != "retry"}

    def flagged(self) -> dict[str, int]:
        """Return the number of phones that each check flagged, in all runs of the job."""
        counts = self._recorded() if self.progress.total is None else self.progress.counts
        return {f"{name}_count": counts.get(name, 0) for name in ("litigator", "dnc")}

    def counts(self) -> Counts:
        """Return the accounting of all runs of the job, from the stores on disk."""
        checkpoints, job_id = self._run.checkpoints, self._run.job_id
        extracted = checkpoints.extracted(job_id)
        if extracted is None:
            return Counts()
        bought, checked = checkpoints.bought(job_id), checkpoints.checked(job_id)
        free, further = self._free(), checkpoints.further_bought(job_id)
        leads = checkpoints.tally(job_id)
        elsewhere = _sum(leads, "processed")
        settled = sum(n for (disposition, _), n in leads.items() if disposition not in ("", "withdraw"))
        return Counts(
            extracted=extracted["extracted"],
            already_processed=extracted["already_processed"] + elsewhere,
            delivered=_sum(leads, "delivered"),
            held=_held(extracted, leads),
            retry={reason: n for (disposition, reason), n in leads.items() if disposition == "retry"},
            waiting=extracted["todo"] - settled,
            bought=bought + sum(one.asked for one in further.values()),
            reused=self._reused,
            unanswered=max(0, self._run.budget.spent - bought),
            cost=self._cost(bought, free, checked, further),
            elsewhere=elsewhere,
            checked=sum(checked.values()),
            renewed=_sum(leads, "renewed"),
            withdrawn={reason: n for (disposition, reason), n in leads.items() if disposition == "withdrawn"},
            providers=by_provider(self._run, bought, free, checked, further),
        )

    def _free(self) -> int:
        """Return the number of lookups that found nobody and cost nothing."""
        if self._run.budget.prices.charge_on_no_match:
            return 0
        return self._run.checkpoints.bought(self._run.job_id, "no_match")

    def _cost(self, bought: int, free: int, checked: Mapping[str, int], further: Mapping[str, Bought]) -> float | None:
        """Return the cost of all runs of the job, in dollars."""
        prices = self._run.budget.prices
        if "rescrub" in self._run.plan:  # it buys no lookup, so it needs no price of one
            return round(sum(price * checked.get(check, 0) for check, price in prices.checks.items()), 2)
        cost = prices.cost(bought, free, checked)
        more = sum(one.cost for one in further.values())
        return None if cost is None else round(cost + more, 2)


def _sum(leads: Mapping[tuple[str, str], int], disposition: str) -> int:
    return sum(n for (found, _), n in leads.items() if found == disposition)


def _held(extracted: Mapping[str, int], leads: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Return the number of leads that were left out or finally held back, by reason."""
    held = {reason: extracted[reason] for reason in LEFT_OUT if extracted.get(reason)}
    held |= {reason: n + held.get(reason, 0) for (disposition, reason), n in leads.items() if disposition == "held"}
    for disposition, reason in (("forgotten", "forgotten"), SUPPRESSED):
        if left_out := _sum(leads, disposition):
            held[reason] = left_out
    return held

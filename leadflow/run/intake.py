"""The start of a run: sign in, verify that the job can be completed, and list the leads to process.

All leads are on disk before the first lookup is bought, so a resume does not extract again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import polars as pl

from leadflow.checkpoints.leads import SUPPRESSED
from leadflow.errors import InputError
from leadflow.events import PROVEN, UNPROVEN, BatchProgress
from leadflow.history import STALE_S
from leadflow.leads.columns import IDENTITY
from leadflow.run.batch import Batch
from leadflow.run.canary import raise_if_uncovered
from leadflow.run.job_record import process_owner
from leadflow.run.take_up import take_up
from leadflow.stages.consolidation import prove_rights
from leadflow.stages.extraction import open_extraction
from leadflow.stages.lead_source import LeadSource, stored_source
from leadflow.stages.person_cache import known_keys

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from leadflow.compliance.guard import Guard
    from leadflow.run.context import RunContext
    from leadflow.run.tally import Tally
    from leadflow.run.target_sheet import TargetSheet
    from leadflow.stages.extraction import Extraction
    from leadflow.stages.withheld import WithheldTally

# The number of leads that one statement looks up in PERSON_CACHE.
_LEADS_A_STATEMENT = 50_000
_PERSON = ("person_key", *IDENTITY)


@dataclass(frozen=True)
class Work:
    """The work of a run: its batches, the running jobs that listed their leads earlier, and notes for its end."""

    batches: Iterator[Batch]
    earlier_jobs: list[str]
    notes: list[str]


def open_run(run: RunContext, tally: Tally, sheet: TargetSheet, ready: int, guard: Guard, pool: Executor) -> Work:
    """Sign in to all systems at once in threads of `pool`, list the leads, and read the first `ready` batches.

    Raises the error of any system before the first lookup.
    """
    prove_dnc(run)
    connected = pool.submit(sheet.connect)
    pool.submit(run.services.idicore.sign_in, run.halt.stop)  # if it fails, the first lookup raises the reason
    notes = connect_warehouse(run)
    guard.begin()

    def on_rows() -> None:
        if connected.done() and connected.exception() is None:
            pool.submit(sheet.look_if_blank)

    counts = _list_leads(run, sheet.withheld, on_rows)
    _start_tally(run, tally, counts["todo"])
    earlier_jobs = _earlier_jobs(run)
    if run.budget.max_cost is not None:
        run.budget.expect_checks(run.checkpoints.phones_owed(run.job_id))
    batches = _stored_batches(run, -(-counts["todo"] // run.settings.batch_size))
    first = list(islice(batches, ready))
    connected.result()
    if counts["todo"]:
        sheet.complete()
    run.services.sheet.raise_if_full((tally.progress.total or 0) - tally.progress.done)
    return Work(chain(first, batches), earlier_jobs, notes)


def prove_dnc(run: RunContext) -> None:
    """Verify before the first lookup that the do-not-call check is current and complete."""
    dnc, canaries = run.services.dnc, run.settings.dnc.canaries
    if prove := getattr(dnc, "raise_if_unusable", None):
        prove()
    if canaries:
        run.checkpoints.count_checked(run.job_id, "dnc", len(canaries))
    raise_if_uncovered(dnc, canaries, run.halt.stop)
    run.log("Job", PROVEN if canaries else UNPROVEN)


def connect_warehouse(run: RunContext) -> list[str]:
    """Connect and verify that the job may write its tables. Return a note for each table that was made."""
    warehouse = run.services.warehouse
    warehouse.log = lambda message: run.log("Snowflake", message, "warning")
    warehouse.raise_if_stopped = run.halt.raise_if_stopped
    run.log("Snowflake", "Connecting to Snowflake")
    if run.refused is not None:  # a second attempt could lock the user out
        raise run.refused
    warehouse.connect()
    run.log("Snowflake", "Connected to Snowflake")
    notes: list[str] = []
    for table in warehouse.ensure_tables():
        note = f"table {table} was not there and was made, empty"
        if table == warehouse.table(run.settings.warehouse.person_cache):
            note += ": nobody counts as processed. If you have such a table, correct LEADFLOW_WAREHOUSE__PERSON_CACHE"
        notes.append(note)
        run.log("Snowflake", note, "warning")
    prove_rights(warehouse)
    return notes


def _list_leads(run: RunContext, withheld: WithheldTally, on_rows: Callable[[], None]) -> dict[str, int]:
    """Extract the leads, unless an earlier run of the job did. Return the counts of the extraction."""
    counts = run.checkpoints.extracted(run.job_id)
    if counts is None:
        return run.services.warehouse.repeated(lambda: _extract(run, withheld, on_rows))
    if run.only is None:
        _leave_processed(run)
    return counts


def _extract(run: RunContext, withheld: WithheldTally, on_rows: Callable[[], None]) -> dict[str, int]:
    """Stream the unprocessed leads from Snowflake to the disk. Call `on_rows` before the first row."""
    run.checkpoints.drop_leads(run.job_id)
    withheld.clear()
    source = _source(run)
    extraction = open_extraction(
        source.script,
        run.services.warehouse,
        limit_rows=run.plan["limit_rows"],
        allow_writes=run.settings.warehouse.allow_writes,
        key_column=run.settings.sheets.key_column,
        scope=run.settings.compliance.scope,
        retry_after_days=run.settings.policy.retry_after_days,
        variables=source.variables,
        rows=source.rows,
        emit=run.emit,
    )
    on_rows()
    keys = _store(run, withheld, extraction)
    take_up(run, extraction.retried, keys)
    run.history.update_job(run.job_id, counts=extraction.counts)
    return run.checkpoints.extracted(run.job_id, extraction.counts) or extraction.counts


def _store(run: RunContext, withheld: WithheldTally, extraction: Extraction) -> list[str]:
    """Write the leads to the disk, batch by batch. Return their keys if some of them were held before, else none."""
    first_row, keys = 1, list[str]()
    for number, leads in enumerate(extraction.batches(run.settings.batch_size), 1):
        run.halt.raise_if_stopped()
        withheld.scan(leads)
        run.checkpoints.add_leads(run.job_id, number, first_row, leads.to_dicts())
        first_row += leads.height
        keys.extend(leads["person_key"] if extraction.retried else ())
    withheld.warn()
    if extraction.missing:
        sent = extraction.total - extraction.missing
        raise InputError(
            f"Snowflake announced {extraction.total} leads and sent {sent}; nothing was bought, run the job again"
        )
    run.history.record_left_out(run.job_id, extraction.left_out())
    return keys


def _source(run: RunContext) -> LeadSource:
    """Return where the leads come from. A resume reads a file of leads again."""
    plan = run.plan
    variables, file, job_type = (plan.get(name) for name in ("variables", "file", "job_type"))
    if run.rows is not None:
        return LeadSource(plan["script"], plan["name"], rows=run.rows)
    return stored_source(plan["script"], plan["name"], tuple(variables or ()), file or "", job_type or "")


def _leave_processed(run: RunContext) -> None:
    """Settle the leads of a resumed job that another job has processed meanwhile, perhaps on another machine.

    So are people who asked not to be called meanwhile, unless their lookup is paid for: then the check holds them back.
    """
    processed, suppressed = _known_since(run)
    outcomes = [(key, "processed", "by_another_job") for key in sorted(processed)]
    left_out = sorted(suppressed)
    run.checkpoints.settle(run.job_id, [*outcomes, *((key, *SUPPRESSED) for key in left_out)])
    run.history.record_leads(run.job_id, None, [*outcomes, *((key, "held", SUPPRESSED[1]) for key in left_out)])
    if outcomes:
        run.log("Snowflake", f"{len(outcomes)} leads were processed by another job meanwhile and are left alone")
    if left_out:
        run.log("Snowflake", f"{len(left_out)} leads asked not to be called meanwhile and are not bought")


def _known_since(run: RunContext) -> tuple[set[str], set[str]]:
    """Return the unpaid leads of the job that are in PERSON_CACHE now, and those that are suppressed now."""
    unpaid = set(run.checkpoints.unpaid_keys(run.job_id))
    batches = run.checkpoints.unsettled(run.job_id)
    leads = (row for batch in batches for row in batch.rows if row["person_key"] in unpaid)
    rows = ([row[name] for name in _PERSON] for row in leads)
    processed, suppressed = set[str](), set[str]()
    while page := list(islice(rows, _LEADS_A_STATEMENT)):
        people = pl.DataFrame(page, dict.fromkeys(_PERSON, pl.String), orient="row")
        retry = run.settings.policy.retry_after_days
        known, left_out = known_keys(people, run.services.warehouse, run.settings.compliance.scope, retry)
        processed |= known
        suppressed |= left_out
    return processed, suppressed


def _start_tally(run: RunContext, tally: Tally, total: int) -> None:
    """Start the counts with those of earlier runs of the job."""
    leads = run.checkpoints.tally(run.job_id)
    settled = sum(n for (disposition, _), n in leads.items() if disposition not in ("", "retry"))
    if any(n for key, n in leads.items() if key != ("", "")):
        if run.only:
            accepted = ", ".join(run.only)
            run.log(
                "Engine",
                f"A candidate was accepted for lead {accepted}: it is checked and delivered, and nothing is bought",
            )
        run.log("Engine", f"Resuming: {settled} of {total} leads are settled")
    tally.start(settled, total)


def _earlier_jobs(run: RunContext) -> list[str]:
    """Return the running jobs that listed their leads before this one. They process a lead that is on both lists."""
    before = run.checkpoints.take_turn(run.job_id)
    return run.history.live(before, process_owner(), STALE_S) if before else []


def _stored_batches(run: RunContext, total: int) -> Iterator[Batch]:
    """Read the unsettled leads from the disk, one batch at a time."""
    for stored in run.checkpoints.unsettled(run.job_id, run.only):
        leads = pl.DataFrame(stored.rows, infer_schema_length=None)
        run.emit(
            BatchProgress(
                stage="Engine",
                batch=stored.number,
                first_row=stored.first_row,
                last_row=stored.first_row + leads.height - 1,
                total_batches=total,
            )
        )
        yield Batch(stored.number, stored.first_row, leads)

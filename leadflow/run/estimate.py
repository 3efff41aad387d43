"""What a run would do and cost, before it buys or writes anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.leads.counts import LEFT_OUT
from leadflow.run.arguments import whole_number
from leadflow.run.budget import PHONES_A_LEAD, Prices
from leadflow.services.warehouse import Warehouse
from leadflow.stages.extraction import open_extraction
from leadflow.stages.script import read_script

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.settings import Settings

_LEADS_A_READ = 10_000


@dataclass(frozen=True)
class Estimate:
    """What a run would do and cost; nothing was bought or written.

    `cost` is in dollars: every lookup at its price, plus `check_cost`. It is None while idicore.price is not set. With
    idicore.charge_on_no_match=False, the share of answers in the checkpoints that found nobody is free, if there are 20
    answers or more. `check_cost` is what the litigator and do-not-call checks are expected to cost, of `phones_a_lead`
    phones for each lead to process: the mean of the answers in the checkpoints, or 3 if those are fewer than 20. A
    check without a price counts as free. `notes` list what a run would do first, such as making a missing table.
    """

    extracted: int
    already_processed: int
    held: dict[str, int]
    lookups: int
    reused: int
    litigator_calls: int
    dnc_calls: int
    sheet_appends: int
    cost: float | None
    check_cost: float = 0.0
    phones_a_lead: float = PHONES_A_LEAD
    notes: tuple[str, ...] = ()


def estimate(script: str | Path, limit_rows: int | None, settings: Settings, checkpoints: Checkpoints) -> Estimate:
    """Return rows, calls and money of a run, from the same anti-join as the run's."""
    text, _ = read_script(script)
    limit_rows = whole_number("limit_rows", limit_rows, 1)
    with Warehouse(settings.warehouse, query_tag="leadflow:estimate") as warehouse:
        warehouse.connect()
        counts, reused = warehouse.repeated(lambda: _extract(text, limit_rows, warehouse, checkpoints))
        missing = warehouse.missing_tables()
    leads = counts["todo"]
    batches = -(-leads // settings.batch_size)
    cost, check_cost, phones = Prices.of(settings).expected(
        leads - reused, leads, checkpoints.phones_a_lead(), checkpoints.no_match_share()
    )
    return Estimate(
        extracted=counts["extracted"],
        already_processed=counts["already_processed"],
        held={r: counts[r] for r in LEFT_OUT if counts.get(r)},
        lookups=leads - reused,
        reused=reused,
        litigator_calls=batches,
        dnc_calls=batches if settings.dnc.provider == "dncscrub" else 0,
        sheet_appends=batches,
        cost=cost,
        check_cost=check_cost,
        phones_a_lead=phones,
        notes=tuple(f"table {table} is not there; a run makes it, empty" for table in missing),
    )


def _extract(
    text: str, limit_rows: int | None, warehouse: Warehouse, checkpoints: Checkpoints
) -> tuple[dict[str, int], int]:
    """Return the counts of the extraction, and how many of its leads have an answer that was paid for."""
    extraction = open_extraction(text, warehouse, limit_rows=limit_rows)
    reused = sum(len(checkpoints.answers(leads["person_key"])) for leads in extraction.batches(_LEADS_A_READ))
    return extraction.counts, reused

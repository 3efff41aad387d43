"""The estimate of a run: its rows, calls and cost, before it buys or writes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.leads.counts import LEFT_OUT
from leadflow.run.arguments import whole_number
from leadflow.run.budget import PHONES_A_LEAD, Prices
from leadflow.services.warehouse import Warehouse
from leadflow.stages.extraction import open_extraction

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.settings import Settings
    from leadflow.stages.lead_source import LeadSource

_LEADS_A_READ = 10_000


@dataclass(frozen=True)
class Estimate:
    """The rows, calls and cost of a run. An estimate buys and writes nothing.

    `cost` is in dollars: the price of every lookup plus `check_cost`. It is None if idicore.price is not set.
    `check_cost` is the expected cost of the litigator and do-not-call checks of `phones_a_lead` phones for each lead to
    process. `phones_a_lead` is the mean of the answers in the checkpoints, or 3 if there are fewer than 20 answers. A
    check without a price counts as free. With idicore.charge_on_no_match=False, a share of the lookups is free: the
    share of answers in the checkpoints that found nobody, if there are 20 answers or more. `notes` list what a run
    would do first, such as making a missing table.
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


def estimate(source: LeadSource, limit_rows: int | None, settings: Settings, checkpoints: Checkpoints) -> Estimate:
    """Return the rows, calls and cost of a run. The anti-join is the one that the run uses."""
    limit_rows = whole_number("limit_rows", limit_rows, 1)
    with Warehouse(settings.warehouse, query_tag="leadflow:estimate") as warehouse:
        warehouse.connect()
        counts, reused = warehouse.repeated(lambda: _extract(source, limit_rows, warehouse, checkpoints))
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
    source: LeadSource, limit_rows: int | None, warehouse: Warehouse, checkpoints: Checkpoints
) -> tuple[dict[str, int], int]:
    """Return the counts of the extraction, and the number of its leads that have a paid answer."""
    extraction = open_extraction(
        source.script, warehouse, limit_rows=limit_rows, variables=source.variables, rows=source.rows
    )
    reused = sum(len(checkpoints.answers(leads["person_key"])) for leads in extraction.batches(_LEADS_A_READ))
    return extraction.counts, reused

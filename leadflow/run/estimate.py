"""The estimate of a run: its rows, calls and cost, before it buys or writes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.leads.area_codes import state_code
from leadflow.leads.counts import LEFT_OUT
from leadflow.run.arguments import whole_number
from leadflow.run.budget import PHONES_A_LEAD, Prices
from leadflow.run.take_up import taken_up
from leadflow.services.warehouse import Warehouse
from leadflow.stages.extraction import open_extraction
from leadflow.stages.retried import Retried

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.settings import Settings
    from leadflow.stages.lead_source import LeadSource

_LEADS_A_READ = 10_000


@dataclass(frozen=True)
class ProviderEstimate:
    """A provider's part of a run: lookups, or numbers to check (`what` is the kind), at least and at most.

    `price` is in dollars each, None if it is not set. `hit_rate` is the share of its newest answers in the checkpoints
    that had phones; None for a check, and with fewer than 20 answers.
    """

    provider: str
    what: str
    at_least: int
    at_most: int
    price: float | None
    hit_rate: float | None = None


@dataclass(frozen=True)
class Estimate:
    """The rows, calls and cost of a run. An estimate buys and writes nothing.

    `cost` is in dollars: the price of every lookup plus `check_cost`. It is None if idicore.price is not set.
    `check_cost` is the expected cost of the litigator and do-not-call checks of `phones_a_lead` phones for each lead to
    process. `phones_a_lead` is the mean of the answers in the checkpoints, or 3 if there are fewer than 20 answers. A
    check without a price counts as free. With idicore.charge_on_no_match=False, a share of the lookups is free: the
    share of answers in the checkpoints that found nobody, if there are 20 answers or more. `notes` list what a run
    would do first, such as making a missing table, and how many leads would be taken up again. `reassigned_calls` are
    the expected calls of the reassigned-numbers check, one for each phone of the leads in states that ask for it.
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
    reassigned_calls: int = 0
    cost_at_most: float | None = None
    providers: tuple[ProviderEstimate, ...] = ()


def estimate(source: LeadSource, limit_rows: int | None, settings: Settings, checkpoints: Checkpoints) -> Estimate:
    """Return the rows, calls and cost of a run. The anti-join is the one that the run uses."""
    limit_rows = whole_number("limit_rows", limit_rows, 1)
    with Warehouse(settings.warehouse, query_tag="leadflow:estimate") as warehouse:
        warehouse.connect()
        found = warehouse.repeated(lambda: _extract(source, limit_rows, warehouse, checkpoints, settings))
        missing = warehouse.missing_tables()
    counts, reused = found.counts, found.reused
    leads = counts["todo"]
    batches = -(-leads // settings.batch_size)
    cost, check_cost, phones = Prices.of(settings).expected(
        leads - reused, leads, checkpoints.phones_a_lead(), checkpoints.no_match_share(), found.reassigned
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
        notes=(*(f"table {table} is not there; a run makes it, empty" for table in missing), *found.notes),
        reassigned_calls=round(found.reassigned * phones) if settings.reassigned.is_set else 0,
    )


@dataclass(frozen=True)
class _Found:
    """What the extraction found: its counts, the leads with a paid answer, and those in need of a third check."""

    counts: dict[str, int]
    reused: int
    reassigned: int
    notes: tuple[str, ...]


def _extract(
    source: LeadSource, limit_rows: int | None, warehouse: Warehouse, checkpoints: Checkpoints, settings: Settings
) -> _Found:
    days, states = settings.policy.retry_after_days, settings.compliance.hold_without_reassigned_check
    extraction = open_extraction(
        source.script,
        warehouse,
        limit_rows=limit_rows,
        scope=settings.compliance.scope,
        retry_after_days=days,
        variables=source.variables,
        rows=source.rows,
    )
    held = {lead.person_key: lead for lead in extraction.retried}
    reused, reassigned, retried = 0, 0, list[Retried]()
    for leads in extraction.batches(_LEADS_A_READ):
        keys = leads["person_key"].to_list()
        known = checkpoints.answers(keys)
        retried += [held[key] for key in keys if key in held]
        # The answers of leads that are bought again do not count, and those in PERSON_CACHE do.
        reused += sum(held[key].answer is not None if key in held else key in known for key in keys)
        reassigned += sum(state_code(state) in states for state in leads["state"])
    return _Found(extraction.counts, reused, reassigned, (taken_up(retried),) if retried else ())

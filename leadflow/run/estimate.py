"""The estimate of a run: its rows, calls and cost, before it buys or writes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.display.units import money
from leadflow.leads.area_codes import state_code
from leadflow.leads.counts import LEFT_OUT
from leadflow.run.arguments import whole_number
from leadflow.run.budget import PHONES_A_LEAD
from leadflow.run.estimate_html import to_html
from leadflow.run.expected import Expected
from leadflow.run.take_up import taken_up
from leadflow.services.warehouse import Warehouse
from leadflow.stages.extraction import open_extraction
from leadflow.stages.retried import Retried

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.run.budget import Budget
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


@dataclass(frozen=True, repr=False)
class Estimate:
    """The rows, calls and cost of a run. An estimate buys and writes nothing.

    `cost` is in dollars: the price of every lookup plus `check_cost`. It is None if idicore.price is not set.
    `check_cost` is the expected cost of the litigator and do-not-call checks of `phones_a_lead` phones for each lead to
    process. `phones_a_lead` is the mean of the answers in the checkpoints, or 3 if there are fewer than 20 answers. A
    check without a price counts as free. With idicore.charge_on_no_match=False, a share of the lookups is free: the
    share of answers in the checkpoints that found nobody, if there are 20 answers or more. `notes` list what a run
    would do first, such as making a missing table, and how many leads would be taken up again. `reassigned_calls` are
    the expected calls of the reassigned-numbers check, one for each phone of the leads in states that ask for it.

    `cost` and the counts are those of the whole run. `max_lookups` and `max_cost` are the budget that the run would
    have: the arguments, else those of the settings. `stops_after` is how many leads it would have bought when the
    budget stops it; None if the budget is enough. `expected_cost` is the cost up to there. `price` says it in words.
    `str(estimate)` is one sentence.
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
    lookup_price: float | None = None
    max_lookups: int | None = None
    max_cost: float | None = None
    stops_after: int | None = None
    expected_cost: float | None = None

    @property
    def price(self) -> str:
        """What the run may cost, within its budget: "at most $24.00", "about $31.20" or "price unknown"."""
        return _price(self)

    def __str__(self) -> str:
        """Return the estimate in one sentence."""
        return _sentence(self)

    def __repr__(self) -> str:
        """Return the estimate in one sentence."""
        return f"<Estimate: {_sentence(self)}>"

    def _repr_html_(self) -> str:
        return to_html(self)


def estimate(
    source: LeadSource, limit_rows: int | None, budget: Budget, settings: Settings, checkpoints: Checkpoints
) -> Estimate:
    """Return the rows, calls and cost of a run with a new budget. The anti-join is the one that the run uses."""
    limit_rows = whole_number("limit_rows", limit_rows, 1)
    with Warehouse(settings.warehouse, query_tag="leadflow:estimate") as warehouse:
        warehouse.connect()
        found = warehouse.repeated(lambda: _extract(source, limit_rows, warehouse, checkpoints, settings))
        missing = warehouse.missing_tables()
    made = tuple(f"table {table} is not there; a run makes it, empty" for table in missing)
    return _estimate(found, made, budget, settings, checkpoints)


def _estimate(
    found: _Found, notes: tuple[str, ...], budget: Budget, settings: Settings, checkpoints: Checkpoints
) -> Estimate:
    counts, reused = found.counts, found.reused
    leads = counts["todo"]
    batches = -(-leads // settings.batch_size)
    expected = Expected(budget.prices, leads, reused, found.reassigned, checkpoints)
    cost, check_cost, phones = expected.cost(leads - reused)
    stops = expected.stops_after(budget.max_lookups, budget.max_cost)
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
        notes=(*notes, *found.notes),
        reassigned_calls=round(found.reassigned * phones) if settings.reassigned.is_set else 0,
        lookup_price=budget.prices.lookup,
        max_lookups=budget.max_lookups,
        max_cost=budget.max_cost,
        stops_after=stops,
        expected_cost=cost if stops is None else expected.cost(stops)[0],
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


def _sentence(found: Estimate) -> str:
    """Return the estimate in one sentence, with what a run would do first."""
    reused = f", {found.reused:,} of them paid for already" if found.reused else ""
    rows = f"{found.extracted:,} rows, {found.already_processed:,} already processed"
    leads = f"{found.lookups + found.reused:,} leads to look up{reused}"
    calls = f"{found.litigator_calls} litigator and {found.dnc_calls} do-not-call requests"
    said = f"{rows}; {leads}; {calls}; {_cost(found)}"
    if _has_range(found):
        said += f"; with the further sources for all leads about {money(found.cost_at_most or 0.0)}"
    parts = [said, *([stop] if (stop := _stops_after(found)) else []), *found.notes]
    return "; ".join(parts) + "."


def _cost(found: Estimate) -> str:
    """Return the cost of the run as a whole, without a budget."""
    if found.lookup_price is None:
        cost = "cost unknown: set LEADFLOW_IDICORE__PRICE"
        return f"{cost}, and about {money(found.check_cost)} for checks" if found.check_cost else cost
    most = found.lookups * found.lookup_price
    cost = f"at most {money(most)} for lookups"
    if found.cost is not None and (expected := round(found.cost - found.check_cost, 2)) < round(most, 2):
        cost += f", probably {money(expected)}"
    return f"{cost} and about {money(found.check_cost)} for checks" if found.check_cost else cost


def _has_range(found: Estimate) -> bool:
    """Return whether further providers may be asked too, which makes the cost a range."""
    return found.cost is not None and found.cost_at_most is not None and found.cost_at_most > found.cost


def _stops_after(found: Estimate) -> str:
    """Return where a budget stops the run, such as "stops after 50 leads at $6.00"; "" if none does."""
    if found.stops_after is None:
        return ""
    by_lookups = found.max_lookups is not None and found.stops_after >= found.max_lookups
    limit = f"max_lookups {found.max_lookups:,}" if by_lookups else money(found.max_cost or 0.0)
    if not found.stops_after:
        return f"stops before the first lookup: {limit} allows none"
    about = "about " if found.check_cost and not by_lookups else ""
    leads = f"{found.stops_after:,} lead{'' if found.stops_after == 1 else 's'}"
    return f"stops after {about}{leads} at {limit}"


def _price(found: Estimate) -> str:
    """Return what the run may cost, within its budget: "at most $24.00", "about $31.20", or "price unknown".

    The cost of checks depends on how many phones a lookup finds, so that only a budget limits it.
    """
    if found.cost is None or found.lookup_price is None:
        return "price unknown"
    limit = found.max_cost
    if _has_range(found):
        between = f"about {money(found.cost)} to {money(found.cost_at_most or 0.0)}"
        if limit is None:
            return between
        return f"at most {money(limit)}" if limit <= found.cost else f"{between}, at most {money(limit)}"
    if not found.check_cost:
        bought = found.lookups if found.max_lookups is None else min(found.lookups, found.max_lookups)
        most = bought * found.lookup_price
        return f"at most {money(most if limit is None else min(most, limit))}"
    if limit is not None and (found.stops_after is not None or limit <= found.cost):
        return f"at most {money(limit)}"
    expected = f"about {money(found.expected_cost or 0.0)}"
    return expected if limit is None else f"{expected}, at most {money(limit)}"

"""The words of an estimate: its sentence, its price, and after how many leads a budget stops the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadflow.reports.units import money

if TYPE_CHECKING:
    from leadflow.run.estimate import Estimate


def sentence(found: Estimate) -> str:
    """Return the estimate in one sentence, with what a run would do first."""
    reused = f", {found.reused:,} of them paid for already" if found.reused else ""
    rows = f"{found.extracted:,} rows, {found.already_processed:,} already processed"
    leads = f"{found.lookups + found.reused:,} leads to look up{reused}"
    calls = f"{found.litigator_calls} litigator and {found.dnc_calls} do-not-call requests"
    said = f"{rows}; {leads}; {calls}; {_cost(found)}"
    parts = [said, *([stop] if (stop := stops_after(found)) else []), *found.notes]
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


def stops_after(found: Estimate) -> str:
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


def price(found: Estimate) -> str:
    """Return what the run may cost, within its budget: "at most $24.00", "about $31.20", or "price unknown".

    The cost of checks depends on how many phones a lookup finds, so that only a budget limits it.
    """
    if found.cost is None or found.lookup_price is None:
        return "price unknown"
    limit = found.max_cost
    if not found.check_cost:
        bought = found.lookups if found.max_lookups is None else min(found.lookups, found.max_lookups)
        most = bought * found.lookup_price
        return f"at most {money(most if limit is None else min(most, limit))}"
    if limit is not None and (found.stops_after is not None or limit <= found.cost):
        return f"at most {money(limit)}"
    expected = f"about {money(found.expected_cost or 0.0)}"
    return expected if limit is None else f"{expected}, at most {money(limit)}"

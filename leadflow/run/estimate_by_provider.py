"""What a run would buy of each provider: the range between the first source alone and all sources for all leads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leadflow.run.budget import Prices
from leadflow.run.estimate import Estimate, ProviderEstimate

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.run.providers import Providers
    from leadflow.settings import Settings


def with_providers(found: Estimate, settings: Settings, providers: Providers, checkpoints: Checkpoints) -> Estimate:
    """Return the estimate with its parts by provider, and with what it costs at most.

    At least, only idiCORE is asked, and all phones that it finds go through all checks. At most, each further source is
    asked for each lead too, and finds as many phones, which go through all checks as well.
    """
    prices, leads = Prices.of(settings), found.lookups + found.reused
    phones = leads * found.phones_a_lead
    more = round(phones * sum(check.price for check in providers.checks), 2)
    low = None if found.cost is None else round(found.cost + more, 2)
    sources = len(providers.lookups)
    high = None if low is None else low + leads * sum(source.price for source in providers.lookups)
    if high is not None:
        high = round(high + sources * (found.check_cost + more), 2)
    return replace(
        found,
        cost=low,
        check_cost=round(found.check_cost + more, 2),
        cost_at_most=high,
        providers=_parts(found, prices, providers, checkpoints, phones),
    )


def _parts(
    found: Estimate, prices: Prices, providers: Providers, checkpoints: Checkpoints, phones: float
) -> tuple[ProviderEstimate, ...]:
    leads, numbers = found.lookups + found.reused, round(phones)
    parts = [ProviderEstimate("idicore", "lookup", found.lookups, found.lookups, prices.lookup, checkpoints.hit_rate())]
    parts += [
        ProviderEstimate(one.provider, "lookup", 0, leads, one.price, checkpoints.further_hit_rate(one.provider))
        for one in providers.lookups
    ]
    most = round(numbers * (1 + len(providers.lookups)))
    parts += [ProviderEstimate(one.provider, one.kind, numbers, most, one.price) for one in providers.checks]
    return tuple(parts)

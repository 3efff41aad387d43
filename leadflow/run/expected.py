"""What a run is expected to cost, lead by lead, and where its budget would stop it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadflow.run.budget import MOST_PHONES

if TYPE_CHECKING:
    from leadflow.checkpoints import Checkpoints
    from leadflow.run.budget import Prices

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Expected:
    """The cost of a run over `leads`, of which `reused` are paid for and `reassigned` need the third check."""

    prices: Prices
    leads: int
    reused: int
    reassigned: int
    checkpoints: Checkpoints

    def cost(self, lookups: int) -> tuple[float | None, float, float]:
        """Return the cost after so many lookups, the part of it that is for checks, and the phones a lead."""
        leads = lookups + self.reused
        share = leads / self.leads if self.leads else 0.0
        return self.prices.expected(
            lookups,
            leads,
            self.checkpoints.phones_a_lead(),
            self.checkpoints.no_match_share(),
            round(self.reassigned * share),
        )

    def stops_after(self, max_lookups: int | None, max_cost: float | None) -> int | None:
        """Return how many lookups a budget allows, if that is less than the run needs; None if it is enough."""
        needed = self.leads - self.reused
        by_cost = needed if max_cost is None else self._affordable(max_cost, needed)
        allowed = min(needed, by_cost, needed if max_lookups is None else max_lookups)
        return allowed if allowed < needed else None

    def _affordable(self, max_cost: float, needed: int) -> int:
        """Return how many lookups fit. Like the run, reserve the checks of the most phones for the next one."""
        price = self.prices.lookup or 0.0
        checks = self._checks_a_lead()
        share = 0.0 if self.prices.charge_on_no_match else self.checkpoints.no_match_share()
        each = price * (1 - share) + checks
        room = max_cost - self.reused * checks - price - MOST_PHONES * self.prices.phone + _ROUNDING
        if room < 0:
            return 0
        return needed if each <= 0 else min(needed, math.floor(room / each + _ROUNDING) + 1)

    def _checks_a_lead(self) -> float:
        return self.cost(self.leads - self.reused)[1] / self.leads if self.leads else 0.0

"""What a job may spend: lookups, or their cost, over all its runs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from leadflow.errors import BudgetReached


@dataclass
class Budget:
    """Counts the searches a job has paid for or may have, in all its runs, and refuses the one that would pass a limit."""

    max_lookups: int | None = None
    max_cost: float | None = None
    price: float | None = None
    spent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> None:
        """Reserve one search, or raise BudgetReached."""
        with self._lock:
            self._refuse(self.spent + 1)
            self.spent += 1

    def give_back(self) -> None:
        """One search was certainly not charged."""
        with self._lock:
            self.spent -= 1

    def cost(self, bought: int) -> float | None:
        """What so many lookups cost; None while no price is set."""
        return None if self.price is None else round(bought * self.price, 2)

    def _refuse(self, spent: int) -> None:
        if self.max_lookups is not None and spent > self.max_lookups:
            raise BudgetReached(f"{self.spent} lookups are bought, and max_lookups of this job is {self.max_lookups}; raise it and resume")
        if self.max_cost is not None and self.price is not None and spent * self.price > self.max_cost + 1e-9:
            raise BudgetReached(f"one more lookup at {self.price} would pass max_cost {self.max_cost}; raise it and resume")

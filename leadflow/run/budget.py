"""What a job may spend: lookups, and what lookups and checks cost, over all its runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, Protocol

from leadflow.errors import BudgetReached, Stopped

if TYPE_CHECKING:
    from leadflow.leads.people import Answer
    from leadflow.settings import Settings

# What an estimate expects of a lead until enough answers are known, and what is set aside for the checks of an answer that is
# under way. The answer says how many phones it really has.
PHONES_A_LEAD = 3.0
MOST_PHONES = 10
CHECKS = ("litigator", "dnc")


@dataclass(frozen=True)
class Prices:
    """Dollars a lookup (None: not set) and dollars a number checked, by check; a check without a price counts as free."""

    lookup: float | None = None
    checks: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0.0))
    charge_on_no_match: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Prices:
        """The prices of the settings."""
        checks = {"litigator": settings.litigator.price or 0.0, "dnc": settings.dnc.price or 0.0}
        return cls(settings.idicore.price, checks, settings.idicore.charge_on_no_match)

    @property
    def phone(self) -> float:
        """Both checks of a phone."""
        return sum(self.checks.values())

    def cost(self, lookups: int, free: int, checked: Mapping[str, int]) -> float | None:
        """Dollars for so many lookups, of which `free` found nobody, and so many numbers checked; None while no price is set."""
        if self.lookup is None:
            return None
        charged = lookups if self.charge_on_no_match else lookups - free
        return charged * self.lookup + sum(price * checked.get(check, 0) for check, price in self.checks.items())

    def expected(
        self, lookups: int, leads: int, phones_a_lead: float | None, no_match_share: float = 0.0
    ) -> tuple[float | None, float, float]:
        """The cost of a run, that of its checks, and the phones a lead that were expected.

        `no_match_share` (0 to 1) of the lookups find nobody, which cost nothing where the contract says so.
        """
        phones = PHONES_A_LEAD if phones_a_lead is None else round(phones_a_lead, 2)
        checks = round(leads * phones * self.phone, 2)
        charged = lookups if self.charge_on_no_match else lookups * (1 - no_match_share)
        return None if self.lookup is None else round(charged * self.lookup + checks, 2), checks, phones


class _Flag(Protocol):
    def is_set(self) -> bool: ...


@dataclass
class Budget:
    """Counts what a job has paid for or may have, in all its runs, and refuses the search that could pass a limit.

    A search is let through only if what is left covers it and the checks of the phones that it may find. Checks of phones that
    are bought are never refused: their leads are to be delivered.
    """

    max_lookups: int | None = None
    max_cost: float | None = None
    prices: Prices = field(default_factory=Prices)
    spent: int = 0
    stop: _Flag | None = None
    _free: int = 0
    _checked: dict[str, int] = field(default_factory=dict)
    # Phones of answers that are still to be checked, by lead and in all.
    _owed: dict[str, int] = field(default_factory=dict)
    _owed_phones: int = 0
    _in_checks: set[str] = field(default_factory=set)
    # Threads with a search under way.
    _under_way: set[int] = field(default_factory=set)
    _most_phones: int = MOST_PHONES
    _settled: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, free: int, checked: Mapping[str, int]) -> None:
        """What earlier runs of the job were not charged for, and how many numbers they had checked."""
        with self._settled:
            self._free, self._checked = free, dict(checked)

    def owe(self, phones: Mapping[str, int]) -> None:
        """Answers known before the run whose phones, so many for each lead, are still to be checked."""
        with self._settled:
            for key, count in phones.items():
                self._owe(key, count)

    def take(self) -> None:
        """Reserve one search, or raise BudgetReached. Waits for searches under way if what they leave may be enough."""
        me = threading.get_ident()
        with self._settled:
            self._under_way.discard(me)
            while not self._fits_now():
                if not self._may_still_fit():
                    self._refuse()
                self._settled.wait(0.1)
                if self.stop is not None and self.stop.is_set():
                    raise Stopped("stopped before a lookup")
            self.spent += 1
            self._under_way.add(me)

    def give_back(self) -> None:
        """One search was certainly not charged."""
        with self._settled:
            self.spent -= 1
            self._under_way.discard(threading.get_ident())
            self._settled.notify_all()

    def answered(self, answer: Answer) -> None:
        """A search of this thread was answered: what it left of its reserve is free for others."""
        with self._settled:
            phones = len(answer.phones)
            self._owe(answer.person_key, phones)
            self._most_phones = max(self._most_phones, phones)
            self._free += answer.status == "no_match"
            self._under_way.discard(threading.get_ident())
            self._settled.notify_all()

    def ended(self) -> None:
        """No search of this thread is under way any more."""
        with self._settled:
            self._under_way.discard(threading.get_ident())
            self._settled.notify_all()

    def checked(self, check: str, numbers: int) -> None:
        """So many numbers were checked."""
        with self._settled:
            self._checked[check] = self._checked.get(check, 0) + numbers

    def checks_begin(self, person_keys: Iterable[str]) -> None:
        """The phones of these leads are being checked: until that is done, some may be counted twice."""
        with self._settled:
            self._in_checks.update(key for key in person_keys if key in self._owed)

    def checks_done(self, person_keys: Iterable[str]) -> None:
        """The phones of these leads have been through their checks."""
        with self._settled:
            for key in person_keys:
                self._in_checks.discard(key)
                self._owe(key, 0)
            self._settled.notify_all()

    def _owe(self, key: str, phones: int) -> None:
        self._owed_phones += phones - self._owed.pop(key, 0)
        if phones:
            self._owed[key] = phones

    def _passes_max_lookups(self) -> bool:
        return self.max_lookups is not None and self.spent + 1 > self.max_lookups

    def _fits_now(self) -> bool:
        """Whether one more search may be sent."""
        return not self._passes_max_lookups() and self._fits(self.spent + 1, self._reserve(len(self._under_way) + 1))

    def _refuse(self) -> NoReturn:
        """Raise BudgetReached with the limit that one more search would pass."""
        if self._passes_max_lookups():
            raise BudgetReached(
                f"{self.spent} lookups are bought, and max_lookups of this job is {self.max_lookups}; raise it and resume"
            )
        checks = f" and {self._reserve(1):,.2f} for the checks of the phones it may find" if self.prices.phone else ""
        raise BudgetReached(
            f"one more lookup at {self.prices.lookup}{checks} would pass max_cost {self.max_cost}; raise it and resume"
        )

    def _may_still_fit(self) -> bool:
        """Whether the search would fit if the searches and checks under way cost as little as they can."""
        others = len(self._under_way)
        if not (others or self._in_checks) or self._passes_max_lookups():
            return False
        free = 0 if self.prices.charge_on_no_match else others
        return self._fits(
            self.spent + 1 - free, self._reserve(1), sum(self._owed.get(key, 0) for key in self._in_checks)
        )

    def _reserve(self, searches: int) -> float:
        return searches * self._most_phones * self.prices.phone

    def _fits(self, lookups: int, reserve: float, counted: int = 0) -> bool:
        """Whether so many lookups fit, with a reserve in dollars; `counted` of the phones owed may be counted already."""
        owed = self._owed_phones - counted
        due = {check: self._checked.get(check, 0) + owed for check in self.prices.checks}
        cost = self.prices.cost(lookups, self._free, due)
        return self.max_cost is None or cost is None or cost + reserve <= self.max_cost + 1e-9

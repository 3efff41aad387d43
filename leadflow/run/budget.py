"""The budget of a job: what all its runs together may spend on lookups and checks."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from leadflow.display.units import money
from leadflow.errors import BudgetReached, SettingsError, Stopped
from leadflow.run.arguments import dollars, whole_number

if TYPE_CHECKING:
    from leadflow.leads.people import Answer
    from leadflow.services.transport.limits import StopFlag
    from leadflow.settings import Settings

# The number of phones that an estimate assumes for a lead until the checkpoints have enough answers.
PHONES_A_LEAD = 3.0
# The most phones that a lookup may find. Their checks are reserved until its answer has the real number.
MOST_PHONES = 10
CHECKS = ("litigator", "dnc")
# The rounding error of a sum, in dollars.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Prices:
    """Dollars a lookup (None: not set), and dollars a checked number by check. A check without a price is free."""

    lookup: float | None = None
    checks: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0.0))
    charge_on_no_match: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Prices:
        """Return the prices of the settings."""
        checks = {"litigator": settings.litigator.price or 0.0, "dnc": settings.dnc.price or 0.0}
        # Only phones of some states are sent to this check; the reserve assumes all of them.
        if settings.reassigned.is_set and settings.compliance.hold_without_reassigned_check:
            checks["reassigned"] = settings.reassigned.price or 0.0
        return cls(settings.idicore.price, checks, settings.idicore.charge_on_no_match)

    @property
    def phone(self) -> float:
        """The highest cost of all checks of one phone, in dollars."""
        return sum(self.checks.values())

    def cost(self, lookups: int, free: int, checked: Mapping[str, int]) -> float | None:
        """Return the cost of lookups, of which `free` found nobody, and of checked numbers; None without a price."""
        if self.lookup is None:
            return None
        charged = lookups if self.charge_on_no_match else lookups - free
        return charged * self.lookup + sum(price * checked.get(check, 0) for check, price in self.checks.items())

    def expected(
        self,
        lookups: int,
        leads: int,
        phones_a_lead: float | None,
        no_match_share: float = 0.0,
        reassigned_leads: int | None = None,
    ) -> tuple[float | None, float, float]:
        """Return the expected cost of a run, the part of it that is for checks, and the phones a lead that it assumes.

        `no_match_share` (0 to 1) of the lookups find nobody. They are free unless charge_on_no_match is set. Of the
        leads, `reassigned_leads` need the reassigned-numbers check, all by default.
        """
        phones = PHONES_A_LEAD if phones_a_lead is None else round(phones_a_lead, 2)
        reassigned = self.checks.get("reassigned", 0.0)
        others = leads * (self.phone - reassigned)
        checks = round(phones * (others + reassigned * (leads if reassigned_leads is None else reassigned_leads)), 2)
        charged = lookups if self.charge_on_no_match else lookups * (1 - no_match_share)
        return None if self.lookup is None else round(charged * self.lookup + checks, 2), checks, phones


@dataclass
class Budget:
    """Counts what all runs of a job have paid for, and refuses a lookup that could exceed a limit.

    It allows a lookup only if the money left covers its price and the checks of the phones it may find. It never
    refuses a check of a phone that is already bought, because that lead must be delivered. Safe to use from many
    threads.
    """

    max_lookups: int | None = None
    max_cost: float | None = None
    prices: Prices = field(default_factory=Prices)
    spent: int = 0
    stop: StopFlag | None = None
    _free: int = 0
    _checked: dict[str, int] = field(default_factory=dict[str, int])
    # Phones that are bought and not yet checked, by lead, and their sum.
    _unchecked: dict[str, int] = field(default_factory=dict[str, int])
    _unchecked_sum: int = 0
    # The leads of `_unchecked` whose checks are under way.
    _in_checks: set[str] = field(default_factory=set[str])
    # The threads that have a lookup in flight.
    _in_flight: set[int] = field(default_factory=set[int])
    _most_phones: int = MOST_PHONES
    _changed: threading.Condition = field(default_factory=threading.Condition)
    # Searches at further sources, those under way included, and what they cost in dollars.
    further: int = 0
    further_cost: float = 0.0
    _further_in_flight: int = 0

    @classmethod
    def of(cls, settings: Settings, max_lookups: int | None, max_cost: float | None) -> Budget:
        """Return the budget of a new job. For a limit that is None, use the limit of the settings, if any.

        Raises InputError for an invalid limit, and SettingsError for a max_cost if no price of a lookup is set.
        """
        lookups = settings.max_lookups if max_lookups is None else whole_number("max_lookups", max_lookups, 0)
        cost = settings.max_cost if max_cost is None else dollars("max_cost", max_cost)
        prices = Prices.of(settings)
        if cost is not None and prices.lookup is None:
            raise SettingsError(
                "max_cost is set, but idicore.price is not; set LEADFLOW_IDICORE__PRICE to what one lookup costs you"
            )
        return cls(lookups, cost, prices)

    def resume(self, spent: int, free: int, checked: Mapping[str, int]) -> None:
        """Count the lookups and checked numbers of earlier runs of the job. `free` lookups found nobody."""
        with self._changed:
            self.spent, self._free, self._checked = spent, free, dict(checked)

    def resume_further(self, searches: int, cost: float) -> None:
        """Count the searches at further sources of earlier runs of the job, and what they cost in dollars."""
        with self._changed:
            self.further, self.further_cost = searches, cost

    def take_further(self, price: float) -> None:
        """Reserve a search at a further source, or raise BudgetReached. Wait while calls under way may leave enough."""
        with self._changed:
            while self._passes_max_lookups() or not self._fits(self.spent, self._reserve(self._flying + 1), 0, price):
                if self._passes_max_lookups() or not (self._flying or self._in_checks):
                    self._refuse(price)
                self._changed.wait(0.1)
                if self.stop is not None and self.stop.is_set():
                    raise Stopped("stopped before a lookup")
            self.further, self.further_cost = self.further + 1, self.further_cost + price
            self._further_in_flight += 1

    def end_further(self, price: float, charged: bool, answer: Answer | None = None) -> None:
        """Release the reserve of a search, and its price if it was not charged. Expect checks of the phones found."""
        with self._changed:
            self._further_in_flight -= 1
            if not charged:
                self.further_cost -= price
                self.further -= answer is None
            if answer is not None:
                self._expect(answer.person_key, len(answer.phones))
                self._most_phones = max(self._most_phones, len(answer.phones))
            self._changed.notify_all()

    @property
    def _flying(self) -> int:
        return len(self._in_flight) + self._further_in_flight

    def expect_checks(self, phones: Mapping[str, int]) -> None:
        """Reserve the checks of phones that earlier runs bought, by lead."""
        with self._changed:
            for key, count in phones.items():
                self._expect(key, count)

    def counted(self) -> tuple[int, int, dict[str, int]]:
        """Return the lookups bought by all runs so far, how many found nobody, and the numbers checked, by check."""
        with self._changed:
            return self.spent - len(self._in_flight), self._free, dict(self._checked)

    @property
    def allows_a_lookup(self) -> bool:
        """Whether one more lookup fits."""
        with self._changed:
            return self._fits_now()

    @property
    def limits(self) -> str:
        """The limits, such as "max_lookups 25, max_cost $6.00"; "" without any."""
        found = [f"max_lookups {self.max_lookups:,}"] if self.max_lookups is not None else []
        return ", ".join(found + ([f"max_cost {money(self.max_cost)}"] if self.max_cost is not None else []))

    def take(self) -> None:
        """Reserve one lookup, or raise BudgetReached. Wait while calls under way may still leave enough budget."""
        thread = threading.get_ident()
        with self._changed:
            self._in_flight.discard(thread)
            while not self._fits_now():
                if not self._may_still_fit():
                    self._refuse()
                self._changed.wait(0.1)
                if self.stop is not None and self.stop.is_set():
                    raise Stopped("stopped before a lookup")
            self.spent += 1
            self._in_flight.add(thread)

    def give_back(self) -> None:
        """Release a lookup that was certainly not charged."""
        with self._changed:
            self.spent -= 1
            self._end_lookup()

    def answered(self, answer: Answer) -> None:
        """Replace the reserve of this thread's lookup with the checks of the phones that it found."""
        with self._changed:
            phones = len(answer.phones)
            self._expect(answer.person_key, phones)
            self._most_phones = max(self._most_phones, phones)
            self._free += answer.status == "no_match"
            self._end_lookup()

    def ended(self) -> None:
        """Release the reserve of this thread's lookup, with or without an answer."""
        with self._changed:
            self._end_lookup()

    def checked(self, check: str, numbers: int) -> None:
        """Count checked numbers."""
        with self._changed:
            self._checked[check] = self._checked.get(check, 0) + numbers

    def checks_begin(self, person_keys: Iterable[str]) -> None:
        """Record that the phones of these leads are being checked. Until `checks_done`, some are counted twice."""
        with self._changed:
            self._in_checks.update(key for key in person_keys if key in self._unchecked)

    def checks_done(self, person_keys: Iterable[str]) -> None:
        """Release the reserve for the checks of these leads' phones."""
        with self._changed:
            for key in person_keys:
                self._in_checks.discard(key)
                self._expect(key, 0)
            self._changed.notify_all()

    def _end_lookup(self) -> None:
        self._in_flight.discard(threading.get_ident())
        self._changed.notify_all()

    def _expect(self, key: str, phones: int) -> None:
        self._unchecked_sum += phones - self._unchecked.pop(key, 0)
        if phones:
            self._unchecked[key] = phones

    def _passes_max_lookups(self) -> bool:
        return self.max_lookups is not None and self.spent + self.further + 1 > self.max_lookups

    def _fits_now(self) -> bool:
        """Return whether one more lookup may be sent."""
        return not self._passes_max_lookups() and self._fits(self.spent + 1, self._reserve(self._flying + 1))

    def _refuse(self, price: float | None = None) -> NoReturn:
        """Raise BudgetReached with the limit that one more lookup would exceed."""
        if self._passes_max_lookups():
            raise BudgetReached(
                f"{self.spent + self.further} lookups are bought, and max_lookups of this job is {self.max_lookups}; "
                "resume it with a higher one"
            )
        checks = f" and {money(self._reserve(1))} for the checks of the phones it may find" if self.prices.phone else ""
        lookup, most = f"${self.prices.lookup if price is None else price:g}", money(self.max_cost or 0.0)
        raise BudgetReached(f"one more lookup at {lookup}{checks} would pass max_cost {most}; resume with a higher one")

    def _may_still_fit(self) -> bool:
        """Return whether one more lookup would fit if the lookups and checks under way have the lowest cost."""
        others = self._flying
        if not (others or self._in_checks) or self._passes_max_lookups():
            return False
        free = 0 if self.prices.charge_on_no_match else others
        counted_twice = sum(self._unchecked.get(key, 0) for key in self._in_checks)
        return self._fits(self.spent + 1 - free, self._reserve(1), counted_twice)

    def _reserve(self, lookups: int) -> float:
        return lookups * self._most_phones * self.prices.phone

    def _fits(self, lookups: int, reserve: float, counted_twice: int = 0, more: float = 0.0) -> bool:
        """Return whether lookups, a reserve and `more` dollars fit. `counted_twice` phones count as checked, too."""
        reserve += self.further_cost + more
        unchecked = self._unchecked_sum - counted_twice
        checked = {check: self._checked.get(check, 0) + unchecked for check in self.prices.checks}
        cost = self.prices.cost(lookups, self._free, checked)
        return self.max_cost is None or cost is None or cost + reserve <= self.max_cost + _ROUNDING

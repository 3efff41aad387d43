"""The further providers of an engine: validated, named and priced, with the threads that their searches run in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leadflow.errors import InputError
from leadflow.services.blacklist_alliance import BlacklistAlliance
from leadflow.services.people_data_labs import PeopleDataLabs
from leadflow.stages.further_checks import SafeCheck
from leadflow.stages.scrub_texts import OWN_KINDS

if TYPE_CHECKING:
    from leadflow.leads.people import Answer, Person
    from leadflow.run.budget import Prices
    from leadflow.settings import Settings
    from leadflow.stages.providers import PeopleSearch, PhoneCheck

_IN_FLIGHT = 4
_WORD = re.compile(r"[a-z0-9_+]{1,40}")
# What the records call leadflow's own providers.
_OWN_NAMES = ("idicore", "dncscrub", "list", "leadflow")


class Source:
    """A further source of phones, and a pool of threads that sends its searches. All jobs of an engine share it."""

    def __init__(self, search: PeopleSearch) -> None:
        self.search, self.provider, self.price = search, search.provider, float(search.price)
        self.limiters, self.breakers = getattr(search, "limiters", ()), getattr(search, "breakers", ())
        in_flight = getattr(search, "max_in_flight", _IN_FLIGHT)
        self._pool = ThreadPoolExecutor(in_flight, self.provider)

    def queue(self, work: Callable[[Person], Answer], people: Iterable[Person]) -> dict[str, Future[Answer]]:
        """Submit `work` on each person; return the futures by person key."""
        return {person.person_key: self._pool.submit(work, person) for person in people}

    def close(self) -> None:
        """Wait for the searches under way, then close the source, if it can be closed."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if close := getattr(self.search, "close", None):
            close()


@dataclass(frozen=True)
class Providers:
    """The further sources and checks of an engine, in their order."""

    lookups: tuple[Source, ...] = ()
    checks: tuple[SafeCheck, ...] = ()

    @classmethod
    def of(
        cls, settings: Settings, lookups: Sequence[PeopleSearch] | None, checks: Sequence[PhoneCheck] | None
    ) -> Providers:
        """Return the providers that are given, else those that the settings name.

        Raises InputError for one that is not what its protocol says, and SettingsError if the settings name one without
        its key or price.
        """
        searches = _named(settings, settings.lookups, _SEARCHES) if lookups is None else list(lookups)
        more = _named(settings, settings.checks, _CHECKS) if checks is None else list(checks)
        for number, search in enumerate(searches, 1):
            _raise_if_wrong(search, f"lookups[{number}]", "PeopleSearch", ("search",))
        for number, check in enumerate(more, 1):
            _raise_if_wrong(check, f"checks[{number}]", "PhoneCheck", ("check",))
            _raise_if_word(check.kind, f"checks[{number}].kind", OWN_KINDS)
        _raise_if_twice("provider", [one.provider for one in (*searches, *more)])
        _raise_if_twice("kind", [check.kind for check in more])
        return cls(tuple(map(Source, searches)), tuple(map(SafeCheck, more)))

    @property
    def all(self) -> tuple[Source | SafeCheck, ...]:
        """All of them, sources first."""
        return (*self.lookups, *self.checks)

    @property
    def names(self) -> dict[str, list[str]]:
        """The names, as the plan of a job keeps them."""
        return {"lookups": [s.provider for s in self.lookups], "checks": [c.provider for c in self.checks]}

    def priced(self, prices: Prices) -> Prices:
        """Return the prices with those of the further checks."""
        return replace(prices, checks={**prices.checks, **{check.kind: check.price for check in self.checks}})

    def raise_if_other(self, job_id: str, plan: Mapping[str, Any]) -> None:
        """Raise InputError unless this engine has all providers with which the job began.

        Without a check, phones would be delivered that the job's other phones had to pass; without a source, leads
        would be held for good that it could still find.
        """
        began = plan.get("providers") or {}
        missing = [name for group, names in self.names.items() for name in began.get(group, ()) if name not in names]
        if missing:
            raise InputError(
                f"job {job_id} began with {', '.join(missing)}, which this engine does not have; make the engine with "
                "the same lookups= and checks=, then resume"
            )

    def close(self) -> None:
        """Close all providers."""
        for provider in self.all:
            provider.close()


_SEARCHES: dict[str, Callable[[Settings], Any]] = {
    "people_data_labs": lambda settings: PeopleDataLabs(settings.people_data_labs)
}
_CHECKS: dict[str, Callable[[Settings], Any]] = {
    "blacklist_alliance": lambda settings: BlacklistAlliance(settings.blacklist_alliance)
}


def _named(settings: Settings, names: Iterable[str], makers: Mapping[str, Callable[[Settings], Any]]) -> list[Any]:
    return [makers[name](settings) for name in names]


def _raise_if_wrong(given: Any, place: str, protocol: str, methods: tuple[str, ...]) -> None:
    if isinstance(given, type) or not all(callable(getattr(given, name, None)) for name in methods):
        raise InputError(
            f"{place} is a {type(given).__name__} without {methods[0]}(); see help(leadflow.{protocol}) for an example"
        )
    _raise_if_word(getattr(given, "provider", None), f"{place}.provider", _OWN_NAMES)
    price = getattr(given, "price", None)
    if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < float("inf"):
        raise InputError(f"{place}.price must be a number of dollars, 0 if it costs nothing; the budget counts it")
    in_flight = getattr(given, "max_in_flight", _IN_FLIGHT)
    if type(in_flight) is not int or in_flight < 1:
        raise InputError(f"{place}.max_in_flight must be a whole number of 1 or more")


def _raise_if_word(word: Any, place: str, taken: tuple[str, ...]) -> None:
    if not isinstance(word, str) or not _WORD.fullmatch(word) or word in taken:
        raise InputError(
            f"{place} must be a word of small letters, digits, _ and + that leadflow does not use ({', '.join(taken)})"
        )


def _raise_if_twice(what: str, words: list[str]) -> None:
    if len(set(words)) < len(words):
        raise InputError(f"two providers have one {what}; the records tell them apart by it, so give each its own")

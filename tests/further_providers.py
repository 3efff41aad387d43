"""Further sources and checks for tests: the shipped ones against their stand-ins, and a user's own classes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import leadflow as lf

PRICES = {"idicore": {"price": 0.10}, "litigator": {"price": 0.002}, "dnc": {"price": 0.001}}


def with_accounts(world: Any, **more: Any) -> Any:
    """The world's settings with both accounts, quick to give up, and `more` settings of parts."""
    parts = {name: world.provider_settings(name) for name in ("people_data_labs", "blacklist_alliance")}
    quick = {"attempts": 2, "timeout_s": 2.0}
    for name, values in parts.items():
        parts[name] = {**values, **quick, **more.pop(name, {})}
    return world.settings.model_copy(update={**parts, **more})


def priced(settings: Any) -> Any:
    """The settings with a price for each of leadflow's own vendors."""
    changed = {name: getattr(settings, name).model_copy(update=values) for name, values in PRICES.items()}
    return settings.model_copy(update=changed)


class OwnSource:
    """A source that finds the asked person with these phones; `fault` is raised or returned instead."""

    def __init__(self, provider: str = "own", price: float = 0.5, phones: Any = ("5045550143",), fault: Any = None):
        self.provider, self.price, self.phones, self.fault = provider, price, phones, fault
        self.asked: list[str] = []
        self.max_in_flight = 2

    def search(self, person, stop=None):
        self.asked.append(person.person_key)
        if isinstance(self.fault, BaseException):
            raise self.fault
        if self.fault is not None:
            return self.fault(person) if callable(self.fault) else self.fault
        home = lf.FoundAddress(person.address, person.city, person.state, person.zip)
        name = lf.FoundName(person.first_name, person.last_name)
        phones = self.phones(person) if callable(self.phones) else self.phones
        return lf.SearchResult([lf.FoundPerson([name], [home], [lf.FoundPhone(p) for p in phones])])


class OwnCheck:
    """A check with which phones are clean unless `answer` says otherwise."""

    def __init__(self, provider: str = "own_list", kind: str = "complaints", price: float = 0.01, answer: Any = None):
        self.provider, self.kind, self.price, self.answer = provider, kind, price, answer
        self.asked: list[str] = []

    def check(self, phones, stop=None):
        self.asked.extend(phones)
        if isinstance(self.answer, BaseException):
            raise self.answer
        if self.answer is not None:
            return self.answer(self, phones)
        return {phone: self.scrub(phone) for phone in phones}

    def scrub(self, phone, verdict=lf.Verdict.CLEAN, **more):
        fields = {"check": self.kind, "provider": self.provider, "checked_at": datetime.now(timezone.utc), **more}
        return lf.Scrub(phone=phone, verdict=verdict, code=fields.pop("code", "own"), **fields)


def rows_of(job: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """The job's counts by provider, by provider and what it was asked for."""
    return {(row["provider"], row["what"]): row for row in job.counts.providers}

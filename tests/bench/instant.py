"""Vendors in the job's own process that answer at once, so that only leadflow's own time is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import polars as pl

import leadflow as lf
from leadflow.leads.people import Answer, Person, Phone
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.local.people import dnc_code, invent, is_litigator
from leadflow.run.context import Services
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.dncscrub.codes import CODES, POLICY_VERSION
from leadflow.services.idicore import Idicore
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse


class InstantIdicore(Idicore):
    """Makes each answer from the key; pool, threads and order are those of Idicore."""

    def sign_in(self, stop: Any = None) -> None:
        return

    def lookup(self, person: Person, stop: Any = None, budget: Any = None) -> Answer:
        truth = invent(person.person_key)
        phones = tuple(Phone(f"+1{number}", "Mobile", rank) for rank, number in enumerate(truth.phones, 1))
        found = "found" if truth.outcome == "no_phone" else truth.outcome
        return Answer(person.person_key, found, phones if found == "found" else (), tuple(truth.emails))


class InstantLitigators(LitigatorList):
    """Answers from the phone."""

    def check(self, phones: Sequence[str], stop: Any = None) -> dict[str, Scrub]:
        now = datetime.now(timezone.utc)
        verdicts = {p: Verdict.LITIGATOR if is_litigator(p[2:]) else Verdict.CLEAN for p in phones}
        return {p: _scrub(p, "litigator", verdict, now) for p, verdict in verdicts.items()}


class InstantDnc(DncScrub):
    """Answers from the phone."""

    def check(self, phones: Sequence[str], stop: Any = None) -> dict[str, Scrub]:
        now = datetime.now(timezone.utc)
        return {p: _scrub(p, "dnc", CODES[dnc_code(p[2:])], now) for p in phones}


def _scrub(phone: str, check: str, verdict: Verdict, now: datetime) -> Scrub:
    return Scrub(phone, check, verdict, "instant", "C", now, now.date().isoformat(), POLICY_VERSION)


class InstantSheet(Sheet):
    """Takes every row and keeps none."""

    def connect(self, prove: bool = False) -> None:
        self.header = [self.settings.key_column]

    def prepare(self, names: Any) -> int:
        return 0

    def raise_if_full(self, rows: int) -> None:
        return

    def look_ahead(self) -> None:
        return

    def ensure_columns(self, names: Any) -> bool:
        return False

    def there(self, keys: Any) -> set[str]:
        return set()

    def append(self, rows: Sequence[Mapping[str, str]]) -> int:
        return len(rows)


class InstantWarehouse(Warehouse):
    """Extracts for real; a merge takes every row and keeps none."""

    def merge(self, rows: pl.DataFrame, key: str, into: Any, entries: Any = None, since: Any = None) -> int:
        return rows.height

    def stage(self, rows: Any, key: str) -> None:
        """Nothing is merged, so nothing goes up."""


def equip(engine: lf.Engine) -> None:
    """Give an engine instant vendors."""
    settings = engine.settings
    for service in (engine.idicore, engine.litigator, engine.dnc):
        service.close()
    engine.idicore = InstantIdicore(settings.idicore)
    engine.litigator, engine.dnc = InstantLitigators(settings.litigator), InstantDnc(settings.dnc)
    engine._services = lambda *_: Services(  # type: ignore[method-assign]
        InstantWarehouse(settings.warehouse),
        engine.idicore,
        engine.litigator,
        engine.dnc,
        InstantSheet(settings.sheets),
    )

"""What the panel's fields ask for, and the estimate of exactly that, without which nothing runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadflow.errors import InputError
from leadflow.stages.lead_source import LeadSource, read_source

if TYPE_CHECKING:
    from leadflow.engine import Engine, Estimate


@dataclass(frozen=True)
class Wanted:
    """A script (SQL text or a file), the row limit and the budget in dollars of a run that somebody wants."""

    script: str | Path
    limit_rows: int | None = None
    max_cost: float | None = None


@dataclass(frozen=True)
class Quote:
    """The estimate of what is wanted, and the script as it was read for it."""

    wanted: Wanted
    source: LeadSource
    found: Estimate

    @property
    def max_cost(self) -> float | None:
        """The budget of the run: the one that was given, else the price that the button promises, if it is a limit."""
        found = self.found
        if found.max_cost is not None or found.lookup_price is None or found.check_cost:
            return found.max_cost
        return round(found.lookups * found.lookup_price, 6)

    def changed(self, wanted: Wanted) -> str:
        """Return what is not as it was estimated, "" if all is."""
        if wanted != self.wanted:
            return "the script, the row limit or the budget has changed"
        try:
            now = read_source(wanted.script)
        except InputError as error:
            return str(error)
        file = wanted.script.name if isinstance(wanted.script, Path) else "the script"
        return "" if now.script == self.source.script else f"{file} has changed"


def quote(engine: Engine, wanted: Wanted) -> Quote:
    """Return the estimate of what is wanted; it buys nothing. Raises InputError, ServiceError, SettingsError."""
    source = read_source(wanted.script)
    return Quote(wanted, source, engine.estimate(source, wanted.limit_rows, max_cost=wanted.max_cost))


def rows_of(text: str) -> int | None:
    """Return a row limit that somebody typed, None for all rows. Raises InputError.

    >>> rows_of("1,000"), rows_of(" all ")
    (1000, None)
    """
    plain = text.strip().replace(",", "")
    if plain.lower() in ("", "all"):
        return None
    if not (plain.isascii() and plain.isdigit()):
        raise InputError(f"the row limit {text.strip()[:20]!r} is not a number; leave it empty for all the rows")
    return int(plain)


def dollars_of(text: str) -> float | None:
    """Return a budget that somebody typed, None for none. Raises InputError.

    >>> dollars_of("$1,200.50"), dollars_of("")
    (1200.5, None)
    """
    plain = text.strip().removeprefix("$").replace(",", "").strip()
    if not plain:
        return None
    try:
        number = float(plain) if plain[:1].isdigit() or plain[:1] == "." else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"the budget {text.strip()[:20]!r} is not an amount in dollars, such as 60 or 12.50")
    return number

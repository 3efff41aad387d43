"""What a run needs before it may spend, in a terminal and in a %%leads cell, and its estimate in three lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from leadflow.errors import InputError
from leadflow.reports.accounting import reasons
from leadflow.reports.units import money

if TYPE_CHECKING:
    from leadflow.run.estimate import Estimate
    from leadflow.settings import Settings

WHAT_TO_ADD = (
    "nothing was bought: without a limit, a run looks up every lead of the script. "
    "Add --max-cost 60 (dollars), --limit 500 (leads), or --yes for all of them"
)


def has_limit(settings: Settings, *limits: float | None) -> bool:
    """Return whether a run has a limit of its own, or a budget in the settings."""
    return any(limit is not None for limit in (*limits, settings.max_lookups, settings.max_cost))


def read_params(given: Iterable[str]) -> dict[str, str]:
    """Return the values of a script's variables from texts such as "state=ME". A value stays text, as a ZIP must.

    Raises InputError for a text without a name or "=", and for a name that stands twice. It shows no value.

    >>> read_params(["state=ME", "zip=03740"])
    {'state': 'ME', 'zip': '03740'}
    """
    params: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InputError("--param takes NAME=VALUE, as in --param state=ME")
        if name.casefold() in map(str.casefold, params):
            raise InputError(f"--param names {name} twice; keep one of them")
        params[name] = value
    return params


def estimate_lines(found: Estimate, max_cost: float | None = None) -> list[str]:
    """Return an estimate as lines: the rows, the leads to look up, the cost, and what a run would do first."""
    left_out = f", {sum(found.held.values()):,} left out ({reasons(found.held)})" if found.held else ""
    paid = f" ({found.reused:,} of them are paid for already)" if found.reused else ""
    leads = found.lookups + found.reused
    calls = f"{found.litigator_calls} litigator and {found.dnc_calls} do-not-call requests"
    return [
        f"{found.extracted:,} rows: {found.already_processed:,} already processed{left_out}",
        f"{leads:,} leads to look up{paid}; {calls}",
        cost_line(found, max_cost),
        *found.notes,
    ]


def cost_line(found: Estimate, max_cost: float | None = None) -> str:
    """Return what a run costs, in words: the lookups at most, the checks about, and a budget that comes first."""
    if found.cost is None:
        return f"cost unknown: set LEADFLOW_IDICORE__PRICE; {found.lookups:,} lookups at most"
    checks = f" and about {money(found.check_cost)} for checks" if found.check_cost else ""
    line = f"at most {money(found.cost - found.check_cost)} for lookups{checks}"
    if max_cost is None or max_cost >= found.cost:
        return line
    return f"{line}; the budget of {money(max_cost)} stops the job before that, and a resume with a larger one goes on"

"""Checks of the settings' limits on money and on calls."""

from __future__ import annotations

from leadflow.check.rows import Checklist, Finding, warning
from leadflow.settings import Settings


def add_limit_rows(settings: Settings, checklist: Checklist) -> None:
    """Add the rows about the limits."""
    checklist.add("Limits on money", lambda: _money(settings))
    checklist.add("Limits on calls", lambda: _calls(settings))


def _money(settings: Settings) -> Finding:
    price = settings.idicore.price
    limits = [
        *([f"${settings.max_cost:,.2f} a job"] if settings.max_cost is not None else []),
        *([f"{settings.max_lookups:,} lookups a job"] if settings.max_lookups is not None else []),
    ]
    found = f"{' and '.join(limits) or 'no limit for a job'}; a lookup costs " + (
        "an unknown price" if price is None else f"${price:,.2f}"
    )
    if limits and price is not None:
        return Finding(found)
    return warning(
        found,
        "Set LEADFLOW_IDICORE__PRICE, so that estimates and reports have costs."
        if limits
        else "Set LEADFLOW_MAX_COST and LEADFLOW_IDICORE__PRICE, or pass max_cost= to each run.",
    )


def _calls(settings: Settings) -> Finding:
    sheets = settings.sheets
    parts = [("idiCORE", settings.idicore), ("litigator list", settings.litigator)]
    parts += [("do-not-call scrub", settings.dnc)] if settings.dnc.provider == "dncscrub" else []
    found = [f"{name} {_rate(part.max_in_flight, part.max_per_minute)}" for name, part in parts]
    found += [f"Google Sheets {sheets.reads_per_minute} reads and {sheets.writes_per_minute} writes a minute"]
    return Finding(f"{'; '.join(found)}. The contracts decide; two processes share them")


def _rate(at_once: int, per_minute: int | None) -> str:
    return f"{at_once} at once" + (f" and {per_minute:,} a minute" if per_minute else "")

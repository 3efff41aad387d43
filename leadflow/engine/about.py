"""An engine as text and HTML: what it works on, and what it runs now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from leadflow.display.elements import card, pairs
from leadflow.display.text import text_pairs
from leadflow.display.units import money

if TYPE_CHECKING:
    from leadflow.engine.base import EngineBase


def to_text(engine: EngineBase) -> str:
    """Return an engine as text."""
    return text_pairs("Engine", _rows(engine))


def to_html(engine: EngineBase) -> str:
    """Return an engine as HTML."""
    return card("Engine", pairs(_rows(engine)))


def _rows(engine: EngineBase) -> Iterator[tuple[str, str]]:
    settings = engine.settings
    warehouse, sheets = settings.warehouse, settings.sheets
    price = settings.idicore.price
    yield "Snowflake", warehouse.connection_name or warehouse.account or "not named"
    yield (
        "tables",
        ", ".join((warehouse.person_cache, warehouse.consolidated, warehouse.ledger, warehouse.suppressions)),
    )
    yield "sheet", f"{sheets.spreadsheet_id}, tab {sheets.worksheet}"
    yield "lookups", f"idiCORE, {money(price)} each" if price is not None else "idiCORE, price not set"
    yield "do-not-call check", "DNCScrub" if settings.dnc.provider == "dncscrub" else "a copy of the registry"
    yield "limits of a job", _limits(engine)
    yield "history", str(settings.history_file)
    yield "runs now", ", ".join(f"{job.id} ({job.progress.percent}%)" for job in engine.running) or "nothing"
    if queued := engine.queued:
        yield "waits", ", ".join(queued)


def _limits(engine: EngineBase) -> str:
    lookups, cost = engine.settings.max_lookups, engine.settings.max_cost
    found = [f"{lookups:,} lookups"] if lookups is not None else []
    found += [money(cost)] if cost is not None else []
    return ", ".join(found) or "none"

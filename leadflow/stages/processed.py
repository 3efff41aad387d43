"""Filter: drop the people that PERSON_CACHE holds already."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import polars as pl

from leadflow.events import Emit, JobLog, no_emit
from leadflow.stages.frames import same_kind, with_identity

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse

F = TypeVar("F")


def filter_unprocessed(leads: F, warehouse: Warehouse, *, emit: Emit = no_emit) -> F:
    """The leads whose person is not in PERSON_CACHE, each person once; adds person_key if it is not there.

    If the cache cannot be read this raises, rather than let people be paid for twice.
    """
    return same_kind(leads, lambda frame: _filter(frame, warehouse, emit))


def _filter(leads: pl.DataFrame, warehouse: Warehouse, emit: Emit) -> pl.DataFrame:
    leads = with_identity(leads).unique("person_key", keep="first", maintain_order=True)
    warehouse.ensure_tables()
    done = warehouse.processed(leads["person_key"].to_list())
    kept = leads.filter(~pl.col("person_key").is_in(list(done)))
    emit(JobLog(stage="Snowflake", message=f"Filtered to {kept.height} unprocessed leads of {leads.height}"))
    return kept

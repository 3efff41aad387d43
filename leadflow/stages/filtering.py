"""Filter leads: drop the leads whose person is already in PERSON_CACHE, or asked not to be called."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from leadflow.events import Emit, JobLog, no_emit
from leadflow.leads.columns import IDENTITY
from leadflow.leads.identity import identity_text
from leadflow.settings import Policy
from leadflow.stages.frames import same_kind, with_identity
from leadflow.stages.person_cache import processed_keys

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse

F = TypeVar("F")
_CHECK_NAME = "If you have such a table, correct the name in LEADFLOW_WAREHOUSE__PERSON_CACHE or __CONSOLIDATED"


def filter_unprocessed(leads: F, warehouse: Warehouse, *, policy: Policy | None = None, emit: Emit = no_emit) -> F:
    """Keep the leads whose person is neither in PERSON_CACHE nor in SUPPRESSIONS, and one lead for each person.

    `leads` is a pandas or polars frame with first and last name, address, city, state and ZIP. Columns added:
    `person_key` and the six parts of the identity (text). A cache that does not exist is created empty, with a
    warning, since its name may be wrong. Leads that `policy.retry_after_days` takes up again are kept; their phones,
    if they were bought, are not in the frame.

    Raises ColumnsError, TransientError, and RefusedError if the cache cannot be read: otherwise lookups would be bought
    twice.
    """
    days = (policy or Policy()).retry_after_days
    return same_kind(leads, lambda frame: _filter(frame, warehouse, days, emit))


def _filter(
    leads: pl.DataFrame, warehouse: Warehouse, retry_after_days: Mapping[str, float], emit: Emit
) -> pl.DataFrame:
    leads = with_identity(leads).unique("person_key", keep="first", maintain_order=True)
    for table in warehouse.ensure_tables():
        message = f"table {table} was not there and was made, empty. {_CHECK_NAME}"
        emit(JobLog(stage="Snowflake", level="warning", message=message))
        warnings.warn(message, UserWarning, stacklevel=4)
    people = pl.Series(
        [identity_text(*(part or "" for part in row)) for row in leads.select_seq(IDENTITY).iter_rows()],
        dtype=pl.String,
    )
    once = leads.filter(people.is_first_distinct())
    processed = processed_keys(once, warehouse, retry_after_days=retry_after_days)
    kept = once.filter(~pl.col("person_key").is_in(list(processed)))
    emit(JobLog(stage="Snowflake", message=f"Filtered to {kept.height} unprocessed leads of {leads.height}"))
    return kept

"""Consolidate: merge settled leads into PERSON_CACHE and UNIQUE_CONSOLIDATED_DATA, and record their checks.

Each lead has one row in each table. SCRUB_LEDGER has an entry for each check of each phone, and for each phone that was
delivered.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from leadflow.errors import RefusedError
from leadflow.events import Emit, JobLog, no_emit
from leadflow.leads.columns import IDENTITY, TITLES, script_columns
from leadflow.services.warehouse.tables import CONSOLIDATED_COLUMNS, PERSON_CACHE_COLUMNS
from leadflow.stages.frames import as_text, same_kind, with_identity
from leadflow.stages.ledger_entries import entries_frame, entries_of
from leadflow.stages.list_columns import TEXTS, as_json, nth

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse
    from leadflow.settings import WarehouseSettings

F = TypeVar("F")
_KEY = "Lead Key"


def consolidate(
    leads: F,
    warehouse: Warehouse,
    *,
    job_id: str = "",
    script: str = "",
    at: datetime | None = None,
    began: datetime | None = None,
    emit: Emit = no_emit,
    batch: int | None = None,
) -> F:
    """Merge the delivered leads and the leads with disposition `held` into both tables; leads to retry are not merged.

    In the same transaction the ledger gets the checks of all leads, also of those to retry, and the phones that were
    delivered. A call that is repeated doubles no entry.

    `leads` is a pandas or polars frame with the columns that `deliver` adds; it is returned unchanged. The script's own
    columns are stored as JSON in "Extra", including phones, since callers do not use these tables. `job_id` and
    `script` are written with each lead; `at` is the time of processing, now by default; `began` is when
    the job began, before which the ledger has no entry of it; `batch` is the number in events.

    Raises ColumnsError, RefusedError, TransientError.
    """
    return same_kind(leads, lambda frame: _consolidate(frame, warehouse, job_id, script, at, began, emit, batch))


def stage_ahead(leads: pl.DataFrame, warehouse: Warehouse, *, job_id: str, script: str, at: datetime) -> None:
    """Upload the rows that `consolidate` will merge, while the leads are being delivered."""

    def expected() -> pl.DataFrame:
        delivered = (pl.col("disposition") == "deliver").alias("delivered")
        return _rows(leads.with_columns_seq(delivered), job_id, script, at)

    warehouse.stage(expected, _KEY)


def _consolidate(
    leads: pl.DataFrame,
    warehouse: Warehouse,
    job_id: str,
    script: str,
    at: datetime | None,
    began: datetime | None,
    emit: Emit,
    batch: int | None,
) -> pl.DataFrame:
    leads = with_identity(leads)
    at = at or datetime.now(timezone.utc)
    rows, entries = _rows(leads, job_id, script, at), entries_of(leads, job_id, at)
    settings = warehouse.settings
    warehouse.merge(rows, _KEY, _targets(settings), entries, began)
    message = f"Merged {rows.height} leads into {settings.consolidated} and {settings.person_cache}"
    if entries.height:
        message += f", recorded {entries.height} entries in {settings.ledger}"
    emit(JobLog(stage="Cache", batch=batch, message=message))
    return leads


def prove_rights(warehouse: Warehouse) -> None:
    """Run the statements of consolidate without rows. Raises RefusedError if Snowflake refuses one.

    Snowflake checks a role's rights when it compiles a statement, whether or not there are rows.
    """
    names = dict.fromkeys([*CONSOLIDATED_COLUMNS, "phones", "emails", "status"], pl.String)
    try:
        warehouse.prove_merge(pl.DataFrame(schema=names), _KEY, _targets(warehouse.settings), entries_frame([]))
    except RefusedError as error:
        tables = " and ".join(map(warehouse.table, _targets(warehouse.settings)))
        ledger = warehouse.table(warehouse.settings.ledger)
        failure = RefusedError(
            f"the job could not be finished, so nothing was bought: {warehouse.role} may not write into {tables} and "
            f"{ledger} ({error}). Have SELECT, INSERT and UPDATE on the first two, SELECT and INSERT on {ledger}, and "
            "USAGE on a warehouse granted to it, then run again"
        )
        raise failure from None


def _targets(settings: WarehouseSettings) -> dict[str, dict[str, str]]:
    """Map the columns of both tables to the columns of the staged rows."""
    cached = (_KEY, *TITLES.values(), "phones", "emails", "Processed At", "status")
    return {
        settings.consolidated: {name: name for name in CONSOLIDATED_COLUMNS},
        settings.person_cache: dict(zip(PERSON_CACHE_COLUMNS, cached, strict=True)),
    }


def _rows(leads: pl.DataFrame, job_id: str, script: str, at: datetime) -> pl.DataFrame:
    """Make the rows of both tables from the settled leads."""
    final = leads.filter(pl.col("delivered") | (pl.col("disposition") == "held"))
    return pl.concat(
        [_consolidated(final, job_id, script, at.strftime("%Y-%m-%d %H:%M:%S")), _answers(final)], how="horizontal"
    )


def _answers(leads: pl.DataFrame) -> pl.DataFrame:
    """Select phones, e-mails and status for PERSON_CACHE, without the phones that cannot be read."""
    status = (
        leads["lookup_status"].fill_null("found").replace("", "found")
        if "lookup_status" in leads.columns
        else pl.lit("found")
    )
    leads = leads.with_columns_seq(pl.col("phones").cast(TEXTS).list.eval(pl.element().filter(pl.element() != "")))
    return leads.select_seq(
        as_json("phones").alias("phones"), as_json("emails").alias("emails"), status.alias("status")
    )


def _consolidated(leads: pl.DataFrame, job_id: str, script: str, now: str) -> pl.DataFrame:
    own = as_text(leads, ["person_key", *IDENTITY]).rename({"person_key": _KEY, **TITLES})
    extra = as_text(leads, script_columns(leads.columns))
    lists = leads.select_seq(
        *nth("phones", 3, "Phone {}"),
        *nth("verdicts", 3, "Phone {} Verdict"),
        *nth("emails", 3, "Email {}"),
        pl.when("delivered").then(pl.lit("delivered")).otherwise(pl.lit("held")).alias("Disposition"),
        pl.col("reason").fill_null("").alias("Reason"),
        _callable_until(leads).alias("Callable Until"),
    )
    constants = {"Job Id": pl.lit(job_id), "Script": pl.lit(script), "Processed At": pl.lit(now)}
    json = extra.select_seq(pl.struct(pl.all()).struct.json_encode())[:, 0] if extra.width else pl.lit("{}")
    return pl.concat([own, lists], how="horizontal").with_columns_seq(json.alias("Extra"), **constants)


def _callable_until(leads: pl.DataFrame) -> pl.Expr:
    """Return the date of each delivered lead, "" for the others, and for a frame that `deliver` did not make."""
    if "callable_until" not in leads.columns:
        return pl.lit("")
    return pl.when("delivered").then(pl.col("callable_until").fill_null("")).otherwise(pl.lit(""))

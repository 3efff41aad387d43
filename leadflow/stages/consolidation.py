"""Consolidation: merge settled leads into PERSON_CACHE and UNIQUE_CONSOLIDATED_DATA, one row a lead."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from leadflow.columns import IDENTITY
from leadflow.events import Emit, JobLog, no_emit
from leadflow.stages.delivery import _NAMES, script_columns
from leadflow.stages.frames import same_kind, with_identity
from leadflow.stages.lists import as_json, as_text, nth

if TYPE_CHECKING:
    from leadflow.services.warehouse import Warehouse

F = TypeVar("F")


def consolidate(
    leads: F, warehouse: Warehouse, *, job_id: str = "", script: str = "", emit: Emit = no_emit, batch: int | None = None
) -> F:
    """Merge each lead that is delivered or held for good; one that waits for an answer is never cached as done.

    Needs the columns that settle and deliver add; gives the leads back as they came. Raises RefusedError, TransientError.
    """
    return same_kind(leads, lambda frame: _consolidate(frame, warehouse, job_id, script, emit, batch))


def _consolidate(leads: pl.DataFrame, warehouse: Warehouse, job_id: str, script: str, emit: Emit, batch: int | None) -> pl.DataFrame:
    from leadflow.services.warehouse import CONSOLIDATED_COLUMNS, PERSON_CACHE_COLUMNS

    leads = with_identity(leads)
    final = leads.filter(pl.col("delivered") | (pl.col("disposition") == "held"))
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    settings = warehouse.settings
    rows = pl.concat([_consolidated(final, job_id, script, now), _answers(final)], how="horizontal")
    cached = ("Lead Key", *_NAMES.values(), "phones", "emails", "Processed At", "status")
    tables = {
        settings.consolidated: {name: name for name in CONSOLIDATED_COLUMNS},
        settings.person_cache: dict(zip(PERSON_CACHE_COLUMNS, cached, strict=True)),
    }
    warehouse.merge(rows, "Lead Key", tables)
    emit(JobLog(stage="Cache", batch=batch, message=f"Merged {final.height} leads into {settings.consolidated} and {settings.person_cache}"))
    return leads


def _answers(leads: pl.DataFrame) -> pl.DataFrame:
    """What PERSON_CACHE keeps of the lookup."""
    status = leads["lookup_status"].fill_null("found").replace("", "found") if "lookup_status" in leads.columns else pl.lit("found")
    return leads.select(as_json("phones").alias("phones"), as_json("emails").alias("emails"), status.alias("status"))


def _consolidated(leads: pl.DataFrame, job_id: str, script: str, now: str) -> pl.DataFrame:
    own = as_text(leads, ["person_key", *IDENTITY]).rename({"person_key": "Lead Key", **_NAMES})
    extra = as_text(leads, script_columns(leads.columns))
    lists = leads.select(
        *nth("phones", 3, "Phone {}"),
        *nth("verdicts", 3, "Phone {} Verdict"),
        *nth("emails", 3, "Email {}"),
        pl.when("delivered").then(pl.lit("delivered")).otherwise(pl.lit("held")).alias("Disposition"),
        pl.col("reason").fill_null("").alias("Reason"),
    )
    told = [pl.lit(value).alias(name) for name, value in (("Job Id", job_id), ("Script", script), ("Processed At", now))]
    words = extra.select(pl.struct(pl.all()).struct.json_encode())[:, 0] if extra.width else pl.lit("{}")
    return pl.concat([own, lists], how="horizontal").with_columns(*told, words.alias("Extra"))

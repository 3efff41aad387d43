"""Consolidation: merge settled leads into PERSON_CACHE and UNIQUE_CONSOLIDATED_DATA, one row a lead."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from leadflow.events import Emit, JobLog, no_emit
from leadflow.stages.delivery import _INTERNAL, _NAMES
from leadflow.stages.frames import same_kind, text_of, with_identity

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
    final = leads.filter(pl.col("delivered") | (pl.col("disposition") == "held")).to_dicts()
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    settings = warehouse.settings
    # The consolidated row first: once a lead is in PERSON_CACHE, no later run looks at it again.
    rows = [_consolidated(lead, job_id, script, now) for lead in final]
    warehouse.merge(settings.consolidated, "Lead Key", CONSOLIDATED_COLUMNS, rows)
    warehouse.merge(settings.person_cache, "person_key", PERSON_CACHE_COLUMNS, [_cached(lead, now) for lead in final])
    emit(JobLog(stage="Cache", batch=batch, message=f"Merged {len(final)} leads into {settings.consolidated} and {settings.person_cache}"))
    return leads


def _cached(lead: dict[str, Any], now: str) -> dict[str, str]:
    own = {part: text_of(lead[part]) for part in ("person_key", "first_name", "last_name", "address", "city", "state")}
    return {
        **own,
        "zip_code": text_of(lead["zip"]),
        "phones": json.dumps(lead["phones"] or []),
        "emails": json.dumps(lead["emails"] or []),
        "checked_at": now,
        "status": text_of(lead.get("lookup_status")) or "found",
    }


def _consolidated(lead: dict[str, Any], job_id: str, script: str, now: str) -> dict[str, str]:
    row = {"Lead Key": lead["person_key"], **{title: text_of(lead[part]) for part, title in _NAMES.items()}}
    for n, (phone, verdict) in enumerate(list(zip(lead["phones"], lead["verdicts"], strict=True))[:3], 1):
        row |= {f"Phone {n}": phone, f"Phone {n} Verdict": verdict}
    row |= {f"Email {n}": email for n, email in enumerate((lead["emails"] or [])[:3], 1)}
    extra = {name: text_of(value) for name, value in lead.items() if name not in _INTERNAL}
    return {
        **row,
        "Disposition": "delivered" if lead["delivered"] else "held",
        "Reason": lead["reason"],
        "Job Id": job_id,
        "Script": script,
        "Processed At": now,
        "Extra": json.dumps(extra, ensure_ascii=False),
    }

"""Delivery: append what may be called to the sheet, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from leadflow.columns import IDENTITY
from leadflow.errors import InputError
from leadflow.events import Emit, JobLog, no_emit
from leadflow.phones import time_zones
from leadflow.settings import Policy
from leadflow.stages.frames import same_kind, text_of, with_identity
from leadflow.stages.settle import is_callable, settle

if TYPE_CHECKING:
    from leadflow.services.sheets import Sheet

F = TypeVar("F")
_STAGE = "Google Sheets"
_NAMES = dict(zip(IDENTITY, ("First Name", "Last Name", "Address", "City", "State", "Zip"), strict=True))
_INTERNAL = frozenset(
    ["person_key", "phones", "phone_types", "emails", "lookup_status", "lookup_reason", "litigator_verdicts", "dnc_verdicts", "verdicts", "disposition", "reason", "delivered"]
) | set(IDENTITY)


def deliver(
    leads: F, sheet: Sheet, *, policy: Policy | None = None, job_id: str = "", emit: Emit = no_emit, batch: int | None = None
) -> F:
    """Append each deliverable lead once, with its callable phones alone; adds delivered (true once it is in the sheet).

    Leads need the verdicts of both checks; without them nothing is callable and nothing is delivered. A row that a
    sheet cannot hold is held back as bad_cell. Raises RefusedError, DeliveryError.
    """
    return same_kind(leads, lambda frame: _deliver(frame, sheet, policy or Policy(), job_id, emit, batch))


def _deliver(leads: pl.DataFrame, sheet: Sheet, policy: Policy, job_id: str, emit: Emit, batch: int | None) -> pl.DataFrame:
    leads = with_identity(leads)
    if "disposition" not in leads.columns:
        leads = settle(leads, policy)
    extra = [c for c in leads.columns if c not in _INTERNAL]
    rows: dict[str, dict[str, str]] = {}
    bad: set[str] = set()
    for lead in leads.filter(pl.col("disposition") == "deliver").iter_rows(named=True):
        _add_row(lead, policy, job_id, extra, rows, bad, emit, batch)
    if rows:
        sheet.ensure_columns([sheet.settings.key_column, *columns(policy), *extra])
        key = sheet.settings.key_column
        new = sheet.append([{key: k, **row} for k, row in rows.items()])
        emit(JobLog(stage=_STAGE, batch=batch, message=f"Uploaded batch to Sheets: {new} new rows, {len(rows) - new} there already"))
    return _marked(leads, set(rows), bad)


def _add_row(
    lead: dict[str, Any], policy: Policy, job_id: str, extra: list[str], rows: dict[str, dict[str, str]], bad: set[str], emit: Emit, batch: int | None
) -> None:
    from leadflow.services.sheets import raise_for_cells

    row = _row(lead, policy, job_id, extra)
    try:
        raise_for_cells(row, lead["person_key"])
    except InputError as error:
        bad.add(lead["person_key"])
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=str(error)))
        return
    rows[lead["person_key"]] = row


def columns(policy: Policy) -> list[str]:
    """The sheet's columns after the key, before the script's own."""
    phones = [f"Phone {n}{part}" for n in range(1, policy.phones_delivered + 1) for part in ("", " Verdict", " Time Zone")]
    emails = [f"Email {n}" for n in range(1, policy.emails_delivered + 1)]
    return [*_NAMES.values(), *phones, *emails, "Held Phones", "Scrubbed At", "Job Id"]


def _row(lead: dict[str, Any], policy: Policy, job_id: str, extra: list[str]) -> dict[str, str]:
    row = {title: text_of(lead[part]) for part, title in _NAMES.items()}
    verdicts = list(zip(lead["phones"], lead["verdicts"], strict=True))
    callable_ = [(p, v) for p, v in verdicts if is_callable(v, policy)][: policy.phones_delivered]
    for n, (phone, verdict) in enumerate(callable_, 1):
        row |= {f"Phone {n}": phone, f"Phone {n} Verdict": verdict, f"Phone {n} Time Zone": ", ".join(time_zones(phone))}
    for n, email in enumerate((lead.get("emails") or [])[: policy.emails_delivered], 1):
        row[f"Email {n}"] = email
    held = Counter(v for _, v in verdicts if not is_callable(v, policy))
    row["Held Phones"] = ", ".join(f"{n} {verdict}" for verdict, n in sorted(held.items()))
    row["Scrubbed At"] = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    row["Job Id"] = job_id
    return row | {name: text_of(lead[name]) for name in extra}


def _marked(leads: pl.DataFrame, delivered: set[str], bad: set[str]) -> pl.DataFrame:
    is_bad = pl.col("person_key").is_in(list(bad))
    return leads.with_columns(
        pl.when(is_bad).then(pl.lit("held")).otherwise(pl.col("disposition")).alias("disposition"),
        pl.when(is_bad).then(pl.lit("bad_cell")).otherwise(pl.col("reason")).alias("reason"),
        pl.col("person_key").is_in(list(delivered)).alias("delivered"),
    )

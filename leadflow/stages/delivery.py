"""Deliver leads: append their rows with only callable phones to the sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from leadflow.errors import InputError
from leadflow.events import Emit, JobLog, no_emit, raised_at
from leadflow.leads.calling_hours import read_hours
from leadflow.leads.columns import script_columns
from leadflow.settings import ComplianceSettings, Policy
from leadflow.stages.duplicates import hold_duplicate_pids
from leadflow.stages.frames import as_text, same_kind, with_identity
from leadflow.stages.list_columns import per_phone
from leadflow.stages.phone_cells import has_phone_name, phone_cells
from leadflow.stages.settle import settle
from leadflow.stages.shared_phones import with_shared
from leadflow.stages.sheet_rows import is_callable_expr, own_columns, sheet_columns, sheet_rows
from leadflow.stages.shown_phones import with_shown_phones
from leadflow.stages.withheld import warn_withheld, withhold

if TYPE_CHECKING:
    from leadflow.services.sheets import Sheet

F = TypeVar("F")
OnWithheld = Callable[[Mapping[str, int]], object]
_STAGE = "Google Sheets"
_HASH = "^[0-9a-f]{32}$"


def deliver(
    leads: F,
    sheet: Sheet,
    *,
    policy: Policy | None = None,
    compliance: ComplianceSettings | None = None,
    job_id: str = "",
    emit: Emit = no_emit,
    batch: int | None = None,
    when_ready: Callable[[], object] = lambda: None,
    on_withheld: OnWithheld | None = None,
) -> F:
    """Append each deliverable lead to the sheet once, with only its callable phones.

    `leads` is a pandas or polars frame with first and last name, address, city, state and ZIP, `phones` (lists of
    E.164) and the verdicts of both checks, `litigator_verdicts` and `dnc_verdicts`; without the verdicts no phone is
    callable and nothing is delivered. Leads with the same lookup_pid are one person; only the first of them is
    delivered.

    The result has five more columns: `delivered` (boolean: the lead is in the sheet), `disposition` (deliver, held or
    retry), `reason` (text), `shown_phones` (lists of E.164: those in its row) and `callable_until` (text: the date from
    which the row may not be called any more, "" if the frame does not have the columns of the checks). A row that a
    sheet cannot hold is held back as bad_cell.

    The column "Call Window" says when the row may be called, after the package's table of calling hours or the file
    that `compliance` names. A phone of a state in compliance.hold_without_reassigned_check (Maine) is callable only if
    `check_reassigned` cleared it; without another phone its lead is held back as reassigned_check.

    The frame's own columns are written too; a column with the name of one of leadflow's becomes "Script ...". A cell
    that reads like an unchecked phone is left blank: a warning counts these cells by column, or `on_withheld` receives
    the counts. A row of an earlier run whose phones may not be called any more is removed. `when_ready` is called after
    the rows are made and before they are appended. `job_id` is written into the column "Job Id"; `batch` is the number
    in events.

    Raises ColumnsError, RefusedError, TransientError, DeliveryError, and InputError for a file of calling hours that
    cannot be read.
    """
    policy, compliance = policy or Policy(), compliance or ComplianceSettings()

    def warn(counts: Mapping[str, int]) -> None:
        warn_withheld(counts, emit, batch)

    report = on_withheld or warn
    return same_kind(
        leads, lambda frame: _deliver(frame, sheet, policy, compliance, job_id, emit, batch, when_ready, report)
    )


def _deliver(
    leads: pl.DataFrame,
    sheet: Sheet,
    policy: Policy,
    compliance: ComplianceSettings,
    job_id: str,
    emit: Emit,
    batch: int | None,
    when_ready: Callable[[], object],
    on_withheld: OnWithheld,
) -> pl.DataFrame:
    leads = _settled(with_identity(leads), policy, compliance)
    key = sheet.settings.key_column
    extra = own_columns(leads.columns, key, policy)
    wanted = leads.filter(pl.col("disposition") == "deliver")
    rows = sheet_rows(wanted, key, policy, job_id, extra, read_hours(compliance.calling_hours_file))
    rows, extra = _without_phones(rows, wanted, key, policy, extra, on_withheld)
    bad = [*_bad(rows, key, emit, batch), *_phone_keys(rows, key, policy, emit, batch)]
    rows = rows.filter(~pl.col(key).is_in(bad)) if bad else rows
    if rows[key].n_unique() < rows.height:
        rows = rows.unique(key, keep="last", maintain_order=True)
    _withdraw_forbidden(leads, sheet, policy, emit, batch)
    cells = with_shared(rows, key).to_dicts()
    when_ready()
    if cells:
        _append(cells, sheet, [key, *sheet_columns(policy), *extra.values()], emit, batch)
    return _marked(leads, rows[key].to_list(), bad)


def _settled(leads: pl.DataFrame, policy: Policy, compliance: ComplianceSettings) -> pl.DataFrame:
    """Return the leads with a disposition and the phones that their rows show; a run has added them already."""
    if "disposition" not in leads.columns:
        leads = settle(leads, policy, compliance)
    leads = hold_duplicate_pids(leads)
    return leads if {"callable_until", "shown_phones"} <= set(leads.columns) else with_shown_phones(leads, policy)


def _append(cells: list[dict[str, str]], sheet: Sheet, columns: list[str], emit: Emit, batch: int | None) -> None:
    sheet.ensure_columns(columns)
    new = sheet.append(cells)
    message = f"Uploaded batch to Sheets: {new} new rows, {len(cells) - new} there already"
    emit(JobLog(stage=_STAGE, batch=batch, message=message))


def _withdraw_forbidden(leads: pl.DataFrame, sheet: Sheet, policy: Policy, emit: Emit, batch: int | None) -> None:
    """Remove the leads' rows of earlier runs that show a phone which may not be called any more."""
    there = leads.filter(pl.col("person_key").is_in(list(sheet.there(leads["person_key"].to_list()))))
    if warning := sheet.filter_warning():
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=warning))
    if there.height and (gone := sheet.withdraw(_forbidden(there, policy))):
        message = f"Took out {gone} rows of an earlier run: not all their phones may still be called"
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=message))


def _without_phones(
    rows: pl.DataFrame,
    leads: pl.DataFrame,
    key: str,
    policy: Policy,
    extra: dict[str, str],
    on_withheld: OnWithheld,
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Blank every phone that the checks did not clear; return the rows and the script's own columns that remain."""
    checked = [f"Phone {n}" for n in range(1, policy.phones_delivered + 1)]
    rows, counts = withhold(rows, policy, {title: name for name, title in extra.items()}, [key, *checked])
    named = as_text(leads, [name for name in script_columns(leads.columns) if has_phone_name(name, policy)])
    counts |= {cells.name: n for cells in named if (n := int((cells != "").sum()))}
    if counts:
        on_withheld(counts)
    return rows, {name: title for name, title in extra.items() if title in rows.columns}


def _phone_keys(rows: pl.DataFrame, key: str, policy: Policy, emit: Emit, batch: int | None) -> list[str]:
    """List the keys that read like phones: the row would show an unchecked phone."""
    cells = rows.select_seq(key).filter(~pl.col(key).str.contains(_HASH))
    found = phone_cells(cells, policy)
    keys = cells[key].filter(found[key]).to_list() if found else []
    if keys:
        message = (
            f"{len(keys)} rows are held back (bad_cell): their key reads like a phone that no check has seen. "
            "Give person_key other values"
        )
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=message))
    return keys


def _bad(rows: pl.DataFrame, key: str, emit: Emit, batch: int | None) -> list[str]:
    """List the keys of rows that a sheet cannot hold."""
    from leadflow.services.sheets import LONGEST_CELL, raise_for_cells

    bad: list[str] = []
    for n, text in enumerate(rows.select_seq(pl.concat_str(pl.all())).to_series()):
        if text is None or (len(text) <= LONGEST_CELL and "\x00" not in text):
            continue
        row = rows.row(n, named=True)
        try:
            raise_for_cells(row, row[key])
        except InputError as error:
            bad.append(row[key])
            emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=str(error), source=raised_at(error)))
    return bad


def _forbidden(leads: pl.DataFrame, policy: Policy) -> dict[str, set[str]]:
    """Map each key to the phones that its row must not show: all phones, or for a delivered lead those not callable."""
    phones = per_phone(leads, "verdicts").join(
        leads.select_seq("person_key", "disposition").with_row_index("row").cast({"row": pl.Int64}), on="row"
    )
    bad = phones.filter(
        (pl.col("phones") != "") & ((pl.col("disposition") != "deliver") | ~is_callable_expr("verdicts", policy))
    )
    return {key: set(found) for key, found in bad.group_by("person_key").agg("phones").iter_rows()}


def _marked(leads: pl.DataFrame, delivered: list[str], bad: list[str]) -> pl.DataFrame:
    is_bad = pl.col("person_key").is_in(bad)
    return leads.with_columns_seq(
        pl.when(is_bad).then(pl.lit("held")).otherwise(pl.col("disposition")).alias("disposition"),
        pl.when(is_bad).then(pl.lit("bad_cell")).otherwise(pl.col("reason")).alias("reason"),
        pl.col("person_key").is_in(delivered).alias("delivered"),
    )

"""Deliver leads: append their rows with only callable phones to the sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from leadflow.events import Emit, JobLog, no_emit
from leadflow.settings import ComplianceSettings, Policy
from leadflow.stages.frames import same_kind
from leadflow.stages.list_columns import per_phone
from leadflow.stages.prepared_rows import PreparedRows, prepare_rows
from leadflow.stages.shared_phones import with_shared
from leadflow.stages.sheet_rows import is_callable_expr
from leadflow.stages.withheld import warn_withheld

if TYPE_CHECKING:
    from leadflow.services.sheets import Sheet

F = TypeVar("F")
OnWithheld = Callable[[Mapping[str, int]], object]
_STAGE = "Google Sheets"


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

    def run(frame: pl.DataFrame) -> pl.DataFrame:
        prepared = prepare_rows(frame, sheet.settings.key_column, policy, compliance, job_id, emit, batch)
        return append_rows(prepared, sheet, policy, emit, batch, when_ready, on_withheld or warn)

    return same_kind(leads, run)


def append_rows(
    prepared: PreparedRows,
    sheet: Sheet,
    policy: Policy,
    emit: Emit = no_emit,
    batch: int | None = None,
    when_ready: Callable[[], object] = lambda: None,
    on_withheld: OnWithheld = lambda counts: None,
) -> pl.DataFrame:
    """Append prepared rows, and return their leads as `deliver` does. Raises RefusedError, DeliveryError."""
    leads, rows, key = prepared.leads, prepared.rows, sheet.settings.key_column
    if prepared.withheld:
        on_withheld(prepared.withheld)
    _withdraw_forbidden(leads, sheet, policy, emit, batch)
    cells = with_shared(rows, key).to_dicts()
    when_ready()
    if cells:
        _append(cells, sheet, prepared.columns, emit, batch)
    return _marked(leads, rows[key].to_list(), prepared.bad)


def _append(cells: list[dict[str, str]], sheet: Sheet, columns: Sequence[str], emit: Emit, batch: int | None) -> None:
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


def _forbidden(leads: pl.DataFrame, policy: Policy) -> dict[str, set[str]]:
    """Map each key to the phones that its row must not show: all phones, or for a delivered lead those not callable."""
    phones = per_phone(leads, "verdicts").join(
        leads.select_seq("person_key", "disposition").with_row_index("row").cast({"row": pl.Int64}), on="row"
    )
    bad = phones.filter(
        (pl.col("phones") != "") & ((pl.col("disposition") != "deliver") | ~is_callable_expr("verdicts", policy))
    )
    return {key: set(found) for key, found in bad.group_by("person_key").agg("phones").iter_rows()}


def _marked(leads: pl.DataFrame, delivered: Sequence[str], bad: Sequence[str]) -> pl.DataFrame:
    is_bad = pl.col("person_key").is_in(bad)
    return leads.with_columns_seq(
        pl.when(is_bad).then(pl.lit("held")).otherwise(pl.col("disposition")).alias("disposition"),
        pl.when(is_bad).then(pl.lit("bad_cell")).otherwise(pl.col("reason")).alias("reason"),
        pl.col("person_key").is_in(delivered).alias("delivered"),
    )

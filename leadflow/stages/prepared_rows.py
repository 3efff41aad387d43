"""Prepare the rows of the callers' sheet: which leads get one, and which of their cells may be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from leadflow.errors import InputError
from leadflow.events import Emit, JobLog, no_emit, raised_at
from leadflow.leads.calling_hours import read_hours
from leadflow.leads.columns import script_columns
from leadflow.settings import ComplianceSettings, Policy
from leadflow.stages.duplicates import hold_duplicate_pids
from leadflow.stages.frames import as_text, with_identity
from leadflow.stages.phone_cells import has_phone_name, phone_cells
from leadflow.stages.settle import settle
from leadflow.stages.sheet_rows import own_columns, sheet_columns, sheet_rows
from leadflow.stages.shown_phones import with_shown_phones
from leadflow.stages.withheld import withhold

_STAGE = "Google Sheets"
_HASH = "^[0-9a-f]{32}$"


@dataclass(frozen=True)
class PreparedRows:
    """Rows of the sheet, and the settled leads that they are of.

    `rows` has the columns `columns`, all text. `bad` are the keys of leads whose row no sheet can hold. `withheld`
    counts the cells that were left blank, by column.
    """

    leads: pl.DataFrame
    rows: pl.DataFrame
    columns: tuple[str, ...]
    bad: tuple[str, ...]
    withheld: Mapping[str, int]


def prepare_rows(
    leads: pl.DataFrame,
    key: str,
    policy: Policy,
    compliance: ComplianceSettings,
    job_id: str = "",
    emit: Emit = no_emit,
    batch: int | None = None,
) -> PreparedRows:
    """Make the rows of the leads to deliver; `key` is the name of the sheet's key column.

    Leads that are not settled yet are settled. Raises ColumnsError, and InputError for a file of calling hours that
    cannot be read.
    """
    leads = _settled(with_identity(leads), policy, compliance)
    own = own_columns(leads.columns, key, policy)
    wanted = leads.filter(pl.col("disposition") == "deliver")
    rows = sheet_rows(wanted, key, policy, job_id, own, read_hours(compliance.calling_hours_file))
    rows, own, withheld = _without_phones(rows, wanted, key, policy, own)
    bad = (*_bad(rows, key, emit, batch), *_phone_keys(rows, key, policy, emit, batch))
    rows = _once(rows.filter(~pl.col(key).is_in(bad)) if bad else rows, key)
    columns = key, *sheet_columns(policy), *own.values()
    return PreparedRows(leads, rows, columns, bad, withheld)


def joined_rows(parts: Sequence[PreparedRows]) -> PreparedRows:
    """Return the rows of several batches as one. A person whom two batches have keeps the first row."""
    if len(parts) == 1:
        return parts[0]
    leads = pl.concat([part.leads for part in parts], how="diagonal_relaxed")
    rows = pl.concat([part.rows for part in parts], how="diagonal").with_columns_seq(pl.all().fill_null(""))
    columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    bad = tuple(key for part in parts for key in part.bad)
    settled = hold_duplicate_pids(leads)
    if settled is not leads:
        deliverable = set(settled.filter(pl.col("disposition") == "deliver")["person_key"])
        rows = rows.filter(pl.col(columns[0]).is_in(list(deliverable)))
        bad = tuple(key for key in bad if key in deliverable)
    return PreparedRows(
        settled,
        _once(rows, columns[0]),
        columns,
        bad,
        sum((Counter(part.withheld) for part in parts), Counter[str]()),
    )


def _once(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return the last row of each key."""
    return rows if rows[key].n_unique() == rows.height else rows.unique(key, keep="last", maintain_order=True)


def _settled(leads: pl.DataFrame, policy: Policy, compliance: ComplianceSettings) -> pl.DataFrame:
    """Return the leads with a disposition and the phones that their rows show; a run has added them already."""
    if "disposition" not in leads.columns:
        leads = settle(leads, policy, compliance)
    leads = hold_duplicate_pids(leads)
    return leads if {"callable_until", "shown_phones"} <= set(leads.columns) else with_shown_phones(leads, policy)


def _without_phones(
    rows: pl.DataFrame, delivered: pl.DataFrame, key: str, policy: Policy, own: dict[str, str]
) -> tuple[pl.DataFrame, dict[str, str], dict[str, int]]:
    """Blank every phone that the checks did not clear.

    Return the rows, the script's own columns that remain, and the number of blanked cells by column.
    """
    checked = [f"Phone {n}" for n in range(1, policy.phones_delivered + 1)]
    rows, counts = withhold(rows, policy, {title: name for name, title in own.items()}, [key, *checked])
    named = as_text(delivered, [name for name in script_columns(delivered.columns) if has_phone_name(name, policy)])
    counts |= {cells.name: n for cells in named if (n := int((cells != "").sum()))}
    return rows, {name: title for name, title in own.items() if title in rows.columns}, counts


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

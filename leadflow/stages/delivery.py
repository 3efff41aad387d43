"""Delivery: append what may be called to the sheet, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from leadflow.errors import InputError
from leadflow.events import Emit, JobLog, no_emit, raised_at
from leadflow.leads.phones import E164, time_zones
from leadflow.leads.verdicts import Verdict
from leadflow.settings import Policy
from leadflow.stages.frames import same_kind, with_identity
from leadflow.stages.lists import TEXTS, as_text, nth, per_lead, per_phone
from leadflow.stages.one_person import hold_repeated_pids
from leadflow.stages.settle import is_callable, settle
from leadflow.stages.sharing import SHARED_WITH, with_shared
from leadflow.stages.withheld import NAMES as _NAMES
from leadflow.stages.withheld import has_phone_name, phone_cells, script_columns, tell_withheld, withhold

if TYPE_CHECKING:
    from leadflow.services.sheets import Sheet

F = TypeVar("F")
_STAGE = "Google Sheets"
_HASH = "^[0-9a-f]{32}$"


def deliver(
    leads: F,
    sheet: Sheet,
    *,
    policy: Policy | None = None,
    job_id: str = "",
    emit: Emit = no_emit,
    batch: int | None = None,
    when_ready: Callable[[], object] = lambda: None,
    on_withheld: Callable[[Mapping[str, int]], object] | None = None,
) -> F:
    """Append each deliverable lead once, with its callable phones alone; adds delivered (true once it is in the sheet).

    Of leads with one lookup_pid, which are one person, the first is delivered. Leads need the verdicts of both checks; without them nothing is callable and nothing is delivered. A row that a
    sheet cannot hold is held back as bad_cell. The frame's own columns go along; one named like a column of ours becomes
    "Script ...". A cell from which a phone can be read, that no check has seen, stays blank: a warning says how many of which
    column, or `on_withheld` is called with these counts instead. A row that is in the sheet since an earlier run and
    shows a phone which may not be called any more is taken out. `when_ready` is called between making the rows and the
    append. Raises RefusedError, DeliveryError.
    """
    policy = policy or Policy()
    told = on_withheld or (lambda counts: tell_withheld(counts, emit, batch))
    return same_kind(leads, lambda frame: _deliver(frame, sheet, policy, job_id, emit, batch, when_ready, told))


def _deliver(
    leads: pl.DataFrame,
    sheet: Sheet,
    policy: Policy,
    job_id: str,
    emit: Emit,
    batch: int | None,
    when_ready: Callable[[], object],
    told: Callable[[Mapping[str, int]], object],
) -> pl.DataFrame:
    leads = with_identity(leads)
    if "disposition" not in leads.columns:
        leads = settle(leads, policy)
    leads = hold_repeated_pids(leads)
    key = sheet.settings.key_column
    extra = own_columns(leads.columns, key, policy)
    rows = _rows(leads.filter(pl.col("disposition") == "deliver"), key, policy, job_id, extra)
    rows, extra = _without_phones(rows, leads, key, policy, extra, told)
    bad = [*_bad(rows, key, emit, batch), *_phone_keys(rows, key, policy, emit, batch)]
    rows = rows.filter(~pl.col(key).is_in(bad)).unique(key, keep="last", maintain_order=True)
    there = leads.filter(pl.col("person_key").is_in(list(sheet.there(leads["person_key"].to_list()))))
    if warning := sheet.filter_warning():
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=warning))
    if there.height and (gone := sheet.withdraw(_forbidden(there, policy))):
        emit(
            JobLog(
                stage=_STAGE,
                batch=batch,
                level="warning",
                message=f"Took out {gone} rows of an earlier run: not all their phones may still be called",
            )
        )
    cells = with_shared(rows, key).to_dicts()
    when_ready()
    if cells:
        sheet.ensure_columns([key, *columns(policy), *extra.values()])
        new = sheet.append(cells)
        emit(
            JobLog(
                stage=_STAGE,
                batch=batch,
                message=f"Uploaded batch to Sheets: {new} new rows, {rows.height - new} there already",
            )
        )
    return _marked(leads, rows[key].to_list(), bad)


def _without_phones(
    rows: pl.DataFrame,
    leads: pl.DataFrame,
    key: str,
    policy: Policy,
    extra: dict[str, str],
    told: Callable[[Mapping[str, int]], object],
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The rows, and the script's own columns that stay, without any phone but those that both checks cleared."""
    checked = [f"Phone {n}" for n in range(1, policy.phones_delivered + 1)]
    rows, counts = withhold(rows, policy, {title: name for name, title in extra.items()}, [key, *checked])
    delivered = leads.filter(pl.col("disposition") == "deliver")
    named = as_text(delivered, [name for name in script_columns(leads.columns) if has_phone_name(name, policy)])
    counts |= {cells.name: n for cells in named if (n := int((cells != "").sum()))}
    if counts:
        told(counts)
    return rows, {name: title for name, title in extra.items() if title in rows.columns}


def _phone_keys(rows: pl.DataFrame, key: str, policy: Policy, emit: Emit, batch: int | None) -> list[str]:
    """The keys that are phones themselves: their rows cannot be delivered without showing them."""
    rows = rows.filter(~pl.col(key).str.contains(_HASH))
    found = phone_cells(rows.select(key), policy)
    keys = rows[key].filter(found[key]).to_list() if found else []
    if keys:
        message = f"{len(keys)} rows are held back (bad_cell): their key reads like a phone that no check has seen. Give person_key other values"
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=message))
    return keys


def _bad(rows: pl.DataFrame, key: str, emit: Emit, batch: int | None) -> list[str]:
    """The keys of rows that a sheet cannot hold."""
    from leadflow.services.sheets import LONGEST_CELL, raise_for_cells

    whole = pl.concat_str(pl.all())
    bad: list[str] = []
    for row in rows.filter(
        (whole.str.len_chars() > LONGEST_CELL) | whole.str.contains("\x00", literal=True)
    ).to_dicts():
        try:
            raise_for_cells(row, row[key])
        except InputError as error:
            bad.append(row[key])
            emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=str(error), source=raised_at(error)))
    return bad


def columns(policy: Policy) -> list[str]:
    """The sheet's columns after the key, before the script's own."""
    phones = [
        f"Phone {n}{part}" for n in range(1, policy.phones_delivered + 1) for part in ("", " Verdict", " Time Zone")
    ]
    emails = [f"Email {n}" for n in range(1, policy.emails_delivered + 1)]
    return [*_NAMES.values(), *phones, *emails, "Held Phones", SHARED_WITH, "Scrubbed At", "Job Id"]


def _forbidden(leads: pl.DataFrame, policy: Policy) -> dict[str, set[str]]:
    """By lead, the phones that its row must not show: all of a lead that is not delivered, else those that are not callable."""
    phones = per_phone(leads, "verdicts").join(
        leads.select("person_key", "disposition").with_row_index("row").cast({"row": pl.Int64}), on="row"
    )
    bad = phones.filter(
        (pl.col("phones") != "") & ((pl.col("disposition") != "deliver") | ~_callable("verdicts", policy))
    )
    return {key: set(found) for key, found in bad.group_by("person_key").agg("phones").iter_rows()}


def _callable(name: str, policy: Policy) -> pl.Expr:
    """Of one row a phone: whether it may be called. What is no phone never may, whatever stands beside it."""
    return pl.col(name).is_in([v.value for v in Verdict if is_callable(v, policy)]) & pl.col("phones").str.contains(
        E164
    )


def _rows(leads: pl.DataFrame, key: str, policy: Policy, job_id: str, extra: dict[str, str]) -> pl.DataFrame:
    """The sheet's rows: all text, one column a name of `columns`."""
    phones = per_phone(leads, "verdicts").with_columns(_zone_of("phones").alias("zone"))
    held = ~_callable("verdicts", policy)
    good = phones.filter(~held)
    lists = per_lead(good, leads.height, phones=pl.col("phones"), verdicts=pl.col("verdicts"), zones=pl.col("zone"))
    emails = leads["emails"] if "emails" in leads.columns else pl.lit(None)
    lists = lists.with_columns(emails.cast(TEXTS).alias("emails"), _held_phones(phones.filter(held), leads.height))
    titles = {"phones": "Phone {}", "verdicts": "Phone {} Verdict", "zones": "Phone {} Time Zone"}
    cells = [cell for name, title in titles.items() for cell in nth(name, policy.phones_delivered, title)]
    found = lists.select(
        *cells,
        *nth("emails", policy.emails_delivered, "Email {}"),
        "Held Phones",
        _scrubbed_at(leads),
        pl.lit(job_id).alias("Job Id"),
    )
    own = as_text(leads, ["person_key", *_NAMES]).rename({"person_key": key, **_NAMES})
    return pl.concat([own, found], how="horizontal").with_columns(
        as_text(leads, list(extra)).rename(extra).get_columns()
    )


def _scrubbed_at(leads: pl.DataFrame) -> pl.Series:
    """When the oldest check of the lead's phones was made."""
    there = [name for name in ("litigator_scrubbed_at", "dnc_scrubbed_at") if name in leads.columns]
    oldest = leads.select(
        pl.min_horizontal(pl.lit(None, pl.String), *there).fill_null("").alias("at"), pl.int_range(pl.len())
    )
    return oldest["at"].alias("Scrubbed At")


def own_columns(names: Iterable[str], key: str, policy: Policy) -> dict[str, str]:
    """The script's own columns that are delivered, each with its name in the sheet; one whose name is a phone is none of them."""
    taken = {name.casefold() for name in (key, *columns(policy))}
    own = [name for name in script_columns(names) if not has_phone_name(name, policy)]
    return {name: f"Script {name}" if name.casefold() in taken else name for name in own}


def _zone_of(name: str) -> pl.Expr:
    return pl.col(name).map_batches(_zones, return_dtype=pl.String)


def _zones(phones: pl.Series) -> pl.Series:
    """The time zones of each phone."""
    return pl.Series([", ".join(time_zones(phone)) for phone in phones], dtype=pl.String)


def _held_phones(phones: pl.DataFrame, height: int) -> pl.Series:
    """What is kept from the callers, as in "1 dnc, 2 litigator"."""
    counted = phones.group_by("row", "verdicts").len().sort("row", "verdicts")
    words = counted.with_columns(pl.format("{} {}", "len", "verdicts").alias("word"))
    return per_lead(words, height, word=pl.col("word"))["word"].list.join(", ").alias("Held Phones")


def _marked(leads: pl.DataFrame, delivered: list[str], bad: list[str]) -> pl.DataFrame:
    is_bad = pl.col("person_key").is_in(bad)
    return leads.with_columns(
        pl.when(is_bad).then(pl.lit("held")).otherwise(pl.col("disposition")).alias("disposition"),
        pl.when(is_bad).then(pl.lit("bad_cell")).otherwise(pl.col("reason")).alias("reason"),
        pl.col("person_key").is_in(delivered).alias("delivered"),
    )

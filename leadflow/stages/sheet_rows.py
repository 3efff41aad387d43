"""Make the rows of the callers' sheet: one row for each lead, all cells as text, with only the callable phones."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from leadflow.leads.columns import TITLES, script_columns
from leadflow.leads.phones import E164, time_zones
from leadflow.leads.verdicts import Verdict
from leadflow.settings import Policy
from leadflow.stages.frames import as_text
from leadflow.stages.list_columns import TEXTS, nth, per_lead, per_phone
from leadflow.stages.phone_cells import has_phone_name
from leadflow.stages.settle import is_callable
from leadflow.stages.shared_phones import SHARED_WITH


def sheet_columns(policy: Policy) -> list[str]:
    """List the sheet's columns between the key and the script's own."""
    phones = [
        f"Phone {n}{part}" for n in range(1, policy.phones_delivered + 1) for part in ("", " Verdict", " Time Zone")
    ]
    emails = [f"Email {n}" for n in range(1, policy.emails_delivered + 1)]
    return [*TITLES.values(), *phones, *emails, "Held Phones", SHARED_WITH, "Scrubbed At", "Callable Until", "Job Id"]


def is_callable_expr(name: str, policy: Policy) -> pl.Expr:
    """Return whether each row's phone may be called; text that is not a phone may not, whatever its verdict."""
    return pl.col(name).is_in([v.value for v in Verdict if is_callable(v, policy)]) & pl.col("phones").str.contains(
        E164
    )


def sheet_rows(leads: pl.DataFrame, key: str, policy: Policy, job_id: str, extra: dict[str, str]) -> pl.DataFrame:
    """Make the sheet's rows, all text: the key, the columns of `sheet_columns`, and the script's own.

    `leads` has the columns of `with_shown_phones`.
    """
    phones = per_phone(leads, "verdicts").with_columns(_zone_of("phones").alias("zone"))
    held = ~is_callable_expr("verdicts", policy)
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
        leads["callable_until"].alias("Callable Until"),
        pl.lit(job_id).alias("Job Id"),
    )
    own = as_text(leads, ["person_key", *TITLES]).rename({"person_key": key, **TITLES})
    return pl.concat([own, found], how="horizontal").with_columns(
        as_text(leads, list(extra)).rename(extra).get_columns()
    )


def _scrubbed_at(leads: pl.DataFrame) -> pl.Series:
    """Return the time of the oldest check of each lead's phones."""
    there = [name for name in ("litigator_scrubbed_at", "dnc_scrubbed_at") if name in leads.columns]
    oldest = leads.select(
        pl.min_horizontal(pl.lit(None, pl.String), *there).fill_null("").alias("at"), pl.int_range(pl.len())
    )
    return oldest["at"].alias("Scrubbed At")


def own_columns(names: Iterable[str], key: str, policy: Policy) -> dict[str, str]:
    """Map the script's own columns to their names in the sheet, without those whose name reads like a phone."""
    taken = {name.casefold() for name in (key, *sheet_columns(policy))}
    own = [name for name in script_columns(names) if not has_phone_name(name, policy)]
    return {name: f"Script {name}" if name.casefold() in taken else name for name in own}


def _zone_of(name: str) -> pl.Expr:
    return pl.col(name).map_batches(_zones, return_dtype=pl.String)


def _zones(phones: pl.Series) -> pl.Series:
    """Return the time zones of each phone."""
    return pl.Series([", ".join(time_zones(phone)) for phone in phones], dtype=pl.String)


def _held_phones(phones: pl.DataFrame, height: int) -> pl.Series:
    """Count the phones that callers do not get, as in "1 dnc, 2 litigator"."""
    counted = phones.group_by("row", "verdicts").len().sort("row", "verdicts")
    words = counted.with_columns(pl.format("{} {}", "len", "verdicts").alias("word"))
    return per_lead(words, height, word=pl.col("word"))["word"].list.join(", ").alias("Held Phones")

"""Make the rows of the callers' sheet: one row for each lead, all cells as text, with only the callable phones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import polars as pl

from leadflow.leads.calling_hours import CallingHours, number_zones, read_hours
from leadflow.leads.columns import TITLES, script_columns
from leadflow.leads.phones import E164, time_zones
from leadflow.leads.verdicts import Verdict
from leadflow.settings import Policy
from leadflow.stages.call_windows import CALL_WINDOW, call_windows
from leadflow.stages.frames import as_text
from leadflow.stages.list_columns import TEXTS, nth, per_lead, per_phone
from leadflow.stages.phone_cells import has_phone_name
from leadflow.stages.settle import is_callable
from leadflow.stages.shared_phones import SHARED_WITH

# The list column with each detail of a phone, and its title in the sheet, by its name in policy.phone_details.
_DETAILS = {
    "line_type": ("phone_types", "Line Type"),
    "last_seen": ("phone_last_seen", "Last Seen"),
    "rank": ("phone_ranks", "Rank"),
}
_MOST_ZONES = 8


def sheet_columns(policy: Policy) -> list[str]:
    """List the sheet's columns between the key and the script's own."""
    parts = ("", " Verdict", " Time Zone", *(f" {title}" for title in _details(policy).values()))
    phones = [f"Phone {n}{part}" for n in range(1, policy.phones_delivered + 1) for part in parts]
    emails = [f"Email {n}" for n in range(1, policy.emails_delivered + 1)]
    checks = ("Held Phones", SHARED_WITH, "Scrubbed At", "Callable Until", CALL_WINDOW)
    return [*TITLES.values(), *phones, *emails, *checks, "Job Id"]


def _details(policy: Policy) -> dict[str, str]:
    """Map the list column of each detail that the policy wants to its title."""
    return dict(_DETAILS[name] for name in _DETAILS if name in policy.phone_details)


def is_callable_expr(name: str, policy: Policy) -> pl.Expr:
    """Return whether each row's phone may be called; text that is not a phone may not, whatever its verdict."""
    return pl.col(name).is_in([v.value for v in Verdict if is_callable(v, policy)]) & pl.col("phones").str.contains(
        E164
    )


def sheet_rows(
    leads: pl.DataFrame,
    key: str,
    policy: Policy,
    job_id: str,
    extra: dict[str, str],
    hours: CallingHours | None = None,
) -> pl.DataFrame:
    """Make the sheet's rows, all text: the key, the columns of `sheet_columns`, and the script's own.

    `leads` has the columns of `with_shown_phones`; `hours` is the table of calling hours, the package's by default.
    """
    details = {name: title for name, title in _details(policy).items() if name in leads.columns}
    phones = per_phone(leads, "verdicts", *details)
    phones = phones.with_columns_seq(is_callable_expr("verdicts", policy).alias("is_callable"))
    good, held = phones.filter("is_callable"), phones.filter(~pl.col("is_callable"))
    beside = {name: pl.col(name).fill_null("") for name in details}
    lists = per_lead(
        good.with_columns_seq(_zones(good["phones"]).alias("zone"), *_dates(good)), leads.height,
        phones=pl.col("phones"), verdicts=pl.col("verdicts"), zones=pl.col("zone"), **beside,
    )  # fmt: skip
    emails = leads["emails"] if "emails" in leads.columns else pl.lit(None)
    lists = lists.with_columns_seq(emails.cast(TEXTS).alias("emails"))
    titles = {"phones": "Phone {}", "verdicts": "Phone {} Verdict", "zones": "Phone {} Time Zone"}
    titles |= {name: f"Phone {{}} {title}" for name, title in details.items()}
    cells = [cell for name, title in titles.items() for cell in nth(name, policy.phones_delivered, title)]
    found = lists.select_seq(
        *cells,
        *nth("emails", policy.emails_delivered, "Email {}"),
        _held_phones(held, leads.height),
        _scrubbed_at(leads),
        leads["callable_until"].alias("Callable Until"),
        call_windows(leads, hours or read_hours()),
        pl.lit(job_id).alias("Job Id"),
    )
    own = as_text(leads, ["person_key", *TITLES]).rename({"person_key": key, **TITLES})
    return pl.concat([own, found], how="horizontal").with_columns_seq(
        as_text(leads, list(extra)).rename(extra).get_columns()
    )


def _scrubbed_at(leads: pl.DataFrame) -> pl.Series:
    """Return the time of the oldest check of each lead's phones."""
    there = [name for name in ("litigator_scrubbed_at", "dnc_scrubbed_at") if name in leads.columns]
    oldest = leads.select_seq(
        pl.min_horizontal(pl.lit(None, pl.String), *there).fill_null("").alias("at"), pl.int_range(pl.len())
    )
    return oldest["at"].alias("Scrubbed At")


def own_columns(names: Iterable[str], key: str, policy: Policy) -> dict[str, str]:
    """Map the script's own columns to their names in the sheet, without those whose name reads like a phone."""
    taken = {name.casefold() for name in (key, *sheet_columns(policy))}
    own = [name for name in script_columns(names) if not has_phone_name(name, policy)]
    return {name: f"Script {name}" if name.casefold() in taken else name for name in own}


def _zones(phones: pl.Series) -> pl.Series:
    """Return the time zones of each phone."""
    return pl.Series([", ".join(_zones_of_phone(phone)) for phone in phones], dtype=pl.String)


def _zones_of_phone(phone: str) -> tuple[str, ...]:
    """Return the zones of a phone's area; of its state if the library cannot place it and answers with all zones."""
    found = time_zones(phone)
    return found if len(found) <= _MOST_ZONES else number_zones(phone)


def _dates(phones: pl.DataFrame) -> list[pl.Expr]:
    """Write idiCORE's dates, such as 20260115, as 2026-01-15; other text stays as the vendor gave it."""
    if "phone_last_seen" not in phones.columns:
        return []
    text = pl.col("phone_last_seen").str.strip_chars()
    day = pl.when(text.str.contains(r"^(19|20)\d{6}$")).then(text).str.to_date("%Y%m%d", strict=False)
    return [day.dt.strftime("%Y-%m-%d").fill_null(text).alias("phone_last_seen")]


def _held_phones(phones: pl.DataFrame, height: int) -> pl.Series:
    """Count the phones that callers do not get, as in "1 dnc, 2 litigator"."""
    verdicts: list[list[str]] = [[] for _ in range(height)]
    rows: Iterator[tuple[int, str]] = phones.select_seq("row", "verdicts").iter_rows()
    for row, verdict in rows:
        verdicts[row].append(verdict)
    texts = [", ".join(f"{n} {word}" for word, n in sorted(Counter(words).items())) for words in verdicts]
    return pl.Series("Held Phones", texts, pl.String)

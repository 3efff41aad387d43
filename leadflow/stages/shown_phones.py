"""Find the phones that a lead's row in the sheet shows, and until when the row may be called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from leadflow.leads.callable_until import NO_LONGER, callable_until
from leadflow.leads.verdicts import Scrub
from leadflow.settings import Policy
from leadflow.stages.list_columns import lists_of, per_phone
from leadflow.stages.scrub_texts import from_scrubs, has_checks
from leadflow.stages.sheet_rows import is_callable_expr


def with_shown_phones(leads: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Add `shown_phones` (lists of E.164: the callable phones that fit into the row) and `callable_until` (ISO text).

    Both are empty for a lead that is not to be delivered; `callable_until` is also empty in a frame without the
    columns that the checks add, since nothing is known about their age.
    """
    shown = _shown(leads, policy)
    return leads.with_columns_seq(
        lists_of("shown_phones", shown), pl.Series("callable_until", _until(leads, shown, policy), pl.String)
    )


def _shown(leads: pl.DataFrame, policy: Policy) -> list[list[str]]:
    wanted = (leads["disposition"] == "deliver").to_list()
    phones = per_phone(leads, "verdicts").select_seq("row", "phones", is_callable_expr("verdicts", policy))
    rows: Iterator[tuple[int, str, bool]] = phones.iter_rows()
    shown: list[list[str]] = [[] for _ in wanted]
    for row, phone, is_callable in rows:
        if is_callable and wanted[row] and len(shown[row]) < policy.phones_delivered:
            shown[row].append(phone)
    return shown


def _until(leads: pl.DataFrame, shown: list[list[str]], policy: Policy) -> list[str]:
    """Return for each lead the date from which it may not be called any more."""
    if not has_checks(leads):
        return [""] * leads.height

    def until(scrubs: Mapping[str, Scrub | None]) -> date:
        return callable_until(scrubs.values(), policy.max_scrub_age_days)

    dates: list[list[date]] = [[] for _ in shown]
    for row, phone, _, day in from_scrubs(leads, until):
        if phone in shown[row]:
            dates[row].append(day)
    return [
        min(days, default=NO_LONGER).isoformat() if phones else "" for phones, days in zip(shown, dates, strict=True)
    ]

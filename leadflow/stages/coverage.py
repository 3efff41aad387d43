"""Find the phones that a do-not-call check cannot clear: not of US consumers, or not covered by the list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from typing import Any, Protocol

import polars as pl

from leadflow.events import Emit, JobLog
from leadflow.leads.area_codes import not_a_consumer, state_code
from leadflow.leads.columns import columns_of
from leadflow.leads.phones import ten_digits, to_e164
from leadflow.leads.verdicts import CALLABLE, Scrub, Verdict
from leadflow.stages.frames import text_of

NOT_COVERED = "dnc_not_covered"
_OPEN = [*(verdict.value for verdict in CALLABLE), Verdict.UNCHECKED.value]
_MOST_LISTED = 8
_NO_STATE: tuple[str | None, ...] = (None,)


class Coverage(Protocol):
    """The coverage of a list: the numbers that it can clear."""

    def gap(self, digits: str, lead_state: str | None = None) -> str:
        """Return why a ten-digit number is not covered, or "" if it is covered."""
        ...


def scrubs_of_non_consumers(phones: Iterable[str], emit: Emit, batch: int | None) -> dict[str, Scrub]:
    """Return an invalid Scrub, with the reason as code, for each phone that is not a US consumer's."""
    reasons = {phone: reason for phone in phones if phone and (reason := not_a_consumer(phone))}
    if reasons:
        message = f"{len(reasons)} phones are no US consumer's and count as invalid: {_counted(reasons.values())}"
        emit(JobLog(stage="DNC", batch=batch, level="warning", message=message))
    now = datetime.now(timezone.utc)
    return {
        phone: Scrub(phone, "dnc", Verdict.INVALID, "numbering_plan", reason, now) for phone, reason in reasons.items()
    }


def with_not_covered(
    phones: pl.DataFrame, leads: pl.DataFrame, service: Any, emit: Emit, batch: int | None
) -> pl.DataFrame:
    """Add NOT_COVERED, the reason why the list cannot clear a phone ("" if it can), and set its verdict to unchecked.

    `phones` has one row for each phone: `row` (position of its lead), `phones` and `verdict`. A service without a list
    covers every phone.
    """
    find: Callable[[], Coverage] | None = getattr(service, "coverage", None)
    if find is None or phones.is_empty():
        return phones.with_columns_seq(pl.lit("").alias(NOT_COVERED))
    coverage, states = find(), _states(leads)
    rows: Iterator[tuple[int, str, str]] = phones.select_seq("row", "phones", "verdict").iter_rows()
    gaps = [
        _gap(coverage, phone, states[row] if states else _NO_STATE) if verdict in _OPEN else ""
        for row, phone, verdict in rows
    ]
    if told := [gap for gap in gaps if gap]:
        message = f"{len(told)} phones are not covered by the do-not-call list and stay unchecked: {_counted(told)}"
        emit(JobLog(stage="DNC", batch=batch, level="warning", message=message))
    phones = phones.with_columns_seq(pl.Series(NOT_COVERED, gaps, pl.String))
    unchecked = pl.lit(Verdict.UNCHECKED.value)
    return phones.with_columns_seq(
        pl.when(pl.col(NOT_COVERED) == "").then("verdict").otherwise(unchecked).alias("verdict")
    )


def _gap(coverage: Coverage, phone: str, states: tuple[str | None, ...]) -> str:
    if not (e164 := to_e164(phone)):
        return ""
    return next((gap for state in states if (gap := coverage.gap(ten_digits(e164), state))), "")


def _states(leads: pl.DataFrame) -> list[tuple[str, ...]]:
    """Return each lead's state from every column of that name, "" if unreadable; empty without such a column."""
    names = columns_of("state", leads.columns)
    codes: dict[str, str] = {}

    def code(value: object) -> str:
        text = text_of(value)
        if text not in codes:
            codes[text] = state_code(text)
        return codes[text]

    return [tuple(map(code, row)) for row in leads.select_seq(names).iter_rows()] if names else []


def _counted(reasons: Iterable[str]) -> str:
    """Format the reasons with counts, most frequent first, as in "area code 202 5, state list LA 3"."""
    counted = Counter(reasons).most_common()
    told = ", ".join(f"{reason} {count}" for reason, count in counted[:_MOST_LISTED])
    rest = sum(count for _, count in counted[_MOST_LISTED:])
    return f"{told}, others {rest}" if rest else told

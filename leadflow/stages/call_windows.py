"""Say for each lead when it may be called: the column "Call Window" of the callers' sheet."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from leadflow.leads.calling_hours import CallingHours, describe_lead
from leadflow.leads.verdicts import Scrub
from leadflow.stages.list_columns import TEXTS
from leadflow.stages.scrub_texts import from_scrubs, has_checks

CALL_WINDOW = "Call Window"


def call_windows(leads: pl.DataFrame, hours: CallingHours) -> pl.Series:
    """Return the hours of each lead's shown phones as text, such as "Mon-Sat 9am-8pm, no Sun (Central)".

    They lie inside the hours of the lead's state, of each number's state, and of DNCScrub's calling window where the
    check answered one. `leads` has the columns of `with_shown_phones`.
    """
    answers = calling_window_answers(leads)
    rows = leads.select_seq("state", pl.col("shown_phones").cast(TEXTS)).iter_rows()
    texts = [
        describe_lead(state or "", phones, hours, answers.get(row)) if phones else ""
        for row, (state, phones) in enumerate(rows)
    ]
    return pl.Series(CALL_WINDOW, texts, pl.String)


def calling_window_answers(leads: pl.DataFrame) -> dict[int, dict[str, str]]:
    """Return the answered calling windows by row and phone, from the columns that the checks add."""
    found: dict[int, dict[str, str]] = {}
    for row, phone, _, window in from_scrubs(leads, _answered_window) if has_checks(leads) else ():
        if window:
            found.setdefault(row, {})[phone] = window
    return found


def _answered_window(scrubs: Mapping[str, Scrub | None]) -> str:
    scrub = scrubs["dnc"]
    return scrub.calling_window if scrub else ""

"""Settings of the duties after delivery: how long evidence is kept, and what becomes of rows that may not be called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from leadflow.leads.area_codes import state_code
from leadflow.settings.base import Part, Real, Whole, Word, Words

# The names of campaigns: lower case, so that one campaign has one name.
SCOPE = r"^[a-z0-9][a-z0-9 _.-]{0,99}$"


class ComplianceSettings(Part):
    """The duties after delivery. Nothing here is legal advice.

    `keep_evidence_years` is how long the ledger of checks is kept; `keep_opt_outs_years` how long suppressions are.
    A re-scrub checks again the rows whose checks are older than `rescrub_after_days`. A row that may not be called any
    more is moved to the tab `withdrawn_tab` with the callers' own cells, or deleted, as `withdraw` says. `scope` names
    the campaign of this engine's jobs: they obey suppressions of this scope and of scope "all"; with "all", of each.

    `calling_hours_file` is a CSV file whose rows replace those of leadflow's table of calling hours by state; see
    leadflow.leads.calling_hours.read_hours. Phones of the states in `hold_without_reassigned_check` are delivered only
    if the reassigned-numbers check (settings.reassigned) answered that the number was not reassigned: Maine asks for it
    before each sales call.

    Sources: 10 MRSA 1499-B, in force 2024-07-16 (Maine);
    89 FR 26760, in force 2024-05-16 (five years, 16 CFR 310.5); Va. Code 59.1-514 (opt-outs for ten years).
    """

    keep_evidence_years: Annotated[Whole, Field(ge=5)] = 5
    keep_opt_outs_years: Annotated[Whole, Field(ge=10)] = 10
    rescrub_after_days: Annotated[Real, Field(gt=0, le=31)] = 25
    withdraw: Literal["move", "delete"] = "move"
    withdrawn_tab: Word = "Withdrawn"
    scope: Annotated[Word, Field(pattern=SCOPE)] = "all"
    calling_hours_file: Path | None = None
    hold_without_reassigned_check: Words = ("ME",)

    @field_validator("hold_without_reassigned_check", mode="after")
    @classmethod
    def _states(cls, states: tuple[str, ...]) -> tuple[str, ...]:
        codes = tuple(state_code(state) for state in states)
        if "" in codes:
            raise ValueError(f"names {states[codes.index('')]!r}, which is no state; write ME, or () for none")
        return codes

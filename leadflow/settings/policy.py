"""The policy: which phones may be called, and what is delivered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from leadflow.settings.base import Part, Real, Whole, Words


class Policy(Part):
    """Which phones may be called, and what is delivered.

    A script's own columns may hold phones. By default leadflow withholds such cells from the sheet. With
    `script_phones="check"` it checks these phones and delivers them like bought ones. `not_phones` names columns
    that hold no phones; leadflow delivers them unchanged.
    """

    max_scrub_age_days: Annotated[Real, Field(gt=0, le=31)] = 31
    hold_lead_on_litigator: bool = True
    deliver_wireless: bool = True
    phones_delivered: Annotated[Whole, Field(ge=1, le=10)] = 3
    emails_delivered: Annotated[Whole, Field(ge=0, le=10)] = 3
    script_phones: Literal["withhold", "check"] = "withhold"
    not_phones: Words = ()
    reuse_scrubs_hours: Annotated[Real, Field(ge=0, le=744)] = 24
    keep_checkpoints_days: Annotated[Real, Field(ge=0)] = 30

"""The policy: which phones may be called, and what is delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from leadflow.settings.base import Part, Real, Whole, Words

PHONE_DETAILS = ("line_type", "last_seen", "rank")
# The reasons of held leads that may clear later.
RETRYABLE = ("all_suppressed", "no_match", "no_phone")
_MOST_DAYS = 36_500


class Policy(Part):
    """Which phones may be called, and what is delivered.

    A script's own columns may hold phones. By default leadflow withholds such cells from the sheet. With
    `script_phones="check"` it checks these phones and delivers them like bought ones. `not_phones` names columns
    that hold no phones; leadflow delivers them unchanged.

    `phone_details` names the details that the sheet shows beside each phone: line_type, last_seen, rank.

    `retry_after_days` takes leads up again that were held back so many days ago, by reason: all_suppressed (the phones
    that were bought are checked again, and not bought again), no_match and no_phone (bought again). By default a held
    lead is never taken up again. As an environment variable it is JSON, as in {"all_suppressed": 90}.
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
    phone_details: Words = PHONE_DETAILS
    # A Mapping, so that no environment variable can set a single member.
    retry_after_days: Mapping[str, float] = Field(default_factory=dict)

    @field_validator("phone_details", mode="after")
    @classmethod
    def _known_details(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in PHONE_DETAILS]:
            raise ValueError(f"names {unknown[0]!r}; the details are {', '.join(PHONE_DETAILS)}")
        return tuple(name for name in PHONE_DETAILS if name in names)

    @field_validator("retry_after_days", mode="before")
    @classmethod
    def _days_by_reason(cls, days: Any) -> Any:
        """Require days above 0 for reasons that may clear later. A lead with another reason never comes back."""
        if not isinstance(days, Mapping):
            raise ValueError("must be days by reason, as in {'all_suppressed': 90}")
        if unknown := [reason for reason in days if reason not in RETRYABLE]:
            raise ValueError(f"names {unknown[0]!r}; a lead is taken up again only for {', '.join(RETRYABLE)}")
        for reason, number in days.items():
            if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= _MOST_DAYS:
                raise ValueError(f"gives {reason} no number of days above 0 and up to {_MOST_DAYS}")
        return {reason: float(number) for reason, number in days.items()}

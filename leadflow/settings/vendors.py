"""Settings of the vendors: idiCORE, DNCScrub's litigator list, and the do-not-call check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from leadflow.leads.phones import to_e164
from leadflow.settings.base import (
    BUSY_WAIT_S,
    Identifier,
    Part,
    Paths,
    Positive,
    Price,
    Seconds,
    Secret,
    Word,
    Words,
    safe_url,
)
from leadflow.settings.search_parameters import body_members


class IdicoreSettings(Part):
    """idiCORE people search. `glba` and `dppa` are your permissible purposes; they have no default on purpose.

    `fields` are the fields that a search requests. Public code lists isDead among the premium fields. If your contract
    does not include it, or charges for it, ask idiCORE or remove it here; then no lead is held back as deceased.

    `search_parameters` are extra members of a search's JSON body, such as {"searchType": "APISearch", "nicknamesearch":
    true}. leadflow sends them unchanged. They must not describe a person or replace a member that leadflow sends.

    `price` is in dollars per lookup. With `charge_on_no_match=False` a lookup that finds nobody costs nothing.

    When a vendor answers that it is busy (429, or 503 with Retry-After), a job waits up to `busy_wait_s` seconds. Each
    vendor has this setting.
    """

    client_id: Word
    client_secret: Secret
    glba: Word
    dppa: Word
    login_url: str = "https://login-api.idicore.com/apiclient"
    search_url: str = "https://api.idicore.com/search"
    fields: tuple[str, ...] = ("name", "address", "phone", "email", "isDead")
    # A Mapping, so that no environment variable can set a single member: environment names do not keep case.
    search_parameters: Mapping[str, Any] = Field(default_factory=dict)
    token_life_s: Seconds = 720.0
    token_prefix: Annotated[str, StringConstraints(strip_whitespace=False)] = ""
    rank_order: Literal["ascending", "descending"] = "ascending"
    charge_on_no_match: bool = True
    price: Price | None = None
    max_in_flight: Positive = 32
    max_per_minute: Positive | None = None
    timeout_s: Seconds = 30.0
    attempts: Positive = 4
    busy_wait_s: Seconds = BUSY_WAIT_S
    breaker_failures: Positive = 20

    _urls = field_validator("login_url", "search_url")(safe_url)
    _parameters = field_validator("search_parameters", mode="before")(body_members)

    @field_validator("fields")
    @classmethod
    def _enough(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Require name, address and phone: without them no answer can match a lead, or it has no phone."""
        if missing := [name for name in ("name", "address", "phone") if name not in fields]:
            raise ValueError(
                f"lacks {', '.join(missing)}; without name, address and phone every lookup would be bought in vain"
            )
        return fields


class LitigatorSettings(Part):
    """DNCScrub's litigator list, checked in bulk. `price` is in dollars per number; without it checks count as free.

    `campaign_id` is a whole number: https://docs.dncscrub.com/api-reference/litigator/scrub-post
    """

    login_id: Secret
    url: str = "https://dataapi.dncscrub.com/v1.4/scrub/litigator"
    campaign_id: Positive | None = None
    proj_id: Identifier | None = None
    price: Price | None = None
    max_numbers: Annotated[Positive, Field(le=10_000)] = 10_000
    max_in_flight: Positive = 8
    max_per_minute: Positive | None = 1_000
    timeout_s: Seconds = 30.0
    attempts: Positive = 4
    busy_wait_s: Seconds = BUSY_WAIT_S
    breaker_failures: Positive = 8

    _urls = field_validator("url")(safe_url)


class ReassignedSettings(Part):
    """DNCScrub's check against the reassigned-numbers database (RNDBasic), which Maine asks for before a sales call.

    It is off without a `login_id`. `date_column` names the script's column with the date of consent or last contact;
    a lead without such a date has no clean answer. `price` is in dollars per number. The manual says 50 requests a
    minute on one page and 500 on another; the lower one is the default.
    """

    login_id: Secret | None = None
    url: str = "https://dataapi.dncscrub.com/v1.5/Data/RNDBasic"
    date_column: Word | None = None
    price: Price | None = None
    max_in_flight: Positive = 8
    max_per_minute: Positive | None = 50
    timeout_s: Seconds = 30.0
    attempts: Positive = 4
    busy_wait_s: Seconds = BUSY_WAIT_S
    breaker_failures: Positive = 8

    _urls = field_validator("url")(safe_url)

    @property
    def is_set(self) -> bool:
        """Whether the check is on."""
        return self.login_id is not None

    @model_validator(mode="after")
    def _whole(self) -> ReassignedSettings:
        if (self.login_id is None) != (self.date_column is None):
            missing, there = ("login_id", "date_column") if self.login_id is None else ("date_column", "login_id")
            raise ValueError(f"{there} is set without {missing}; the check needs both")
        return self


class DncSettings(Part):
    """The do-not-call check: DNCScrub's scrub, or a local copy of the national registry (`provider="list"`).

    `codes` overrides single result codes, as in {"W": "hold"}; values are Verdict words. `price` is in dollars per
    number; without it checks count as free. `canary` is one phone that is on the national do-not-call list, or several
    phones separated by commas. A job fails before its first lookup unless the check finds every canary on the list.

    `list_path` is a file, a folder, a .zip, or several of them. `list_date` is the day of the download (YYYY-MM-DD);
    the file's name may contain it instead. `list_covers` names what the list contains besides the national registry:
    states whose own lists it contains (CO FL IN LA MA MO OK PA TN TX WY), and wireless if it contains wireless numbers.
    AZ LA NJ TX WY forbid sales calls to wireless numbers; name one of them only if the list contains its wireless
    numbers. `list_area_codes` adds area codes that were bought to those found in the list. `list_phone_columns` names
    the columns of a CSV or a table that hold the phones, for files in which other columns hold digits too.
    """

    usual = ("login_id",)

    provider: Literal["dncscrub", "list"] = "dncscrub"
    login_id: Secret | None = None
    url: str = "https://www.dncscrub.com/app/main/rpc/scrub"
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+$")] = "5"
    campaign_id: Identifier | None = None
    proj_id: Identifier | None = None
    codes: dict[str, str] = Field(default_factory=dict)
    list_path: Paths | None = None
    list_date: str | None = None
    list_covers: Words = ()
    list_area_codes: Words = ()
    list_phone_columns: Words = ()
    canary: str = Field("", repr=False)
    price: Price | None = None
    max_numbers: Annotated[Positive, Field(le=10_000)] = 10_000
    max_in_flight: Positive = 8
    max_per_minute: Positive | None = 100
    timeout_s: Seconds = 60.0
    attempts: Positive = 4
    busy_wait_s: Seconds = BUSY_WAIT_S
    breaker_failures: Positive = 8

    _urls = field_validator("url")(safe_url)

    @field_validator("list_date", mode="before")
    @classmethod
    def _day(cls, day: Any) -> Any:
        """Convert a `datetime.date` to ISO text."""
        return day.isoformat() if type(day) is date else day

    @property
    def canaries(self) -> tuple[str, ...]:
        """The phones of `canary` in E.164."""
        phones = (to_e164(text.strip()) for text in re.split("[,;]", self.canary) if text.strip())
        return tuple(phone for phone in phones if phone)

    @field_validator("canary", mode="before")
    @classmethod
    def _listed(cls, canary: Any) -> Any:
        """Return one phone or several, given as text or as numbers, as text with commas between."""
        if isinstance(canary, list | tuple | set | frozenset):
            return ",".join(map(str, canary))
        return str(canary) if type(canary) is int else "" if canary is None else canary

    @field_validator("canary")
    @classmethod
    def _phones(cls, canary: str) -> str:
        texts = [text.strip() for text in re.split("[,;]", canary) if text.strip()]
        if any(to_e164(text) is None for text in texts) or (canary.strip() and not texts):
            raise ValueError(
                "holds something that is no US phone; give a number that is on the national do-not-call list"
            )
        return canary

    @model_validator(mode="after")
    def _agrees(self) -> DncSettings:
        """Reject settings of the other provider: this provider would ignore them."""
        given = {name for name in self.model_fields_set if getattr(self, name) not in (None, {}, ())}
        of_the_list = sorted(name for name in given if name.startswith("list_"))
        if self.provider == "dncscrub" and of_the_list:
            raise ValueError(
                f"{', '.join(of_the_list)} is set, but provider is dncscrub, which reads no list; "
                "set provider to list, or remove it"
            )
        of_dncscrub = sorted(given & {"codes", "price"})
        if self.provider == "list" and of_dncscrub:
            raise ValueError(f"{', '.join(of_dncscrub)} is set, which is for DNCScrub, but provider is list; remove it")
        return self

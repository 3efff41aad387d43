"""Settings, from arguments, the environment (LEADFLOW_...), or a .env file.

Nested names use two underscores: LEADFLOW_IDICORE__CLIENT_SECRET. Secrets are SecretStr everywhere. A name that is no setting
and a value that cannot be used are a SettingsError; nothing is skipped.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from leadflow.errors import SettingsError
from leadflow.leads.phones import to_e164
from leadflow.settings import sources as settings_sources
from leadflow.settings.base import (
    STRICT,
    Checked,
    Paths,
    Positive,
    Price,
    Real,
    Seconds,
    Whole,
    Word,
    Words,
    fill,
    safe_url,
)
from leadflow.settings.sign_in import LEADFLOWS_PARAMETERS, account_name, sign_in_fault

Secret = Annotated[SecretStr, Field(min_length=1)]
_SHEET_ADDRESS = re.compile(r"/spreadsheets/(?:u/\d+/)?d/(?!e/)([\w-]+)")


class _Part(Checked):
    model_config = STRICT


class WarehouseSettings(_Part):
    """Snowflake. Sign in with a key pair, externalbrowser, a token, or a connection_name of connections.toml.

    A `token` without an `authenticator` is a programmatic access token; for an OAuth access token set authenticator to oauth.
    `person_cache` and `consolidated` may name a schema, as in "DB.PUBLIC.PERSON_CACHE". A script's statements may take
    `script_timeout_s` each, all other requests `network_timeout_s`.
    """

    usual = ("account", "connection_name")

    connection_name: Word | None = None
    account: Word | None = None
    user: Word | None = None
    host: Word | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    protocol: Literal["https", "http"] = "https"
    role: Word | None = None
    warehouse: Word | None = None
    database: Word | None = None
    schema_name: Word = "PUBLIC"
    authenticator: Word | None = None
    private_key_file: Path | None = None
    private_key_password: Secret | None = None
    token: Secret | None = None
    session_parameters: dict[str, Any] = Field(default_factory=dict)
    network_timeout_s: Positive = 120
    script_timeout_s: Positive = 3_600
    person_cache: Word = "PERSON_CACHE"
    consolidated: Word = "UNIQUE_CONSOLIDATED_DATA"
    allow_writes: bool = False

    _account = field_validator("account")(account_name)

    @model_validator(mode="after")
    def _agrees(self) -> WarehouseSettings:
        if fault := sign_in_fault(self):
            raise ValueError(fault)
        if self.person_cache.casefold() == self.consolidated.casefold():
            raise ValueError("person_cache and consolidated name the same table; they need one each")
        if any(name.upper() == "QUERY_TAG" for name in self.session_parameters):
            raise ValueError("session_parameters sets QUERY_TAG, which leadflow sets to the job's id; remove it")
        if ours := sorted({name.upper() for name in self.session_parameters} & LEADFLOWS_PARAMETERS.keys()):
            raise ValueError(
                f"session_parameters sets {', '.join(ours)}, which leadflow's own statements depend on; remove it"
            )
        return self


class IdicoreSettings(_Part):
    """idiCORE people search. `glba` and `dppa` are your permissible purposes: no default exists on purpose.

    `fields` are what a search asks for. Public code lists isDead among the premium fields: if your contract does not have
    it, or charges for it, ask idiCORE, or leave it out here; then nobody is held as deceased.

    `price` is in dollars a lookup; with `charge_on_no_match=False` one that finds nobody costs nothing.
    """

    client_id: Word
    client_secret: Secret
    glba: Word
    dppa: Word
    login_url: str = "https://login-api.idicore.com/apiclient"
    search_url: str = "https://api.idicore.com/search"
    fields: tuple[str, ...] = ("name", "address", "phone", "email", "isDead")
    token_life_s: Seconds = 720.0
    token_prefix: Annotated[str, StringConstraints(strip_whitespace=False)] = ""
    rank_order: Literal["ascending", "descending"] = "ascending"
    charge_on_no_match: bool = True
    price: Price | None = None
    max_in_flight: Positive = 32
    max_per_minute: Positive | None = None
    timeout_s: Seconds = 30.0
    attempts: Positive = 4
    breaker_failures: Positive = 20

    _urls = field_validator("login_url", "search_url")(safe_url)

    @field_validator("fields")
    @classmethod
    def _enough(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Without them an answer could be matched with nobody, or brings no phone: it would be paid for in vain."""
        if missing := [name for name in ("name", "address", "phone") if name not in fields]:
            raise ValueError(
                f"lacks {', '.join(missing)}; without name, address and phone every lookup would be bought in vain"
            )
        return fields


class LitigatorSettings(_Part):
    """DNCScrub's litigator-only list; always POSTed in bulk. `price` is in dollars a number; without it checks count as free."""

    login_id: Secret
    url: str = "https://dataapi.dncscrub.com/v1.4/scrub/litigator"
    campaign_id: Word | None = None
    proj_id: Word | None = None
    price: Price | None = None
    max_numbers: Annotated[Positive, Field(le=10_000)] = 10_000
    max_in_flight: Positive = 8
    max_per_minute: Positive | None = 1_000
    timeout_s: Seconds = 30.0
    attempts: Positive = 4
    breaker_failures: Positive = 8

    _urls = field_validator("url")(safe_url)


class DncSettings(_Part):
    """The do-not-call check: DNCScrub's scrub, or a local copy of the national registry (`provider="list"`).

    `codes` overrides single result codes, as in {"W": "hold"}; values are Verdict words. `price` is in dollars a number;
    without it checks count as free. `canary` is a phone, or several with commas between, known to be on the national
    do-not-call list: a job is refused before its first lookup unless the check says so of each.

    `list_path` is a file, a folder, a .zip, or several of them; `list_date` is the day of the download (YYYY-MM-DD), which a
    file may also have in its name. `list_covers` names what is in it beside the national registry: the states whose own lists
    are in it too (CO FL IN LA MA MO OK PA TN TX WY), and wireless if wireless numbers are. AZ LA NJ TX WY forbid sales calls to
    wireless numbers: naming one of them says that its wireless numbers are in the list too.
    `list_area_codes` declares area codes that were bought, beside those found in it. `list_phone_columns` names the columns
    of a CSV or a table that hold the phones, where others have digits too.
    """

    usual = ("login_id",)

    provider: Literal["dncscrub", "list"] = "dncscrub"
    login_id: Secret | None = None
    url: str = "https://www.dncscrub.com/app/main/rpc/scrub"
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+$")] = "5"
    campaign_id: Word | None = None
    proj_id: Word | None = None
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
    breaker_failures: Positive = 8

    _urls = field_validator("url")(safe_url)

    @field_validator("list_date", mode="before")
    @classmethod
    def _day(cls, day: Any) -> Any:
        """A day of Python is as good as its text."""
        return day.isoformat() if type(day) is date else day

    @property
    def canaries(self) -> tuple[str, ...]:
        """The phones of `canary` in E.164."""
        phones = (to_e164(text.strip()) for text in re.split("[,;]", self.canary) if text.strip())
        return tuple(phone for phone in phones if phone)

    @field_validator("canary", mode="before")
    @classmethod
    def _listed(cls, canary: Any) -> Any:
        """One phone or several, as text or as numbers."""
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
        """A setting of the other provider would be silently ignored."""
        given = {name for name in self.model_fields_set if getattr(self, name) not in (None, {}, ())}
        of_the_list = sorted(name for name in given if name.startswith("list_"))
        if self.provider == "dncscrub" and of_the_list:
            raise ValueError(
                f"{', '.join(of_the_list)} is set, but provider is dncscrub, which reads no list; set provider to list, or remove it"
            )
        of_dncscrub = sorted(given & {"codes", "price"})
        if self.provider == "list" and of_dncscrub:
            raise ValueError(f"{', '.join(of_dncscrub)} is set, which is for DNCScrub, but provider is list; remove it")
        return self


class SheetsSettings(_Part):
    """The Google Sheet that callers work from; `spreadsheet_id` is its id, or its whole address.

    Google counts writes a minute; `write_every_s` keeps two writes that far apart besides, for a stricter quota.
    """

    spreadsheet_id: Word
    worksheet: Word = "consolidated_data"
    base_url: str = "https://sheets.googleapis.com"
    credentials_file: Path | None = None
    key_column: Word = "Lead Key"
    writes_per_minute: Positive = 60
    reads_per_minute: Positive = 60
    write_every_s: Annotated[Real, Field(ge=0)] = 0.0
    timeout_s: Seconds = 180.0
    attempts: Positive = 6

    _urls = field_validator("base_url")(safe_url)

    @field_validator("spreadsheet_id")
    @classmethod
    def _id(cls, text: str) -> str:
        """The id, out of the address that a browser shows if need be."""
        found = _SHEET_ADDRESS.search(text)
        if not found and not re.fullmatch(r"[\w-]+", text):
            raise ValueError(
                "is no spreadsheet's id; it is the long word after /spreadsheets/d/ in the sheet's address"
            )
        return found[1] if found else text


class Policy(_Part):
    """What may be called, and what is delivered.

    Cells of a script's own columns from which a phone can be read are withheld from the sheet; with `script_phones="check"`
    these phones are checked and delivered like bought ones. A column named in `not_phones` holds none, and is delivered.
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


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise SettingsError("this system does not know who runs it; set LEADFLOW_STARTED_BY to your name") from None


class Settings(Checked, BaseSettings):
    """Everything an Engine needs to know; `home` holds the history and the checkpoints.

    `max_cost` is in dollars a job, over all its runs: lookups, and the checks of the phones they find. Raises SettingsError,
    which says all that is wrong at once, for an unknown name and for a value that cannot be used.

    Example:
        >>> import leadflow as lf
        >>> lf.Settings(max_lookup=2)
        Traceback (most recent call last):
            ...
        leadflow.errors.SettingsError: the settings cannot be used: ... LEADFLOW_MAX_LOOKUP is no setting; the nearest is LEADFLOW_MAX_LOOKUPS...
    """

    model_config = SettingsConfigDict(**STRICT, env_prefix="LEADFLOW_", env_nested_delimiter="__", env_file=".env")

    home: Path = Path("~/.leadflow")
    started_by: Word = Field(default_factory=_user)
    batch_size: Annotated[Positive, Field(le=10_000)] = 200
    batches_in_flight: Positive = 4
    row_event_every: Positive = 10
    history_wait_s: Seconds = 60
    max_lookups: Annotated[Whole, Field(ge=0)] | None = None
    max_cost: Price | None = None
    warehouse: WarehouseSettings
    idicore: IdicoreSettings
    litigator: LitigatorSettings
    dnc: DncSettings
    sheets: SheetsSettings
    policy: Policy = Policy()

    if not TYPE_CHECKING:

        def __init__(
            self,
            _env_file: Any = ".env",
            _env_file_encoding: str | None = None,
            _secrets_dir: Any = None,
            **values: Any,
        ) -> None:
            if isinstance(_env_file, Mapping):
                raise SettingsError("settings are given by name; write lf.Settings(**values)")
            found = settings_sources.places(_env_file, _env_file_encoding, _secrets_dir)
            from_places, faults = settings_sources.read(type(self), found)
            fill(self, _merged(from_places, values), faults)

    @field_validator("home", mode="before")
    @classmethod
    def _named(cls, home: Any) -> Any:
        if isinstance(home, str) and not home.strip():
            raise ValueError("is empty; name a folder")
        return home

    @property
    def history_file(self) -> Path:
        """Where the DuckDB history lives."""
        return self.home.expanduser() / "history.duckdb"

    @property
    def checkpoint_file(self) -> Path:
        """Where paid answers are kept until a job is done."""
        return self.home.expanduser() / "checkpoints.sqlite"


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Both, part by part; what is above wins."""
    both = {
        name: _merged(below[name], above[name])
        for name in below.keys() & above.keys()
        if isinstance(below[name], dict) and isinstance(above[name], dict)
    }
    return {**below, **above, **both}

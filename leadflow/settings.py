"""Settings, from arguments, the environment (LEADFLOW_...), or a .env file.

Nested names use two underscores: LEADFLOW_IDICORE__CLIENT_SECRET. Secrets are SecretStr everywhere.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


def _safe_url(url: str) -> str:
    if url.startswith("https://") or url.startswith(_LOOPBACK):
        return url.rstrip("/")
    raise ValueError("must be https; plain http is allowed only to loopback")


def _words(value: Any) -> Any:
    """A list of words; text, as of an environment variable, is parted at its commas."""
    if isinstance(value, str | int):
        return tuple(word.strip() for word in str(value).split(",") if word.strip())
    return tuple(str(word) if isinstance(word, int) else word for word in value) if isinstance(value, list | tuple) else value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WarehouseSettings(_Part):
    """Snowflake. Sign in with a key pair, externalbrowser, a token, or a connection_name of connections.toml.

    `person_cache` and `consolidated` may name a schema, as in "DB.PUBLIC.PERSON_CACHE". A script's statements may take
    `script_timeout_s` each, all other requests `network_timeout_s`.
    """

    connection_name: str | None = None
    account: str | None = None
    user: str | None = None
    host: str | None = None
    port: int | None = None
    protocol: Literal["https", "http"] = "https"
    role: str | None = None
    warehouse: str | None = None
    database: str | None = None
    schema_name: str = "PUBLIC"
    authenticator: str | None = None
    private_key_file: Path | None = None
    private_key_password: SecretStr | None = None
    token: SecretStr | None = None
    session_parameters: dict[str, Any] = Field(default_factory=dict)
    network_timeout_s: int = Field(120, ge=1)
    script_timeout_s: int = Field(3_600, ge=1)
    person_cache: str = "PERSON_CACHE"
    consolidated: str = "UNIQUE_CONSOLIDATED_DATA"
    allow_writes: bool = False


class IdicoreSettings(_Part):
    """idiCORE people search. `glba` and `dppa` are your permissible purposes: no default exists on purpose.

    `fields` are what a search asks for. Public code lists isDead among the premium fields: if your contract does not have
    it, or charges for it, ask idiCORE, or leave it out here; then nobody is held as deceased.
    """

    client_id: str
    client_secret: SecretStr
    glba: str = Field(min_length=1)
    dppa: str = Field(min_length=1)
    login_url: str = "https://login-api.idicore.com/apiclient"
    search_url: str = "https://api.idicore.com/search"
    fields: tuple[str, ...] = ("name", "address", "phone", "email", "isDead")
    token_life_s: float = 720.0
    token_prefix: str = ""
    rank_order: Literal["ascending", "descending"] = "ascending"
    charge_on_no_match: bool = True
    price: float | None = None
    max_in_flight: int = Field(32, ge=1)
    max_per_minute: int | None = None
    timeout_s: float = 30.0
    attempts: int = Field(4, ge=1)
    breaker_failures: int = Field(20, ge=1)

    _urls = field_validator("login_url", "search_url")(_safe_url)


class LitigatorSettings(_Part):
    """DNCScrub's litigator-only list; always POSTed in bulk."""

    login_id: SecretStr
    url: str = "https://dataapi.dncscrub.com/v1.4/scrub/litigator"
    campaign_id: str | None = None
    proj_id: str | None = None
    price: float | None = None
    max_numbers: int = Field(10_000, ge=1)
    max_in_flight: int = Field(8, ge=1)
    max_per_minute: int | None = 1_000
    timeout_s: float = 30.0
    attempts: int = Field(4, ge=1)
    breaker_failures: int = Field(8, ge=1)

    _urls = field_validator("url")(_safe_url)


class DncSettings(_Part):
    """The do-not-call check: DNCScrub's scrub, or a local copy of the national registry (`provider="list"`).

    `codes` overrides single result codes, as in {"W": "hold"}; values are Verdict words.
    `list_path` is a file, a folder, a .zip, or several of them; `list_date` is the day of the download (YYYY-MM-DD), which a
    file may also have in its name. `list_covers` names what is in it beside the national registry: the states whose own lists
    are in it too (CO FL IN LA MA MO OK PA TN TX WY), and wireless if wireless numbers are. AZ LA NJ TX WY forbid sales calls to
    wireless numbers: naming one of them says that its wireless numbers are in the list too.
    `list_area_codes` declares area codes that were bought, beside those found in it. `list_phone_columns` names the columns
    of a CSV or a table that hold the phones, where others have digits too.
    """

    provider: Literal["dncscrub", "list"] = "dncscrub"
    login_id: SecretStr | None = None
    url: str = "https://www.dncscrub.com/app/main/rpc/scrub"
    version: str = "5"
    campaign_id: str | None = None
    proj_id: str | None = None
    codes: dict[str, str] = Field(default_factory=dict)
    list_path: Path | tuple[Path, ...] | None = None
    list_date: str | None = None
    list_covers: tuple[str, ...] | str = ()
    list_area_codes: tuple[str, ...] | str = ()
    list_phone_columns: tuple[str, ...] | str = ()
    price: float | None = None
    max_numbers: int = Field(10_000, ge=1)
    max_in_flight: int = Field(8, ge=1)
    max_per_minute: int | None = 100
    timeout_s: float = 60.0
    attempts: int = Field(4, ge=1)
    breaker_failures: int = Field(8, ge=1)

    _urls = field_validator("url")(_safe_url)
    _lists = field_validator("list_covers", "list_area_codes", "list_phone_columns", mode="before")(_words)


class SheetsSettings(_Part):
    """The Google Sheet that callers work from.

    Google counts writes a minute; `write_every_s` keeps two writes that far apart besides, for a stricter quota.
    """

    spreadsheet_id: str
    worksheet: str = "consolidated_data"
    base_url: str = "https://sheets.googleapis.com"
    credentials_file: Path | None = None
    key_column: str = "Lead Key"
    writes_per_minute: int = Field(60, ge=1)
    reads_per_minute: int = Field(60, ge=1)
    write_every_s: float = Field(0.0, ge=0)
    timeout_s: float = 180.0
    attempts: int = Field(6, ge=1)

    _urls = field_validator("base_url")(_safe_url)


class Policy(_Part):
    """What may be called, and what is delivered.

    Cells of a script's own columns from which a phone can be read are withheld from the sheet; with `script_phones="check"`
    these phones are checked and delivered like bought ones. A column named in `not_phones` holds none, and is delivered.
    """

    max_scrub_age_days: float = Field(31, gt=0, le=31)
    hold_lead_on_litigator: bool = True
    deliver_wireless: bool = True
    phones_delivered: int = Field(3, ge=1, le=10)
    emails_delivered: int = Field(3, ge=0, le=10)
    script_phones: Literal["withhold", "check"] = "withhold"
    not_phones: tuple[str, ...] = ()
    reuse_scrubs_hours: float = Field(24, ge=0, le=744)
    keep_checkpoints_days: float = Field(30, ge=0)


class Settings(BaseSettings):
    """Everything an Engine needs to know; `home` holds the history and the checkpoints."""

    model_config = SettingsConfigDict(
        env_prefix="LEADFLOW_", env_nested_delimiter="__", env_file=".env", extra="ignore", frozen=True
    )

    home: Path = Path("~/.leadflow")
    started_by: str = Field(default_factory=getpass.getuser)
    batch_size: int = Field(200, ge=1, le=10_000)
    batches_in_flight: int = Field(4, ge=1)
    row_event_every: int = Field(10, ge=1)
    history_wait_s: float = Field(60, gt=0)
    max_lookups: int | None = Field(None, ge=0)
    max_cost: float | None = Field(None, ge=0)
    warehouse: WarehouseSettings
    idicore: IdicoreSettings
    litigator: LitigatorSettings
    dnc: DncSettings
    sheets: SheetsSettings
    policy: Policy = Policy()

    @property
    def history_file(self) -> Path:
        """Where the DuckDB history lives."""
        return self.home.expanduser() / "history.duckdb"

    @property
    def checkpoint_file(self) -> Path:
        """Where paid answers are kept until a job is done."""
        return self.home.expanduser() / "checkpoints.sqlite"

"""Settings from arguments, the environment (LEADFLOW_...), or a .env file.

Nested names use two underscores: LEADFLOW_IDICORE__CLIENT_SECRET. Secrets are SecretStr everywhere. An unknown name or
an invalid value raises SettingsError; leadflow ignores none.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from leadflow.errors import SettingsError
from leadflow.settings.base import (
    STRICT,
    Checked,
    Positive,
    Price,
    Seconds,
    Whole,
    Word,
    Words,
    fill,
)
from leadflow.settings.compliance import ComplianceSettings
from leadflow.settings.further import CHECKS, SEARCHES, BlacklistAllianceSettings, PeopleDataLabsSettings
from leadflow.settings.policy import Policy
from leadflow.settings.sheets import SheetsSettings
from leadflow.settings.shown import to_html, to_text
from leadflow.settings.sources import places, read
from leadflow.settings.vendors import DncSettings, IdicoreSettings, LitigatorSettings, ReassignedSettings
from leadflow.settings.warehouse import WarehouseSettings


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise SettingsError("this system does not know who runs it; set LEADFLOW_STARTED_BY to your name") from None


class Settings(Checked, BaseSettings):
    """All settings of an Engine. `home` is the folder of the history and the checkpoints.

    `max_cost` is in dollars per job, over all its runs. It covers lookups and the checks of the phones they find.
    `lookups` names further sources of phones, asked in order after idiCORE (people_data_labs), and `checks` further
    checks of phones (blacklist_alliance); see leadflow.PeopleSearch and leadflow.PhoneCheck. By default there are none.
    Unknown names and invalid values raise SettingsError; one error lists all faults.

    Example:
        >>> import leadflow as lf
        >>> lf.Settings(max_lookup=2)
        Traceback (most recent call last):
            ...
        leadflow.errors.SettingsError: ... LEADFLOW_MAX_LOOKUP is no setting; the nearest is LEADFLOW_MAX_LOOKUPS...
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
    lookups: Words = ()
    checks: Words = ()
    warehouse: WarehouseSettings
    idicore: IdicoreSettings
    litigator: LitigatorSettings
    dnc: DncSettings
    reassigned: ReassignedSettings = ReassignedSettings()
    people_data_labs: PeopleDataLabsSettings = PeopleDataLabsSettings()
    blacklist_alliance: BlacklistAllianceSettings = BlacklistAllianceSettings()
    sheets: SheetsSettings
    policy: Policy = Policy()
    compliance: ComplianceSettings = ComplianceSettings()

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
            found = places(_env_file, _env_file_encoding, _secrets_dir)
            from_places, faults = read(type(self), found)
            fill(self, _merged(from_places, values), faults)

    @field_validator("lookups", "checks")
    @classmethod
    def _providers(cls, names: tuple[str, ...], field: ValidationInfo) -> tuple[str, ...]:
        known = SEARCHES if field.field_name == "lookups" else CHECKS
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"names {unknown[0]!r}; known are {', '.join(known)}")
        return tuple(dict.fromkeys(names))

    @field_validator("home", mode="before")
    @classmethod
    def _named(cls, home: Any) -> Any:
        if isinstance(home, str) and not home.strip():
            raise ValueError("is empty; name a folder")
        return home

    def __repr__(self) -> str:
        """Return the settings that differ from their defaults, without secrets."""
        return to_text(self)

    def __str__(self) -> str:
        """Return the settings that differ from their defaults, without secrets."""
        return to_text(self)

    def _repr_html_(self) -> str:
        return to_html(self)

    @property
    def history_file(self) -> Path:
        """The path of the DuckDB history."""
        return self.home.expanduser() / "history.duckdb"

    @property
    def checkpoint_file(self) -> Path:
        """The path of the SQLite checkpoints. They keep paid answers until a job is done."""
        return self.home.expanduser() / "checkpoints.sqlite"


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return both dicts merged, part by part; values of `above` override values of `below`."""
    both = {
        name: _merged(below[name], above[name])
        for name in below.keys() & above.keys()
        if isinstance(below[name], dict) and isinstance(above[name], dict)
    }
    return {**below, **above, **both}

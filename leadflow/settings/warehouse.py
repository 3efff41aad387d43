"""Settings of Snowflake: sign-in, tables, and time limits of statements."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from leadflow.settings.base import Part, Positive, Secret, Word
from leadflow.settings.sign_in import LEADFLOWS_PARAMETERS, account_name, sign_in_fault

# The settings that name the tables which leadflow writes.
TABLE_SETTINGS = ("person_cache", "consolidated", "ledger", "suppressions")


class WarehouseSettings(Part):
    """Snowflake. Sign in with a key pair, externalbrowser, a token, or a connection_name of connections.toml.

    A `token` without an `authenticator` is a programmatic access token. For an OAuth access token set `authenticator`
    to oauth. `person_cache`, `consolidated`, `ledger` and `suppressions` name the tables that leadflow writes; a name
    may include a schema, as in "DB.PUBLIC.PERSON_CACHE". The time limits are `script_timeout_s` for each statement of a
    script, `statement_timeout_s` for each of leadflow's own statements, and `network_timeout_s` for all other requests.
    Version 5 of the connector has one limit for all statements: leadflow sets the longer one.
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
    statement_timeout_s: Positive = 1_800
    person_cache: Word = "PERSON_CACHE"
    consolidated: Word = "UNIQUE_CONSOLIDATED_DATA"
    ledger: Word = "SCRUB_LEDGER"
    suppressions: Word = "SUPPRESSIONS"
    allow_writes: bool = False

    _account = field_validator("account")(account_name)

    @model_validator(mode="after")
    def _agrees(self) -> WarehouseSettings:
        if fault := sign_in_fault(self):
            raise ValueError(fault)
        names = Counter(getattr(self, table).casefold() for table in TABLE_SETTINGS)
        if same := [table for table in TABLE_SETTINGS if names[getattr(self, table).casefold()] > 1]:
            raise ValueError(f"{' and '.join(same)} name the same table; they need one each")
        if any(name.upper() == "QUERY_TAG" for name in self.session_parameters):
            raise ValueError("session_parameters sets QUERY_TAG, which leadflow sets to the job's id; remove it")
        if ours := sorted({name.upper() for name in self.session_parameters} & LEADFLOWS_PARAMETERS.keys()):
            raise ValueError(
                f"session_parameters sets {', '.join(ours)}, which leadflow's own statements depend on; remove it"
            )
        return self

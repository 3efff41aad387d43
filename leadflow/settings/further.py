"""Settings of the further providers: People Data Labs for phones, Blacklist Alliance for litigators and do-not-call."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from leadflow.settings.base import BUSY_WAIT_S, Part, Positive, Price, Seconds, Secret, safe_url

# The providers that Settings.lookups and Settings.checks can name.
SEARCHES = ("people_data_labs",)
CHECKS = ("blacklist_alliance",)


class PeopleDataLabsSettings(Part):
    """People Data Labs' Person Enrichment, a further source of phones. It is used only if `lookups` names it.

    `price` is in dollars for a search that is charged. People Data Labs charges for a match (200) and not for a search
    without one (404); if your contract says otherwise, set `charge_on_no_match`. `min_likelihood` (1 to 10) is how sure
    they must be of a match before it is returned and charged; leadflow's own rules of name and address then apply.
    `max_per_minute` is their default for paying customers; a free plan has 100, and hides phones.

    Sources, read 2026-11-28: https://docs.peopledatalabs.com/docs/reference-person-enrichment-api (billing and limits),
    https://docs.peopledatalabs.com/support/troubleshooting/no-results-found (404 is not billed).
    """

    usual = ("api_key", "price")

    api_key: Secret | None = None
    url: str = "https://api.peopledatalabs.com/v5/person/enrich"
    price: Price | None = None
    charge_on_no_match: bool = False
    min_likelihood: Annotated[Positive, Field(le=10)] = 6
    max_in_flight: Positive = 8
    max_per_minute: Positive | None = 1_000
    timeout_s: Seconds = 30.0
    attempts: Positive = 4
    busy_wait_s: Seconds = BUSY_WAIT_S
    breaker_failures: Positive = 8

    _urls = field_validator("url")(safe_url)


class BlacklistAllianceSettings(Part):
    """Blacklist Alliance's bulk lookup, a further check for litigators and do-not-call. Used if `checks` names it.

    `price` is in dollars a number. `version` is that of their answers; v5 is the newest that public clients use.
    `codes` gives single reason codes a verdict, as in {"screamer": "dnc"}; values are Verdict words. A request may have
    1 MB; public clients send 5,000 numbers. They publish no limit of calls a minute.

    Sources, read 2026-11-28: https://github.com/tobsn/blacklist-alliance-client, a public client, and public code that
    reads the answers; the vendor's own reference was not found.
    """

    usual = ("api_key", "price")

    api_key: Secret | None = None
    url: str = "https://api.blacklistalliance.net/bulklookup"
    version: Literal["v1", "v2", "v3", "v5"] = "v5"
    codes: dict[str, str] = Field(default_factory=dict)
    price: Price | None = None
    max_numbers: Annotated[Positive, Field(le=5_000)] = 5_000
    max_in_flight: Positive = 4
    max_per_minute: Positive | None = None
    timeout_s: Seconds = 60.0
    attempts: Positive = 4
    busy_wait_s: Seconds = BUSY_WAIT_S
    breaker_failures: Positive = 8

    _urls = field_validator("url")(safe_url)

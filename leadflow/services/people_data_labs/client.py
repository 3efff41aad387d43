"""The client of People Data Labs' Person Enrichment: one POST for each person."""

from __future__ import annotations

from typing import Any

import httpx

from leadflow.errors import RefusedError, RejectedError, SettingsError, UnusableAnswerError
from leadflow.leads.found_people import SearchResult
from leadflow.leads.matching import searched_name
from leadflow.leads.people import Person
from leadflow.services.people_data_labs.answer import FIELDS, hides_contacts, read_person
from leadflow.services.transport.http import read_json
from leadflow.services.transport.limits import StopFlag
from leadflow.services.transport.vendor_caller import caller_of
from leadflow.settings import PeopleDataLabsSettings

_NAME = "People Data Labs"
# A person without a phone is of no use, and a record that lacks a required field is not returned and not charged.
_REQUIRED = "mobile_phone OR phone_numbers"
_NO_MATCH, _NO_CREDITS, _BAD_REQUEST = 404, 402, 400


class HiddenContactsError(RefusedError):
    """The account's plan hides phones or addresses. The search was charged."""

    charged = True


class PeopleDataLabs:
    """A PeopleSearch with People Data Labs. One instance is safe to use from many threads.

    Raises SettingsError if LEADFLOW_PEOPLE_DATA_LABS__API_KEY or __PRICE is not set.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start(providers=["people_data_labs"]) as world:
        ...     second = lf.PeopleDataLabs(world.settings.people_data_labs)
        ...     with lf.Engine(world.settings, lookups=[second]) as engine:
        ...         job = engine.run("SELECT * FROM RAW_LEADS", limit_rows=60)
        >>> [row["provider"] for row in job.counts.providers if row["what"] == "lookup"]
        ['idicore', 'people_data_labs']
    """

    provider = "people_data_labs"

    def __init__(self, settings: PeopleDataLabsSettings) -> None:
        if settings.api_key is None or settings.price is None:
            raise SettingsError(
                "People Data Labs needs LEADFLOW_PEOPLE_DATA_LABS__API_KEY and LEADFLOW_PEOPLE_DATA_LABS__PRICE "
                "(dollars a charged search); set both"
            )
        self.settings = settings
        self.price = settings.price
        self.max_in_flight = settings.max_in_flight
        self._key = settings.api_key.get_secret_value()
        self._caller = caller_of(_NAME, settings, self._key)
        self.limiters, self.breakers = (self._caller.limiter,), self._caller.breakers

    def search(self, person: Person, stop: StopFlag | None = None) -> SearchResult:
        """Search for one person. A search that finds nobody is free unless charge_on_no_match is set.

        After retries, raises TransientError, UnreadableError or ServiceDownError; RejectedError if this one search is
        refused; RefusedError if all are: a bad key (401), no credits (402), or a plan that hides phones; Stopped.
        """
        body = self._body(person)
        return self._caller.call(
            lambda client: client.post(self.settings.url, json=body, headers=self._headers()),
            lambda response: self._read(response, person),
            stop,
            readable=(_NO_MATCH, _NO_CREDITS, _BAD_REQUEST),
        )

    def probe(self, stop: StopFlag | None = None) -> str:
        """Ask for the limits of the account, which is free, and return them as text. Raises the errors of search.

        Source: https://docs.peopledatalabs.com/docs/usage-limits, read 2026-11-28: a HEAD request returns the headers.
        """
        ignored = (_BAD_REQUEST, _NO_MATCH, 405)
        return self._caller.call(
            lambda client: client.head(self.settings.url, headers=self._headers()), _limits_of, stop, readable=ignored
        )

    def close(self) -> None:
        """Close its connections."""
        self._caller.close()

    def _headers(self) -> dict[str, str]:
        return {"X-Api-Key": self._key}

    def _body(self, person: Person) -> dict[str, Any]:
        first, last = searched_name(person.first_name, person.last_name)
        return {
            "first_name": first,
            "last_name": last,
            "street_address": person.address,
            "locality": person.city,
            "region": person.state,
            "postal_code": person.zip,
            "country": "united states",
            "min_likelihood": self.settings.min_likelihood,
            "required": _REQUIRED,
            "data_include": ",".join(FIELDS),
        }

    def _read(self, response: httpx.Response, person: Person) -> SearchResult:
        status = response.status_code
        if status == _NO_CREDITS:
            raise RefusedError(f"{_NAME}: the account has no credits left (402); buy credits, then resume the job")
        body = read_json(_NAME, response)
        if status == _BAD_REQUEST:
            raise RejectedError(f"{_NAME} refused the search for lead {person.person_key} (400); check the lead")
        error = body.get("error") if isinstance(body, dict) else None
        if status == _NO_MATCH:
            # A proxy or a wrong address answers 404 too: only their own words mean that nobody was found.
            if isinstance(error, dict) and error.get("type") == "not_found":
                return SearchResult((), self.settings.charge_on_no_match)
            raise RefusedError(f"{_NAME} does not know this address (404); check LEADFLOW_PEOPLE_DATA_LABS__URL")
        return self._found(body, person)

    def _found(self, body: Any, person: Person) -> SearchResult:
        record = body.get("data") if isinstance(body, dict) else None
        if not isinstance(record, dict) or body.get("status") != httpx.codes.OK:
            raise UnusableAnswerError(f"{_NAME} answered without a record for lead {person.person_key}")
        if hides_contacts(record):
            raise HiddenContactsError(f"{_NAME}: this plan hides phones and addresses; upgrade it, or do not use it")
        likelihood = body.get("likelihood")
        if type(likelihood) is not int or likelihood < self.settings.min_likelihood:
            return SearchResult(())
        return SearchResult([read_person(record)])


def _limits_of(response: httpx.Response) -> str:
    if response.status_code == _NO_CREDITS:
        raise RefusedError(f"{_NAME}: the account has no credits left (402); buy credits")
    left = response.headers.get("x-totallimit-remaining", "")
    return f"the key is accepted; {left} credits are left" if left.isdecimal() else "the key is accepted"

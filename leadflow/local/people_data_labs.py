"""A stand-in for People Data Labs' Person Enrichment: POST /v5/person/enrich, HEAD for the limits of the account.

Sources, read 2026-11-28: https://docs.peopledatalabs.com/docs/introduction (POST), .../docs/errors (the body of an
error, 402), .../docs/usage-limits (the headers), .../docs/person-schema (true in place of what a plan hides).
"""

from __future__ import annotations

import re
from typing import Any

from leadflow.leads.postal import STATE_CODES
from leadflow.local.faults import Call, Fault, Gate, Reply
from leadflow.local.people import Truth, draw, invent, key_of, phone_type

API_KEY = "local-pdl-key"
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "payment_required",
    404: "not_found",
    405: "invalid_request_error",
    429: "rate_limit_error",
}
_LOCATION = ("street_address", "address_line_2", "locality", "region", "postal_code")
_IDENTITY = ("first_name", "last_name", "street_address", "locality", "region", "postal_code")


class PeopleDataLabs:
    """Answers as People Data Labs does, about people that depend on their name and address alone.

    Half of the people are known. One in ten has another given name, one in ten another address: strangers that a client
    must not take for the person.
    """

    def __init__(self, seed: int) -> None:
        """Answer about people of this seed."""
        self.gate = Gate("people_data_labs")
        self.seed = seed
        self.reset()

    def reset(self) -> None:
        """Delete purchases and the last search, and give the account credits and a plan that shows contacts."""
        self.bought: dict[str, int] = {}
        self.asked: dict[str, int] = {}
        self.last_search: dict[str, Any] = {}
        self.hides_contacts = False
        self.credits = 100_000

    def operation(self, method: str, path: str) -> str:
        """Return "limits" for a free request of the headers, else "search"."""
        return "limits" if method == "HEAD" else "search"

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error in their format."""
        return {"status": status, "error": {"type": _ERRORS.get(status, "api_error"), "message": message}}

    def empty(self) -> dict[str, Any]:
        """Return an answer without a record."""
        return {}

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Answer for one person."""
        if call.path != "/v5/person/enrich":
            return Reply({"message": "Not Found"}, 404)
        if call.headers.get("x-api-key") != API_KEY or (fault and fault.kind == "expired_token"):
            return Reply(self.error(401, "Request contained a missing or invalid key"), 401)
        headers = {"x-totallimit-remaining": str(self.credits), "x-ratelimit-remaining": "1000"}
        if call.method == "HEAD":
            return Reply(self.error(400, "Request contained either missing or invalid parameters"), 400, headers)
        if call.method not in ("GET", "POST"):
            return Reply(self.error(405, "Request method is not allowed on the requested resource"), 405)
        if self.credits <= 0:
            return Reply(self.error(402, "You have reached your account maximum"), 402)
        return self._search(call, headers)

    def _search(self, call: Call, headers: dict[str, str]) -> Reply:
        body = call.json() if call.method == "POST" else {name: values[0] for name, values in call.query.items()}
        if not isinstance(body, dict) or not (body.get("first_name") and body.get("last_name")):
            return Reply(self.error(400, "Request contained either missing or invalid parameters"), 400)
        self.last_search = body
        key = key_of(*(str(body.get(name) or "") for name in _IDENTITY))
        self.asked[key] = self.asked.get(key, 0) + 1
        truth = person_of(key, self.seed)
        is_unsure = _likelihood(key) < int(body.get("min_likelihood") or 2)
        lacks = "phone" in str(body.get("required") or "") and not truth.phones
        if truth.outcome == "no_match" or is_unsure or lacks:
            return Reply(self.error(404, "No records were found matching your request"), 404, headers)
        self.bought[key] = self.bought.get(key, 0) + 1
        self.credits -= 1
        record = _record(truth, body)
        if self.hides_contacts:
            record |= dict.fromkeys(("mobile_phone", "phone_numbers", "street_addresses", "emails"), True)
        answer = {"status": 200, "likelihood": _likelihood(key), "data": record}
        return Reply(answer, 200, {**headers, "x-call-credits-spent": "1"})


def person_of(key: str, seed: int) -> Truth:
    """Return the truth about a person here: other phones than idiCORE's. Half of the people are unknown."""
    if draw(f"pdl {key}", 2):
        return Truth(key, "no_match")
    return invent(f"pdl {key}", seed)


def _likelihood(key: str) -> int:
    return 6 + draw(f"likelihood {key}", 5)


def _record(truth: Truth, body: dict[str, Any]) -> dict[str, Any]:
    """Return the record, in lower case and with the state's name, as their data is."""
    first, last, street, city, state, zip_code = (str(body.get(name) or "").strip().lower() for name in _IDENTITY)
    lot = draw(f"stranger {truth.person_key}", 10)
    address = {
        "street_address": "99 elsewhere road" if lot == 1 else street,
        "address_line_2": None,
        "locality": city,
        "region": _state_name(state),
        "postal_code": zip_code[:5],
        "country": "united states",
        "last_seen": "2026-09-01",
    }
    phones = [f"+1{phone}" for phone in truth.phones]
    mobile = next((phone for phone in truth.phones if phone_type(phone) == "Mobile"), None)
    return {
        "id": f"{truth.person_key[:22]}_0000",
        "first_name": "wilhelmina" if lot == 0 else first,
        "middle_name": None,
        "last_name": last,
        "name_aliases": [],
        "mobile_phone": f"+1{mobile}" if mobile else None,
        "phone_numbers": phones,
        "phones": [{"number": phone, "last_seen": "2026-05-01", "num_sources": 2} for phone in phones],
        "emails": [{"address": email, "type": "personal"} for email in truth.emails],
        "personal_emails": truth.emails,
        "street_addresses": [address],
        **{f"location_{name}": address[name] for name in _LOCATION},
    }


def _state_name(code: str) -> str:
    names = [name for name, found in STATE_CODES.items() if found == code and len(name) > len(code)]
    return re.sub("^(new|north|south|west|rhode)", r"\1 ", names[0]) if names else code

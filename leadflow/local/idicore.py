"""A stand-in for idiCORE: a Basic login that returns a raw token with an expiry, and one POST /search a person."""

from __future__ import annotations

import base64
import secrets
import time
from typing import Any

from leadflow.local.faults import Call, Fault, Gate, Reply
from leadflow.local.people import Truth, dirty, draw, invent, key_of, phone_type

CLIENT_ID = "api-client@local"
CLIENT_SECRET = "local-secret"  # noqa: S105 - opens nothing but this stand-in


class Idicore:
    """Answers as idiCORE does, from the truth file, or from the person's key if the file does not have the person."""

    def __init__(self, truth: dict[str, Truth], seed: int) -> None:
        """Answer from this truth. `seed` is for people that it does not contain."""
        self.gate = Gate("idicore")
        self.truth, self.seed = truth, seed
        self.token_life_s = 900.0
        self.reset()

    def reset(self) -> None:
        """Delete tokens, purchases, deceased people and the last search."""
        self.tokens: dict[str, float] = {}
        self.bought: dict[str, int] = {}
        self.dead: set[str] = set()
        self.last_search: dict[str, Any] = {}

    def operation(self, method: str, path: str) -> str:
        """Return whether the call is a login or a search."""
        return "login" if path.startswith("/apiclient") else "search"

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error in idiCORE's format."""
        code = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 429: "TooManyRequests"}.get(
            status, "ServerError"
        )
        return {"error": {"code": code, "message": message}}

    def empty(self) -> dict[str, Any]:
        """Return an answer without a result."""
        return {}

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Log in or search."""
        if call.method != "POST":
            return Reply(self.error(405, "POST only"), 405)
        return self._login(call) if call.operation == "login" else self._search(call, fault)

    def _login(self, call: Call) -> Reply:
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {expected}":
            return Reply(self.error(401, "client not known"), 401)
        if not call.field("glba") or not call.field("dppa"):
            return Reply(self.error(400, "glba and dppa are required"), 400)
        token = secrets.token_hex(24)
        self.tokens[token] = time.monotonic() + self.token_life_s
        return Reply(token)

    def _search(self, call: Call, fault: Fault | None) -> Reply:
        if fault and fault.kind == "expired_token":
            self.tokens.clear()
        if self.tokens.get(call.headers.get("authorization", ""), 0) < time.monotonic():
            return Reply(self.error(401, "token expired"), 401)
        body = call.json()
        if not isinstance(body, dict) or not (body.get("lastName") or body.get("firstName")):
            return Reply(self.error(400, "a name is required"), 400)
        self.last_search = body
        parts = [str(body.get(k) or "") for k in ("firstName", "lastName", "address", "city", "state", "zip")]
        reference = str(body.get("referenceId") or "")
        key = reference if reference in self.truth else key_of(*parts)
        truth = self.truth.get(key) or invent(reference or key, self.seed)
        self.bought[reference or key] = self.bought.get(reference or key, 0) + 1
        return Reply(
            {"result": [self._with_premium_fields(person, reference or key, body) for person in _result(truth, *parts)]}
        )

    def _with_premium_fields(self, person: dict[str, Any], key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the person, with `isDead` only if the search requests this premium field."""
        return {**person, "isDead": key in self.dead} if "isDead" in (body.get("fields") or ()) else person


def _result(
    truth: Truth, first: str, last: str, address: str, city: str, state: str, zip_code: str
) -> list[dict[str, Any]]:
    if truth.outcome == "no_match":
        return []
    where = (address, city, state, zip_code)
    person = _person(truth, first, last, where, truth.phones, truth.emails)
    if truth.outcome == "ambiguous":
        namesake = _person(truth, first, last, where, list(reversed(truth.phones)), [])
        return [person, {**namesake, "pid": "1" + person["pid"], "dob": [{"age": 31}]}]
    if draw(f"relative {truth.person_key}", 8) == 0:
        relative = _person(truth, "Wilhelmina", last, ("99 Elsewhere Rd", city, state, zip_code), ["2025550199"], [])
        return [{**relative, "pid": "2" + person["pid"]}, person]
    return [person]


def _person(
    truth: Truth, first: str, last: str, where: tuple[str, str, str, str], phones: list[str], emails: list[str]
) -> dict[str, Any]:
    key = truth.person_key
    address, city, state, zip_code = (part.strip().upper() for part in where)
    listed = _phones(phones, key)
    meta = {"rank": 1, "count": 9, "firstSeen": "20090101", "lastSeen": "20260901"}
    name = {"first": first.strip().upper(), "last": last.strip().upper()}
    found: dict[str, Any] = {
        "pid": str(10_000_000 + draw(f"pid {key}", 80_000_000)),
        "name": [{**name, "data": f"{name['first']} {name['last']}", "meta": meta}],
        "dob": [{"age": 30 + draw(f"age {key}", 50)}],
        "address": [
            {
                "data": address,
                "city": city,
                "state": state,
                "zip": zip_code[:5],
                "dateRange": "01/2009 - 09/2026",
                "meta": meta,
            }
        ],
    }
    if listed:
        found["phone"] = listed
    if emails:
        found["email"] = [{"data": mail, "meta": {**meta, "rank": n}} for n, mail in enumerate(emails, 1)]
    return found


def _phones(phones: list[str], key: str) -> list[dict[str, Any]]:
    """Return the phones in arbitrary order, sometimes with a fake number."""
    listed = [_phone(phone, key, rank) for rank, phone in enumerate(phones, 1)]
    if listed and draw(f"junk {key}", 20) == 0:
        listed.append({"number": "(000) 000-0000", "type": "Landline", "fake": True, "meta": {"rank": 9}})
    return sorted(listed, key=lambda p: draw(f"order {key} {p['number']}", 1000))


def _phone(phone: str, key: str, rank: int) -> dict[str, Any]:
    seen = f"202{draw(f'year {phone}', 7)}{1 + draw(f'month {phone}', 9):02d}15"
    meta = {"rank": rank, "firstSeen": "20110101", "lastSeen": seen}
    return {"number": dirty(phone, key), "type": phone_type(phone), "fake": False, "meta": meta}

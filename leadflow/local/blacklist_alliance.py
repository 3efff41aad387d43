"""A stand-in for Blacklist Alliance: POST /bulklookup, with the key in the query.

Sources: https://github.com/tobsn/blacklist-alliance-client, a public client, read 2026-11-28. The spelling "supression"
is theirs.
"""

from __future__ import annotations

from typing import Any

from leadflow.local.faults import Call, Fault, Gate, Reply
from leadflow.local.people import draw, phone_type

API_KEY = "local-bla-key"
_MOST_BYTES = 1_000_000
_REASONS = ("plaintiff-primary", "prelitigation1,federal-dnc", "federal-dnc", "screamer", "texas-dnc", "suppression")


class BlacklistAlliance:
    """Lists about one phone in twelve, others than DNCScrub's lists. `listed` overrides the codes by phone."""

    def __init__(self) -> None:
        """Make the service behind its gate."""
        self.gate = Gate("blacklist_alliance")
        self.reset()

    def reset(self) -> None:
        """Delete the counts of numbers and the codes that were set."""
        self.asked: dict[str, int] = {}
        self.listed: dict[str, str] = {}

    def operation(self, method: str, path: str) -> str:
        """Return "check" for every call."""
        return "check"

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error in their format."""
        return {"status": "error", "message": message}

    def empty(self) -> dict[str, Any]:
        """Return an answer without any part."""
        return {}

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Look numbers up."""
        if call.path != "/bulklookup" or call.method != "POST":
            return Reply(self.error(404, "not found"), 404)
        if call.query.get("key", [""])[0] != API_KEY or (fault and fault.kind == "expired_token"):
            return Reply(self.error(401, "Invalid API key"), 401)
        body = call.json()
        phones = body.get("phones") if isinstance(body, dict) else None
        if not isinstance(phones, list) or not phones or len(call.body) > _MOST_BYTES:
            return Reply(self.error(422, "phones must be a list of numbers, of at most 1 MB"), 422)
        numbers = [str(phone) for phone in phones]
        self.gate.count("numbers", len(numbers))
        for number in numbers:
            self.asked[number] = self.asked.get(number, 0) + 1
        return Reply(self._answer(numbers, fault))

    def _answer(self, numbers: list[str], fault: Fault | None) -> dict[str, Any]:
        reasons = {number: codes for number in numbers if (codes := self.listed.get(number, codes_of(number)))}
        answer = {
            "status": "success",
            "numbers": len(numbers),
            "count": len(numbers),
            "phones": numbers,
            "supression": list(reasons),
            "wireless": [number for number in numbers if phone_type(number) == "Mobile"],
            "reasons": reasons,
            "carrier": {},
        }
        if fault and fault.kind == "missing_row":
            answer["count"] = len(numbers) - int(fault.options.get("rows", 1))
        if fault and fault.kind == "unknown_code":
            answer |= {"supression": numbers, "reasons": dict.fromkeys(numbers, "a-list-of-tomorrow")}
        return answer


def codes_of(number: str) -> str:
    """Return the reason codes of a phone of 10 digits, "" if it is not listed."""
    return "" if draw(f"bla {number}", 12) else _REASONS[draw(f"bla code {number}", len(_REASONS))]

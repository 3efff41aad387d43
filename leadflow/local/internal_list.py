"""The internal do-not-call lists of the stand-in for DNCScrub: GET or POST /app/main/rpc/pdnc.

Source: https://docs.dncscrub.com/api-reference/scrub/internal-dnc. The page does not say what `status` and `count`
answer: lines of number and flag, and one number, are this stand-in's own.
"""

from __future__ import annotations

import re

from leadflow.local.faults import Call, Fault, Reply

_GOOD = re.compile(r"[2-9]\d{9}")
_ACTIONS = ("add", "remove", "count", "status")


class InternalLists:
    """One list for each project; without a projId, the master project's."""

    def __init__(self) -> None:
        """Start with empty lists."""
        self.numbers: dict[str, set[str]] = {}

    def has(self, project: str, number: str) -> bool:
        """Return whether a number is on a project's list."""
        return number in self.numbers.get(project, ())

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Change or read a list. An invalid number fails the whole request, unless ignoreInvalid is set."""
        action, project = call.field("actionType"), call.field("projId")
        if action not in _ACTIONS:
            return Reply(f"actionType must be one of {', '.join(_ACTIONS)}", 400)
        there = self.numbers.setdefault(project, set())
        if action == "count":
            return Reply(f"{len(there)},")
        numbers = [number for number in call.field("phoneList").split(",") if number]
        good = [number for number in numbers if _GOOD.fullmatch(number)]
        if not numbers or (good != numbers and not (action == "add" and call.field("ignoreInvalid") in ("1", "true"))):
            return Reply("Error importing or updating phone numbers: invalid phone number", 400)
        if action == "status":
            shown = good[:-1] if fault and fault.kind == "missing_row" else good
            return Reply("\n".join(f"{number},{int(number in there)}" for number in shown))
        if action == "remove":
            there.difference_update(good)
        elif not (fault and fault.kind == "missing_row"):
            there.update(good)
        return Reply("")

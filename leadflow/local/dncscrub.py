"""A stand-in for DNCScrub: the litigator list v1.4 (integer phones), the full scrub (all strings), and RNDBasic."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from typing import Any, ClassVar

from leadflow.local.faults import Call, Fault, Gate, Reply
from leadflow.local.internal_list import InternalLists
from leadflow.local.people import dnc_code, is_litigator, reassigned

LOGIN_ID = "local-login"
MOST = 10_000
_INTERNAL = "/app/main/rpc/pdnc"
_GOOD = re.compile(r"[2-9]\d{9}")


class _Scrub:
    """The common part of both lists: the login, the number list, the all-or-nothing rule."""

    name = ""
    # JSON types of the optional members, by their name in lower case.
    types: ClassVar[dict[str, type]] = {}

    def __init__(self) -> None:
        """Make a list behind a gate."""
        self.gate = Gate(self.name)

    def operation(self, method: str, path: str) -> str:
        """Return "check" for every call."""
        return "check"

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error in DNCScrub's format."""
        return {"ErrorCode": status, "Message": message}

    def empty(self) -> list[Any]:
        """Return an answer without rows."""
        return []

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Check the numbers of a request."""
        if call.field("loginId") != LOGIN_ID:
            return Reply(self.error(401, "loginId is not valid"), 401)
        if wrong := self._wrong_types(call.json()):
            return Reply(self.error(400, f"The JSON value of {', '.join(wrong)} could not be converted"), 400)
        numbers = [n.strip() for n in call.field("phoneList").split(",") if n.strip()]
        if not numbers:
            return Reply(self.error(400, "phoneList is required"), 400)
        most = MOST if call.method == "POST" else 10
        if len(numbers) > most:
            return Reply(self.error(400, f"at most {most} numbers a request"), 400)
        malformed = [n for n in numbers if not _GOOD.fullmatch(n.split("|")[0])]
        if (malformed and call.field("ignoreInvalid") != "1") or (fault and fault.kind == "malformed_number"):
            return Reply(self.error(400, "phoneList holds a malformed number"), 400)
        self.gate.count("numbers", len(numbers))
        rows = [self.row(n, call.field("projId")) for n in numbers]
        if fault and fault.kind == "missing_row":
            rows = rows[: -int(fault.options.get("rows", 1))]
        if fault and fault.kind == "unknown_code" and rows:
            self.set_unknown_value(rows[0])
        return self.reply(rows, call)

    def _wrong_types(self, body: Any) -> list[str]:
        """Return the members of a JSON body that have another type than in the manual."""
        members = body.items() if isinstance(body, dict) else ()
        return [name for name, value in members if type(value) is not self.types.get(name.lower(), type(value))]

    def row(self, number: str, project: str) -> dict[str, Any]:
        """Return the row of the answer for a number of a project's request."""
        raise NotImplementedError

    def set_unknown_value(self, row: dict[str, Any]) -> None:
        """Give a row a value that the manual does not list."""
        raise NotImplementedError

    def reply(self, rows: list[dict[str, Any]], call: Call) -> Reply:
        """Return the answer with these rows."""
        return Reply(rows)


class LitigatorList(_Scrub):
    """GET or POST /v1.4/scrub/litigator."""

    name = "litigator"
    # https://docs.dncscrub.com/api-reference/litigator/scrub-post
    types: ClassVar[dict[str, type]] = {"campaignid": int, "projid": str, "phonelist": str, "outputformat": str}

    def row(self, number: str, project: str) -> dict[str, Any]:
        """Return the row for a number. Its `Phone` is an integer."""
        phone = re.sub(r"\D", "", number)
        return {"Phone": int(phone or 0), "IsLitigator": is_litigator(phone)}

    def set_unknown_value(self, row: dict[str, Any]) -> None:
        """Set a value that is neither true nor false."""
        row["IsLitigator"] = None


class FullScrub(_Scrub):
    """GET or POST /app/main/rpc/scrub. A number on the project's internal list has the code P."""

    name = "dnc"
    # https://docs.dncscrub.com/api-reference/scrub/scrub-multiple
    types: ClassVar[dict[str, type]] = {
        "campaignid": str,
        "projid": str,
        "phonelist": str,
        "version": str,
        "output": str,
    }
    # What the project checks: everything, litigators only, wireless numbers only, or all but wireless numbers.
    PROJECTS = ("full", "litigator_only", "wireless_only", "without_wireless")

    def __init__(self) -> None:
        """Make a list behind a gate, with a project that checks everything. `calling_windows` are answers by phone."""
        super().__init__()
        self.project = "full"
        self.calling_windows: dict[str, str] = {}
        self.internal = InternalLists()

    def operation(self, method: str, path: str) -> str:
        """Return "list" for a call to the internal lists, "check" for a scrub."""
        return "list" if path == _INTERNAL else "check"

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Scrub numbers, or change and read an internal list, which takes the login from the header alone."""
        if call.path != _INTERNAL:
            return super().handle(call, fault)
        if call.headers.get("loginid") != LOGIN_ID:
            return Reply("loginId is not valid", 401)
        return self.internal.handle(call, fault)

    def row(self, number: str, project: str) -> dict[str, Any]:
        """Return the row for a number, with strings only. For `PHONE|ID`, Reserved has the id."""
        phone, _, reserved = number.partition("|")
        code = dnc_code(phone) if _GOOD.fullmatch(phone) else "M"
        wireless = code in "WLGY"
        line = "VoIP" if code == "Y" else "Wireless" if wireless else "AllOther"
        code, litigator = self._checked(phone, code)
        if code not in "DIMS" and self.internal.has(project, phone):
            code = "P"
        return {
            "Phone": phone,
            "ResultCode": code,
            "Reserved": reserved,
            "Reason": _reason(code, litigator),
            "RegionAbbrev": "LA",
            "Country": "US",
            "Locale": "Fiction",
            "CarrierInfo": f'5820;{line.upper()};"Fictional Telephone"',
            "NewReassignedAreaCode": "",
            "TZCode": "6",
            "CallingWindow": self.calling_windows.get(phone, "8:00-21:00;8:00-21:00;8:00-21:00"),
            "UTCOffset": "-360",
            "DoNotCallToday": "0",
            "CallingTimeRestrictions": "0",
            "EBRType": "",
            "IsWirelessOrVoIP": "1" if wireless else "0",
            "LineType": line,
        }

    def _checked(self, phone: str, code: str) -> tuple[str, bool]:
        """Return the project's code for a phone, and whether it is a litigator. The code is C for unchecked phones."""
        if code in "IMS" or self.project == "full":
            return code, False
        if self.project == "litigator_only":
            return ("D", True) if is_litigator(phone) else ("C", False)
        is_checked = (code in "WLGY") == (self.project == "wireless_only")
        return (code if is_checked else "C"), False

    def set_unknown_value(self, row: dict[str, Any]) -> None:
        """Set a code that the manual does not list."""
        row["ResultCode"] = "Q"

    def reply(self, rows: list[dict[str, Any]], call: Call) -> Reply:
        """Return the rows as CSV, or as JSON if the call requests it."""
        if call.field("output") == "json":
            return Reply(rows)
        quoted = [",".join('"' + str(v).replace('"', '""') + '"' for v in row.values()) for row in rows]
        return Reply("\n".join(quoted), 200, {"content-type": "text/csv"})


class Reassigned:
    """GET /v1.5/Data/RNDBasic: one number a call."""

    name = "reassigned"

    def __init__(self) -> None:
        """Make the check behind a gate. `answers` overrides the answer by phone; `dates` has the dates it was sent."""
        self.gate = Gate(self.name)
        self.answers: dict[str, bool | None] = {}
        self.dates: dict[str, str] = {}

    def operation(self, method: str, path: str) -> str:
        """Return "check" for every call."""
        return "check"

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error in DNCScrub's format."""
        return {"ErrorCode": status, "Message": message}

    def empty(self) -> dict[str, Any]:
        """Return an answer without members."""
        return {}

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Answer for one number. It takes a number and a date in the query alone, and no date of the future."""
        if call.method != "GET" or call.path.rstrip("/").lower() != "/v1.5/data/rndbasic":
            return Reply(self.error(404, "not found"), 404)
        if call.field("loginId") != LOGIN_ID:
            return Reply(self.error(401, "loginId is not valid"), 401)
        phone, day = (call.query.get(name, [""])[0] for name in ("phoneNumber", "date"))
        if not _GOOD.fullmatch(phone) or not _is_past(day):
            return Reply(self.error(400, "phoneNumber has ten digits, and date is a day as 2026-01-05"), 400)
        self.gate.count("numbers", 1)
        self.dates[phone] = day
        answer = self.answers.get(phone, reassigned(phone))
        row = {"PhoneNumber": phone, "IsReassigned": answer, "HasSafeHarbor": answer is not None}
        if fault and fault.kind == "unknown_code":
            row["IsReassigned"] = "unknown"
        return Reply(row)


def _is_past(day: str) -> bool:
    try:
        return len(day) == len("2026-01-05") and date.fromisoformat(day) <= datetime.now(timezone.utc).date()
    except ValueError:
        return False


def _reason(code: str, litigator: bool) -> str:
    if litigator:
        return "Litigator"
    return "National (USA) 2003-06-01;;;" if code == "D" else ";;;W" if code in "WLGY" else ""

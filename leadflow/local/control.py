"""The control side of the local world: settings, faults, counters, reset, and reads and edits of the sheet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from leadflow.local.blacklist_alliance import BlacklistAlliance
from leadflow.local.dncscrub import FullScrub, LitigatorList, Reassigned
from leadflow.local.faults import KINDS, Clock, Fault, Gate
from leadflow.local.grid import SheetsError
from leadflow.local.idicore import Idicore
from leadflow.local.people_data_labs import PeopleDataLabs
from leadflow.local.refusals import REASONS
from leadflow.local.sheets import Sheets
from leadflow.local.snowflake import Snowflake

_QUOTAS = {"sheets_reads": ("sheets", "read"), "sheets_writes": ("sheets", "write"), "sheets": ("sheets", "write")}
_QUOTAS |= {"idicore": ("idicore", "search"), "litigator": ("litigator", "check"), "dnc": ("dnc", "check")}
_QUOTAS |= {"reassigned": ("reassigned", "check"), "people_data_labs": ("people_data_labs", "search")}
_QUOTAS |= {"blacklist_alliance": ("blacklist_alliance", "check")}


class Control:
    """The commands of the control side, over all stand-ins."""

    def __init__(
        self,
        idicore: Idicore,
        litigator: LitigatorList,
        dnc: FullScrub,
        sheets: Sheets,
        snowflake: Snowflake,
        reassigned: Reassigned,
        people_data_labs: PeopleDataLabs,
        blacklist_alliance: BlacklistAlliance,
    ) -> None:
        """Control these stand-ins."""
        self.idicore, self.dnc, self.sheets, self.snowflake = idicore, dnc, sheets, snowflake
        self.reassigned = reassigned
        self.people_data_labs, self.blacklist_alliance = people_data_labs, blacklist_alliance
        self.clock = Clock()
        standins = {"idicore": idicore, "litigator": litigator, "dnc": dnc, "sheets": sheets, "snowflake": snowflake}
        standins["reassigned"] = reassigned
        standins |= {"people_data_labs": people_data_labs, "blacklist_alliance": blacklist_alliance}
        self.gates: dict[str, Gate] = {name: standin.gate for name, standin in standins.items()}

    def configure(self, wanted: dict[str, Any]) -> None:
        """Change the settings that World.configure describes. Raises ValueError for an unknown setting."""
        settings = {**self._setters(), **self.snowflake.settings()}
        if unknown := wanted.keys() - settings.keys():
            known = ", ".join(sorted(settings))
            raise ValueError(f"the local world has no setting {', '.join(sorted(unknown))}; its settings are {known}")
        for name, value in wanted.items():
            settings[name](value)

    def _setters(self) -> dict[str, Callable[[Any], object]]:
        return {
            "clock_ahead_s": lambda seconds: setattr(self.clock, "ahead_s", float(seconds)),
            "latency": self._set_latency,
            "in_flight": self._set_in_flight,
            "quotas": self._set_quotas,
            "token_life_s": lambda seconds: setattr(self.idicore, "token_life_s", float(seconds)),
            "dead": lambda keys: setattr(self.idicore, "dead", set(keys)),
            "dnc_project": self._set_dnc_project,
            "calling_windows": lambda by_phone: setattr(self.dnc, "calling_windows", dict(by_phone)),
            "reassigned": lambda by_phone: setattr(self.reassigned, "answers", dict(by_phone)),
            "sheets_refusal": self._set_sheets_refusal,
            "pdl_hides_contacts": lambda hides: setattr(self.people_data_labs, "hides_contacts", bool(hides)),
            "pdl_credits": lambda credits: setattr(self.people_data_labs, "credits", int(credits)),
            "blacklisted": lambda by_phone: setattr(self.blacklist_alliance, "listed", dict(by_phone)),
        }

    def _set_latency(self, by_service: dict[str, float]) -> None:
        for name, seconds in by_service.items():
            self.gates[name].latency = float(seconds)

    def _set_in_flight(self, by_service: dict[str, int | None]) -> None:
        for name, cap in by_service.items():
            self.gates[name].cap = cap

    def _set_quotas(self, quotas: dict[str, Any]) -> None:
        for name, limit in quotas.items():
            if name == "window_s":
                for gate in self.gates.values():
                    gate.window = float(limit)
            else:
                service, operation = _QUOTAS[name]
                self.gates[service].quotas[operation] = limit

    def _set_dnc_project(self, project: str) -> None:
        if project not in self.dnc.PROJECTS:
            raise ValueError(f"dnc_project is one of {', '.join(self.dnc.PROJECTS)}")
        self.dnc.project = project

    def _set_sheets_refusal(self, reason: str | None) -> None:
        if reason and reason not in REASONS:
            raise ValueError(f"sheets_refusal is one of {', '.join(sorted(REASONS))}, or None")
        self.sheets.refusal = reason or ""

    def fail(
        self, service: str, kind: str, times: int = 1, after: int = 0, for_s: float | None = None, **options: Any
    ) -> None:
        """Queue a fault for a service. World.fail describes the kinds of faults."""
        if kind not in KINDS and not (kind.isdigit() and 400 <= int(kind) <= 599):
            raise ValueError(f"no fault is called {kind!r}: {', '.join(sorted(KINDS))}, or a status from 400 to 599")
        gate = self.gates[service]
        with gate.lock:
            gate.faults.append(Fault(kind, times, after, options, for_s))

    def stats(self) -> dict[str, Any]:
        """Return the counters of every service."""
        zero = {"calls": 0, "refused": 0, "faults": 0}
        found: dict[str, Any] = {name: {**zero, **gate.stats()} for name, gate in self.gates.items()}
        found["idicore"] = {"logins": 0, **found["idicore"], "bought": dict(self.idicore.bought)}
        found["idicore"]["last_search"] = self.idicore.last_search
        found["reassigned"]["dates"] = dict(self.reassigned.dates)
        pdl, blacklist = self.people_data_labs, self.blacklist_alliance
        more = {"bought": dict(pdl.bought), "asked": dict(pdl.asked), "last_search": pdl.last_search}
        found["people_data_labs"] |= more
        found["blacklist_alliance"]["asked"] = dict(blacklist.asked)
        for name in ("litigator", "dnc", "reassigned", "blacklist_alliance"):
            found[name] = {"numbers": 0, **found[name]}
        found["dnc"]["internal"] = {project: sorted(there) for project, there in self.dnc.internal.numbers.items()}
        rows = max(0, len(self.sheets.values(None)) - 1)
        found["sheets"] = {
            "reads": 0,
            "writes": 0,
            **found["sheets"],
            "rows": rows,
            "version": self.sheets.version,
            "waiting": self.sheets.gate.waiting,
        }
        found["snowflake"] = {"logins": 0, "browsers": 0, **found["snowflake"]}
        found["snowflake"]["rows"] = self.snowflake.rows()
        return found

    def heal(self) -> None:
        """Remove every fault that is still in a queue."""
        for gate in self.gates.values():
            with gate.lock:
                gate.faults.clear()

    def reset(self) -> None:
        """Reset counters, faults, tokens, sheet and tables to the start. Latency, caps and quotas stay."""
        for gate in self.gates.values():
            gate.reset()
        self.idicore.reset()
        self.dnc.project, self.dnc.calling_windows = "full", {}
        self.dnc.internal.numbers.clear()
        self.reassigned.answers, self.reassigned.dates = {}, {}
        self.people_data_labs.reset()
        self.blacklist_alliance.reset()
        self.clock.ahead_s = 0.0
        self.sheets.reset()
        self.snowflake.reset()

    def do(self, name: str, body: dict[str, Any]) -> Any:
        """Run a command by its name."""
        if name == "stats":
            return self.stats()
        if name == "reset":
            return self.reset()
        if name == "heal":
            return self.heal()
        if name == "configure":
            return self.configure(body)
        if name == "fail":
            return self.fail(**body)
        if name == "sheet":
            return {"values": self.sheets.values(body.get("tab")), "version": self.sheets.version}
        if name == "protect":
            return self.sheets.protect(body["ranges"])
        if name == "filter":
            return self.sheets.filter(body["range"], body.get("hides", True), body.get("appends", "lost"))
        if name in ("hide", "merge", "make_table", "resize"):
            return getattr(self.sheets, name)(**body)
        if name == "share":
            self.sheets.role = body["role"]
            return None
        if name == "edit":
            with self.sheets.lock:
                if body.get("version") not in (None, self.sheets.version):
                    return {"stale": True}
                return self.sheets.edit(body.get("tab"), body["ops"])
        raise ValueError(f"no command is called {name!r}")

    def app(self) -> Starlette:
        """Return an app that receives the commands over HTTP."""

        async def command(request: Request) -> JSONResponse:
            body = await request.json() if await request.body() else {}
            try:
                return JSONResponse(await run_in_threadpool(self.do, request.path_params["name"], body))
            except (ValueError, KeyError, TypeError, StopIteration, SheetsError) as problem:
                return JSONResponse({"error": f"{type(problem).__name__}: {problem}"}, 400)

        return Starlette(routes=[Route("/control/{name}", command, methods=["POST"])])

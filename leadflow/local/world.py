"""Start the child process of the stand-ins, and control it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr

from leadflow.display.elements import card, pairs
from leadflow.errors import LeadflowError
from leadflow.local.sheet_edits import SheetEdits
from leadflow.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_IS_CHECKOUT = (_ROOT / "data_samples").is_dir()
SAMPLES = _ROOT / "data_samples" if _IS_CHECKOUT else Path(__file__).resolve().parent / "data_samples"
PYTHON_VARIABLE = "LEADFLOW_LOCAL_PYTHON"
_LATENCY = {"idicore": 0.005}
_NOT_STARTED = f"""the local world did not start with {{python}}; its last words are below. It needs the extra
`local`: python -m pip install 'leadflow[local]'. fakesnow, which stands in for Snowflake, needs
snowflake-connector-python 4, so that the extra takes connector 4 in place of 5. To keep connector 5 here, install the
extra in a virtual environment of its own and set {PYTHON_VARIABLE} to its python, or lf.local.start(python=...)."""


class NotStartedError(LeadflowError, RuntimeError):
    """The local world did not start."""


class World(SheetEdits):
    """A running local world. The child process ends with close() or with the `with` block."""

    def __init__(self, order: Mapping[str, Any], python: str) -> None:
        """Start the child process with this interpreter and these options. Use `start` instead."""
        self._providers = tuple(order.get("providers", ()))
        self._folder = tempfile.TemporaryDirectory(prefix="leadflow-local-", ignore_cleanup_errors=True)
        self._homes = 0
        self._log = Path(self._folder.name) / "serve.log"
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603 - an interpreter that the caller names
                [python, "-W", "ignore", "-m", "leadflow.local.serve"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_child_environment(python),
            )
        self._ports = self._send_order(order, python)
        self._http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self.settings = self._make_settings()

    def _send_order(self, order: Mapping[str, Any], python: str) -> dict[str, int]:
        """Send the child process its options. Return its ports."""
        if self._child.stdin is None or self._child.stdout is None:
            raise RuntimeError("the local world has no pipes")
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(order).encode() + b"\n")
            self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            self._child.wait(10)
            output = self._log.read_text(errors="replace")[-2000:]
            self._folder.cleanup()
            raise NotStartedError(f"{_NOT_STARTED.format(python=python)}\n{output}")
        return json.loads(line)

    @property
    def pid(self) -> int:
        """The id of the child process."""
        return self._child.pid

    @property
    def url(self) -> str:
        """The address of the vendors' stand-ins. Each has its own path."""
        return f"http://127.0.0.1:{self._ports['vendors']}"

    @property
    def home(self) -> Path:
        """The private folder of history and checkpoints. reset() makes a new one."""
        return Path(self._folder.name) / f"home{self._homes}"

    def _make_settings(self) -> Settings:
        self.home.mkdir(mode=0o700)
        return Settings(_env_file=None, **self._values())  # type: ignore[call-arg]

    def _values(self) -> dict[str, Any]:
        return {
            "home": self.home,
            "started_by": "local",
            "warehouse": {
                "account": "fakesnow",
                "user": "leadflow",
                "authenticator": "PROGRAMMATIC_ACCESS_TOKEN",
                "token": SecretStr("local-token"),
                "host": "127.0.0.1",
                "port": self._ports["snowflake"],
                "protocol": "http",
                "database": "LEADS_DB",
                "schema_name": "PUBLIC",
                "session_parameters": {"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False},
            },
            "idicore": {
                "client_id": "api-client@local",
                "client_secret": SecretStr("local-secret"),
                "glba": "otheruse",
                "dppa": "none",
                "login_url": f"{self.url}/idicore/apiclient",
                "search_url": f"{self.url}/idicore/search",
            },
            "litigator": {"login_id": SecretStr("local-login"), "url": f"{self.url}/litigator/v1.4/scrub/litigator"},
            "dnc": {"login_id": SecretStr("local-login"), "url": f"{self.url}/dnc/app/main/rpc/scrub"},
            "sheets": {"spreadsheet_id": "local-leads-sheet", "base_url": f"{self.url}/sheets"},
            **{name: self.provider_settings(name) for name in self._providers},
        }

    def provider_settings(self, name: str) -> dict[str, Any]:
        """Return the settings of a further provider's stand-in: people_data_labs or blacklist_alliance."""
        return {
            "people_data_labs": {
                "api_key": SecretStr("local-pdl-key"),
                "url": f"{self.url}/people_data_labs/v5/person/enrich",
                "price": 0.28,
            },
            "blacklist_alliance": {
                "api_key": SecretStr("local-bla-key"),
                "url": f"{self.url}/blacklist_alliance/bulklookup",
                "price": 0.004,
            },
        }[name]

    def env(self) -> dict[str, str]:
        """Return the LEADFLOW_ variables with which another process uses this world."""
        return {f"LEADFLOW_{name}": value for name, value in _flat(self._values(), "")}

    def _do(self, command: str, body: Any = None) -> Any:
        answer = self._http.post(f"/control/{command}", json=body or {})
        if answer.status_code != 200:
            raise ValueError(answer.json()["error"])
        return answer.json()

    def stats(self) -> dict[str, Any]:
        """Return the counters of every service since the last reset. idiCORE also has the body of the last search."""
        return self._do("stats")

    def fail(
        self, service: str, kind: str, times: int = 1, after: int = 0, for_s: float | None = None, **options: Any
    ) -> None:
        """Make `times` calls of a service fail, after `after` good ones. With `for_s`, all calls fail for that time.

        Kinds: a status such as "503" (retry_after=), timeout (s=), truncated (short=True also cuts the connection),
        html, drop, empty, expired_token, missing_row (rows=), malformed_number, unknown_code, body (body=, base64=,
        status=, headers=: the answer itself), lie (set=, unset=, of=, add=: changes the true answer). For sheets and
        snowflake also applied_then_503 and applied_then_drop. For snowflake also sql_error (code=604, 625 or 630), and
        session_ended (code="390111", "390112", "390114"), which ends all open sessions, and slow (s=), a statement that
        takes s seconds more, unless its client cancels it. For sheets also applied_late (s=) and claimed: a write that
        is answered with success and not applied. A claimed append writes `rows=` rows at `place=` (end, top, over),
        with the cells of column `alter=` changed, or all rows `s=` seconds later. `on=` names the kind of call (login,
        search, check, read, write, query). `key=` is a text that the request body must contain. `applied=True` applies
        the call before the fault.
        """
        fault = {"service": service, "kind": kind, "times": times, "after": after, "for_s": for_s}
        self._do("fail", {**fault, **options})

    def configure(
        self,
        latency: Mapping[str, float] | None = None,
        in_flight: Mapping[str, int | None] | None = None,
        quotas: Mapping[str, float | None] | None = None,
        **more: Any,
    ) -> None:
        """Change the world's settings. Settings that are not named do not change.

        clock_ahead_s: how many seconds the Date header of the vendors' answers is ahead of the real time.
        latency: seconds by service. in_flight: most calls at a time by service. quotas: calls a minute by service,
        Sheets' as sheets_reads and sheets_writes; window_s makes the minute shorter.
        token_life_s: of idiCORE's tokens. dead: keys of people who are deceased.
        calling_windows: DNCScrub's CallingWindow by phone (10 digits), as in {"2125550105": "No calls"}.
        reassigned: what RNDBasic answers by phone (10 digits): True, False, or None for not enough data.
        dnc_project: what DNCScrub's project checks: full, litigator_only, wireless_only or without_wireless.
        pdl_hides_contacts, pdl_credits: People Data Labs' plan hides phones; how many credits the account has left.
        blacklisted: Blacklist Alliance's codes by phone (10 digits), as in {"2125550105": "federal-dnc"}; "" is none.
        sheets_refusal: why Google refuses every call: SERVICE_DISABLED, ACCESS_TOKEN_SCOPE_INSUFFICIENT or None.
        roles: rights of Snowflake's roles by table, "*" for the other tables, as in {"ANALYST": {"*": ["SELECT"],
        "SCHEMA": ["CREATE TABLE"]}}; a role without an entry may do everything. With
        "WAREHOUSE" and "DATABASE" among its rights, a role needs USAGE on them too.
        account_parameters: Snowflake's parameters for sessions that set none, as in {"ROWS_PER_RESULTSET": 10}.
        default_warehouse: whether Snowflake's users have one. session_life_s, master_token_life_s: of sessions that
        sign in from now on. end_sessions: end all open Snowflake sessions with this error, such as "390111".
        id_tokens: whether Snowflake issues an ID token to a sign-in with a browser. None also revokes issued tokens.
        """
        wanted = {"latency": latency, "in_flight": in_flight, "quotas": quotas}
        self._do("configure", {**{k: dict(v) for k, v in wanted.items() if v}, **more})

    def heal(self) -> None:
        """Remove every fault that is still in a queue."""
        self._do("heal")

    def reset(self) -> None:
        """Reset counters, faults, sheet and tables to the start, and make a new home. Keep latency, caps and quotas."""
        self._do("reset")
        self._homes += 1
        self.settings = self._make_settings()

    def close(self) -> None:
        """End the child process and remove the private folder."""
        self._http.close()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(5)
        self._folder.cleanup()

    def __enter__(self) -> Self:
        """Return this world."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the world."""
        self.close()

    def __repr__(self) -> str:
        """Return the address and the process id."""
        return f"World({self.url}, pid={self.pid})"

    def _repr_html_(self) -> str:
        rows = [
            ("stand-ins", "Snowflake, idiCORE, DNCScrub, Google Sheets, on this machine"),
            ("address", self.url),
            ("process", self.pid),
            ("settings for an engine", "lf.Engine(world.settings)"),
            ("to make it fail", 'world.fail("dnc", "503", times=2)'),
        ]
        return card("Local world", pairs(rows))


def sample(name: str) -> Path:
    """Return the path of a bundled file, such as sample("scripts/june_leads.sql")."""
    return SAMPLES / name


def start(
    leads: Path | None = None,
    latency: Mapping[str, float] | None = None,
    in_flight: Mapping[str, int | None] | None = None,
    quotas: Mapping[str, float | None] | None = None,
    seed: int = 7,
    python: str | os.PathLike[str] | None = None,
    providers: Sequence[str] = (),
) -> World:
    """Start the local world over data_samples/leads.csv, or over a CSV file with the same columns.

    People who are not in truth.csv (beside the leads) get phones that depend on their key and the seed. `python` is the
    interpreter of another environment with leadflow[local]. LEADFLOW_LOCAL_PYTHON can name it too. `providers` names
    further providers whose accounts the settings have: people_data_labs, blacklist_alliance.
    """
    leads = (leads or SAMPLES / "leads.csv").resolve()
    if not leads.is_file():
        raise FileNotFoundError(f"no leads at {leads}; run python data_samples/generate.py")
    order = {
        "leads": str(leads),
        "truth": str(leads.parent / "truth.csv"),
        "latency": {**_LATENCY, **(latency or {})},
        "in_flight": dict(in_flight or {}),
        "quotas": dict(quotas or {}),
        "seed": seed,
        "providers": list(providers),
    }
    return World(order, str(python or os.environ.get(PYTHON_VARIABLE) or sys.executable))


def _child_environment(python: str) -> dict[str, str]:
    """Return the child's environment. The child imports this checkout. Another interpreter uses its own packages."""
    paths = [str(_ROOT)] if _IS_CHECKOUT or python == sys.executable else []
    paths += filter(None, [os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _flat(values: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        full = f"{prefix}{name}".upper()
        if isinstance(value, Mapping) and name != "session_parameters":
            found += _flat(value, f"{full}__")
        elif isinstance(value, Mapping):
            found.append((full, json.dumps(value)))
        else:
            found.append((full, value.get_secret_value() if isinstance(value, SecretStr) else str(value)))
    return found

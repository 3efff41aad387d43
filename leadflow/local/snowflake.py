"""A stand-in for Snowflake: fakesnow's server with RAW_LEADS in it, behind faults, sign-in, sessions and rights.

What fakesnow does otherwise than Snowflake is corrected in fakesnow_patches.py.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import duckdb
import fakesnow.server as server

from leadflow.local import session
from leadflow.local.fakesnow_patches import patch
from leadflow.local.faults import (
    Call,
    Fault,
    Gate,
    Receive,
    Reply,
    Scope,
    Send,
    drop,
    fixed_reply,
    read_body,
    send_reply,
    status_reply,
)
from leadflow.local.tokens import Tokens

DATABASE = "LEADS_DB"
_OWN = re.compile(r"(system|temp|memory)$|_fs_|information_schema", re.IGNORECASE)
_LOGIN, _RENEWAL, _QUERY = "/session/v1/login-request", "/session/token-request", "/queries/v1/query"


class Snowflake:
    """The gate and the tables of fakesnow's server."""

    def __init__(self, leads: Path) -> None:
        """Seed from a CSV file."""
        patch()
        logging.getLogger("fakesnow.server").setLevel(logging.ERROR)
        server.shared_fs.duck_conn.execute("SET threads = 1")  # leave the other cores to leadflow
        self.gate = Gate("snowflake")
        self.tokens = Tokens(server.sessions)
        self.leads = leads
        self.default_warehouse = True
        self.reset()

    def settings(self) -> dict[str, Callable[[Any], object]]:
        """The setters of World.configure that concern Snowflake."""
        return {
            "roles": self._set_roles,
            "default_warehouse": lambda has_one: setattr(self, "default_warehouse", bool(has_one)),
            "session_life_s": lambda seconds: setattr(self.tokens, "life_s", float(seconds)),
            "master_token_life_s": lambda seconds: setattr(self.tokens, "master_life_s", float(seconds)),
            "end_sessions": lambda code: self.tokens.end_all(str(code)),
        }

    def _set_roles(self, rights: dict[str, dict[str, list[str]]]) -> None:
        session.roles.clear()
        session.roles.update(rights)

    def reset(self) -> None:
        """Roll open transactions back, drop every table of every user database, seed RAW_LEADS again, forget rights."""
        session.roles.clear()
        self.tokens.reset()
        for connection in list(server.sessions.values()):
            try:
                connection._duck_conn.rollback()
            except duckdb.Error:
                continue
        with server.shared_fs.connect(DATABASE, "PUBLIC") as connection:
            duck = connection._duck_conn
            for statement in _drops(duck):
                duck.execute(statement)
            duck.execute(
                f"create table {DATABASE}.PUBLIC.RAW_LEADS as select * from "
                "read_csv(?, header=true, all_varchar=true, quote='\"', delim=',', parallel=false)",
                [str(self.leads)],
            )

    def rows(self) -> dict[str, int]:
        """How many rows the tables of PUBLIC hold."""
        with server.shared_fs.connect(DATABASE, "PUBLIC") as connection:
            duck = connection._duck_conn
            names = duck.execute(
                "select table_name from duckdb_tables() where database_name = ? and schema_name = 'PUBLIC'", [DATABASE]
            ).fetchall()
            return {n: duck.execute(f'select count(*) from {DATABASE}.PUBLIC."{n}"').fetchall()[0][0] for (n,) in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to fakesnow, unless its session has ended or a fault is due. Only queries count as calls."""
        if scope["type"] != "http":
            return
        path, authorization = scope["path"], dict(scope["headers"]).get(b"authorization", b"").decode()
        if path.startswith(_LOGIN):
            await send_reply(send, await self._signed_in(scope, receive))
        elif path.startswith(_RENEWAL):
            body = json.loads(_unpacked(await read_body(receive)) or b"{}")
            await send_reply(send, Reply(self.tokens.renew(authorization, body)))
        elif refusal := self.tokens.refusal(authorization):
            self.gate.count("calls", path.startswith(_QUERY))
            await send_reply(send, Reply(refusal))
        elif path.startswith(_QUERY):
            await self._query(scope, receive, send)
        else:
            await _fakesnow(scope, receive, send)

    async def _query(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        query = parse_qs(scope["query_string"].decode())
        call = Call("snowflake", "query", scope["method"], scope["path"], {}, query, _unpacked(body))
        self.gate.count("calls")
        if self.gate.refuse("query"):
            self.gate.count("refused")
            await send_reply(send, Reply(_error(429, "too many requests"), 429))
            return
        try:
            if self.gate.latency:
                await asyncio.sleep(self.gate.latency)
            fault = self.gate.take_fault(call)
            if fault is None:
                await _fakesnow(scope, _replay(body, receive), send)
            else:
                await self._fail(fault, scope, _replay(body, receive), receive, send)
        finally:
            self.gate.leave()

    async def _signed_in(self, scope: Scope, receive: Receive) -> Reply:
        """Sign in at fakesnow, with role, warehouse and parameters kept, and the answer completed."""
        body = await read_body(receive)
        query = parse_qs(scope["query_string"].decode())
        parameters = json.loads(_unpacked(body))["data"].get("SESSION_PARAMETERS") or {}
        request: dict[str, Any] = {"role": query.get("roleName", [""])[0], "parameters": parameters}
        if warehouse := query.get("warehouse"):
            request["warehouse"] = warehouse[0]
        elif not self.default_warehouse:
            request["warehouse"] = ""
        request["user"] = json.loads(_unpacked(body))["data"].get("LOGIN_NAME")
        session.SIGN_IN.set(request)
        status, answer = await _answer(scope, _replay(body, receive))
        connection = server.sessions.get((answer.get("data") or {}).get("token", ""))
        if connection is None:
            return Reply(answer, status)
        signed_in = session.session_of(connection)
        names = {"roleName": signed_in.role, "warehouseName": signed_in.warehouse or None}
        return Reply(self.tokens.complete(answer, names), status)

    async def _fail(self, fault: Fault, scope: Scope, replay: Receive, receive: Receive, send: Send) -> None:
        self.gate.count("faults")
        if fault.kind.startswith("applied") or fault.options.get("applied"):
            await _answer(scope, replay)
        if fault.kind == "timeout":
            await asyncio.sleep(float(fault.options.get("s", 60)))
        if fault.kind in ("timeout", "drop", "applied_then_drop"):
            await drop(receive)
        elif fault.kind in ("html", "truncated", "empty"):
            await send_reply(send, Reply("" if fault.kind == "empty" else "<html>"))
        elif fault.kind == "body":
            await send_reply(send, fixed_reply(fault))
        else:
            status = int(fault.kind) if fault.kind.isdigit() else 503
            await send_reply(send, status_reply(status, fault, _error))


def _drops(duck: duckdb.DuckDBPyConnection) -> list[str]:
    """The statements that drop what users made: everything but fakesnow's and DuckDB's own."""
    listing = duck.execute(
        "select 'VIEW', database_name, schema_name, view_name from duckdb_views() where not internal union all "
        "select 'TABLE', database_name, schema_name, table_name from duckdb_tables() where not temporary "
        "order by 1 desc"
    ).fetchall()
    return [
        f'drop {kind} if exists "{database}"."{schema}"."{name}" cascade'
        for kind, database, schema, name in listing
        if not _OWN.match(database) and not _OWN.match(schema) and not _OWN.match(name)
    ]


def _error(status: int, message: str) -> dict[str, Any]:
    return {"data": None, "code": str(status), "message": message, "success": False}


async def _fakesnow(scope: Scope, receive: Receive, send: Send) -> None:
    app: Any = server.app  # starlette's types of receive and send are mutable mappings, ours are dicts
    await app(scope, receive, send)


async def _answer(scope: Scope, receive: Receive) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of fakesnow's answer, which is not sent."""
    messages: list[dict[str, Any]] = []

    async def keep(message: dict[str, Any]) -> None:
        messages.append(message)

    await _fakesnow(scope, receive, keep)
    body = b"".join(message.get("body", b"") for message in messages)
    return messages[0]["status"], json.loads(body)


def _unpacked(body: bytes) -> bytes:
    """A request's body; the connector compresses it."""
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives a body that was read already."""
    given = False

    async def again() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again

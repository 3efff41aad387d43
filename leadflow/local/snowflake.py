"""A stand-in for Snowflake: fakesnow's server with RAW_LEADS in it, behind faults, sign-in, sessions and rights.

fakesnow_patches.py corrects fakesnow where Snowflake behaves differently.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import duckdb
import fakesnow.server as server

from leadflow.local import session
from leadflow.local.browser_sign_in import BrowserSignIns
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
from leadflow.local.sql_errors import sql_error
from leadflow.local.tokens import Tokens

DATABASE = "LEADS_DB"
_OWN = re.compile(r"(system|temp|memory)$|_fs_|information_schema", re.IGNORECASE)
_LOGIN, _RENEWAL, _QUERY = "/session/v1/login-request", "/session/token-request", "/queries/v1/query"
_BROWSER, _PAGE = "/session/authenticator-request", "/sso"
_ABORT = "/queries/v1/abort-request"


class Snowflake:
    """The gate and the tables of fakesnow's server."""

    def __init__(self, leads: Path) -> None:
        """Fill RAW_LEADS from a CSV file."""
        patch()
        logging.getLogger("fakesnow.server").setLevel(logging.ERROR)
        server.shared_fs.duck_conn.execute("SET threads = 1")  # leave the other cores to leadflow
        self.gate = Gate("snowflake")
        self.tokens = Tokens(server.sessions)
        self.browser = BrowserSignIns()
        self.leads = leads
        self.default_warehouse = True
        self.aborted: set[str] = set()
        self.reset()

    def settings(self) -> dict[str, Callable[[Any], object]]:
        """Return the setters of World.configure for Snowflake."""
        return {
            "roles": self._set_roles,
            "account_parameters": self._set_account_parameters,
            "default_warehouse": lambda has_one: setattr(self, "default_warehouse", bool(has_one)),
            "session_life_s": lambda seconds: setattr(self.tokens, "life_s", float(seconds)),
            "master_token_life_s": lambda seconds: setattr(self.tokens, "master_life_s", float(seconds)),
            "id_tokens": self.browser.allow_id_tokens,
            "end_sessions": lambda code: self.tokens.end_all(str(code)),
        }

    def _set_roles(self, rights: dict[str, dict[str, list[str]]]) -> None:
        session.roles.clear()
        session.roles.update(rights)

    def _set_account_parameters(self, parameters: dict[str, Any]) -> None:
        session.account_parameters.clear()
        session.account_parameters.update(parameters)

    def reset(self) -> None:
        """Roll back open transactions, drop every table of every user database, refill RAW_LEADS, delete rights."""
        session.roles.clear()
        session.account_parameters.clear()
        self.tokens.reset()
        self.browser.reset()
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
        """Return the number of rows of each table of PUBLIC."""
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
        elif path.startswith((_BROWSER, _PAGE)):
            await send_reply(send, await self._browsed(scope, receive))
        elif path.startswith(_RENEWAL):
            body = json.loads(_unpacked(await read_body(receive)) or b"{}")
            await send_reply(send, Reply(self.tokens.renew(authorization, body)))
        elif refusal := self.tokens.refusal(authorization):
            self.gate.count("calls", path.startswith(_QUERY))
            await send_reply(send, Reply(refusal))
        elif path.startswith(_ABORT):
            self.aborted.add(str(json.loads(_unpacked(await read_body(receive)) or b"{}").get("requestId")))
            await send_reply(send, Reply({"data": None, "code": None, "message": None, "success": True}))
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

    async def _browsed(self, scope: Scope, receive: Receive) -> Reply:
        """Answer the connector that starts a sign-in with a browser, and answer the browser."""
        if scope["path"].startswith(_PAGE):
            self.gate.count("browsers")
            return self.browser.page(parse_qs(scope["query_string"].decode()))
        data = json.loads(_unpacked(await read_body(receive)))["data"]
        return self.browser.start(data, dict(scope["headers"])[b"host"].decode())

    async def _signed_in(self, scope: Scope, receive: Receive) -> Reply:
        """Sign in at fakesnow, store role, warehouse and parameters, and complete the answer."""
        body = await read_body(receive)
        query = parse_qs(scope["query_string"].decode())
        # Connector 5 sends all of these, empty where nothing is set, which is the same to Snowflake.
        scope = {**scope, "query_string": urlencode(query, doseq=True).encode()}
        data = json.loads(_unpacked(body))["data"]
        if refusal := self.browser.refusal(data):
            return refusal
        self.gate.count("logins")
        parameters = data.get("SESSION_PARAMETERS") or {}
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
        return Reply(self.browser.complete(data, self.tokens.complete(answer, names)), status)

    async def _fail(self, fault: Fault, scope: Scope, replay: Receive, receive: Receive, send: Send) -> None:
        self.gate.count("faults")
        if fault.kind == "slow":
            await self._answer_late(float(fault.options.get("s", 60)), scope, replay, send)
            return
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
        elif fault.kind == "session_ended":
            await send_reply(send, Reply(self.tokens.end_all(str(fault.options.get("code", "390111")))))
        elif fault.kind == "sql_error":
            await send_reply(send, Reply(sql_error(int(fault.options.get("code", 604)))))
        else:
            status = int(fault.kind) if fault.kind.isdigit() else 503
            await send_reply(send, status_reply(status, fault, _error))

    async def _answer_late(self, seconds: float, scope: Scope, replay: Receive, send: Send) -> None:
        """Run a statement after some seconds, unless its client cancels it meanwhile."""
        request = parse_qs(scope["query_string"].decode()).get("requestId", [""])[0]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if request in self.aborted:
                await send_reply(send, Reply(sql_error(604)))
                return
            await asyncio.sleep(0.05)
        await _fakesnow(scope, replay, send)


def _drops(duck: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the statements that drop all objects of users: all but those of fakesnow and DuckDB."""
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
    """Return the status and the JSON of fakesnow's answer without sending it."""
    messages: list[dict[str, Any]] = []

    async def keep(message: dict[str, Any]) -> None:
        messages.append(message)

    await _fakesnow(scope, receive, keep)
    body = b"".join(message.get("body", b"") for message in messages)
    return messages[0]["status"], json.loads(body)


def _unpacked(body: bytes) -> bytes:
    """Return a request's body, decompressed if the connector compressed it."""
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns a body that was already read."""
    given = False

    async def again() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again

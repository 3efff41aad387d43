"""A stand-in behind its gate, as an ASGI app."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol
from urllib.parse import parse_qs

from leadflow.local.faults import (
    APPLIED,
    Call,
    Fault,
    Gate,
    Receive,
    Reply,
    Scope,
    Send,
    altered_reply,
    drop,
    fixed_reply,
    read_body,
    send_reply,
    status_reply,
    wait_until,
)


class Standin(Protocol):
    """The interface that a stand-in implements for its Service."""

    gate: Gate

    def operation(self, method: str, path: str) -> str:
        """Return the kind of call, for quotas and faults: login, search, read, write, check."""
        ...

    def handle(self, call: Call, fault: Fault | None) -> Reply:
        """Process the call and return the answer."""
        ...

    def error(self, status: int, message: str) -> Any:
        """Return the body of an error in this vendor's format."""
        ...

    def empty(self) -> Any:
        """Return the body of an empty answer."""
        ...


_ANSWERING = {"missing_row", "malformed_number", "unknown_code", "expired_token", "truncated", "lie", "claimed"}
_HTML = Reply(
    "<html><body><h1>Service temporarily under maintenance</h1></body></html>", 200, {"content-type": "text/html"}
)


class Service:
    """The ASGI app of one stand-in."""

    def __init__(self, standin: Standin, prefix: str) -> None:
        """Serve `standin` below the path `prefix`."""
        self.standin, self.prefix, self.gate = standin, prefix, standin.gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        arrived = time.monotonic()
        call = await self._read(scope, receive)
        self.gate.count({"login": "logins", "read": "reads", "write": "writes"}.get(call.operation, "calls"))
        if refusal := self.gate.refuse(call.operation):
            self.gate.count("refused")
            wait = {"retry-after": str(int(refusal[1]) + 1)} if self.gate.service != "sheets" else {}
            message = f"Quota exceeded for {call.operation} requests ({refusal[0]})."
            await send_reply(send, Reply(self.standin.error(429, message), 429, wait))
            return
        try:
            fault = self.gate.take_fault(call)
            if fault is not None and fault.kind not in _ANSWERING:
                await wait_until(arrived + self.gate.latency)
                await self._fail(call, fault, receive, send)
                return
            reply = self._handled(call, fault)
            await wait_until(arrived + self.gate.latency)
            short = bool(fault and fault.options.get("short"))
            await send_reply(send, reply, cut=bool(fault and fault.kind == "truncated"), short=short)
            if short:
                await drop(receive)
        finally:
            self.gate.leave()

    async def _read(self, scope: Scope, receive: Receive) -> Call:
        path = scope["path"][len(self.prefix) :]
        return Call(
            self.gate.service,
            self.standin.operation(scope["method"], path),
            scope["method"],
            path,
            {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]},
            parse_qs(scope["query_string"].decode(), keep_blank_values=True),
            await read_body(receive),
        )

    def _handled(self, call: Call, fault: Fault | None) -> Reply:
        """Return the answer. It is computed before the wait, so that the latency includes the computation."""
        reply = self.standin.handle(call, fault)
        sent = (altered_reply(reply, fault) if fault and fault.kind == "lie" else reply).encoded()
        self.gate.count("bytes", len(sent.body))
        return sent

    async def _fail(self, call: Call, fault: Fault, receive: Receive, send: Send) -> None:
        kind = fault.kind
        self.gate.count("faults")
        if kind in APPLIED or fault.options.get("applied"):
            self.standin.handle(call, None)
        if kind.isdigit():
            await send_reply(send, status_reply(int(kind), fault, self.standin.error))
        elif kind == "timeout":
            await asyncio.sleep(float(fault.options.get("s", 60)))
            await drop(receive)
        elif kind in ("drop", "applied_then_drop"):
            await drop(receive)
        elif kind == "html":
            await send_reply(send, _HTML)
        elif kind == "body":
            await send_reply(send, fixed_reply(fault))
        elif kind == "empty":
            await send_reply(send, Reply(self.standin.empty()))
        else:
            if kind == "applied_late":
                self.gate.later(float(fault.options.get("s", 1)), lambda: self.standin.handle(call, None))
            await send_reply(send, Reply(self.standin.error(503, "The service is currently unavailable."), 503))

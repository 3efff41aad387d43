"""Faults, latency, quotas and counters of a stand-in's calls."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

from leadflow.local.pretty import pretty

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Scope = dict[str, Any]

KINDS = {
    "timeout", "truncated", "html", "drop", "missing_row", "malformed_number", "unknown_code", "expired_token", "empty",
    "applied_then_503", "applied_then_drop", "applied_late", "body", "lie", "claimed", "sql_error", "slow",
    "session_ended",
}  # fmt: skip
_WAKING_S = 0.0003  # time that an event loop takes to wake up
APPLIED = {"applied_then_503", "applied_then_drop"}


@dataclass
class Fault:
    """One fault in the queue. It passes `after` matching calls, then affects the next `times` matching calls.

    With `for_s`, it affects all matching calls for that many seconds after the first.
    """

    kind: str
    times: int = 1
    after: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    for_s: float | None = None
    ends_at: float = float("inf")

    def use(self) -> bool:
        """Count a matching call, and return whether the fault affects it."""
        if self.for_s is None:
            self.times -= 1
            return True
        now = time.monotonic()
        self.ends_at = min(self.ends_at, now + self.for_s)
        return now < self.ends_at

    @property
    def is_over(self) -> bool:
        """Whether the fault will affect no more calls."""
        return self.times <= 0 if self.for_s is None else time.monotonic() >= self.ends_at

    def matches(self, call: Call) -> bool:
        """Return whether the fault applies to this call: `on` names the operation, `key` a text in the body."""
        on = self.options.get(
            "on", "write" if self.kind.startswith(("applied", "claimed")) and call.service == "sheets" else None
        )
        key = self.options.get("key")
        wanted = call.operation == on if on else call.operation != "login"
        return wanted and (key is None or key.encode() in call.body)


@dataclass
class Call:
    """One request to a stand-in."""

    service: str
    operation: str
    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, list[str]]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, or an empty object."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return {}

    def field(self, *names: str) -> str:
        """Return a value by any of its names, from the query, a JSON body, a form body or the headers."""
        lowered = {name.lower() for name in names}
        body = self.json()
        form = {} if isinstance(body, dict) and body else parse_qs(self.body.decode("utf-8", "replace"))
        for source in (self.query, body if isinstance(body, dict) else {}, form, self.headers):
            for name, value in source.items():
                if name.lower() in lowered:
                    return str(value[0] if isinstance(value, list) else value)
        return ""


@dataclass
class Reply:
    """One answer of a stand-in; a str or bytes body goes out as it is, anything else as JSON."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pretty: bool = False

    def content(self) -> tuple[bytes, str]:
        """Return the bytes of the body, and their media type."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return (pretty(self.body) if self.pretty else json.dumps(self.body)).encode(), "application/json; charset=utf-8"

    def encoded(self) -> Reply:
        """Return the same reply with its body as bytes."""
        content, media = self.content()
        return Reply(content, self.status, {"content-type": media, **self.headers})


class Gate:
    """Latency, in-flight cap, quotas a minute, faults and counters of one service."""

    def __init__(self, service: str) -> None:
        """Start without limits or faults."""
        self.service = service
        self.lock = threading.Lock()
        self.latency = 0.0
        self.cap: int | None = None
        self.quotas: dict[str, int | None] = {}
        self.window = 60.0
        self.lives = 0
        self.reset()

    def reset(self) -> None:
        """Delete faults, counters and the calls of the last minute."""
        with self.lock:
            self.faults: list[Fault] = []
            self.counts: dict[str, int] = {}
            self.in_flight = self.max_in_flight = 0
            self.recent: dict[str, deque[float]] = {}
            self.waiting = 0
            self.lives += 1

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + by

    def stats(self) -> dict[str, int]:
        """Return the counters."""
        with self.lock:
            return {**self.counts, "max_in_flight": self.max_in_flight}

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """Run `work` after some seconds, unless reset() comes first. `waiting` counts the runs that are due."""
        life = self.lives

        def run() -> None:
            if life == self.lives:
                work()
                with self.lock:
                    self.waiting -= life == self.lives

        with self.lock:
            self.waiting += 1
        timer = threading.Timer(seconds, run)
        timer.daemon = True
        timer.start()

    def refuse(self, operation: str) -> tuple[str, float] | None:
        """Return why a call of this kind is refused, and the seconds to wait; or count the call and return None."""
        with self.lock:
            if self.cap is not None and self.in_flight >= self.cap:
                return "in flight", 1.0
            limit, now = self.quotas.get(operation), time.monotonic()
            recent = self.recent.setdefault(operation, deque())
            while recent and recent[0] <= now - self.window:
                recent.popleft()
            if limit is not None and len(recent) >= limit:
                return "quota", recent[0] + self.window - now
            recent.append(now)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            return None

    def leave(self) -> None:
        """Count a call as finished."""
        with self.lock:
            self.in_flight = max(0, self.in_flight - 1)

    def take_fault(self, call: Call) -> Fault | None:
        """Take the fault that applies to this call, or None. Remove it from the queue if it is over."""
        with self.lock:
            for fault in list(self.faults):
                if not fault.matches(call):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                applies = fault.use()
                if fault.is_over:
                    self.faults.remove(fault)
                if applies:
                    return fault
        return None


class Clock:
    """The vendors' clock. The Date header of every answer shows it. `ahead_s` is how many seconds it is ahead."""

    def __init__(self) -> None:
        """Start with the right time."""
        self.ahead_s = 0.0

    def dated(self, send: Send) -> Send:
        """Return a `send` that adds the Date header to an answer's head."""

        async def dated(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(time.time() + self.ahead_s, usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        return dated


async def wait_until(moment: float) -> None:
    """Sleep until a time of time.monotonic().

    uvloop rounds to whole milliseconds: the error is up to half of one, and 0 on the average.
    """
    await asyncio.sleep(moment - time.monotonic() - _WAKING_S)


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def send_reply(send: Send, reply: Reply, *, cut: bool = False, short: bool = False) -> None:
    """Send a reply. `cut` halves the body. With `short`, the length header still has the full length."""
    content, media = reply.content()
    body = content[: len(content) // 2] if cut else content
    length = len(content) if short else len(body)
    headers = {"content-type": media, **reply.headers, "content-length": str(length)}
    raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": short})


async def drop(receive: Receive) -> None:
    """Cut the connection without an answer. uvicorn keeps the transport on the object that owns `receive`."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
        await asyncio.sleep(0.02)


def fixed_reply(fault: Fault) -> Reply:
    """Return the answer of a `body` fault: its `body` (base64=True decodes it), `status` and `headers`."""
    body, options = str(fault.options.get("body", "")), fault.options
    sent = base64.b64decode(body) if options.get("base64") else body
    return Reply(
        sent, int(options.get("status", 200)), dict(options.get("headers") or {"content-type": "application/json"})
    )


def altered_reply(reply: Reply, fault: Fault) -> Reply:
    """Return the true answer after a `lie` fault.

    `set` and `unset` change each object, or only those that contain `of`. `add` appends objects.
    """
    options = fault.options
    objects = reply.body if isinstance(reply.body, list) else [reply.body]
    for item in objects:
        if isinstance(item, dict) and (options.get("of") or {}).items() <= item.items():
            item.update(options.get("set") or {})
            for name in options.get("unset") or ():
                item.pop(name, None)
    objects.extend(options.get("add") or ())
    return reply


def status_reply(status: int, fault: Fault, error: Callable[[int, str], Any]) -> Reply:
    """Return an HTTP error in the service's own error format."""
    headers = {}
    if "retry_after" in fault.options:
        headers["retry-after"] = str(fault.options["retry_after"])
    return Reply(error(status, f"the local world was told to answer {status}"), status, headers)

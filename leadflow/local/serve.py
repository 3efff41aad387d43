"""The child process of the local world: `python -m leadflow.local.serve`. It reads its options as one JSON line.

It writes one JSON line with its ports to stdout, and exits when stdin closes, that is, when its parent has ended.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from leadflow.local.blacklist_alliance import BlacklistAlliance
from leadflow.local.control import Control
from leadflow.local.dncscrub import FullScrub, LitigatorList, Reassigned
from leadflow.local.faults import Clock, Receive, Reply, Scope, Send, send_reply
from leadflow.local.idicore import Idicore
from leadflow.local.people import read_truth
from leadflow.local.people_data_labs import PeopleDataLabs
from leadflow.local.service import Service
from leadflow.local.sheets import Sheets
from leadflow.local.snowflake import Snowflake

QUOTAS = {"sheets_reads": 60, "sheets_writes": 60, "litigator": 1000, "dnc": 100, "reassigned": 500}
QUOTAS |= {"people_data_labs": 1_000}


class Vendors:
    """The stand-ins and the control side on one port, each below its own path."""

    def __init__(self, services: list[Service], control: Any, clock: Clock) -> None:
        """Route by prefix."""
        self.services, self.control, self.clock = services, control, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the stand-in of its path."""
        if scope["type"] != "http":
            return
        send = self.clock.dated(send)
        for service in self.services:
            if scope["path"].startswith(service.prefix + "/"):
                await service(scope, receive, send)
                return
        if scope["path"].startswith("/control/"):
            await self.control(scope, receive, send)
        else:
            await send_reply(send, Reply("not found", 404))


class _JoiningTransport:
    """A transport that sends consecutive writes as one piece, as web servers do with a head and a short body."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """Pass all other attributes to the transport."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the data in the event loop's next iteration, together with all other data written until then."""
        if not self._parts:
            asyncio.get_running_loop().call_soon(self._send)
        self._parts.append(data)

    def _send(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts = []

    def close(self) -> None:
        """Send the written data, then close."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Send the written data, then cut the connection."""
        self._send()
        self._transport.abort()


class _Protocol(AutoHTTPProtocol):
    """uvicorn's protocol, with the head and body of an answer in one packet, which wakes the client once."""

    def connection_made(self, transport: Any) -> None:
        """Write through a transport that joins writes."""
        joined: Any = _JoiningTransport(transport)
        super().connection_made(joined)


def _listen(app: Any, dates: bool = True) -> tuple[uvicorn.Server, int]:
    """Serve an app on a free loopback port in its own thread. Without `dates`, the app sends the Date header."""
    # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it every answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        log_level="error",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=60,
        proxy_headers=False,
        date_header=dates,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return server, listener.getsockname()[1]


def _exit_with_parent(parent: int) -> None:
    """Exit when stdin ends, or when the parent changes, because a fork of the parent may hold the pipe open."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    while sys.stdin.buffer.read(4096):
        continue
    os._exit(0)


def main() -> None:
    """Start everything, write the ports, and wait for the end of stdin."""
    # The stand-ins share one interpreter. A MERGE must not delay a vendor's answer beyond its latency.
    sys.setswitchinterval(0.0002)
    parent = os.getppid()
    order = json.loads(sys.stdin.buffer.readline() or b"{}")
    if not order:
        return
    truth_file = Path(order["truth"])
    idicore = Idicore(read_truth(truth_file) if truth_file.exists() else {}, order["seed"])
    litigator, dnc, sheets, snowflake = LitigatorList(), FullScrub(), Sheets(), Snowflake(Path(order["leads"]))
    reassigned, people_data_labs, blacklist = Reassigned(), PeopleDataLabs(order["seed"]), BlacklistAlliance()
    control = Control(idicore, litigator, dnc, sheets, snowflake, reassigned, people_data_labs, blacklist)
    control.configure({"quotas": QUOTAS})
    control.configure({name: order[name] for name in ("latency", "in_flight", "quotas")})
    services = [
        Service(idicore, "/idicore"),
        Service(litigator, "/litigator"),
        Service(dnc, "/dnc"),
        Service(reassigned, "/reassigned"),
        Service(people_data_labs, "/people_data_labs"),
        Service(blacklist, "/blacklist_alliance"),
        Service(sheets, "/sheets"),
    ]
    _serve(Vendors(services, control.app(), control.clock), snowflake)
    _exit_with_parent(parent)


def _serve(services: Vendors, snowflake: Snowflake) -> None:
    """Start both servers and write their ports."""
    vendors, vendors_port = _listen(services, dates=False)
    warehouse, warehouse_port = _listen(snowflake)
    gc.freeze()  # a garbage collection of all loaded modules would delay answers too
    while not (vendors.started and warehouse.started):
        time.sleep(0.005)
    sys.stdout.write(json.dumps({"vendors": vendors_port, "snowflake": warehouse_port}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""HTTP clients beside each other: CPU a call, with many calls in flight, against the stand-in of idiCORE.

Each client runs in a process of its own, by turns. Clients that are not installed are left out: `pip install aiohttp
httpx-aiohttp httpx2 urllib3`.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import math
import os
import statistics
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

LATENCY_S = 0.120
HEAD = """\
| in flight | client | CPU ms a call (median; all) | stand-in's CPU ms a call | wall / floor | load |
|---|---|---|---|---|---|"""
_PERSON = {"firstName": "Ann", "lastName": "Lee", "city": "Bath", "state": "ME", "zip": "04530"}
_FIELDS = ["name", "dob", "address", "phone", "email", "isDead"]
Answer = tuple[int, bytes]
Order = dict[str, Any]


def _body(number: int) -> dict[str, Any]:
    return {**_PERSON, "address": f"{number} Elm St", "referenceId": f"bench{number}", "fields": _FIELDS}


def _checked(answer: Answer) -> None:
    assert answer[0] == 200
    json.loads(answer[1])


def _timed(order: Order, run: Callable[[range], object]) -> dict[str, float]:
    """Warm up with one call for each slot, then measure."""
    run(range(order["in_flight"]))
    start, cpu = time.monotonic(), time.process_time()
    run(range(order["calls"]))
    return {"wall_s": time.monotonic() - start, "cpu_s": time.process_time() - cpu}


def _by_threads(order: Order, make: Callable[[], Callable[[dict[str, Any]], Answer]]) -> dict[str, float]:
    """One client for each thread."""
    local = threading.local()

    def one(number: int) -> None:
        if not hasattr(local, "post"):
            local.post = make()
        _checked(local.post(_body(number)))

    with ThreadPoolExecutor(order["in_flight"]) as pool:
        return _timed(order, lambda numbers: list(pool.map(one, numbers)))


async def _in_a_loop(order: Order, post: Callable[[dict[str, Any]], Awaitable[Answer]]) -> dict[str, float]:
    slots = asyncio.Semaphore(order["in_flight"])

    async def one(number: int) -> None:
        async with slots:
            _checked(await post(_body(number)))

    async def run(count: int) -> tuple[float, float]:
        start, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(one(number) for number in range(count)))
        return time.monotonic() - start, time.process_time() - cpu

    await run(order["in_flight"])
    wall, cpu = await run(order["calls"])
    return {"wall_s": wall, "cpu_s": cpu}


def _leadflow(order: Order) -> dict[str, float]:
    import httpx

    from leadflow.services.idicore.request import json_request
    from leadflow.services.transport.http import Client

    url, headers = httpx.URL(order["url"]), order["headers"]

    def make() -> Callable[[dict[str, Any]], Answer]:
        client = Client(60)

        def post(body: dict[str, Any]) -> Answer:
            answer = client.exchange(json_request(client, url, body, headers))
            return answer.status_code, answer.content

        return post

    return _by_threads(order, make)


def _sync(module: str, is_shared: bool) -> Callable[[Order], dict[str, float]]:
    def run(order: Order) -> dict[str, float]:
        library: Any = importlib.import_module(module)
        limits = library.Limits(max_connections=order["in_flight"], max_keepalive_connections=order["in_flight"])
        one = library.Client(timeout=60, limits=limits) if is_shared else None

        def make() -> Callable[[dict[str, Any]], Answer]:
            client = one or library.Client(timeout=60)

            def post(body: dict[str, Any]) -> Answer:
                answer = client.post(order["url"], json=body, headers=order["headers"])
                return answer.status_code, answer.content

            return post

        return _by_threads(order, make)

    return run


def _standard_library(order: Order) -> dict[str, float]:
    import http.client

    url = urlsplit(order["url"])
    headers = {**order["headers"], "content-type": "application/json"}

    def make() -> Callable[[dict[str, Any]], Answer]:
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)

        def post(body: dict[str, Any]) -> Answer:
            connection.request("POST", url.path, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

        return post

    return _by_threads(order, make)


def _urllib3(order: Order) -> dict[str, float]:
    library: Any = importlib.import_module("urllib3")
    pool = library.PoolManager(maxsize=order["in_flight"], block=True)
    headers = {**order["headers"], "content-type": "application/json"}

    def post(body: dict[str, Any]) -> Answer:
        answer = pool.request("POST", order["url"], body=json.dumps(body).encode(), headers=headers)
        return answer.status, answer.data

    return _by_threads(order, lambda: post)


def _async(module: str, over_aiohttp: bool = False) -> Callable[[Order], dict[str, float]]:
    async def run(order: Order) -> dict[str, float]:
        library: Any = importlib.import_module(module)
        limits = library.Limits(max_connections=order["in_flight"], max_keepalive_connections=order["in_flight"])
        transport = importlib.import_module("httpx_aiohttp").AiohttpTransport(limits=limits) if over_aiohttp else None
        async with library.AsyncClient(timeout=60, limits=limits, transport=transport) as client:

            async def post(body: dict[str, Any]) -> Answer:
                answer = await client.post(order["url"], json=body, headers=order["headers"])
                return answer.status_code, answer.content

            return await _in_a_loop(order, post)

    return lambda order: asyncio.run(run(order))


def _aiohttp(order: Order) -> dict[str, float]:
    library: Any = importlib.import_module("aiohttp")

    async def run() -> dict[str, float]:
        connector = library.TCPConnector(limit=order["in_flight"])
        async with library.ClientSession(connector=connector, timeout=library.ClientTimeout(60)) as session:

            async def post(body: dict[str, Any]) -> Answer:
                async with session.post(order["url"], json=body, headers=order["headers"]) as answer:
                    return answer.status, await answer.read()

            return await _in_a_loop(order, post)

    return asyncio.run(run())


# Each client by its name: the module that it needs, and its run.
CLIENTS: dict[str, tuple[str, Callable[[Order], dict[str, float]]]] = {
    "leadflow (threads)": ("leadflow", _leadflow),
    "httpx.Client, one a thread": ("httpx", _sync("httpx", False)),
    "httpx.Client, shared by threads": ("httpx", _sync("httpx", True)),
    "httpx2.Client, shared by threads": ("httpx2", _sync("httpx2", True)),
    "http.client, one a thread": ("http", _standard_library),
    "urllib3, shared by threads": ("urllib3", _urllib3),
    "httpx.AsyncClient": ("httpx", _async("httpx")),
    "httpx.AsyncClient over httpx-aiohttp": ("httpx_aiohttp", _async("httpx", True)),
    "httpx2.AsyncClient": ("httpx2", _async("httpx2")),
    "aiohttp": ("aiohttp", _aiohttp),
}


def rows(calls: int, widths: list[int], repeat: int) -> Iterator[str]:
    """A table row for each client and number of calls in flight."""
    import httpx

    import leadflow as lf
    from tests.bench import job

    for width in widths:
        limits, quotas = {"idicore": width}, {"idicore": None}
        with lf.local.start(latency={"idicore": LATENCY_S}, in_flight=limits, quotas=quotas) as world:
            settings = world.settings.idicore
            secret = (settings.client_id, settings.client_secret.get_secret_value())
            token = httpx.post(settings.login_url, json={"glba": "otheruse", "dppa": "none"}, auth=secret).text
            order = {
                "in_flight": width,
                "calls": calls,
                "url": settings.search_url,
                "headers": {"authorization": token},
            }
            runs: dict[str, list[dict[str, float]]] = {}
            for _ in range(repeat):
                for name, (module, _run) in CLIENTS.items():
                    if importlib.util.find_spec(module):
                        load = os.getloadavg()[0]
                        done = job.child(world, "tests.bench.clients", {**order, "client": name})
                        runs.setdefault(name, []).append({**done, "load": load})
            for name, found in runs.items():
                yield _row(width, name, calls, found)


def _row(width: int, name: str, calls: int, runs: list[dict[str, float]]) -> str:
    cpu = sorted(run["cpu_s"] / calls * 1e3 for run in runs)
    every = ", ".join(f"{ms:.2f}" for ms in cpu)
    stand_in = statistics.median(run["world_cpu_s"] for run in runs) / calls * 1e3
    ratio = statistics.median(run["wall_s"] for run in runs) / (math.ceil(calls / width) * LATENCY_S)
    load = f"{min(run['load'] for run in runs):.1f}-{max(run['load'] for run in runs):.1f}"
    return f"| {width} | {name} | {statistics.median(cpu):.2f}; {every} | {stand_in:.2f} | {ratio:.2f} | {load} |"


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    print(json.dumps(CLIENTS[order["client"]][1](order)))

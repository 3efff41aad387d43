"""The bench's command line."""

from __future__ import annotations

import argparse
import os
import platform

from tests.bench import clients, executors, own, past, peers, rescrub, sheet, speed

PARTS = {
    "speed": "whole jobs against vendors with latency and limits",
    "peers": "leadflow beside the same job written by hand with asyncio and aiohttp, by turns",
    "clients": "CPU a call of several HTTP clients",
    "own": "what leadflow itself costs, with vendors that answer at once",
    "history": "the cost of an event, and reads of a large history",
    "report": "the report of a job of many batches",
    "imports": "the time that `import leadflow` takes",
    "sheet": "calls and bytes of a small and a large sheet",
    "rescrub": "requests and seconds of a re-scrub of all rows of a sheet",
    "executors": "lookups sent by threads, processes and dask (needs the dask extra)",
}
DEFAULT = ("speed", "own", "history", "imports")


def main() -> None:
    """Measure the parts that are named; without names, speed, own, history and imports."""
    arguments = _parser().parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        raise SystemExit(f"python -m tests.bench: no part {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
    load = ", ".join(f"{number:.2f}" for number in os.getloadavg())
    machine = f"{os.cpu_count()} cores, load average {load}, Python {platform.python_version()}, {platform.machine()}"
    print(f"{machine}\n", flush=True)
    for part in arguments.parts or DEFAULT:
        _MEASURE[part](arguments)
        print(flush=True)


def _parser() -> argparse.ArgumentParser:
    parts = "\n".join(f"  {name:<10} {text}" for name, text in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=f"{main.__doc__}\n\nparts:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="part", help="what to measure")
    parser.add_argument("--leads", type=int, nargs="+", default=[1_000, 4_000], help="speed, peers: leads in each job")
    parser.add_argument(
        "--repeat", type=int, default=3, help="speed, peers, clients, executors: runs of each; the median counts"
    )
    parser.add_argument("--in-flight", type=int, nargs="+", default=[32], help="peers, clients: calls in flight")
    parser.add_argument("--no-sequential", action="store_true", help="speed: leave out the sequential flow")
    parser.add_argument("--marks", action="store_true", help="speed: print each stage's first and last event")
    parser.add_argument(
        "--sockets", type=int, nargs="*", default=[2_000, 10_000], help="own: leads in each job over sockets"
    )
    parser.add_argument(
        "--in-process", type=int, nargs="*", default=[10_000, 50_000], help="own: leads in each job without sockets"
    )
    parser.add_argument("--rows", type=int, nargs="+", help="sheet, rescrub: rows that are there")
    parser.add_argument("--lookups", type=int, default=1_200, help="clients, executors: lookups in each run")
    parser.add_argument("--events", type=int, default=1_000_000, help="history: events of the traced job")
    parser.add_argument("--jobs", type=int, default=100_000, help="history: jobs in the file")
    parser.add_argument("--batches", type=int, default=1_000, help="report: batches of the job")
    return parser


def _speed(arguments: argparse.Namespace) -> None:
    sizes = speed.measure(arguments.leads, arguments.repeat, not arguments.no_sequential)
    print(speed.table(sizes), flush=True)
    for size in sizes if arguments.marks else ():
        for run in size["runs"]:
            marks = {name: round(seconds, 2) for name, seconds in run["marks"].items()}
            print(marks, run["stages"], run["cpu_s"], run["world_cpu_s"])


def _peers(arguments: argparse.Namespace) -> None:
    print(peers.HEAD, flush=True)
    for row in peers.rows(arguments.leads, arguments.in_flight, arguments.repeat):
        print(row, flush=True)
    print(f"\n{peers.COLUMNS}")


def _clients(arguments: argparse.Namespace) -> None:
    print(clients.HEAD, flush=True)
    for row in clients.rows(arguments.lookups, arguments.in_flight, arguments.repeat):
        print(row, flush=True)


def _own(arguments: argparse.Namespace) -> None:
    print(f"{own.stages()}\n\n{own.HEAD}", flush=True)
    for row in own.jobs(arguments.sockets, arguments.in_process):
        print(row, flush=True)


def _executors(arguments: argparse.Namespace) -> None:
    print(executors.HEAD, flush=True)
    for row in executors.rows(arguments.lookups, arguments.repeat):
        print(row, flush=True)


def _sheet(arguments: argparse.Namespace) -> None:
    print(sheet.HEAD, flush=True)
    for row in sheet.rows(arguments.rows or [2_000, 200_000]):
        print(row, flush=True)


def _rescrub(arguments: argparse.Namespace) -> None:
    print(rescrub.HEAD, flush=True)
    for row in rescrub.rows(arguments.rows or [1_000, 50_000]):
        print(row, flush=True)


_MEASURE = {
    "speed": _speed,
    "peers": _peers,
    "clients": _clients,
    "own": _own,
    "history": lambda arguments: print(past.measure(arguments.events, arguments.jobs)),
    "report": lambda arguments: print(past.report_of(arguments.batches)),
    "imports": lambda _: print(past.imports()),
    "sheet": _sheet,
    "rescrub": _rescrub,
    "executors": _executors,
}


if __name__ == "__main__":
    main()

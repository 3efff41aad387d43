"""python -m tests.bench [speed ...]; see --help."""

from __future__ import annotations

import argparse
import os
import platform

from tests.bench import executors, own, past, speed


def main() -> None:
    """Run the parts that were named, or all of them in their small size."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=main.__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help="what to measure")
    parser.add_argument("--leads", type=int, nargs="+", default=[1_000, 4_000], help="sizes of the speed part")
    parser.add_argument("--repeat", type=int, default=3, help="runs a size; the median counts")
    parser.add_argument("--no-sequential", action="store_true", help="leave the sequential flow out")
    parser.add_argument("--marks", action="store_true", help="when each stage first and last spoke")
    parser.add_argument(
        "--sockets", type=int, nargs="*", default=[2_000, 10_000], help="sizes of the own part, over sockets"
    )
    parser.add_argument(
        "--in-process", type=int, nargs="*", default=[10_000, 50_000], help="sizes of the own part, vendors in process"
    )
    parser.add_argument(
        "--lookups", type=int, default=1_200, help="lookups of the executors part, which needs the dask extra"
    )
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the traced job, in the history part")
    parser.add_argument("--jobs", type=int, default=100_000, help="jobs in the history, in the history part")
    asked = parser.parse_args()
    load = ", ".join(f"{number:.2f}" for number in os.getloadavg())
    print(
        f"{os.cpu_count()} cores, load average {load}, Python {platform.python_version()}, {platform.machine()}\n",
        flush=True,
    )
    parts = asked.parts or ["speed", "own", "history", "imports"]
    if "speed" in parts:
        found = speed.measure(asked.leads, asked.repeat, not asked.no_sequential)
        print(speed.told(found), flush=True)
        for size in found if asked.marks else ():
            for run in size["runs"]:
                print(
                    {k: round(v, 2) for k, v in run["marks"].items()}, run["stages"], run["cpu_s"], run["world_cpu_s"]
                )
    if "own" in parts:
        print(f"\n{own.stages()}\n\n{own.HEAD}", flush=True)
        for row in own.jobs(asked.sockets, asked.in_process):
            print(row, flush=True)
    if "executors" in parts:
        print(f"\n{executors.HEAD}", flush=True)
        for row in executors.rows(asked.lookups, asked.repeat):
            print(row, flush=True)
    if "history" in parts:
        print(f"\n{past.measure(asked.events, asked.jobs)}", flush=True)
    if "imports" in parts:
        print(f"\n{past.imports()}", flush=True)


if __name__ == "__main__":
    main()

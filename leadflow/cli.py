"""python -m leadflow [demo | jobs | trace ID | report ID]."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import leadflow as lf
from leadflow.errors import LeadflowError
from leadflow.events import JobProgress, Recorded


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except LeadflowError as error:
        print(f"leadflow: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="leadflow", description="Lead enrichment: run the demo, look into past jobs.")
    commands = parser.add_subparsers(required=True)
    demo = commands.add_parser("demo", help="run the bundled script on the local world and print its report")
    demo.add_argument("--script", type=Path, help="another script over RAW_LEADS")
    demo.add_argument("--limit-rows", type=int, help="at most so many unprocessed leads")
    demo.set_defaults(command=_demo)
    jobs = commands.add_parser("jobs", help="list past jobs")
    jobs.add_argument("--script")
    jobs.add_argument("--since")
    jobs.add_argument("--status")
    jobs.set_defaults(command=_jobs)
    for name, command, text in (("trace", _trace, "a job's timeline"), ("report", _report, "a job's report")):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("job_id")
        sub.set_defaults(command=command)
    return parser


def _demo(arguments: argparse.Namespace) -> int:
    print("Starting the local world: Snowflake, idiCORE, DNCScrub and Google Sheets on loopback ...", flush=True)
    with lf.local.start() as world, lf.Engine(world.settings) as engine:
        script = arguments.script or lf.local.sample("scripts/june_leads.sql")
        handle = engine.submit(script, limit_rows=arguments.limit_rows, listeners=(_show,))
        job = handle.result()
        report = job.report()
        print(report.to_markdown())
        print(f"\n{'The validation holds.' if report.ok else 'The validation does NOT hold.'}")
        return 0 if job.ok and report.ok else 1


def _show(recorded: Recorded) -> None:
    if isinstance(recorded.event, JobProgress):
        event = recorded.event
        print(f"  {event.progress:3d}%  T+{recorded.elapsed:.1f}s  {event.message}", flush=True)


def _jobs(arguments: argparse.Namespace) -> int:
    print(lf.jobs(script=arguments.script, since=arguments.since, status=arguments.status).to_string(index=False))
    return 0


def _trace(arguments: argparse.Namespace) -> int:
    print(lf.trace(arguments.job_id).to_string(index=False))
    return 0


def _report(arguments: argparse.Namespace) -> int:
    print(lf.report(arguments.job_id).to_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())

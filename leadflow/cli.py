"""The leadflow command, and python -m leadflow: demo, check, rescrub, suppress, jobs, trace ID, report ID."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import leadflow as lf
from leadflow.errors import LeadflowError
from leadflow.events import JobProgress, Recorded

if TYPE_CHECKING:
    from leadflow.engine import RescrubEstimate

_STOPPED = 3


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
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
    demo.add_argument("--limit-rows", type=int, help="the most unprocessed leads to take")
    demo.set_defaults(command=_demo)
    check = commands.add_parser("check", help="check every account, right and limit; buys and writes nothing")
    check.set_defaults(command=_check)
    _add_rescrub(commands)
    _add_suppress(commands)
    jobs = commands.add_parser("jobs", help="list past jobs")
    jobs.add_argument("--script", help="a part of the script's name, or its script_id")
    jobs.add_argument("--since", help="a UTC time, as in 2026-11-01")
    jobs.add_argument("--status", help="as in completed, failed, dead")
    jobs.set_defaults(command=_jobs)
    for name, command, text in (
        ("trace", _trace, "print a job's timeline"),
        ("report", _report, "print a job's report"),
    ):
        one_job = commands.add_parser(name, help=text)
        one_job.add_argument("job_id")
        one_job.set_defaults(command=command)
    return parser


def _add_rescrub(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rescrub = commands.add_parser(
        "rescrub",
        help="check the phones of delivered rows again; withdraw what may not be called any more",
        description="Check the phones of delivered rows again, renew the rows that may still be called, withdraw the "
        "others. For cron: prints three lines; exit status 0 if all is done, 1 if it failed, 3 if it was stopped.",
    )
    rescrub.add_argument(
        "--older-than-days", type=float, help="the age of the checks, 0 for all rows (default: the setting, 25)"
    )
    rescrub.add_argument("--dry-run", action="store_true", help="say what would be checked; check and change nothing")
    rescrub.add_argument("--max-cost", type=float, help="the most dollars for the checks")
    rescrub.set_defaults(command=_rescrub)


def _add_suppress(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    suppress = commands.add_parser("suppress", help="put phones or people on the house's own do-not-call list")
    suppress.add_argument("phones", nargs="*", metavar="PHONE", help="phones in any writing; - reads them from stdin")
    suppress.add_argument("--person-key", action="append", metavar="KEY", help="the key of a lead; may be repeated")
    suppress.add_argument("--reason", required=True, help="why, as in 'asked on the phone'")
    suppress.add_argument("--by", help="who took the request; by default the user of this machine")
    suppress.add_argument("--scope", default="all", help="a campaign; by default all")
    suppress.add_argument("--expires", help="a date at least ten years ahead; by default never")
    suppress.set_defaults(command=_suppress)


def _demo(arguments: argparse.Namespace) -> int:
    print("Starting the local world: Snowflake, idiCORE, DNCScrub and Google Sheets on loopback ...", flush=True)
    with lf.local.start() as world, lf.Engine(world.settings) as engine:
        script = arguments.script or lf.local.sample("scripts/june_leads.sql")
        handle = engine.submit(script, limit_rows=arguments.limit_rows, listeners=(_print_progress,))
        job = handle.result()
        report = job.report()
        print(report.to_markdown())
        print(f"\n{'The validation holds.' if report.ok else 'The validation does NOT hold.'}")
        return 0 if job.ok and report.ok else 1


def _print_progress(recorded: Recorded) -> None:
    event = recorded.event
    if isinstance(event, JobProgress):
        print(f"  {event.progress:3d}%  T+{recorded.elapsed:.1f}s  {event.message}", flush=True)


def _check(_: argparse.Namespace) -> int:
    """Print the check. Return 0 if nothing failed, else 1."""
    with lf.Engine() as engine:
        result = engine.check()
    print(result)
    return 0 if result.ok else 1


def _suppress(arguments: argparse.Namespace) -> int:
    """Suppress phones and people, and print what was done. Return 0 if nothing is left to do, else 1."""
    phones = [phone for phone in arguments.phones if phone != "-"]
    if "-" in arguments.phones:
        phones += [line.strip() for line in sys.stdin if line.strip()]
    with lf.Engine() as engine:
        result = engine.suppress(
            phones or None,
            person_key=arguments.person_key,
            reason=arguments.reason,
            by=arguments.by,
            scope=arguments.scope,
            expires=arguments.expires,
        )
    print(result)
    return 0 if result.ok else 1


def _rescrub(arguments: argparse.Namespace) -> int:
    """Check delivered rows again. Return 0 if the job completed, 3 if it was stopped; a failure raises its error."""
    from leadflow.run.progress import wait_for

    with lf.Engine() as engine:
        if arguments.dry_run:
            print(_described(engine.rescrub(arguments.older_than_days, dry_run=True)))
            return 0
        handle = engine.submit_rescrub(arguments.older_than_days, max_cost=arguments.max_cost)
        try:
            job = wait_for(handle, progress=False)
        except KeyboardInterrupt:
            job = handle.result()
        print(f"{job.id}: {job.status}\n{job.message}")
        print(f"leadflow report {job.id}" if job.ok else f"engine.resume({job.id!r}) goes on; leadflow report {job.id}")
        return 0 if job.ok else _STOPPED


def _described(estimate: RescrubEstimate) -> str:
    """Return what a re-scrub would do, in three lines."""
    calls = f"{estimate.litigator_calls} litigator and {estimate.dnc_calls} do-not-call requests"
    return (
        f"{estimate.due:,} of {estimate.leads:,} leads would be checked again: {estimate.phones:,} phones, {calls}\n"
        f"expected cost of the checks: {estimate.cost:,.2f} dollars\n"
        f"{estimate.expired:,} of these leads may not be called any more now; {estimate.unreadable:,} show no readable "
        "phone and would be withdrawn"
    )


def _jobs(arguments: argparse.Namespace) -> int:
    print(lf.jobs(script=arguments.script, since=arguments.since, status=arguments.status).to_string(index=False))
    return 0


def _trace(arguments: argparse.Namespace) -> int:
    print(lf.trace(arguments.job_id).to_string(index=False))
    return 0


def _report(arguments: argparse.Namespace) -> int:
    print(lf.report(arguments.job_id).to_markdown())
    return 0

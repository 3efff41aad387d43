"""The demo: a job on the local world, from its first second to its report."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import leadflow as lf
from leadflow.cli import options
from leadflow.cli.terminal import is_terminal, say, say_json
from leadflow.errors import InputError, LeadflowError

if TYPE_CHECKING:
    from leadflow.job import JobHandle

_SAMPLE = "scripts/june_leads.sql"
_EVERY_PERCENT = 20


@click.command()
@click.option("--script", type=click.Path(path_type=Path), help="Another script over RAW_LEADS.")
@click.option(
    "--limit", "--limit-rows", "limit", metavar="N", type=click.IntRange(min=1), help="The most leads to take."
)
@options.json_option
def demo(script: Path | None, limit: int | None, as_json: bool) -> int:
    """Run a job on the local world.

    All outside systems are stand-ins on this machine, the people are invented, and nothing is bought. Its history
    and report stay in the folder demo of LEADFLOW_HOME. Exit status: 0 if the job completed and its validation
    holds.
    """
    say("Starting the local world: Snowflake, idiCORE, DNCScrub and Google Sheets on loopback ...", error=as_json)
    sys.stdout.flush()
    _raise_without_world()
    home = _home()
    with _started() as world:
        settings = world.settings.model_copy(update={"home": home})
        with lf.Engine(settings) as engine:
            return _run(engine, script or lf.local.sample(_SAMPLE), limit, home, as_json)


def _started() -> Any:
    """Start the local world. A terminal shows that it moves."""
    if not is_terminal(sys.stderr):
        return lf.local.start()
    from rich.console import Console

    with Console(stderr=True).status("starting"):
        return lf.local.start()


def _raise_without_world() -> None:
    """Raise InputError if the extra `local` is not installed here and no other interpreter is named."""
    if importlib.util.find_spec("fakesnow") is None and not os.environ.get("LEADFLOW_LOCAL_PYTHON"):
        raise InputError("the demo needs the local world, which is not installed; pip install 'leadflow[local]'")


def _home() -> Path:
    """Return the folder of the demo's history. A .env that cannot be read does not matter here."""
    from leadflow.settings.sources import home

    try:
        return home() / "demo"
    except LeadflowError:
        return Path("~/.leadflow/demo").expanduser()


def _run(engine: Any, script: Path, limit: int | None, home: Path, as_json: bool) -> int:
    from leadflow.cli.follow import follow, signals_noted
    from leadflow.cli.outcome import exit_status, job_record
    from leadflow.notebook.live import EventLog

    log = EventLog()
    with signals_noted() as noted:
        handle = engine.submit(script, limit_rows=limit, listeners=(log,))
        follow(handle, noted, log, _percent_line(as_json))
    job = handle.result()
    report = job.report()
    page = report.save(home / f"{job.id}.html")
    if as_json:
        say_json({**job_record(engine.history, job.id), "ok": report.ok, "report": str(page)})
    else:
        say("\n".join(_lines(job, report, page, home)))
    return exit_status(str(job.status)) if report.ok or not job.ok else 1


def _percent_line(as_json: bool) -> Any:
    """Return a function that prints a line at each 20 percent, for a pipe, which shows no bars."""
    last = -1

    def line(handle: JobHandle) -> None:
        nonlocal last
        now = handle.progress
        if now.total is None or now.percent // _EVERY_PERCENT <= last:
            return
        last = now.percent // _EVERY_PERCENT
        say(f"  {now.percent:3d}%  {now.stages.get('Lookup', 0):,} of {now.total:,} leads looked up", error=as_json)
        sys.stdout.flush()

    return line


def _lines(job: Any, report: Any, page: Path, home: Path) -> list[str]:
    """Return what the demo says at its end."""
    from leadflow.display.units import duration
    from leadflow.reports.accounting import accounting_of, reasons

    totals, flow = accounting_of(report.job), report.flow
    took = (report.job["completed_at"] - report.job["started_at"]).total_seconds()
    left_out = sum(totals.left_out.values())
    flagged = f"{int(flow['litigator'].sum()):,} phones of litigators, {int(flow['dnc'].sum()):,} on do-not-call lists"
    holds = int(report.validation["ok"].sum())
    valid = "The validation holds" if report.ok else "The validation does NOT hold"
    return [
        f"{job.id}: {job.status} in {duration(took)}",
        f"  rows of the script  {totals.extracted:,}",
        f"  looked up           {totals.processed:,}: {int(flow['phones_found'].sum()):,} phones found",
        f"  flagged             {flagged}",
        f"  delivered           {totals.delivered:,} rows in the sheet",
        f"  held back           {totals.held_back:,}, {left_out:,} of them left out before the lookup",
        f"                      ({reasons(totals.held) or 'none'})",
        f"{valid}. {holds} of {len(report.validation)} checks against the sheet and the tables hold.",
        f"Report:  {page.as_uri()}",
        f"History: LEADFLOW_HOME={home} leadflow jobs",
        "Next:    leadflow check tries your own accounts; the notebooks begin with 01_run_a_job.ipynb",
    ]

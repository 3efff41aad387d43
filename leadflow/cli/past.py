"""The commands that look at jobs: watch, stop, jobs, trace, report."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

import leadflow as lf
from leadflow.cli import options
from leadflow.cli.terminal import Column, for_terminal, records, say, say_json, say_table
from leadflow.errors import InputError

if TYPE_CHECKING:
    from leadflow.notebook.live import Snapshot

_JOBS = (
    *(Column("Job"), Column("Status"), Column("Started", drops=1), Column("Took", right=True, drops=2)),
    *(Column("Settled", right=True, drops=3), Column("Delivered", right=True)),
)
_TRACE = (Column("Time"), Column("Stage"), Column("Event", wraps=True), Column("File:Line", drops=1))
_EVERY_S = 0.5


@click.command()
@options.job_id(required=False)
@options.json_option
def watch(job_id: str | None, as_json: bool) -> int:
    """Watch a job until it ends.

    Any process of this machine may run it; without JOB_ID it is the newest that runs. A terminal shows its bars; a
    pipe gets a line, or a JSON object, at each change. Ctrl-C ends the watching, not the job. Exit status: 0 the
    job completed, 1 it failed or its process died, 3 it was stopped.
    """
    from leadflow.cli.live import LiveView
    from leadflow.cli.outcome import exit_status
    from leadflow.history import open_history
    from leadflow.notebook.watch import Watch

    history = open_history()
    watched = Watch(job_id or _running(), history, _EVERY_S)
    now, shown = watched.look(), None
    with LiveView() as view:
        while not watched.over:
            if view.draws and not as_json:
                view.draw(now)
            elif _worth_a_line(now) != shown:
                shown = _worth_a_line(now)
                _say_state(now, as_json)
            time.sleep(_EVERY_S)
            now = watched.look()
    _say_state(now, as_json)
    return exit_status(now.status)


def _running() -> str:
    """Return the id of the newest job that runs."""
    found = lf.jobs()
    for job_id, standing in zip(found["id"], found["standing"], strict=True):
        if standing == "running":
            return str(job_id)
    raise InputError("no job runs now; leadflow jobs lists past jobs, leadflow watch JOB_ID shows one")


def _worth_a_line(now: Snapshot) -> tuple[object, ...]:
    return now.status, now.progress.percent, now.message


def _say_state(now: Snapshot, as_json: bool) -> None:
    from leadflow.notebook.live import to_text

    if as_json:
        state = {"id": now.job_id, "status": now.status, "message": now.message, "percent": now.progress.percent}
        say_json({**state, **asdict(now.progress)})
    else:
        say(for_terminal(to_text(now)))
    sys.stdout.flush()


@click.command()
@options.job_id()
@click.option("--by", help="Who stops it, for the record; by default the user of this machine.")
@options.json_option
def stop(job_id: str, by: str | None, as_json: bool) -> int:
    """Stop a job of any process of this machine.

    The process that runs it hears it within seconds. Exit status: 0 it was asked, 1 there was nothing to stop.
    """
    asked = lf.stop(job_id, by=by)
    if as_json:
        say_json(asdict(asked))
    else:
        say(for_terminal(str(asked)))
    return 0 if asked.asked else 1


@click.command()
@click.option("--script", help="A part of the script's or the job's name, or a script_id.")
@click.option("--since", help="A UTC time, as in 2026-11-01.")
@click.option("--status", help="As in completed, failed, stopped, running, dead.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), default=100, show_default=True, help="The most jobs to list."
)
@options.json_option
def jobs(script: str | None, since: str | None, status: str | None, limit: int, as_json: bool) -> int:
    """List past jobs, newest first."""
    found = lf.jobs(script=script, since=since, status=status, limit=limit, full=True)
    if as_json:
        say_json(records(found))
        return 0
    rows = [_job_cells(job) for job in found.astype(object).where(found.notna(), None).to_dict("records")]
    if rows:
        say_table(_JOBS, rows)
    else:
        say("No job was found.", error=True)
    return 0


def _job_cells(job: dict[Any, Any]) -> list[str]:
    from leadflow.display.units import duration, local_time

    began = job["started_at"] or job["created_at"]
    took = "" if job["duration_s"] is None else duration(float(job["duration_s"]))
    numbers = [f"{int(job[name] or 0):,}" for name in ("total_rows_processed", "clean_count")]
    return [job["id"], job["standing"], local_time(began) if began else "", took, *numbers]


@click.command()
@options.job_id()
@options.json_option
def trace(job_id: str, as_json: bool) -> int:
    """Print the timeline of a job."""
    found = lf.trace(job_id, full=True)
    if as_json:
        say_json(records(found))
    else:
        say_table(_TRACE, found[["time", "stage", "message", "source"]].astype(str).to_numpy().tolist())
    return 0


@click.command()
@options.job_id()
@click.option("--html", is_flag=True, help="Save the report as JOB_ID.html in this folder.")
@click.option("--output", "-o", help="Save the report as this file: .html, .md or .txt.")
@click.option("--markdown", is_flag=True, help="Print the whole report as Markdown.")
@options.json_option
def report(job_id: str, html: bool, output: str | None, markdown: bool, as_json: bool) -> int:
    """Print or save the report of a job.

    It is checked against the sheet and the tables as they are now. Without an option, its summary is printed.
    """
    from leadflow.reports.text import to_text

    found = lf.report(job_id)
    if file := output or (f"{job_id}.html" if html else None):
        say(str(found.save(file).absolute()), error=as_json)
    if as_json:
        say_json(_report_record(found))
    elif markdown:
        click.echo(found.to_markdown())
    elif not file:
        say(for_terminal(to_text(found)))
    return 0


def _report_record(found: Any) -> dict[str, Any]:
    from leadflow.cli.outcome import SHOWN

    tables = {name: records(getattr(found, name)) for name in ("validation", "flow", "delays")}
    said = {"coverage": found.coverage, "limits": found.limits, "notes": found.notes, "opt_outs": found.opt_outs}
    job = {name: found.job[name] for name in SHOWN}
    return {"job": job, "standing": found.standing, "ok": found.ok, **said, **tables}

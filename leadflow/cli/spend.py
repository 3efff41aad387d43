"""The commands that run jobs: run, estimate, resume, queue. A person is asked first; a schedule needs a limit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import leadflow as lf
from leadflow.cli import options
from leadflow.cli.terminal import confirmed, is_terminal, say, say_json
from leadflow.errors import ScriptError

if TYPE_CHECKING:
    from leadflow.engine import Engine, Estimate
    from leadflow.job import JobHandle

_STDIN = "-"
_STOPPED = 3


@click.command()
@click.argument("script")
@click.option("--name", help="The job's name; by default that of the file.")
@options.script_options
@options.budget_options
@options.yes_option
@options.json_option
def run(script: str, name: str | None, limit: int | None, params: tuple[str, ...], **more: Any) -> int:
    """Run a script or a file of leads.

    SCRIPT is a .sql file, a .csv, .tsv or .parquet file of leads, SQL text, or - for SQL on stdin.

    In a terminal it shows the estimate and asks; the leads that you say yes to are the most that it takes. Without a
    terminal, as from cron, it needs --max-cost, --max-lookups, --limit, a budget in the settings, or --yes. Ctrl-C and
    SIGTERM stop the job; leadflow resume goes on. Exit status: 0 done, 1 failed, 3 stopped.
    """
    from leadflow.run.consent import read_params

    source, values = _source(script), read_params(params)
    max_cost, max_lookups = more["max_cost"], more["max_lookups"]
    with lf.Engine() as engine:
        if not more["yes"] and _can_ask(script):
            budget = {"max_cost": max_cost, "max_lookups": max_lookups}
            agreed = _agreed(engine.estimate(source, limit, params=values, **budget))
            if not agreed:
                return 0 if agreed == 0 else _STOPPED
            limit = agreed
        elif not more["yes"]:
            _raise_without_limit(engine, limit, max_lookups, max_cost)
        return followed(
            engine,
            lambda listeners: engine.submit(
                *(source, name, limit),
                params=values,
                max_lookups=max_lookups,
                max_cost=max_cost,
                listeners=listeners,
            ),
            more["as_json"],
        )


@click.command()
@click.argument("script")
@options.script_options
@options.budget_options
@options.json_option
def estimate(script: str, limit: int | None, params: tuple[str, ...], as_json: bool, **budget: Any) -> int:
    """Say what a run would take and cost.

    SCRIPT is what leadflow run takes. With a budget, says after how many leads it stops the run. Buys and writes
    nothing.
    """
    from leadflow.run.consent import read_params

    with lf.Engine() as engine:
        found = engine.estimate(_source(script), limit, params=read_params(params), **budget)
    if as_json:
        say_json(asdict(found))
    else:
        say(str(found))
    return 0


@click.command()
@options.job_id()
@options.budget_options
@options.yes_option
@options.json_option
def resume(job_id: str, max_cost: float | None, max_lookups: int | None, yes: bool, as_json: bool) -> int:
    """Go on with a job that broke off.

    It may have died, failed or been stopped; leads that may still clear are tried again. Pays for nothing twice. In
    a terminal it says how many leads are left and asks. Without one it needs --max-cost, --max-lookups or --yes,
    unless the job has a limit that did not stop it. Exit status: 0 done, 1 failed, 3 stopped.
    """
    from leadflow.cli.resuming import raise_without_budget, what_is_left

    with lf.Engine() as engine:
        job = engine.history.job(job_id)
        if not yes and _can_ask():
            say(f"{job_id}: {job['status']}\n{what_is_left(engine, job, max_cost)}", error=True)
            if not confirmed("Resume it?"):
                return _STOPPED
        elif not yes:
            raise_without_budget(engine, job, max_lookups, max_cost)
        return followed(
            engine,
            lambda listeners: engine.submit_resume(
                job_id, max_lookups=max_lookups, max_cost=max_cost, listeners=listeners
            ),
            as_json,
        )


@click.command()
@click.argument("scripts", nargs=-1, required=True, metavar="SCRIPT... | FOLDER")
@options.script_options
@options.budget_options
@options.yes_option
@options.json_option
def queue(scripts: tuple[str, ...], limit: int | None, params: tuple[str, ...], **more: Any) -> int:
    """Run several scripts, one after another.

    Takes scripts and files of leads, or a folder of them in the order of their names. Asks like leadflow run.
    --limit and --param are for each job, --max-cost and --max-lookups for all together. Exit status: 0 all done, 1
    one failed, 3 one was stopped.
    """
    from leadflow.cli.follow import follow, signals_noted
    from leadflow.cli.outcome import say_queue_end
    from leadflow.notebook.live import EventLog
    from leadflow.run.consent import read_params
    from leadflow.stages.lead_source import listed

    folder = len(scripts) == 1 and Path(scripts[0]).expanduser().is_dir()
    sources = listed(scripts[0]) if folder else [_source(script) for script in scripts]
    values, max_cost, max_lookups = read_params(params), more["max_cost"], more["max_lookups"]
    with lf.Engine() as engine:
        if not more["yes"] and _can_ask(*scripts):
            most = _agreed_for_all(engine, sources, limit, values, max_cost)
            if not most:
                return 0 if most == 0 else _STOPPED
            max_lookups = most if max_lookups is None else min(most, max_lookups)
        elif not more["yes"]:
            _raise_without_limit(engine, limit, max_lookups, max_cost)
        log = EventLog()
        with signals_noted() as noted:
            wanted = {"limit_rows": limit, "params": values, "max_lookups": max_lookups, "max_cost": max_cost}
            jobs = engine.queue(sources, **wanted, listeners=(log,))
            follow(jobs, noted, log)
        return say_queue_end(engine.history, jobs.ids, more["as_json"])


def _source(script: str) -> str | Path:
    """Return what the engine takes: SQL of stdin, else the argument as it is: the engine knows a path from SQL."""
    if script != _STDIN:
        return script
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise ScriptError("the script on stdin is not UTF-8; save it as UTF-8, or give the name of its file") from None


def _can_ask(*scripts: str) -> bool:
    """Return whether a person can be asked: stdin and stderr are a terminal, and no script is read from stdin."""
    return _STDIN not in scripts and is_terminal(sys.stdin) and is_terminal(sys.stderr)


def _agreed(found: Estimate) -> int | None:
    """Show an estimate and ask. Return how many leads the person agreed to: 0 if there is none, None for a no."""
    say(str(found), error=True)
    leads = found.lookups + found.reused
    if not leads:
        say("There is nothing to look up; no job was started.", error=True)
        return 0
    return leads if confirmed(f"Run it for {leads:,} leads, {found.price}?") else None


def _agreed_for_all(
    engine: Engine, sources: Sequence[Any], limit: int | None, params: dict[str, str], max_cost: float | None
) -> int | None:
    """Show the estimates of a queue and ask. Return how many lookups the person agreed to; see `_agreed`."""
    leads = lookups = 0
    for source in sources:
        found = engine.estimate(source, limit, params=params)
        leads, lookups = leads + found.lookups + found.reused, lookups + found.lookups
        named = Path(str(source)).name if "\n" not in str(source) else "SQL"
        say(f"{named}: {found.lookups + found.reused:,} leads, {found.price}", error=True)
    if not leads:
        say("There is nothing to look up; no job was started.", error=True)
        return 0
    budget = f", for ${max_cost:,.2f} at most" if max_cost is not None else ""
    agreed = confirmed(f"Run {len(sources)} jobs, {lookups:,} lookups at most{budget}?")
    return (lookups or 1) if agreed else None


def _raise_without_limit(engine: Engine, *limits: float | None) -> None:
    from leadflow.run.consent import WHAT_TO_ADD, has_limit

    if not has_limit(engine.settings, *limits):
        raise click.UsageError(WHAT_TO_ADD)


def followed(engine: Engine, start: Any, as_json: bool) -> int:
    """Start a job, follow it to its end, and print that. Raises the error of a job that failed."""
    from leadflow.cli.follow import follow, signals_noted
    from leadflow.cli.outcome import say_end
    from leadflow.notebook.live import EventLog

    log = EventLog()
    with signals_noted() as noted:
        handle: JobHandle = start((log,))
        follow(handle, noted, log)
    status = say_end(engine.history, handle.id, as_json)
    handle.result()
    return status

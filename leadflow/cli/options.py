"""The options that several commands share, and their types."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from leadflow.errors import InputError, LeadflowError

F = TypeVar("F", bound=Callable[..., Any])
_MOST_OFFERED = 30


class Dollars(click.ParamType):
    """An amount of money: a finite number of 0 or more, as in 60 or 12.5."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the amount. Fails for anything else, such as "nan" or "60,5"."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number >= 0):
            self.fail(f"{value!r} is no amount in dollars; write it as in 60 or 12.5", param, ctx)
        return number


class Variable(click.ParamType):
    """A value for a variable of the script, NAME=VALUE. An error does not show the value."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text if it is NAME=VALUE."""
        from leadflow.run.consent import read_params

        try:
            read_params([value])
        except InputError as error:
            self.fail(str(error), param, ctx)
        return value


class JobId(click.ParamType):
    """The id of a job. A shell completes it from the history."""

    name = "job_id"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the newest jobs whose id begins as typed. A history that is busy or not there offers none."""
        from leadflow.history import History, default_path

        try:
            path = default_path()
            found = History(path, wait_s=0.5).past() if path.exists() else []
        except (LeadflowError, OSError):
            return []
        matching = [job for job in found if job["id"].startswith(incomplete)]
        return [CompletionItem(job["id"], help=job["status"]) for job in matching[:_MOST_OFFERED]]


def job_id(required: bool = True) -> Callable[[F], F]:
    """Add the argument JOB_ID."""
    return click.argument("job_id", type=JobId(), required=required)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask; spend what the run costs.")


def script_options(command: F) -> F:
    """Add the options that say which leads of a script to take."""
    options = (
        click.option("--limit", metavar="N", type=click.IntRange(min=1), help="The most unprocessed leads to take."),
        click.option(
            *("--param", "params"),
            type=Variable(),
            multiple=True,
            metavar="NAME=VALUE",
            help="A value for $NAME in the script, as text; may be repeated.",
        ),
    )
    return _with(command, options)


def budget_options(command: F) -> F:
    """Add the options that limit what a job may spend."""
    options = (
        click.option("--max-cost", type=Dollars(), help="The most dollars, over all runs of the job."),
        click.option(
            "--max-lookups",
            metavar="N",
            type=click.IntRange(min=0),
            help="The most lookups, over all runs of the job.",
        ),
    )
    return _with(command, options)


def _with(command: F, options: tuple[Callable[[F], F], ...]) -> F:
    for option in reversed(options):
        command = option(command)
    return command

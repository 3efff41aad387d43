"""The start of the command: its list of commands, its errors, and its exit status."""

from __future__ import annotations

import io
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

import leadflow
from leadflow.cli.accounts import check, rescrub, suppress
from leadflow.cli.completion import completion
from leadflow.cli.demo import demo
from leadflow.cli.past import jobs, report, stop, trace, watch
from leadflow.cli.spend import estimate, queue, resume, run
from leadflow.cli.terminal import columns, discard_output, for_terminal, say
from leadflow.errors import BudgetReached, JobNotFound, LeadflowError, SettingsError, three_lines

FAILED, USAGE, STOPPED, INTERRUPTED = 1, 2, 3, 130
_MOST_LINES = 3
# Help texts of click are never narrower than this, unless it is told the width.
_CLICK_AT_LEAST = 52
_MOST_IDS = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(leadflow.__version__, prog_name="leadflow", message="%(prog)s %(version)s")
def commands() -> None:
    """Leads from a Snowflake script to checked, callable rows in a Google Sheet.

    Settings are read from the environment and .env. Exit status: 0 done, 1 failed, 2 wrong usage, 3 stopped.
    """


for command in (
    *(run, estimate, resume, queue, watch, stop, check, rescrub, jobs, trace, report, suppress),
    *(demo, completion),
):
    commands.add_command(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    >>> main(["--version"])
    leadflow 0.1.0
    0
    """
    _tolerant_streams()
    try:
        with _terminated_like_ctrl_c(), _short_warnings():
            arguments = None if argv is None else list(argv)
            width = columns(sys.stdout) or _CLICK_AT_LEAST
            narrow = width if width < _CLICK_AT_LEAST else None
            called = commands.main(arguments, prog_name="leadflow", standalone_mode=False, terminal_width=narrow)
            return int(called or 0)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        return _said([error.format_message()], USAGE)
    except click.ClickException as error:
        return _said(_usage_lines(error), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _said(["leadflow: interrupted; no job was started"], INTERRUPTED)
    except BrokenPipeError:  # as in leadflow jobs | head
        discard_output()
        return 0
    except LeadflowError as error:
        return _said(error_lines(error), STOPPED if isinstance(error, BudgetReached) else FAILED)
    except Exception as error:
        return _said(_unexpected(error), FAILED)


def error_lines(error: LeadflowError) -> list[str]:
    """Return an error in at most three lines: what happened, and what to do."""
    if isinstance(error, JobNotFound) and (found := _not_found(str(error))):
        return found
    if isinstance(error, SettingsError):
        what, _, faults = str(error).partition(": ")
        return [f"leadflow: {what}", *([f"  {for_terminal(' '.join(faults.split()))}"] if faults else [])]
    what, *todo = three_lines("leadflow", for_terminal(str(error)), None)
    lines = [line for text in (what, *todo) for line in text.splitlines()]
    return [*lines[: _MOST_LINES - 1], " ".join(map(str.strip, lines[_MOST_LINES - 1 :]))][:_MOST_LINES]


def _not_found(message: str) -> list[str]:
    """Return the error for an unknown id, with the newest of the ids that its message lists one a line."""
    first, *others = message.splitlines()
    ids = [line.split()[0] for line in others if line.startswith("  ")]
    newest = [f"  The newest: {', '.join(ids[:_MOST_IDS])}"] if ids else []
    return [f"leadflow: {first.rstrip('.')}", *newest, "  What to do: leadflow jobs lists all"] if others else []


def _usage_lines(error: click.ClickException) -> list[str]:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "leadflow"
    return [f"{path}: {' '.join(error.format_message().split())}", f"  What to do: {path} --help"]


def _unexpected(error: Exception) -> list[str]:
    """Return the lines for an error that nobody foresaw. Its own text may hold personal data, so it is not shown."""
    if isinstance(error, ImportError) and error.name:
        return [f"leadflow: the package {error.name} is not installed", "  What to do: pip install leadflow"]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return [f"leadflow: unexpected {type(error).__name__}{place}", "  What to do: report it with this line"]


def _said(lines: Sequence[str], status: int) -> int:
    try:
        for line in filter(None, lines):
            say(line, error=True)
    except OSError:  # the terminal is gone
        discard_output()
    return status


def _tolerant_streams() -> None:
    """Let a character that the terminal's encoding does not have be printed as "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def _terminated_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM interrupt a command as Ctrl-C does, so that what is open is closed."""

    def interrupt(number: int, _: object) -> NoReturn:
        raise KeyboardInterrupt(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Print a warning of leadflow as one line, without the place in the code."""
    with warnings.catch_warnings():
        warnings.formatwarning = _one_line
        yield


def _one_line(message: object, *_: object, **__: object) -> str:
    return f"leadflow: {' '.join(str(message).split())}\n"

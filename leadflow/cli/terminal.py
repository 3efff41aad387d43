"""What a command prints: text and tables that fit the terminal, whole lines in a pipe or a file, JSON on demand."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

# A terminal with fewer columns is treated as one with this many.
_NARROWEST = 20
# The least room for a column whose text may wrap; with less, each row becomes a block of lines.
_LEAST_WRAPPED = 24
_GAP = 2
_STYLES = {
    **dict.fromkeys(("completed", "ok"), "green"),
    **dict.fromkeys(("failed", "dead"), "red"),
    **dict.fromkeys(("stopped", "warning", "may clear"), "yellow"),
    **dict.fromkeys(("running", "queued"), "cyan"),
}
# What an error says to do in Python, as the command that does it.
_COMMANDS = (
    (r"(?:engine|lf)\.(resume|report|trace|stop|watch)\(['\"]([^'\"]+)['\"]\)", r"leadflow \1 \2"),
    (r"engine\.resume\(['\"]([^'\"]+)['\"], max_cost=\.\.\.\)", r"leadflow resume \1 --max-cost ..."),
    (r"(?:engine|lf)\.jobs\([^)]*\)", "leadflow jobs"),
    (r"engine\.check\(\)", "leadflow check"),
    (r"engine\.(?:run|submit) takes", "leadflow run takes"),
    (r"engine\.queue\b", "leadflow queue"),
    (r"engine\.resume\b", "leadflow resume"),
)


@dataclass(frozen=True)
class Column:
    """A column of a table. The text of one that `wraps` may take several lines; `right` is for numbers.

    A terminal that is too narrow leaves out columns, those with the highest `drops` first; 0 always stays.
    """

    title: str
    wraps: bool = False
    right: bool = False
    drops: int = 0


def is_terminal(stream: TextIO) -> bool:
    """Return whether a person looks at a stream."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # a closed stream, or none
        return False


def columns(stream: TextIO) -> int | None:
    """Return the width of the terminal that shows a stream; None for a pipe or a file, which has no width."""
    return max(_NARROWEST, shutil.get_terminal_size().columns) if is_terminal(stream) else None


def for_terminal(text: str) -> str:
    """Return a message with commands in place of lines of Python.

    >>> for_terminal("job x was stopped; engine.resume('x') goes on where it was")
    'job x was stopped; leadflow resume x goes on where it was'
    """
    for pattern, command in _COMMANDS:
        text = re.sub(pattern, command, text)
    return text


def say(text: str, *, error: bool = False) -> None:
    """Print lines. A terminal gets them wrapped between words, so that an id stays whole."""
    width = columns(sys.stderr if error else sys.stdout)
    for line in text.splitlines():
        click.echo(_wrapped(line, width) if width else line, err=error)


def _wrapped(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * min(len(line) - len(line.lstrip()) + 2, width // 2)
    return textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False)


def confirmed(question: str) -> bool:
    """Ask a person, on stderr; Enter alone is a no. Raises click.Abort for Ctrl-C.

    Snowflake's connector 5 handles signals in a way in which Ctrl-C would not end the wait for an answer.
    """
    if hasattr(signal, "siginterrupt"):  # Windows has none
        signal.siginterrupt(signal.SIGINT, True)
    return click.confirm(question, err=True)


def say_json(value: Any) -> None:
    """Print a value as JSON: one line in a pipe, indented in a terminal. What is no number or text is null or text."""
    click.echo(json.dumps(_plain(value), indent=2 if is_terminal(sys.stdout) else None, default=_text, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as JSON has them: times in ISO 8601, no NaN."""
    return json.loads(frame.to_json(orient="records", date_format="iso", default_handler=str) or "[]")


def say_table(titles: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table. A terminal that is too narrow for it gets a block of lines for each row; a pipe whole lines."""
    cells = [[" ".join(str(cell).split()) for cell in row] for row in rows]
    width = columns(sys.stdout)
    if width is None:
        click.echo(_aligned(titles, cells))
    elif (kept := _fitting(titles, cells, width)) is not None:
        _draw(_table([titles[n] for n in kept], [[row[n] for n in kept] for row in cells]), width)
    else:
        say("\n".join(_block(titles, row) for row in cells))


def _natural(titles: Sequence[Column], cells: list[list[str]]) -> list[int]:
    return [max(len(title.title), *(len(row[n]) for row in cells), 0) for n, title in enumerate(titles)]


def _fitting(titles: Sequence[Column], cells: list[list[str]], width: int) -> list[int] | None:
    """Return the numbers of the columns that fit beside each other; None if not even those do that always stay."""
    natural = _natural(titles, cells)
    needed = [min(_LEAST_WRAPPED, n) if title.wraps else n for title, n in zip(titles, natural, strict=True)]
    for most in sorted({title.drops for title in titles}, reverse=True):
        kept = [n for n, title in enumerate(titles) if title.drops <= most]
        if sum(needed[n] for n in kept) + _GAP * (len(kept) - 1) <= width:
            return kept
    return None


def _aligned(titles: Sequence[Column], cells: list[list[str]]) -> str:
    widths = _natural(titles, cells)
    lines = [[title.title for title in titles], *cells]
    return "\n".join((" " * _GAP).join(map(_padded, line, widths, titles)).rstrip() for line in lines)


def _padded(cell: str, width: int, title: Column) -> str:
    return cell.rjust(width) if title.right else cell.ljust(width)


def _block(titles: Sequence[Column], row: Sequence[str]) -> str:
    first, *others = row
    named = [f"  {title.title}: {cell}" for title, cell in zip(titles[1:], others, strict=True) if cell]
    return "\n".join([first, *named])


def _table(titles: Sequence[Column], cells: list[list[str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(title.title, justify="right" if title.right else "left", no_wrap=not title.wraps)
    for row in cells:
        table.add_row(*(Text(cell, style=_STYLES.get(cell.lower(), "")) for cell in row))
    return table


def _draw(drawn: Any, width: int) -> None:
    from rich.console import Console

    Console(width=width, highlight=False, soft_wrap=False).print(drawn)


def discard_output() -> None:
    """Send what is still to be printed nowhere: the program that read it has ended."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue

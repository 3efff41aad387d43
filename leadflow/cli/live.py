"""The live view of a job in a terminal: the same bars, counts and log lines that the panel shows."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from leadflow.cli.terminal import for_terminal, is_terminal
from leadflow.display.units import duration, money
from leadflow.notebook.live import Pace, Snapshot, main_counts

if TYPE_CHECKING:
    from rich.console import RenderableType

# Below this many columns a bar has no room beside its numbers.
_WIDE = 60
_MOST_LOG_LINES = 5
_REFRESH_S = 0.2
_COLORS = {"COMPLETED": "green", "FAILED": "red", "DEAD": "red", "STOPPED": "yellow"}


class LiveView:
    """Draws a job on the terminal of stderr until the end of the `with` block; draws nothing in a pipe or a file."""

    def __init__(self) -> None:
        self._live: Any = None
        self._pace = Pace()
        self._began = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> Self:
        """Begin to draw."""
        if is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb":
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True, highlight=False), transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take away what was drawn."""
        if self._live is not None:
            self._live.stop()

    @property
    def draws(self) -> bool:
        """Whether somebody sees it."""
        return self._live is not None

    def draw(self, now: Snapshot | None) -> None:
        """Draw the state of a job; at most five times a second."""
        if self._live is None or now is None or time.monotonic() - self._drawn < _REFRESH_S:
            return
        self._drawn = time.monotonic()
        size = self._live.console.size
        seconds = duration(self._drawn - self._began)
        self._live.update(picture(now, self._pace, size.width, size.height, seconds), refresh=True)


def picture(now: Snapshot, pace: Pace, width: int, height: int, seconds: str = "") -> RenderableType:
    """Return the state of a job for a terminal of this size."""
    from rich.console import Group
    from rich.text import Text

    head = Text(now.job_id, style="bold", overflow="fold")
    head.append(f"  {now.status}", style=_COLORS.get(now.status, "cyan"))
    head.append(f"  {seconds}")
    parts: list[Any] = [head]
    if now.message:
        parts.append(Text(for_terminal(now.message)))
    parts += [_bars(now, pace, width), Text(_counts(now))]
    room = max(0, min(_MOST_LOG_LINES, height - 12)) if width >= _WIDE else 0
    lines = list(now.log)[-room:] if room else []
    parts += [Text(line, style="dim", overflow="ellipsis", no_wrap=True) for line in lines]
    return Group(*parts)


def _bars(now: Snapshot, pace: Pace, width: int) -> RenderableType:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    grid = Table.grid(padding=(0, 1, 0, 0))
    progress = now.progress
    if progress.total is None:
        grid.add_row("Job", "reading the leads")
        return grid
    total = progress.total
    job = f"{progress.percent}%, {progress.done:,} of {total:,} settled"
    if progress.may_clear:
        job += f", {progress.may_clear:,} may still clear"
    rows = [("Job", float(progress.percent), job)]
    for name, done in progress.stages.items():
        rate = pace.of(name, done, total)
        rows.append(
            (name, 100.0 * done / total if total else 100.0, f"{done:,} of {total:,}{f', {rate}' if rate else ''}")
        )
    for name, percent, numbers in rows:
        bar = [ProgressBar(100, min(100.0, percent), width=max(10, width // 4))] if width >= _WIDE else []
        grid.add_row(name, *bar, numbers)
    return grid


def _counts(now: Snapshot) -> str:
    """Return the counts and the dollars so far."""
    counts = now.progress.counts
    said = [f"{number:,} {words}" for words, number in main_counts(counts).items()] if counts else []
    cost = now.progress.cost
    return ", ".join(said + ([f"{money(cost)} so far"] if cost is not None else []))

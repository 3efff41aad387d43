"""The progress bar of engine.run: a widget in a notebook, text in a terminal, and none without a display."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from leadflow.display.elements import bar as html_bar
from leadflow.display.elements import framed
from leadflow.display.live import LiveHtml
from leadflow.display.live import in_notebook as in_notebook
from leadflow.display.units import duration
from leadflow.errors import Stopped, three_lines

if TYPE_CHECKING:
    from leadflow.job import Job, JobHandle

_LOOK_EVERY_S = 0.2


def wait_for(handle: JobHandle, progress: bool, raise_on_stop: bool = False) -> Job:
    """Show a progress bar, wait for the job and return it. On an interrupt, stop the job first.

    With `raise_on_stop`, raise Stopped for a job that a person or its budget stopped.
    """
    try:
        with bar(handle.name, progress) as drawn:
            while not handle.wait(_LOOK_EVERY_S):
                drawn.move_to(handle.progress.percent)
            drawn.move_to(handle.progress.percent)
            drawn.say_may_clear(handle.name, handle.progress.may_clear)
    except BaseException as error:
        stop_for(error, handle)
        raise
    job = handle.result()
    if raise_on_stop and not job.ok:
        raise Stopped(f"job {job.id} was stopped before its end: {job.message}")
    return job


def stop_for(error: BaseException, handle: JobHandle) -> None:
    """Stop a job whose wait an error ended, such as an interrupt; the error then names the job and how to go on."""
    handle.stop("a person" if isinstance(error, KeyboardInterrupt) else type(error).__name__)
    handle.wait()
    _add_job(error, handle)


def _add_job(error: BaseException, handle: JobHandle) -> None:
    """Name the job and the line that resumes it in an error, for a terminal and for a notebook."""
    now = handle.progress
    done = f": {now.done:,} of {now.total:,} leads are settled" if now.total is not None else ""
    message = f"job {handle.id} is {handle.status}{done}"
    if handle.status != "COMPLETED":
        message += f"; engine.resume({handle.id!r}) goes on where it was, and what was paid for is kept"
    error.add_note(message)
    # IPython calls this, if an exception has it, instead of drawing a traceback.
    error._render_traceback_ = lambda: three_lines(type(error).__name__, message, error.__traceback__)  # type: ignore[attr-defined]


class Bar:
    """A progress bar. If the bar fails, it is removed, so that a display error does not end the job."""

    def __init__(self, drawn: Any = None) -> None:
        self._drawn = drawn

    def move_to(self, percent: int) -> None:
        """Show this percentage."""
        if self._drawn is not None:
            try:
                self._drawn.update(percent - self._drawn.n)
            except Exception:
                self._drawn = None

    def say_may_clear(self, name: str, leads: int) -> None:
        """Say at the end of a job how many of its leads may still clear."""
        if self._drawn is not None and leads:
            with suppress(Exception):
                self._drawn.set_description(f"{name}, {leads:,} may still clear")


class HtmlBar:
    """A progress bar in a notebook's cell, with the methods of tqdm that Bar uses."""

    def __init__(self, name: str) -> None:
        self.n = 0
        self._name, self._since = name, time.monotonic()
        self._live = LiveHtml(self._bundle())

    def update(self, percent: int) -> None:
        """Advance by so many percent, and show the time."""
        self.n += percent
        self._live.update(self._bundle())

    def set_description(self, name: str) -> None:
        """Show other words before the percentage."""
        self._name = name
        self._live.update(self._bundle())

    def close(self) -> None:
        """Leave the last state in the cell."""
        self._live.update(self._bundle())

    def _bundle(self) -> dict[str, str]:
        took = time.monotonic() - self._since
        left = f", about {duration(took * (100 - self.n) / self.n)} left" if 0 < self.n < 100 else ""
        said = f"{self._name}: {self.n}%, {duration(took)}{left}"
        return {"text/plain": said, "text/html": framed(html_bar(self._name, self.n, said))}


@contextmanager
def bar(name: str, progress: bool) -> Iterator[Bar]:
    """Show a bar for a job if `progress` is true and there is a display."""
    drawn = _drawn(name) if progress and has_display() else None
    try:
        yield Bar(drawn)
    finally:
        with suppress(Exception):
            if drawn is not None:
                drawn.close()


def _drawn(name: str) -> Any:
    """Return a bar, in a notebook as HTML that stays when it is saved, else tqdm's; None if it cannot be drawn."""
    try:
        if in_notebook():
            return HtmlBar(name)
        with warnings.catch_warnings():
            # Without ipywidgets tqdm draws its bar as text, which needs no warning.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm

        return tqdm(total=100, desc=name, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}")
    except Exception:
        return None


def has_display() -> bool:
    """Return whether there is a notebook or a terminal."""
    return in_notebook() or sys.stderr.isatty()

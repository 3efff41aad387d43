"""The progress bar of engine.run: a widget in a notebook, text in a terminal, and none without a display."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from leadflow.errors import Stopped

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
    except BaseException:
        handle.stop()
        handle.wait()
        raise
    job = handle.result()
    if raise_on_stop and not job.ok:
        raise Stopped(f"job {job.id} was stopped before its end: {job.message}")
    return job


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
    """Return tqdm's bar, or None if it cannot be drawn."""
    try:
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


def in_notebook() -> bool:
    """Return whether this process is a Jupyter kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")

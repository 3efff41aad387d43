"""The progress bar of engine.run: a widget in a notebook, text in a terminal, nothing without a display."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Bar:
    """A progress bar, which is dropped when it fails: a job must not end with the display of its notebook."""

    def __init__(self, drawn: Any = None) -> None:
        self._drawn = drawn

    def to(self, percent: int) -> None:
        """Move to so many percent."""
        if self._drawn is not None:
            try:
                self._drawn.update(percent - self._drawn.n)
            except Exception:
                self._drawn = None


@contextmanager
def bar(name: str, progress: bool) -> Iterator[Bar]:
    """A bar for a job, if `progress` is wanted and there is a display."""
    if not (progress and has_display()):
        yield Bar()
        return
    try:
        with warnings.catch_warnings():
            # Where ipywidgets is missing tqdm draws its bar as text, and need not complain of it.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm

        drawn = tqdm(total=100, desc=name, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}")
    except Exception:
        drawn = None
    try:
        yield Bar(drawn)
    finally:
        with suppress(Exception):
            if drawn is not None:
                drawn.close()


def has_display() -> bool:
    """A notebook, which is no terminal, or a terminal."""
    return in_notebook() or sys.stderr.isatty()


def in_notebook() -> bool:
    """Whether this runs in a kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")

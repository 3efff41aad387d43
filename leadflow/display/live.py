"""HTML in a notebook's cell that changes while the cell or a thread runs, by its display id and without widgets.

So it also works where widgets of background threads do not update, and its last state is in the saved notebook.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Bundle = Callable[[], dict[str, str]]
_LOOK_EVERY_S = 1.0


def in_notebook() -> bool:
    """Return whether this process is a Jupyter kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


class LiveHtml:
    """One output of a notebook's cell. `bundle` is its HTML and its text."""

    def __init__(self, bundle: dict[str, str]) -> None:
        from IPython.display import display

        self._shown = bundle
        self._handle: Any = display(bundle, raw=True, display_id=True)  # pyright: ignore[reportUnknownVariableType]

    def update(self, bundle: dict[str, str]) -> None:
        """Show another state, if it is one."""
        if bundle != self._shown:
            self._shown = bundle
            self._handle.update(bundle, raw=True)


def follow(bundle: Bundle, has_ended: Callable[[float], bool]) -> threading.Thread:
    """Show a state, and update it once a second in the background until `has_ended`, which waits so many seconds."""
    shown = LiveHtml(bundle())

    def work() -> None:
        with suppress(Exception):  # a display that fails must not end anything
            while not has_ended(_LOOK_EVERY_S):
                shown.update(bundle())
            shown.update(bundle())

    thread = threading.Thread(target=work, name="leadflow-display", daemon=True)
    thread.start()
    return thread

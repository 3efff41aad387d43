"""Watch a job that another notebook or script on this machine runs."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from leadflow.history import History, open_history
from leadflow.notebook.live import Pace, Snapshot, to_html, to_text
from leadflow.notebook.output import Output
from leadflow.notebook.recorded import recorded_snapshot
from leadflow.notebook.widgets import have_widgets, mime_bundle
from leadflow.run.progress import in_notebook


def watch(job_id: str, *, history: History | Path | str | None = None, every_s: float = 1.0) -> Watch:
    """Watch a job of any process on this machine until it ends. Reads the history every `every_s` seconds.

    In a notebook it shows a live view and returns at once. In a terminal it prints a line at each change and returns
    when the job has ended. `.status` is the job's status. Raises JobNotFound, with recent jobs, for an unknown id.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     handle = engine.submit("SELECT * FROM RAW_LEADS", limit_rows=20)
        ...     lf.watch(handle.id).status  # doctest: +SKIP
        'COMPLETED'
    """
    found = Watch(job_id, open_history(history), every_s)
    if in_notebook():
        found.start()
    else:
        found.print_to_end()
    return found


class Watch:
    """The live view of a job; see `watch`."""

    def __init__(self, job_id: str, history: History, every_s: float) -> None:
        self.job_id = job_id
        self._history = history
        self._every_s = every_s
        self._pace = Pace()
        self._ended = threading.Event()
        self._widget: Any = None
        self._output = Output()
        self._now = self._read()

    @property
    def status(self) -> str:
        """The job's status at the last read."""
        return self._now.status

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the job. Return whether it has ended."""
        return self._ended.wait(timeout)

    def start(self) -> None:
        """Watch the job in the background, with a widget if ipywidgets is installed."""
        if have_widgets():
            import ipywidgets

            self._widget = ipywidgets.HTML(to_html(self._now, self._pace))
            self._output.mark(self._widget)
        threading.Thread(target=self._follow, name="leadflow-watch", daemon=True).start()

    def print_to_end(self) -> None:
        """Watch the job until its end and print a line at each change."""
        last = ""
        while True:
            line = to_text(self._now)
            if line != last:
                sys.stdout.write(line + "\n")
                last = line
            if self._over():
                return
            self._ended.wait(self._every_s)
            self._now = self._read()

    def look(self) -> Snapshot:
        """Read the job's state now and return it."""
        self._now = self._read()
        return self._now

    @property
    def over(self) -> bool:
        """Whether the job had ended, or its process had died, at the last read."""
        return self._over()

    def _follow(self) -> None:
        while not self._over():
            self._ended.wait(self._every_s)
            self._now = self._read()
            html = to_html(self._now, self._pace)
            if self._widget is not None:
                self._widget.value = html
            self._output.update(html, repr(self), at_once=self._over())

    def _over(self) -> bool:
        if self._now.status in ("QUEUED", "PENDING", "RUNNING"):
            return False
        self._ended.set()
        return True

    def _read(self) -> Snapshot:
        return recorded_snapshot(self._history, self.job_id)

    def _ipython_display_(self) -> None:
        self._output.show(self._widget, to_html(self._now, self._pace), repr(self))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return mime_bundle(self._widget, to_html(self._now, self._pace), repr(self), **options)

    def __repr__(self) -> str:
        """Return the state as one line of text."""
        return f"<Watch: {to_text(self._now)}>"

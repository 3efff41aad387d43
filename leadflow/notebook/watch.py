"""Watch a job that another notebook or script on this machine runs."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from leadflow.history import History, open_history, standing
from leadflow.job import Progress
from leadflow.notebook.live import Pace, Snapshot, event_line, to_html, to_text
from leadflow.notebook.widgets import have_widgets, mime_bundle
from leadflow.reports.accounting import accounting_of
from leadflow.run.progress import in_notebook

_COUNTED = ("phones_found", "litigator", "dnc", "delivered", "held", "retry")
_STAGES = ("Lookup", "Litigators", "DNC", "Sheet", "Cache")
_LOG_LINES = 200


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
            if self._widget is not None:
                self._widget.value = to_html(self._now, self._pace)

    def _over(self) -> bool:
        if self._now.status in ("QUEUED", "PENDING", "RUNNING"):
            return False
        self._ended.set()
        return True

    def _read(self) -> Snapshot:
        job = self._history.job(self.job_id)
        status, message = self._standing(job)
        log = [event_line(*event) for event in self._history.tail(self.job_id, _LOG_LINES)]
        return Snapshot(self.job_id, status, self._progress(job), message, log)

    def _progress(self, job: dict[str, Any]) -> Progress:
        """Return the progress that the running process recorded last; else, what its finished batches add up to."""
        live = job["counts"].get("live")
        if live and standing(job) == "running":
            return Progress(**live)
        progress = self._recorded(job)
        return progress.completed() if job["status"] == "COMPLETED" else progress

    def _recorded(self, job: dict[str, Any]) -> Progress:
        batches = self._history.batches(self.job_id)
        counts = {name: int(batches[name].fillna(0).sum()) for name in _COUNTED} if len(batches) else {}
        totals = accounting_of(job)
        if not totals.known:
            return Progress(counts=counts)
        counts |= {"left_out": sum(totals.left_out.values())} if totals.left_out else {}
        open_now = self._history.open_batches(self.job_id)
        settled = counts.get("delivered", 0) + counts.get("held", 0)
        # In a finished batch, leads to retry count as through all stages until a later run begins the batch again.
        retry = batches.loc[~batches["batch"].isin([batch["batch"] for batch in open_now]), "retry"].sum()
        stages = {
            name: settled + int(retry) + sum(batch["leads"] for batch in open_now if batch[name]) for name in _STAGES
        }
        return Progress(settled, totals.todo, stages, counts)

    def _standing(self, job: dict[str, Any]) -> tuple[str, str]:
        """Return the status and its message. The status of an unended job that no process runs is DEAD."""
        if standing(job) == "dead":
            return "DEAD", f"the process that ran it is gone; to go on: engine.resume({self.job_id!r})"
        running = standing(job) == "running"
        return job["status"], "" if running else job["message"] or ""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return mime_bundle(self._widget, to_html(self._now, self._pace), repr(self), **options)

    def __repr__(self) -> str:
        """Return the state as one line of text."""
        return f"<Watch: {to_text(self._now)}>"

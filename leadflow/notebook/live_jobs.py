"""The panel's list of the jobs that run or wait now, in any process of this machine: a Watch and a Stop for each."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from leadflow.job import Progress


def describe(job: dict[str, Any]) -> str:
    """Return a job's line as HTML. `job` is one of History.live_jobs."""
    parts = [_progress(job), f"started by {job['started_by']}" if job["started_by"] else "", where(job["owner"])]
    if job["stop_requested_by"]:
        parts.append(f"{job['stop_requested_by']} asked it to stop")
    said = " · ".join(escape(part) for part in parts if part)
    return f'<div class="lf-job"><b>{escape(job["id"])}</b><br>{said}</div>'


def _progress(job: dict[str, Any]) -> str:
    if job["standing"] == "queued":
        return "waits in a queue"
    if not (live := job["counts"].get("live")):
        return "reads its leads"
    now = Progress(**live)
    spent = "" if now.cost is None else f", ${now.cost:,.2f} so far"
    return f"runs, {now.percent} %, {now.done:,} of {now.total or 0:,} settled{spent}"


def where(owner: str | None) -> str:
    """Return where the owner of a job is, "host:pid:token", as somebody at this kernel says it."""
    host, _, rest = (owner or "").partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname():
        return f"on {host}, process {pid}" if host else ""
    return "this kernel" if pid == str(os.getpid()) else f"another process, {pid}"


class LiveJobsView:
    """The widgets of the list. It takes no room while no job runs."""

    def __init__(
        self, watch: Callable[[str], None], stop: Callable[[str], None], stop_queue: Callable[[], None]
    ) -> None:
        import ipywidgets as w

        self._watch, self._stop = watch, stop
        self._rows: dict[str, Any] = {}
        self.lines: dict[str, Any] = {}
        self.buttons: dict[str, tuple[Any, Any]] = {}
        self.title = w.HTML()
        self.stop_queue = w.Button(description="Stop the queue", icon="stop", tooltip="No waiting job is started")
        self.stop_queue.on_click(lambda _: stop_queue())
        self.jobs = w.VBox([])
        self.box = w.VBox([self.title, self.jobs, self.stop_queue])
        self.show([])

    def show(self, jobs: Sequence[dict[str, Any]]) -> None:
        """Show these jobs of History.live_jobs."""
        ids = [job["id"] for job in jobs]
        for job in jobs:
            if job["id"] not in self._rows:
                self._rows[job["id"]] = self._row(job)
            self._describe(job)
        if list(self._rows) != ids or len(self.jobs.children) != len(ids):
            self._rows = {job_id: self._rows[job_id] for job_id in ids}
            self.lines = {job_id: self.lines[job_id] for job_id in ids}
            self.buttons = {job_id: self.buttons[job_id] for job_id in ids}
            self.jobs.children = tuple(self._rows.values())
        queued = sum(job["standing"] == "queued" for job in jobs)
        self.title.value = f"<b>Jobs of this machine that run or wait: {len(ids)}</b>" if ids else ""
        self.stop_queue.description = f"Stop the queue ({queued})"
        self.stop_queue.layout.display = None if queued else "none"
        self.box.layout.display = None if ids else "none"

    def _row(self, job: dict[str, Any]) -> Any:
        import ipywidgets as w

        job_id, small = job["id"], w.Layout(width="96px")
        self.lines[job_id] = line = w.HTML(layout=w.Layout(flex="1 1 260px", min_width="0"))
        watch = w.Button(description="Watch", icon="eye", layout=small, tooltip=f"Show {job_id} below")
        stop = w.Button(
            description="Stop",
            icon="stop",
            button_style="danger",
            layout=small,
            tooltip=f"Stop {job_id}, which can be resumed",
        )
        watch.on_click(lambda _: self._watch(job_id))
        stop.on_click(lambda _: self._stop(job_id))
        self.buttons[job_id] = watch, stop
        return w.HBox([line, watch, stop], layout=w.Layout(flex_flow="row wrap", align_items="center"))

    def _describe(self, job: dict[str, Any]) -> None:
        html = describe(job)
        if self.lines[job["id"]].value != html:
            self.lines[job["id"]].value = html
        watch, stop = self.buttons[job["id"]]
        watch.disabled = job["standing"] == "queued"
        stop.disabled = bool(job["stop_requested_by"])

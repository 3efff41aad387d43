"""The widgets of the run panel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, Protocol

from leadflow.errors import InputError
from leadflow.notebook.unfinished import label
from leadflow.notebook.widgets import error_html

_PASTE = "paste a script below"


class Actions(Protocol):
    """The methods that the buttons call. Panel implements them."""

    def estimate(self, script: str | Path, limit_rows: int | None) -> str:
        """Return the estimate of a run in one sentence."""
        ...

    def run(self, script: str | Path, limit_rows: int | None) -> None:
        """Start a job."""
        ...

    def resume(self, job_id: str) -> None:
        """Resume a job."""
        ...

    def stop(self) -> None:
        """Stop the job that the panel shows."""
        ...


class PanelView:
    """The widgets of a panel: rows that run out, inputs, buttons, a message, the live view of a job and its report."""

    def __init__(self, actions: Actions) -> None:
        import ipywidgets as w

        self._actions = actions
        self._make_inputs()
        self._make_buttons()
        self.message, self.live, self.report = w.HTML(), w.HTML(), w.HTML()
        self.due = w.HTML()
        start = w.HBox([self.limit, self.estimate_button, self.run_button, self.stop_button])
        resume = w.HBox([self.job, self.resume_button])
        self.box = w.VBox([self.due, self.script, self.text, start, resume, self.message, self.live, self.report])

    def _make_inputs(self) -> None:
        import ipywidgets as w

        wide = w.Layout(width="640px")
        self.script = w.Dropdown(options=[(_PASTE, None)], description="Script", layout=wide)
        self.text = w.Textarea(
            placeholder="SELECT * FROM RAW_LEADS", layout=w.Layout(width="640px", height="90px"), description="SQL"
        )
        self.limit = w.Text(placeholder="all", description="Row limit", layout=w.Layout(width="220px"))
        self.job = w.Dropdown(options=[], description="Job", layout=wide)
        self.script.observe(self._script_chosen, "value")

    def _make_buttons(self) -> None:
        import ipywidgets as w

        layout = w.Layout(width="100px")
        tooltip = "Rows, calls and cost; buys nothing"
        self.estimate_button = w.Button(description="Estimate", icon="calculator", layout=layout, tooltip=tooltip)
        self.run_button = w.Button(description="Run", icon="play", button_style="success", layout=layout)
        self.stop_button = w.Button(
            description="Stop", icon="stop", button_style="danger", disabled=True, layout=layout
        )
        self.resume_button = w.Button(description="Resume", icon="forward", disabled=True, layout=layout)
        self.estimate_button.on_click(lambda _: self._in_background(self._estimate))
        self.run_button.on_click(lambda _: self._show_errors(self._run))
        self.stop_button.on_click(lambda _: self._show_errors(self._stop))
        self.resume_button.on_click(lambda _: self._show_errors(self._resume))

    def offer_scripts(self, files: list[Path]) -> None:
        """List the scripts and select the first."""
        self.script.options = [(_PASTE, None), *((file.name, file) for file in files)]
        self.script.value = files[0] if files else None

    def offer_jobs(self, jobs: list[dict[str, Any]], chosen: str | None = None) -> None:
        """List the jobs to resume. Keep the selected job, or select the newest."""
        ids = [job["id"] for job in jobs]
        chosen = chosen or self.job.value
        self.job.options = [(label(job), job["id"]) for job in jobs]
        self.job.value = chosen if chosen in ids else (ids[0] if ids else None)
        self.resume_button.disabled = self.run_button.disabled or not jobs

    def hint(self, text: str) -> None:
        """Show a hint, unless the panel shows a message or a job runs."""
        if not self.message.value and not self.run_button.disabled:
            self.message.value = text

    def warn(self, html: str) -> None:
        """Show which delivered rows run out; nothing takes no room."""
        self.due.value = html
        self.due.layout.display = None if html else "none"

    def running(self, now: bool) -> None:
        """Enable the buttons that apply while a job runs, or those that apply while none runs."""
        self.run_button.disabled = self.resume_button.disabled = now
        self.stop_button.disabled = not now
        if now:
            self.message.value = self.report.value = ""

    def ended(self, job_id: str, report: str, jobs: list[dict[str, Any]]) -> None:
        """Show the report of a job that has ended, and the jobs that can be resumed now."""
        self.report.value = report
        self.offer_jobs(jobs, job_id)
        self.running(False)
        self.resume_button.disabled = not jobs

    def _script_chosen(self, change: Any) -> None:
        self.text.layout.display = None if change["new"] is None else "none"

    def _source(self) -> str | Path:
        return self.script.value or self.text.value

    def _limit_rows(self) -> int | None:
        text = self.limit.value.strip().replace(",", "")
        if text in ("", "all"):
            return None
        if not text.isdigit():
            raise InputError(f"the row limit {text!r} is not a number; leave it empty for all the rows")
        return int(text)

    def _estimate(self) -> None:
        self.message.value = "Estimating ..."
        self.message.value = escape(self._actions.estimate(self._source(), self._limit_rows()))

    def _run(self) -> None:
        self._actions.run(self._source(), self._limit_rows())

    def _resume(self) -> None:
        self._actions.resume(str(self.job.value))

    def _stop(self) -> None:
        self.stop_button.disabled = True
        self._actions.stop()

    def _show_errors(self, do: Callable[[], None]) -> None:
        """Show the error of a click. ipywidgets alone would only write it to a log."""
        try:
            do()
        except Exception as error:
            self.message.value = error_html(error)

    def _in_background(self, do: Callable[[], None]) -> None:
        threading.Thread(target=self._show_errors, args=(do,), name="leadflow-estimate", daemon=True).start()

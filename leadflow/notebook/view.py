"""The widgets of the run panel: what they show and what they ask. Panel decides what happens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from importlib import resources
from pathlib import Path
from typing import Protocol

from leadflow.errors import InputError
from leadflow.notebook.live_jobs import LiveJobsView
from leadflow.notebook.quote import Wanted, dollars_of, rows_of
from leadflow.notebook.resume_view import ResumeView
from leadflow.notebook.widgets import error_html, note_html

# Values of the list of scripts that are no files. ipywidgets takes None for no choice at all.
_NOTHING, _PASTE = "", "paste"
_UNPRICED = "Run: estimate first"
_LONGEST_SHOWN = 20_000


class Actions(Protocol):
    """The methods that the buttons call. Panel implements them."""

    def ask_price(self) -> None:
        """Estimate what the fields ask for."""
        ...

    def forget_price(self) -> None:
        """Take the estimate away: a field has changed."""
        ...

    def run_estimated(self) -> None:
        """Start the run that was estimated."""
        ...

    def resume_chosen(self) -> None:
        """Resume the chosen job."""
        ...

    def price_of_resume(self, job_id: str) -> str:
        """Return what the resume of a job may cost, "" if that is not known."""
        ...

    def stop(self) -> None:
        """Stop the job that the panel shows."""
        ...

    def watch(self, job_id: str) -> None:
        """Show a job."""
        ...

    def stop_job(self, job_id: str) -> None:
        """Stop a job of any process."""
        ...

    def stop_queue(self) -> None:
        """Start none of the jobs that wait."""
        ...


class PanelView:
    """The widgets of a panel: warnings, running jobs, inputs, buttons, resume, message, live view, report."""

    def __init__(self, actions: Actions) -> None:
        import ipywidgets as w

        self._actions = actions
        self._files: list[Path] = []
        self._busy = False
        self._make_inputs()
        self._make_buttons()
        self.message, self.live, self.report, self.due = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self.jobs = LiveJobsView(
            lambda job_id: self.show_errors(lambda: actions.watch(job_id)),
            lambda job_id: self.in_background(lambda: actions.stop_job(job_id)),
            lambda: self.in_background(actions.stop_queue),
        )
        self.resume = ResumeView(self.show_errors, actions.resume_chosen, actions.price_of_resume)
        self.job, self.resume_button = self.resume.job, self.resume.button
        style = w.HTML(f"<style>{_css()}</style>", layout=w.Layout(display="none"))
        wrap = w.Layout(flex_flow="row wrap")
        fields = w.HBox([self.limit, self.budget, self.name], layout=wrap)
        buttons = w.HBox([self.estimate_button, self.run_button, self.stop_button], layout=wrap)
        top = [style, self.due, self.jobs.box, self.script, self.folder, self.text, self.sql, fields, buttons]
        self.box = w.VBox([*top, self.resume.box, self.message, self.live, self.report])
        self.box.add_class("lf-panel")

    def _make_inputs(self) -> None:
        import ipywidgets as w

        wide = w.Layout(width="calc(100% - 4px)", max_width="640px")
        narrow = w.Layout(width="210px")
        self.script = w.Dropdown(options=[("choose a script", _NOTHING)], description="Script", layout=wide)
        self.folder, self.sql = w.HTML(layout=w.Layout(display="none")), w.HTML(layout=w.Layout(display="none"))
        self.text = w.Textarea(
            placeholder="SELECT * FROM RAW_LEADS",
            layout=w.Layout(width="calc(100% - 4px)", max_width="640px", height="90px", display="none"),
            description="SQL",
        )
        self.limit = w.Text(placeholder="all", description="Row limit", layout=narrow)
        self.budget = w.Text(placeholder="none", description="Budget ($)", layout=narrow)
        self.name = w.Text(placeholder="as the file", description="Name", layout=narrow)
        self.script.observe(lambda _: self._script_chosen(), "value")
        for field in (self.script, self.text, self.limit, self.budget):
            field.observe(lambda _: self._actions.forget_price(), "value")

    def _make_buttons(self) -> None:
        import ipywidgets as w

        layout, wide = w.Layout(width="110px"), w.Layout(width="auto", min_width="150px")
        tooltip = "Rows, calls and cost; buys nothing"
        self.estimate_button = w.Button(description="Estimate", icon="calculator", layout=layout, tooltip=tooltip)
        self.run_button = w.Button(
            description=_UNPRICED, icon="play", button_style="success", layout=wide, disabled=True
        )
        self.stop_button = w.Button(
            description="Stop", icon="stop", button_style="danger", disabled=True, layout=layout
        )
        self.estimate_button.on_click(lambda _: self.in_background(self._actions.ask_price))
        self.run_button.on_click(lambda _: self.show_errors(self._actions.run_estimated))
        self.stop_button.on_click(lambda _: self.in_background(self._stop))

    @property
    def wanted(self) -> Wanted:
        """What the fields ask for. Raises InputError."""
        script = self.text.value if self.script.value == _PASTE else self._file
        if script is None:
            raise InputError("no script is chosen; choose one, or paste one")
        return Wanted(script, rows_of(self.limit.value), dollars_of(self.budget.value))

    def offer_scripts(self, files: list[Path], note: str) -> None:
        """List the scripts; the chosen one stays chosen. `note` says what is wrong with their folder."""
        self.folder.value = note_html(note) if note else ""
        self.folder.layout.display = None if note else "none"
        if files != self._files or len(self.script.options) == 1:
            self._files, chosen = files, self.script.value
            choices = [("choose a script", _NOTHING), ("paste a script below", _PASTE)]
            choices += [(file.name, str(file)) for file in files]
            values = [value for _, value in choices]
            self.script.options = choices
            self.script.value = chosen if chosen in values else _NOTHING
        self._show_sql()

    def _script_chosen(self) -> None:
        self.text.layout.display = None if self.script.value == _PASTE else "none"
        self._show_sql()

    def _show_sql(self) -> None:
        """Show the SQL of the chosen file."""
        shown = ""
        if file := self._file:
            try:
                text = file.read_text(encoding="utf-8", errors="replace")[:_LONGEST_SHOWN]
            except OSError as error:
                text = f"-- the file cannot be read: {error.strerror}"
            shown = f'<pre class="lf-sql" tabindex="0" aria-label="SQL of the script">{escape(text)}</pre>'
        if self.sql.value != shown:
            self.sql.value = shown
        self.sql.layout.display = None if shown else "none"

    @property
    def _file(self) -> Path | None:
        """The chosen file, if one is chosen."""
        chosen = self.script.value
        return Path(str(chosen)) if chosen not in (_NOTHING, _PASTE, None) else None

    def show_price(self, price: str | None) -> None:
        """Say the price of the run on its button; None: there is no estimate, and nothing can run."""
        self.run_button.description = _UNPRICED if price is None else f"Run, {price}"
        self.run_button.disabled = price is None or self._busy

    def hint(self, text: str) -> None:
        """Show a hint, unless the panel shows a message or a job runs."""
        if not self.message.value and not self._busy:
            self.message.value = text

    def warn(self, html: str) -> None:
        """Show which delivered rows run out; nothing takes no room."""
        self.due.value = html
        self.due.layout.display = None if html else "none"

    def following(self, running: bool, own: bool) -> None:
        """Enable the buttons that apply while a job is shown that runs, and is one of this kernel (`own`), or none."""
        self._busy = running and own
        if self._busy:
            self.run_button.disabled = True
        self.resume.busy(self._busy)
        self.stop_button.disabled = not running
        if running:
            self.message.value = self.report.value = ""

    def _stop(self) -> None:
        self.stop_button.disabled = True
        self._actions.stop()

    def say(self, text: str) -> None:
        """Show a message."""
        self.message.value = note_html(text)

    def show_errors(self, do: Callable[[], None]) -> None:
        """Show the error of a click. ipywidgets alone would only write it to a log."""
        try:
            do()
        except Exception as error:
            self.message.value = error_html(error)

    def in_background(self, do: Callable[[], None]) -> None:
        """Do something that may wait for Snowflake or the history, and show its error."""
        threading.Thread(target=self.show_errors, args=(do,), name="leadflow-click", daemon=True).start()


def _css() -> str:
    return resources.files("leadflow.notebook").joinpath("panel.css").read_text(encoding="utf-8")

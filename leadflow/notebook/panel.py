"""The run panel: choose a script, see what it costs, run it, stop it, resume it, read its report."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import InputError
from leadflow.events import Recorded
from leadflow.notebook.live import Pace, Snapshot, to_html, to_text
from leadflow.notebook.unfinished import hint, label
from leadflow.notebook.widgets import INSTALL, bundle, have_widgets, told

if TYPE_CHECKING:
    from leadflow.engine import Engine, Estimate
    from leadflow.job import JobHandle

_LOG_LINES = 200
_EVERY_S = 0.3
_PASTE = "paste a script below"
_panels: weakref.WeakKeyDictionary[Engine, Panel] = weakref.WeakKeyDictionary()


def panel(engine: Engine, scripts: str | Path | None = None) -> Panel:
    """The run panel of an engine: always the same one, with the state of its job, in whatever cell it is shown.

    `scripts` is a folder of .sql files to choose from; the current one without it. Jobs run in the background.
    Without ipywidgets it says what to install, and shows the state of the engine's job as plain HTML.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     panel = lf.panel(engine, lf.local.sample("scripts"))
        ...     panel is lf.panel(engine)
        True
    """
    if engine not in _panels:
        _panels[engine] = Panel(engine, Path(scripts or "."))
    else:
        if scripts is not None:
            _panels[engine].offer(Path(scripts))
        _panels[engine].refresh()
    return _panels[engine]


class Panel:
    """See `panel`. Its state lives in the kernel, so a page that is closed and opened again finds it as it is."""

    def __init__(self, engine: Engine, scripts: Path) -> None:
        self._engine = weakref.ref(engine)
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._pace = Pace()
        self.handle: JobHandle | None = None
        self._view: _View | None = None
        if have_widgets():
            self._view = _View(self)
        self.offer(scripts)
        for running in engine.running[-1:]:
            self._follow(running)
        self.refresh()

    @property
    def engine(self) -> Engine:
        """The engine whose jobs these are."""
        engine = self._engine()
        if engine is None:
            raise InputError("the engine of this panel is gone; make one, and lf.panel(engine)")
        return engine

    def offer(self, scripts: Path) -> None:
        """Offer the .sql files of a folder."""
        if self._view:
            self._view.offer_scripts(sorted(p for p in scripts.expanduser().glob("*") if p.suffix.lower() == ".sql"))

    def refresh(self) -> None:
        """Look again for jobs that can be resumed; a job that broke off with its process is pointed at."""
        if self._view:
            jobs = self._resumable()
            self._view.offer_jobs(jobs)
            self._view.hint(hint(jobs, "Press Resume to go on where it was"))

    def estimate(self, script: str | Path, limit_rows: int | None) -> str:
        """What a run would do and cost, in a sentence."""
        return _sentence(self.engine.estimate(script, limit_rows))

    def run(self, script: str | Path, limit_rows: int | None) -> None:
        """Start a job in the background and follow it."""
        self._log.clear()
        self._follow(self.engine.submit(script, limit_rows=limit_rows, listeners=(self._hear,)))

    def resume(self, job_id: str) -> None:
        """Resume a job in the background and follow it."""
        self._log.clear()
        self._follow(self.engine.submit_resume(job_id, listeners=(self._hear,)))

    def stop(self) -> None:
        """Stop the job that is shown."""
        if self.handle:
            self.handle.stop()

    def _hear(self, recorded: Recorded) -> None:
        if recorded.event.name != "row_processed":
            self._log.append(f"T+{recorded.elapsed:.1f}s  {recorded.event.stage}: {recorded.event.text()}")

    def _follow(self, handle: JobHandle) -> None:
        self.handle, self._pace = handle, Pace()
        if self._view:
            self._view.running(True)
            threading.Thread(target=self._until_end, args=(handle,), name="leadflow-panel", daemon=True).start()

    def _until_end(self, handle: JobHandle) -> None:
        assert self._view
        while not handle.wait(_EVERY_S):
            if self.handle is not handle:
                return
            self._view.live.value = self._html()
        self._view.live.value = self._html()
        self._view.ended(handle.id, self._report(handle.id), self._resumable())

    def _report(self, job_id: str) -> str:
        try:
            return self.engine.report(job_id)._repr_html_()
        except Exception as error:
            return told(error)

    def _resumable(self) -> list[dict[str, Any]]:
        """Jobs that broke off, or that left leads which may still clear, and that nobody runs now."""
        mine = {handle.id for handle in self.engine.running}
        return [job for job in self.engine.history.resumable() if job["id"] not in mine]

    def _snapshot(self) -> Snapshot | None:
        handle = self.handle
        if handle is None:
            return None
        message = ""
        if handle.wait(0):
            message = handle.ended_with
        return Snapshot(handle.id, str(handle.status), handle.progress, message, list(self._log))

    def _html(self) -> str:
        now = self._snapshot()
        return to_html(now, self._pace) if now else ""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        if self._view:
            self.refresh()
            return bundle(self._view.box, self._html(), repr(self), **options)
        missing = f"<p>The panel's buttons need ipywidgets: <code>{INSTALL}</code>. Until then: <code>engine.run(script)</code></p>"
        return bundle(
            None,
            missing + hint(self._resumable(), "engine.resume(job_id) goes on where it was") + self._html(),
            repr(self),
            **options,
        )

    def __repr__(self) -> str:
        """The state in a line."""
        now = self._snapshot()
        return f"<Panel: {to_text(now)}>" if now else "<Panel: no job yet; engine.run(script) runs one>"


class _View:
    """The widgets of a panel."""

    def __init__(self, panel: Panel) -> None:
        import ipywidgets as w

        self._panel = panel
        wide, button = w.Layout(width="640px"), w.Layout(width="100px")
        self.script = w.Dropdown(options=[(_PASTE, None)], description="Script", layout=wide)
        self.text = w.Textarea(
            placeholder="SELECT * FROM RAW_LEADS", layout=w.Layout(width="640px", height="90px"), description="SQL"
        )
        self.limit = w.Text(placeholder="all", description="Row limit", layout=w.Layout(width="220px"))
        self.estimate_button = w.Button(
            description="Estimate", icon="calculator", layout=button, tooltip="Rows, calls and cost; buys nothing"
        )
        self.run_button = w.Button(description="Run", icon="play", button_style="success", layout=button)
        self.stop_button = w.Button(
            description="Stop", icon="stop", button_style="danger", disabled=True, layout=button
        )
        self.resume_button = w.Button(description="Resume", icon="forward", disabled=True, layout=button)
        self.job = w.Dropdown(options=[], description="Job", layout=wide)
        self.said, self.live, self.report = w.HTML(), w.HTML(), w.HTML()
        self.box = w.VBox(
            [
                self.script,
                self.text,
                w.HBox([self.limit, self.estimate_button, self.run_button, self.stop_button]),
                w.HBox([self.job, self.resume_button]),
                self.said,
                self.live,
                self.report,
            ]
        )
        self.script.observe(self._chosen, "value")
        self.estimate_button.on_click(lambda _: self._aside(self._estimate))
        self.run_button.on_click(lambda _: self._guarded(self._run))
        self.stop_button.on_click(lambda _: self._guarded(self._stop))
        self.resume_button.on_click(lambda _: self._guarded(self._resume))

    def offer_scripts(self, files: list[Path]) -> None:
        self.script.options = [(_PASTE, None), *((file.name, file) for file in files)]
        self.script.value = files[0] if files else None

    def offer_jobs(self, jobs: list[dict[str, Any]], chosen: str | None = None) -> None:
        """Offer to resume these; the chosen one stays chosen, else the newest is."""
        ids = [job["id"] for job in jobs]
        chosen = chosen or self.job.value
        self.job.options = [(label(job), job["id"]) for job in jobs]
        self.job.value = chosen if chosen in ids else (ids[0] if ids else None)
        self.resume_button.disabled = self.run_button.disabled or not jobs

    def hint(self, text: str) -> None:
        """Say it where nothing else is said."""
        if not self.said.value and not self.run_button.disabled:
            self.said.value = text

    def running(self, now: bool) -> None:
        self.run_button.disabled = self.resume_button.disabled = now
        self.stop_button.disabled = not now
        if now:
            self.said.value = self.report.value = ""

    def ended(self, job_id: str, report: str, jobs: list[dict[str, Any]]) -> None:
        self.report.value = report
        self.offer_jobs(jobs, job_id)
        self.running(False)
        self.resume_button.disabled = not jobs

    def _chosen(self, change: Any) -> None:
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
        self.said.value = "Estimating ..."
        self.said.value = escape(self._panel.estimate(self._source(), self._limit_rows()))

    def _run(self) -> None:
        self._panel.run(self._source(), self._limit_rows())

    def _resume(self) -> None:
        self._panel.resume(str(self.job.value))

    def _stop(self) -> None:
        self.stop_button.disabled = True
        self._panel.stop()

    def _guarded(self, do: Callable[[], None]) -> None:
        """An error of a click would be lost in a log: show it."""
        try:
            do()
        except Exception as error:
            self.said.value = told(error)

    def _aside(self, do: Callable[[], None]) -> None:
        threading.Thread(target=self._guarded, args=(do,), name="leadflow-estimate", daemon=True).start()


def _sentence(found: Estimate) -> str:
    cost = (
        "cost unknown: set LEADFLOW_IDICORE__PRICE"
        if found.cost is None
        else f"at most ${found.cost - found.check_cost:,.2f} for lookups"
    )
    cost += f" and about ${found.check_cost:,.2f} for checks" if found.check_cost else ""
    reused = f", {found.reused:,} of them paid for already" if found.reused else ""
    return (
        f"{found.extracted:,} rows, {found.already_processed:,} already processed; {found.lookups + found.reused:,} leads to look up{reused}; "
        f"{found.litigator_calls} litigator and {found.dnc_calls} do-not-call requests; {cost}."
    )

"""The run panel: choose a script, estimate its cost, run it, stop it, resume it, read its report."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import InputError
from leadflow.events import Recorded
from leadflow.notebook import running_out
from leadflow.notebook.live import Pace, Snapshot, to_html, to_text
from leadflow.notebook.running_out import AHEAD_DAYS
from leadflow.notebook.unfinished import hint
from leadflow.notebook.view import PanelView
from leadflow.notebook.widgets import INSTALL, error_html, have_widgets, mime_bundle

if TYPE_CHECKING:
    from leadflow.engine import Engine, Estimate
    from leadflow.job import JobHandle

_LOG_LINES = 200
_EVERY_S = 0.3
_panels: weakref.WeakKeyDictionary[Engine, Panel] = weakref.WeakKeyDictionary()


def panel(engine: Engine, scripts: str | Path | None = None) -> Panel:
    """Return the run panel of an engine. Every cell that shows it shows the same panel and the state of its job.

    `scripts` is a folder of .sql files to choose from. The default is the current folder. Jobs run in the background.
    Without ipywidgets, the panel shows what to install, and the state of the engine's job as plain HTML.

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
    """The run panel; see `panel`. The kernel keeps its state while the page is closed and opened again."""

    def __init__(self, engine: Engine, scripts: Path) -> None:
        self._engine = weakref.ref(engine)
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._pace = Pace()
        self.handle: JobHandle | None = None
        self._view: PanelView | None = None
        if have_widgets():
            self._view = PanelView(self)
        self.offer(scripts)
        for running in engine.running[-1:]:
            self._follow(running)
        self.refresh()

    @property
    def engine(self) -> Engine:
        """The engine that runs the panel's jobs."""
        engine = self._engine()
        if engine is None:
            raise InputError("the engine of this panel is gone; make one, and lf.panel(engine)")
        return engine

    def offer(self, scripts: Path) -> None:
        """List the .sql files of a folder in the panel."""
        if self._view:
            self._view.offer_scripts(sorted(p for p in scripts.expanduser().glob("*") if p.suffix.lower() == ".sql"))

    def refresh(self) -> None:
        """Update the list of jobs to resume. Say which rows run out, and that a job's process died."""
        if self._view:
            self._view.warn(self._due())
            jobs = self._resumable()
            self._view.offer_jobs(jobs)
            self._view.hint(hint(jobs, "Press Resume to go on where it was"))

    def estimate(self, script: str | Path, limit_rows: int | None) -> str:
        """Return the estimate of a run in one sentence."""
        return _sentence(self.engine.estimate(script, limit_rows))

    def run(self, script: str | Path, limit_rows: int | None) -> None:
        """Start a job in the background and show its state."""
        self._log.clear()
        self._follow(self.engine.submit(script, limit_rows=limit_rows, listeners=(self._log_event,)))

    def resume(self, job_id: str) -> None:
        """Resume a job in the background and show its state."""
        self._log.clear()
        self._follow(self.engine.submit_resume(job_id, listeners=(self._log_event,)))

    def stop(self) -> None:
        """Stop the job that the panel shows."""
        if self.handle:
            self.handle.stop()

    def _log_event(self, recorded: Recorded) -> None:
        if recorded.event.name != "row_processed":
            self._log.append(f"T+{recorded.elapsed:.1f}s  {recorded.event.stage}: {recorded.event.text()}")

    def _follow(self, handle: JobHandle) -> None:
        self.handle, self._pace = handle, Pace()
        if self._view:
            self._view.running(True)
            threading.Thread(target=self._follow_to_end, args=(handle,), name="leadflow-panel", daemon=True).start()

    def _follow_to_end(self, handle: JobHandle) -> None:
        assert self._view
        while not handle.wait(_EVERY_S):
            if self.handle is not handle:
                return
            self._view.live.value = self._html()
        self._view.live.value = self._html()
        self._view.ended(handle.id, self._report(handle.id), self._resumable())
        self._view.warn(self._due())

    def _report(self, job_id: str) -> str:
        try:
            return self.engine.report(job_id)._repr_html_()
        except Exception as error:
            return error_html(error)

    def _resumable(self) -> list[dict[str, Any]]:
        """Return the jobs that broke off or have leads to retry, and that no process runs now."""
        mine = {handle.id for handle in self.engine.running}
        return [job for job in self.engine.history.resumable() if job["id"] not in mine]

    def _due(self) -> str:
        """Return which delivered rows run out, from the history: a panel that is shown signs in nowhere."""
        today = datetime.now(timezone.utc).date()
        return running_out.to_html(
            running_out.sentence(self.engine.history.running_out(today + timedelta(days=AHEAD_DAYS)), today)
        )

    def _snapshot(self) -> Snapshot | None:
        handle = self.handle
        if handle is None:
            return None
        message = handle.ended_with if handle.wait(0) else ""
        return Snapshot(handle.id, str(handle.status), handle.progress, message, list(self._log))

    def _html(self) -> str:
        now = self._snapshot()
        return to_html(now, self._pace) if now else ""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        if self._view:
            self.refresh()
            return mime_bundle(self._view.box, self._html(), repr(self), **options)
        install = f"<p>The panel's buttons need ipywidgets: <code>{INSTALL}</code>. "
        without = install + "Until then: <code>engine.run(script)</code></p>"
        resume = hint(self._resumable(), "engine.resume(job_id) goes on where it was")
        return mime_bundle(None, self._due() + without + resume + self._html(), repr(self), **options)

    def __repr__(self) -> str:
        """Return the state as one line of text."""
        now = self._snapshot()
        return f"<Panel: {to_text(now)}>" if now else "<Panel: no job yet; engine.run(script) runs one>"


def _sentence(found: Estimate) -> str:
    cost = "cost unknown: set LEADFLOW_IDICORE__PRICE"
    if found.cost is not None:
        cost = f"at most ${found.cost - found.check_cost:,.2f} for lookups"
    if found.check_cost:
        cost += f" and about ${found.check_cost:,.2f} for checks"
    reused = f", {found.reused:,} of them paid for already" if found.reused else ""
    return (
        f"{found.extracted:,} rows, {found.already_processed:,} already processed; "
        f"{found.lookups + found.reused:,} leads to look up{reused}; {found.litigator_calls} litigator and "
        f"{found.dnc_calls} do-not-call requests; {cost}."
    )

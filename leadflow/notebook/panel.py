"""The run panel: what a script costs, run it at that price, follow it, stop it, resume it, read its report."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import InputError, LeadflowError
from leadflow.notebook.followed import Followed
from leadflow.notebook.jobs_here import handle_of, is_open, stop_jobs, stop_queues
from leadflow.notebook.live import EventLog, to_html, to_text
from leadflow.notebook.output import Output, in_colab
from leadflow.notebook.panel_facts import due, price_of_resume, resumable, scripts_in
from leadflow.notebook.quote import Quote, Wanted, quote
from leadflow.notebook.unfinished import hint
from leadflow.notebook.view import PanelView
from leadflow.notebook.widgets import INSTALL, error_html, have_widgets, mime_bundle

if TYPE_CHECKING:
    from leadflow.engine import Engine
    from leadflow.job import JobHandle

_LOOK_S = 2.0
_panels: dict[Path, Panel] = {}


def panel(engine: Engine, scripts: str | Path | None = None) -> Panel:
    """Return the run panel of an engine's home folder. Every cell that shows it shows the same panel.

    Another engine of the same home, such as that of a second "Run All", gets the same panel, with the job that still
    runs. The panel lists all jobs of this home that run or wait now, in any process of this machine, each with Watch
    and Stop. `scripts` is a folder of .sql files to choose from; the default is the current folder. Run needs an
    estimate of exactly this script, row limit and budget, and says its price. Jobs run in the background. Without
    ipywidgets, the panel shows what to install, and the state of the job as plain HTML.

    Example:
        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     panel = lf.panel(engine, lf.local.sample("scripts"))
        ...     panel is lf.panel(engine)
        True
    """
    home = engine.history.path
    if home not in _panels:
        _panels[home] = Panel(engine, Path(scripts or "."))
    else:
        _panels[home].adopt(engine)
        if scripts is not None:
            _panels[home].offer(Path(scripts))
        _panels[home].refresh()
    return _panels[home]


class Panel:
    """The run panel; see `panel`. The kernel keeps its state while the page is closed and opened again."""

    def __init__(self, engine: Engine, scripts: Path) -> None:
        self._engine = engine
        self._folder = scripts
        self._quote: Quote | None = None
        self._shown: Followed | None = None
        self._looking: threading.Thread | None = None
        self._view: PanelView | None = None
        self._output = Output()
        if have_widgets():
            self._view = PanelView(self)
            self._output.mark(self._view.box)
            for drawn in (self._view.message, self._view.live, self._view.report):
                drawn.layout.display = "none" if in_colab() else None
        self.adopt(engine)
        self.refresh()

    @property
    def engine(self) -> Engine:
        """The engine that runs the panel's jobs: the one with which the panel was shown last."""
        if not is_open(self._engine):
            raise InputError("the engine of this panel is closed; make one, and lf.panel(engine)")
        return self._engine

    @property
    def handle(self) -> JobHandle | None:
        """The handle of the job that the panel shows, if a cell of this kernel runs it."""
        return self._shown.handle if self._shown else None

    def adopt(self, engine: Engine) -> None:
        """Run jobs with this engine from now on. Show the newest job that any engine of this kernel runs."""
        self._engine = engine
        if (running := handle_of(engine.history.path)) and (self._shown is None or self._shown.ended):
            self._follow(Followed(running.id, engine.history, running))
        if self._view and (self._looking is None or not self._looking.is_alive()):
            self._looking = threading.Thread(target=self._look, name="leadflow-look", daemon=True)
            self._looking.start()

    def offer(self, scripts: Path) -> None:
        """List the .sql files of a folder in the panel."""
        self._folder = scripts
        self._offer_scripts()

    def refresh(self) -> None:
        """Bring the lists up to date. Say which rows run out, and that a job's process died."""
        if self._view:
            self._offer_scripts()
            self._list_jobs()
            self._view.warn(due(self._engine.history))
            jobs = resumable(self._engine.history)
            self._view.resume.offer(jobs)
            self._view.hint(hint(jobs, "Choose it in the list of jobs, and press Resume to go on where it was"))

    def estimate(self, script: str | Path, limit_rows: int | None = None, max_cost: float | None = None) -> str:
        """Return the estimate of a run in one sentence."""
        return str(quote(self.engine, Wanted(script, limit_rows, max_cost)).found)

    def run(self, script: str | Path, limit_rows: int | None = None, max_cost: float | None = None) -> None:
        """Start a job in the background and show its state. For code: the button runs only what was estimated."""
        log = EventLog()
        handle = self.engine.submit(script, None, limit_rows, max_cost=max_cost, listeners=(log,))
        self._follow(Followed(handle.id, self.engine.history, handle, log))

    def resume(self, job_id: str, max_cost: float | None = None) -> None:
        """Resume a job in the background and show its state. `max_cost` is in dollars, for all its runs."""
        log = EventLog()
        handle = self.engine.submit_resume(job_id, max_cost=max_cost, listeners=(log,))
        self._follow(Followed(handle.id, self.engine.history, handle, log))

    def stop(self) -> None:
        """Stop the job that the panel shows."""
        if self.handle:
            self.handle.stop()
        elif self._shown:
            self.stop_job(self._shown.job_id)

    def watch(self, job_id: str) -> None:
        """Show a job of this kernel or of another process. Raises JobNotFound."""
        handle = handle_of(self.engine.history.path, job_id)
        self._follow(Followed(job_id, self.engine.history, handle))

    def stop_job(self, job_id: str) -> None:
        """Stop a job of any process of this machine, and say what happened."""
        said = stop_jobs([job_id], self.engine.history)
        self._list_jobs()
        if self._view:
            self._view.say(said)

    def stop_queue(self) -> None:
        """Stop the queues of this kernel with the jobs that they run. Ask other processes to start no waiting job."""
        said = stop_queues(self.engine.history)
        self._list_jobs()
        if self._view:
            self._view.say(said)

    def ask_price(self) -> None:
        """Estimate what the fields ask for, and say the price on the Run button if the fields are still the same."""
        view, wanted = self._need_view(), self._need_view().wanted
        self.forget_price()
        view.message.value = "Estimating ..."
        found = quote(self.engine, wanted)
        if view.wanted != wanted:
            view.say("The fields changed while this was estimated; estimate again.")
            return
        self._quote = found
        view.say(str(found.found))
        view.show_price(found.found.price)
        self._save()

    def forget_price(self) -> None:
        """Take the estimate away."""
        self._quote = None
        if self._view:
            self._view.show_price(None)

    def run_estimated(self) -> None:
        """Start what was estimated: that text of the script, whatever the file holds now, at most at that price."""
        view, found = self._need_view(), self._quote
        if found is None:
            raise InputError("nothing was estimated; press Estimate, and Run says what it may cost")
        if what := found.changed(view.wanted):
            self.forget_price()
            raise InputError(f"nothing was run: {what} since the estimate. Press Estimate again")
        self.forget_price()
        log, name = EventLog(), view.name.value.strip() or None
        limit = found.wanted.limit_rows
        handle = self.engine.submit(found.source, name, limit, max_cost=found.max_cost, listeners=(log,))
        self._follow(Followed(handle.id, self.engine.history, handle, log))

    def resume_chosen(self) -> None:
        """Resume the chosen job with the new budget, if one is given."""
        view = self._need_view()
        self.resume(*view.resume.wanted)
        view.resume.budget.value = ""

    def price_of_resume(self, job_id: str) -> str:
        """Return what the lookups that are left of a job cost at most, "" if it is not known."""
        return price_of_resume(self._engine, job_id)

    def _need_view(self) -> PanelView:
        if self._view is None:
            raise InputError(f"the panel's buttons need ipywidgets: {INSTALL}")
        return self._view

    def _follow(self, followed: Followed) -> None:
        followed.snapshot()  # raises JobNotFound
        self._shown = followed
        if self._view:
            self._view.following(True, own=followed.handle is not None)
            self._view.resume.offer(resumable(followed.history))
        threading.Thread(target=self._follow_to_end, args=(followed,), name="leadflow-panel", daemon=True).start()

    def _follow_to_end(self, followed: Followed) -> None:
        while not self._ended(followed):
            if self._shown is not followed:
                return
            self._draw()
        if self._shown is not followed:
            return
        self._draw()
        if self._view:
            self._view.following(False, own=True)
            self._view.report.value = self._report(followed.job_id)
            self._view.resume.offer(resumable(self._engine.history), followed.job_id)
            self._view.warn(due(self._engine.history))
            self._view.show_price(self._quote.found.price if self._quote else None)
            self._list_jobs()
        self._save()

    def _ended(self, followed: Followed) -> bool:
        try:
            return followed.wait()
        except LeadflowError:  # the history is locked: look again
            return False

    def _draw(self) -> None:
        html = self._html()
        if self._view and self._view.live.value != html:
            self._view.live.value = html
        self._output.update(self._plain(), repr(self))

    def _save(self) -> None:
        """Bring what a notebook saves up to date."""
        self._output.update(self._plain(), repr(self), at_once=True)

    def _report(self, job_id: str) -> str:
        try:
            return self.engine.report(job_id)._repr_html_()
        except Exception as error:
            return error_html(error)

    def _look(self) -> None:
        """Look for jobs that began or ended elsewhere, for new files and changed ones, while an engine is open."""
        pause = threading.Event()
        while is_open(self._engine):
            pause.wait(_LOOK_S)
            with contextlib.suppress(LeadflowError):
                if is_open(self._engine):
                    self._list_jobs()
                    self._offer_scripts()
                    self._drop_old_price()

    def _drop_old_price(self) -> None:
        if (found := self._quote) is None or self._view is None:
            return
        if what := found.changed(self._view.wanted):
            self.forget_price()
            self._view.say(f"The estimate no longer counts: {what}. Press Estimate again.")

    def _offer_scripts(self) -> None:
        if self._view:
            self._view.offer_scripts(*scripts_in(self._folder))

    def _list_jobs(self) -> None:
        if self._view:
            self._view.jobs.show(self._engine.history.live_jobs())

    def _html(self) -> str:
        return to_html(self._shown.snapshot(), self._shown.pace) if self._shown else ""

    def _plain(self) -> str:
        """Return all that a reader of a saved notebook needs."""
        if not self._view:
            return self._without_widgets()
        return f"{self._view.due.value}{self._view.message.value}{self._html()}{self._view.report.value}"

    def _without_widgets(self) -> str:
        install = f"<p>The panel's buttons need ipywidgets: <code>{INSTALL}</code>. "
        without = install + "Until then: <code>engine.run(script)</code></p>"
        resume = hint(resumable(self._engine.history), "engine.resume(job_id) goes on where it was")
        return due(self._engine.history) + without + resume + self._html()

    def _ipython_display_(self) -> None:
        self.refresh()
        self._output.show(self._view.box if self._view else None, self._plain(), repr(self))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        self.refresh()
        if self._view:
            return mime_bundle(self._view.box, self._plain(), repr(self), **options)
        return mime_bundle(None, self._without_widgets(), repr(self), **options)

    def __repr__(self) -> str:
        """Return the state as one line of text."""
        if self._shown:
            return f"<Panel: {to_text(self._shown.snapshot())}>"
        return "<Panel: no job yet; engine.run(script) runs one>"

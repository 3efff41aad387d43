"""The widgets that resume a job: a list, a new budget, and a button that says what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from leadflow.display.units import money
from leadflow.errors import InputError
from leadflow.notebook.quote import dollars_of
from leadflow.notebook.unfinished import label, spent, stopped_by_budget

_NOTHING = ""


class ResumeView:
    """A job is resumed only after somebody chose it; one that its budget stopped, only with a new budget."""

    def __init__(
        self,
        show_errors: Callable[[Callable[[], None]], None],
        resume: Callable[[], None],
        price_of: Callable[[str], str],
    ) -> None:
        self._jobs: dict[str, dict[str, Any]] = {}
        self._busy = False
        self._price_of, self._price = price_of, ""
        self._make()
        self.button.on_click(lambda _: show_errors(resume))
        self.job.observe(lambda _: self._chosen(), "value")
        self.budget.observe(lambda _: self._describe(), "value")

    def _make(self) -> None:
        import ipywidgets as w

        wide = w.Layout(width="calc(100% - 4px)", max_width="640px")
        self.job = w.Dropdown(options=[("choose a job to resume", _NOTHING)], description="Job", layout=wide)
        self.budget = w.Text(placeholder="$, as it was", description="New budget", layout=w.Layout(width="230px"))
        fits = w.Layout(width="auto", min_width="110px")
        self.button = w.Button(description="Resume", icon="forward", disabled=True, layout=fits)
        self.note = w.HTML(layout=w.Layout(display="none"))
        row = w.HBox([self.budget, self.button], layout=w.Layout(flex_flow="row wrap"))
        self.box = w.VBox([self.job, self.note, row])

    def offer(self, jobs: Sequence[dict[str, Any]], chosen: str | None = None) -> None:
        """List the jobs to resume. Keep the chosen job, or choose `chosen`, the job that has just ended."""
        self._jobs = {job["id"]: job for job in jobs}
        options = [("choose a job to resume", _NOTHING), *((label(job), job["id"]) for job in jobs)]
        wanted = chosen or self.job.value
        if tuple(options) != tuple(self.job.options):
            self.job.options = options
        self.job.value = wanted if wanted in self._jobs else _NOTHING
        self.box.layout.display = None if jobs else "none"
        self._chosen()

    def busy(self, busy: bool) -> None:
        """Disable the button while a job of this panel runs."""
        self._busy = busy
        self._describe()

    @property
    def wanted(self) -> tuple[str, float | None]:
        """The chosen job and its new budget in dollars. Raises InputError."""
        if self.job.value not in self._jobs:
            raise InputError("no job is chosen; choose the one to resume")
        return self.job.value, dollars_of(self.budget.value)

    def _chosen(self) -> None:
        self._price = self._price_of(self.job.value) if self.job.value in self._jobs else ""
        self._describe()

    def _describe(self) -> None:
        """Say on the button what a resume costs at most, and enable it if it would not stop at once."""
        job = self._jobs.get(str(self.job.value))
        needed = job is not None and stopped_by_budget(job)
        note, enough = "", True
        try:
            amount = dollars_of(self.budget.value)
        except InputError as error:
            amount, note, enough = None, str(error), False
        if job and amount is not None and amount <= spent(job):
            note, enough = f"The job has spent {money(spent(job))} already; the budget is for all its runs.", False
        elif job and needed and amount is None and not note:
            note, enough = "Its budget stopped this job, and would stop it again: give a new one.", False
        self.button.description = self._words(amount, needed)
        self.button.disabled = self._busy or job is None or not enough
        self.note.value = note
        self.note.layout.display = None if note else "none"
        self.budget.placeholder = "$, for all its runs" if needed else "$, as it was"

    def _words(self, amount: float | None, needed: bool) -> str:
        if amount is not None:
            return f"Resume with {money(amount)}"
        if needed:
            return "Resume with $..."
        return f"Resume, {self._price}" if self._price else "Resume"

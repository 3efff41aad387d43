"""The sheet of one run: connects it, prepares its columns and marks shared phones."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import TYPE_CHECKING

from leadflow.errors import LeadflowError, RefusedError
from leadflow.services.sheets import LOOK_HOLDS_S
from leadflow.stages.shared_phones import SharedPhones
from leadflow.stages.sheet_rows import own_columns, sheet_columns
from leadflow.stages.withheld import WithheldTally

if TYPE_CHECKING:
    from leadflow.run.context import RunContext
    from leadflow.run.pace import Pace

_STAGE = "Google Sheets"


class TargetSheet:
    """Prepares the sheet before the first append and completes it after the last append.

    `withheld` counts the cells that are not written to the sheet. `sharing` collects the phones of appended rows.
    """

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._sheet = run.services.sheet
        self._prepared = False
        self.withheld = WithheldTally(run.settings.policy, run.emit)
        self.sharing = SharedPhones(self._sheet)

    def connect(self) -> None:
        """Open the sheet and verify that it is writable, before the first lookup."""
        self._run.log(_STAGE, "Connecting to Google Sheets")
        self._sheet.connect(prove=True)
        if warning := self._sheet.filter_warning():
            self._run.log(_STAGE, warning, "warning")
        if self._sheet.header:
            self._prepare()
        self._run.log(_STAGE, "Connected to Google Sheets")

    def look_if_blank(self) -> None:
        """Look whether the tab is blank, as `open` will; it is called while the leads are read."""
        with suppress(LeadflowError):  # `open` looks again, and raises
            self._sheet.look_if_blank()

    def complete(self) -> None:
        """Add the script's columns, now that they are known, to a header that is there: nothing is bought so far."""
        if self._prepared and (names := self._script_columns()):
            self._sheet.add_columns(names)

    def open(self) -> None:
        """Prepare the sheet. Read its phones while the first lookups are under way."""
        self._prepare()
        self.sharing.begin()

    def finish(self) -> None:
        """Remove repeated rows and mark rows that share a phone, after the last append and while it is cached."""
        self._log_removed(self._sheet.settle_doubts())
        try:
            self.sharing.finish(self._run.emit)
        except RefusedError as error:
            self._run.log(_STAGE, f"Rows that share a phone are not marked in column 'Shared With': {error}", "warning")

    def _prepare(self) -> None:
        """Add missing columns: before the first lookup if the sheet has a header, else before the first append."""
        if not self._prepared:
            settings = self._run.settings
            names = [settings.sheets.key_column, *sheet_columns(settings.policy), *self._script_columns()]
            self._log_removed(self._sheet.prepare(names))
            self._prepared = True

    def _script_columns(self) -> list[str]:
        """Return the script's columns with text for the sheet. There are none before the leads are on disk."""
        checkpoints, job_id, settings = self._run.checkpoints, self._run.job_id, self._run.settings
        names = checkpoints.columns(job_id) if checkpoints.extracted(job_id) else []
        own = own_columns(names, settings.sheets.key_column, settings.policy)
        return [title for name, title in own.items() if not self.withheld.is_empty(name)]

    def _log_removed(self, rows: int) -> None:
        if rows:
            self._run.log(
                _STAGE,
                f"Took out {rows} rows that repeated a lead, written by an append that seemed to have failed",
                "warning",
            )


class LookAhead:
    """Reads the sheet's keys before an append needs them. If that fails, the append reads them itself."""

    def __init__(self, run: RunContext, pace: Pace, pool: Executor) -> None:
        self._sheet = run.services.sheet
        self._pace = pace
        self._pool = pool
        self._reading: Future[None] | None = None

    def start_if_due(self) -> None:
        """Start a read while the quota delays the append, or before the last append of the job.

        Only one read runs at a time. Several reads of a slow sheet would block the threads of the checks.
        """
        is_due = self._pace.ends_within(LOOK_HOLDS_S) or 0 < self._sheet.writes.pause() < LOOK_HOLDS_S
        if is_due and (self._reading is None or self._reading.done()):
            self._reading = self._pool.submit(self._sheet.look_ahead)

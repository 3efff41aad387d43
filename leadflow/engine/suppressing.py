"""The verbs of the house's own do-not-call list: suppress, import_suppressions, suppressions, and forget."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from leadflow.engine.launch import Launch
from leadflow.errors import LeadflowError
from leadflow.history import STALE_S
from leadflow.leads.suppressions import EVERYWHERE, FORGOTTEN
from leadflow.run.job_record import process_owner
from leadflow.services.sheets import ExistingSheet
from leadflow.services.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.compliance.suppression_work import Work
    from leadflow.compliance.suppressions import SuppressionResult


class Suppressing(Launch):
    """The verbs for people who ask not to be called, or to be forgotten. Nothing here is legal advice."""

    def suppress(
        self,
        phones: object = None,
        *,
        person_key: str | Sequence[str] | None = None,
        reason: str,
        by: str | None = None,
        scope: str = EVERYWHERE,
        expires: date | str | None = None,
        phones_too: bool = False,
    ) -> SuppressionResult:
        """Record that phones or people may not be called, and take their rows out of every sheet now.

        `phones` is a text or a list of texts, in any writing, or a pandas or polars frame with columns of phones,
        with person_key or "Lead Key", or with both. A phone is forbidden for everybody. A `person_key` forbids that
        person: nobody buys them again and their rows go, also those under another spelling; their phones stay callable
        for other people, unless `phones_too`. `by` is who took the request, by default settings.started_by. `scope` is
        a campaign, "all" by default. `expires` is a date at least ten years ahead; None is for ever (Va. Code
        59.1-514).

        What cannot be done now is in `.open` of the result. Saying it again, engine.complete_suppressions() and the
        next job of this home complete it; the time of the first request stays, and from it run the ten business days of
        47 CFR 64.1200(d)(3). Raises InputError before anything is written.

        Example:
            >>> import leadflow as lf
            >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
            ...     engine.suppress("(504) 555-0143", reason="asked on the phone", by="ann").ok
            True
        """
        from leadflow.compliance.known_phones import known_phones
        from leadflow.compliance.requests import Request, read_requests, read_terms
        from leadflow.compliance.suppressions import suppress

        terms = read_terms(self.settings.compliance, reason, self._who(by), scope, expires, "engine.suppress")
        requests, notes = read_requests(phones, person_key), list[str]()
        with self._suppression_work() as work:
            if phones_too and (keys := [request.lead_key for request in requests if request.lead_key]):
                try:
                    more = known_phones(keys, work.warehouse, self.checkpoints)
                    requests += [Request(0, phone=phone) for phone in sorted(more)]
                except LeadflowError as error:
                    notes.append(f"the phones of these people could not be read, so they are not suppressed: {error}")
            return suppress(requests, terms, work, notes)

    def import_suppressions(
        self,
        column: str = "Disposition",
        values: Sequence[str] = ("DNC", "Do not call"),
        *,
        by: str | None = None,
        reason: str = "typed into the callers' sheet",
        scope: str = EVERYWHERE,
        expires: date | str | None = None,
    ) -> SuppressionResult:
        """Suppress the phones and people of the rows in which callers typed one of `values` into a column.

        Blind to case and outer blanks. `.notes` of the result say which values are in no row, and which texts are
        nearly one of them and were not taken: read them. Rows are withdrawn as `suppress` does. Raises InputError for a
        column that the sheet does not have, RefusedError or DeliveryError if the sheet cannot be read.
        """
        from leadflow.compliance.callers_sheet import read_typed
        from leadflow.compliance.requests import read_terms
        from leadflow.compliance.suppressions import completed, suppress

        terms = read_terms(self.settings.compliance, reason, self._who(by), scope, expires, "sheet")
        found = read_typed(ExistingSheet(self.settings.sheets, locks=self.settings.home.expanduser()), column, values)
        with self._suppression_work() as work:
            if not found.requests:
                return completed(work.complete(), found.notes)
            return suppress(found.requests, terms, work, found.notes)

    def complete_suppressions(self, gone: Collection[str] = ()) -> SuppressionResult:
        """Do what earlier requests left open, also those of other machines.

        `gone` are ids of spreadsheets that exist no more, or that nobody calls from.

        >>> import leadflow as lf
        >>> with lf.local.start() as world, lf.Engine(world.settings) as engine:
        ...     engine.complete_suppressions().open
        []
        """
        from leadflow.compliance.suppression_list import refresh
        from leadflow.compliance.suppressions import completed

        with self._suppression_work() as work:
            given_up = work.give_up([gone] if isinstance(gone, str) else gone)
            notes = [f"{target} counts as gone: no row of it is looked for any more" for target in given_up]
            return completed(work.complete(refresh), notes)

    def suppressions(self, since: str | date | None = None) -> pd.DataFrame:
        """Return the do-not-call list, newest first, as SUPPRESSIONS has it. It holds personal data: do not log it.

        `since` is a UTC time, as in "2026-11-01". Columns: phone (E.164), person_key, reason, source, by, added_at
        (UTC), scope, expires_on, and, of this home, rows_withdrawn and done_at (None: something is still open). Raises
        RefusedError, TransientError.
        """
        from leadflow.compliance.suppression_frame import suppression_frame

        with self._suppression_work() as work:
            return suppression_frame(work.warehouse, self.checkpoints, since)

    def forget(self, person_key: str) -> int:
        """Remove a person from the checkpoints. Return the number of rows removed.

        A mark with the key alone stays in SUPPRESSIONS, so that nobody buys this person again. If Snowflake cannot be
        reached now, a warning says so, and the next job writes the mark. This does not change the sheet and the other
        tables in Snowflake. lf.lineage(person_key) lists where the lead went.
        """
        from leadflow.compliance.requests import Request, Terms, utc_second
        from leadflow.compliance.suppression_list import store

        terms = Terms(FORGOTTEN, self.settings.started_by, utc_second(), source="engine.forget")
        gone = self.checkpoints.forget(person_key, terms.entry(Request(1, lead_key=person_key)))
        with self._suppression_work() as work:
            try:
                store(work.warehouse, self.checkpoints)
            except LeadflowError as error:
                warnings.warn(
                    f"the mark of a forgotten person is not in {self.settings.warehouse.suppressions} yet, so machines "
                    f"other than this one may buy the person again: {error}. The next job here, or "
                    "engine.complete_suppressions(), writes it",
                    UserWarning,
                    stacklevel=2,
                )
        return gone

    def _who(self, by: str | None) -> str:
        return self.settings.started_by if by is None else by

    @contextmanager
    def _suppression_work(self) -> Generator[Work, None, None]:
        """Yield the stores and systems that the verbs of this class use."""
        from leadflow.compliance.suppression_work import Work

        with Warehouse(self.settings.warehouse, query_tag="leadflow:suppress") as warehouse:
            yield Work(
                self.settings,
                self.checkpoints,
                self.history,
                warehouse,
                lambda jobs: self.history.live(jobs, process_owner(), STALE_S),
            )

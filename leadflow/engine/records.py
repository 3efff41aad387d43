"""The verbs that show and keep the records of checks: stale, evidence, certificate, prune_records."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from leadflow.engine.launch import Launch
from leadflow.services.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.compliance.certificate import Certificate


class Records(Launch):
    """The verbs that show and keep the records of checks."""

    def stale(self, days: int = 7) -> pd.DataFrame:
        """Return the delivered rows that may not be called any more within `days`, soonest first, without phones.

        Columns: lead_key, callable_until (a date; the row may be called before it), days_left (0 or less: it may not be
        called), job_id, and spreadsheet_id and worksheet, if the history has the job. A row of an earlier version has
        no date: it is listed as if its checks had been made when it was delivered. Withdrawn rows are not listed.
        Raises InputError, RefusedError, TransientError.
        """
        from leadflow.compliance.stale import stale

        with Warehouse(self.settings.warehouse, query_tag="leadflow:stale") as warehouse:
            return stale(warehouse, self.history, days)

    def evidence(
        self, phone: str | int | None = None, *, person_key: str | None = None, on: str | date | None = None
    ) -> pd.DataFrame:
        """Return what the ledger has about a phone (in any writing), a lead, or a phone of a lead, in time order.

        One row an entry: its time (UTC), event (check, delivered, withdrawn), kind, verdict, phone, lead_key, provider,
        code, list_date, policy, reason, job_id, entry_id.

        With `on`, a day ("2026-11-01") or a time (UTC), return what was known then: a row for each phone and kind of
        check, with the last check before that moment (before the day's end), and `allowed`: whether both checks were
        clean and at most 31 days old, and the phone was not withdrawn. `why` says it in words. What is not recorded is
        not allowed. It says nothing of calling hours and consent, and is not legal advice.

        The frame holds personal data: do not log it. Raises InputError, RefusedError, TransientError.
        """
        from leadflow.compliance.evidence import evidence

        with Warehouse(self.settings.warehouse, query_tag="leadflow:evidence") as warehouse:
            return evidence(warehouse, phone, person_key, on)

    def certificate(self, job_id: str) -> Certificate:
        """Return the certificate of a job: who checked what, when, against which lists, and a hash over the records.

        It shows itself in a notebook; `.save("certificate.html")` writes a page that prints. It holds no phone. Raises
        JobNotFound, RefusedError, TransientError.
        """
        from leadflow.compliance.certificate import certificate
        from leadflow.reports import report

        self.history.flush()
        found = report(job_id, history=self.history)
        with Warehouse(self.settings.warehouse, query_tag="leadflow:certificate") as warehouse:
            return certificate(found.job, found.coverage, warehouse, self.settings)

    def prune_records(self, dry_run: bool = True) -> dict[str, int]:
        """Delete the records that need not be kept any longer; return how many rows of each table.

        These are entries of the ledger older than settings.compliance.keep_evidence_years (and the 31 days for which a
        check counts), and suppressions that expired more than keep_opt_outs_years ago. With `dry_run` it only counts.
        The role needs DELETE on both tables, which a job does not. Raises RefusedError, TransientError.
        """
        from leadflow.compliance.pruning import prune_records

        with Warehouse(self.settings.warehouse, query_tag="leadflow:prune") as warehouse:
            return prune_records(warehouse, self.settings.compliance, dry_run)

"""Check phones against the do-not-call list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from leadflow.events import Emit, no_emit
from leadflow.leads.verdicts import Scrub
from leadflow.services.transport.limits import StopFlag
from leadflow.stages.checks import Checker, check_phones
from leadflow.stages.frames import same_kind

F = TypeVar("F")


def check_dnc(
    leads: F,
    dnc: Checker,
    *,
    known: Mapping[str, Scrub] | None = None,
    on_scrubs: Callable[[list[Scrub]], None] | None = None,
    stop: StopFlag | None = None,
    emit: Emit = no_emit,
    batch: int | None = None,
) -> F:
    """Check every phone of every lead against the do-not-call list and add the verdicts.

    `leads` is a pandas or polars frame with a column `phones` (lists of E.164), or with columns such as "Phone 1".
    Columns added: `dnc_verdicts` (lists of text: one Verdict for each phone), `dnc_scrubbed_at` (text, UTC: the oldest
    check of the lead), `dnc_not_covered` (lists of text: why the list cannot clear a phone, "" if it can) and
    `dnc_checks` (lists of text: the scrub of each phone as JSON, from which consolidate writes the ledger).

    A phone without an answer is unchecked. A number that is not a US consumer's is invalid and is not sent. A phone
    that a local list does not cover stays unchecked. Coverage depends on the state of the area code, and on the lead's
    state if `leads` has that column. A fresh check in `known` (E.164 to Scrub) is used instead of a new one;
    `on_scrubs` receives the new checks before they are used. `stop` ends the stage between requests; `batch` is the
    number in events.

    Raises ColumnsError, RefusedError, ServiceDownError, Stopped.

    >>> from datetime import datetime, timezone
    >>> import pandas as pd
    >>> from leadflow.leads.verdicts import Scrub, Verdict
    >>> class EmptyList:
    ...     def check(self, phones, stop=None):
    ...         now = datetime.now(timezone.utc)
    ...         return {phone: Scrub(phone, "dnc", Verdict.CLEAN, "example", "", now) for phone in phones}
    >>> checked = check_dnc(pd.DataFrame({"Phone 1": ["(504) 555-0143", "800-555-0143"]}), EmptyList())
    >>> checked["dnc_verdicts"].tolist()
    [['clean'], ['invalid']]
    """
    return same_kind(leads, lambda f: check_phones(f, dnc, "dnc", "DNC", known or {}, on_scrubs, emit, batch, stop))

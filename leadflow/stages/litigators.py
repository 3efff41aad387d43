"""Check phones against the list of TCPA litigators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from leadflow.events import Emit, no_emit
from leadflow.leads.verdicts import Scrub
from leadflow.services.transport.limits import StopFlag
from leadflow.stages.checks import Checker, check_phones
from leadflow.stages.frames import same_kind

F = TypeVar("F")


def check_litigators(
    leads: F,
    litigator: Checker,
    *,
    known: Mapping[str, Scrub] | None = None,
    on_scrubs: Callable[[list[Scrub]], None] | None = None,
    stop: StopFlag | None = None,
    emit: Emit = no_emit,
    batch: int | None = None,
) -> F:
    """Check every phone of every lead against the litigator list and add the verdicts.

    `leads` is a pandas or polars frame with a column `phones` (lists of E.164), or with columns such as "Phone 1".
    Columns added: `litigator_verdicts` (lists of text: clean, litigator or unchecked for each phone),
    `litigator_scrubbed_at` (text, UTC: the oldest check of the lead) and `litigator_checks` (lists of text: the scrub
    of each phone as JSON, from which consolidate writes the ledger).

    A phone without an answer is unchecked. A fresh check in `known` (E.164 to Scrub) is used instead of a new one;
    `on_scrubs` receives the new checks before they are used. `stop` ends the stage between requests; `batch` is the
    number in events.

    Raises ColumnsError, RefusedError, ServiceDownError, Stopped.

    >>> import pandas as pd
    >>> class NoAnswer:
    ...     def check(self, phones, stop=None):
    ...         return {}
    >>> check_litigators(pd.DataFrame({"Phone 1": ["(504) 555-0143"]}), NoAnswer())["litigator_verdicts"].tolist()
    [['unchecked']]
    """
    return same_kind(
        leads, lambda f: check_phones(f, litigator, "litigator", "Litigator", known or {}, on_scrubs, emit, batch, stop)
    )

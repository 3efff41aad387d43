"""Suppress phones and people: the request is written down first, then all that follows from it is done.

1. The request goes to the local copy of the list, which is on disk before anything else happens. Jobs that run on this
   machine read it before each append.
2. It goes to SUPPRESSIONS, which all machines share, and is read back: the first request keeps its time, from which the
   ten business days of 47 CFR 64.1200(d)(3) run.
3. Rows go out of every sheet, and DNCScrub is told (suppression_work.py).

A kill in between leaves the request, and `complete` goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadflow.compliance.suppression_list import keep_here
from leadflow.compliance.suppression_work import TABLE, Done, Work, dncscrub_target
from leadflow.display.elements import card, noted, said, stacked_table
from leadflow.display.units import local_time
from leadflow.leads.suppressions import Suppression

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

    from leadflow.checkpoints.suppressions import Entry
    from leadflow.compliance.requests import Request, Terms

_COLUMNS = ("entry", "phone", "person_key", "since", "rows_withdrawn", "dncscrub", "open")


@dataclass(frozen=True, repr=False)
class SuppressionResult:
    """The result of a request: what is suppressed since when, what was withdrawn, and what is still open.

    `open` has a sentence for each system that could not be reached, with what to do. `notes` are facts to know. `rows`
    has one dict for each phone and lead key, with the last four digits of phones; `frame` shows them as a DataFrame.
    """

    rows: list[dict[str, Any]]
    open: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    withdrawn: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is left to do."""
        return not self.open

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each phone and lead key.

        Columns: entry (position of the request, from 1), phone (last four digits), person_key, since (UTC),
        rows_withdrawn (leads, now and before), dncscrub (yes, or why not), open (what is not done yet, "" if nothing).
        """
        import pandas as pd  # pyright: ignore[reportMissingTypeStubs] - pandas has none

        return pd.DataFrame(self.rows, columns=pd.Index(_COLUMNS))

    def __repr__(self) -> str:
        """Counts and sentences, without phones."""
        phones = sum(1 for row in self.rows if row["phone"])
        first = (
            f"{phones} phones and {len(self.rows) - phones} people may not be called; "
            f"{self.withdrawn} rows were withdrawn now"
        )
        return "\n".join([first, *(f"still open: {text}" for text in self.open), *self.notes])

    def _repr_html_(self) -> str:
        """The same, and a row for each phone (its last four digits) and lead key."""
        first, *more = repr(self).splitlines()
        rows = [[_shown(row[name]) for name in _COLUMNS] for row in self.rows]
        header = ("Entry", "Phone", "Lead key", "Since", "Rows withdrawn", "DNCScrub", "Open")
        content = said(first) + (stacked_table(header, rows) if rows else "") + "".join(map(noted, more))
        return card("Do-not-call list", content)


def _shown(value: object) -> str:
    return local_time(value) if isinstance(value, datetime) else str(value)


def suppress(requests: Iterable[Request], terms: Terms, work: Work, notes: Iterable[str] = ()) -> SuppressionResult:
    """Suppress the phones and lead keys of the requests, and do all that is open. See the module for the order."""
    wanted = {request: terms.entry(request) for request in requests}
    keep_here(work.checkpoints, wanted.values())
    done = work.complete()
    found = {e.suppression.subject: e for e in work.checkpoints.suppression_entries() if _is_last(e, work)}
    rows = [_row(request.position, found[entry.subject], done, work) for request, entry in wanted.items()]
    return SuppressionResult(rows, list(done.open.values()), [*notes, *done.notes], sum(done.withdrawn.values()))


def completed(done: Done, notes: Iterable[str] = ()) -> SuppressionResult:
    """Return the result of work that no new request asked for."""
    return SuppressionResult([], list(done.open.values()), [*notes, *done.notes], sum(done.withdrawn.values()))


def _is_last(entry: Entry, work: Work) -> bool:
    """Whether an entry holds: of several for one subject, all but the last have expired."""
    from leadflow.leads.suppressions import today

    return entry.suppression.holds(today(), entry.suppression.scope)


def _row(position: int, entry: Entry, done: Done, work: Work) -> dict[str, Any]:
    said = entry.suppression
    return {
        "entry": position,
        "phone": f"...{said.phone[-4:]}" if said.phone else "",
        "person_key": said.lead_key,
        "since": said.added_at,
        "rows_withdrawn": entry.withdrawn,
        "dncscrub": _told(said, done, work),
        "open": ", ".join(done.open),
    }


def _told(said: Suppression, done: Done, work: Work) -> str:
    target = dncscrub_target(work.settings)
    if not said.phone or work.settings.dnc.provider != "dncscrub":
        return "no: it has lists of phones only" if not said.phone else "no: the provider is a list"
    if not target:
        return "no: no proj_id"
    if target in done.open:
        return "not yet"
    if said.phone in done.told and said.phone not in done.confirmed:
        return "sent, not confirmed"
    return "yes" if said.phone in done.told else "yes, before"


__all__ = ["TABLE", "SuppressionResult", "completed", "suppress"]

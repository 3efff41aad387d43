"""Read what the callers' sheet shows: the phones of each lead, and how old its checks are. A row without a key is not
leadflow's and is left out.

Everything fails closed: a date that is missing or cannot be read counts as too old, a phone that cannot be read is "".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import polars as pl

from leadflow.leads.callable_until import NO_LONGER
from leadflow.leads.phone_columns import is_named, shown_phone_columns
from leadflow.leads.phones import to_e164
from leadflow.leads.verdicts import OLDEST
from leadflow.stages.checks import SCRUBBED_AT
from leadflow.stages.list_columns import lists_of

if TYPE_CHECKING:
    from leadflow.services.sheets.cells import Columns
    from leadflow.settings import ReassignedSettings

SCRUBBED, UNTIL = "Scrubbed At", "Callable Until"
_BESIDE = {"state": "State", "zip": "Zip"}
_KNOWN = frozenset({SCRUBBED, UNTIL, *_BESIDE.values()})
_SLACK = timedelta(minutes=5)  # by which another machine's clock may be ahead


@dataclass
class _Lead:
    """What all rows of one lead show together."""

    phones: dict[str, None] = field(default_factory=dict[str, None])
    unreadable: int = 0
    until: date = date.max
    is_due: bool = False
    beside: dict[str, str] = field(default_factory=dict[str, str])


def columns_to_read(header: Iterable[str], reassigned: ReassignedSettings | None = None) -> list[str]:
    """Return the columns that `shown_leads` reads, with the date column of a reassigned-numbers check that is set."""
    header = list(header)
    dates = [reassigned.date_column] if reassigned and reassigned.date_column else []
    return [
        *shown_phone_columns(header),
        SCRUBBED,
        UNTIL,
        *_BESIDE.values(),
        *(n for n in header if is_named(n, dates)),
    ]


def shown_leads(now: Columns, older_than_days: float, max_age_days: float, at: datetime) -> pl.DataFrame:
    """Return one row for each lead of the sheet, in the order of the sheet.

    Columns: person_key, phones (lists of E.164 from all rows of the lead, "" for a cell that cannot be read), state,
    zip, the other columns that were read, counts_until (the date from which the lead's checks no longer count) and
    is_due (whether a row has a check that is `older_than_days`, or a date that is missing or cannot be read). Checks
    count for `max_age_days`. `at` is now.
    """
    found: dict[str, _Lead] = {}
    phones = [now.cells[name] for name in shown_phone_columns(now.cells)]
    beside = _BESIDE | {name: name for name in now.cells if name not in {*shown_phone_columns(now.cells), *_KNOWN}}
    for row, key in enumerate(now.keys):
        if key:
            lead = found.setdefault(key, _Lead())
            for cells in phones:
                _add_phone(lead, cells[row])
            dates = _Dates(_cell(now, SCRUBBED, row), _cell(now, UNTIL, row), max_age_days, at)
            lead.until = min(lead.until, dates.until())
            lead.is_due = lead.is_due or dates.are_due(older_than_days)
            for name, title in beside.items():
                lead.beside.setdefault(name, _cell(now, title, row))
    return _frame(found, list(beside))


def _add_phone(lead: _Lead, cell: str) -> None:
    if not cell.strip():
        return
    if phone := to_e164(cell.strip()):
        lead.phones[phone] = None
    else:
        lead.unreadable += 1


def _cell(now: Columns, name: str, row: int) -> str:
    return now.cells[name][row].strip() if name in now.cells else ""


def _frame(found: dict[str, _Lead], beside: list[str]) -> pl.DataFrame:
    leads = list(found.values())
    texts = {name: [lead.beside.get(name, "") for lead in leads] for name in beside}
    return pl.DataFrame(
        {
            "person_key": pl.Series(list(found), dtype=pl.String),
            "phones": lists_of("phones", [[*lead.phones, *[""] * lead.unreadable] for lead in leads]),
            **{name: pl.Series(cells, dtype=pl.String) for name, cells in texts.items()},
            "counts_until": pl.Series([lead.until for lead in leads], dtype=pl.Date),
            "is_due": pl.Series([lead.is_due for lead in leads], dtype=pl.Boolean),
        }
    )


@dataclass(frozen=True)
class _Dates:
    """The two dates of a row, as text of the sheet."""

    scrubbed: str
    callable_until: str
    max_age_days: float
    at: datetime

    def until(self) -> date:
        """Return the date from which the checks no longer count. A row of an older leadflow has only one of both."""
        return min(self._ends(), default=NO_LONGER)

    def _ends(self) -> Iterator[date]:
        if self.callable_until:
            yield read_until(self.callable_until, self.at) or NO_LONGER
        if self.scrubbed:
            scrubbed = read_scrubbed(self.scrubbed, self.at)
            yield (scrubbed + timedelta(days=self.max_age_days)).date() if scrubbed else NO_LONGER

    def are_due(self, older_than_days: float) -> bool:
        scrubbed, until = read_scrubbed(self.scrubbed, self.at), read_until(self.callable_until, self.at)
        if scrubbed is None or until is None or self.at - scrubbed >= timedelta(days=older_than_days):
            return True
        return until < (self.at + timedelta(days=max(1.0, self.max_age_days - older_than_days))).date()


def read_scrubbed(text: str, at: datetime) -> datetime | None:
    """Return the time of a check as the sheet shows it; None if it cannot be read, or is still to come.

    >>> read_scrubbed("2026-11-01 15:30 UTC", datetime(2026, 11, 28, tzinfo=timezone.utc))
    datetime.datetime(2026, 11, 1, 15, 30, tzinfo=datetime.timezone.utc)
    """
    try:
        found = datetime.strptime(text, SCRUBBED_AT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return found if found <= at + _SLACK else None


def read_until(text: str, at: datetime) -> date | None:
    """Return the date of Callable Until; None if it cannot be read, or is later than any check of today could reach."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found <= (at + OLDEST).date() + timedelta(days=1) else None

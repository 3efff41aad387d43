"""Whether rows may be called at a moment: `lf.may_call`. It needs no network and no settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import polars as pl

from leadflow.errors import ColumnsError, InputError
from leadflow.leads.calling_hours import Window, lead_windows, next_open, read_description, read_hours
from leadflow.leads.calling_hours.text import clock
from leadflow.leads.calling_hours.windows import holidays_of, joined
from leadflow.leads.calling_hours.zones import LABELS
from leadflow.leads.columns import columns_of
from leadflow.stages.call_windows import calling_window_answers
from leadflow.stages.frames import same_kind, text_of
from leadflow.stages.lead_phones import phone_lists, with_phones
from leadflow.stages.scrub_texts import has_checks

F = TypeVar("F")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ][0-9:.]*(?:\+00:?00|Z)?)?")
_INSIDE = "inside the calling hours"


@dataclass(frozen=True)
class _Judgement:
    """What is said of one row: whether it may be called, why, and when the next call is allowed (UTC)."""

    may_call: bool
    why: str
    next_time: datetime | None = None


def may_call(frame: F, at: datetime | None = None, *, hours: str | Path | None = None) -> F:
    """Add to each row may_call (boolean), why (text), and next_time (UTC): when a call is allowed, null if unknown.

    `frame` is a pandas or polars frame with a state column, or phones (`phones`, or columns such as "Phone 1"), or
    both, as an export of the sheet and the frames of the stages have them. A call is allowed only inside the hours of
    the state, of the state of each number, and of "Call Window" and DNCScrub's answers where the frame has them, each
    in its own time zone, and before the date of "Callable Until". A row without a number to call, one that is held
    back, and one whose cells cannot be read, may not be called. `at` is an aware datetime, now by default; next_time is
    at or after it. `hours` is a file of calling hours, as settings.compliance.calling_hours_file.

    The answer knows neither calls already made that day, nor emergencies that a governor declares (Louisiana forbids
    calls then). Sources: 47 CFR 64.1200(c)(1), and the column source of the table (leadflow/leads/calling_hours).

    Raises InputError for an `at` without a time zone and for a file that cannot be read, ColumnsError for a frame
    without a state and without phones.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"State": ["LA", "NY"], "Phone 1": ["504-555-0143", "212-555-0143"]})
    >>> sunday = datetime(2026, 11, 29, 18, 0, tzinfo=timezone.utc)
    >>> may_call(rows, sunday)[["may_call", "why"]].values.tolist()
    [[False, 'LA: no calls on Sunday (Central)'], [True, 'inside the calling hours']]
    """
    moment = _moment(at)
    table = read_hours(hours)

    def judge(leads: pl.DataFrame) -> pl.DataFrame:
        rows = list(_rows(leads, table))
        opening = _Opening(moment)
        known = {row: _judged(row, opening) for row in set(rows)}
        found = [known[row] for row in rows]
        kind = pl.Datetime("us", "UTC")
        return leads.with_columns(
            pl.Series("may_call", [one.may_call for one in found], pl.Boolean),
            pl.Series("why", [one.why for one in found], pl.String),
            pl.Series("next_time", [one.next_time for one in found], kind),
        )

    done: Any = same_kind(frame, judge)
    index = getattr(frame, "index", None)
    if index is not None and hasattr(done, "index"):
        done.index = index
    return done


def _moment(at: datetime | None) -> datetime:
    if at is None:
        return datetime.now(timezone.utc)
    if not isinstance(at, datetime):
        raise InputError(f"at is a {type(at).__name__}; give an aware datetime, as datetime.now(timezone.utc)")
    if at.tzinfo is None or at.utcoffset() is None:
        raise InputError("at has no time zone, so nobody knows which moment it is; give datetime.now(timezone.utc)")
    return at.astimezone(timezone.utc)


@dataclass(frozen=True)
class _Row:
    """What one row says: its windows (None: nothing is known), a reason never to call it, and its last date."""

    windows: tuple[Window, ...] = ()
    never: str = ""
    until: date | None = None


def _rows(leads: pl.DataFrame, table: Any) -> Iterable[_Row]:
    states = columns_of("state", leads.columns)
    phones = _phones(leads)
    if not states and phones is None:
        raise ColumnsError.missing(["state or phones"], leads.columns)
    answers = calling_window_answers(with_phones(leads)) if has_checks(leads) and phones is not None else {}
    texts = {name: _cells(leads, name) for name in ("callwindow", "callableuntil", "disposition", "reason")}
    cells = [[text_of(cell) for cell in leads[name]] for name in states]
    for n in range(leads.height):
        told = {name: column[n] for name, column in texts.items() if column is not None}
        numbers = None if phones is None else tuple(phone for phone in phones[n] if phone)
        places = tuple(dict.fromkeys(column[n].strip() for column in cells)) or ("",)
        yield _row(places, numbers, told, answers.get(n, {}), table)


def _phones(leads: pl.DataFrame) -> list[list[str]] | None:
    if "shown_phones" in leads.columns:
        return [list(phones or ()) for phones in leads["shown_phones"].to_list()]
    try:
        return phone_lists(leads)
    except ColumnsError:
        return None


def _cells(leads: pl.DataFrame, plain: str) -> list[str] | None:
    """Return a column's cells as text. Only the stages' own disposition counts: callers have words of their own."""
    name = next((name for name in leads.columns if re.sub("[^a-z]", "", name.lower()) == plain), None)
    if name is None or (plain in ("disposition", "reason") and name != plain):
        return None
    return [text_of(cell).strip() for cell in leads[name]]


def _row(
    states: tuple[str, ...],
    phones: tuple[str, ...] | None,
    told: Mapping[str, str],
    answers: Mapping[str, str],
    table: Any,
) -> _Row:
    disposition = told.get("disposition", "deliver")
    if disposition not in ("deliver", "delivered"):
        return _Row(never=f"held back: {told.get('reason') or disposition or 'no disposition'}")
    if phones is not None and not phones:
        return _Row(never="the row has no phone that can be read")
    windows = [window for state in states for window in lead_windows(state, phones or (), table, answers)]
    if text := told.get("callwindow", ""):
        described = read_description(text)
        if described is None:
            return _Row(never="the cell in Call Window cannot be read")
        windows += described
    until = None
    if "callableuntil" in told:
        until = _date(told["callableuntil"])
        if until is None:
            return _Row(never="Callable Until has no date, so it is unknown whether the checks still count")
    return _Row(tuple(dict.fromkeys(windows)), "" if windows else "neither state nor number is known", until)


def _date(text: str) -> date | None:
    found = _DATE.fullmatch(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


class _Opening:
    """Says for one moment when windows open; many rows have the same ones."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._known: dict[frozenset[Window], datetime | None] = {}

    def of(self, windows: Sequence[Window]) -> datetime | None:
        alike = frozenset(joined(tuple(windows)))
        if alike not in self._known:
            self._known[alike] = next_open(alike, self.at)
        return self._known[alike]


def _judged(row: _Row, opening: _Opening) -> _Judgement:
    at = opening.at
    if row.never:
        return _Judgement(False, row.never)
    if row.until is not None and at.date() >= row.until:
        return _Judgement(False, f"the checks counted until {row.until.isoformat()}: check again before a call")
    closed = next((window for window in row.windows if not window.allows(at)), None)
    opens = at if closed is None else opening.of(row.windows)
    if opens is not None and row.until is not None:
        end = datetime.combine(row.until, time(), timezone.utc)
        opens = opens if opens < end else None
    return _Judgement(closed is None, _inside(row.windows) if closed is None else _closed(closed, at), opens)


def _inside(windows: Sequence[Window]) -> str:
    calls = min((window.calls_a_day for window in windows if window.calls_a_day), default=None)
    limit = f"; at most {calls} calls in 24 hours" if calls else ""
    is_louisiana = any("US-LA" in window.holidays for window in windows)
    return f"{_INSIDE}{limit}{'; not in a state of emergency in Louisiana' if is_louisiana else ''}"


def _closed(window: Window, at: datetime) -> str:
    """Say why a window is closed, without a phone."""
    local = at.astimezone(ZoneInfo(window.zone))
    span, zone = window.days[local.weekday()], LABELS[window.zone]
    if not any(window.days):
        return f"{window.whose}: no calls at any time"
    if span is None:
        return f"{window.whose}: no calls on {_DAYS[local.weekday()]} ({zone})"
    if window.is_holiday(local.date()):
        names = (holidays_of(code, local.year).get(local.date()) for code in window.holidays)
        return f"{window.whose}: no calls on {next(name for name in names if name)} ({zone})"
    now = clock(local.hour * 60 + local.minute)
    return f"{window.whose}: {clock(span[0])}-{clock(span[1])}, and it is {now} there ({zone})"

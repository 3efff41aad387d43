"""The table of calling hours by state: the package's hours.csv, and a file of the user's that replaces its rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from leadflow.errors import InputError
from leadflow.leads.calling_hours.windows import FEDERAL, FEDERAL_DAYS, Days, Span, is_holiday_code, narrowed
from leadflow.leads.calling_hours.zones import STATE_ZONES

COLUMNS = ("state", "weekday", "saturday", "sunday", "holidays", "calls_a_day", "source", "as_of")
_PACKAGED = Path(__file__).with_name("hours.csv")
_SPAN = re.compile(r"(\d{1,2}):([0-5]\d) ?- ?(\d{1,2}):([0-5]\d)")
_NONE = "none"


@dataclass(frozen=True)
class StateHours:
    """When a state allows calls: hours of a week (Monday first), holidays without calls, and calls in 24 hours."""

    state: str
    days: Days = FEDERAL_DAYS
    holidays: tuple[str, ...] = ()
    calls_a_day: int | None = None
    source: str = "47 CFR 64.1200(c)(1)"
    as_of: str = "2026-11-01"


@dataclass(frozen=True, eq=False)  # hashed by identity: the windows that follow from a table are kept by it
class CallingHours:
    """The table. A state without a row has the federal hours: 8 am to 9 pm, 47 CFR 64.1200(c)(1)."""

    rows: Mapping[str, StateHours]

    def of(self, state: str) -> StateHours:
        """Return the hours of a state, by its two-letter code.

        >>> read_hours().of("TX").days[6], read_hours().of("NY").days[6]
        ((720, 1260), (480, 1260))
        """
        return self.rows.get(state) or StateHours(state)

    @property
    def strictest(self) -> StateHours:
        """The hours that no state forbids, for a person whose state cannot be read."""
        rows = self.rows.values()
        holidays = sorted({code for row in rows for code in row.holidays})
        calls = [row.calls_a_day for row in rows if row.calls_a_day]
        days = narrowed(FEDERAL_DAYS, *(row.days for row in rows))
        return StateHours("", days, tuple(holidays), min(calls, default=None), "the strictest of all states")


def read_hours(path: str | Path | None = None) -> CallingHours:
    """Return the package's table, with the rows that a CSV file of the user's replaces.

    The file has the columns state, weekday, saturday, sunday, holidays, calls_a_day, source, as_of. Hours are written
    9:00-20:00, or none for no calls. Holidays are none, US, or codes such as US-LA, with blanks between. Hours outside
    8:00-21:00 are refused: 47 CFR 64.1200(c)(1). The file is read again when it changes.

    Raises InputError, with line and column, for a file that cannot be read strictly.
    """
    if path is None:
        return _packaged()
    file = Path(path).expanduser()
    try:
        state = file.stat()
        return _with_file(file, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise InputError(f"the file of calling hours {file} cannot be read ({error.strerror})") from None


@lru_cache(maxsize=1)
def _packaged() -> CallingHours:
    return CallingHours({row.state: row for row in _rows(_PACKAGED)})


@lru_cache(maxsize=16)
def _with_file(file: Path, _mtime: int, _size: int) -> CallingHours:
    return CallingHours({**_packaged().rows, **{row.state: row for row in _rows(file)}})


def _rows(file: Path) -> Iterator[StateHours]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
        lines = [(n, cells) for n, cells in _numbered(text) if any(cell.strip() for cell in cells)]
    except UnicodeDecodeError:
        raise InputError(f"the file of calling hours {file} is not UTF-8; save it so") from None
    except csv.Error as error:
        raise InputError(f"the file of calling hours {file} is not CSV ({error})") from None
    if not lines:
        raise InputError(f"the file of calling hours {file} is empty; its first line is {','.join(COLUMNS)}")
    header = [name.strip().lower() for name in lines[0][1]]
    _raise_if_wrong_header(file, lines[0][0], header)
    seen: set[str] = set()
    for number, cells in lines[1:]:
        where = f"{file}, line {number}"
        if len(cells) != len(header):
            raise InputError(f"{where}: it has {len(cells)} cells, and the header has {len(header)}")
        row = _row(where, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
        if row.state in seen:
            raise InputError(f"{where}, column state: {row.state} has a row already; keep one")
        seen.add(row.state)
        yield row


def _numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text), strict=True)
    for cells in reader:
        yield reader.line_num, cells


def _raise_if_wrong_header(file: Path, line: int, header: list[str]) -> None:
    where = f"{file}, line {line}"
    if unknown := [name for name in header if name not in COLUMNS]:
        raise InputError(f"{where}: column {unknown[0]!r} is unknown; the columns are {', '.join(COLUMNS)}")
    if missing := [name for name in COLUMNS if name not in header]:
        raise InputError(f"{where}: column {missing[0]} is missing; the columns are {', '.join(COLUMNS)}")
    if len(set(header)) < len(header):
        raise InputError(f"{where}: a column stands there twice")


def _row(where: str, cells: dict[str, str]) -> StateHours:
    state = cells["state"].upper()
    if state not in STATE_ZONES:
        raise InputError(f"{where}, column state: it must be the two letters of a state, DC or a territory")
    weekday, saturday, sunday = (_span(where, name, cells[name]) for name in ("weekday", "saturday", "sunday"))
    return StateHours(
        state,
        (*[weekday] * 5, saturday, sunday),
        _holidays(where, cells["holidays"]),
        _calls(where, cells["calls_a_day"]),
        cells["source"],
        _day(where, cells["as_of"]),
    )


def _span(where: str, name: str, text: str) -> Span | None:
    if text.lower() == _NONE:
        return None
    found = _SPAN.fullmatch(text)
    if found is None:
        raise InputError(f"{where}, column {name}: write hours as 9:00-20:00, or none for no calls")
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if start >= end:
        raise InputError(f"{where}, column {name}: the hours end before they begin; write none for no calls")
    if not (FEDERAL[0] <= start and end <= FEDERAL[1]):
        raise InputError(f"{where}, column {name}: 47 CFR 64.1200(c)(1) allows calls from 8:00 to 21:00 only")
    return start, end


def _holidays(where: str, text: str) -> tuple[str, ...]:
    codes = text.upper().replace(",", " ").replace(";", " ").split()
    if codes == [_NONE.upper()]:
        return ()
    if not codes or not all(map(is_holiday_code, codes)):
        raise InputError(f"{where}, column holidays: write none, US, or codes of states such as US-LA")
    return tuple(codes)


def _calls(where: str, text: str) -> int | None:
    if text and not re.fullmatch(r"[1-9]\d{0,2}", text):
        raise InputError(f"{where}, column calls_a_day: write a whole number of 1 or more, or leave it empty")
    return int(text) if text else None


def _day(where: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputError(f"{where}, column as_of: write the day of the source as YYYY-MM-DD") from None

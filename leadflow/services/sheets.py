"""Google Sheets: append rows so that each lead has exactly one.

The API's append has no request id, so a call that failed may still have been applied. Every append is
therefore preceded by a look at the key column, a doubtful one is followed by a look before anything is
repeated, and rows that a late application doubled are taken out again. Appends insert rows of their own,
so what a person adds, sorts or filters meanwhile is never overwritten.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import stamina

from leadflow.errors import DeliveryError, InputError, RefusedError, TransientError
from leadflow.services.google import UNPROTECT, QuotaError, credentials, explained, readable
from leadflow.services.limits import Limiter, StopFlag, shared_limiter
from leadflow.services.turns import Turn
from leadflow.settings import SheetsSettings

if TYPE_CHECKING:
    import gspread

T = TypeVar("T")
_GOOGLE = "https://sheets.googleapis.com"
LONGEST_CELL = 50_000
_PAYLOAD_CELLS = 40_000
LOOK_HOLDS_S = 2.0
_MOST_CELLS = 10_000_000


class Sheet:
    """One tab of a spreadsheet. Sheets of the same tab take turns, in one process and over processes that share `locks`."""

    def __init__(self, settings: SheetsSettings, locks: Path | None = None, stop: StopFlag | None = None) -> None:
        self.settings = settings
        where = (settings.base_url, settings.spreadsheet_id)
        self.reads = shared_limiter((*where, "reads"), lambda: Limiter("Google Sheets", 4, settings.reads_per_minute))
        self.writes = shared_limiter((*where, "writes"), lambda: Limiter("Google Sheets", 1, settings.writes_per_minute, settings.write_every_s))
        self._stop = stop
        self._turn = Turn((*where, settings.worksheet), locks)
        self.header: list[str] = []
        self._doubtful: set[str] = set()
        self._seen = _Seen()
        self._ahead: tuple[object, float] | None = None
        self._proven = False
        self._tabs: list[dict[str, Any]] | None = None
        self._client: gspread.Client | None = None
        self._tab: gspread.Worksheet | None = None

    def connect(self, prove: bool = False) -> None:
        """Open the tab, making it if it is not there; with `prove`, find out too whether it may be written.

        Raises RefusedError for a wrong id or no permission. The calls go out at once: none needs another's answer.
        """
        import gspread

        client = self._client = gspread.Client(auth=credentials(self.settings), http_client=self._http_client())
        with ThreadPoolExecutor(2, "sheet") as aside:
            looked = aside.submit(self._look)
            proven = aside.submit(self._prove) if prove else None
            book = self._again(lambda: client.open_by_key(self.settings.spreadsheet_id))
        described = next((tab for tab in self._tabs or () if tab["properties"]["title"] == self.settings.worksheet), None)
        if described is None:
            self._tab = self._new_tab(book)
            self._read_header()
            return
        self._tab = gspread.Worksheet(book, described["properties"], book.id, book.client)
        _or_again(looked, self._look)
        self._ahead = (self._turn.stamp(), time.monotonic())
        if proven:
            _or_again(proven, self._prove)
            self._raise_if_protected(described.get("protectedRanges", []))
            self._proven = True

    def _prove(self) -> None:
        """Write nothing into A1: refused if the tab may not be written, and seen by nobody."""
        assert self._client is not None
        http, settings = self._client.http_client, self.settings
        where = _range(settings.worksheet, "A1")
        self._again(lambda: http.values_update(settings.spreadsheet_id, where, {"valueInputOption": "RAW"}, {"values": [[None]]}))

    def _raise_if_protected(self, protections: list[dict[str, Any]]) -> None:
        """Raise RefusedError if the next rows, or a header that is still to be made, would fall into a part that only others may edit."""
        rows, width = {max(self._seen.row, 1), *([] if self.header else [0])}, len(self.header) or self.tab.col_count
        closed = [p.get("range") for p in protections if p.get("requestingUserCanEdit") is False and not p.get("warningOnly")]
        if any(_holds(part, row, width) for part in closed if part for row in rows):
            raise RefusedError(f"Google Sheets: {UNPROTECT}")

    def _read(self, *ranges: str) -> list[list[list[Any]]]:
        """The values of ranges of the tab, in one call."""
        assert self._client is not None
        http, names = self._client.http_client, [_range(self.settings.worksheet, name) for name in ranges]
        found = self._again(lambda: http.values_batch_get(self.settings.spreadsheet_id, names))
        return [part.get("values", []) for part in found["valueRanges"]]

    def _new_tab(self, book: gspread.Spreadsheet) -> gspread.Worksheet:
        """Make the tab. In doubt, or if another made it in that moment, it is looked for: a second one would be refused."""
        name = self.settings.worksheet
        for _ in range(self.settings.attempts):
            try:
                return self._refused_again(lambda: book.add_worksheet(name, rows=1000, cols=60))
            except (TransientError, RefusedError) as error:
                found = next((tab for tab in self._again(book.worksheets) if tab.title == name), None)
                if found is not None:
                    return found
                if isinstance(error, RefusedError):
                    raise
        raise DeliveryError(f"tab {name} could not be made after {self.settings.attempts} attempts; resume the job")

    def _http_client(self) -> Any:
        import gspread

        sheet = self

        class Client(gspread.HTTPClient):
            """Sends to the base URL of the settings, within the quota."""

            def request(self, method: str, endpoint: str, *args: Any, **options: Any) -> Any:
                self.timeout = sheet.settings.timeout_s
                url = endpoint.replace(_GOOGLE, sheet.settings.base_url, 1)
                limiter = sheet.reads if method.lower() == "get" else sheet.writes
                with limiter.slot(sheet._stop):
                    answer = explained(lambda: readable(super(Client, self).request(method, url, *args, **options)), limiter)
                limiter.went_well()
                return answer

            def fetch_sheet_metadata(self, id: str, params: Any = None) -> Any:
                found = super().fetch_sheet_metadata(id, params)
                sheet._tabs = found["sheets"]
                return found

        return Client

    def _again(self, call: Callable[[], T]) -> T:
        """Repeat a call that is safe to repeat, after transient failures."""
        return _repeated(call, TransientError, attempts=self.settings.attempts, wait_initial=0.2, wait_max=16)

    def _refused_again(self, call: Callable[[], T]) -> T:
        """Repeat a call that was refused for the quota: only then is it certain that nothing was applied."""
        return _repeated(call, QuotaError, attempts=12, wait_initial=1.0, wait_max=30)

    @property
    def tab(self) -> gspread.Worksheet:
        """The open tab."""
        if self._tab is None:
            self.connect()
        assert self._tab is not None
        return self._tab

    def prepare(self, names: Iterable[str]) -> int:
        """Before money is spent: make the header, prove that the tab can be written, take out old doubles; how many went.

        Raises RefusedError for a tab that may not be written, DeliveryError if the header is not in row 1.
        """
        with self._turn():
            present = self._present()
            if not self.ensure_columns(names) and not self._proven:
                self._prove()
            return self._take_out_doubles(present)

    def raise_if_full(self, rows: int) -> None:
        """Raise DeliveryError if the spreadsheet has no room for so many more rows; a spreadsheet holds 10 million cells.

        Source: https://support.google.com/drive/answer/37603
        """
        if self._tabs is None:
            self._again(self.tab.spreadsheet.fetch_sheet_metadata)
        tabs, self._tabs = self._tabs or [], None
        grids = [tab["properties"].get("gridProperties", {}) for tab in tabs]
        used = sum(grid.get("rowCount", 0) * grid.get("columnCount", 0) for grid in grids)
        if used + rows * self.tab.col_count > _MOST_CELLS:
            raise DeliveryError(
                f"the spreadsheet has {used:,} of {_MOST_CELLS:,} cells in use, too many for {rows:,} more rows; "
                "delete empty rows and columns, or set LEADFLOW_SHEETS__SPREADSHEET_ID to another one, then resume"
            )

    def _read_header(self) -> None:
        self.header = [str(name) for name in self._again(lambda: self.tab.row_values(1))]

    def ensure_columns(self, names: Iterable[str]) -> bool:
        """Make the header on first use, or add at its right what it lacks; whether anything was written."""
        with self._turn():
            names = list(names)
            if self.tab and self.header and self.header[0] and all(name in self.header for name in names):
                return False
            for attempt in range(self.settings.attempts):
                self._read_header()
                missing = [name for name in names if name not in self.header]
                if not missing and (not self.header or self.header[0]):
                    return attempt > 0
                self._add_columns(names, missing)
        raise DeliveryError(f"the header of tab {self.settings.worksheet} keeps changing; let the sheet rest for a minute, then resume")

    def _add_columns(self, names: Sequence[str], missing: Sequence[str]) -> None:
        """Write names at the right of the header. Another machine may do so too: the caller looks whether they stayed."""
        self._raise_if_header_moved()
        self._raise_if_key_is_gone(names)
        first = len(self.header)
        if first + len(missing) > self.tab.col_count:
            self._again(lambda: self.tab.resize(cols=first + len(missing) + 4))
        # The same cells with the same content: safe to repeat.
        if missing:
            self._again(lambda: self.tab.update([list(missing)], f"{_letters(first)}1", raw=True))
        self._name_first_columns()

    def _name_first_columns(self) -> None:
        """An append begins at the left edge of the table, and columns that a person put there without a name are not part of it."""
        blank = next((n for n, name in enumerate(self.header) if name), 0)
        if blank:
            self._again(lambda: self.tab.update([[f"Column {_letters(n)}" for n in range(blank)]], "A1", raw=True))

    def _raise_if_header_moved(self) -> None:
        """Without its header the keys cannot be found, and every lead would seem to be missing."""
        key = self.settings.key_column
        if key not in self.header and any(key in row for row in self._read("")[0][1:]):
            raise DeliveryError(f"row 1 of tab {self.settings.worksheet} is not the header any more: move the row that has {key!r} back to the top, then resume")

    def _raise_if_key_is_gone(self, names: Sequence[str]) -> None:
        """A header that has our columns but not the key, over rows: somebody renamed it, and every lead would be written again."""
        key = self.settings.key_column
        there = sum(name in self.header for name in names)
        if key in names and key not in self.header and there > len(names) // 2 and len(self._read("")[0]) > 1:
            raise DeliveryError(f"tab {self.settings.worksheet} has no column {key!r} any more, so leads that are there cannot be told from new ones: name it so again, then resume")

    def key_list(self) -> list[str]:
        """Every key in the key column, from top to bottom, with repeats."""
        return list(self._look())

    def _look(self) -> list[str]:
        """Read header and key column in one call; a person may have moved columns since the last look."""
        key = self.settings.key_column
        if self._client is None:
            self.connect()
        for _ in range(self.settings.attempts):
            column = self.header.index(key) if key in self.header else 0
            head, keys = self._read("1:1", f"{_letters(column)}:{_letters(column)}")
            self.header = [str(name) for name in head[0]] if head else []
            self._seen = _Seen()
            if self.header[column : column + 1] == [key]:
                self._seen = _Seen.of(keys)
                return self._seen.keys
            if key not in self.header:
                if head or keys:
                    self._raise_if_header_moved()
                return []
        raise DeliveryError(f"the columns of tab {self.settings.worksheet} keep moving; let the sheet rest for a minute, then resume")

    def _glance(self) -> list[str]:
        """As _look, at the cost of two cells: while the last key stands where we put it, nobody else added any."""
        key, seen = self.settings.key_column, self._seen
        if not seen.keys or key not in self.header:
            return self._look()
        column = self.header.index(key)
        head, end = self._read("1:1", f"{_letters(column)}{seen.row}:{_letters(column)}")
        if not head or head[0][column : column + 1] != [key] or end != [[seen.keys[-1]]]:
            return self._look()
        self.header = [str(name) for name in head[0]]
        return seen.keys

    def look_ahead(self) -> None:
        """Glance now, for an append that is due in a moment and need not wait for it then."""
        with self._turn():
            if not self._looked():
                self._glance()
                self._ahead = (self._turn.stamp(), time.monotonic())

    def _looked(self) -> bool:
        """Whether the last look was a moment ago, and nobody here has appended since."""
        ahead = self._ahead
        return ahead is not None and ahead[0] == self._turn.stamp() and time.monotonic() - ahead[1] < LOOK_HOLDS_S

    def _present(self) -> list[str]:
        """The keys in the sheet."""
        present = self._seen.keys if self._looked() else self._glance()
        self._ahead = None
        return present

    def append(self, rows: Sequence[Mapping[str, str]]) -> int:
        """Append rows, each with its key, unless the key is there; how many were new.

        When it returns, each key is in the sheet once. Raises RefusedError or DeliveryError.
        """
        width = max(1, _PAYLOAD_CELLS // max(1, len(self.header)))
        return sum(self._append(rows[start : start + width]) for start in range(0, len(rows), width))

    def _append(self, rows: Sequence[Mapping[str, str]]) -> int:
        key = self.settings.key_column
        wanted = {row[key]: row for row in rows}
        new: set[str] = set()
        with self._turn():
            for _ in range(self.settings.attempts):
                present = self._look() if self._doubtful & wanted.keys() else self._present()
                missing = {k: row for k, row in wanted.items() if k not in self._seen.known}
                self.ensure_columns(dict.fromkeys(name for row in rows for name in row))
                if self._doubtful & wanted.keys():
                    self._take_out_doubles(present)
                if not missing:
                    return len(new)
                new |= missing.keys()
                if self._sent(list(missing.values())):
                    return len(new)
                self._doubtful |= missing.keys()
        raise DeliveryError(f"{len(wanted)} rows could not be proven to be in the sheet after {self.settings.attempts} attempts; resume the job")

    def _sent(self, rows: Sequence[Mapping[str, str]]) -> bool:
        """Send an append once; False when it is in doubt whether it was applied."""
        values = [[row.get(name, "") for name in self.header] for row in rows]
        seen, self._seen = self._seen, _Seen()
        self._turn.appends()
        try:
            answer: Any = self._refused_again(
                lambda: self.tab.append_rows(values, value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range="A1")
            )
        except TransientError:
            return False
        updates = answer.get("updates") if isinstance(answer, dict) else None
        if not isinstance(updates, dict) or updates.get("updatedRows") != len(values):
            return False
        column, first = _start(str(updates.get("updatedRange", "")))
        if not column:
            return False
        if column != "A":
            self._undo(column, first, values)
        self._seen = seen.with_more([row[self.settings.key_column] for row in rows], first)
        return True

    def _undo(self, column: str, first: int, values: Sequence[Sequence[str]]) -> None:
        """Take back rows that were written beside their columns, since someone put a column before the first in that moment.

        Raises DeliveryError. Without a name in row 1 that column is none of the table's, whose left edge an append begins at.
        """
        last = first + len(values) - 1
        there = self._read(f"{column}{first}:{last}")[0]
        ours = [list(map(str, row)) + [""] * (len(value) - len(row)) for row, value in zip(there, values, strict=False)]
        if ours == [list(value) for value in values]:
            self._refused_again(lambda: self.tab.delete_rows(first, last))
            raise DeliveryError(f"a column was put before the first of tab {self.settings.worksheet} during an append, which was taken back; resume the job")
        raise DeliveryError(
            f"rows {first} to {last} of tab {self.settings.worksheet} were written from column {column} on, beside their columns; "
            "delete them, then resume the job"
        )

    def there(self, keys: Collection[str]) -> set[str]:
        """Which of these keys the sheet has; what is done with them next need not look again."""
        if not keys:
            return set()
        with self._turn():
            self._present()
            self._ahead = (self._turn.stamp(), time.monotonic())
            return self._seen.known.intersection(keys)

    def withdraw(self, forbidden: Mapping[str, Collection[str]]) -> int:
        """Take out rows that show what they may not: cells, by key, that must not stand in the row of that key; how many went.

        Such a row is of a run that broke off, whose phones have been checked again since. Raises RefusedError or DeliveryError.
        """
        if not forbidden:
            return 0
        with self._turn():
            gone = 0
            for _ in range(self.settings.attempts):
                before = [[str(cell) for cell in row] for row in self._again(self.tab.get_all_values)]
                rows = _showing(before, self.settings.key_column, forbidden)
                if not rows:
                    return gone
                gone += self._deleted(list(rows))
                self._restored(before, but=set(rows.values()))
        raise DeliveryError(f"rows of tab {self.settings.worksheet} whose phones may not be called any more could not be taken out; let the sheet rest for a minute, then resume")

    def settle_doubts(self) -> int:
        """At a job's end: look again for rows that came late, after their append was given up; how many were taken out."""
        if not self._doubtful:
            return 0
        with self._turn():
            return self._take_out_doubles(self._look())

    def _take_out_doubles(self, present: Sequence[str]) -> int:
        """Delete rows that only repeat another row of the same key. What a person wrote beside a lead stays."""
        gone = 0
        for _ in range(self.settings.attempts):
            if len(set(present)) == len(present):
                break
            before = [[str(cell) for cell in row] for row in self._again(self.tab.get_all_values)]
            copies = _copies(before, self.settings.key_column)
            if not copies:
                break
            gone += self._deleted(copies)
            present = self._restored(before)
        return gone

    def _deleted(self, rows: Sequence[int]) -> int:
        """Delete rows by number, from the bottom; stops when in doubt, as a repeated delete would hit another row."""
        for done, row in enumerate(sorted(rows, reverse=True)):
            try:
                self._refused_again(lambda row=row: self.tab.delete_rows(row))
            except TransientError:
                return done
        return len(rows)

    def _restored(self, before: Sequence[Sequence[str]], but: Collection[str] = ()) -> list[str]:
        """The keys there now. If someone sorted in that moment, a wrong row is gone: put it back."""
        now = self._look()
        column = list(before[0]).index(self.settings.key_column)
        gone = {*self._seen.known, *but}
        lost = {row[column]: row for row in before[1:] if row[column] and row[column] not in gone}
        if not lost:
            return now
        self._append([{name: value for name, value in zip(before[0], row, strict=True) if name} for row in lost.values()])
        return self._look()


def _or_again(first: Future[T], again: Callable[[], T]) -> T:
    """What came of a call that went out before it was known that the tab is there: another job may have made it just then."""
    try:
        return first.result()
    except RefusedError:
        return again()


def _copies(values: Sequence[Sequence[str]], key_column: str) -> list[int]:
    """The row numbers (from 1) of rows that say nothing which another row of their key does not say too."""
    if not values or key_column not in values[0]:
        return []
    column = list(values[0]).index(key_column)
    by_key: dict[str, list[int]] = {}
    for number, row in enumerate(values[1:], 2):
        if row[column]:
            by_key.setdefault(row[column], []).append(number)
    found: list[int] = []
    for numbers in by_key.values():
        best = max(numbers, key=lambda n: (sum(map(bool, values[n - 1])), -n))
        kept = values[best - 1]
        found += [n for n in numbers if n != best and all(a in ("", b) for a, b in zip(values[n - 1], kept, strict=True))]
    return found


def _showing(values: Sequence[Sequence[str]], key_column: str, forbidden: Mapping[str, Collection[str]]) -> dict[int, str]:
    """The keys, by row number (from 1), of rows in which a cell stands that is forbidden for their key."""
    if not values or key_column not in values[0]:
        return {}
    column = list(values[0]).index(key_column)
    return {number: row[column] for number, row in enumerate(values[1:], 2) if not set(row).isdisjoint(forbidden.get(row[column], ()))}


def _start(written: str) -> tuple[str, int]:
    """Column and row where a range begins, as in "'tab'!A2:F9"; ("", 0) of what is no range."""
    found = re.search(r"!?\$?([A-Z]+)\$?(\d+)(:\$?[A-Z]+\$?\d+)?$", written)
    return (found[1], int(found[2])) if found else ("", 0)


def _repeated(call: Callable[[], T], kind: type[TransientError], *, attempts: int, wait_initial: float, wait_max: float) -> T:
    def on(error: Exception) -> bool | float:
        if not isinstance(error, kind):
            return False
        # The limiter holds every call back for Retry-After, and can be stopped meanwhile; a sleep here could not.
        return 0.0 if error.retry_after else True

    for attempt in stamina.retry_context(on=on, attempts=attempts, timeout=None, wait_initial=wait_initial, wait_max=wait_max):
        with attempt:
            return call()
    raise DeliveryError("the sheet was not reached")


@dataclass(frozen=True)
class _Seen:
    """The keys as of the last look, as a list and as a set, and the number of the last row that has one."""

    keys: list[str] = field(default_factory=list)
    row: int = 0
    known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, column: Sequence[Sequence[Any]]) -> _Seen:
        """From the cells of the key column, the header's first."""
        cells = [(row, str(cell[0])) for row, cell in enumerate(column[1:], 2) if cell and cell[0] != ""]
        keys = [key for _, key in cells]
        return cls(keys, cells[-1][0] if cells else 0, set(keys))

    def with_more(self, keys: Sequence[str], first: int) -> _Seen:
        """After an append of ours at row `first`; knows nothing if that does not follow the last row seen: someone wrote between."""
        if first != max(self.row, 1) + 1:
            return _Seen()
        self.keys.extend(keys)
        self.known.update(keys)
        return _Seen(self.keys, first + len(keys) - 1, self.known)


def _holds(part: Mapping[str, int], row: int, width: int) -> bool:
    """Whether a GridRange has a cell in the first `width` columns of a row, from 0; what it does not name is open."""
    in_rows = part.get("startRowIndex", 0) <= row < part.get("endRowIndex", row + 1)
    return in_rows and part.get("startColumnIndex", 0) < width and part.get("endColumnIndex", 1) > 0


def _range(tab: str, cells: str) -> str:
    """An A1 range of a tab, or all of it."""
    from gspread.utils import absolute_range_name

    return absolute_range_name(tab, cells or None)


def _letters(column: int) -> str:
    """The letters of a column, from 0."""
    from gspread.utils import rowcol_to_a1

    return rowcol_to_a1(1, column + 1).rstrip("1")


def raise_for_cells(row: Mapping[str, str], key: str) -> None:
    """Raise InputError, naming the lead's key, if a cell cannot stand in a sheet."""
    for name, value in row.items():
        if len(value) > LONGEST_CELL:
            raise InputError(f"lead {key}: column {name} has {len(value)} characters; a cell holds {LONGEST_CELL}")
        if "\x00" in value:
            raise InputError(f"lead {key}: column {name} has a NUL byte")

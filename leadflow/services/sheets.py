"""Google Sheets: append rows so that each lead has exactly one.

The API's append has no request id, so a call that failed may still have been applied. Every append is
therefore preceded by a look at the key column, a doubtful one is followed by a look before anything is
repeated, and rows that a late application doubled are taken out again. Appends insert rows of their own,
so what a person adds, sorts or filters meanwhile is never overwritten.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import stamina

from leadflow.errors import DeliveryError, InputError, RefusedError, TransientError
from leadflow.services.limits import Limiter, shared_limiter
from leadflow.settings import SheetsSettings

if TYPE_CHECKING:
    import gspread

T = TypeVar("T")
_GOOGLE = "https://sheets.googleapis.com"
_SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
LONGEST_CELL = 50_000
_PAYLOAD_CELLS = 40_000
_MOST_CELLS = 10_000_000
_locks: dict[tuple[str, str, str], threading.RLock] = {}
_locks_lock = threading.Lock()


class Sheet:
    """One tab of a spreadsheet. Sheets of the same tab take turns, in one process and over processes that share `locks`."""

    def __init__(self, settings: SheetsSettings, locks: Path | None = None) -> None:
        self.settings = settings
        where = (settings.base_url, settings.spreadsheet_id)
        self.reads = shared_limiter((*where, "reads"), lambda: Limiter("Google Sheets", 4, settings.reads_per_minute))
        self.writes = shared_limiter((*where, "writes"), lambda: Limiter("Google Sheets", 1, settings.writes_per_minute, settings.write_every_s))
        self._turn = _turn_of((*where, settings.worksheet), locks)
        self.header: list[str] = []
        self._doubtful: set[str] = set()
        self._tab: gspread.Worksheet | None = None

    def connect(self) -> None:
        """Open the tab, making it if it is not there; raises RefusedError for a wrong id or no permission."""
        import gspread

        client = gspread.Client(auth=_credentials(self.settings), http_client=self._http_client())
        book = self._again(lambda: client.open_by_key(self.settings.spreadsheet_id))
        try:
            self._tab = self._again(lambda: book.worksheet(self.settings.worksheet))
        except gspread.WorksheetNotFound:
            self._tab = self._new_tab(book)
        self._read_header()

    def _new_tab(self, book: gspread.Spreadsheet) -> gspread.Worksheet:
        try:
            return self._refused_again(lambda: book.add_worksheet(self.settings.worksheet, rows=1000, cols=60))
        except TransientError:
            # In doubt: it may have been made, and a second one of that name would be refused.
            return self._again(lambda: book.worksheet(self.settings.worksheet))

    def _http_client(self) -> Any:
        import gspread

        sheet = self

        class Client(gspread.HTTPClient):
            """Sends to the base URL of the settings, within the quota."""

            def request(self, method: str, endpoint: str, *args: Any, **options: Any) -> Any:
                self.timeout = sheet.settings.timeout_s
                url = endpoint.replace(_GOOGLE, sheet.settings.base_url, 1)
                limiter = sheet.reads if method.lower() == "get" else sheet.writes
                with limiter.slot():
                    return _explained(lambda: _readable(super(Client, self).request(method, url, *args, **options)), limiter)

        return Client

    def _again(self, call: Callable[[], T]) -> T:
        """Repeat a call that is safe to repeat, after transient failures."""
        return _repeated(call, TransientError, attempts=self.settings.attempts, wait_initial=0.2, wait_max=16)

    def _refused_again(self, call: Callable[[], T]) -> T:
        """Repeat a call that was refused for the quota: only then is it certain that nothing was applied."""
        return _repeated(call, _QuotaError, attempts=12, wait_initial=1.0, wait_max=30)

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
            if not self.ensure_columns(names):
                first = self.header[0]
                self._again(lambda: self.tab.update([[first]], "A1", raw=True))
            return self._take_out_doubles(self._look())

    def raise_if_full(self, rows: int) -> None:
        """Raise DeliveryError if the spreadsheet has no room for so many more rows; a spreadsheet holds 10 million cells.

        Source: https://support.google.com/drive/answer/37603
        """
        book = self.tab.spreadsheet
        tabs = self._again(book.fetch_sheet_metadata)["sheets"]
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
            if not self.header:
                self._read_header()
            names = list(names)
            if all(name in self.header for name in names):
                return False
            self._read_header()
            missing = [name for name in names if name not in self.header]
            if not missing:
                return False
            self._raise_if_header_moved()
            header = [*self.header, *missing]
            if len(header) > self.tab.col_count:
                self._again(lambda: self.tab.resize(cols=len(header) + 4))
            # The same cells with the same content: safe to repeat.
            self._again(lambda: self.tab.update([header], "A1", raw=True))
            self.header = header
            return True

    def _raise_if_header_moved(self) -> None:
        """Without its header the keys cannot be found, and every lead would seem to be missing."""
        key = self.settings.key_column
        if key not in self.header and self._again(lambda: self.tab.find(key)) is not None:
            raise DeliveryError(f"row 1 of tab {self.settings.worksheet} is not the header any more: move the row that has {key!r} back to the top, then resume")

    def key_list(self) -> list[str]:
        """Every key in the key column, from top to bottom, with repeats."""
        return self._look()

    def _look(self) -> list[str]:
        """Read header and key column in one call; a person may have moved columns since the last look."""
        from gspread.utils import rowcol_to_a1

        if not self.header:
            self._read_header()
        for _ in range(self.settings.attempts):
            if self.settings.key_column not in self.header:
                self._raise_if_header_moved()
                return []
            column = self.header.index(self.settings.key_column)
            letters = rowcol_to_a1(1, column + 1).rstrip("1")
            head, keys = self._again(lambda letters=letters: self.tab.batch_get(["1:1", f"{letters}:{letters}"]))
            self.header = [str(name) for name in head[0]] if head else []
            if self.header[column : column + 1] == [self.settings.key_column]:
                return [str(cells[0]) for cells in keys[1:] if cells and cells[0] != ""]
        raise DeliveryError(f"the columns of tab {self.settings.worksheet} keep moving; let the sheet rest for a minute, then resume")

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
                present = self._look()
                self.ensure_columns(dict.fromkeys(name for row in rows for name in row))
                missing = {k: row for k, row in wanted.items() if k not in set(present)}
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
        try:
            answer: Any = self._refused_again(
                lambda: self.tab.append_rows(values, value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range="A1")
            )
        except TransientError:
            return False
        return int(answer.get("updates", {}).get("updatedRows", 0)) == len(values)

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

    def _restored(self, before: Sequence[Sequence[str]]) -> list[str]:
        """The keys there now. If someone sorted in that moment, a wrong row is gone: put it back."""
        now = self._look()
        column = list(before[0]).index(self.settings.key_column)
        lost = {row[column]: row for row in before[1:] if row[column] and row[column] not in set(now)}
        if not lost:
            return now
        self._append([{name: value for name, value in zip(before[0], row, strict=True) if name} for row in lost.values()])
        return self._look()


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


def _repeated(call: Callable[[], T], kind: type[TransientError], *, attempts: int, wait_initial: float, wait_max: float) -> T:
    def on(error: Exception) -> bool | float:
        if not isinstance(error, kind):
            return False
        return True if error.retry_after is None else error.retry_after

    for attempt in stamina.retry_context(on=on, attempts=attempts, timeout=None, wait_initial=wait_initial, wait_max=wait_max):
        with attempt:
            return call()
    raise DeliveryError("the sheet was not reached")


def _turn_of(where: tuple[str, str, str], locks: Path | None) -> Callable[[], AbstractContextManager[Any]]:
    """What lets one thread at a time look and then append, on the whole machine where `locks` is a folder."""
    with _locks_lock:
        mine = _locks.setdefault(where, threading.RLock())
    if locks is None:
        return lambda: mine
    from filelock import FileLock

    name = hashlib.sha256("|".join(where).encode()).hexdigest()[:16]
    file = FileLock(locks / f"sheet-{name}.lock", mode=0o600, thread_local=False)

    @contextmanager
    def turn() -> Iterator[None]:
        with mine, file:
            yield

    return turn


def raise_for_cells(row: Mapping[str, str], key: str) -> None:
    """Raise InputError, naming the lead's key, if a cell cannot stand in a sheet."""
    for name, value in row.items():
        if len(value) > LONGEST_CELL:
            raise InputError(f"lead {key}: column {name} has {len(value)} characters; a cell holds {LONGEST_CELL}")
        if "\x00" in value:
            raise InputError(f"lead {key}: column {name} has a NUL byte")


class _QuotaError(TransientError):
    """Refused with 429: certainly not applied."""


def _explained(call: Callable[[], T], limiter: Limiter) -> T:
    """Call gspread; its errors and those of the connection as ours."""
    import google.auth.exceptions
    import gspread
    import requests

    try:
        return call()
    except gspread.exceptions.APIError as error:
        raise _of_status(error.response, limiter) from None
    except requests.RequestException as error:
        raise TransientError(f"Google Sheets: the connection failed ({type(error).__name__})") from None
    except google.auth.exceptions.TransportError as error:
        raise TransientError(f"Google sign-in failed for now ({type(error).__name__})") from None
    except google.auth.exceptions.GoogleAuthError:
        raise RefusedError("Google refused the sign-in; check LEADFLOW_SHEETS__CREDENTIALS_FILE") from None


def _readable(response: Any) -> Any:
    """The response, once its body is known to be JSON: a page of HTML with status 200 says nothing about the sheet."""
    response.json()
    return response


def _of_status(response: Any, limiter: Limiter) -> Exception:
    status = response.status_code
    after = response.headers.get("Retry-After", "")
    wait = float(after) if after.replace(".", "", 1).isdigit() else None
    if status == 429:
        limiter.slow_down(wait)
        return _QuotaError("Google Sheets: the quota is used up for now (429)", wait)
    if status >= 500 or status == 408:
        return TransientError(f"Google Sheets answered {status}", wait)
    return RefusedError(f"Google Sheets: {_refusal(status, response.text)}")


def _refusal(status: int, text: str) -> str:
    """What to do about a refusal. Google's own words are not passed on: they may quote a cell."""
    if status == 404:
        return "there is no spreadsheet with that id; check LEADFLOW_SHEETS__SPREADSHEET_ID"
    if "protected" in text:
        return "the tab or a part of it is protected; unprotect it for the service account, then resume"
    if status in (401, 403):
        return "no permission; share the sheet with the service account as an editor, then resume"
    if "above the limit" in text:
        return "the spreadsheet is full (10 million cells); delete empty rows and columns or name another one, then resume"
    return f"the request was refused ({status}); nothing of it was written"


def _credentials(settings: SheetsSettings) -> Any:
    if settings.credentials_file:
        from google.oauth2.service_account import Credentials

        path = Path(settings.credentials_file).expanduser()
        if not path.is_file():
            raise RefusedError(f"there is no Google credentials file at {path}")
        return Credentials.from_service_account_file(str(path), scopes=list(_SCOPES))
    if not settings.base_url.startswith("https://"):
        from google.auth.credentials import AnonymousCredentials

        return AnonymousCredentials()
    import google.auth

    return google.auth.default(scopes=list(_SCOPES))[0]

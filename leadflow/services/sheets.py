"""Google Sheets: append rows so that each lead has exactly one.

The API's append has no request id, so a call that failed may still have been applied. Every append is
therefore preceded by a look at the key column, a doubtful one is followed by a look before anything is
repeated, and rows that a late application doubled are taken out again. Appends insert rows of their own,
so what a person adds, sorts or filters meanwhile is never overwritten.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
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
_locks: dict[tuple[str, str, str], threading.RLock] = {}
_locks_lock = threading.Lock()


class Sheet:
    """One tab of a spreadsheet. Sheets of the same tab in one process take turns and share the quota."""

    def __init__(self, settings: SheetsSettings) -> None:
        self.settings = settings
        where = (settings.base_url, settings.spreadsheet_id)
        self.reads = shared_limiter((*where, "reads"), lambda: Limiter("Google Sheets", 4, settings.reads_per_minute))
        self.writes = shared_limiter((*where, "writes"), lambda: Limiter("Google Sheets", 1, settings.writes_per_minute, settings.write_every_s))
        with _locks_lock:
            self._turn = _locks.setdefault((*where, settings.worksheet), threading.RLock())
        self.header: list[str] = []
        self._tab: gspread.Worksheet | None = None

    def connect(self) -> None:
        """Open the tab, making it if it is not there; raises RefusedError for a wrong id or no permission."""
        import gspread

        client = gspread.Client(auth=_credentials(self.settings), http_client=self._http_client())
        book = self._again(lambda: client.open_by_key(self.settings.spreadsheet_id))
        try:
            self._tab = self._again(lambda: book.worksheet(self.settings.worksheet))
        except gspread.WorksheetNotFound:
            self._tab = self._again(lambda: book.add_worksheet(self.settings.worksheet, rows=1000, cols=60))
        self._read_header()

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
                    return _explained(lambda: super(Client, self).request(method, url, *args, **options), limiter)

        return Client

    def _again(self, call: Callable[[], T]) -> T:
        """Repeat a call that is safe to repeat, after transient failures."""
        def on(error: Exception) -> bool | float:
            if not isinstance(error, TransientError):
                return False
            return True if error.retry_after is None else error.retry_after

        for attempt in stamina.retry_context(on=on, attempts=self.settings.attempts, timeout=None, wait_initial=0.2, wait_max=16):
            with attempt:
                return call()
        raise DeliveryError("the sheet was not reached")

    @property
    def tab(self) -> gspread.Worksheet:
        """The open tab."""
        if self._tab is None:
            self.connect()
        assert self._tab is not None
        return self._tab

    def _read_header(self) -> None:
        self.header = [str(name) for name in self._again(lambda: self.tab.row_values(1))]

    def ensure_columns(self, names: Iterable[str]) -> None:
        """Make the header on first use; add what an existing header lacks at its right. Order is respected."""
        with self._turn:
            self._read_header()
            missing = [name for name in names if name not in self.header]
            if not missing:
                return
            header = [*self.header, *missing]
            if len(header) > self.tab.col_count:
                self._again(lambda: self.tab.resize(cols=len(header) + 4))
            # The same cells with the same content: safe to repeat.
            self._again(lambda: self.tab.update([header], "A1", raw=True))
            self.header = header

    def key_list(self) -> list[str]:
        """Every key in the key column, from top to bottom, with repeats."""
        return [key for _, key in self._keyed_rows()]

    def _keyed_rows(self) -> list[tuple[int, str]]:
        if not self.header:
            self._read_header()
        if self.settings.key_column not in self.header:
            return []
        column = self.header.index(self.settings.key_column) + 1
        values = self._again(lambda: self.tab.col_values(column))
        if values and str(values[0]) != self.settings.key_column:
            # A person moved columns since the header was read.
            self._read_header()
            return self._keyed_rows() if self.settings.key_column in self.header else []
        return [(row, str(value)) for row, value in enumerate(values[1:], 2) if value]

    def append(self, rows: Sequence[Mapping[str, str]]) -> int:
        """Append rows, each with its key, unless the key is there; how many were new.

        When it returns, each key is in the sheet once. Raises RefusedError or DeliveryError.
        """
        width = max(1, _PAYLOAD_CELLS // max(1, len(self.header)))
        return sum(self._append(rows[start : start + width]) for start in range(0, len(rows), width))

    def _append(self, rows: Sequence[Mapping[str, str]]) -> int:
        key = self.settings.key_column
        with self._turn:
            wanted = {row[key]: row for row in rows}
            new = 0
            for doubtful in range(self.settings.attempts):
                present = self.key_list()
                missing = [row for k, row in wanted.items() if k not in set(present)]
                if doubtful:
                    self._take_out_doubles(wanted.keys(), present)
                if not missing:
                    return new or len(wanted) if doubtful else new
                new = len(missing)
                if self._sent(missing):
                    return new
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

    def _refused_again(self, call: Callable[[], T]) -> T:
        """Repeat a call that was refused for the quota: only then is it certain that nothing was applied."""
        def on(error: Exception) -> bool | float:
            if not isinstance(error, _QuotaError):
                return False
            return True if error.retry_after is None else error.retry_after

        for attempt in stamina.retry_context(on=on, attempts=12, timeout=None, wait_initial=1.0, wait_max=30):
            with attempt:
                return call()
        raise DeliveryError("the sheet was not reached")

    def remove_doubles(self, keys: Iterable[str]) -> int:
        """Take out later rows whose key stands in the sheet already; how many went."""
        with self._turn:
            return self._take_out_doubles(keys, self.key_list())

    def _take_out_doubles(self, keys: Iterable[str], present: Sequence[str]) -> int:
        ours = set(keys) & {key for key in present if present.count(key) > 1} if len(set(present)) < len(present) else set()
        if not ours:
            return 0
        seen: set[str] = set()
        doubled: list[int] = []
        for row, key in self._keyed_rows():
            if key in ours and key in seen:
                doubled.append(row)
            seen.add(key)
        for row in reversed(doubled):
            self._again(lambda row=row: self.tab.delete_rows(row))
        return len(doubled)


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


def _of_status(response: Any, limiter: Limiter) -> Exception:
    status = response.status_code
    after = response.headers.get("Retry-After", "")
    wait = float(after) if after.replace(".", "", 1).isdigit() else None
    if status == 429:
        limiter.slow_down(wait)
        return _QuotaError("Google Sheets: the quota is used up for now (429)", wait)
    if status >= 500 or status == 408:
        return TransientError(f"Google Sheets answered {status}", wait)
    if status == 404:
        return RefusedError("Google Sheets: there is no spreadsheet with that id; check LEADFLOW_SHEETS__SPREADSHEET_ID")
    if status in (401, 403):
        return RefusedError("Google Sheets: no permission; share the sheet with the service account as an editor, and unprotect the tab")
    return RefusedError(f"Google Sheets refused the request ({status}); the sheet may be full (10 million cells) or protected")


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

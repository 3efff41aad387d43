"""The calls to one tab: gspread at the base URL of the settings, within the quotas, with retries where safe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import stamina

from leadflow.errors import DeliveryError, RefusedError, TransientError
from leadflow.services.sheets.google import QuotaError, checked_json, translated
from leadflow.services.sheets.lock import SheetLock
from leadflow.services.transport.busy import BusyError
from leadflow.services.transport.limits import Limiter, StopFlag, shared_limiter
from leadflow.settings import SheetsSettings

if TYPE_CHECKING:
    import gspread

T = TypeVar("T")
_GOOGLE = "https://sheets.googleapis.com"


class Connection(ABC):
    """One tab of a spreadsheet; `reads` and `writes` limit the calls to it."""

    def __init__(self, settings: SheetsSettings, locks: Path | None = None, stop: StopFlag | None = None) -> None:
        self.settings = settings
        self._locks = locks
        book = (settings.base_url, settings.spreadsheet_id)
        wait = settings.busy_wait_s
        self.reads = shared_limiter(
            (*book, "reads"), lambda: Limiter("Google Sheets", 4, settings.reads_per_minute, busy_wait_s=wait)
        )
        self.writes = shared_limiter(
            (*book, "writes"),
            lambda: Limiter("Google Sheets", 1, settings.writes_per_minute, settings.write_every_s, wait),
        )
        self.limiters = (self.reads, self.writes)
        self._stop = stop
        self._lock = SheetLock((*book, settings.worksheet), locks, stop)
        self._tabs: list[dict[str, Any]] | None = None
        self._client: gspread.Client | None = None
        self._tab: gspread.Worksheet | None = None

    @abstractmethod
    def connect(self, prove: bool = False) -> None:
        """Open the tab."""

    @property
    def tab(self) -> gspread.Worksheet:
        """The open tab."""
        if self._tab is None:
            self.connect()
        assert self._tab is not None
        return self._tab

    def _http_client(self) -> Any:
        import gspread

        sheet = self

        class Client(gspread.HTTPClient):
            """Sends to the base URL of the settings, within the quota."""

            def request(self, method: str, endpoint: str, *args: Any, **options: Any) -> Any:
                self.timeout = sheet.settings.timeout_s
                url = endpoint.replace(_GOOGLE, sheet.settings.base_url, 1)
                limiter = sheet.reads if method.lower() == "get" else sheet.writes
                with limiter.slot(sheet._stop) as started:
                    answer = translated(
                        lambda: checked_json(super(Client, self).request(method, url, *args, **options)),
                        limiter,
                        started,
                    )
                limiter.speed_up(started)
                return answer

            def fetch_sheet_metadata(self, id: str, params: Any = None) -> Any:
                found = super().fetch_sheet_metadata(id, params)
                sheet._tabs = found["sheets"]
                return found

        return Client

    def _read(self, *ranges: str) -> list[list[list[Any]]]:
        """Return the values of ranges of the tab, in one call, without the indentation that makes up most of a column.

        Source: https://cloud.google.com/apis/docs/system-parameters (prettyPrint)
        """
        assert self._client is not None
        http, names = self._client.http_client, [a1(self.settings.worksheet, name) for name in ranges]
        found = self._retry(
            lambda: http.values_batch_get(self.settings.spreadsheet_id, names, {"prettyPrint": "false"})
        )
        return [part.get("values", []) for part in found["valueRanges"]]

    def _new_tab(self, book: gspread.Spreadsheet) -> gspread.Worksheet:
        """Create the tab, then look for it: another job may have created it too, so the answer alone proves nothing.

        It gets the columns of the header later: a spreadsheet holds 10 million cells, blank ones included.
        """
        name = self.settings.worksheet
        for _ in range(self.settings.attempts):
            refused: RefusedError | None = None
            try:
                self._retry_if_refused(lambda: book.add_worksheet(name, rows=1000, cols=1))
            except TransientError:
                pass
            except RefusedError as error:
                refused = error
            self._retry(book.fetch_sheet_metadata)
            if (found := self._described()) is not None:
                return worksheet_of(book, found)
            if refused:
                raise refused
        raise DeliveryError(
            f"tab {name} could not be created in {self.settings.attempts} attempts; wait a minute, then resume the job"
        )

    def _described(self) -> dict[str, Any] | None:
        """Return the tab as spreadsheets.get last described it, None if it was missing; titles ignore case."""
        title = self.settings.worksheet.casefold()
        return next((tab for tab in self._tabs or () if tab["properties"]["title"].casefold() == title), None)

    def _describe(self) -> dict[str, Any]:
        """Request the tab's current grid and merged cells. Raises RefusedError if the tab is gone."""
        self._retry(self.tab.spreadsheet.fetch_sheet_metadata)
        if (found := self._described()) is None:
            raise RefusedError(f"Google Sheets: there is no tab {self.settings.worksheet} any more")
        self._tab = worksheet_of(self.tab.spreadsheet, found)
        return found

    def _prove_writable(self, cell: str = "A1") -> None:
        """Write a null into a cell, which changes nothing and is refused if the cell may not be written."""
        assert self._client is not None
        http, settings = self._client.http_client, self.settings
        where = a1(settings.worksheet, cell)
        self._retry(
            lambda: http.values_update(
                settings.spreadsheet_id, where, {"valueInputOption": "RAW"}, {"values": [[None]]}
            )
        )

    def _retry(self, call: Callable[[], T]) -> T:
        """Repeat a call that is safe to repeat, after transient failures."""
        for attempt in stamina.retry_context(
            on=_is_worth_a_retry, attempts=self.settings.attempts, timeout=None, wait_initial=0.2, wait_max=16
        ):
            with attempt:
                return _while_busy(call, BusyError)
        raise DeliveryError("the sheet was not called: its attempts are set to 0; set 1 or more")

    def _retry_if_refused(self, call: Callable[[], T]) -> T:
        """Repeat a call only if the quota refused it: after other failures it may have been applied."""
        return _while_busy(call, QuotaError)


def result_or_retry(first: Future[T], call: Callable[[], T]) -> T:
    """Return the result of a call sent before the tab was found; call again if it was refused: the tab may be new."""
    try:
        return first.result()
    except RefusedError:
        return call()


def _is_worth_a_retry(error: Exception) -> bool | float:
    """Return whether to retry, or how many seconds to wait before."""
    if not isinstance(error, TransientError):
        return False
    # The limiter waits for Retry-After before every call. A stop ends that wait, but would not end a sleep here.
    return 0.0 if error.retry_after else True


def _while_busy(call: Callable[[], T], kind: type[BusyError]) -> T:
    """Repeat a call while Google is busy.

    The limiter delays each call, and raises ServiceDownError when Google stays busy too long.
    """
    while True:
        try:
            return call()
        except kind:
            continue


def worksheet_of(book: gspread.Spreadsheet, described: dict[str, Any]) -> gspread.Worksheet:
    """Return the worksheet that spreadsheets.get describes."""
    import gspread

    return gspread.Worksheet(book, described["properties"], book.id, book.client)


def a1(tab: str, cells: str) -> str:
    """Return a range of a tab in A1 notation; all of the tab if `cells` is empty."""
    from gspread.utils import absolute_range_name

    return absolute_range_name(tab, cells or None)


def letters(column: int) -> str:
    """Return the letters of a column, counted from 0."""
    from gspread.utils import rowcol_to_a1

    return rowcol_to_a1(1, column + 1).rstrip("1")

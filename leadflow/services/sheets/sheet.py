"""One tab as a job uses it: opened, proven to be writable, prepared, appended to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from leadflow.errors import DeliveryError, RefusedError
from leadflow.services.sheets.client import result_or_retry, worksheet_of
from leadflow.services.sheets.google import UNPROTECT, credentials
from leadflow.services.sheets.obstacles import raise_for_merges, raise_for_types
from leadflow.services.sheets.repair import Repair
from leadflow.services.transport.limits import StopFlag
from leadflow.settings import SheetsSettings

MOST_CELLS = 10_000_000
_USUAL_COLUMNS = 60  # of a tab without a header yet, about


class Sheet(Repair):
    """One tab of a spreadsheet. Sheets of the same tab share a lock, also across processes that share `locks`."""

    def __init__(self, settings: SheetsSettings, locks: Path | None = None, stop: StopFlag | None = None) -> None:
        super().__init__(settings, locks, stop)
        self._proven = False
        self._filter_warning = ""

    def other_tab(self, title: str, key_column: str, may_differ: Iterable[str] = ()) -> Sheet:
        """Return another tab of the spreadsheet, which is made when it is first used.

        `may_differ` names columns in which rows of one key may differ and still be duplicates.
        """
        changed = {"worksheet": title, "key_column": key_column}
        other = Sheet(self.settings.model_copy(update=changed), self._locks, self._stop)
        other.may_differ = frozenset(may_differ)
        return other

    def connect(self, prove: bool = False) -> None:
        """Open the tab, creating it if it is missing; with `prove`, also prove that it may be written.

        Raises RefusedError for a wrong id or a missing permission. The calls run at once, since they are independent.
        """
        import gspread

        client = self._client = gspread.Client(auth=credentials(self.settings), http_client=self._http_client())
        with ThreadPoolExecutor(2, "sheet") as aside:
            looked = aside.submit(self._look)
            proven = aside.submit(self._prove_writable) if prove else None
            book = self._retry(lambda: client.open_by_key(self.settings.spreadsheet_id))
        described = self._described()
        if described is None:
            self._tab = self._new_tab(book)
            self._read_header()
            return
        self._tab = worksheet_of(book, described)
        self._has_typed_table = bool(described.get("tables"))
        self._filter_warning = filter_warning_of(self.settings.worksheet, described.get("basicFilter"))
        result_or_retry(looked, self._look)
        self._looked_ahead = self._stamp()
        if proven:
            self._prove_rows(lambda: result_or_retry(proven, self._prove_writable))
            self._raise_if_protected(described.get("protectedRanges", []))
            if not self.header:
                raise_for_merges(self.settings.worksheet, described.get("merges", []), (0, _USUAL_COLUMNS), None, 0)
            self._proven = True

    def _prove_rows(self, prove_header: Callable[[], object]) -> None:
        """Prove that A1 may be written, or else, since a header is often protected, the first free row below the keys.

        Raises RefusedError for a tab that may not be written.
        """
        try:
            prove_header()
        except RefusedError as error:
            if UNPROTECT not in str(error) or not self.header:
                raise
            row = min(max(self._seen.last_row, 1) + 1, self.tab.row_count)
            self._prove_writable(f"A{row}")

    def filter_warning(self) -> str:
        """Return a warning if the tab had a filter on when it was opened, once; else ""."""
        warning, self._filter_warning = self._filter_warning, ""
        return warning

    def _raise_if_protected(self, protections: list[dict[str, Any]]) -> None:
        """Raise RefusedError if the next rows, or a header still to be written, are protected from this account."""
        rows, width = (
            {max(self._seen.last_row, 1), *([] if self.header else [0])},
            len(self.header) or self.tab.col_count,
        )
        closed = [
            p.get("range") for p in protections if p.get("requestingUserCanEdit") is False and not p.get("warningOnly")
        ]
        if any(_holds(part, row, width) for part in closed if part for row in rows):
            raise RefusedError(f"Google Sheets: {UNPROTECT}")

    def prepare(self, names: Iterable[str]) -> int:
        """Before money is spent, write the header, prove that the tab can be written, and delete old duplicates.

        Returns how many duplicates it deleted. Raises RefusedError for a tab that may not be written, DeliveryError if
        the header is not in row 1.
        """
        with self._lock.hold():
            names = list(dict.fromkeys(names))
            if not self.header and self._begin(names):
                return 0
            present = self._current_keys()
            self._raise_if_values_would_change(names)
            if not self.ensure_columns(names) and not self._proven:
                self._prove_rows(self._prove_writable)
            return self._delete_duplicates(present)

    def add_columns(self, names: Iterable[str]) -> None:
        """Before money is spent, add the missing of these columns to the header of a prepared tab.

        Raises RefusedError for a protected header, and for merged cells or typed columns that would change the values.
        """
        names = list(names)
        with self._lock.hold():
            self._raise_if_values_would_change(names)
            self.ensure_columns(names)

    def _raise_if_values_would_change(self, names: Sequence[str]) -> None:
        """Raise RefusedError if merged cells or typed columns would lose or change written values."""
        tab, header, key = self._described() or {}, self.header, self.settings.key_column
        place = header.index(key) if key in header else None
        title = self.settings.worksheet
        widths = len(header), len({*header, *names})
        raise_for_merges(title, tab.get("merges", []), widths, place, self._seen.last_row)
        raise_for_types(title, tab.get("tables", []), header, {*names, key})

    def raise_if_full(self, rows: int) -> None:
        """Raise DeliveryError if the spreadsheet, which holds 10 million cells, has no room for this many more rows.

        Source: https://support.google.com/drive/answer/37603
        """
        if self._tabs is None:
            self._retry(self.tab.spreadsheet.fetch_sheet_metadata)
        tabs, self._tabs = self._tabs or [], None
        used = cells_used(tabs)
        if used + rows * max(self.tab.col_count, len(self.header) or _USUAL_COLUMNS) > MOST_CELLS:
            raise DeliveryError(
                f"the spreadsheet has {used:,} of {MOST_CELLS:,} cells in use, too many for {rows:,} more rows; "
                "delete empty rows and columns, or set LEADFLOW_SHEETS__SPREADSHEET_ID to another one, then resume"
            )


def cells_used(tabs: Iterable[Mapping[str, Any]]) -> int:
    """Return how many cells the grids of these tabs have, by Google's description."""
    grids = [tab["properties"].get("gridProperties", {}) for tab in tabs]
    return sum(grid.get("rowCount", 0) * grid.get("columnCount", 0) for grid in grids)


def filter_warning_of(tab: str, found: Mapping[str, Any] | None) -> str:
    """Return the warning about a tab's basic filter; "" without one. A filter view does not affect appends.

    Source: https://developers.google.com/workspace/sheets/api/guides/filters
    """
    if found is None:
        return ""
    hides = (
        ", which hides rows: leads may be there and not be seen"
        if found.get("filterSpecs") or found.get("criteria")
        else ""
    )
    return (
        f"Tab {tab} has a filter on{hides}. Google may lose rows that are added below a filter; turn it off (Data > "
        "Remove filter), or use a filter view"
    )


def _holds(part: Mapping[str, int], row: int, width: int) -> bool:
    """Return whether a GridRange has a cell in the first `width` columns of a row, from 0; a missing bound is open."""
    in_rows = part.get("startRowIndex", 0) <= row < part.get("endRowIndex", row + 1)
    return in_rows and part.get("startColumnIndex", 0) < width and part.get("endColumnIndex", 1) > 0

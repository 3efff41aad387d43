"""Read the facts about a spreadsheet that a check of the account needs. Nothing is created or changed.

Source: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leadflow.errors import RefusedError
from leadflow.services.sheets.google import UNPROTECT, credentials
from leadflow.services.sheets.obstacles import TEXT_TYPES
from leadflow.services.sheets.sheet import MOST_CELLS, Sheet, cells_used, filter_warning_of


class SheetProbe(Sheet):
    """One tab, opened without creating it; `described` is Google's description, None if the tab does not exist."""

    described: dict[str, Any] | None = None

    def account(self) -> str:
        """Return the address of the service account, "" if the credentials are of another kind. Raises RefusedError."""
        return str(getattr(credentials(self.settings), "service_account_email", None) or "")

    def open(self) -> tuple[str, list[str]]:
        """Open the spreadsheet; return its title, and those of its tabs. Raises RefusedError, TransientError."""
        import gspread

        client = self._client = gspread.Client(auth=credentials(self.settings), http_client=self._http_client())
        book = self._retry(lambda: client.open_by_key(self.settings.spreadsheet_id))
        titles = [str(tab["properties"]["title"]) for tab in self._tabs or ()]
        wanted = self.settings.worksheet.casefold()  # Google allows no two tabs whose titles differ in case alone
        self.described = next(
            (tab for tab in self._tabs or () if str(tab["properties"]["title"]).casefold() == wanted), None
        )
        if self.described is not None:
            properties = self.described["properties"]
            self.settings = self.settings.model_copy(update={"worksheet": properties["title"]})
            self._tab = gspread.Worksheet(book, properties, book.id, book.client)
        return book.title, titles

    def is_protected(self, titles: list[str]) -> bool:
        """Write a null, which changes nothing, and return whether a protection refused it; read the keys before.

        If the tab is not there, the first tab of the spreadsheet is tried. Raises RefusedError for a reader.
        """
        worksheet = self.settings.worksheet if self.described is not None else titles[0]
        probe = SheetProbe(self.settings.model_copy(update={"worksheet": worksheet}), stop=self._stop)
        probe._client, probe._tab, probe._seen, probe.header = self._client, self._tab, self._seen, self.header
        try:
            probe._prove_rows(probe._prove_writable)
        except RefusedError as error:
            if UNPROTECT in str(error):
                return True
            raise
        return False

    def raise_if_key_is_gone(self, names: Iterable[str]) -> None:
        """Raise DeliveryError if a filled tab has lost its key column."""
        self._raise_if_key_is_gone(list(names))

    def protections(self) -> int:
        """Return how many ranges are protected. Raises RefusedError if rows that a run writes are among them."""
        protected = (self.described or {}).get("protectedRanges", [])
        self._raise_if_protected(protected)
        return len(protected)

    def filter_text(self) -> str:
        """Return the warning about the tab's filter, "" without one."""
        return filter_warning_of(self.settings.worksheet, (self.described or {}).get("basicFilter"))

    def raise_if_values_would_change(self, names: Iterable[str]) -> None:
        """Raise RefusedError if merged cells or typed columns would lose or change a run's values."""
        if self.described is not None:
            self._raise_if_values_would_change(list(names))

    def typed_tables(self) -> dict[str, list[str]]:
        """Return the tab's tables (Format > Convert to table) by name, each with its columns that have a type."""
        return {
            str(table.get("name", "")): [
                f"{column.get('columnName', '?')} is {column['columnType']}"
                for column in table.get("columnProperties", [])
                if column.get("columnType", "TEXT") not in TEXT_TYPES
            ]
            for table in (self.described or {}).get("tables", [])
        }

    def free_rows(self, columns: int) -> tuple[int, int]:
        """Return how many cells the spreadsheet uses, and how many more rows with this many columns fit."""
        used = cells_used(self._tabs or ())
        grid = (self.described or {}).get("properties", {}).get("gridProperties", {})
        width = max(columns, grid.get("columnCount", 0), 1)
        return used, max(0, MOST_CELLS - used) // width

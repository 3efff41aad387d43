"""A tab that has to be there already: one that is missing is not created."""

from __future__ import annotations

from typing import Any, NoReturn

from leadflow.errors import RefusedError
from leadflow.services.sheets.sheet import Sheet


class NoTabError(RefusedError):
    """The spreadsheet has no tab of that name."""


class ExistingSheet(Sheet):
    """A tab for reading and for taking rows out."""

    def _new_tab(self, book: Any) -> NoReturn:
        raise NoTabError(
            f"Google Sheets: there is no tab {self.settings.worksheet}. If somebody renamed it, name it so again"
        )

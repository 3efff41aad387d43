"""Checks of Google Sheets: the account, the spreadsheet, its sharing, and the room for a job's rows in its tab."""

from __future__ import annotations

from collections.abc import Callable

from leadflow.check.rows import Checklist, Deadline, Finding, failed, warning
from leadflow.check.short_calls import with_short_calls
from leadflow.errors import RefusedError
from leadflow.services.sheets.probe import SheetProbe
from leadflow.settings import Policy, SheetsSettings
from leadflow.stages.sheet_rows import sheet_columns

_LONGEST_CALL_S = 30.0
_CREDENTIALS, _BOOK, _SHARING, _TAB = "Google credentials", "Spreadsheet", "Spreadsheet sharing", "Tab"
_HEADER, _ROOM = "Header", "Room in the spreadsheet"
_CHECK_BOOK = "Check LEADFLOW_SHEETS__SPREADSHEET_ID and CREDENTIALS_FILE, and share it with the account as an editor."
_ADD_KEY = "Set LEADFLOW_SHEETS__CREDENTIALS_FILE to the key of a service account."
_FEW_ROWS = 10_000


def add_sheet_rows(settings: SheetsSettings, policy: Policy, checklist: Checklist) -> None:
    """Add the rows about Google Sheets."""
    quick = with_short_calls(settings, _LONGEST_CALL_S)
    names = [settings.key_column, *sheet_columns(policy)]
    _Probes(SheetProbe(quick, stop=Deadline()), names).add_rows(checklist)


class _Probes:
    """The probes of one tab. `names` are the columns that a run needs besides the script's own columns."""

    def __init__(self, sheet: SheetProbe, names: list[str]) -> None:
        self.sheet, self.names, self.settings = sheet, names, sheet.settings
        self.account = ""
        self.titles: list[str] = []
        self.is_protected = False

    def add_rows(self, checklist: Checklist) -> None:
        checklist.add(_CREDENTIALS, self._credentials, _ADD_KEY)
        checklist.add(
            _BOOK,
            self._book,
            _CHECK_BOOK,
            needs=(_CREDENTIALS,),
        )
        checklist.add(_TAB, self._tab, needs=(_BOOK,))
        self._add_tab_row(
            checklist, _HEADER, self._header, "Move the header back to row 1, and name its columns as they were."
        )
        checklist.add(_SHARING, self._sharing, needs=(_BOOK,))
        self._add_tab_row(
            checklist,
            "Protected ranges",
            self._protected,
            f"Have its owner unprotect it for {self._who} (Data > Protect sheets and ranges).",
            needs=(_HEADER, _SHARING),
        )
        self._add_tab_row(checklist, "Filter", self._filter)
        self._add_tab_row(
            checklist,
            "Typed tables and merged cells",
            self._tables,
            "Set the types of leadflow's columns to text, and unmerge the cells; or name another tab.",
            needs=(_HEADER,),
        )
        checklist.add(_ROOM, self._room, needs=(_BOOK,))

    def _add_tab_row(
        self,
        checklist: Checklist,
        what: str,
        probe: Callable[[], Finding],
        what_to_do: str = "",
        needs: tuple[str, ...] = (),
    ) -> None:
        """Add a row about the tab. The tab need not exist before the first run."""
        if self.titles and self.sheet.described is None:
            checklist.skip(what, f"tab {self.settings.worksheet} is not there")
        else:
            checklist.add(what, probe, what_to_do, (_TAB, *needs))

    def _credentials(self) -> Finding:
        self.account = self.sheet.account()
        if self.account:
            return Finding(f"service account {self.account}")
        if not self.settings.base_url.startswith("https://"):
            return Finding("none are needed for a sheet on this machine (loopback)")
        return Finding("Google's default credentials, which name no service account")

    @property
    def _who(self) -> str:
        return self.account or "this account"

    def _book(self) -> Finding:
        title, self.titles = self.sheet.open()
        tabs = f"{len(self.titles)} tabs" if len(self.titles) != 1 else "1 tab"
        return Finding(f"{title!r}, with {tabs}")

    def _sharing(self) -> Finding:
        """Write a null, which changes no cell. Google refuses a reader, and a writer if the range is protected."""
        try:
            self.is_protected = self.sheet.is_protected(self.titles)
        except RefusedError as error:
            why = "" if "as an editor" in str(error) else f" ({error})"
            return failed(
                f"shared with {self._who} as a reader: it may read, and Google refused a write{why}",
                f"Share the spreadsheet with {self._who} as an editor.",
            )
        return Finding(f"shared with {self._who} as a writer")

    def _tab(self) -> Finding:
        name, described = self.settings.worksheet, self.sheet.described
        if described is not None:
            title = described["properties"]["title"]
            if title != name:
                return warning(f"{name} is there as {title}", f"Set LEADFLOW_SHEETS__WORKSHEET to {title}.")
            return Finding(f"{name} is there{', hidden' if described['properties'].get('hidden') else ''}")
        return warning(
            f"{name} is not there; a run would make it",
            "Nothing, before your first run. Else set LEADFLOW_SHEETS__WORKSHEET to the tab that callers work from.",
        )

    def _header(self) -> Finding:
        keys = self.sheet.key_list()
        header, key = self.sheet.header, self.settings.key_column
        if not any(header):
            return Finding(f"row 1 is empty; a run would write {len(self.names)} columns, and the script's own")
        self.sheet.raise_if_key_is_gone(self.names)
        missing = [name for name in self.names if name not in header]
        if key not in header:
            return warning(
                f"row 1 has {len(header)} columns, and none is {key!r}; a run would add {len(missing)} at the right",
                "Nothing, if other people's columns belong in this tab. Else set LEADFLOW_SHEETS__WORKSHEET to another "
                "tab, or LEADFLOW_SHEETS__KEY_COLUMN to the column that has the leads' keys.",
            )
        found = f"{len(header)} columns, {len(keys):,} leads below them"
        if missing:
            found += f"; a run would add {len(missing)} at the right: {', '.join(missing)}"
        if repeated := len(keys) - len(set(keys)):
            return warning(
                f"{found}; {repeated} rows repeat a lead",
                "Nothing, if they only repeat it: a run deletes them. Rows that a person changed stay; look at those.",
            )
        return Finding(found)

    def _protected(self) -> Finding:
        count = self.sheet.protections()
        if self.is_protected:
            raise RefusedError("the tab, or the part of it that a run writes first, is protected from this account")
        return Finding(f"{count} ranges are protected, none where a run writes" if count else "none")

    def _filter(self) -> Finding:
        if text := self.sheet.filter_text():
            found, _, what_to_do = text.partition("; ")
            return warning(found, what_to_do[:1].upper() + what_to_do[1:] + ".")
        return Finding("none")

    def _tables(self) -> Finding:
        self.sheet.raise_if_values_would_change(self.names)
        if not (found := self.sheet.typed_tables()):
            return Finding("none where a run writes")
        typed = [column for columns in found.values() for column in columns]
        types = f"; columns of others with a type: {', '.join(typed)}" if typed else ", without types"
        return Finding(f"the tab has {', '.join(found)}{types}")

    def _room(self) -> Finding:
        used, rows = self.sheet.free_rows(len(self.names))
        found = f"{used:,} of 10,000,000 cells are in use; {rows:,} more rows fit"
        advice = "Delete empty rows and columns, or set LEADFLOW_SHEETS__SPREADSHEET_ID to another spreadsheet."
        if rows == 0:
            return failed(found, advice)
        return warning(found, advice) if rows < _FEW_ROWS else Finding(found)

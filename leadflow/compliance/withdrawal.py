"""Withdraw rows: take leads whose phones may not be called any more out of the callers' sheet."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from leadflow.errors import DeliveryError, ServiceError, SettingsError
from leadflow.events import Emit, JobLog, no_emit
from leadflow.leads.phone_columns import is_shown_phone
from leadflow.stages.checks import scrubbed_at

if TYPE_CHECKING:
    from leadflow.services.sheets import Sheet
    from leadflow.services.sheets.lost_rows import Row
    from leadflow.settings import Settings
    from leadflow.settings.compliance import ComplianceSettings

WITHDRAWN_AT, WHY, WITHDRAWAL_ID = "Withdrawn At", "Why", "Withdrawal Id"
_STAGE = "Google Sheets"
# Columns that leadflow itself may change in a row that stays; they do not make it another row.
_CHANGING = re.compile(r"Phone \d+ .+|Held Phones|Shared With|Scrubbed At|Callable Until|Call Window")


def withdraw(
    reasons: Mapping[str, str],
    sheet: Sheet,
    settings: ComplianceSettings,
    *,
    emit: Emit = no_emit,
    batch: int | None = None,
    at: datetime | None = None,
) -> list[str]:
    """Take all rows of leads out of the callers' tab; return the keys of the leads that had a row there.

    `reasons` maps lead keys to a word such as dnc or opt_out. With settings.withdraw "move", each row is first appended
    to the tab settings.withdrawn_tab, with the callers' own cells and leadflow's, but without the phones, and read back
    there. Copies with other notes go there too; a row that an interrupted call has moved is not moved again. Comments
    on cells are not moved: the API has no access to them. `at` is the time of the withdrawal, now by default.

    When it returns, no row of these leads was read in the callers' tab. Raises RefusedError or DeliveryError if rows
    could not be taken out; if only the other tab cannot be written, the rows stay, without their phones.
    """
    if not reasons:
        return []
    if settings.withdraw == "delete":
        gone = sheet.take_out(reasons)
    else:
        moved = _WithdrawnTab(sheet, settings.withdrawn_tab, reasons, at or datetime.now(timezone.utc))
        gone = sheet.take_out(reasons, moved.add)
    if gone:
        counts = ", ".join(f"{reason} {n}" for reason, n in Counter(reasons[key] for key in gone).most_common())
        where = "deleted" if settings.withdraw == "delete" else f"moved to tab {settings.withdrawn_tab}"
        message = f"Withdrew {len(gone)} leads ({counts}): their rows were {where}"
        emit(JobLog(stage=_STAGE, batch=batch, level="warning", message=message))
    return gone


def raise_if_one_tab(settings: Settings) -> None:
    """Raise SettingsError if withdrawn rows would be moved to the callers' own tab."""
    tab = settings.compliance.withdrawn_tab
    if tab.casefold() == settings.sheets.worksheet.casefold():
        raise SettingsError(
            f"LEADFLOW_COMPLIANCE__WITHDRAWN_TAB is {tab!r}, the tab that callers work from; name another tab"
        )


class _WithdrawnTab:
    """The tab for withdrawn rows. A row's id there is made of its cells, so a row with another note is another row."""

    def __init__(self, sheet: Sheet, title: str, reasons: Mapping[str, str], at: datetime) -> None:
        self._sheet, self._reasons = sheet, reasons
        self._at = scrubbed_at(at)
        self._tab = sheet.other_tab(title, WITHDRAWAL_ID, (WITHDRAWN_AT, WHY))
        self._is_prepared = False

    def add(self, rows: list[Row]) -> int:
        """Append the rows that are not in the tab yet, and return how many. Raises DeliveryError.

        If that fails, the callers' tab loses the phones of these rows, since nobody may call them.
        """
        try:
            return self._add([self._moved(row) for row in rows])
        except ServiceError as error:
            failure = error
        raise self._not_moved(rows, failure, self._blank_phones(rows)) from None

    def _add(self, rows: list[Row]) -> int:
        tab, key = self._tab, self._sheet.settings.key_column
        names = dict.fromkeys(name for row in rows for name in row if name not in (WITHDRAWN_AT, WHY, WITHDRAWAL_ID))
        columns = [key, WITHDRAWN_AT, WHY, *names, WITHDRAWAL_ID]
        (tab.ensure_columns if self._is_prepared else tab.prepare)(columns)
        self._is_prepared = True
        added = tab.append(rows)
        tab.settle_doubts()
        return added

    def _moved(self, row: Row) -> Row:
        """Return the row for the tab: the callers' cells and leadflow's, without the phones."""
        key = row[self._sheet.settings.key_column]
        kept = {_own_name(name): cell for name, cell in row.items() if not is_shown_phone(name)}
        fixed = json.dumps(sorted((name, cell) for name, cell in kept.items() if not _CHANGING.fullmatch(name)))
        number = hashlib.sha256(fixed.encode()).hexdigest()[:32]
        return {**kept, WITHDRAWN_AT: self._at, WHY: self._reasons[key], WITHDRAWAL_ID: number}

    def _blank_phones(self, rows: list[Row]) -> str:
        """Blank the phones of rows that stay in the callers' tab; return what was done, as text."""
        key = self._sheet.settings.key_column
        try:
            self._sheet.update_cells({row[key]: {name: "" for name in row if is_shown_phone(name)} for row in rows})
        except ServiceError:
            return "the rows still show their phones"
        return "the rows are still there, without their phones, so that nobody calls them"

    def _not_moved(self, rows: list[Row], error: ServiceError, state: str) -> DeliveryError:
        key, tab = self._sheet.settings.key_column, self._tab.settings.worksheet
        leads = {row[key] for row in rows}
        return DeliveryError(
            f"{len(leads)} leads, such as {min(leads)}, may not be called any more, and their rows could not be moved "
            f"to tab {tab}: {error}. In tab {self._sheet.settings.worksheet} {state}"
        )


def _own_name(name: str) -> str:
    """Return the name of a callers' column in the other tab, where leadflow has three columns of its own."""
    return f"{name} (2)" if name in (WITHDRAWN_AT, WHY, WITHDRAWAL_ID) else name

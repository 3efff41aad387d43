"""Checks all systems at once and combines their rows in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from leadflow.check.disk import add_disk_rows
from leadflow.check.further import add_check_row, add_source_row
from leadflow.check.limits import add_limit_rows
from leadflow.check.machine import add_machine_rows
from leadflow.check.reassigned import add_reassigned_row
from leadflow.check.result import CheckResult
from leadflow.check.rows import Checklist, rows_of
from leadflow.check.sheet import add_sheet_rows
from leadflow.check.vendors import add_dnc_rows, add_idicore_row, add_litigator_row
from leadflow.check.warehouse import add_warehouse_rows

if TYPE_CHECKING:
    from leadflow.run.providers import Source
    from leadflow.services.dnc_list import DncListFile
    from leadflow.services.dncscrub import DncScrub
    from leadflow.settings import Settings
    from leadflow.stages.further_checks import SafeCheck


def check_systems(
    settings: Settings,
    dnc: DncScrub | DncListFile,
    lookups: Sequence[Source] = (),
    checks: Sequence[SafeCheck] = (),
) -> CheckResult:
    """Check all accounts, rights and limits. `dnc` is the engine's own service, which may have read its list.

    `lookups` and `checks` are the engine's further sources and checks: a row for each.
    """
    systems: dict[str, Callable[[Checklist], None]] = {
        "Snowflake": lambda rows: add_warehouse_rows(settings.warehouse, rows),
        "idiCORE": lambda rows: add_idicore_row(settings.idicore, rows),
        "Litigator list": lambda rows: add_litigator_row(settings.litigator, rows),
        "Do-not-call check": lambda rows: add_dnc_rows(settings.dnc, dnc, rows),
        "Reassigned numbers": lambda rows: add_reassigned_row(settings.reassigned, rows),
        **{one.provider: partial(add_source_row, one) for one in lookups},
        **{one.provider: partial(add_check_row, one) for one in checks},
        "Google Sheets": lambda rows: add_sheet_rows(settings.sheets, settings.policy, rows),
        "Limits": lambda rows: add_limit_rows(settings, rows),
        "This machine": lambda rows: add_machine_rows(settings, rows),
        "Folder of history and checkpoints": lambda rows: add_disk_rows(settings.home, rows),
    }
    with ThreadPoolExecutor(len(systems), "check") as pool:
        checked = [pool.submit(rows_of, name, add_rows) for name, add_rows in systems.items()]
        return CheckResult(tuple(row for found in checked for row in found.result()))

"""Checks of settings and arguments before a job begins. Each error is one line."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from leadflow.compliance.withdrawal import raise_if_one_tab
from leadflow.errors import InputError, SettingsError
from leadflow.leads.calling_hours import read_hours
from leadflow.services.warehouse.names import is_one_table
from leadflow.settings import Settings
from leadflow.stages.sheet_rows import sheet_columns


def raise_if_unusable(settings: Settings) -> None:
    """Make the private folder of history and checkpoints.

    Raises SettingsError if it cannot make the folder, if the sheet's key column has the name of another column, if
    withdrawn rows would be moved to the callers' own tab, if the file of calling hours cannot be read strictly, or if
    `settings` is not a Settings.
    """
    if not isinstance(settings, Settings):
        raise SettingsError(
            f"an Engine takes lf.Settings, not {type(settings).__name__}; "
            "without an argument it reads the environment and .env"
        )
    _private_folder(settings)
    try:
        read_hours(settings.compliance.calling_hours_file)
    except InputError as error:
        raise SettingsError(f"LEADFLOW_COMPLIANCE__CALLING_HOURS_FILE: {error}; nothing was bought") from None
    key = settings.sheets.key_column
    if key.casefold() in {name.casefold() for name in sheet_columns(settings.policy)}:
        raise SettingsError(
            f"LEADFLOW_SHEETS__KEY_COLUMN is {key!r}, which is another column of the sheet; "
            "give the key a column of its own, such as Lead Key"
        )
    raise_if_one_tab(settings)


def raise_if_other_targets(job: Mapping[str, Any], settings: Settings) -> None:
    """Raise InputError if the settings name another sheet or other tables than those that the job began with.

    A report could not validate a job that is half in one sheet and half in another.
    """
    now = {
        "spreadsheet_id": settings.sheets.spreadsheet_id,
        "worksheet": settings.sheets.worksheet,
        "person_cache": settings.warehouse.person_cache,
        "consolidated": settings.warehouse.consolidated,
    }
    tables = ("person_cache", "consolidated")
    differing = [name for name, value in now.items() if job[name] and job[name] != value]
    changed = [n for n in differing if n not in tables or not is_one_table(job[n], now[n], settings.warehouse)]
    if changed:
        raise InputError(
            f"job {job['id']} began with another {', '.join(changed)}; set it as it was and resume, "
            "or run the script again, which leaves out what is processed"
        )


def _private_folder(settings: Settings) -> None:
    try:
        home = settings.home.expanduser()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(home, 0o700)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it names no user's home"
        raise SettingsError(
            f"LEADFLOW_HOME, {settings.home}, cannot be a folder of yours ({reason}); name another folder"
        ) from None


def whole_number(name: str, value: Any, least: int) -> int | None:
    """Return an argument that is a whole number, or None.

    Raises InputError for text, booleans, fractions, and numbers below `least`.

    >>> whole_number("limit_rows", 500, 1)
    500
    """
    if value is None:
        return None
    number = _integer(value)
    if number is None or _is_boolean(value) or number < least:
        raise InputError(
            f"{name} is {_shown(value)}; it must be a whole number of {least} or more, or None for no limit"
        )
    return number


def _integer(value: Any) -> int | None:
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    try:
        return operator.index(value)
    except TypeError:
        return None


def dollars(name: str, value: Any) -> float | None:
    """Return an argument that is an amount of money, or None. Raises InputError unless it is finite and 0 or more.

    >>> dollars("max_cost", 60)
    60.0
    """
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, str) or _is_boolean(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InputError(
            f"{name} is {_shown(value)}; it must be an amount in dollars, as in 12.5, or None for no limit"
        )
    return number


def _is_boolean(value: Any) -> bool:
    """Return whether a value is a boolean of Python or numpy."""
    return type(value).__name__ in ("bool", "bool_")


def _shown(value: Any) -> str:
    """Return a value as an error shows it: a number or short text unchanged, anything else as its type."""
    return (
        repr(value)
        if isinstance(value, int | float | Decimal) or (isinstance(value, str) and len(value) <= 20)
        else f"a {type(value).__name__}"
    )

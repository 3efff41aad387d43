"""What a run needs before it may spend, and the values of its variables, in a terminal and in a %%leads cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from leadflow.errors import InputError

if TYPE_CHECKING:
    from leadflow.settings import Settings

WHAT_TO_ADD = (
    "nothing was bought: without a limit, a run looks up every lead of the script. "
    "Add --max-cost 60 (dollars), --limit 500 (leads), or --yes for all of them"
)


def has_limit(settings: Settings, *limits: float | None) -> bool:
    """Return whether a run has a limit of its own, or a budget in the settings."""
    return any(limit is not None for limit in (*limits, settings.max_lookups, settings.max_cost))


def read_params(given: Iterable[str]) -> dict[str, str]:
    """Return the values of a script's variables from texts such as "state=ME". A value stays text, as a ZIP must.

    Raises InputError for a text without a name or "=", and for a name that stands twice. It shows no value.

    >>> read_params(["state=ME", "zip=03740"])
    {'state': 'ME', 'zip': '03740'}
    """
    params: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InputError("--param takes NAME=VALUE, as in --param state=ME")
        if name.casefold() in map(str.casefold, params):
            raise InputError(f"--param names {name} twice; keep one of them")
        params[name] = value
    return params

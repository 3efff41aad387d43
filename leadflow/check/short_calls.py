"""Settings for the calls of a check, which must not take minutes."""

from __future__ import annotations

from typing import TypeVar

from leadflow.settings import DncSettings, IdicoreSettings, LitigatorSettings, ReassignedSettings, SheetsSettings

S = TypeVar("S", IdicoreSettings, LitigatorSettings, DncSettings, ReassignedSettings, SheetsSettings)
_MOST_ATTEMPTS = 2


def with_short_calls(settings: S, longest_call_s: float) -> S:
    """Return settings with which a system that is down does not delay the check for minutes."""
    short = {
        "attempts": min(settings.attempts, _MOST_ATTEMPTS),
        "timeout_s": min(settings.timeout_s, longest_call_s),
    }
    return settings.model_copy(update=short)

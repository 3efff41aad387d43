"""Check of the reassigned-numbers check, if it is set: one reserved number is asked for."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone

from leadflow.check.rows import Checklist, Deadline, Finding, failed
from leadflow.check.short_calls import with_short_calls
from leadflow.check.vendors import RESERVED
from leadflow.services.dncscrub import ReassignedNumbers
from leadflow.settings import ReassignedSettings

_LONGEST_CALL_S = 20.0
_ADVICE = "Check LEADFLOW_REASSIGNED__LOGIN_ID and URL, and ask DNCScrub whether the account includes RNDBasic."


def add_reassigned_row(settings: ReassignedSettings, checklist: Checklist) -> None:
    """Add the row about the check. Without a login there is none: leads in Maine are then held back."""
    if not settings.is_set:
        return
    with closing(ReassignedNumbers(with_short_calls(settings, _LONGEST_CALL_S))) as service:
        checklist.add("Reassigned numbers", lambda: _answered(service), _ADVICE)


def _answered(service: ReassignedNumbers) -> Finding:
    yesterday = (datetime.now(timezone.utc) - timedelta(days=1)).date()
    if RESERVED not in service.check({RESERVED: yesterday}, Deadline()):
        return failed("one reserved number (555-01xx) was sent and not answered for; it may be billed", _ADVICE)
    return Finding("answered for one reserved number (555-01xx); it may be billed as one check")

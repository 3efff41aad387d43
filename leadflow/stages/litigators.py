"""The litigator check of phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from leadflow.events import Emit, no_emit
from leadflow.leads.verdicts import Scrub
from leadflow.services.transport.limits import StopFlag
from leadflow.stages.checks import PhoneCheck, check_phones
from leadflow.stages.frames import same_kind

F = TypeVar("F")


def check_litigators(
    leads: F,
    litigator: PhoneCheck,
    *,
    known: Mapping[str, Scrub] | None = None,
    on_scrubs: Callable[[list[Scrub]], None] | None = None,
    stop: StopFlag | None = None,
    emit: Emit = no_emit,
    batch: int | None = None,
) -> F:
    """Check every phone of every lead; adds litigator_verdicts, a list of clean, litigator or unchecked, one for each phone, and
    litigator_scrubbed_at (text).

    `leads` has a `phones` column (lists of E.164), or columns such as "Phone 1". A phone in `known` is not asked for.
    A phone without an answer is unchecked. Raises ColumnsError, RefusedError, ServiceDownError, or Stopped when `stop` is set.
    """
    return same_kind(
        leads, lambda f: check_phones(f, litigator, "litigator", "Litigator", known or {}, on_scrubs, emit, batch, stop)
    )

"""The do-not-call check of phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from leadflow.events import Emit, no_emit
from leadflow.leads.verdicts import Scrub
from leadflow.services.transport.limits import StopFlag
from leadflow.stages.checks import PhoneCheck, check_phones
from leadflow.stages.frames import same_kind

F = TypeVar("F")


def check_dnc(
    leads: F,
    dnc: PhoneCheck,
    *,
    known: Mapping[str, Scrub] | None = None,
    on_scrubs: Callable[[list[Scrub]], None] | None = None,
    stop: StopFlag | None = None,
    emit: Emit = no_emit,
    batch: int | None = None,
) -> F:
    """Check every phone of every lead; adds dnc_verdicts, a list of verdict words, one for each phone, and dnc_scrubbed_at (text).

    `leads` has a `phones` column (lists of E.164), or columns such as "Phone 1". A phone in `known` is not asked for.
    A phone without an answer is unchecked. One that is no US consumer's is invalid, and nobody is asked. With a list, one
    that the list does not cover is unchecked, and dnc_not_covered (a list of text, one for each phone) says why: by the
    state of its area code, and by the lead's where `leads` has a state column. Raises ColumnsError, RefusedError, ServiceDownError, or Stopped when `stop` is set.
    """
    return same_kind(leads, lambda f: check_phones(f, dnc, "dnc", "DNC", known or {}, on_scrubs, emit, batch, stop))

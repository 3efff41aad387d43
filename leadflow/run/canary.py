"""The canary: a phone known to be on the national do-not-call list. It proves that the check covers that list.

A DNCScrub project may be limited to litigators or to wireless numbers. It then answers C (clean) for all other phones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from leadflow.errors import RefusedError, TransientError, UnreadableError
from leadflow.leads.verdicts import CALLABLE, Scrub, Verdict

if TYPE_CHECKING:
    from leadflow.services.transport.limits import StopFlag
    from leadflow.stages.checks import Checker

_NAME = "LEADFLOW_DNC__CANARY"


def raise_if_uncovered(dnc: Checker, canaries: Sequence[str], stop: StopFlag | None = None) -> None:
    """Check the canaries (E.164) with the job's own service. Raises RefusedError unless all of them are listed.

    Each canary costs one check. The answers are not stored, because a canary is no lead's phone.
    """
    if not canaries:
        return
    try:
        scrubs: Mapping[str, Scrub] = dnc.check(list(canaries), stop)
    except (TransientError, UnreadableError) as error:
        raise RefusedError(
            f"nothing was bought: the check of {_NAME} got no answer ({error}); resume the job later"
        ) from None
    for number, phone in enumerate(canaries, 1):
        if fault := _fault(scrubs.get(phone)):
            which = f" (number {number} of {len(canaries)})" if len(canaries) > 1 else ""
            raise RefusedError(f"nothing was bought: the phone of {_NAME}{which} {fault}")


def _fault(scrub: Scrub | None) -> str:
    """Return why the answer does not prove the coverage; "" if the phone is listed."""
    if scrub is None or scrub.verdict == Verdict.UNCHECKED:
        return "was not answered for; resume the job later"
    if scrub.verdict == Verdict.DNC or (scrub.code == "D" and scrub.verdict not in (*CALLABLE, Verdict.LITIGATOR)):
        return ""
    if scrub.verdict in CALLABLE:
        return (
            f"came back as {scrub.verdict}, so the do-not-call check does not cover the national list; have DNCScrub "
            "check the project of LEADFLOW_DNC__PROJ_ID (it may look at litigators or wireless numbers alone), or name "
            "a number that is on the list, then resume the job"
        )
    return (
        f"came back as {scrub.verdict}, which does not prove that the national list was read; name a number that is on "
        "that list alone, then resume the job"
    )

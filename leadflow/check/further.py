"""Checks of the further providers: the source's own free probe, and one reserved number for each further check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadflow.check.rows import Checklist, Deadline, Finding, failed, warning
from leadflow.check.vendors import RESERVED
from leadflow.leads.verdicts import Verdict

if TYPE_CHECKING:
    from leadflow.run.providers import Source
    from leadflow.stages.further_checks import SafeCheck


def add_source_row(source: Source, checklist: Checklist) -> None:
    """Add the row about a further source of phones. It looks nobody up."""
    advice = (
        f"Check the key, the plan and the address of {source.provider} in the settings, and ask them about the account."
    )

    def probe() -> Finding:
        ask = getattr(source.search, "probe", None)
        if ask is None:
            return warning(
                "it cannot be checked without a search that costs money, since it has no probe()",
                "Nothing, or give its class a probe() that calls its vendor for free and returns what it found.",
            )
        return Finding(f"{ask(Deadline())}; no search was made, which costs ${source.price:g}")

    checklist.add(f"{source.provider}: a further source of phones", probe, advice)


def add_check_row(check: SafeCheck, checklist: Checklist) -> None:
    """Add the row about a further check of phones, which is asked for one number that belongs to nobody."""
    advice = f"Check the key and the address of {check.provider} in the settings, and ask them about the account."

    def probe() -> Finding:
        scrub = check.check([RESERVED], Deadline()).get(RESERVED)
        billed = f"it may be billed as one number (${check.price:g})" if check.price else "it costs nothing"
        if scrub is None or scrub.verdict == Verdict.UNCHECKED:
            how = "with no valid result" if scrub is None else f"with {scrub.code!r}, which leadflow does not know"
            return failed(f"one reserved number (555-01xx) was sent, and answered {how}; {billed}", advice)
        return Finding(f"answered for one reserved number (555-01xx), {scrub.verdict}; {billed}")

    checklist.add(f"{check.provider}: a further check of phones", probe, advice)

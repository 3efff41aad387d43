"""Checks of idiCORE (login), the litigator list and the do-not-call check (a reserved number, coverage, canaries).

Numbers from 555-0100 to 555-0199 are reserved for fiction and belong to nobody.
"""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from leadflow.check.rows import Checklist, Deadline, Finding, failed, warning
from leadflow.check.short_calls import with_short_calls
from leadflow.leads.area_codes import STATE_OF
from leadflow.leads.verdicts import OLDEST, Scrub, Verdict
from leadflow.run.canary import raise_if_uncovered
from leadflow.services.dnc_list.coverage import NO_WIRELESS, STATE_LISTS, WIRELESS
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.idicore.login import Login
from leadflow.settings import DncSettings, IdicoreSettings, LitigatorSettings

if TYPE_CHECKING:
    from leadflow.services.dnc_list import DncListFile
    from leadflow.stages.checks import Checker

RESERVED = "+15045550143"
_LONGEST_CALL_S = 20.0
_DAYS_LEFT = 7
_LITIGATORS, _SCRUB = "Litigator list", "Do-not-call scrub"
_LIST, _CANARY = "Do-not-call list", "Do-not-call canary"


def add_idicore_row(settings: IdicoreSettings, checklist: Checklist) -> None:
    """Add the row about idiCORE. It only logs in and looks nobody up."""
    quick = with_short_calls(settings, _LONGEST_CALL_S)
    with closing(Login(quick)) as login:

        def sign_in() -> Finding:
            login.token(Deadline())
            purposes = f"permissible purposes glba={settings.glba}, dppa={settings.dppa}"
            return Finding(f"signed in, with {purposes}; a login is free, and no search was made")

        checklist.add(
            "idiCORE login",
            sign_in,
            "Check LEADFLOW_IDICORE__CLIENT_ID, CLIENT_SECRET, GLBA, DPPA and LOGIN_URL; ask idiCORE whether this "
            "machine's address is on their list.",
        )


def add_litigator_row(settings: LitigatorSettings, checklist: Checklist) -> None:
    """Add the row about the litigator list."""
    quick = with_short_calls(settings, _LONGEST_CALL_S)
    with closing(LitigatorList(quick)) as service:
        advice = "Check LEADFLOW_LITIGATOR__LOGIN_ID, PROJ_ID and CAMPAIGN_ID, and ask DNCScrub about the account."
        checklist.add(_LITIGATORS, lambda: _answered(service, advice), advice)


def add_dnc_rows(settings: DncSettings, dnc: DncScrub | DncListFile, checklist: Checklist) -> None:
    """Add the rows about the do-not-call check: DNCScrub's scrub, or the list that the engine has read."""
    if not isinstance(dnc, DncScrub):
        _add_list_rows(dnc, checklist)
        _add_canary_row(settings, dnc, _LIST, checklist)
        return
    with closing(DncScrub(with_short_calls(settings, _LONGEST_CALL_S))) as service:
        advice = "Check LEADFLOW_DNC__LOGIN_ID, PROJ_ID, CAMPAIGN_ID and VERSION, and ask DNCScrub about the account."
        checklist.add(_SCRUB, lambda: _answered(service, advice), advice)
        _add_canary_row(settings, service, _SCRUB, checklist)


def _answered(service: Checker, what_to_do: str) -> Finding:
    scrub = service.check([RESERVED], Deadline()).get(RESERVED)
    if scrub is None or scrub.verdict == Verdict.UNCHECKED:
        how = (
            "without a row for it, or refused"
            if scrub is None
            else f"with {scrub.code!r}, which leadflow does not know"
        )
        return failed(f"one reserved number (555-01xx) was sent, and answered {how}; it may be billed", what_to_do)
    return Finding(f"answered for one reserved number (555-01xx), {scrub.verdict}; it may be billed as one check")


def _add_canary_row(settings: DncSettings, dnc: Checker, needed: str, checklist: Checklist) -> None:
    canaries = settings.canaries

    def check() -> Finding:
        if not canaries:
            return warning(
                "none is set, so it is unproven that the check covers the national do-not-call list",
                "Set LEADFLOW_DNC__CANARY to a phone of yours that is on that list: each job then proves it first.",
            )
        raise_if_uncovered(dnc, canaries, Deadline())
        billed = "may be billed as one check" if len(canaries) == 1 else f"may be billed as {len(canaries)} checks"
        count = "it is listed" if len(canaries) == 1 else f"all {len(canaries)} are listed"
        return Finding(f"{count}, as it must be{'' if settings.provider == 'list' else f'; {billed}'}")

    checklist.add(
        _CANARY,
        check,
        "Have DNCScrub check the project of LEADFLOW_DNC__PROJ_ID, or set LEADFLOW_DNC__CANARY to a phone that is on "
        "the national list alone."
        if settings.provider == "dncscrub"
        else "Download the list again, or set LEADFLOW_DNC__CANARY to a phone that is on it.",
        needs=(needed,),
    )


def _add_list_rows(dnc: DncListFile, checklist: Checklist) -> None:
    checklist.add(
        _LIST,
        lambda: _age(dnc),
        "Download the list again, set LEADFLOW_DNC__LIST_DATE to that day, and check LEADFLOW_DNC__LIST_PATH.",
    )
    checklist.add("Do-not-call list coverage", lambda: _coverage(dnc), needs=(_LIST,))


def _age(dnc: DncListFile) -> Finding:
    """Read the whole list, and take its date from the check of one of its numbers."""
    dnc.raise_if_unusable()
    phone = f"+1{min(dnc.coverage().area_codes)}5550100"
    scrub: Scrub = dnc.check([phone])[phone]
    day = date.fromisoformat(scrub.list_date)
    age = (datetime.now(timezone.utc).date() - day).days
    found = f"of {day}, {age} days old; every row can be read"
    if (left := OLDEST.days - age) <= _DAYS_LEFT:
        return warning(f"{found}. It counts for {left} more days", "Download it again before then.")
    return Finding(found)


def _coverage(dnc: DncListFile) -> Finding:
    coverage = dnc.coverage()
    found = f"{len(coverage.area_codes)} of {len(STATE_OF)} US area codes"
    gaps = [f"the lists of {' '.join(states)}"] if (states := sorted(STATE_LISTS - coverage.covers)) else []
    no_wireless = sorted(NO_WIRELESS - coverage.covers)
    gaps += [f"wireless numbers of {' '.join(no_wireless)}"] if no_wireless and WIRELESS not in coverage.covers else []
    if not gaps:
        return Finding(f"{found}; all state lists and wireless numbers")
    return warning(
        f"{found}; not in it: {', and '.join(gaps)}. Phones that are not covered stay unchecked and are not delivered",
        "Nothing, if you have no leads there. Else add the files to LEADFLOW_DNC__LIST_PATH, and what they are to "
        "LEADFLOW_DNC__LIST_COVERS.",
    )

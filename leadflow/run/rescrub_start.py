"""The start of a re-scrub: its plan, its budget, and what it would check and cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from leadflow.compliance.shown_leads import columns_to_read, shown_leads
from leadflow.display.elements import card, muted, said
from leadflow.display.units import money
from leadflow.errors import InputError
from leadflow.leads.verdicts import OLDEST
from leadflow.run.arguments import dollars
from leadflow.run.budget import Budget, Prices
from leadflow.run.context import Plan
from leadflow.run.rescrub_list import most_phones, pools_of
from leadflow.services.sheets import ExistingSheet

if TYPE_CHECKING:
    from leadflow.settings import Settings

NAME = "rescrub"


@dataclass(frozen=True, repr=False)
class RescrubEstimate:
    """What a re-scrub would check now; it has checked nothing and changed nothing.

    `leads` are in the sheet, `due` of them have checks that are old enough. `phones` is how many different phones those
    show. `expired` of them may not be called any more even now: a re-scrub withdraws them unless the checks answer.
    `unreadable` show no phone, or a cell that is none, and would be withdrawn. `cost` is in dollars; a check without a
    price counts as free, and checks made within policy.reuse_scrubs_hours are not paid again.
    """

    leads: int
    due: int
    phones: int
    expired: int
    unreadable: int
    litigator_calls: int
    dnc_calls: int
    cost: float

    def __repr__(self) -> str:
        """Return the estimate in one sentence."""
        return f"<RescrubEstimate: {rescrub_sentence(self)}>"

    def _repr_html_(self) -> str:
        hint = muted("Nothing was checked or changed.")
        return card("Estimate of a re-scrub", said(rescrub_sentence(self)) + hint)


def rescrub_sentence(found: RescrubEstimate) -> str:
    """Return the estimate of a re-scrub in one sentence."""
    parts = [
        f"{found.due:,} of {found.leads:,} leads in the sheet are due, with {found.phones:,} phones",
        f"{found.litigator_calls:,} litigator and {found.dnc_calls:,} do-not-call requests",
        f"about {money(found.cost)}" if found.cost else "no cost, as far as prices are set",
    ]
    parts += [f"{found.expired:,} may not be called any more even now"] if found.expired else []
    parts += [f"{found.unreadable:,} show no phone that can be read"] if found.unreadable else []
    return "; ".join(parts) + "."


def older_than(settings: Settings, days: Any) -> float:
    """Return after how many days a check is made again: the argument, else the settings' rescrub_after_days.

    Raises InputError unless it is a number from 0 to 31.

    >>> from types import SimpleNamespace as Stub
    >>> older_than(Stub(compliance=Stub(rescrub_after_days=25.0)), None)
    25.0
    """
    if days is None:
        return settings.compliance.rescrub_after_days
    most = OLDEST.days
    number = float(days) if isinstance(days, int | float) and not isinstance(days, bool) else math.nan
    if not 0 <= number <= most:
        raise InputError(
            f"older_than_days must be a number of days from 0 (check all rows) to {most}; a check counts for {most} "
            "days at most"
        )
    return number


def rescrub_plan(settings: Settings, days: Any, max_cost: Any) -> Plan:
    """Return the plan of a re-scrub that begins now. Raises InputError."""
    limit = settings.max_cost if max_cost is None else dollars("max_cost", max_cost)
    began = datetime.now(timezone.utc).isoformat()
    return Plan(
        script="",
        name=NAME,
        limit_rows=None,
        max_lookups=0,
        max_cost=limit,
        rescrub={"older_than_days": older_than(settings, days), "began": began},
    )


def rescrub_budget(settings: Settings, max_cost: Any) -> Budget:
    """Return a budget that allows no lookup, and checks up to `max_cost` dollars."""
    return Budget(0, dollars("max_cost", max_cost), Prices.of(settings))


def estimate_rescrub(settings: Settings, days: Any) -> RescrubEstimate:
    """Read the sheet, and return what a re-scrub would check and cost. Raises RefusedError, TransientError."""
    sheet, older, now = ExistingSheet(settings.sheets), older_than(settings, days), datetime.now(timezone.utc)
    sheet.connect()
    sheet.raise_if_unrecognizable()
    columns = sheet.read_columns(columns_to_read(sheet.header, settings.reassigned))
    shown = shown_leads(columns, older, settings.policy.max_scrub_age_days, now)
    due = shown.filter("is_due")
    lists = due["phones"].to_list()
    phones = {phone for row in lists for phone in row if phone}
    calls = len(pools_of(due, most_phones(settings)))
    return RescrubEstimate(
        leads=shown.height,
        due=due.height,
        phones=len(phones),
        expired=int((due["counts_until"] <= now.date()).sum()),
        unreadable=sum(not row or "" in row for row in lists),
        litigator_calls=calls,
        dnc_calls=calls if settings.dnc.provider == "dncscrub" else 0,
        cost=round(len(phones) * Prices.of(settings).phone, 2),
    )

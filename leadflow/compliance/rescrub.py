"""Decide what becomes of delivered rows whose phones were checked again, and make the cells of those that stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

import polars as pl

from leadflow.compliance.shown_leads import SCRUBBED, UNTIL, read_scrubbed, read_until
from leadflow.leads.phone_columns import shown_phone_columns
from leadflow.leads.phones import to_e164
from leadflow.leads.verdicts import WORST_FIRST, Verdict, worst
from leadflow.settings import Policy
from leadflow.stages.call_windows import CALL_WINDOW, call_windows
from leadflow.stages.coverage import NOT_COVERED
from leadflow.stages.settle import REASSIGNED_CHECK, is_callable
from leadflow.stages.shown_phones import with_shown_phones

if TYPE_CHECKING:
    from leadflow.leads.calling_hours import CallingHours
    from leadflow.services.sheets.cells import Columns

RENEWED, WITHDRAWN, RETRY = "renewed", "withdrawn", "retry"
UNCHECKED = Verdict.UNCHECKED.value
REMOVED_BY_HAND = "removed_by_hand"
WIRELESS = "wireless"  # the policy does not deliver wireless numbers any more


def decided(leads: pl.DataFrame, policy: Policy, today: date) -> pl.DataFrame:
    """Add `disposition` (renewed, withdrawn or retry), `reason` (text) and `callable_until` (ISO text).

    `leads` has the columns of `shown_leads`, and those that the checks and `settle` add. A lead is renewed if each of
    its phones may be called. It is withdrawn if one may not; the reason is the worst verdict, wireless, not_covered if
    the do-not-call list does not cover a phone, unreadable_phone or no_phone. Without an answer it waits (retry) while
    its old checks count, and is withdrawn as unchecked once they do not. `today` is the date in UTC.

    >>> leads = pl.DataFrame({"person_key": ["a", "b"], "counts_until": [date(2026, 11, 30), date(2026, 11, 1)]})
    >>> leads = leads.with_columns(phones=pl.lit(["+15045550143"]), verdicts=pl.Series([["unchecked"]] * 2))
    >>> decided(leads, Policy(), date(2026, 11, 28)).select("disposition", "reason").rows()
    [('retry', 'unchecked'), ('withdrawn', 'unchecked')]
    """
    clear = leads.with_columns(pl.lit("deliver").alias("disposition"))
    clear = with_shown_phones(clear, policy.model_copy(update={"phones_delivered": 10}))
    gaps = leads[NOT_COVERED] if NOT_COVERED in leads.columns else pl.lit([], pl.List(pl.String))
    settled = leads["reason"] if "reason" in leads.columns else pl.lit("")
    columns = ("phones", "verdicts", "callable_until", "counts_until", gaps.alias("gaps"), settled.alias("settled"))
    found = [_outcome(*row, policy=policy, today=today) for row in clear.select(columns).iter_rows()]
    return leads.with_columns(
        pl.Series("disposition", [outcome for outcome, _ in found], pl.String),
        pl.Series("reason", [reason for _, reason in found], pl.String),
        clear["callable_until"],
    )


def _outcome(
    phones: Sequence[str],
    verdicts: Sequence[str],
    until: str,
    counts_until: date,
    gaps: Sequence[str] | None,
    settled: str,
    *,
    policy: Policy,
    today: date,
) -> tuple[str, str]:
    if not phones:
        return WITHDRAWN, "no_phone"
    if not all(phones):
        return WITHDRAWN, "unreadable_phone"
    barred = [word for word in verdicts if not is_callable(word, policy)]
    if not barred and until > today.isoformat():
        return RENEWED, ""
    if known := [word for word in barred if word != UNCHECKED]:
        return WITHDRAWN, _word(min(map(Verdict, known), key=WORST_FIRST.index), settled)
    if any(gaps or ()):
        return WITHDRAWN, "not_covered"
    return (RETRY if today < counts_until else WITHDRAWN), UNCHECKED


def _word(verdict: Verdict, settled: str) -> str:
    """Return the reason of a withdrawal. `settled` is the reason that `settle` found."""
    if verdict is Verdict.CLEAN_WIRELESS:
        return WIRELESS
    return settled if verdict is Verdict.HOLD and settled == REASSIGNED_CHECK else str(verdict)


@dataclass(frozen=True)
class Renewal:
    """The new checks of one lead: the verdict of each phone, what its row says of their age, and its calling hours."""

    verdicts: Mapping[str, Verdict]
    scrubbed_at: str
    callable_until: str
    call_window: str = ""


def renewals(leads: pl.DataFrame, hours: CallingHours) -> dict[str, Renewal]:
    """Return the renewals of the leads that `decided` renewed, by key; `hours` is the table of calling hours."""
    names = ("person_key", "phones", "verdicts", "litigator_scrubbed_at", "dnc_scrubbed_at", "callable_until")
    renewed = leads.filter(pl.col("disposition") == RENEWED)
    if renewed.is_empty():
        return {}
    state = pl.col("state") if "state" in renewed.columns else pl.lit("").alias("state")
    windows = call_windows(renewed.with_columns(state, pl.col("phones").alias("shown_phones")), hours)
    return {
        key: Renewal(dict(zip(phones, map(Verdict, verdicts), strict=True)), min(*times), until, window)
        for (key, phones, verdicts, *times, until), window in zip(
            renewed.select(names).iter_rows(), windows, strict=True
        )
    }


class RenewedCells:
    """Computes the cells of renewed leads from what the sheet shows at the moment of each read.

    `present` has the keys that the last read found, and `changed` those of them that showed another phone than those
    that were checked: their rows keep their old dates.
    """

    def __init__(self, wanted: Mapping[str, Renewal]) -> None:
        self.wanted = wanted
        self.present: set[str] = set()
        self.changed: set[str] = set()

    def __call__(self, now: Columns) -> dict[str, dict[str, str]]:
        """Return the texts to write, by key and column; see Cells.recompute."""
        names, cells = shown_phone_columns(now.cells), dict[str, dict[str, str]]()
        self.present, self.changed, newer = set(now.keys), set(), dict[str, bool]()
        for row, key in enumerate(now.keys):
            if renewal := self.wanted.get(key):
                verdicts = [(f"{name} Verdict", phone) for name, phone in _phones_at(now, names, row)]
                if any(phone not in renewal.verdicts for _, phone in verdicts):
                    self.changed.add(key)
                mine = cells.setdefault(key, _dated(renewal))
                for name, phone in verdicts:
                    verdict = renewal.verdicts.get(phone, Verdict.UNCHECKED)
                    mine[name] = str(worst(verdict, Verdict(mine[name])) if name in mine else verdict)
                newer[key] = newer.get(key, True) and _is_newer(now, row, renewal)
        return {key: mine for key, mine in cells.items() if key not in self.changed and not newer[key]}


def _dated(renewal: Renewal) -> dict[str, str]:
    return {SCRUBBED: renewal.scrubbed_at, UNTIL: renewal.callable_until, CALL_WINDOW: renewal.call_window}


def _phones_at(now: Columns, names: Sequence[str], row: int) -> Iterator[tuple[str, str]]:
    """Yield column and phone for each phone of a row, "" for one that cannot be read."""
    for name in names:
        if cell := now.cells[name][row].strip():
            yield name, to_e164(cell) or ""


def _is_newer(now: Columns, row: int, renewal: Renewal) -> bool:
    """Whether another machine has renewed a row since: two that undid each other's dates would never end."""
    if SCRUBBED not in now.cells or UNTIL not in now.cells:
        return False
    at, mine = datetime.now(timezone.utc), date.fromisoformat(renewal.callable_until)
    scrubbed, until = read_scrubbed(now.cells[SCRUBBED][row], at), read_until(now.cells[UNTIL][row], at)
    ours = read_scrubbed(renewal.scrubbed_at, at)
    return bool(scrubbed and until and ours and scrubbed > ours and until >= mine)

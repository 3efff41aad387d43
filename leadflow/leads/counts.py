"""The accounting of a job, in leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadflow.display.elements import card, pairs
from leadflow.display.units import money

# Reasons of leads that are left out: held back before any step ran.
LEFT_OUT = (
    *("suppressed", "duplicate", "no_identity", "unreadable_address", "no_person_name", "over_limit", "forgotten"),
    "suppressed_meanwhile",
)
# The reason for a lead whose person asked not to be called after the leads were listed and before the lookup.
MEANWHILE = LEFT_OUT[-1]
# The reason for a lead that has the same paid answer, or the same identity, as another lead of the job.
DUPLICATE = "duplicate_person"


@dataclass(frozen=True, repr=False)
class Counts:
    """The accounting of a job, in leads: extracted = already_processed + delivered + held back + waiting.

    In a re-scrub, extracted = renewed + withdrawn + retry + waiting: the leads of the sheet whose checks were old,
    those that may still be called, those whose rows were taken out, by reason, and those without an answer yet.

    `held` counts settled leads that were held back, by reason. `retry` counts held back leads that a resume tries
    again, by reason. `waiting` counts leads without a disposition. `elsewhere` counts already processed leads that
    another job processed after this job listed its leads.

    `bought` counts answered lookups of all sources, `reused` counts lookups that were paid before, and `unanswered`
    counts idiCORE's lookups that may have been charged without an answer. `checked` counts the numbers sent to the
    checks, without reused checks; a number sent to two counts twice. `cost` is the price in dollars of the lookups and
    checks, or None if idicore.price is not set.

    `providers` has a row for each source and check: provider, what (lookup, or the kind of check), asked (lookups
    answered, or numbers checked), hits (lookups with phones, or numbers flagged), unanswered (searches that may have
    been charged) and cost in dollars, None without a price.

    >>> Counts(extracted=3, delivered=2, held={"no_phone": 1}).balanced
    True
    """

    extracted: int = 0
    already_processed: int = 0
    delivered: int = 0
    held: dict[str, int] = field(default_factory=dict)
    retry: dict[str, int] = field(default_factory=dict)
    waiting: int = 0
    bought: int = 0
    reused: int = 0
    unanswered: int = 0
    cost: float | None = None
    elsewhere: int = 0
    checked: int = 0
    renewed: int = 0
    withdrawn: dict[str, int] = field(default_factory=dict)
    providers: list[dict[str, Any]] = field(default_factory=list)

    def __repr__(self) -> str:
        """Return the counts as one line."""
        return f"<Counts: {counts_text(self)}>"

    def _repr_html_(self) -> str:
        return card("Counts of leads", pairs(counts_rows(self)))

    @property
    def held_back(self) -> int:
        """The number of leads that were not delivered, without those already processed."""
        return sum(self.held.values()) + sum(self.retry.values())

    @property
    def left_out(self) -> int:
        """The number of leads held back before any step ran, such as duplicates or leads over the row limit."""
        return sum(self.held.get(reason, 0) for reason in LEFT_OUT)

    @property
    def settled(self) -> int:
        """The number of leads that went through the steps and have a final outcome."""
        return self._done + sum(self.held.values()) - self.left_out

    @property
    def balanced(self) -> bool:
        """Whether the counts account for every extracted row."""
        return self.extracted == self.already_processed + self._done + self.held_back + self.waiting

    @property
    def _done(self) -> int:
        return self.delivered + self.renewed + sum(self.withdrawn.values())


def counts_rows(counts: Counts) -> Iterator[tuple[str, str]]:
    """Yield what was counted: its name and the number, with the reasons. What is zero is left out, but deliveries."""
    main = "renewed" if counts.renewed or counts.withdrawn else "delivered"
    for name, number, reasons in _numbers(counts):
        if number or name == main:
            yield name, f"{number:,}{_reasons(reasons)}"
    if counts.cost is not None:
        yield "cost", money(counts.cost)


def counts_text(counts: Counts) -> str:
    """Return the counts as one line.

    >>> counts_text(Counts(extracted=3, delivered=2, held={"no_phone": 1}, cost=0.5))
    '3 extracted, 2 delivered, 1 held back (no phone 1), $0.50'
    """
    found = (f"{number:,} {name}{_reasons(reasons)}" for name, number, reasons in _numbers(counts) if number)
    return ", ".join([*found, *([money(counts.cost)] if counts.cost is not None else [])]) or "nothing"


def _numbers(counts: Counts) -> list[tuple[str, int, Mapping[str, int]]]:
    return [
        ("extracted", counts.extracted, {}),
        ("already processed", counts.already_processed, {}),
        ("delivered", counts.delivered, {}),
        ("renewed", counts.renewed, {}),
        ("withdrawn", sum(counts.withdrawn.values()), counts.withdrawn),
        ("held back", sum(counts.held.values()), counts.held),
        ("may still clear", sum(counts.retry.values()), counts.retry),
        ("waiting", counts.waiting, {}),
        ("lookups bought", counts.bought, {}),
        ("lookups reused", counts.reused, {}),
        ("lookups without an answer", counts.unanswered, {}),
        ("numbers checked", counts.checked, {}),
    ]


def _reasons(reasons: Mapping[str, int]) -> str:
    """Return reasons with their counts, the largest first."""
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{reason.replace('_', ' ')} {n:,}" for reason, n in ordered)
    return f" ({listed})" if listed else ""

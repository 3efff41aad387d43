"""The accounting of a job, in leads."""

from __future__ import annotations

from dataclasses import dataclass, field

# Reasons of leads that are left out: held back before any step ran.
LEFT_OUT = ("duplicate", "no_identity", "unreadable_address", "no_person_name", "over_limit", "forgotten")
# The reason of a lead with the same paid answer, or the same identity, as another lead of the job.
DUPLICATE = "duplicate_person"


@dataclass(frozen=True)
class Counts:
    """The accounting of a job, in leads: extracted = already_processed + delivered + held back + waiting.

    `held` counts the settled leads that were held back, by reason; `retry` those that a resume tries again; `waiting`
    those without a disposition so far. `elsewhere` counts the already processed leads that another job processed after
    this one had its list.

    Lookups: `bought` were answered, `reused` had been paid before, `unanswered` may have been charged although no
    answer came. `checked` counts the numbers sent to the two checks, a number that both checked twice, without reused
    checks. `cost` is the price in dollars of what was bought and checked, None if idicore.price is not set.

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

    @property
    def held_back(self) -> int:
        """Leads that were not delivered, except those already processed."""
        return sum(self.held.values()) + sum(self.retry.values())

    @property
    def left_out(self) -> int:
        """Leads held back before any step ran: duplicates, without a usable name or address, over the row limit."""
        return sum(self.held.get(reason, 0) for reason in LEFT_OUT)

    @property
    def balanced(self) -> bool:
        """Whether every extracted row is accounted for."""
        return self.extracted == self.already_processed + self.delivered + self.held_back + self.waiting

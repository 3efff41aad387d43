"""The accounting of a job, in leads."""

from __future__ import annotations

from dataclasses import dataclass, field

# Why a lead is held back before it is processed at all.
LEFT_OUT = ("duplicate", "no_identity", "unreadable_address", "no_person_name", "over_limit", "forgotten")
# Why a lead is held whose paid answer, or identity, is that of another lead of the job.
DUPLICATE = "duplicate_person"


@dataclass(frozen=True)
class Counts:
    """The accounting of a job, in leads: extracted = already_processed + delivered + held back.

    `held` has a count for each reason, of leads that were settled and `retry` of leads that a resume tries again. Of lookups,
    `bought` were answered, `reused` were paid for before, and `unanswered` may have been charged though no answer came;
    `checked` numbers were sent to the two checks, one that both checked counting twice; what was reused is not among them.
    `cost` is what those bought and those checked came to in dollars, None where idicore.price is not set. Of those already
    processed, `elsewhere` were so by another job after this one had its list.
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
        """Leads not delivered, for whatever reason but having been processed before."""
        return sum(self.held.values()) + sum(self.retry.values())

    @property
    def left_out(self) -> int:
        """Leads held back before they were processed: doubled, without a name or address that can be searched for, over the row limit."""
        return sum(self.held.get(reason, 0) for reason in LEFT_OUT)

    @property
    def balanced(self) -> bool:
        """Whether every extracted row is accounted for."""
        return self.extracted == self.already_processed + self.delivered + self.held_back + self.waiting

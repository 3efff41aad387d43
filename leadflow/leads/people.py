"""Records for a lookup: the person that idiCORE receives, and the phones, candidates and answer that it returns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, ClassVar


@dataclass(frozen=True, repr=False)
class Person:
    """The person of a lookup."""

    person_key: str
    first_name: str
    last_name: str
    address: str
    city: str
    state: str
    zip: str

    def __repr__(self) -> str:
        """Return the key only: a log may contain the repr."""
        return f"Person({self.person_key})"


@dataclass(frozen=True, repr=False)
class Phone:
    """A phone from an answer: E.164, the vendor's type and rank (1 is best), and the date last seen (YYYYMMDD)."""

    number: str
    type: str = ""
    rank: int = 0
    last_seen: str = ""

    def __repr__(self) -> str:
        """Return a text without the number."""
        return f"Phone({self.type}, rank={self.rank})"


@dataclass(frozen=True, repr=False)
class Candidate:
    """A person in a paid answer that leadflow did not accept as the lead's person.

    `pid` is idiCORE's id of the person, or "#1", "#2" ... by position if the answer has no id. `name` and `address` are
    those closest to the lead's. `agrees` and `differs` list the parts: surname, given name, street, unit, area.
    """

    pid: str
    name: str = ""
    address: str = ""
    phones: tuple[Phone, ...] = ()
    emails: tuple[str, ...] = ()
    agrees: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    deceased: bool = False

    def __repr__(self) -> str:
        """Counts, not contents."""
        return f"Candidate({len(self.phones)} phones, agrees={self.agrees}, differs={self.differs})"

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as plain values, for JSON."""
        return {**vars(self), "phones": [vars(phone) for phone in self.phones]}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Candidate:
        """Build a candidate from plain values."""
        lists = {name: tuple(fields[name]) for name in ("emails", "agrees", "differs")}
        return cls(**{**fields, **lists, "phones": tuple(Phone(**phone) for phone in fields["phones"])})


@dataclass(frozen=True, repr=False)
class Answer:
    """A paid answer: `status` is found, no_match, ambiguous, near_match or deceased.

    An answer that needs a review has no phones of its own; its `candidates` have them. `source` is "" for a bought one.
    """

    person_key: str
    status: str
    phones: tuple[Phone, ...] = ()
    emails: tuple[str, ...] = ()
    bought_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    pid: str = ""
    candidates: tuple[Candidate, ...] = ()
    source: str = ""

    # The source of an answer that PERSON_CACHE had: no lookup was bought for it.
    FROM_CACHE: ClassVar[str] = "person_cache"

    def __repr__(self) -> str:
        """Counts, not contents."""
        counts = f"{len(self.phones)} phones, {len(self.emails)} emails, {len(self.candidates)} candidates"
        return f"Answer({self.person_key}, {self.status}, {counts})"

    def to_json(self) -> str:
        """Return the answer as text, for the checkpoints."""
        # Not asdict(): its deep copy takes several times as long as the JSON itself.
        fields = {
            **vars(self),
            "phones": [vars(phone) for phone in self.phones],
            "bought_at": self.bought_at.isoformat(),
        }
        del fields["candidates"]
        if self.candidates:
            fields["candidates"] = [candidate.to_dict() for candidate in self.candidates]
        return json.dumps(fields)

    @classmethod
    def from_json(cls, text: str) -> Answer:
        """Build an answer from text. Records of leadflow 0.1.0 have no candidates."""
        fields = json.loads(text)
        fields["phones"] = tuple(Phone(**phone) for phone in fields["phones"])
        fields["emails"] = tuple(fields["emails"])
        fields["bought_at"] = datetime.fromisoformat(fields["bought_at"])
        fields["candidates"] = tuple(Candidate.from_dict(candidate) for candidate in fields.get("candidates", ()))
        return cls(**fields)

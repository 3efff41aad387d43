"""Records of the house's own do-not-call list: who asked not to be called, since when, and until when that holds.

Sources: 47 CFR 64.1200(d)(3), in force 2025-04-11 (a request is honoured within ten business days); Va. Code 59.1-514
(requests are kept for ten years).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone

# The scope of a request that holds for every campaign.
EVERYWHERE = "all"
# The reason of the mark that `forget` leaves.
FORGOTTEN = "forgotten"


@dataclass(frozen=True, repr=False)
class Suppression:
    """One entry of the list: a phone (E.164) or a lead key, "" for none; a row with both holds for each of them.

    `added_at` is when the request was first recorded (UTC). It holds up to and including `expires_on`, None is for
    ever. `id` names the row in SUPPRESSIONS.
    """

    id: str
    phone: str
    lead_key: str
    reason: str
    source: str
    added_by: str
    added_at: datetime
    scope: str = EVERYWHERE
    expires_on: date | None = None

    def __repr__(self) -> str:
        """Return a text without the phone: a log may contain the repr."""
        what = " and ".join(word for word, there in (("a phone", self.phone), (self.lead_key, self.lead_key)) if there)
        return f"Suppression({what}, {self.scope}, since {self.added_at:%Y-%m-%d})"

    @property
    def subject(self) -> tuple[str, str, str]:
        """What the entry is about: phone, lead key and scope. The mark of a forgotten person is an entry of its own."""
        return self.phone, self.lead_key, f"{self.scope}, {FORGOTTEN}" if self.reason == FORGOTTEN else self.scope

    def holds(self, day: date, scope: str = EVERYWHERE) -> bool:
        """Whether a job of this scope obeys the entry on a day. A job of scope "all" obeys entries of every scope."""
        return (self.expires_on is None or day <= self.expires_on) and obeys(scope, self.scope)


def obeys(own: str, scope: str) -> bool:
    """Whether a job with its own scope obeys an entry of a scope.

    >>> obeys("all", "solar"), obeys("solar", "all"), obeys("solar", "roofs")
    (True, True, False)
    """
    return own == scope or EVERYWHERE in (own, scope)


def suppression_id(phone: str, lead_key: str, scope: str, renewed: date | None = None) -> str:
    """Return the id of an entry. `renewed` is the day on which the entry before it, for the same subject, expired.

    So the same request has one id on every machine, and a request that expired and is made again has a new one.

    >>> suppression_id("", "k1", "all") == suppression_id("", "k1", "all", None) != suppression_id("", "k2", "all")
    True
    """
    text = "|".join((phone, lead_key, scope, renewed.isoformat() if renewed else ""))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def with_id(entry: Suppression) -> Suppression:
    """Return the entry with the id of a first request for its subject."""
    return replace(entry, id=suppression_id(*entry.subject))


def merged(wanted: Suppression, known: Iterable[Suppression], today: date) -> Suppression:
    """Return the entry to write for a request, given the entries that are there for the same subject.

    The first request keeps its time, reason and author, and the longest of all expiries counts. A request whose entries
    have all expired starts anew.
    """
    of_subject = [entry for entry in known if entry.subject == wanted.subject]
    if not of_subject:
        return wanted
    last = max(of_subject, key=lambda entry: _later(entry.expires_on))
    if _later(last.expires_on) >= today:
        until = max(last.expires_on, wanted.expires_on, key=_later)
        return replace(last, expires_on=until)
    return replace(wanted, id=suppression_id(*wanted.subject, last.expires_on))


def _later(day: date | None) -> date:
    return date.max if day is None else day


@dataclass(frozen=True, repr=False)
class Suppressed:
    """The phones (E.164) and the lead keys that may not be called."""

    phones: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Counts, not contents."""
        return f"Suppressed({len(self.phones)} phones, {len(self.keys)} keys)"

    def __bool__(self) -> bool:
        """Whether anything is suppressed."""
        return bool(self.phones or self.keys)

    @classmethod
    def of(cls, entries: Iterable[Suppression], day: date | None = None, scope: str = EVERYWHERE) -> Suppressed:
        """Collect what the entries forbid on a day, today by default, to a job of a scope."""
        day = day or today()
        held = [entry for entry in entries if entry.holds(day, scope)]
        return cls(
            frozenset(entry.phone for entry in held if entry.phone),
            frozenset(entry.lead_key for entry in held if entry.lead_key),
        )


def today() -> date:
    """Return the day, in UTC, by which expiries are judged."""
    return datetime.now(timezone.utc).date()

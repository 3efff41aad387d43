"""What a check said about a phone, and how two checks make one verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum


class Verdict(str, Enum):
    """A phone's verdict. Anything but clean and clean_wireless is not callable."""

    CLEAN = "clean"
    CLEAN_WIRELESS = "clean_wireless"
    LITIGATOR = "litigator"
    DNC = "dnc"
    INTERNAL_DNC = "internal_dnc"
    STATE_WIRELESS = "state_wireless"
    INVALID = "invalid"
    HOLD = "hold"
    UNCHECKED = "unchecked"

    def __str__(self) -> str:
        """The plain word, as sheets and tables hold it."""
        return self.value


# The safe harbour of 47 CFR 64.1200(c)(2)(i)(D): a list no older than 31 days.
OLDEST = timedelta(days=31)

# The zone where a day begins first is UTC+14.
_FIRST_ON_EARTH = timedelta(hours=14)

CALLABLE = frozenset({Verdict.CLEAN, Verdict.CLEAN_WIRELESS})

# The worst of two verdicts wins; unchecked beats clean, so a missing answer never clears a phone.
WORST_FIRST = (
    Verdict.LITIGATOR,
    Verdict.DNC,
    Verdict.INTERNAL_DNC,
    Verdict.STATE_WIRELESS,
    Verdict.INVALID,
    Verdict.HOLD,
    Verdict.UNCHECKED,
    Verdict.CLEAN_WIRELESS,
    Verdict.CLEAN,
)


def worst(*verdicts: Verdict) -> Verdict:
    """The verdict that decides when several checks spoke; no checks at all is unchecked.

    >>> str(worst(Verdict.CLEAN, Verdict.UNCHECKED))
    'unchecked'
    """
    return min(verdicts, key=WORST_FIRST.index, default=Verdict.UNCHECKED)


@dataclass(frozen=True)
class Scrub:
    """One check of one phone: what was said, by whom, when, with which raw code and list date."""

    phone: str
    check: str  # "litigator" or "dnc"
    verdict: Verdict
    provider: str
    code: str
    checked_at: datetime
    list_date: str = ""
    policy: str = ""

    def __repr__(self) -> str:
        """Without the phone: a repr may end up in a log."""
        return f"Scrub({self.check}, {self.verdict}, {self.provider}, code={self.code!r})"

    def fresh(self, now: datetime, max_age: timedelta) -> bool:
        """Whether the check is recent enough to count, and its list no older than the law allows; one from the future is not."""
        return timedelta(minutes=-5) <= now - self.checked_at <= max_age and self._list_is_fresh(now)

    def _list_is_fresh(self, now: datetime) -> bool:
        """By the day: a list says of itself no more than that. A check that names no list is as old as itself."""
        if not self.list_date:
            return True
        try:
            return list_counts(date.fromisoformat(self.list_date), now)
        except ValueError:
            return False


def list_counts(day: date, now: datetime) -> bool:
    """Whether a list of this day may be used now (UTC): at most 31 days old, and not of a day that is nowhere on earth yet.

    >>> from datetime import timezone
    >>> at = datetime(2026, 11, 25, 11, tzinfo=timezone.utc)
    >>> list_counts(date(2026, 11, 26), at), list_counts(date(2026, 11, 27), at)
    (True, False)
    """
    return now.date() - day <= OLDEST and day <= (now + _FIRST_ON_EARTH).date()

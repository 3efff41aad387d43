"""Verdicts of phone checks, the record of a check, and the combination of verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum


class Verdict(str, Enum):
    """A phone's verdict. Only clean and clean_wireless allow a call."""

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
        """Return the verdict's value, as in sheets and tables."""
        return self.value


# The safe harbour of 47 CFR 64.1200(c)(2)(i)(D): a list no older than 31 days.
OLDEST = timedelta(days=31)

# A day begins first in the time zone UTC+14.
_FIRST_ON_EARTH = timedelta(hours=14)

CALLABLE = frozenset({Verdict.CLEAN, Verdict.CLEAN_WIRELESS})

# The verdicts of a flagged phone: the check found it on a list. A phone that two checks find is flagged by both. The
# verdicts invalid and hold forbid a call as well, but come from no list.
FLAGGED = frozenset({Verdict.LITIGATOR, Verdict.DNC, Verdict.INTERNAL_DNC, Verdict.STATE_WIRELESS})

# The worst verdict takes precedence. Unchecked is worse than clean: a missing answer never clears a phone.
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
    """Return the worst of several verdicts; without arguments return unchecked.

    >>> str(worst(Verdict.CLEAN, Verdict.UNCHECKED))
    'unchecked'
    """
    return min(verdicts, key=WORST_FIRST.index, default=Verdict.UNCHECKED)


@dataclass(frozen=True)
class Scrub:
    """The recorded result of one check of one phone: verdict, provider, raw code, time (UTC) and list date.

    `calling_window` is the provider's answer on when the phone may be called, in its own words; "" without one.
    """

    phone: str
    check: str  # "litigator" or "dnc"
    verdict: Verdict
    provider: str
    code: str
    checked_at: datetime
    list_date: str = ""
    policy: str = ""
    calling_window: str = ""

    def __repr__(self) -> str:
        """Return a text without the phone: a log may contain the repr."""
        return f"Scrub({self.check}, {self.verdict}, {self.provider}, code={self.code!r})"

    def fresh(self, now: datetime, max_age: timedelta) -> bool:
        """Whether the check is at most `max_age` old and its list at most 31 days old. A future check is not fresh."""
        return timedelta(minutes=-5) <= now - self.checked_at <= max_age and self._list_is_fresh(now)

    def _list_is_fresh(self, now: datetime) -> bool:
        """Compare days, because a list has no time. A check without a list date passes."""
        if not self.list_date:
            return True
        try:
            return list_counts(date.fromisoformat(self.list_date), now)
        except ValueError:
            return False


def list_counts(day: date, now: datetime) -> bool:
    """Whether a list with this date may be used now (UTC).

    The list must be at most 31 days old, and its day must have begun in at least one time zone.

    Source: 47 CFR 64.1200(c)(2)(i)(D), the safe harbor for lists of at most 31 days.

    >>> from datetime import timezone
    >>> at = datetime(2026, 11, 25, 11, tzinfo=timezone.utc)
    >>> list_counts(date(2026, 11, 26), at), list_counts(date(2026, 11, 27), at)
    (True, False)
    """
    return now.date() - day <= OLDEST and day <= (now + _FIRST_ON_EARTH).date()

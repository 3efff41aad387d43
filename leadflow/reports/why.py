"""Why one lead was delivered or not: one sentence, and the evidence. Data and its rendering; reads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from leadflow.display.elements import card, muted, said, stacked_table
from leadflow.display.units import local_time

if TYPE_CHECKING:
    import pandas as pd

# The words of a fact. The first three are events of the callers' sheet.
DELIVERED, RENEWED, WITHDRAWN = "delivered", "renewed", "withdrawn"
HELD, RETRY, PROCESSED, LEFT_OUT, WAITING = "held", "retry", "processed", "left out", "waiting"
CHECKED, LISTED, FORGOTTEN, ANSWERED, RECORDED = (
    "checked",
    "on the do-not-call list",
    "forgotten",
    "answered",
    "recorded",
)
SHEET_EVENTS = (DELIVERED, RENEWED, WITHDRAWN)


@dataclass(frozen=True, repr=False)
class Fact:
    """One thing that is known of a lead: when (UTC), what, the reason, the job, where it is recorded, and a detail.

    `phone` is the phone that it is about (E.164), `place` its place in the lead from 1, 0 if it is about none.
    """

    at: datetime
    what: str
    source: str
    job_id: str = ""
    reason: str = ""
    detail: str = ""
    phone: str = ""
    place: int = 0
    until: date | None = None
    rescrub: bool = False

    def __repr__(self) -> str:
        """Return a text without the phone."""
        return f"Fact({self.at:%Y-%m-%d}, {self.what}, {self.reason}, {self.source})"

    @property
    def order(self) -> tuple[datetime, int]:
        """The place in time. The ledger knows seconds; of one second, a withdrawal is the later event."""
        rank = (DELIVERED, RENEWED, RECORDED, LISTED, WITHDRAWN)
        return self.at.replace(microsecond=0), rank.index(self.what) if self.what in rank else -1


@dataclass(frozen=True, repr=False)
class Why:
    """The answer of lf.why: `sentence` says why the lead was delivered or not, `facts` are what is known, oldest first.

    `keys` are the person's keys, of which another spelling has another. `notes` say what could not be looked at. It
    shows itself in a notebook without phones; `evidence` has them.
    """

    keys: tuple[str, ...]
    sentence: str
    facts: Sequence[Fact] = ()
    notes: Sequence[str] = field(default_factory=tuple[str, ...])

    @property
    def evidence(self) -> pd.DataFrame:
        """What is known, oldest first. It holds personal data, the phones: do not log it.

        Columns: at (UTC), what, reason, job_id, detail, phone (E.164), place (of the phone in the lead), source.
        """
        import pandas as pd

        names = ["at", "what", "reason", "job_id", "detail", "phone", "place", "source"]
        rows = [[getattr(fact, name) for name in names] for fact in self.facts]
        return pd.DataFrame(rows, columns=pd.Index(names)).astype({"at": "datetime64[us, UTC]"})

    def __repr__(self) -> str:
        """Return the sentence, the evidence and the notes, without phones."""
        lines = [self.sentence, *("  " + "  ".join(filter(None, row)) for row in self._rows()), *self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        header = ("When", "What", "Reason", "Job", "Detail", "Recorded in")
        table = stacked_table(header, self._rows()) if self.facts else ""
        hint = "The phones are in .evidence, which holds personal data." if any(f.phone for f in self.facts) else ""
        notes = "".join(map(muted, filter(None, (*self.notes, hint))))
        return card(f"Why: lead {self.keys[0]}", f"{said(self.sentence)}{table}{notes}")

    def _rows(self) -> list[list[str]]:
        return [
            [local_time(fact.at), fact.what, fact.reason.replace("_", " "), fact.job_id, _detail(fact), fact.source]
            for fact in self.facts
        ]


def _detail(fact: Fact) -> str:
    where = f"phone {fact.place}" if fact.place else "one of its phones" if fact.phone else ""
    return ", ".join(filter(None, (where, fact.detail)))

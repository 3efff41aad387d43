"""Scrubs: the last check of each phone against each list, and the count of numbers that each job checked."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from leadflow.checkpoints.database import Database, from_json
from leadflow.leads.verdicts import FLAGGED, Scrub, Verdict

_INSERT = f"INSERT OR REPLACE INTO scrubs SELECT {from_json('phone', 'kind', 'payload')}, ? FROM json_each(?)"
_COUNT = "INSERT INTO checked VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET numbers = numbers + excluded.numbers"
_COUNT_FLAGGED = _COUNT.replace("INTO checked", "INTO flagged")


class Scrubs(Database):
    """The scrubs of all jobs."""

    def save_scrubs(self, scrubs: Iterable[Scrub], job_id: str = "") -> None:
        """Store the newest scrub of each phone and kind of check. With a job, count them as checks that it paid for."""
        found = list(scrubs)
        rows = json.dumps([(s.phone, s.check, _to_json(s)) for s in found])
        with self.transaction() as db:
            db.execute(_INSERT, (time.time(), rows))
            for kind, numbers in Counter(s.check for s in found).items() if job_id else ():
                db.execute(_COUNT, (job_id, kind, numbers))
            for kind, numbers in Counter(s.check for s in found if s.verdict in FLAGGED).items() if job_id else ():
                db.execute(_COUNT_FLAGGED, (job_id, kind, numbers))

    def scrubs(self, phones: Iterable[str], check: str) -> dict[str, Scrub]:
        """Return the last scrub of this kind for each phone that has one."""
        sql = "SELECT phone, payload FROM scrubs WHERE kind = ? AND phone IN"
        return {phone: _from_json(payload) for phone, payload in self._select_in(sql, phones, check)}

    def count_checked(self, job_id: str, kind: str, numbers: int) -> None:
        """Count numbers that a job checked without storing their scrubs."""
        with self.transaction() as db:
            db.execute(_COUNT, (job_id, kind, numbers))

    def checked(self, job_id: str) -> dict[str, int]:
        """Return the count of numbers that the job checked in all its runs, by kind, without reused scrubs."""
        with self.reading() as db:
            return dict(db.execute("SELECT kind, numbers FROM checked WHERE job_id = ?", (job_id,)).fetchall())


def _to_json(scrub: Scrub) -> str:
    _, *values = vars(scrub).values()
    return f'{{"phone": {json.dumps(scrub.phone)}, {_rest(*values)}'


@lru_cache(maxsize=1_024)  # the scrubs of one answer differ in little but the phone
def _rest(check: str, verdict: Verdict, *values: Any) -> str:
    fields = vars(Scrub("", check, verdict, *values))
    fields = {**fields, "verdict": str(verdict), "checked_at": fields["checked_at"].isoformat()}
    return json.dumps({name: value for name, value in fields.items() if name != "phone"})[1:]


def _from_json(text: str) -> Scrub:
    fields = json.loads(text)
    return Scrub(
        **{**fields, "verdict": Verdict(fields["verdict"]), "checked_at": datetime.fromisoformat(fields["checked_at"])}
    )

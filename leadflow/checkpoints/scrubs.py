"""Scrubs: the last check of each phone against each list, and the count of numbers that each job checked."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from leadflow.checkpoints.database import Database
from leadflow.leads.verdicts import FLAGGED, Scrub, Verdict

# The phones of one statement are a JSON array. The rest of their payloads is one text.
_SAVE = """
    INSERT INTO scrubs SELECT value, ?, '{"phone": ' || json_quote(value) || ', ' || ?, ? FROM json_each(?) WHERE TRUE
    ON CONFLICT DO UPDATE SET payload = excluded.payload, saved_at = excluded.saved_at"""
_COUNT = "INSERT INTO checked VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET numbers = numbers + excluded.numbers"
_COUNT_FLAGGED = _COUNT.replace("INTO checked", "INTO flagged")


class Scrubs(Database):
    """The scrubs of all jobs."""

    def save_scrubs(self, scrubs: Iterable[Scrub], job_id: str = "") -> None:
        """Store the newest scrub of each phone and kind of check. With a job, count them as checks that it paid for."""
        found = list(scrubs)
        newest = {(scrub.phone, scrub.check): scrub for scrub in found}
        rows = list(_rows(newest.values(), time.time()))
        with self.transaction() as db:
            db.executemany(_SAVE, rows)
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


def _rows(scrubs: Iterable[Scrub], now: float) -> Iterator[tuple[str, str, float, str]]:
    """Yield the values of _SAVE for all phones whose scrubs differ in nothing else, as many of one answer do."""
    phones: dict[tuple[Any, ...], list[str]] = {}
    for scrub in scrubs:
        phone, *said = vars(scrub).values()
        phones.setdefault(tuple(said), []).append(phone)
    for said, group in phones.items():
        scrub = Scrub("", *said)
        fields = {**vars(scrub), "verdict": str(scrub.verdict), "checked_at": scrub.checked_at.isoformat()}
        del fields["phone"]
        yield scrub.check, json.dumps(fields)[1:], now, json.dumps(group)


def _from_json(text: str) -> Scrub:
    fields = json.loads(text)
    return Scrub(
        **{**fields, "verdict": Verdict(fields["verdict"]), "checked_at": datetime.fromisoformat(fields["checked_at"])}
    )

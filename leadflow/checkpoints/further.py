"""Paid answers of further sources, their lost searches, and the flagged numbers of each job. Each write is on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from leadflow.checkpoints.database import Database
from leadflow.leads.people import Answer

# As for bought answers: not for a job that was pruned, nor for a person who was forgotten meanwhile.
_SAVE = """
INSERT INTO further_answers SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE ?4 IN (SELECT job_id FROM jobs) AND NOT EXISTS (
  SELECT 1 FROM leads WHERE job_id = ?4 AND person_key = ?1 AND (disposition = 'forgotten' OR row = '{}'))
ON CONFLICT (person_key, provider) DO UPDATE
SET payload = excluded.payload, job_id = excluded.job_id, saved_at = excluded.saved_at, cost = excluded.cost
"""
_LOST = """INSERT INTO further_lost VALUES (?, ?, 1, ?)
ON CONFLICT DO UPDATE SET searches = searches + 1, cost = cost + excluded.cost"""
_HIT = "json_extract(payload, '$.status') = 'found' AND json_array_length(payload, '$.phones') > 0"
_BOUGHT = f"""SELECT provider, count(*), sum({_HIT}), sum(cost), 0
FROM further_answers WHERE job_id = ?1 GROUP BY provider
UNION ALL SELECT provider, 0, 0, cost, searches FROM further_lost WHERE job_id = ?1"""


@dataclass(frozen=True)
class Bought:
    """What a job bought of a further source: answers, those with phones, dollars, and searches without an answer."""

    asked: int = 0
    hits: int = 0
    cost: float = 0.0
    lost: int = 0

    def plus(self, asked: int, hits: int, cost: float, lost: int) -> Bought:
        """Return the sum."""
        return Bought(self.asked + asked, self.hits + hits, self.cost + cost, self.lost + lost)


class Further(Database):
    """The answers of further sources, by lead and source."""

    def save_further(self, job_id: str, provider: str, answer: Answer, cost: float) -> None:
        """Store an answer and the dollars that it cost, before it is used."""
        row = (answer.person_key, provider, answer.to_json(), job_id, time.time(), cost)
        with self.transaction() as db:
            db.execute(_SAVE, row)

    def count_lost(self, job_id: str, provider: str, cost: float) -> None:
        """Count a search that brought no answer and may have been charged."""
        with self.transaction() as db:
            db.execute(_LOST, (job_id, provider, cost))

    def further_answers(self, person_keys: Iterable[str], provider: str) -> dict[str, Answer]:
        """Return the answers of one source that are already paid for, by person key."""
        sql = "SELECT person_key, payload FROM further_answers WHERE provider = ? AND person_key IN"
        return {key: Answer.from_json(payload) for key, payload in self._select_in(sql, person_keys, provider)}

    def near_matches(self, person_keys: Iterable[str]) -> dict[str, Answer]:
        """Return for each lead the first near match of a further source, by person key."""
        is_near = "json_extract(payload, '$.status') = 'near_match'"
        sql = f"SELECT person_key, payload FROM further_answers WHERE {is_near} AND person_key IN"
        rows = [(key, Answer.from_json(payload)) for key, payload in self._select_in(sql, person_keys)]
        return dict(sorted(rows, key=lambda row: row[1].bought_at, reverse=True))

    def further_bought(self, job_id: str) -> dict[str, Bought]:
        """Return what the job bought in all its runs, by source."""
        found: dict[str, Bought] = {}
        with self.reading() as db:
            rows = db.execute(_BOUGHT, (job_id,)).fetchall()
        for provider, asked, hits, cost, lost in rows:
            found[provider] = found.get(provider, Bought()).plus(asked, hits or 0, cost or 0.0, lost)
        return found

    def further_hit_rate(self, provider: str, least: int = 20) -> float | None:
        """Return the share of the newest thousand answers of a source that had phones; None with fewer than `least`."""
        newest = "SELECT payload FROM further_answers WHERE provider = ? ORDER BY saved_at DESC LIMIT 1000"
        return self._share_of_hits(newest, least, provider)

    def hit_rate(self, least: int = 20) -> float | None:
        """Return the share of idiCORE's newest thousand answers that had phones; None with fewer than `least`."""
        return self._share_of_hits("SELECT payload FROM answers ORDER BY rowid DESC LIMIT 1000", least)

    def _share_of_hits(self, newest: str, least: int, *values: str) -> float | None:
        with self.reading() as db:
            count, mean = db.execute(f"SELECT count(*), avg({_HIT}) FROM ({newest})", values).fetchone()
        return mean if count >= least else None

    def bought_with_phones(self, job_id: str) -> int:
        """Return the number of idiCORE's answers that the job bought and that had phones."""
        sql = "SELECT count(*) FROM answers WHERE job_id = ? AND coalesce(json_extract(payload, '$.source'), '') = ''"
        with self.reading() as db:
            return int(db.execute(f"{sql} AND {_HIT}", (job_id,)).fetchone()[0])

    def flagged_numbers(self, job_id: str) -> dict[str, int]:
        """Return how many of the numbers that the job paid to check were flagged, by kind."""
        with self.reading() as db:
            return dict(db.execute("SELECT kind, numbers FROM flagged WHERE job_id = ?", (job_id,)).fetchall())

    def drop_further(self, person_keys: Iterable[str], before: float) -> None:
        """Delete the answers of these leads that were stored before a time, in seconds since 1970."""
        with self.transaction() as db:
            sql = "DELETE FROM further_answers WHERE person_key IN (SELECT value FROM json_each(?)) AND saved_at < ?"
            db.execute(sql, (json.dumps(list(person_keys)), before))

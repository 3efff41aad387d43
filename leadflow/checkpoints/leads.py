"""The leads of jobs: their rows as extracted, and their dispositions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from leadflow.checkpoints.database import Database
from leadflow.leads.counts import MEANWHILE

# A lead with one of these dispositions is settled. `processed`: another job processed it meanwhile.
# `forgotten`: lf.forget removed the person before the lead was settled. `suppressed`: the person asked not to be called
# after the leads were listed and before the lookup. `renewed` and `withdrawn`: of a re-scrub.
_FINAL = ("delivered", "held", "processed", "forgotten", "suppressed", "renewed", "withdrawn")
# Disposition and reason of such a lead.
SUPPRESSED = ("suppressed", MEANWHILE)
OPEN = f"coalesce(disposition, '') NOT IN {_FINAL}"
_INSERT = "INSERT OR IGNORE INTO leads (job_id, person_key, seq, batch, row) VALUES (?, ?, ?, ?, ?)"
_SETTLE = """UPDATE leads SET disposition = ?, reason = ?
WHERE job_id = ? AND person_key IN (SELECT value FROM json_each(?))"""


@dataclass(frozen=True)
class StoredBatch:
    """Leads of one batch that are not settled yet: batch number and rows as dicts of text."""

    number: int
    first_row: int
    rows: list[dict[str, str]]


class Leads(Database):
    """The leads of all jobs."""

    def add_leads(self, job_id: str, batch: int, first_row: int, rows: list[dict[str, str]]) -> None:
        """Store a batch of leads as extracted."""
        values = [(job_id, r["person_key"], first_row + i, batch, json.dumps(r)) for i, r in enumerate(rows)]
        with self.transaction() as db:
            db.executemany(_INSERT, values)

    def drop_leads(self, job_id: str) -> None:
        """Delete the leads of an extraction that broke off. None of them is paid for yet."""
        with self.transaction() as db:
            db.execute("DELETE FROM leads WHERE job_id = ?", (job_id,))

    def settle(self, job_id: str, outcomes: Iterable[tuple[str, str, str]]) -> None:
        """Store (person_key, disposition, reason) of leads. `delivered`, `held` and `processed` are final."""
        alike: dict[tuple[str, str], list[str]] = {}
        for key, disposition, reason in outcomes:
            alike.setdefault((disposition, reason), []).append(key)
        with self.transaction() as db:
            for (disposition, reason), keys in alike.items():
                db.execute(_SETTLE, (disposition, reason, job_id, json.dumps(keys)))

    def unsettled(self, job_id: str, only: Collection[str] | None = None) -> Iterator[StoredBatch]:
        """Yield the batches with their unsettled leads, in order. With `only`, yield these leads alone."""
        open_leads = f"{OPEN} AND (?2 IS NULL OR person_key IN (SELECT value FROM json_each(?2)))"
        keys = None if only is None else json.dumps(list(only))
        with self.reading() as db:
            numbers = db.execute(
                f"SELECT DISTINCT batch FROM leads WHERE job_id = ?1 AND {open_leads} ORDER BY batch", (job_id, keys)
            ).fetchall()
        for (number,) in numbers:
            with self.reading() as db:
                rows = db.execute(
                    f"SELECT seq, row FROM leads WHERE job_id = ?1 AND batch = ?3 AND {open_leads} ORDER BY seq",
                    (job_id, keys, number),
                ).fetchall()
            if rows:
                yield StoredBatch(number, rows[0][0], [json.loads(row) for _, row in rows])

    def unsettled_keys(self, job_id: str, person_keys: Iterable[str]) -> set[str]:
        """Return those of these leads that are on the job's list and not settled."""
        sql = f"SELECT person_key FROM leads WHERE job_id = ? AND {OPEN} AND person_key IN"
        return {key for (key,) in self._select_in(sql, person_keys, job_id)}

    def waiting_in(self, person_keys: Iterable[str]) -> list[tuple[str, str]]:
        """Return person key and job of these leads where they are listed and have no outcome at all."""
        sql = "SELECT person_key, job_id FROM leads WHERE coalesce(disposition, '') = '' AND person_key IN"
        return list(self._select_in(sql, person_keys))

    def rows_with(self, words: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield the key and the row of each listed lead whose row has all these words, in any case."""
        wanted = [word.lower() for word in words]
        where = " AND ".join(["instr(lower(row), ?) > 0"] * len(wanted)) or "false"
        with self.reading() as db:
            found = db.execute(f"SELECT DISTINCT person_key, row FROM leads WHERE {where}", wanted).fetchall()
        yield from ((key, json.loads(row)) for key, row in found)

    def decided(self, job_id: str) -> dict[str, str]:
        """Return the reason of each lead that a re-scrub decided to withdraw, and has not recorded yet."""
        sql = "SELECT person_key, reason FROM leads WHERE job_id = ? AND disposition = 'withdraw'"
        with self.reading() as db:
            return dict(db.execute(sql, (job_id,)).fetchall())

    def columns(self, job_id: str) -> list[str]:
        """Return the columns of a job's unsettled leads; none if all are settled."""
        with self.reading() as db:
            row = db.execute(f"SELECT row FROM leads WHERE job_id = ? AND {OPEN} LIMIT 1", (job_id,)).fetchone()
        return list(json.loads(row[0])) if row else []

    def tally(self, job_id: str) -> dict[tuple[str, str], int]:
        """Return the number of leads by (disposition, reason). A lead without an outcome has ("", "")."""
        sql = "SELECT coalesce(disposition, ''), reason, count(*) FROM leads WHERE job_id = ? GROUP BY 1, 2"
        with self.reading() as db:
            return {(disposition, reason): count for disposition, reason, count in db.execute(sql, (job_id,))}

    def keys(self, job_id: str, *dispositions: str) -> list[str]:
        """Return the keys of the job's leads with one of these dispositions, or of all its leads."""
        sql = "SELECT person_key FROM leads WHERE job_id = ?"
        if dispositions:
            sql += f" AND disposition IN ({','.join('?' * len(dispositions))})"
        with self.reading() as db:
            return [key for (key,) in db.execute(f"{sql} ORDER BY seq", (job_id, *dispositions))]

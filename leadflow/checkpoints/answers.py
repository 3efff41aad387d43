"""Paid answers. Each is in a journal as soon as it comes in, and in the file before it is used."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from leadflow.checkpoints import journal
from leadflow.checkpoints.database import Database, from_json
from leadflow.errors import HistoryError
from leadflow.leads.people import Answer

# An answer that PERSON_CACHE had cost nothing.
_BOUGHT = "coalesce(json_extract(payload, '$.source'), '') = ''"
_COLUMNS = ("person_key", "payload", "job_id", "saved_at")
_NEWEST = "SELECT payload FROM answers ORDER BY rowid DESC LIMIT 1000"
# An answer is dropped if its job was pruned or its person forgotten meanwhile, or if a newer one is stored.
_INSERT = f"""
WITH came AS (SELECT {from_json(*_COLUMNS)} FROM json_each(?))
INSERT INTO answers ({", ".join(_COLUMNS)}) SELECT * FROM came
WHERE job_id IN (SELECT job_id FROM jobs) AND NOT EXISTS (
  SELECT 1 FROM leads WHERE leads.job_id = came.job_id AND leads.person_key = came.person_key
  AND (disposition = 'forgotten' OR row = '{{}}'))
ON CONFLICT (person_key) DO UPDATE
SET payload = excluded.payload, job_id = excluded.job_id, saved_at = excluded.saved_at
WHERE excluded.saved_at > answers.saved_at
"""


class Answers(Database):
    """The paid answers of all jobs."""

    def __init__(self, path: Path) -> None:
        self._journal: journal.Journal | None = None
        super().__init__(path)

    def save_answer(self, job_id: str, answer: Answer) -> None:
        """Store a paid answer, so that it survives a kill of the process. Call `sync` before you use it."""
        record = json.dumps([answer.person_key, answer.to_json(), job_id, time.time()]).encode()
        self._raise_write_error()
        if self._journal is not None and self._journal.add(record):
            return
        try:
            # The journal is full, or this disk has no journal.
            self._empty_journal()
            self._write_answers([record])
        except HistoryError as error:
            # The next answers could not be stored either.
            self._write_error = error
            raise

    def sync(self) -> None:
        """Wait until all saved answers are on disk."""
        if self._journal is not None:
            self._journal.hand_over(self._write_answers)

    def answers(self, person_keys: Iterable[str]) -> dict[str, Answer]:
        """Return the answers already paid for, by person key."""
        self._gather()
        sql = "SELECT person_key, payload FROM answers WHERE person_key IN"
        return {key: Answer.from_json(payload) for key, payload in self._select_in(sql, person_keys)}

    def bought(self, job_id: str, status: str | None = None) -> int:
        """Return the number of answers that the job bought in all its runs; with a status, only of that status."""
        self._gather()
        of_status = "" if status is None else " AND json_extract(payload, '$.status') = ?"
        with self.reading() as db:
            sql = f"SELECT count(*) FROM answers WHERE job_id = ? AND {_BOUGHT}{of_status}"
            return int(db.execute(sql, (job_id,) if status is None else (job_id, status)).fetchone()[0])

    def take_over(self, job_id: str, answers: Iterable[Answer]) -> None:
        """Store answers that PERSON_CACHE had, for leads without a bought answer here. They do not count as bought."""
        found = {answer.person_key: answer for answer in answers}
        known = self.answers(found)
        rows = [(key, a.to_json(), job_id, time.time()) for key, a in found.items() if key not in known]
        if rows:
            self._write_answers([json.dumps(row).encode() for row in rows])

    def drop_answers(self, person_keys: Iterable[str], before: float) -> None:
        """Delete the answers of these leads that were stored before a time, in seconds since 1970."""
        self._gather()
        with self.transaction() as db:
            sql = "DELETE FROM answers WHERE person_key IN (SELECT value FROM json_each(?)) AND saved_at < ?"
            db.execute(sql, (json.dumps(list(person_keys)), before))

    def phones_a_lead(self, least: int = 20) -> float | None:
        """Return the mean number of phones of the newest thousand answers; None if there are fewer than `least`."""
        return self._mean_of_newest("json_array_length(payload, '$.phones')", least)

    def no_match_share(self, least: int = 20) -> float:
        """Return the share of the newest thousand answers that found nobody; 0 if there are fewer than `least`."""
        return self._mean_of_newest("json_extract(payload, '$.status') = 'no_match'", least) or 0.0

    def close(self) -> None:
        """Write the records of the journal to the file, and close both."""
        if self._journal is not None:
            with suppress(HistoryError):
                self._empty_journal()
            self._journal.close()
            self._journal = None
        super().close()

    def _mean_of_newest(self, value: str, least: int) -> float | None:
        with self.reading() as db:
            count, mean = db.execute(f"SELECT count(*), avg({value}) FROM ({_NEWEST})").fetchone()
        return mean if count >= least else None

    def _open_journal(self) -> None:
        """Make the journal of this process.

        A disk on which WAL does not work gets no journal, because files mapped into memory do not work there either.
        A full disk gets no journal, and the next write reports the full disk.
        """
        with self._lock:
            if self._wal and self._journal is None:
                with suppress(OSError, NotImplementedError):
                    self._journal = journal.Journal(self.path)

    def _empty_journal(self) -> None:
        if self._journal is not None:
            self._journal.empty(self._write_answers)

    def _gather(self) -> None:
        """Write the answers of all journals to the file: those of this process, and of running and killed ones."""
        self.sync()
        try:
            for records, remove in journal.others(self.path, self._journal):
                if records:
                    self._write_answers(records)
                remove()
        except OSError as error:
            raise self._unwritten(sqlite3.OperationalError(error.strerror)) from error

    def _write_answers(self, records: list[bytes]) -> None:
        with self.transaction() as db:
            db.execute(_INSERT, (f"[{b','.join(records).decode()}]",))

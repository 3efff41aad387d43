"""Paid answers and job positions, durable before anything else is done with them.

One SQLite file (0600) next to the history: many threads and processes may use it, and a killed process
leaves it whole. What is written survives a kill of the process at once, and a loss of power once `sync` has returned,
which every write but `save_answer` waits for: an answer goes into the journal, which costs microseconds, and into the
file with the next `sync`. It holds personal data until a job's checkpoints are pruned; `forget` removes one person.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from leadflow.checkpoints import journal
from leadflow.errors import HistoryError, JobNotFound
from leadflow.leads.people import Answer
from leadflow.leads.phone_text import phones_in
from leadflow.leads.verdicts import Scrub, Verdict

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    person_key TEXT PRIMARY KEY, payload TEXT NOT NULL, job_id TEXT NOT NULL, saved_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS scrubs (
    phone TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, saved_at REAL NOT NULL,
    PRIMARY KEY (phone, kind));
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, plan TEXT NOT NULL, counts TEXT, extracted_at REAL, ended_at REAL);
CREATE TABLE IF NOT EXISTS leads (
    job_id TEXT NOT NULL, person_key TEXT NOT NULL, seq INTEGER NOT NULL, batch INTEGER NOT NULL,
    row TEXT NOT NULL, disposition TEXT, reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, person_key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pids (
    job_id TEXT NOT NULL, pid TEXT NOT NULL, person_key TEXT NOT NULL, PRIMARY KEY (job_id, pid)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accepted (
    job_id TEXT NOT NULL, person_key TEXT NOT NULL, pid TEXT NOT NULL, accepted_at REAL NOT NULL,
    PRIMARY KEY (job_id, person_key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checked (
    job_id TEXT NOT NULL, kind TEXT NOT NULL, numbers INTEGER NOT NULL, PRIMARY KEY (job_id, kind));
CREATE TABLE IF NOT EXISTS turns (turn INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE);
CREATE INDEX IF NOT EXISTS leads_in_order ON leads (job_id, batch, seq);
"""
# A lead with one of these dispositions is settled for good; `processed` means by another job, meanwhile, and `forgotten`
# that lf.forget removed the person before that.
_FINAL = ("delivered", "held", "processed", "forgotten")
_OPEN = f"coalesce(disposition, '') NOT IN {_FINAL}"
_KEYS_A_QUERY = 500
_OF_A_LEAD = ("pids", "accepted")
_COUNT_CHECKED = "INSERT INTO checked VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET numbers = numbers + excluded.numbers"
_ANSWER = ("person_key", "payload", "job_id", "saved_at")


@dataclass(frozen=True)
class StoredBatch:
    """Leads of one batch that are not settled yet: batch number and rows as dicts of text."""

    number: int
    first_row: int
    rows: list[dict[str, str]]


class Checkpoints:
    """The store; safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        os.chmod(path, 0o600)
        self._write = threading.RLock()
        self._broken: HistoryError | None = None
        self._journal: journal.Journal | None = None
        self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self.path, timeout=60, check_same_thread=False, isolation_level=None)
            self._wal = db.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal"
            db.execute(f"PRAGMA synchronous={'NORMAL' if self._wal else 'FULL'}")
            db.execute("PRAGMA secure_delete=ON")
            db.executescript(_SCHEMA)
            _migrate(db)
            _sync_folder(self.path.parent)
        except sqlite3.DatabaseError as error:
            raise HistoryError(
                f"the checkpoint file {self.path} cannot be opened ({error}). Do not delete it: it holds paid answers. "
                "Move it away and restore a copy, or start without it to buy its unfinished leads again"
            ) from error
        return db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing, and on disk at the end."""
        with self._write:
            self._raise_if_broken()
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._rollback()
                raise self._unwritten(error) from error
            except BaseException:
                self._rollback()
                raise
        self._flush()

    def _raise_if_broken(self) -> None:
        if self._broken:
            raise self._broken

    def sync(self) -> None:
        """Wait until every answer that was saved is on disk."""
        if self._journal is not None:
            self._journal.hand_over(self._keep)

    def _empty_journal(self) -> None:
        if self._journal is not None:
            self._journal.empty(self._keep)

    def _flush(self) -> None:
        """Wait until what was committed is on disk: WAL's frames count once they are, see https://sqlite.org/wal.html."""
        if not self._wal:
            return
        try:
            log = os.open(f"{self.path}-wal", os.O_RDWR)
            try:
                os.fsync(log)
            finally:
                os.close(log)
        except FileNotFoundError:
            return  # closed, by the last connection, which left all in the file itself
        except OSError as error:
            raise self._unwritten(sqlite3.OperationalError(error.strerror)) from error

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._write:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise self._damaged(error) from error

    def _unwritten(self, error: sqlite3.Error) -> HistoryError:
        if not isinstance(error, sqlite3.OperationalError):
            return self._damaged(error)
        return HistoryError(
            f"checkpoints could not be written to {self.path} ({error}). Free disk space or fix its permissions, then engine.resume(job_id)"
        )

    def _damaged(self, error: sqlite3.Error) -> HistoryError:
        return HistoryError(
            f"checkpoints could not be read from {self.path} ({error}). Do not delete the file: it holds paid answers. "
            "Copy it, mend the copy with: sqlite3 FILE .recover, put it back and engine.resume(job_id)"
        )

    def try_again(self) -> None:
        """After a failed write, such as a full disk: let a new or resumed job write again."""
        with self._write:
            self._broken = None

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def save_answer(self, job_id: str, answer: Answer) -> None:
        """Keep a paid answer; a kill of the process loses it no more. Before it is used, `sync`."""
        record = json.dumps([answer.person_key, answer.to_json(), job_id, time.time()]).encode()
        self._raise_if_broken()
        if self._journal is not None and self._journal.add(record):
            return
        try:
            # The journal is full, or this disk has none.
            self._empty_journal()
            self._keep([record])
        except HistoryError as error:
            # What is bought after this could not be kept either.
            self._broken = error
            raise

    def _open_journal(self) -> None:
        """Where WAL does not work, nor does memory that is shared with a file; without room on the disk the next write says so."""
        with self._write:
            if self._wal and self._journal is None:
                with suppress(OSError, NotImplementedError):
                    self._journal = journal.Journal(self.path)

    def _gather(self) -> None:
        """Put the answers of all journals into the file: of this process, of others that run, and of those that were killed."""
        self.sync()
        try:
            for records, remove in journal.others(self.path, self._journal):
                if records:
                    self._keep(records)
                remove()
        except OSError as error:
            raise self._unwritten(sqlite3.OperationalError(error.strerror)) from error

    def _keep(self, records: list[bytes]) -> None:
        """Put answers into the file, but for what it has newer, and for persons forgotten and jobs pruned meanwhile."""
        came = f"SELECT {_from_json(*_ANSWER)} FROM json_each(?)"
        known = "job_id IN (SELECT job_id FROM jobs)"
        gone = "SELECT 1 FROM leads WHERE leads.job_id = came.job_id AND leads.person_key = came.person_key AND (disposition = 'forgotten' OR row = '{}')"
        newer = "payload = excluded.payload, job_id = excluded.job_id, saved_at = excluded.saved_at WHERE excluded.saved_at > answers.saved_at"
        with self._transaction() as db:
            db.execute(
                f"WITH came AS ({came}) INSERT INTO answers ({', '.join(_ANSWER)}) SELECT * FROM came WHERE {known} AND NOT EXISTS ({gone}) "
                f"ON CONFLICT (person_key) DO UPDATE SET {newer}",
                (f"[{b','.join(records).decode()}]",),
            )

    def answers(self, person_keys: Iterable[str]) -> dict[str, Answer]:
        """The answers already paid for, by person key."""
        self._gather()
        sql = "SELECT person_key, payload FROM answers WHERE person_key IN"
        return {key: Answer.from_json(payload) for key, payload in self._in(sql, person_keys)}

    def save_scrubs(self, scrubs: Iterable[Scrub], job_id: str = "") -> None:
        """Keep the checks of phones, the newest a phone and kind of check; with a job, count them as checks that it paid for."""
        found = list(scrubs)
        rows = json.dumps([(s.phone, s.check, _scrub_to_json(s)) for s in found])
        with self._transaction() as db:
            db.execute(
                f"INSERT OR REPLACE INTO scrubs SELECT {_from_json('phone', 'kind', 'payload')}, ? FROM json_each(?)",
                (time.time(), rows),
            )
            for kind, numbers in Counter(s.check for s in found).items() if job_id else ():
                db.execute(_COUNT_CHECKED, (job_id, kind, numbers))

    def count_checked(self, job_id: str, kind: str, numbers: int) -> None:
        """Count numbers that a job had checked and whose checks are not kept."""
        with self._transaction() as db:
            db.execute(_COUNT_CHECKED, (job_id, kind, numbers))

    def checked(self, job_id: str) -> dict[str, int]:
        """How many numbers the job had checked, by kind of check, in all its runs; what was reused is not among them."""
        with self._reading() as db:
            return dict(db.execute("SELECT kind, numbers FROM checked WHERE job_id = ?", (job_id,)).fetchall())

    def scrubs(self, phones: Iterable[str], check: str) -> dict[str, Scrub]:
        """The last check of that kind for each phone that has one."""
        sql = f"SELECT phone, payload FROM scrubs WHERE kind = '{check}' AND phone IN"
        return {phone: _scrub_from_json(payload) for phone, payload in self._in(sql, phones)}

    def _in(self, sql: str, values: Iterable[str], *first: str) -> Iterator[tuple[Any, ...]]:
        wanted = list(dict.fromkeys(values))
        for start in range(0, len(wanted), _KEYS_A_QUERY):
            part = wanted[start : start + _KEYS_A_QUERY]
            with self._reading() as db:
                rows = db.execute(f"{sql} ({','.join('?' * len(part))})", [*first, *part]).fetchall()
            yield from rows

    def add_job(self, job_id: str, plan: Mapping[str, Any]) -> None:
        """Remember what a job is to do, so that it can be resumed."""
        with self._transaction() as db:
            db.execute("INSERT INTO jobs (job_id, plan) VALUES (?, ?)", (job_id, json.dumps(plan)))

    def plan(self, job_id: str) -> dict[str, Any]:
        """What the job is to do; JobNotFound if its checkpoints are gone."""
        with self._reading() as db:
            row = db.execute("SELECT plan FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
        if row is None:
            raise JobNotFound(
                f"job {job_id} has no checkpoints in {self.path}: it is unknown, or was pruned; run its script again, which skips the leads already processed"
            )
        return dict(json.loads(row[0]))

    def add_leads(self, job_id: str, batch: int, first_row: int, rows: list[dict[str, str]]) -> None:
        """Store a batch of leads as extracted."""
        values = [(job_id, r["person_key"], first_row + i, batch, json.dumps(r)) for i, r in enumerate(rows)]
        with self._transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO leads (job_id, person_key, seq, batch, row) VALUES (?, ?, ?, ?, ?)", values
            )

    def extracted(self, job_id: str, counts: Mapping[str, int] | None = None) -> dict[str, int] | None:
        """Mark the extraction as complete with its counts, or read them (None: not complete)."""
        if counts is not None:
            with self._transaction() as db:
                db.execute(
                    "UPDATE jobs SET counts = ?, extracted_at = ? WHERE job_id = ?",
                    (json.dumps(dict(counts)), time.time(), job_id),
                )
            return dict(counts)
        with self._reading() as db:
            row = db.execute(
                "SELECT counts FROM jobs WHERE job_id = ? AND extracted_at IS NOT NULL", (job_id,)
            ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def drop_leads(self, job_id: str) -> None:
        """Forget the leads of an extraction that broke off; none of them was paid for yet."""
        with self._transaction() as db:
            db.execute("DELETE FROM leads WHERE job_id = ?", (job_id,))

    def unsettled(self, job_id: str, only: Collection[str] | None = None) -> Iterator[StoredBatch]:
        """The batches with leads that are not settled, in order; of `only` these leads, if they are given."""
        open_leads = f"{_OPEN} AND (?2 IS NULL OR person_key IN (SELECT value FROM json_each(?2)))"
        keys = None if only is None else json.dumps(list(only))
        with self._reading() as db:
            numbers = db.execute(
                f"SELECT DISTINCT batch FROM leads WHERE job_id = ?1 AND {open_leads} ORDER BY batch", (job_id, keys)
            ).fetchall()
        for (number,) in numbers:
            with self._reading() as db:
                rows = db.execute(
                    f"SELECT seq, row FROM leads WHERE job_id = ?1 AND batch = ?3 AND {open_leads} ORDER BY seq",
                    (job_id, keys, number),
                ).fetchall()
            if rows:
                yield StoredBatch(number, rows[0][0], [json.loads(row) for _, row in rows])

    def columns(self, job_id: str) -> list[str]:
        """The columns of a job's leads that are not settled; none if all are."""
        with self._reading() as db:
            row = db.execute(f"SELECT row FROM leads WHERE job_id = ? AND {_OPEN} LIMIT 1", (job_id,)).fetchone()
        return list(json.loads(row[0])) if row else []

    def settle(self, job_id: str, outcomes: Iterable[tuple[str, str, str]]) -> None:
        """Store (person_key, disposition, reason); delivered, held and processed are final, retry is not."""
        alike: dict[tuple[str, str], list[str]] = {}
        for key, disposition, reason in outcomes:
            alike.setdefault((disposition, reason), []).append(key)
        sql = "UPDATE leads SET disposition = ?, reason = ? WHERE job_id = ? AND person_key IN (SELECT value FROM json_each(?))"
        with self._transaction() as db:
            for (disposition, reason), keys in alike.items():
                db.execute(sql, (disposition, reason, job_id, json.dumps(keys)))

    def tally(self, job_id: str) -> dict[tuple[str, str], int]:
        """How many leads have each (disposition, reason); a lead not settled has ("", "")."""
        sql = "SELECT coalesce(disposition, ''), reason, count(*) FROM leads WHERE job_id = ? GROUP BY 1, 2"
        with self._reading():
            return {(d, r): n for d, r, n in self._db.execute(sql, (job_id,))}

    def keys(self, job_id: str, *dispositions: str) -> list[str]:
        """The keys of the job's leads with one of these dispositions, or of all its leads."""
        sql = "SELECT person_key FROM leads WHERE job_id = ?"
        if dispositions:
            sql += f" AND disposition IN ({','.join('?' * len(dispositions))})"
        with self._reading():
            return [key for (key,) in self._db.execute(f"{sql} ORDER BY seq", (job_id, *dispositions))]

    def bought(self, job_id: str, status: str | None = None) -> int:
        """How many answers the job has bought, in all its runs; of those with one status if it is given."""
        self._gather()
        of_status = "" if status is None else " AND json_extract(payload, '$.status') = ?"
        with self._reading() as db:
            sql = f"SELECT count(*) FROM answers WHERE job_id = ?{of_status}"
            return int(db.execute(sql, (job_id,) if status is None else (job_id, status)).fetchone()[0])

    def phones_owed(self, job_id: str) -> dict[str, int]:
        """By lead that is not settled, the phones of the answer it has already: they are still to be checked."""
        self._gather()
        sql = f"SELECT person_key, json_array_length(payload, '$.phones') FROM leads JOIN answers USING (person_key) WHERE leads.job_id = ? AND {_OPEN}"
        with self._reading() as db:
            return {key: phones for key, phones in db.execute(sql, (job_id,)) if phones}

    def phones_a_lead(self, least: int = 20) -> float | None:
        """The mean number of phones of the newest thousand answers; None if there are fewer than `least`."""
        newest = "SELECT payload FROM answers ORDER BY rowid DESC LIMIT 1000"
        with self._reading() as db:
            count, mean = db.execute(
                f"SELECT count(*), avg(json_array_length(payload, '$.phones')) FROM ({newest})"
            ).fetchone()
        return mean if count >= least else None

    def no_match_share(self, least: int = 20) -> float:
        """The share of the newest thousand answers that found nobody; 0 if there are fewer than `least`."""
        newest = "SELECT payload FROM answers ORDER BY rowid DESC LIMIT 1000"
        with self._reading() as db:
            count, mean = db.execute(
                f"SELECT count(*), avg(json_extract(payload, '$.status') = 'no_match') FROM ({newest})"
            ).fetchone()
        return mean if count >= least else 0.0

    def take_turn(self, job_id: str) -> list[str]:
        """Put the job, whose list is complete, behind those that took their turn before it and have not ended: these.

        A lead on two lists is left to the job whose turn came first. A resumed job takes a new turn.
        """
        self._open_journal()
        before = (
            "SELECT job_id FROM turns JOIN jobs USING (job_id) WHERE ended_at IS NULL AND job_id <> ? ORDER BY turn"
        )
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO turns (job_id) VALUES (?)", (job_id,))
            return [found for (found,) in db.execute(before, (job_id,))]

    def unsettled_keys(self, job_id: str, person_keys: Iterable[str]) -> set[str]:
        """Which of these leads a job has on its list and has not settled."""
        sql = f"SELECT person_key FROM leads WHERE job_id = ? AND {_OPEN} AND person_key IN"
        return {key for (key,) in self._in(sql, person_keys, job_id)}

    def unpaid_keys(self, job_id: str) -> list[str]:
        """The leads that the job has not settled and has bought no answer for, nor had one accepted."""
        self._gather()
        paid = (
            "SELECT person_key FROM answers WHERE job_id = ?1 UNION SELECT person_key FROM accepted WHERE job_id = ?1"
        )
        with self._reading() as db:
            rows = db.execute(
                f"SELECT person_key FROM leads WHERE job_id = ?1 AND {_OPEN} AND person_key NOT IN ({paid})", (job_id,)
            ).fetchall()
        return [key for (key,) in rows]

    def change_plan(self, job_id: str, **changes: Any) -> None:
        """Change parts of what the job is to do."""
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET plan = ? WHERE job_id = ?", (json.dumps({**self.plan(job_id), **changes}), job_id)
            )

    def reopen(self, job_id: str) -> None:
        """A job that had ended goes on, so it must not be pruned meanwhile."""
        with self._transaction() as db:
            db.execute("UPDATE jobs SET ended_at = NULL WHERE job_id = ?", (job_id,))

    def end(self, job_id: str) -> None:
        """Note that the job has completed, so that it can be pruned later."""
        with self._transaction() as db:
            db.execute("UPDATE jobs SET ended_at = ? WHERE job_id = ?", (time.time(), job_id))
            db.execute("DELETE FROM turns WHERE job_id = ?", (job_id,))

    def prune(self, keep_days: float) -> int:
        """Drop the leads and answers of jobs that ended more than `keep_days` ago; the number of jobs dropped."""
        self._gather()
        limit = time.time() - keep_days * 86_400
        old = "SELECT job_id FROM jobs WHERE ended_at < ?"
        with self._transaction() as db:
            db.execute(f"DELETE FROM leads WHERE job_id IN ({old})", (limit,))
            db.execute(
                f"DELETE FROM answers WHERE job_id IN ({old}) AND person_key NOT IN (SELECT person_key FROM leads)",
                (limit,),
            )
            db.execute("DELETE FROM scrubs WHERE saved_at < ?", (limit,))
            for table in (*_OF_A_LEAD, "checked"):
                db.execute(f"DELETE FROM {table} WHERE job_id IN ({old})", (limit,))
            return db.execute("DELETE FROM jobs WHERE ended_at < ?", (limit,)).rowcount

    def forget(self, person_key: str) -> int:
        """Remove a person: their answer, the checks of their phones, and their rows; how many rows went."""
        known = self.answers([person_key]).get(person_key)
        self._empty_journal()
        with self._transaction() as db:
            rows = db.execute("SELECT row FROM leads WHERE person_key = ?", (person_key,)).fetchall()
            gone = db.execute("DELETE FROM answers WHERE person_key = ?", (person_key,)).rowcount
            gone += db.execute(
                f"UPDATE leads SET row = '{{}}' WHERE person_key = ? AND NOT {_OPEN}", (person_key,)
            ).rowcount
            gone += db.execute(
                f"UPDATE leads SET row = '{{}}', disposition = 'forgotten' WHERE person_key = ? AND {_OPEN}",
                (person_key,),
            ).rowcount
            own = (phone for (row,) in rows for text in json.loads(row).values() for phone in phones_in(text))
            for number in {*_numbers(known), *own}:
                gone += db.execute("DELETE FROM scrubs WHERE phone = ?", (number,)).rowcount
            for table in _OF_A_LEAD:
                db.execute(f"DELETE FROM {table} WHERE person_key = ?", (person_key,))
        with self._write:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def close(self) -> None:
        """Close the file."""
        if self._journal is not None:
            with suppress(HistoryError):
                self._empty_journal()
            self._journal.close()
            self._journal = None
        with self._write:
            self._db.close()


def _migrate(db: sqlite3.Connection) -> None:
    """Before version 1 a wireless number that DNCScrub answered C for was kept as clean: such checks are made again."""
    if db.execute("PRAGMA user_version").fetchone()[0] < 1:
        said = "json_extract(payload, '$.provider') = 'dncscrub' AND json_extract(payload, '$.verdict') = 'clean'"
        db.execute(f"DELETE FROM scrubs WHERE kind = 'dnc' AND {said}")
        db.execute("PRAGMA user_version = 1")


def _from_json(*names: str) -> str:
    """The members of each array of a JSON document, as columns: many rows in one statement.

    With a statement a row, SQLite's module would let other threads in after each, and wait to be let in again.
    """
    return ", ".join(f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(names))


def _numbers(answer: Answer | None) -> set[str]:
    """The phones of an answer and of its candidates."""
    holders = () if answer is None else (answer, *answer.candidates)
    return {phone.number for holder in holders for phone in holder.phones}


def _sync_folder(folder: Path) -> None:
    """Have the names of new files on disk too; Windows has no such call."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _scrub_to_json(scrub: Scrub) -> str:
    return json.dumps({**scrub.__dict__, "verdict": str(scrub.verdict), "checked_at": scrub.checked_at.isoformat()})


def _scrub_from_json(text: str) -> Scrub:
    fields = json.loads(text)
    return Scrub(
        **{**fields, "verdict": Verdict(fields["verdict"]), "checked_at": datetime.fromisoformat(fields["checked_at"])}
    )

"""Paid answers and the state of jobs, stored before they are used.

The store is one SQLite file (mode 0600) next to the history. Many threads and processes may use it, and a kill of a
process does not damage it. It holds personal data until a job's checkpoints are pruned. `forget` removes one person.

The guarantees of each write after it has returned:

| write                                    | after a kill | after a loss of power | transaction                        |
|------------------------------------------|--------------|-----------------------|------------------------------------|
| save_answer                              | stored       | after the next `sync` | none: a record in the journal      |
| sync                                     | stored       | stored                | one: all answers in the journal    |
| take_over, drop_answers                  | stored       | stored                | one: all answers of the call       |
| save_further, count_lost, drop_further   | stored       | stored                | its own                            |
| save_scrubs                              | stored       | stored                | one: the scrubs, and their count   |
| count_checked                            | stored       | stored                | its own                            |
| add_job, change_plan, reopen             | stored       | stored                | its own                            |
| add_leads                                | stored       | stored                | one: all leads of the batch        |
| extracted with counts                    | stored       | stored                | its own, after those of add_leads  |
| drop_leads                               | stored       | stored                | one: all leads of the job          |
| take_turn                                | stored       | stored                | one: the turn, and reading others' |
| settle                                   | stored       | stored                | one: all outcomes of the call      |
| end                                      | stored       | stored                | one: the end, and the job's turn   |
| prune                                    | stored       | stored                | one: all tables, all old jobs      |
| forget                                   | stored       | stored                | one: all tables, after a `sync`    |
| writes of suppressions.py                | stored       | stored                | one: all entries of the call       |
| review.store (an accepted candidate)     | stored       | stored                | one: answer, lead, who accepted it |
| review.hold_duplicate_persons            | stored       | stored                | one: the pids, and reading others' |

"Stored" after a loss of power means that the write waits for the disk (fsync). A write that is killed before it
returns is stored as a whole or not at all. save_answer is its own transaction and waits for the disk before a job's
first `take_turn`, and if the disk has no WAL or no room for a journal. `answers`, `bought`, `phones_owed`,
`unpaid_keys` and `prune` first write all journals to the file, including those of killed processes.
"""

from __future__ import annotations

import json
import time

from leadflow.checkpoints.answers import Answers
from leadflow.checkpoints.further import Further
from leadflow.checkpoints.jobs import Jobs
from leadflow.checkpoints.leads import OPEN, Leads
from leadflow.checkpoints.scrubs import Scrubs
from leadflow.checkpoints.suppressions import Suppressions, mark_forgotten
from leadflow.leads.people import Answer
from leadflow.leads.phone_text import phones_in
from leadflow.leads.suppressions import Suppression

_TABLES_OF_A_LEAD = ("pids", "accepted", "further_answers")
_TABLES_OF_A_JOB = ("pids", "accepted", "checked", "flagged", "further_lost")
_OLD = "SELECT job_id FROM jobs WHERE ended_at < ?"
_TURNS_BEFORE = "SELECT job_id FROM turns JOIN jobs USING (job_id) WHERE ended_at IS NULL AND job_id <> ? ORDER BY turn"
_UNPAID = f"""SELECT person_key FROM leads WHERE job_id = ?1 AND {OPEN} AND person_key NOT IN (
SELECT person_key FROM answers WHERE job_id = ?1 UNION SELECT person_key FROM accepted WHERE job_id = ?1)"""
_OWED = f"""SELECT person_key, sum(json_array_length(payload, '$.phones')) FROM leads JOIN (
SELECT person_key, payload FROM answers UNION ALL SELECT person_key, payload FROM further_answers) USING (person_key)
WHERE leads.job_id = ? AND {OPEN} GROUP BY person_key"""


class Checkpoints(Answers, Further, Scrubs, Leads, Jobs, Suppressions):
    """The store. Safe to use from many threads. Its own methods read or write the tables of several base classes."""

    def take_turn(self, job_id: str) -> list[str]:
        """Record that the job's list is complete. Return the jobs that recorded this earlier and have not ended.

        If a lead is on two lists, the job with the earlier turn processes it. A resumed job takes a new turn.
        """
        self._open_journal()
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO turns (job_id) VALUES (?)", (job_id,))
            return [found for (found,) in db.execute(_TURNS_BEFORE, (job_id,))]

    def phones_owed(self, job_id: str) -> dict[str, int]:
        """Return the number of phones that are bought and still to be checked, by unsettled lead."""
        self._gather()
        with self.reading() as db:
            return {key: phones for key, phones in db.execute(_OWED, (job_id,)) if phones}

    def unpaid_keys(self, job_id: str) -> list[str]:
        """Return the job's unsettled leads without a bought answer and without an accepted candidate."""
        self._gather()
        with self.reading() as db:
            return [key for (key,) in db.execute(_UNPAID, (job_id,)).fetchall()]

    def prune(self, keep_days: float) -> int:
        """Delete the leads and answers of jobs that ended over `keep_days` days ago. Return the number of jobs."""
        self._gather()
        limit = (time.time() - keep_days * 86_400,)
        unused = "person_key NOT IN (SELECT person_key FROM leads)"
        with self.transaction() as db:
            db.execute(f"DELETE FROM leads WHERE job_id IN ({_OLD})", limit)
            for table in ("answers", "further_answers"):
                db.execute(f"DELETE FROM {table} WHERE job_id IN ({_OLD}) AND {unused}", limit)
            db.execute("DELETE FROM scrubs WHERE saved_at < ?", limit)
            for table in _TABLES_OF_A_JOB:
                db.execute(f"DELETE FROM {table} WHERE job_id IN ({_OLD})", limit)
            return db.execute("DELETE FROM jobs WHERE ended_at < ?", limit).rowcount

    def forget(self, person_key: str, mark: Suppression | None = None) -> int:
        """Remove a person's answer, the scrubs of their phones, and their rows. Return the number of rows removed.

        `mark`, an entry with the key alone, stays in the local copy of the do-not-call list.
        """
        known = self._known(person_key)
        self._empty_journal()
        of_person = (person_key,)
        blank = "UPDATE leads SET row = '{}'"
        with self.transaction() as db:
            rows = db.execute("SELECT row FROM leads WHERE person_key = ?", of_person).fetchall()
            gone = db.execute("DELETE FROM answers WHERE person_key = ?", of_person).rowcount
            gone += db.execute(f"{blank} WHERE person_key = ? AND NOT {OPEN}", of_person).rowcount
            forgotten = f"{blank}, disposition = 'forgotten' WHERE person_key = ? AND {OPEN}"
            gone += db.execute(forgotten, of_person).rowcount
            own = (phone for (row,) in rows for text in json.loads(row).values() for phone in phones_in(text))
            for number in {*(number for answer in known for number in _numbers(answer)), *own}:
                gone += db.execute("DELETE FROM scrubs WHERE phone = ?", (number,)).rowcount
            for table in _TABLES_OF_A_LEAD:
                db.execute(f"DELETE FROM {table} WHERE person_key = ?", of_person)
            if mark:
                mark_forgotten(db, mark)
        self._truncate_wal()
        return gone

    def _known(self, person_key: str) -> list[Answer]:
        """Return the answers of all sources for one lead."""
        found = list(self.answers([person_key]).values())
        rows = self._select_in("SELECT payload FROM further_answers WHERE person_key IN", [person_key])
        return [*found, *(Answer.from_json(payload) for (payload,) in rows)]


def _numbers(answer: Answer) -> set[str]:
    """Return the phones of an answer and of its candidates."""
    return {phone.number for holder in (answer, *answer.candidates) for phone in holder.phones}

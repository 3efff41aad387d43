"""Leads under review: the candidates of their paid answers, and the candidate that somebody accepted.

This module also finds the leads of a job that are one person: their answers have the same pid.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from leadflow.errors import InputError
from leadflow.leads.counts import DUPLICATE
from leadflow.leads.people import Answer, Candidate, Phone

if TYPE_CHECKING:
    import pandas as pd

    from leadflow.checkpoints.store import Checkpoints

# Leads with these reasons are held back until somebody accepts one of their candidates.
NEAR_MATCH = "near_match"
REVIEWED = ("ambiguous", NEAR_MATCH)
_COLUMNS = ("person_key", "reason", "lead", "pid", "candidate", "agrees", "differs", "phones", "emails", "deceased")
_SHOWN = ("first_name", "last_name", "address", "city", "state", "zip")
_UNDER_REVIEW = f"disposition = 'held' AND reason IN {REVIEWED}"
_NEXT = "job.review() lists the leads under review, with the pid of each candidate"


@dataclass(frozen=True)
class Choice:
    """An accepted candidate: the lead's job and batch, the lead's new answer, and the steps that are already done."""

    job_id: str
    batch: int
    answer: Answer
    pid: str
    stored: bool = False
    done: bool = False


def review(checkpoints: Checkpoints, job_id: str) -> pd.DataFrame:
    """Return the leads of a job that are under review, one row a candidate. Phones show only their last four digits.

    A lookup with too many matches returned no candidates, so its lead has no row.
    """
    import pandas as pd

    sql = f"SELECT person_key, reason, row FROM leads WHERE job_id = ? AND {_UNDER_REVIEW} ORDER BY seq"
    with checkpoints.reading() as db:
        leads = db.execute(sql, (job_id,)).fetchall()
    answers = _reviewed(checkpoints, [key for key, _, _ in leads])
    rows = [
        _row(key, reason, json.loads(row), candidate)
        for key, reason, row in leads
        for candidate in (answers[key].candidates if key in answers and answers[key].status in REVIEWED else ())
    ]
    return pd.DataFrame(rows, columns=pd.Index(_COLUMNS))


def _row(key: str, reason: str, lead: dict[str, Any], candidate: Candidate) -> tuple[Any, ...]:
    shown = " ".join(" ".join(str(lead.get(name) or "") for name in _SHOWN).split())
    who = ", ".join(part for part in (candidate.name, candidate.address) if part)
    phones = ", ".join(f"***{phone.number[-4:]}" for phone in candidate.phones)
    parts = (", ".join(candidate.agrees), ", ".join(candidate.differs))
    return key, reason, shown, candidate.pid, who, *parts, phones, len(candidate.emails), candidate.deceased


def _reviewed(checkpoints: Checkpoints, person_keys: list[str]) -> dict[str, Answer]:
    """Return the answers of these leads: idiCORE's, or the near match of a further source where idiCORE has none."""
    further = checkpoints.near_matches(person_keys)
    own = checkpoints.answers(person_keys)
    return {
        **further,
        **{key: answer for key, answer in own.items() if answer.status in REVIEWED or key not in further},
    }


def choose(checkpoints: Checkpoints, person_key: str, pid: str | int) -> Choice:
    """Return the choice of this candidate without storing it. Raises InputError if it cannot be accepted.

    If several jobs have the lead under review, the choice is for the newest of them.
    """
    leads = _leads(checkpoints, person_key)
    if not leads:
        raise InputError(f"no job has a lead with this key; {_NEXT}")
    answer = _reviewed(checkpoints, [person_key]).get(person_key)
    wanted = str(pid).strip()
    for lead in leads:
        if lead["accepted"] is not None:
            return _accepted_before(person_key, lead, checkpoints.answers([person_key]).get(person_key), wanted)
        if lead["disposition"] == "held" and lead["reason"] in REVIEWED:
            chosen = _accepted_answer(person_key, answer, wanted)
            return Choice(lead["job_id"], lead["batch"], chosen, wanted)
    raise InputError(
        f"lead {person_key} is not under review: in job {leads[0]['job_id']} it is {_describe(leads[0])}; {_NEXT}"
    )


def outcome(checkpoints: Checkpoints, job_id: str, person_key: str) -> str:
    """Return the outcome of a lead in a job, such as "held (litigator)"."""
    return next((_describe(lead) for lead in _leads(checkpoints, person_key) if lead["job_id"] == job_id), "removed")


def _describe(lead: dict[str, Any]) -> str:
    disposition = lead["disposition"] or "not settled"
    return f"{disposition} ({lead['reason']})" if lead["reason"] else disposition


def _leads(checkpoints: Checkpoints, person_key: str) -> list[dict[str, Any]]:
    """Return the lead in each job that has it, the newest job first."""
    sql = (
        "SELECT leads.job_id, batch, disposition, reason, accepted.pid AS accepted FROM leads JOIN jobs USING (job_id) "
        "LEFT JOIN accepted USING (job_id, person_key) WHERE leads.person_key = ? ORDER BY jobs.rowid DESC"
    )
    with checkpoints.reading() as db:
        found = db.execute(sql, (person_key,))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _accepted_before(person_key: str, lead: dict[str, Any], answer: Answer | None, pid: str) -> Choice:
    job_id = lead["job_id"]
    if lead["accepted"] != pid:
        raise InputError(
            f"another candidate was accepted for lead {person_key} before, in job {job_id}; nothing was changed"
        )
    is_open = lead["disposition"] in (None, "", "retry")
    if answer is None or answer.status != "found":
        raise InputError(
            f"the answer for lead {person_key} was removed since it was accepted in job {job_id}; nothing was changed"
        )
    return Choice(job_id, lead["batch"], answer, pid, stored=True, done=not is_open)


def _accepted_answer(person_key: str, answer: Answer | None, pid: str) -> Answer:
    """Return the lead's answer with this candidate as the person found. Entries with one pid are one person."""
    candidates = answer.candidates if answer is not None else ()
    if answer is None or not candidates:
        raise InputError(
            f"no candidates are kept for lead {person_key}: idiCORE named too many people, or the answer is older than "
            "leadflow's reviews or was removed; nothing can be accepted for it"
        )
    if answer.status not in REVIEWED:
        raise InputError(f"the answer for lead {person_key} is {answer.status} by now; nothing was changed")
    chosen = [candidate for candidate in candidates if candidate.pid == pid]
    if not chosen:
        raise InputError(f"lead {person_key} has no candidate with this pid; {_NEXT}")
    if any(candidate.deceased for candidate in chosen):
        raise InputError(
            f"this candidate for lead {person_key} is deceased and cannot be accepted; nothing was changed"
        )
    phones: dict[str, Phone] = {}
    for candidate in chosen:
        for phone in candidate.phones:
            phones.setdefault(phone.number, phone)
    emails = tuple(dict.fromkeys(email for candidate in chosen for email in candidate.emails))
    known_pid = "" if pid.startswith("#") else pid
    # It takes the place of idiCORE's answer, which was bought.
    return replace(answer, status="found", phones=tuple(phones.values()), emails=emails, pid=known_pid, source="")


def store(checkpoints: Checkpoints, choice: Choice) -> None:
    """Store the choice: the answer becomes found, and the lead is unsettled again, to be checked and delivered."""
    key, job_id, now = choice.answer.person_key, choice.job_id, time.time()
    with checkpoints.transaction() as db:
        kept = db.execute(
            "UPDATE answers SET payload = ?, saved_at = ? WHERE person_key = ?", (choice.answer.to_json(), now, key)
        ).rowcount
        opened = db.execute(
            f"UPDATE leads SET disposition = NULL, reason = '' WHERE job_id = ? AND person_key = ? AND {_UNDER_REVIEW}",
            (job_id, key),
        ).rowcount
        if not (kept and opened):
            raise InputError(
                f"lead {key} changed while it was being accepted; nothing was changed, look at job.review()"
            )
        db.execute("INSERT INTO accepted VALUES (?, ?, ?, ?)", (job_id, key, choice.pid, now))


def waiting_in_batch(checkpoints: Checkpoints, job_id: str, batch: int) -> int:
    """Return the number of leads of a batch that a resume tries again."""
    sql = "SELECT count(*) FROM leads WHERE job_id = ? AND batch = ? AND disposition = 'retry'"
    with checkpoints.reading() as db:
        return int(db.execute(sql, (job_id, batch)).fetchone()[0])


def hold_duplicate_persons(leads: pl.DataFrame, checkpoints: Checkpoints, job_id: str) -> pl.DataFrame:
    """Hold back each lead whose answer has the pid of an earlier lead of the job, so that a person has one row.

    The first lead with a pid keeps it, also in a resume. A lead that is held back loses its phones.
    """
    with_pid = leads.filter(pl.col("lookup_pid") != "").select_seq("lookup_pid", "person_key")
    owners = _claim(checkpoints, job_id, with_pid.rows())
    duplicates = [key for pid, key in with_pid.iter_rows() if owners.get(pid, key) != key]
    if not duplicates:
        return leads
    is_duplicate = pl.col("person_key").is_in(duplicates)
    empty = pl.lit([], dtype=pl.List(pl.String))
    return leads.with_columns_seq(
        pl.when(is_duplicate).then(pl.lit(DUPLICATE)).otherwise("lookup_status").alias("lookup_status"),
        *(
            pl.when(is_duplicate).then(empty).otherwise(name).alias(name)
            for name in ("phones", "phone_types", "phone_last_seen", "phone_ranks", "emails")
            if name in leads.columns
        ),
    )


def _claim(checkpoints: Checkpoints, job_id: str, claims: list[tuple[str, str]]) -> dict[str, str]:
    """Store the first lead of the job with each pid, and return the lead that each pid belongs to."""
    if not claims:
        return {}
    text = json.dumps(claims)
    claimed = (
        "SELECT ?, json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?) WHERE true ORDER BY key"
    )
    wanted = "SELECT json_extract(value, '$[0]') FROM json_each(?)"
    owned = f"SELECT pid, person_key FROM pids WHERE job_id = ? AND pid IN ({wanted})"
    with checkpoints.transaction() as db:
        db.execute(f"INSERT INTO pids (job_id, pid, person_key) {claimed} ON CONFLICT DO NOTHING", (job_id, text))
        return dict(db.execute(owned, (job_id, text)).fetchall())

"""The local copy of the house's own do-not-call list, and what is still to be done about its entries.

A running job reads this copy before each append, so that an opt-out on the same machine needs no call to be seen. A
target is a sheet, or DNCScrub's list, that must learn of every entry: it is done up to an entry's `seq`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

from leadflow.checkpoints.database import Database, from_json
from leadflow.leads.suppressions import EVERYWHERE, FORGOTTEN, Suppressed, Suppression, today

_COLUMNS = ("id", "phone", "lead_key", "reason", "source", "added_by", "added_at", "scope", "expires_on")
# A request with a longer expiry counts even while SUPPRESSIONS does not have it yet.
_LATER = "({0}.expires_on <> '' AND ({1}.expires_on = '' OR {1}.expires_on > {0}.expires_on))"
_KEPT = f"(suppressions.in_table = 0 AND {_LATER.format('excluded', 'suppressions')})"
_TAKEN = f"(excluded.in_table = 1 OR {_LATER.format('suppressions', 'excluded')})"
_SAVE = f"""INSERT INTO suppressions ({", ".join(_COLUMNS)}, in_table)
SELECT {from_json(*_COLUMNS, "in_table")} FROM json_each(?) WHERE true
ON CONFLICT (id) DO UPDATE SET
{", ".join(f"{c} = CASE excluded.in_table WHEN 1 THEN excluded.{c} ELSE {c} END" for c in _COLUMNS[3:-1])},
expires_on = CASE WHEN {_KEPT} OR NOT {_TAKEN} THEN expires_on ELSE excluded.expires_on END,
in_table = CASE WHEN {_KEPT} THEN 0 WHEN {_TAKEN} THEN excluded.in_table ELSE in_table END"""
_HOLDS = "(expires_on = '' OR expires_on >= ?1) AND (?2 = 'all' OR scope IN ('all', ?2))"
_AMONG = f"SELECT phone, lead_key FROM suppressions WHERE {_HOLDS} AND"
_FORGET = "INSERT OR IGNORE INTO suppressions ({}) VALUES ({})"

# A phone of a row that is withdrawn: target, lead key, phone ("" if the row shows none), the job that delivered it.
Withdrawal = tuple[str, str, str, str]


@dataclass(frozen=True, repr=False)
class Entry:
    """An entry of the list with its state here: `seq` in order of arrival, rows withdrawn, and when it was done."""

    seq: int
    suppression: Suppression
    in_table: bool
    withdrawn: int
    closed_at: datetime | None


@dataclass(frozen=True)
class Target:
    """What has to learn of the entries: done up to `seq`; `obstacle` says why the last attempt failed, "" if not."""

    name: str
    seq: int
    obstacle: str


class Suppressions(Database):
    """The local copy of SUPPRESSIONS, the targets, and the jobs whose last appends nobody has compared with it."""

    def save_suppressions(self, entries: Iterable[Suppression], *, in_table: bool) -> None:
        """Store entries; one that is there keeps its seq. `in_table`: they are in SUPPRESSIONS, whose word counts."""
        rows = json.dumps([[*_texts(entry), int(in_table)] for entry in entries])
        with self.transaction() as db:
            db.execute(_SAVE, (rows,))

    def suppressed(self, scope: str = EVERYWHERE, day: date | None = None) -> Suppressed:
        """Return everything that may not be called on a day, today by default, by a job of a scope.

        The marks of forgotten people do not count: `forget` leaves the sheets as they are.
        """
        with self.reading() as db:
            sql = f"SELECT phone, lead_key FROM suppressions WHERE {_HOLDS} AND reason <> ?3"
            return _collected(db.execute(sql, ((day or today()).isoformat(), scope, FORGOTTEN)).fetchall())

    def suppressed_among(self, phones: Iterable[str], keys: Iterable[str], scope: str = EVERYWHERE) -> Suppressed:
        """Return which of these phones and lead keys may not be called today."""
        first, wanted = (today().isoformat(), scope), (json.dumps(list(set(phones))), json.dumps(list(set(keys))))
        with self.reading() as db:
            rows = [
                row
                for column, values in zip(("phone", "lead_key"), wanted, strict=True)
                for row in db.execute(
                    f"{_AMONG} {column} IN (SELECT value FROM json_each(?3) WHERE value <> '')", (*first, values)
                )
            ]
        found = _collected(rows)
        return Suppressed(found.phones & set(json.loads(wanted[0])), found.keys & set(json.loads(wanted[1])))

    def suppression_entries(self, *, open_only: bool = False, in_table: bool | None = None) -> list[Entry]:
        """Return the entries in order of arrival: all, those not done yet, or those (not) in SUPPRESSIONS."""
        where = [*(["closed_at IS NULL"] if open_only else []), *([] if in_table is None else ["in_table = ?"])]
        sql = f"SELECT seq, {', '.join(_COLUMNS)}, in_table, withdrawn, closed_at FROM suppressions"
        values = () if in_table is None else (int(in_table),)
        with self.reading() as db:
            rows = db.execute(f"{sql} WHERE {' AND '.join(where) or 'true'} ORDER BY seq", values).fetchall()
        return [_entry(row) for row in rows]

    def last_suppression(self) -> int:
        """Return the seq of the newest entry; 0 if there is none."""
        with self.reading() as db:
            return int(db.execute("SELECT coalesce(max(seq), 0) FROM suppressions").fetchone()[0])

    def suppression_targets(self) -> dict[str, Target]:
        """Return the targets that were tried so far."""
        with self.reading() as db:
            rows = db.execute("SELECT target, seq, obstacle FROM suppression_targets").fetchall()
        return {name: Target(name, seq, obstacle) for name, seq, obstacle in rows}

    def record_target(self, target: str, seq: int | None, obstacle: str = "") -> None:
        """Record that a target is done up to an entry, or (seq None) what prevented it."""
        now = datetime.now(timezone.utc).isoformat()
        with self.transaction() as db:
            db.execute(
                "INSERT INTO suppression_targets VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "seq = max(seq, excluded.seq), obstacle = excluded.obstacle, tried_at = excluded.tried_at",
                (target, seq or 0, obstacle, now),
            )

    def count_withdrawn(self, rows: dict[int, int]) -> None:
        """Add rows that were withdrawn because of an entry, by its seq."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE suppressions SET withdrawn = withdrawn + ? WHERE seq = ?", [(n, seq) for seq, n in rows.items()]
            )

    def close_suppressions(self, seq: int) -> None:
        """Record that nothing is left to do for the entries in SUPPRESSIONS up to this one."""
        now = datetime.now(timezone.utc).isoformat()
        done = "UPDATE suppressions SET closed_at = ? WHERE closed_at IS NULL AND in_table = 1 AND seq <= ?"
        with self.transaction() as db:
            db.execute(done, (now, seq))

    def drop_suppressions(self, ids: Collection[str]) -> None:
        """Delete entries that SUPPRESSIONS does not have, or has under another id."""
        with self.transaction() as db:
            db.execute(
                "DELETE FROM suppressions WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
            )

    def add_withdrawals(self, rows: Iterable[Withdrawal]) -> None:
        """Store, before rows are taken out of a sheet, what is to be recorded of them afterwards."""
        with self.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO unrecorded_withdrawals VALUES (?, ?, ?, ?)", list(rows))

    def withdrawals(self, target: str) -> list[Withdrawal]:
        """Return the rows of a sheet whose withdrawal is not recorded yet: target, lead key, phone, job id."""
        sql = "SELECT target, lead_key, phone, job_id FROM unrecorded_withdrawals WHERE target = ?"
        with self.reading() as db:
            return db.execute(sql, (target,)).fetchall()

    def withdrawals_recorded(self, rows: Iterable[Withdrawal]) -> None:
        """Forget rows whose withdrawal is recorded."""
        of_row = "target = ? AND lead_key = ? AND phone = ? AND job_id = ?"
        with self.transaction() as db:
            db.executemany(f"DELETE FROM unrecorded_withdrawals WHERE {of_row}", list(rows))

    def begin_appends(self, job_id: str, target: str) -> None:
        """Record, before its first append, that a job's rows must be compared with the list after its last append."""
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO unproven_appends VALUES (?, ?)", (job_id, target))

    def unproven_appends(self) -> list[tuple[str, str]]:
        """Return the jobs, with their sheets, whose rows nobody has compared with the list since their last append."""
        with self.reading() as db:
            return db.execute("SELECT job_id, target FROM unproven_appends").fetchall()

    def prove_appends(self, job_id: str, target: str) -> None:
        """Record that the rows of a job were compared with the list after its last append."""
        with self.transaction() as db:
            db.execute("DELETE FROM unproven_appends WHERE job_id = ? AND target = ?", (job_id, target))


def mark_forgotten(db: Any, mark: Suppression) -> None:
    """Insert the mark of a forgotten person in a transaction that is open."""
    db.execute(_FORGET.format(", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))), _texts(mark))


def _texts(entry: Suppression) -> list[str]:
    return [str(value or "") for value in (getattr(entry, name) for name in _COLUMNS)]


def _collected(rows: Iterable[tuple[str, str]]) -> Suppressed:
    found = list(rows)
    return Suppressed(frozenset(p for p, _ in found if p), frozenset(key for _, key in found if key))


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, *texts, in_table, withdrawn, closed_at = row
    fields = dict(zip(_COLUMNS, texts, strict=True))
    fields["added_at"] = datetime.fromisoformat(fields["added_at"])
    fields["expires_on"] = date.fromisoformat(fields["expires_on"]) if fields["expires_on"] else None
    closed = datetime.fromisoformat(closed_at) if closed_at else None
    return Entry(seq, Suppression(**fields), bool(in_table), withdrawn, closed)

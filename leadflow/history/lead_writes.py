"""What the writer of the history writes about leads: their outcomes, and the keys of those that were left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from leadflow.history.lists import from_lists, lists

if TYPE_CHECKING:
    import duckdb

_LEAD_COLUMNS = {
    "job_id": "VARCHAR",
    "person_key": "VARCHAR",
    "batch": "INTEGER",
    "disposition": "VARCHAR",
    "reason": "VARCHAR",
    "at": "TIMESTAMP",
    "callable_until": "DATE",
    "phone_checks": "VARCHAR",
}
_ADD_LEFT_OUT = (
    "INSERT INTO left_out SELECT ?, ?, try_cast(key AS UUID), ? "
    f"FROM {from_lists({'key': 'VARCHAR'})} WHERE try_cast(key AS UUID) IS NOT NULL"
)


@dataclass(frozen=True)
class LeadOutcomes:
    """Outcomes of leads: key, disposition and reason of each.

    By key: the date `until` which its row may be called, and the `checks` of phones that may not be called.
    """

    job_id: str
    batch: int | None
    at: datetime
    rows: list[tuple[str, str, str]]
    until: Mapping[str, date]
    checks: Mapping[str, str]


@dataclass(frozen=True)
class LeftOut:
    """The keys of the leads that a job left out, by reason. They replace those of an extraction that broke off."""

    job_id: str
    at: datetime
    keys: Mapping[str, Sequence[str]]

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write the keys."""
        connection.execute("DELETE FROM left_out WHERE job_id = ?", [self.job_id])
        for reason, keys in self.keys.items():
            connection.execute(_ADD_LEFT_OUT, [self.job_id, reason, self.at, list(keys)])


def write_leads(connection: duckdb.DuckDBPyConnection, many: list[LeadOutcomes]) -> None:
    """Write the outcomes of leads."""
    rows = [
        (m.job_id, key, m.batch, word, reason, m.at, m.until.get(key), m.checks.get(key))
        for m in many
        for key, word, reason in m.rows
    ]
    if rows:
        connection.execute(f"INSERT INTO job_leads SELECT * FROM {from_lists(_LEAD_COLUMNS)}", lists(rows))

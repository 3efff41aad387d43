"""What the writer of the history writes about leads: their outcomes, and the keys of those that were left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


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
        import pyarrow as pa

        connection.execute("DELETE FROM left_out WHERE job_id = ?", [self.job_id])
        for reason, keys in self.keys.items():
            connection.register("incoming", pa.table({"key": pa.array(keys, pa.string())}))
            connection.execute(
                "INSERT INTO left_out SELECT ?, ?, try_cast(key AS UUID), ? FROM incoming "
                "WHERE try_cast(key AS UUID) IS NOT NULL",
                [self.job_id, reason, self.at],
            )
            connection.unregister("incoming")


def write_leads(connection: duckdb.DuckDBPyConnection, many: list[LeadOutcomes]) -> None:
    """Write the outcomes of leads."""
    import pyarrow as pa

    flat = [
        (m.job_id, key, m.batch, word, reason, m.at, m.until.get(key), m.checks.get(key))
        for m in many
        for key, word, reason in m.rows
    ]
    if not flat:
        return
    names = ["job_id", "person_key", "batch", "disposition", "reason", "happened", "callable_until", "checks"]
    types = [
        pa.string(),
        pa.string(),
        pa.int32(),
        pa.string(),
        pa.string(),
        pa.timestamp("us"),
        pa.date32(),
        pa.string(),
    ]
    columns = [pa.array(list(column), kind) for column, kind in zip(zip(*flat, strict=True), types, strict=True)]
    connection.register("incoming", pa.table(columns, names=names))
    connection.execute("INSERT INTO job_leads SELECT * FROM incoming")
    connection.unregister("incoming")

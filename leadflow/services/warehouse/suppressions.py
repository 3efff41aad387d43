"""Read and write SUPPRESSIONS, the house's own do-not-call list in Snowflake. Phones are bound, never in SQL text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

import polars as pl

from leadflow.leads.suppressions import EVERYWHERE, Suppression, merged, today, with_id
from leadflow.services.warehouse.names import quoted
from leadflow.services.warehouse.tables import SUPPRESSIONS_COLUMNS

if TYPE_CHECKING:
    from leadflow.services.warehouse.client import Warehouse

_NAMES = ", ".join(map(quoted, SUPPRESSIONS_COLUMNS))
_OF_THE_TABLE = ", ".join(f"t.{quoted(name)}" for name in SUPPRESSIONS_COLUMNS)
_SECONDS = "%Y-%m-%d %H:%M:%S"
# The first request keeps its time; only a longer expiry is written over a shorter one.
_MERGE = f"""MERGE INTO {{table}} t USING {{source}} s ON t."SUPPRESSION_ID" = s."SUPPRESSION_ID"
WHEN MATCHED AND t."EXPIRES_ON" IS NOT NULL AND (s."EXPIRES_ON" IS NULL OR s."EXPIRES_ON" > t."EXPIRES_ON")
THEN UPDATE SET t."EXPIRES_ON" = s."EXPIRES_ON"
WHEN NOT MATCHED THEN INSERT ({_NAMES}) VALUES ({", ".join(f"s.{quoted(name)}" for name in SUPPRESSIONS_COLUMNS)})"""
_OF_SUBJECTS = f"""SELECT {_OF_THE_TABLE} FROM {{table}} t JOIN (SELECT DISTINCT "PHONE", "LEAD_KEY", "SCOPE"
FROM {{source}}) s ON COALESCE(t."PHONE", '') = COALESCE(s."PHONE", '')
AND COALESCE(t."LEAD_KEY", '') = COALESCE(s."LEAD_KEY", '') AND COALESCE(t."SCOPE", 'all') = s."SCOPE" """


def write_suppressions(warehouse: Warehouse, wanted: Iterable[Suppression]) -> list[Suppression]:
    """Write entries and return what SUPPRESSIONS says of their subjects now, read back: who said it first, and when.

    The same entry again changes nothing. Two machines at one moment may leave it twice, with one id: a reader counts it
    once. Raises RefusedError, TransientError.
    """
    entries = list({entry.id: entry for entry in wanted}.values())
    return warehouse.repeated(lambda: _write(warehouse, entries)) if entries else []


def _write(warehouse: Warehouse, wanted: list[Suppression]) -> list[Suppression]:
    table = warehouse.table(warehouse.settings.suppressions)
    with warehouse.exclusively():
        known = _of_subjects(warehouse, table, wanted)
        by_subject: dict[tuple[str, str, str], list[Suppression]] = {}
        for entry in known:
            by_subject.setdefault(entry.subject, []).append(entry)
        rows = [merged(entry, by_subject.get(entry.subject, ()), today()) for entry in wanted]
        warehouse.execute(_MERGE.format(table=table, source=warehouse.staged(_frame(rows))))
        return _of_subjects(warehouse, table, wanted)


def _of_subjects(warehouse: Warehouse, table: str, wanted: Sequence[Suppression]) -> list[Suppression]:
    source = warehouse.staged(_frame(wanted))
    return [_read(row) for row in warehouse.execute(_OF_SUBJECTS.format(table=table, source=source))]


def read_suppressions(warehouse: Warehouse, since: datetime | None = None) -> Iterator[Suppression]:
    """Yield the entries that were added since a time (UTC), by the clock of the machine that added them, or all.

    Raises RefusedError, TransientError.
    """
    table = warehouse.table(warehouse.settings.suppressions)
    where, values = "", ()
    if since is not None:
        where = " WHERE \"ADDED_AT\" >= TO_TIMESTAMP_NTZ(?, 'YYYY-MM-DD HH24:MI:SS')"
        values = (since.astimezone(timezone.utc).strftime(_SECONDS),)
    yield from map(_read, warehouse.repeated(lambda: warehouse.execute(f"SELECT {_NAMES} FROM {table}{where}", values)))


def suppressions_of(warehouse: Warehouse, keys: Sequence[str], phones: Sequence[str]) -> list[Suppression]:
    """Return the entries about these lead keys and phones (E.164). Raises RefusedError, TransientError."""
    named = [(column, list(values)) for column, values in (("LEAD_KEY", keys), ("PHONE", phones)) if values]
    where = " OR ".join(f'"{column}" IN ({", ".join("?" * len(values))})' for column, values in named)
    sql = f"SELECT {_NAMES} FROM {warehouse.table(warehouse.settings.suppressions)} WHERE {where or 'false'}"
    return [
        _read(row) for row in warehouse.repeated(lambda: warehouse.execute(sql, [v for _, vs in named for v in vs]))
    ]


def _frame(entries: Sequence[Suppression]) -> pl.DataFrame:
    rows = [
        (
            entry.id,
            entry.phone,
            entry.lead_key,
            entry.reason,
            entry.source,
            entry.added_by,
            entry.added_at.astimezone(timezone.utc).strftime(_SECONDS),
            entry.scope,
            entry.expires_on.isoformat() if entry.expires_on else "",
        )
        for entry in entries
    ]
    return pl.DataFrame(rows, dict.fromkeys(SUPPRESSIONS_COLUMNS, pl.String), orient="row")


def _read(row: Sequence[Any]) -> Suppression:
    """Read a row. People may add rows by hand: what is missing gets the value that forbids most."""
    given, phone, key, reason, source, by, at, scope, expires_on = row
    phone, key, scope = _phone(phone), str(key or ""), str(scope or EVERYWHERE)
    added_at = at.replace(tzinfo=timezone.utc) if isinstance(at, datetime) else datetime.now(timezone.utc)
    until = expires_on if isinstance(expires_on, date) else None
    why, origin, author = (str(text or "") for text in (reason, source, by))
    entry = Suppression(str(given or ""), phone, key, why, origin, author, added_at, scope, until)
    return entry if entry.id else with_id(entry)


def _phone(text: Any) -> str:
    """Return a phone of the table as E.164, as it is if it cannot be read."""
    from leadflow.leads.phones import to_e164

    return to_e164(str(text)) or str(text) if text else ""

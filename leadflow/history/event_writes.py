"""What the writer of the history writes about events: each of them, and the log lines again in a table of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadflow.events import JobErrored, JobLog, Recorded
from leadflow.history.lists import from_lists, lists
from leadflow.history.values import clean, plain

if TYPE_CHECKING:
    import duckdb

_EVENT_COLUMNS = {
    "job_id": "VARCHAR",
    "seq": "BIGINT",
    "at": "TIMESTAMP",
    "elapsed": "DOUBLE",
    "stage": "VARCHAR",
    "source": "VARCHAR",
    "event": "VARCHAR",
    "level": "VARCHAR",
    "batch": "INTEGER",
    "message": "VARCHAR",
    "data": "VARCHAR",
}
_ADD_EVENTS = (
    "INSERT INTO job_events SELECT * REPLACE (coalesce(try_cast(data AS JSON), to_json(data)) AS data) "
    f"FROM {from_lists(_EVENT_COLUMNS)}"
)
_LOG_COLUMNS = {"job_id": "VARCHAR", "seq": "BIGINT", "level": "VARCHAR", "message": "VARCHAR", "at": "TIMESTAMP"}
_ADD_LOGS = f"INSERT INTO job_logs SELECT * FROM {from_lists(_LOG_COLUMNS)}"


def write_events(connection: duckdb.DuckDBPyConnection, events: list[Recorded]) -> None:
    """Write events and log lines."""
    if not events:
        return
    connection.execute(_ADD_EVENTS, lists(_event_row(recorded) for recorded in events))
    logged = [recorded for recorded in events if isinstance(recorded.event, (JobLog, JobErrored))]
    if logged:
        connection.execute(_ADD_LOGS, lists(_log_row(recorded) for recorded in logged))


def _event_row(recorded: Recorded) -> tuple[Any, ...]:
    event = recorded.event
    return (
        recorded.job_id,
        recorded.seq,
        plain(recorded.at),
        recorded.elapsed,
        clean(event.stage),
        clean(event.source),
        event.name,
        _level(recorded),
        event.batch,
        clean(event.text()),
        plain(event.data()),
    )


def _log_row(recorded: Recorded) -> tuple[Any, ...]:
    return recorded.job_id, recorded.seq, _level(recorded), clean(recorded.event.text()), plain(recorded.at)


def _level(recorded: Recorded) -> str:
    if isinstance(recorded.event, JobErrored):
        return "error"
    return str(getattr(recorded.event, "level", "info"))

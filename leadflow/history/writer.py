"""The background writer. Callers append to a queue, and a thread writes the queue in one transaction."""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from leadflow.errors import HistoryError
from leadflow.events import Recorded
from leadflow.history.event_writes import write_events
from leadflow.history.lead_writes import LeadOutcomes, LeftOut, write_leads
from leadflow.history.store import Store
from leadflow.history.values import plain

if TYPE_CHECKING:
    import duckdb

_FLUSH_S = 1.0
_FLUSH_ITEMS = 1_000
_AT_ONCE = 10_000

# single_script: one script, .sql file or text. several_scripts: scripts one after another. frame: a DataFrame or a file
# of leads. rescrub: delivered rows that are checked again.
JOB_TYPES = ("single_script", "several_scripts", "frame", "rescrub")
JOB_COLUMNS = [
    "id",
    "name",
    "script_id",
    "script_name",
    "script",
    "status",
    "progress",
    "message",
    "limit_rows",
    "counts",
    "total_rows_processed",
    "litigator_count",
    "dnc_count",
    "clean_count",
    "glba",
    "dppa",
    "policy_version",
    "started_by",
    "owner",
    "heartbeat_at",
    "created_at",
    "started_at",
    "completed_at",
    "spreadsheet_id",
    "worksheet",
    "person_cache",
    "consolidated",
    "job_type",
    "stop_requested_at",
    "stop_requested_by",
]
BATCH_COLUMNS = [
    "first_row",
    "last_row",
    "lookup_s",
    "check_s",
    "deliver_s",
    "cache_s",
    "rows",
    "phones_found",
    "litigator",
    "dnc",
    "delivered",
    "held",
    "retry",
    "status",
    "started_at",
    "completed_at",
]
# A resume processes the rest of a batch, so its values are added to those of the first run.
_ADDED = {"lookup_s", "check_s", "deliver_s", "cache_s", "phones_found", "litigator", "dnc", "delivered", "held"}
_SMALLEST, _LARGEST = {"first_row", "started_at"}, {"last_row", "rows"}


@dataclass(frozen=True)
class _Update:
    job_id: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class _BatchFacts:
    job_id: str
    batch: int
    facts: dict[str, Any]


_Item = Recorded | _Update | LeadOutcomes | _BatchFacts | LeftOut
_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


class Writer:
    """Collects writes, and writes them once a second or when a thousand items are queued."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: deque[_Item] = deque()
        self._wake, self._full, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._draining = threading.RLock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        _writers.add(self)

    def put(self, item: _Item) -> None:
        """Queue one item. This takes microseconds."""
        self._queue.append(item)
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None:
            self._start()
        elif len(self._queue) >= _FLUSH_ITEMS:
            self._full.set()

    def flush(self) -> None:
        """Write all queued items now. If that fails, raise HistoryError and keep them queued."""
        with self._draining:
            while self._queue:
                self._write_some()

    def close(self) -> None:
        """Flush and end the thread."""
        try:
            self.flush()
        finally:
            self._stop.set()
            self._full.set()
            self._wake.set()
            thread, self._thread = self._thread, None
            if thread is not None and thread is not threading.current_thread():
                thread.join(timeout=5)

    def _start(self) -> None:
        # Imported here, in the caller's thread, because the last flush runs at the interpreter's exit: too late.
        import duckdb  # noqa: F401

        with self._starting:
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._loop, args=(self._stop,), name="leadflow-history", daemon=True
                )
                self._thread.start()

    def _loop(self, stop: threading.Event) -> None:
        wait = _FLUSH_S
        while not stop.is_set():
            self._wake.wait()
            self._full.wait(wait)
            self._wake.clear()
            self._full.clear()
            try:
                self._write_waiting()
                wait = _FLUSH_S
            except HistoryError:
                # The items stay queued. flush() raises in the job's thread, and a lock or a full disk may be temporary.
                self._wake.set()
                wait = min(5.0, wait * 2)

    def _write_waiting(self) -> None:
        """Write what is queued. What comes in meanwhile waits for the next time: opening the file costs most."""
        with self._draining:
            if self._queue:
                self._write_some()
            if self._queue:
                self._wake.set()

    def _write_some(self) -> None:
        items = [self._queue.popleft() for _ in range(min(len(self._queue), _AT_ONCE))]
        try:
            with self._store.write() as connection:
                _write(connection, items)
        except BaseException:
            self._queue.extendleft(reversed(items))
            raise


@atexit.register
def _flush_all() -> None:
    for writer in list(_writers):
        try:
            writer.flush()
        except HistoryError as error:
            sys.stderr.write(f"leadflow: the last events were not written: {error}\n")


def flush_path(store: Store) -> None:
    """Write the items that any History of this process has queued for the same file, so that a reader sees them."""
    for writer in list(_writers):
        if writer._store.path == store.path:
            writer.flush()


def update(job_id: str, fields: dict[str, Any]) -> _Update:
    """Return a queued change of a job's row."""
    return _Update(job_id, job_fields(fields))


def leads(
    job_id: str,
    batch: int | None,
    rows: Iterable[tuple[str, str, str]],
    until: Mapping[str, date] | None = None,
    checks: Mapping[str, str] | None = None,
) -> LeadOutcomes:
    """Return queued outcomes of leads; see History.record_leads."""
    return LeadOutcomes(job_id, batch, utc_now(), [tuple(row) for row in rows], until or {}, checks or {})  # type: ignore[misc]


def left_out(job_id: str, keys: Mapping[str, Sequence[str]]) -> LeftOut:
    """Return the queued leads that a job left out, by reason."""
    return LeftOut(job_id, utc_now(), keys)


def batch_facts(job_id: str, batch: int, facts: dict[str, Any]) -> _BatchFacts:
    """Return queued facts of a batch."""
    unknown = set(facts) - set(BATCH_COLUMNS)
    if unknown:
        raise TypeError(f"batches has no columns {sorted(unknown)}; it has {', '.join(BATCH_COLUMNS)}")
    return _BatchFacts(job_id, batch, {k: plain(v) for k, v in facts.items()})


def utc_now() -> datetime:
    """Return the current time in UTC without a time zone, which is the file's format."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def job_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Check a job's fields and return them in the file's format."""
    unknown = set(fields) - set(JOB_COLUMNS)
    if unknown:
        raise TypeError(f"etl_jobs has no columns {sorted(unknown)}; it has {', '.join(JOB_COLUMNS)}")
    job_type = fields.get("job_type", JOB_TYPES[0])
    if job_type not in JOB_TYPES:
        raise ValueError(f"{job_type!r} is no type of job; known ones are {', '.join(JOB_TYPES)}")
    return {k: plain(v) for k, v in fields.items()}


def _write(connection: duckdb.DuckDBPyConnection, items: list[_Item]) -> None:
    write_events(connection, [i for i in items if isinstance(i, Recorded)])
    _write_updates(connection, [i for i in items if isinstance(i, _Update)])
    write_leads(connection, [i for i in items if isinstance(i, LeadOutcomes)])
    _write_batches(connection, [i for i in items if isinstance(i, _BatchFacts)])
    for one in items:
        if isinstance(one, LeftOut):
            one.write(connection)


def _write_updates(connection: duckdb.DuckDBPyConnection, updates: list[_Update]) -> None:
    merged: dict[str, dict[str, Any]] = {}
    for one in updates:
        merged.setdefault(one.job_id, {}).update(one.fields)
    for job_id, fields in merged.items():
        if fields:
            assigned = ", ".join(f"{name} = ?" for name in fields)
            connection.execute(f"UPDATE etl_jobs SET {assigned} WHERE id = ?", [*fields.values(), job_id])


def _write_batches(connection: duckdb.DuckDBPyConnection, many: list[_BatchFacts]) -> None:
    waiting = list(many)
    while waiting:
        # One statement cannot change a row twice, and cannot set different columns in each row.
        now: dict[tuple[str, int], _BatchFacts] = {}
        later: list[_BatchFacts] = []
        for one in waiting:
            fits = one.facts.keys() == waiting[0].facts.keys()
            if later or not fits or (one.job_id, one.batch) in now:
                later.append(one)
            else:
                now[one.job_id, one.batch] = one
        known = _known(connection, now)
        _add_batches(connection, [one for place, one in now.items() if place not in known])
        _add_batches(connection, [one for place, one in now.items() if place in known], _merge_facts(waiting[0].facts))
        waiting = later


def _known(connection: duckdb.DuckDBPyConnection, places: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return the batches that already have facts. A merge takes three times as long as an insert."""
    jobs, numbers = (list(dict.fromkeys(part)) for part in zip(*places, strict=True))
    among = " AND ".join(
        f"{name} IN ({', '.join('?' * len(part))})" for name, part in (("job_id", jobs), ("batch", numbers))
    )
    return set(connection.execute(f"SELECT job_id, batch FROM batches WHERE {among}", [*jobs, *numbers]).fetchall())


def _merge_facts(facts: Iterable[str]) -> str:
    sets = ", ".join(_merged(name) for name in facts)
    return f"ON CONFLICT (job_id, batch) {f'DO UPDATE SET {sets}' if sets else 'DO NOTHING'}"


def _add_batches(connection: duckdb.DuckDBPyConnection, many: list[_BatchFacts], on_conflict: str = "") -> None:
    """Add the facts of different batches. All have the same names."""
    if not many:
        return
    facts = list(many[0].facts)
    names = ", ".join(["job_id", "batch", *(f'"{name}"' for name in facts)])
    row = f"({', '.join('?' * (len(facts) + 2))})"
    values = [value for one in many for value in (one.job_id, one.batch, *(one.facts[name] for name in facts))]
    connection.execute(f"INSERT INTO batches ({names}) VALUES {', '.join([row] * len(many))} {on_conflict}", values)


def _merged(name: str) -> str:
    old, new = f'batches."{name}"', f'excluded."{name}"'
    if name in _ADDED:
        return f'"{name}" = coalesce({old}, 0) + coalesce({new}, 0)'
    if name in _SMALLEST:
        return f'"{name}" = least({old}, {new})'
    if name in _LARGEST:
        return f'"{name}" = greatest({old}, {new})'
    return f'"{name}" = {new}'

"""History: the record of all jobs, that many threads and processes share."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import HistoryError, InputError, JobBusyError
from leadflow.events import Recorded
from leadflow.history import reader, writer
from leadflow.history.store import WAIT_S, Store, rows
from leadflow.history.writer import Writer, utc_now
from leadflow.settings import sources as settings_sources

if TYPE_CHECKING:
    import pandas as pd

# A heartbeat comes every five seconds; after this long without one a job has no owner.
STALE_S = 30.0
_STATUSES = (*reader.UNENDED, "COMPLETED", "STOPPED", "FAILED", "DEAD")
_default: Path | None = None


def set_default(path: Path | str | None) -> None:
    """Make this the history that lf.trace, lf.report and lf.jobs read in this process; None for the usual one."""
    global _default
    _default = None if path is None else Path(path)


def default_path() -> Path:
    """The history of the last Engine of this process, else of LEADFLOW_HOME (variable or .env), else of ~/.leadflow."""
    return _default or settings_sources.home() / "history.duckdb"


def open_history(history: History | Path | str | None = None) -> History:
    """Return a History from a History, a path, or nothing."""
    return history if isinstance(history, History) else History(history or default_path())


class History:
    """One history file. A new History opens nothing; each call but `prepare` waits for the file and opens it."""

    def __init__(self, path: Path | str, wait_s: float = WAIT_S) -> None:
        self._store = Store(path, wait_s)
        self._writer = Writer(self._store)

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    def prepare(self) -> None:
        """Make the file if there is none, so that the first job need not; one that is there is left alone."""
        self._store.make()

    def start_job(self, **fields: Any) -> None:
        """Write a new job's row at once."""
        fields = writer.job_fields({"status": "PENDING", "created_at": utc_now(), "heartbeat_at": utc_now(), **fields})
        with self._store.write() as connection:
            if rows(connection, "SELECT id FROM etl_jobs WHERE id = ?", [fields["id"]]):
                raise HistoryError(
                    f"there is a job {fields['id']} already; engine.resume({fields['id']!r}) goes on with it"
                )
            marks = ", ".join("?" * len(fields))
            connection.execute(f"INSERT INTO etl_jobs ({', '.join(fields)}) VALUES ({marks})", list(fields.values()))

    def update_job(self, job_id: str, **fields: Any) -> None:
        """Queue a change of a job's row; flush() makes sure that it is written."""
        self._writer.put(writer.update(job_id, fields))

    def heartbeat(self, job_id: str, owner: str) -> None:
        """Record that the owner is alive; raises JobBusyError if the job has another owner by now."""
        with self._store.write() as connection:
            found = rows(connection, "SELECT owner FROM etl_jobs WHERE id = ?", [job_id])
            if found and found[0]["owner"] == owner:
                connection.execute("UPDATE etl_jobs SET heartbeat_at = ? WHERE id = ?", [utc_now(), job_id])
                return
        if not found:
            raise reader.not_found(self._store, job_id)
        raise JobBusyError(f"job {job_id} was taken over by {found[0]['owner']}; this process must leave it alone")

    def claim(self, job_id: str, owner: str, stale_s: float) -> None:
        """Make a job this owner's; raises JobBusyError while another live process runs it."""
        self._writer.flush()
        with self._store.write() as connection:
            found = rows(
                connection,
                "SELECT status, owner, coalesce(heartbeat_at, created_at) AS beat FROM etl_jobs WHERE id = ?",
                [job_id],
            )
            if found and not _busy(found[0], owner, stale_s):
                connection.execute(
                    "UPDATE etl_jobs SET owner = ?, heartbeat_at = ?, status = 'PENDING', completed_at = NULL "
                    "WHERE id = ?",
                    [owner, utc_now(), job_id],
                )
                return
        if not found:
            raise reader.not_found(self._store, job_id)
        raise JobBusyError(
            f"job {job_id} is run by another live process ({found[0]['owner']}). Stop it there, "
            f"or, if it is dead, wait {stale_s:.0f} s and try engine.resume({job_id!r}) again"
        )

    def live(self, job_ids: Sequence[str], owner: str, stale_s: float) -> list[str]:
        """Return which of these jobs run now, in this process (`owner`) or in another live one."""
        with self._seen().read() as connection:
            sql = "SELECT id, status, owner, coalesce(heartbeat_at, created_at) AS beat FROM etl_jobs"
            found = rows(connection, f"{sql} WHERE list_contains(?, id)", [list(job_ids)])
        return [
            f["id"]
            for f in found
            if f["status"] in ("RUNNING", "PENDING") and (f["owner"] == owner or _busy(f, owner, stale_s))
        ]

    def record(self, recorded: Recorded) -> None:
        """Queue an event; takes microseconds."""
        self._writer.put(recorded)

    def record_leads(self, job_id: str, batch: int | None, outcomes: Iterable[tuple[str, str, str]]) -> None:
        """Queue outcomes of leads, each (person_key, disposition, reason)."""
        self._writer.put(writer.leads(job_id, batch, outcomes))

    def record_batch(self, job_id: str, batch: int, **facts: Any) -> None:
        """Queue a batch's facts. A later call for the same batch, as after a resume, adds its counts and seconds."""
        self._writer.put(writer.batch_facts(job_id, batch, facts))

    def flush(self) -> None:
        """Write all that is queued; raises HistoryError, and keeps it queued, if that cannot be done."""
        self._writer.flush()

    def close(self) -> None:
        """Flush and end the background thread."""
        self._writer.close()

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job's row as a dict, its counts too; raises JobNotFound."""
        return reader.job(self._seen(), job_id)

    def jobs(
        self,
        *,
        script: str | None = None,
        since: str | date | None = None,
        status: str | None = None,
        limit: int | None = 100,
    ) -> pd.DataFrame:
        """Return past jobs, newest first, with how each stands; of status "dead": those whose process died."""
        if limit is not None and limit < 1:
            raise InputError(f"limit is {limit}; it must be 1 or more, or None for all jobs")
        status = status and str(status).upper()
        if status and status not in _STATUSES:
            raise InputError(f"no job has the status {status!r}; known ones are {', '.join(_STATUSES).lower()}")
        found = reader.jobs(self._seen(), script, since, status, None if status == "DEAD" else limit)
        facts = (found[name].tolist() for name in ("status", "owner", "beat", "retry"))
        found["standing"] = [_standing(*job) for job in zip(*facts, strict=True)]
        found = found.drop(columns=["owner", "beat"])
        return (
            found.query("standing == 'dead'").head(limit or len(found)).reset_index(drop=True)
            if status == "DEAD"
            else found
        )

    def resumable(self, limit: int = 30) -> list[dict[str, Any]]:
        """Jobs that a resume goes on with, newest first: id, standing, settled, retry, counts. None of them runs."""
        jobs = reader.unfinished(self._seen())
        found = [{**job, "standing": _standing(job["status"], job["owner"], job["beat"], job["retry"])} for job in jobs]
        return [job for job in found if job["standing"] not in ("running", "completed")][:limit]

    def events(self, job_id: str) -> pd.DataFrame:
        """Return the events of a job, one row each."""
        return reader.events(self._seen(), job_id)

    def trace(self, job_id: str) -> pd.DataFrame:
        """Return the events of a job as a timeline."""
        return reader.trace(self._seen(), job_id)

    def logs(self, job_id: str) -> pd.DataFrame:
        """Return the log lines of a job."""
        return reader.logs(self._seen(), job_id)

    def batches(self, job_id: str) -> pd.DataFrame:
        """Return the batches of a job."""
        return reader.batches(self._seen(), job_id)

    def open_batches(self, job_id: str) -> list[dict[str, Any]]:
        """The batches of a job that have begun and not ended: batch, leads, and whether they are through each stage."""
        return reader.open_batches(self._seen(), job_id)

    def leads(self, job_id: str) -> pd.DataFrame:
        """Return the last outcome of every lead of a job."""
        return reader.outcomes(self._seen(), job_id)

    def lineage(self, person_key: str) -> pd.DataFrame:
        """Return all that happened to one lead, over all jobs."""
        return reader.lineage(self._seen(), person_key)

    def gaps(self, job: dict[str, Any], threshold_s: float) -> pd.DataFrame:
        """Return unusual silences of a job."""
        return reader.gaps(self._seen(), job, threshold_s)

    def last_seq(self, job_id: str) -> tuple[int, float]:
        """Return the last event's number and elapsed seconds, (0, 0.0) if there is none."""
        return reader.last_seq(self._seen(), job_id)

    def _seen(self) -> Store:
        """Return the store, after writing what this process has queued for it."""
        writer.flush_path(self._store)
        return self._store


def standing(job: dict[str, Any]) -> str:
    """How a job from History.job stands: running, dead (its process died), stopped, failed, may clear or completed."""
    return _standing(
        job["status"], job["owner"], job["heartbeat_at"] or job["created_at"], bool(job["counts"].get("retry"))
    )


def _standing(status: str, owner: object, beat: datetime, retry: int) -> str:
    if status not in reader.UNENDED:
        return "may clear" if retry and status == "COMPLETED" else status.lower()
    if not isinstance(owner, str):
        return "dead"
    if owner.startswith(f"{socket.gethostname()}:{os.getpid()}:"):
        # This process, or an earlier one with the same number: only the heartbeat shows which.
        return "running" if _fresh(beat, STALE_S) else "dead"
    return "running" if _busy({"status": status, "owner": owner, "beat": beat}, "", STALE_S) else "dead"


def _busy(found: dict[str, Any], owner: str, stale_s: float) -> bool:
    if found["status"] not in reader.UNENDED or found["owner"] in (None, "", owner):
        return False
    if _dead(found["owner"]):
        return False
    return _fresh(found["beat"], stale_s)


def _fresh(beat: datetime, stale_s: float) -> bool:
    # The absolute value: after the clock stepped back a heartbeat may seem to come from the future.
    return abs((utc_now() - beat.replace(tzinfo=None)).total_seconds()) < stale_s


def _dead(owner: str) -> bool:
    """Return whether the owner, "host:pid:token", is surely no longer alive."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdigit() or os.name != "posix":
        return False
    if int(pid) == os.getpid():
        return True  # same pid, another token: that process is gone and its number is ours now
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False

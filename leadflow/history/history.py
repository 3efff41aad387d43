"""History: the record of all jobs. Many threads and processes share it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadflow.errors import HistoryError, InputError, JobBusyError
from leadflow.events import Recorded
from leadflow.history import gaps, of_lead, past, reader, stop_requests, writer
from leadflow.history.store import WAIT_S, Store, rows
from leadflow.history.writer import Writer, utc_now
from leadflow.settings import sources as settings_sources

if TYPE_CHECKING:
    import pandas as pd

# A job sends a heartbeat every so many seconds. Without one for STALE_S seconds, it counts as having no owner.
HEARTBEAT_S = 5
STALE_S = 30.0
_STATUSES = (*reader.UNENDED, "COMPLETED", "STOPPED", "FAILED", "DEAD")
_default: Path | None = None


def set_default(path: Path | str | None) -> None:
    """Set the history that lf.trace, lf.report and lf.jobs read in this process. None restores the default."""
    global _default
    _default = None if path is None else Path(path)


def default_path() -> Path:
    """Return the history of this process's last Engine, else of LEADFLOW_HOME (variable, .env), else ~/.leadflow."""
    return _default or settings_sources.home() / "history.duckdb"


def open_history(history: History | Path | str | None = None) -> History:
    """Return this History, the History at this path, or the default one."""
    return history if isinstance(history, History) else History(history or default_path())


class History:
    """One history file. A new History opens no file. Each call except `prepare` waits for the file and opens it."""

    def __init__(self, path: Path | str, wait_s: float = WAIT_S) -> None:
        self._store = Store(path, wait_s)
        self._writer = Writer(self._store)

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    def prepare(self) -> None:
        """Make the file if there is none, so that the first job starts faster. An existing file is not opened."""
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
        """Queue a change of a job's row. flush() writes it."""
        self._writer.put(writer.update(job_id, fields))

    def heartbeat(self, job_id: str, owner: str) -> str:
        """Record that the owner is alive. Return who asked to stop the job, "" if nobody did.

        Raises JobBusyError if the job has another owner now.
        """
        with self._store.write() as connection:
            found = stop_requests.beat(connection, job_id, owner)
        if not found:
            raise reader.not_found(self._store, job_id)
        if found["owner"] != owner:
            raise JobBusyError(f"job {job_id} was taken over by {found['owner']}; this process must leave it alone")
        return found["stop_requested_by"] or ""

    def ask_to_stop(self, job_id: str, by: str) -> dict[str, Any]:
        """Ask the owner of a job to stop it, unless the job has ended. Return the job's row. Raises JobNotFound."""
        self.job(job_id)
        stop_requests.ask(self._store, job_id, by)
        return self.job(job_id)

    def claim(self, job_id: str, owner: str, stale_s: float) -> None:
        """Make this owner the owner of a job. Raises JobBusyError while another live process runs the job."""
        self._writer.flush()
        with self._store.write() as connection:
            found = rows(
                connection,
                "SELECT status, owner, coalesce(heartbeat_at, created_at) AS beat FROM etl_jobs WHERE id = ?",
                [job_id],
            )
            if found and not _busy(found[0], owner, stale_s):
                connection.execute(
                    "UPDATE etl_jobs SET owner = ?, heartbeat_at = ?, status = 'PENDING', completed_at = NULL, "
                    "stop_requested_at = NULL, stop_requested_by = NULL WHERE id = ?",
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
        """Return those of these jobs that run now, in this process (`owner`) or in another live process."""
        with self._seen().read() as connection:
            sql = "SELECT id, status, owner, coalesce(heartbeat_at, created_at) AS beat FROM etl_jobs"
            found = rows(connection, f"{sql} WHERE list_contains(?, id)", [list(job_ids)])
        return [
            f["id"]
            for f in found
            if f["status"] in ("RUNNING", "PENDING") and (f["owner"] == owner or _busy(f, owner, stale_s))
        ]

    def record(self, recorded: Recorded) -> None:
        """Queue an event. This takes microseconds."""
        self._writer.put(recorded)

    def record_leads(
        self,
        job_id: str,
        batch: int | None,
        outcomes: Iterable[tuple[str, str, str]],
        until: Mapping[str, date] | None = None,
        checks: Mapping[str, str] | None = None,
    ) -> None:
        """Queue outcomes of leads, each as (person_key, disposition, reason).

        `until` has, for each key whose row is in the sheet, the date from which that row may not be called any more. A
        row that was taken out has the disposition "withdrawn". `checks` names by key the phones that may not be called,
        by their place in the lead, as JSON without a phone.
        """
        self._writer.put(writer.leads(job_id, batch, outcomes, until, checks))

    def record_left_out(self, job_id: str, keys: Mapping[str, Sequence[str]]) -> None:
        """Queue the keys of the leads that a job left out, by reason. They replace those of an earlier call."""
        self._writer.put(writer.left_out(job_id, keys))

    def record_batch(self, job_id: str, batch: int, **facts: Any) -> None:
        """Queue a batch's facts. A later call for the same batch, such as in a resume, adds its counts and seconds."""
        self._writer.put(writer.batch_facts(job_id, batch, facts))

    def flush(self) -> None:
        """Write all queued items. If that fails, raise HistoryError and keep them queued."""
        self._writer.flush()

    def close(self) -> None:
        """Flush and end the background thread."""
        self._writer.close()

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job's row as a dict, with its counts. Raises JobNotFound."""
        return reader.job(self._seen(), job_id)

    def jobs(
        self,
        *,
        script: str | None = None,
        since: str | date | None = None,
        status: str | None = None,
        limit: int | None = 100,
    ) -> pd.DataFrame:
        """Return past jobs, newest first, with their standing. Status "dead" means that the job's process died."""
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
        """Return jobs that can be resumed: id, name, standing, settled, retry, counts, message. None of them runs.

        The newest is first; jobs that failed before their leads were read are last.
        """
        jobs = reader.unfinished(self._seen())
        found = [{**job, "standing": _standing(job["status"], job["owner"], job["beat"], job["retry"])} for job in jobs]
        left = [job for job in found if job["standing"] not in ("running", "queued", "completed")]
        return sorted(left, key=lambda job: job["standing"] == "failed" and not job["counts"].get("extracted"))[:limit]

    def live_jobs(self) -> list[dict[str, Any]]:
        """Return the jobs that run or wait in a queue, in any process of this machine, oldest first.

        Each with id, name, standing, status, counts, owner, started_by, job_type, created_at and stop_requested_by.
        """
        jobs = reader.unended(self._seen())
        found = [{**job, "standing": _standing(job["status"], job["owner"], job["beat"], 0)} for job in jobs]
        return [job for job in found if job["standing"] in ("running", "queued")]

    def delivered_sheets(self) -> list[tuple[str, str]]:
        """Return the sheets that any job delivered to: spreadsheet's id and tab."""
        return reader.delivered_sheets(self._seen())

    def past(self, script: str | None = None, since: str | date | None = None) -> list[dict[str, Any]]:
        """Return jobs, newest first, with their counts and the seconds of all their runs."""
        return past.past(self._seen(), script, since)

    def earlier(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the ended jobs of the same script that began before this job, newest first; see `past`."""
        return past.earlier(self._seen(), job)

    def events(self, job_id: str) -> pd.DataFrame:
        """Return the events of a job, one row each."""
        return reader.events(self._seen(), job_id)

    def trace(self, job_id: str) -> pd.DataFrame:
        """Return the events of a job as a timeline."""
        return reader.trace(self._seen(), job_id)

    def logs(self, job_id: str) -> pd.DataFrame:
        """Return the log lines of a job."""
        return reader.logs(self._seen(), job_id)

    def tail(self, job_id: str, most: int) -> list[tuple[float, str, str]]:
        """Return elapsed seconds, stage and message of a job's last events, oldest first, without those of rows."""
        return reader.tail(self._seen(), job_id, most)

    def batches(self, job_id: str) -> pd.DataFrame:
        """Return the batches of a job."""
        return reader.batches(self._seen(), job_id)

    def open_batches(self, job_id: str) -> list[dict[str, Any]]:
        """Return a job's unfinished batches: batch, leads, and whether they have completed each stage."""
        return reader.open_batches(self._seen(), job_id)

    def leads(self, job_id: str) -> pd.DataFrame:
        """Return the last outcome of every lead of a job."""
        return reader.outcomes(self._seen(), job_id)

    def running_out(self, before: date) -> dict[date, int]:
        """Return how many delivered rows may not be called any more from each date on, up to and with `before`.

        Of each lead its last delivery, renewal or withdrawal counts. A row without a date counts for 31 days.
        """
        return reader.running_out(self._seen(), before)

    def lineage(self, person_key: str) -> pd.DataFrame:
        """Return all outcomes and events of one lead, over all jobs."""
        return reader.lineage(self._seen(), person_key)

    def of_lead(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """Return all outcomes of a person, by all their keys, oldest first; see of_lead.outcomes."""
        return of_lead.outcomes(self._seen(), keys)

    def unlisted(self, most: int = 3) -> list[dict[str, Any]]:
        """Return the newest jobs that left out leads whose keys are not all recorded: job_id, reason, leads, listed."""
        return of_lead.unlisted(self._seen(), most)

    def number_of_jobs(self) -> int:
        """Return how many jobs the history has."""
        return of_lead.number_of_jobs(self._seen())

    def gaps(self, job: dict[str, Any], threshold_s: float) -> pd.DataFrame:
        """Return unusual silences of a job."""
        return gaps.gaps(self._seen(), job, threshold_s)

    def last_seq(self, job_id: str) -> tuple[int, float]:
        """Return the last event's number and elapsed seconds; (0, 0.0) without events."""
        return reader.last_seq(self._seen(), job_id)

    def _seen(self) -> Store:
        """Write the items that this process has queued for the store, and return the store."""
        writer.flush_path(self._store)
        return self._store


def standing(job: dict[str, Any]) -> str:
    """Return the standing of a job: queued, running, dead (its process died), stopped, failed, may clear, completed."""
    return _standing(
        job["status"], job["owner"], job["heartbeat_at"] or job["created_at"], bool(job["counts"].get("retry"))
    )


def _standing(status: str, owner: object, beat: datetime, retry: int) -> str:
    if status not in reader.UNENDED:
        return "may clear" if retry and status == "COMPLETED" else status.lower()
    if not isinstance(owner, str):
        return "dead"
    alive = "queued" if status == "QUEUED" else "running"
    if owner.startswith(f"{socket.gethostname()}:{os.getpid()}:"):
        # This process, or an earlier one with the same process id. Only the heartbeat shows which.
        return alive if _fresh(beat, STALE_S) else "dead"
    return alive if _busy({"status": status, "owner": owner, "beat": beat}, "", STALE_S) else "dead"


def _busy(found: dict[str, Any], owner: str, stale_s: float) -> bool:
    if found["status"] not in reader.UNENDED or found["owner"] in (None, "", owner):
        return False
    if _dead(found["owner"]):
        return False
    return _fresh(found["beat"], stale_s)


def _fresh(beat: datetime, stale_s: float) -> bool:
    # The absolute value, because a heartbeat can be in the future after the clock was set back.
    return abs((utc_now() - beat.replace(tzinfo=None)).total_seconds()) < stale_s


def _dead(owner: str) -> bool:
    """Return whether the owner, "host:pid:token", is certainly no longer alive."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdigit() or os.name != "posix":
        return False
    if int(pid) == os.getpid():
        return True  # same pid, another token: that process has ended, and this one has its pid now
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

"""The history: shared by processes, quick for its writers, private, and clear about what is wrong."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import duckdb
import pytest

import leadflow as lf
from leadflow.errors import HistoryError, JobBusyError, JobNotFound
from leadflow.events import EventBus, JobErrored, JobLog, JobProgress
from leadflow.history import History, standing

_CHILD = """
import sys
from leadflow.events import EventBus, JobLog
from leadflow.history import History, standing
history = History(sys.argv[1])
job = sys.argv[2]
history.start_job(id=job, name=job)
bus = EventBus(job, history.record)
for n in range(50):
    bus.emit(JobLog(stage="Engine", message=f"line {n}"))
    history.flush()
"""


@pytest.fixture
def history(tmp_path):
    opened = History(tmp_path / "home" / "history.duckdb")
    yield opened
    opened.close()


def _child(code, *arguments):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stderr=subprocess.PIPE, text=True)


def test_three_processes_write_at_once_and_lose_nothing(history):
    children = [_child(_CHILD, history.path, f"job{n}") for n in range(3)]
    for child in children:
        assert child.wait(120) == 0, child.stderr.read()
    assert [list(history.events(f"job{n}")["seq"]) for n in range(3)] == [list(range(1, 51))] * 3
    assert len(history.jobs()) == 3


def test_an_exit_without_flush_or_close_loses_nothing(history):
    child = _child(_CHILD.replace("    history.flush()\n", ""), history.path, "j")
    assert child.wait(60) == 0, child.stderr.read()
    assert len(history.logs("j")) == 50


def test_record_costs_microseconds(history):
    bus = EventBus("j", history.record)
    bus.emit(JobLog(stage="Engine", message="warm"))
    history.flush()
    event = JobLog(stage="Engine", message="a line")
    recorded = []
    EventBus("j", recorded.append, first_seq=2).emit(event)
    start = time.perf_counter()
    for _ in range(5000):
        history.record(recorded[0])
    each = (time.perf_counter() - start) / 5000
    history.flush()
    assert len(history.events("j")) == 5001
    assert each < 50e-6


def test_the_thread_writes_by_itself(history):
    EventBus("j", history.record).emit(JobLog(stage="Engine", message="x"))
    until = time.monotonic() + 10
    while history._writer._queue and time.monotonic() < until:
        time.sleep(0.05)
    assert not history._writer._queue
    assert len(history.events("j")) == 1


def test_what_comes_in_while_the_thread_writes_is_written_after_it(history):
    bus = EventBus("j", history.record)
    with history._store.read():  # the thread waits for the file with the first event in hand
        bus.emit(JobLog(stage="Engine", message="first"))
        until = time.monotonic() + 10
        while history._writer._queue and time.monotonic() < until:
            time.sleep(0.05)
        bus.emit(JobLog(stage="Engine", message="second"))
    until = time.monotonic() + 10
    while history._writer._queue and time.monotonic() < until:
        time.sleep(0.05)
    assert not history._writer._queue
    assert list(history.events("j")["message"]) == ["first", "second"]


def test_any_text_can_be_recorded(history):
    bus = EventBus("j", history.record)
    for text in ("a\x00b", "\ud800", "שלום 🏠", "=1+1", "'; DROP TABLE job_events; --", ""):
        bus.emit(JobLog(stage="Engine", message=text))
    history.flush()
    assert len(history.events("j")) == 6
    assert list(history.logs("j")["message"][:2]) == ["a\x00b", "?"]


def test_files_are_private(history):
    history.start_job(id="j")
    assert history.path.parent.stat().st_mode & 0o777 == 0o700
    assert history.path.stat().st_mode & 0o777 == 0o600
    os.chmod(history.path, 0o644)
    history.job("j")
    assert history.path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in history.path.parent.iterdir()] == ["history.duckdb"]


def test_an_engine_makes_the_file_and_leaves_one_that_is_there_alone(world):
    path = world.settings.history_file
    with lf.Engine(world.settings):
        assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"not ours")
    with lf.Engine(world.settings):
        assert path.read_bytes() == b"not ours"


def test_a_file_that_cannot_be_made_is_told_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match="cannot be made or opened"):
        History(tmp_path / "file" / "history.duckdb").prepare()


@pytest.mark.parametrize("content", [b"garbage" * 5000, b""])
def test_a_damaged_file_is_named_with_the_next_step(tmp_path, content):
    path = tmp_path / "history.duckdb"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match="mv "):
        History(path).jobs()


def test_what_cannot_be_written_stays_queued_and_is_told(tmp_path):
    path = tmp_path / "history.duckdb"
    path.write_bytes(b"garbage" * 5000)
    history = History(path)
    EventBus("j", history.record).emit(JobLog(stage="Engine", message="x"))
    with pytest.raises(HistoryError):
        history.flush()
    path.unlink()
    history.close()
    assert len(History(path).events("j")) == 1


def test_a_file_held_by_another_process_is_waited_for_then_told(history):
    history.start_job(id="j")
    holder = _child(
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); open(sys.argv[1] + '.held', 'w'); time.sleep(60)",
        history.path,
    )
    try:
        while not history.path.with_name("history.duckdb.held").exists():
            time.sleep(0.02)
        history._store.wait_s = 0.3
        with pytest.raises(HistoryError, match="another process"):
            history.job("j")
    finally:
        holder.kill()
        holder.wait()
    assert history.job("j")["status"] == "PENDING"


def test_somebody_who_looks_into_the_file_in_this_process_disturbs_nobody(history):
    history.start_job(id="j")
    with duckdb.connect(str(history.path)) as own:
        history.start_job(id="k")
        assert len(history.jobs()) == 2
        assert own.execute("SELECT count(*) FROM etl_jobs").fetchone() == (2,)
    history.start_job(id="l")
    assert len(history.jobs()) == 3


def test_two_files_are_open_at_once_in_one_process(history, tmp_path):
    other = History(tmp_path / "it's other" / "history.duckdb")
    other.start_job(id="o")
    history.start_job(id="j")
    with history._store.read() as one, other._store.read() as two:
        assert one.execute("SELECT id FROM etl_jobs").fetchall() == [("j",)]
        assert two.execute("SELECT id FROM etl_jobs").fetchall() == [("o",)]
    other.close()


def test_the_file_is_free_for_other_processes_between_two_uses_and_after_an_error(history):
    history.start_job(id="j")
    with pytest.raises(HistoryError), history._store.write() as connection:
        connection.execute("INSERT INTO etl_jobs (id) VALUES ('k')")
    with pytest.raises(KeyError), history._store.write() as connection:
        raise KeyError(connection.execute("UPDATE etl_jobs SET message = 'x'"))
    looks = """
import duckdb, sys
assert duckdb.connect(sys.argv[1]).execute("SELECT id, message FROM etl_jobs").fetchall() == [("j", None)]
"""
    child = _child(looks, history.path)
    assert child.wait(60) == 0, child.stderr.read()


def test_interrupts_while_it_is_read_leave_the_file_to_all(history):
    history.start_job(id="j")
    interrupts = 0
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for n in range(150):
            with contextlib.suppress(KeyboardInterrupt, RuntimeError):  # duckdb raises its own for one within a query
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.0002 + n * 0.00003)
                    history.job("j")
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                continue
            interrupts += 1
    finally:
        signal.signal(signal.SIGALRM, old)
    assert interrupts
    assert history.job("j")["id"] == "j"
    child = _child(
        "import sys; from leadflow.history import History; History(sys.argv[1], wait_s=5).job('j')", history.path
    )
    assert child.wait(60) == 0, child.stderr.read()


def test_a_disk_that_fills_after_the_commit_has_nothing_written_twice(history):
    code = """
import os, resource, signal, sys
from leadflow.history import History
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
history = History(sys.argv[1])
history.start_job(id="j")
history.record_batch("j", 1, rows=200, delivered=150)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(sys.argv[1]) + 1000, hard))
try:
    history.flush()
except Exception as error:
    print(error, file=sys.stderr)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
history.flush()
assert history.batches("j")["delivered"].tolist() == [150], history.batches("j")
"""
    child = _child(code, history.path)
    assert child.wait(60) == 0, child.stderr.read()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_reads_and_writes(history):
    code = """
import os, sys
from leadflow.history import History
history = History(sys.argv[1])
history.start_job(id="parent")
pid = os.fork()
if pid == 0:
    history.start_job(id="child")
    os._exit(0 if len(history.jobs()) == 2 else 1)
assert os.waitpid(pid, 0)[1] == 0
assert len(history.jobs()) == 2
"""
    child = _child(code, history.path)
    assert child.wait(60) == 0, child.stderr.read()


def test_claim_and_heartbeat(history):
    host = socket.gethostname()
    living, other = f"{host}:{os.getppid()}:a", f"{host}:{os.getpid()}:b"
    history.start_job(id="j", status="RUNNING", owner=living, heartbeat_at=datetime.now(timezone.utc))
    with pytest.raises(JobBusyError, match="j"):
        history.claim("j", other, 30)
    history.claim("j", other, 0)
    assert history.job("j")["owner"] == other
    history.heartbeat("j", other)
    with pytest.raises(JobBusyError):
        history.heartbeat("j", living)
    with pytest.raises(JobNotFound):
        history.claim("nowhere", other, 30)


def test_a_dead_owner_is_taken_over_at_once(history):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    history.start_job(id="j", status="RUNNING", owner=f"{socket.gethostname()}:{child.pid}:a")
    history.claim("j", "elsewhere:1:b", 30)
    with pytest.raises(JobBusyError):
        history.claim("j", "third:1:c", 30)
    history.update_job("j", status="STOPPED")
    history.claim("j", "third:1:c", 30)


def test_numbers_go_on_after_a_resume(history):
    assert history.last_seq("j") == (0, 0.0)
    bus = EventBus("j", history.record)
    bus.emit(JobProgress(stage="Engine", status="running", progress=0, message="m"))
    bus.emit(JobErrored(stage="Job", message="m", error="E"))
    seq, elapsed = history.last_seq("j")
    assert seq == 2
    EventBus("j", history.record, first_seq=seq + 1, elapsed=elapsed).emit(JobLog(stage="Job", message="again"))
    events = history.events("j")
    assert list(events["seq"]) == [1, 2, 3]
    assert events["elapsed"].is_monotonic_increasing
    assert list(history.logs("j")["level"]) == ["error", "info"]


def test_a_resumed_batch_adds_to_the_first_run(history):
    history.record_batch(
        "j", 1, first_row=1, last_row=200, rows=200, delivered=150, held=30, retry=20, lookup_s=1.5, status="done"
    )
    history.record_batch(
        "j", 1, first_row=7, last_row=26, rows=20, delivered=20, held=0, retry=0, lookup_s=0.5, status="done"
    )
    row = history.batches("j").iloc[0]
    assert [row[n] for n in ("rows", "first_row", "last_row", "delivered", "held", "retry", "lookup_s")] == [
        200,
        1,
        200,
        170,
        30,
        0,
        2.0,
    ]


def test_facts_that_are_written_together_go_to_their_batches(history):
    for number in (1, 2, 3):
        history.record_batch("j", number, first_row=number, delivered=number, status="done")
    history.record_batch("j", 2, first_row=7, delivered=20, status="done")
    history.record_batch("j", 3, check_s=0.5)
    history.record_batch("other", 1, first_row=1, delivered=9, status="done")
    assert history.batches("j")["delivered"].tolist() == [1, 22, 3]
    assert history.batches("j")["check_s"].fillna(0).tolist() == [0, 0, 0.5]
    assert history.batches("other")["delivered"].tolist() == [9]


def test_unknown_fields_are_refused(history):
    with pytest.raises(TypeError, match="colour"):
        history.update_job("j", colour="blue")


@pytest.mark.parametrize("job_type", ["single_script", "several_scripts", "frame", "rescrub"])
def test_the_type_of_a_job_is_recorded(history, job_type):
    history.start_job(id="j", job_type=job_type)
    assert history.job("j")["job_type"] == job_type
    assert history.jobs()["job_type"].tolist() == [job_type]


def test_a_job_without_a_type_is_a_single_script_and_an_unknown_type_is_refused(history):
    history.start_job(id="j")
    assert history.job("j")["job_type"] == "single_script"
    with pytest.raises(ValueError, match="known ones are single_script, several_scripts, frame, rescrub"):
        history.start_job(id="k", job_type="script")


def test_importing_history_is_light():
    code = """
import sys, leadflow.history, leadflow.reports
sys.exit(any(m in sys.modules for m in ("pandas", "duckdb", "pyarrow")))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_job_of_this_process_is_live_while_its_heart_beats(history):
    now = datetime.now(timezone.utc)
    mine = f"{socket.gethostname()}:{os.getpid()}:a"
    history.start_job(
        id="silent", status="RUNNING", owner=mine, heartbeat_at=now - timedelta(seconds=60), created_at=now
    )
    history.start_job(id="beating", status="RUNNING", owner=mine, heartbeat_at=now, created_at=now)
    history.start_job(id="unowned", created_at=now)
    history.start_job(
        id="done",
        status="COMPLETED",
        counts={"retry": {"unchecked": 2, "lookup_failed": 1}},
        created_at=now - timedelta(days=1),
    )
    jobs = history.jobs().set_index("id")
    assert jobs["standing"].to_dict() == {
        "silent": "dead",
        "beating": "running",
        "unowned": "dead",
        "done": "may clear",
    }
    assert jobs["retry"].to_dict() == {"silent": 0, "beating": 0, "unowned": 0, "done": 3}
    assert all(standing(history.job(job_id)) == said for job_id, said in jobs["standing"].items())
    assert history.jobs(status="dead", limit=1)["id"].tolist() == ["unowned"]
    assert [job["id"] for job in history.resumable()] == ["unowned", "silent", "done"]

"""Full disks, damaged files, and a history that another process holds open: never a success that is not one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from job_process import RUN, resume_and_judge, start_job
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow.errors import HistoryError


@pytest.mark.parametrize("at", ["Snowflake", "idiCORE", "DNC", "Cache"])
@pytest.mark.parametrize("room", [1, 50_000])
def test_a_full_disk_is_never_a_success(world, at, room):
    child = start_job(world, RUN, room, at, 120)
    out, _ = child.communicate(timeout=200)
    job_id, *said = out.splitlines()
    if said and json.loads(said[-1]) == "COMPLETED":
        with lf.Engine(world.settings) as engine:
            assert observe(world, engine, job_id).clean
            assert str(lf.jobs(full=True)["status"].iloc[0]) == "COMPLETED"
        return
    if said:
        assert "FAILED" in json.loads(said[-1])
    resume_and_judge(world, job_id, in_flight=world.settings.idicore.max_in_flight)


def test_disk_space_freed_in_the_same_process_lets_a_job_resume(world):
    with lf.Engine(world.settings) as engine:
        pages = engine.checkpoints._db.execute("PRAGMA page_count").fetchone()[0]
        engine.checkpoints._db.execute(f"PRAGMA max_page_count = {pages + 40}")
        with pytest.raises(lf.errors.JobFailedError, match="disk"):
            engine.run(SCRIPT, limit_rows=400, progress=False)
        engine.checkpoints._db.execute("PRAGMA max_page_count = 1000000")
        job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
        assert job.ok
        assert observe(world, engine, job.id, in_flight=world.settings.idicore.max_in_flight).clean


@pytest.mark.parametrize("name", ["history.duckdb", "checkpoints.sqlite"])
def test_a_damaged_file_is_said_before_money_is_spent(world, name):
    file = world.settings.home / name
    file.write_bytes(b"this is no database" * 1000)
    with pytest.raises(HistoryError, match=name), lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=5, progress=False)
    assert world.stats()["idicore"]["calls"] == 0


def test_checkpoints_damaged_in_the_middle_are_said_and_kept(world):
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=100, progress=False)
    file = world.settings.checkpoint_file
    data = bytearray(file.read_bytes())
    data[8192 : len(data) - 4096] = b"\xff" * (len(data) - 12288)
    file.write_bytes(data)
    with pytest.raises(HistoryError, match="paid answers"), lf.Engine(world.settings) as engine:
        engine.resume(job.id, progress=False)
    assert file.exists()


_HOLD = """
import duckdb, sys, time
while True:
    try:
        connection = duckdb.connect(sys.argv[1])
        break
    except duckdb.IOException:
        time.sleep(0.005)
connection.execute("BEGIN; CREATE TABLE IF NOT EXISTS held (a INT)")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def _hold(world, seconds):
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(world.settings.history_file), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline().strip() == "held"
    return child


def test_a_history_held_for_a_while_delays_and_loses_nothing(world):
    with lf.Engine(world.settings) as engine:
        handle = engine.submit(SCRIPT, limit_rows=60)
        while handle.progress.total is None and not handle.wait(0.05):
            pass
        holder = _hold(world, 4)
        job = handle.result(200)
        holder.wait(60)
        assert job.ok
        assert engine.report(job.id).ok
        assert "job_complete" in set(lf.trace(job.id)["event"])


def test_a_history_that_stays_locked_is_no_success(world):
    slow = world.settings.idicore.model_copy(update={"max_in_flight": 2})
    settings = world.settings.model_copy(update={"history_wait_s": 1.5, "idicore": slow})
    with lf.Engine(settings) as engine:
        world.configure(latency={"idicore": 1.0})
        handle = engine.submit(SCRIPT, limit_rows=60)
        holder = _hold(world, 600)
        try:
            with pytest.raises(HistoryError, match="held open by another process"):
                handle.result(200)
            assert str(handle.status) == "FAILED"
        finally:
            holder.kill()
            holder.wait()
        world.configure(latency={"idicore": 0.0})
        assert engine.resume(handle.id, progress=False).ok
        assert observe(world, engine, handle.id).clean

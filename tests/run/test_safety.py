"""Stopping, full disks, locked and damaged files, odd clocks, several processes: a job never says more than is true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
from outcome import SCRIPT, observe, sheet_rows

import leadflow as lf
from leadflow.errors import HistoryError
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.stages import check_dnc

_RUN = """
import resource, sys, json
import leadflow as lf
limit, at = int(sys.argv[1]), sys.argv[2]
def squeeze(recorded):
    if limit and recorded.event.stage == at:
        import os
        room = max(os.path.getsize(p) for p in (engine.settings.history_file, engine.settings.checkpoint_file)) + limit
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
engine = lf.Engine()
handle = engine.submit("SELECT * FROM RAW_LEADS", name="child", limit_rows=int(sys.argv[3]), listeners=(squeeze,))
print(handle.id, flush=True)
try:
    while not handle.wait(0.1):
        pass
    print(json.dumps(str(handle.result().status)), flush=True)
except KeyboardInterrupt:
    handle.stop(); handle.wait()
    print(json.dumps(str(handle.status)), flush=True)
except lf.errors.LeadflowError as error:
    print(json.dumps("FAILED " + str(error)), flush=True)
"""
_WATCHED = """
import leadflow as lf
with lf.Engine() as engine:
    engine.run("SELECT * FROM RAW_LEADS", name="interrupted", limit_rows=400)
"""


def _child(world, code, *args, **more):
    env = {**os.environ, **world.env(), "LEADFLOW_BATCH_SIZE": "20", **more}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _resumed(world, job_id, in_flight=0):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        job = engine.resume(job_id, progress=False)
        assert job.ok
        assert job.counts.balanced
        outcome = observe(world, engine, job_id, in_flight=in_flight)
        assert outcome.clean, outcome
        assert engine.report(job_id).ok


@pytest.mark.parametrize("at", ["Snowflake", "idiCORE", "DNC", "Cache"])
@pytest.mark.parametrize("room", [1, 50_000])
def test_a_full_disk_is_never_a_success(world, at, room):
    child = _child(world, _RUN, room, at, 120)
    out, _ = child.communicate(timeout=200)
    job_id, *said = out.splitlines()
    if said and json.loads(said[-1]) == "COMPLETED":
        with lf.Engine(world.settings) as engine:
            assert observe(world, engine, job_id).clean
            assert str(lf.jobs()["status"].iloc[0]) == "COMPLETED"
        return
    if said:
        assert "FAILED" in json.loads(said[-1])
    _resumed(world, job_id, in_flight=world.settings.idicore.max_in_flight)


def test_ctrl_c_stops_a_job_that_can_be_resumed(world):
    world.configure(latency={"idicore": 0.1})
    child = _child(world, _WATCHED)
    deadline = time.monotonic() + 120
    while world.stats()["idicore"]["calls"] < 40 and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert "KeyboardInterrupt" in err
    jobs = lf.jobs(history=world.settings.history_file)
    assert jobs["status"].tolist() == ["STOPPED"]
    assert world.stats()["idicore"]["calls"] < 400
    world.configure(latency={"idicore": 0.0})
    _resumed(world, jobs["id"].iloc[0])


def test_a_stop_does_not_wait_for_a_long_retry_after(world):
    world.fail("idicore", "429", times=1000, retry_after=60)
    with lf.Engine(world.settings) as engine:
        handle = engine.submit(SCRIPT, limit_rows=40)
        deadline = time.monotonic() + 60
        while world.stats()["idicore"]["calls"] < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        handle.stop()
        assert handle.wait(25)
        assert str(handle.result().status) == "STOPPED"


def test_two_processes_on_one_sheet_and_one_history(world):
    children = [_child(world, _RUN, 0, "-", 100) for _ in range(2)]
    said = [c.communicate(timeout=250)[0].splitlines() for c in children]
    assert [json.loads(s[-1]) for s in said] == ["COMPLETED"] * 2, said
    keys = [row["Lead Key"] for row in sheet_rows(world)]
    assert len(keys) == len(set(keys))
    bought = world.stats()["idicore"]["bought"]
    assert all(n == 1 for n in bought.values())
    for job_id in (s[0] for s in said):
        _resumed(world, job_id)
    keys = [row["Lead Key"] for row in sheet_rows(world)]
    assert len(keys) == len(set(keys))


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
        job = handle.result(120)
        holder.wait(60)
        assert job.ok
        assert engine.report(job.id).ok
        assert "job_complete" in set(lf.trace(job.id)["event"])


def test_a_history_that_stays_locked_is_no_success(world):
    settings = world.settings.model_copy(update={"history_wait_s": 1.5})
    with lf.Engine(settings) as engine:
        world.configure(latency={"idicore": 0.05})
        handle = engine.submit(SCRIPT, limit_rows=60)
        holder = _hold(world, 600)
        try:
            with pytest.raises(HistoryError, match="held open by another process"):
                handle.result(120)
            assert str(handle.status) == "FAILED"
        finally:
            holder.kill()
            holder.wait()
        world.configure(latency={"idicore": 0.0})
        assert engine.resume(handle.id, progress=False).ok
        assert observe(world, engine, handle.id).clean


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


def _scrub(phone, days):
    at = datetime.now(timezone.utc) - timedelta(days=days)
    return Scrub(phone=phone, check="dnc", verdict=Verdict.CLEAN, provider="test", code="C", checked_at=at)


@pytest.mark.parametrize(("days", "asked"), [(0, 0), (30, 0), (32, 1), (-2, 1)])
def test_a_scrub_too_old_or_from_the_future_does_not_count(world, days, asked):
    import polars as pl

    from leadflow.services.dnc_list import dnc_service

    phone = "+15045550143"
    before = world.stats()["dnc"]["calls"]
    service = dnc_service(world.settings.dnc)
    check_dnc(pl.DataFrame({"phones": [[phone]]}), service, known={phone: _scrub(phone, days)})
    service.close()
    assert world.stats()["dnc"]["calls"] - before == asked


def test_a_clock_that_steps_back_disorders_nothing(world, monkeypatch):
    import leadflow.events as events

    class Back(datetime):
        @classmethod
        def now(cls, tz=None):
            steps["n"] += 1
            return datetime.now(tz) - timedelta(hours=steps["n"] % 7)

    steps = {"n": 0}
    with lf.Engine(world.settings) as engine:
        monkeypatch.setattr(events, "datetime", Back)
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        monkeypatch.undo()
        elapsed = [float(t.removeprefix("T+").removesuffix("s")) for t in lf.trace(job.id)["time"]]
        assert elapsed == sorted(elapsed)
        assert lf.trace(job.id)["event"].iloc[-1] in ("job_complete", "job_progress")
        assert engine.report(job.id).ok


def test_checkpoints_of_completed_jobs_are_pruned_after_the_setting(world):
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        while job.counts.retry:
            job = engine.resume(job.id, progress=False)
        keys = engine.checkpoints.keys(job.id)
        assert engine.checkpoints.answers(keys)
    policy = world.settings.policy.model_copy(update={"keep_checkpoints_days": 0})
    with lf.Engine(world.settings.model_copy(update={"policy": policy})) as engine:
        assert engine.checkpoints.answers(keys) == {}
        assert engine.checkpoints.keys(job.id) == []


def test_an_unfinished_job_is_never_pruned(world):
    policy = world.settings.policy.model_copy(update={"keep_checkpoints_days": 0})
    settings = world.settings.model_copy(update={"policy": policy})
    with lf.Engine(settings) as engine:
        job = engine.run(SCRIPT, limit_rows=60, max_lookups=20, progress=False)
        assert str(job.status) == "STOPPED"
    with lf.Engine(settings) as engine:
        assert engine.resume(job.id, progress=False).counts.bought == 60
    assert all(n == 1 for n in world.stats()["idicore"]["bought"].values())


def test_a_forgotten_person_is_in_no_file_of_the_checkpoints(world):
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=20, progress=False)
        key = next(k for k, a in engine.checkpoints.answers(engine.checkpoints.keys(job.id)).items() if a.phones)
        number = engine.checkpoints.answers([key])[key].phones[0].number
        assert engine.forget(key) > 0
    data = b"".join(p.read_bytes() for p in world.settings.home.glob("checkpoints.sqlite*"))
    assert key.encode() not in data or number.encode() not in data
    assert number.encode() not in data


def test_home_and_files_are_private(world):
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=5, progress=False)
    home = world.settings.home
    assert home.stat().st_mode & 0o777 == 0o700
    for file in home.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_plain_http_goes_to_loopback_only(world):
    with pytest.raises(ValueError, match="https"):
        lf.Settings.model_validate(
            {
                **world.settings.model_dump(),
                "idicore": {**world.settings.idicore.model_dump(), "search_url": "http://example.com"},
            }
        )


def test_secrets_are_in_no_repr(world):
    with lf.Engine(world.settings) as engine:
        said = repr(world.settings) + repr(engine.settings.idicore) + str(engine.settings.model_dump())
    for secret in ("local-secret", "local-token", "local-login"):
        assert secret not in said


def test_stop_is_heard_while_the_checks_wait(world):
    world.fail("dnc", "429", times=1000, retry_after=30)
    with lf.Engine(world.settings) as engine:
        handle = engine.submit(SCRIPT, limit_rows=20)
        deadline = time.monotonic() + 60
        while world.stats()["dnc"]["calls"] < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        timer = threading.Timer(0.5, handle.stop)
        timer.start()
        assert handle.wait(25)
        assert str(handle.result().status) == "STOPPED"


def test_stop_is_heard_while_the_login_waits(world):
    world.fail("idicore", "503", times=1000, on="login", retry_after=30)
    with lf.Engine(world.settings) as engine:
        handle = engine.submit(SCRIPT, limit_rows=20)
        deadline = time.monotonic() + 60
        while world.stats()["idicore"]["logins"] < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        threading.Timer(0.5, handle.stop).start()
        assert handle.wait(25)
        assert str(handle.result().status) == "STOPPED"


def test_a_login_that_works_again_lets_a_job_resume_with_the_same_engine(world):
    idicore = world.settings.idicore.model_copy(update={"attempts": 1})
    world.fail("idicore", "500", times=1000, on="login")
    with lf.Engine(world.settings.model_copy(update={"idicore": idicore})) as engine:
        with pytest.raises(lf.errors.JobFailedError):
            engine.run(SCRIPT, limit_rows=40, progress=False)
        world.heal()
        assert engine.resume(lf.jobs()["id"].iloc[0], progress=False).ok


def test_a_listener_that_raises_does_not_end_a_job(world):
    heard = []

    def broken(recorded):
        heard.append(recorded)
        raise KeyError("mine")

    with lf.Engine(world.settings) as engine, pytest.warns(RuntimeWarning, match="KeyError"):
        job = engine.submit(SCRIPT, limit_rows=20, listeners=(broken,)).result(60)
    assert job.ok
    assert len(heard) == 1


def test_a_progress_bar_that_fails_does_not_leave_a_job_running_unseen(world, monkeypatch):
    import tqdm.auto

    class Broken(tqdm.auto.tqdm):
        def update(self, n=1):
            raise OSError("comm closed")

    monkeypatch.setattr("leadflow.run.progress.has_display", lambda: True)
    monkeypatch.setattr(tqdm.auto, "tqdm", Broken)
    with lf.Engine(world.settings) as engine:
        assert engine.run(SCRIPT, limit_rows=20).ok
        assert engine.running == []


def test_an_interrupt_while_the_bar_is_made_stops_the_job(world, monkeypatch):
    import tqdm.auto

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    world.configure(latency={"idicore": 0.1})
    monkeypatch.setattr("leadflow.run.progress.has_display", lambda: True)
    monkeypatch.setattr(tqdm.auto, "tqdm", interrupted)
    with lf.Engine(world.settings) as engine:
        with pytest.raises(KeyboardInterrupt):
            engine.run(SCRIPT, limit_rows=400)
        assert engine.running == []
    assert lf.jobs()["status"].tolist() == ["STOPPED"]


def test_a_sign_out_that_fails_does_not_keep_a_job_from_ending(world, monkeypatch):
    from leadflow.services.warehouse import Warehouse

    def refuses(self):
        raise RuntimeError("no network")

    with lf.Engine(world.settings) as engine:
        monkeypatch.setattr(Warehouse, "close", refuses)
        handle = engine.submit(SCRIPT, limit_rows=20)
        assert handle.wait(60)
        assert handle.result().ok


def test_searches_whose_answer_is_lost_count_against_the_budget_and_are_said(world):
    idicore = world.settings.idicore.model_copy(update={"attempts": 3, "breaker_failures": 1000})
    world.fail("idicore", "truncated", times=1000)
    with lf.Engine(world.settings.model_copy(update={"idicore": idicore})) as engine:
        job = engine.run(SCRIPT, limit_rows=40, max_lookups=12, progress=False)
        assert str(job.status) == "STOPPED"
        assert sum(world.stats()["idicore"]["bought"].values()) == job.counts.unanswered == 12
        assert "12 lookups brought no answer and may have been charged" in lf.jobs()["message"].iloc[0]
        world.heal()
        resumed = engine.resume(job.id, max_lookups=20, progress=False)
        assert (resumed.counts.bought, resumed.counts.unanswered) == (8, 12)


def test_a_refused_search_is_given_back_to_the_budget(world):
    world.fail("idicore", "429", times=5, retry_after=0)
    with lf.Engine(world.settings) as engine:
        job = engine.run(SCRIPT, limit_rows=40, max_lookups=12, progress=False)
    assert (job.counts.bought, job.counts.unanswered) == (12, 0)


def test_no_batch_is_merged_after_a_job_has_ended(world, monkeypatch):
    from leadflow.services.sheets import Sheet
    from leadflow.services.warehouse import Warehouse

    merged, appended, ended = [], [], threading.Event()
    merge, append = Warehouse.merge, Sheet.append

    def slow(self, *args):
        time.sleep(0.5)
        merged.append(ended.is_set())
        return merge(self, *args)

    def breaks(self, rows):
        appended.append(1)
        if len(appended) > 1:
            raise lf.errors.DeliveryError("no more")
        return append(self, rows)

    monkeypatch.setattr(Warehouse, "merge", slow)
    monkeypatch.setattr(Sheet, "append", breaks)
    world.configure(latency={"idicore": 0.02})
    with lf.Engine(world.settings.model_copy(update={"batch_size": 10})) as engine:
        handle = engine.submit(SCRIPT, limit_rows=30)
        handle.wait(60)
        ended.set()
        time.sleep(1.5)
    assert merged
    assert not any(merged)

"""A stop, an interrupt, and what fails while a job ends: it ends soon, is recorded as it was, and can be resumed."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from filelock import FileLock
from job_process import resume_and_judge, start_job
from outcome import SCRIPT

import leadflow as lf
from leadflow.services.sheets.lock import SheetLock

_RETRY_AFTER = 60  # seconds, the most that leadflow waits: a stop that does not wait for it ends well before
_WATCHED = """
import leadflow as lf
with lf.Engine() as engine:
    engine.run("SELECT * FROM RAW_LEADS", name="interrupted", limit_rows=400)
"""


def _until_called(world, service, what="calls", n=1):
    deadline = time.monotonic() + 120
    while world.stats()[service][what] < n:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.usefixtures("sigint")
def test_ctrl_c_stops_a_job_that_can_be_resumed(world):
    world.configure(latency={"idicore": 0.1})
    child = start_job(world, _WATCHED, LEADFLOW_IDICORE__MAX_IN_FLIGHT="4")
    _until_called(world, "idicore", n=20)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=200)
    assert "KeyboardInterrupt" in err
    jobs = lf.jobs(full=True, history=world.settings.history_file)
    assert jobs["status"].tolist() == ["STOPPED"]
    assert world.stats()["idicore"]["calls"] < 400
    world.configure(latency={"idicore": 0.0})
    resume_and_judge(world, jobs["id"].iloc[0])


def test_an_interrupt_while_the_bar_is_made_stops_the_job(world, monkeypatch):
    import tqdm.auto

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    world.configure(latency={"idicore": 0.1})
    monkeypatch.setattr("leadflow.run.progress.has_display", lambda: True)
    monkeypatch.setattr(tqdm.auto, "tqdm", interrupted)
    slow = world.settings.idicore.model_copy(update={"max_in_flight": 4})
    with lf.Engine(world.settings.model_copy(update={"idicore": slow})) as engine:
        with pytest.raises(KeyboardInterrupt):
            engine.run(SCRIPT, limit_rows=400)
        assert engine.running == []
    assert lf.jobs(full=True)["status"].tolist() == ["STOPPED"]


def test_a_stop_does_not_wait_for_a_long_retry_after(world):
    world.fail("idicore", "429", times=1000, retry_after=_RETRY_AFTER)
    with lf.Engine(world.settings) as engine:
        handle = engine.submit(SCRIPT, limit_rows=40)
        _until_called(world, "idicore")
        handle.stop()
        assert handle.wait(_RETRY_AFTER - 10)
        assert str(handle.result().status) == "STOPPED"


def test_stop_is_heard_while_the_checks_wait(world):
    world.fail("dnc", "429", times=1000, retry_after=_RETRY_AFTER)
    with lf.Engine(world.settings) as engine:
        handle = engine.submit(SCRIPT, limit_rows=20)
        _until_called(world, "dnc")
        threading.Timer(0.5, handle.stop).start()
        assert handle.wait(_RETRY_AFTER - 10)
        assert str(handle.result().status) == "STOPPED"


def test_stop_is_heard_while_the_login_waits(world):
    world.fail("idicore", "503", times=1000, on="login", retry_after=_RETRY_AFTER)
    with lf.Engine(world.settings) as engine:
        handle = engine.submit(SCRIPT, limit_rows=20)
        _until_called(world, "idicore", "logins")
        threading.Timer(0.5, handle.stop).start()
        assert handle.wait(_RETRY_AFTER - 10)
        assert str(handle.result().status) == "STOPPED"


@pytest.mark.parametrize("holder", ["another job of this process", "another process"])
@pytest.mark.parametrize("phase", ["before the first lookup", "before an append"])
def test_stop_is_heard_while_another_job_holds_the_sheet(world, holder, phase):
    """Another job may hold the lock for as long as Google is busy: busy_wait_s, ten minutes."""
    with lf.Engine(world.settings) as engine:
        assert engine.run(SCRIPT, limit_rows=5, progress=False).ok  # so the tab has a header
        lock = SheetLock(
            (world.settings.sheets.base_url, world.settings.sheets.spreadsheet_id, world.settings.sheets.worksheet),
            world.settings.home,
        )
        if phase == "before an append":
            world.configure(latency={"dnc": 2.0})
        else:
            world.configure(latency={"snowflake": 0.5})
        handle = engine.submit(SCRIPT, limit_rows=10)
        if phase == "before an append":
            _until_called(world, "dnc", n=world.stats()["dnc"]["calls"] + 1)
        with FileLock(lock._file.lock_file) if holder == "another process" else lock.hold():
            time.sleep(3)
            assert not handle.wait(0)
            handle.stop()
            assert handle.wait(20)
        assert str(handle.result().status) == "STOPPED"
        assert engine.resume(handle.id, progress=False).ok


def test_a_sign_out_that_fails_does_not_keep_a_job_from_ending(world, monkeypatch):
    from leadflow.services.warehouse import Warehouse

    def refuses(self):
        raise RuntimeError("no network")

    with lf.Engine(world.settings) as engine:
        monkeypatch.setattr(Warehouse, "close", refuses)
        handle = engine.submit(SCRIPT, limit_rows=20)
        assert handle.wait(200)
        assert handle.result().ok


def test_a_listener_that_raises_does_not_end_a_job(world):
    heard = []

    def broken(recorded):
        heard.append(recorded)
        raise KeyError("mine")

    with lf.Engine(world.settings) as engine, pytest.warns(RuntimeWarning, match="KeyError"):
        job = engine.submit(SCRIPT, limit_rows=20, listeners=(broken,)).result(200)
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
        assert handle.wait(200)
        ended.set()
        time.sleep(1.5)
    assert merged
    assert not any(merged)

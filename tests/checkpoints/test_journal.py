"""Paid answers between their arrival and the checkpoints' tables: none is lost, none comes back after lf.forget."""

from __future__ import annotations

import linecache
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from leadflow.checkpoints import Checkpoints, journal
from leadflow.leads.people import Answer, Phone

_BUYS = """
import os, signal, sys
from pathlib import Path
from leadflow.checkpoints import Checkpoints
from leadflow.leads.people import Answer, Phone
checkpoints = Checkpoints(Path(sys.argv[1]))
checkpoints.add_job("job", {})
checkpoints.add_leads("job", 1, 1, [{"person_key": f"k{n}"} for n in range(50)])
checkpoints.take_turn("job")
for n in range(50):
    checkpoints.save_answer("job", Answer(f"k{n}", "found", (Phone("+15035550143"),)))
print("bought", flush=True)
sys.stdin.readline()
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
checkpoints.close()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoints.sqlite"


def _buyer(path, end="killed"):
    child = subprocess.Popen(
        [sys.executable, "-c", _BUYS, str(path), end], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "bought\n"
    return child


def _ended(child):
    child.stdin.write("\n")
    child.stdin.flush()
    return child.wait(60)


def _journals(path):
    return list(path.parent.glob("*.answers*"))


def _open(path, job="job"):
    checkpoints = Checkpoints(path)
    checkpoints.add_job(job, {})
    checkpoints.take_turn(job)
    return checkpoints


def test_a_killed_process_loses_no_answer_and_leaves_no_file(path):
    assert _ended(_buyer(path)) == -signal.SIGKILL
    assert _journals(path)
    checkpoints = Checkpoints(path)
    assert checkpoints.bought("job") == 50
    assert checkpoints.answers(["k0", "k49"])["k49"].phones == (Phone("+15035550143"),)
    assert _journals(path) == []
    checkpoints.close()


def test_the_answers_of_a_process_that_runs_are_seen_and_stay_its_own(path):
    child = _buyer(path, "closed")
    checkpoints = Checkpoints(path)
    assert len(checkpoints.answers([f"k{n}" for n in range(50)])) == 50
    assert _journals(path)
    assert _ended(child) == 0
    assert _journals(path) == []
    assert checkpoints.bought("job") == 50
    checkpoints.close()


def test_a_person_forgotten_while_another_process_has_the_answer_stays_forgotten(path):
    child = _buyer(path, "closed")
    checkpoints = Checkpoints(path)
    assert checkpoints.forget("k7") > 0
    assert _ended(child) == 0
    assert checkpoints.answers(["k7", "k8"]).keys() == {"k8"}
    checkpoints.close()


def test_what_another_still_holds_comes_back_neither_after_forget_nor_after_prune(path):
    child = _buyer(path, "closed")
    checkpoints = Checkpoints(path)
    assert len(checkpoints.answers([f"k{n}" for n in range(50)])) == 50
    checkpoints.settle("job", [(f"k{n}", "delivered", "") for n in range(50)])
    checkpoints.forget("k7")
    assert "k7" not in checkpoints.answers(["k7", "k8"])
    checkpoints.end("job")
    assert checkpoints.prune(-1) == 1
    assert checkpoints.answers(["k7", "k8"]) == {}
    assert _ended(child) == 0
    assert checkpoints.answers(["k7", "k8"]) == {}
    checkpoints.close()


def test_an_older_answer_replaces_no_newer_one(path):
    child = _buyer(path, "closed")
    checkpoints = _open(path, "later")
    checkpoints.save_answer("later", Answer("k7", "no_match"))
    assert checkpoints.answers(["k7"])["k7"].status == "no_match"
    assert _ended(child) == 0
    assert checkpoints.answers(["k7"])["k7"].status == "no_match"
    checkpoints.close()


def test_jobs_that_start_at_once_share_one_journal(path):
    checkpoints = Checkpoints(path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(checkpoints.take_turn, (f"job{n}" for n in range(8))))
    assert len(list(path.parent.glob("*.answers"))) == 1
    checkpoints.close()
    assert _journals(path) == []


@pytest.mark.parametrize("line", ["end, self._end, self._handed =", "self._map[:end] ="])
def test_an_interrupt_while_it_is_emptied_loses_no_answer(path, line):
    checkpoints = _open(path)
    checkpoints.save_answer("job", Answer("first", "no_match"))
    with _interrupted_at(journal.Journal._wipe.__code__, line), pytest.raises(KeyboardInterrupt):
        checkpoints.sync()
    for n in range(5):
        checkpoints.save_answer("job", Answer(f"k{n}", "no_match"))
    assert checkpoints.bought("job") == 6
    checkpoints.close()


@contextmanager
def _interrupted_at(code, text):
    """A KeyboardInterrupt before a line of a function, as a Ctrl-C in that moment raises it."""

    def trace(frame, event, arg):
        if frame.f_code is code and event == "line" and text in linecache.getline(code.co_filename, frame.f_lineno):
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 40, b"\xff" * 40], ids=["cut", "zeros", "ones"])
def test_a_record_that_is_not_whole_costs_no_other(path, damage):
    assert _ended(_buyer(path)) == -signal.SIGKILL
    (left,) = path.parent.glob("*.answers")
    data = left.read_bytes()
    at = data.index(b'"k49"') + 5
    left.write_bytes(data[:at] + damage + (data[at + len(damage) :] if damage else b""))
    checkpoints = Checkpoints(path)
    assert checkpoints.answers([f"k{n}" for n in range(50)]).keys() == {f"k{n}" for n in range(49)}
    checkpoints.close()


def test_more_answers_than_the_journal_holds_go_on_into_the_file(path):
    checkpoints = _open(path)
    long = tuple(f"{n}@{'x' * 1000}.example" for n in range(1000))
    for n in range(10):
        checkpoints.save_answer("job", Answer(f"k{n}", "found", emails=long))
    huge = Answer("huge", "found", emails=long * 5)
    checkpoints.save_answer("job", huge)
    assert checkpoints.bought("job") == 11
    assert checkpoints.answers(["huge"])["huge"].emails == huge.emails
    checkpoints.close()


def test_the_journal_is_private_and_holds_nothing_once_it_is_synced(path):
    checkpoints = _open(path)
    checkpoints.save_answer("job", Answer("k", "found", (Phone("+15035550143"),)))
    (file,) = path.parent.glob("*.answers")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert b"5035550143" in file.read_bytes()
    checkpoints.sync()
    assert b"5035550143" not in file.read_bytes()
    checkpoints.close()
    assert _journals(path) == []


def test_what_comes_in_while_records_are_handed_over_is_handed_over_next(path):
    mine = journal.Journal(path)
    mine.add(b"first")
    handed = []

    def keep(records):
        handed.append(records)
        if records == [b"first"]:
            mine.add(b"second")
            mine.add(b"third")

    mine.hand_over(keep)
    assert [records for records, _ in journal.others(path, None)] == [[b"first", b"second", b"third"]]
    mine.hand_over(keep)
    mine.hand_over(keep)
    assert handed == [[b"first"], [b"second", b"third"]]
    assert not any(mine.path.read_bytes())
    mine.close()
    assert _journals(path) == []


def test_the_journal_never_fills_up_with_what_was_handed_over(path):
    mine, kept = journal.Journal(path), []
    record = bytes(range(1, 251)) * 4

    def keep(records):
        kept.extend(records)
        if len(kept) % 2:
            assert mine.add(record)

    for _ in range(6000):
        assert mine.add(record)
        # As in checkpoints: with many there the others wait, so none comes in meanwhile.
        mine.hand_over(keep if mine._end <= journal._WIPE_ABOVE else kept.extend)
    mine.empty(kept.extend)
    assert len(kept) > 6000
    assert set(kept) == {record}
    assert not any(mine.path.read_bytes())
    mine.close()


def test_what_could_not_be_kept_is_handed_over_again(path):
    mine = journal.Journal(path)
    mine.add(b"first")
    with pytest.raises(OSError, match="full"):
        mine.hand_over(_full)
    mine.add(b"second")
    handed = []
    mine.hand_over(handed.extend)
    assert handed == [b"first", b"second"]
    mine.close()


def _full(records):
    raise OSError("full")


def test_a_person_forgotten_while_answers_come_in_leaves_no_trace_in_the_journal(path):
    checkpoints = _open(path)
    checkpoints.save_answer("job", Answer("k", "found", (Phone("+15035550143"),)))
    kept = checkpoints._write_answers

    def keep_slowly(records):
        kept(records)
        if len(records) == 1 and b"5035550143" in records[0]:
            checkpoints.save_answer("job", Answer("other", "no_match"))

    checkpoints._write_answers = keep_slowly
    checkpoints.sync()
    (file,) = path.parent.glob("*.answers")
    assert b"5035550143" in file.read_bytes()
    checkpoints.forget("k")
    assert b"5035550143" not in file.read_bytes()
    assert checkpoints.answers(["k", "other"]).keys() == {"other"}
    checkpoints.close()


def _squeezed(path, code):
    """What a process says that has `c`, a store at `path` with a job, and a `squeeze` for the size of its files."""
    prelude = """
import resource, sys
from pathlib import Path
from leadflow.checkpoints import Checkpoints
from leadflow.errors import HistoryError
from leadflow.leads.people import Answer
c = Checkpoints(Path(sys.argv[1]))
c.add_job("job", {})
def squeeze(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
"""
    child = subprocess.run(
        [sys.executable, "-c", prelude + code, str(path)], capture_output=True, text=True, check=False
    )
    return child.stdout, child.stderr


def test_a_disk_without_room_for_a_journal_does_without(path):
    code = """
squeeze(1 << 20)
c.take_turn("job")
c.save_answer("job", Answer("k", "no_match"))
print(c.bought("job"))
"""
    said, error = _squeezed(path, code)
    assert said == "1\n", error
    assert _journals(path) == []


def test_answers_that_cannot_be_written_on_stay_in_the_journal(path):
    code = """
c.take_turn("job")
squeeze(4096)
for n in range(200):
    c.save_answer("job", Answer(f"k{n}", "no_match"))
try:
    c.sync()
except HistoryError as error:
    print(error)
c.close()
"""
    said, error = _squeezed(path, code)
    assert "Free disk space" in said, error
    checkpoints = Checkpoints(path)
    assert checkpoints.bought("job") == 200
    assert _journals(path) == []
    checkpoints.close()

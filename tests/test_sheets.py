"""One row a lead in the sheet, whatever the API and the people in the sheet do meanwhile."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from outcome import SCRIPT, observe

import leadflow as lf
from leadflow.errors import DeliveryError, JobFailedError, RefusedError
from leadflow.services.sheets import Sheet

NAMES = ["Lead Key", "Name", "Zip"]


@pytest.fixture
def sheet(world):
    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 1.0}))
    sheet.prepare(NAMES)
    return sheet


def _rows(*numbers):
    return [{"Lead Key": f"k{n:04}", "Name": f"=1+{n}", "Zip": f"0{n:04}"} for n in numbers]


def _keys(world):
    header, *rows = world.sheet_values()
    column = header.index("Lead Key")
    return [row[column] for row in rows if len(row) > column and row[column]]


def test_what_is_written_is_text(world, sheet):
    sheet.append(_rows(7))
    assert world.sheet_values()[1] == ["k0007", "=1+7", "00007"]


def test_a_key_that_is_there_is_not_written_again(world, sheet):
    assert sheet.append(_rows(1, 2)) == 2
    assert sheet.append(_rows(2, 3)) == 1
    assert _keys(world) == ["k0001", "k0002", "k0003"]


@pytest.mark.parametrize("kind", ["applied_then_503", "applied_then_drop", "503", "drop", "500", "html", "truncated", "429"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_doubtful_append_is_neither_lost_nor_doubled(world, sheet, kind, times):
    world.fail("sheets", kind, times=times, on="write")
    assert sheet.append(_rows(*range(20))) == 20
    assert sorted(_keys(world)) == [f"k{n:04}" for n in range(20)]


def test_an_append_applied_late_is_found_at_the_end(world, sheet):
    world.fail("sheets", "applied_late", s=2.0)
    sheet.append(_rows(1, 2, 3))
    deadline = time.monotonic() + 30
    while len(_keys(world)) < 6 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(_keys(world)) == 6, "the late append never came; this test tests nothing"
    assert sheet.settle_doubts() == 3
    assert _keys(world) == ["k0001", "k0002", "k0003"]


def test_a_late_row_is_taken_out_by_the_next_job_and_notes_stay(world, sheet):
    sheet.append(_rows(1, 2))
    rows = world.sheet_values()
    world.edit_sheet([("set", 2, [*rows[1], "called, wants a call back"]), ("append", rows[1]), ("append", ["", "a note of mine", ""])])
    later = Sheet(world.settings.sheets)
    assert later.prepare(NAMES) == 1
    assert world.sheet_values()[1] == [*rows[1], "called, wants a call back"]
    assert ["", "a note of mine"] in world.sheet_values()


def test_a_row_that_a_person_copied_and_changed_stays(world, sheet):
    sheet.append(_rows(1))
    world.edit_sheet([("append", ["k0001", "another name", "00001"])])
    assert Sheet(world.settings.sheets).prepare(NAMES) == 0
    assert len(_keys(world)) == 2


def test_people_sort_while_rows_are_appended_and_doubles_taken_out(world, sheet):
    world.configure(quotas={"sheets_reads": 6000, "sheets_writes": 6000})
    quick = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 5.0, "reads_per_minute": 6000, "writes_per_minute": 6000}))
    done = threading.Event()
    dice = random.Random(3)

    def sort():
        while not done.is_set():
            world.edit_sheet(lambda rows: [rows[0], *dice.sample(rows[1:], len(rows) - 1)] if rows else rows)

    person = threading.Thread(target=sort)
    person.start()
    try:
        for start in range(0, 80, 20):
            world.fail("sheets", "applied_then_503", times=1, after=1 if start % 40 else 0)
            quick.append(_rows(*range(start, start + 20)))
            world.edit_sheet(lambda rows: [*rows, rows[1], rows[2]])
            quick.prepare(NAMES)
        quick.prepare(NAMES)
    finally:
        done.set()
        person.join()
    assert sorted(_keys(world)) == [f"k{n:04}" for n in range(80)]


def test_columns_moved_by_a_person_are_followed(world, sheet):
    sheet.append(_rows(1))
    world.edit_sheet(lambda rows: [["Mine", *reversed(row)] if n == 0 else ["x", *reversed(row)] for n, row in enumerate(rows)])
    sheet.append(_rows(1, 2))
    header, *rows = world.sheet_values()
    assert header == ["Mine", "Zip", "Name", "Lead Key"]
    assert rows[1][1:] == ["00002", "=1+2", "k0002"]
    assert len(rows) == 2


def test_a_column_deleted_by_a_person_comes_back(world, sheet):
    sheet.append(_rows(1))
    world.edit_sheet(lambda rows: [row[:2] for row in rows])
    sheet.append(_rows(2))
    header, *rows = world.sheet_values()
    assert header == NAMES
    assert rows[1] == ["k0002", "=1+2", "00002"]


def test_a_header_sorted_away_is_said_and_nothing_is_doubled(world, sheet):
    sheet.append(_rows(1, 2))
    world.edit_sheet(lambda rows: [rows[1], rows[2], rows[0]])
    with pytest.raises(DeliveryError, match="row 1"):
        sheet.append(_rows(1, 2, 3))
    with pytest.raises(DeliveryError, match="row 1"):
        Sheet(world.settings.sheets).prepare(NAMES)
    assert len(world.sheet_values()) == 3


def test_blank_rows_and_a_person_s_rows_are_not_overwritten(world, sheet):
    sheet.append(_rows(1))
    world.edit_sheet([("append", []), ("append", ["", "total", "1"])])
    sheet.append(_rows(2))
    assert sorted(_keys(world)) == ["k0001", "k0002"]
    assert ["", "total", "1"] in world.sheet_values()


def test_rows_stay_in_their_columns_when_a_person_puts_one_before_the_first(world, sheet):
    sheet.append(_rows(1))
    world.edit_sheet(lambda rows: [["", *row] for row in rows])
    sheet.append(_rows(2))
    header, *rows = world.sheet_values()
    assert header == ["Column A", *NAMES]
    assert rows == [["", "k0001", "=1+1", "00001"], ["", "k0002", "=1+2", "00002"]]


def test_an_append_beside_its_columns_is_taken_back(world, sheet, monkeypatch):
    sheet.append(_rows(1))
    ensure = Sheet.ensure_columns

    def too_late(self, names):
        done = ensure(self, names)
        world.edit_sheet(lambda rows: [["", *row] for row in rows])
        return done

    monkeypatch.setattr(Sheet, "ensure_columns", too_late)
    with pytest.raises(DeliveryError, match="taken back"):
        sheet.append(_rows(2))
    monkeypatch.undo()
    assert [row[1] for row in world.sheet_values()[1:]] == ["k0001"]
    assert sheet.append(_rows(1, 2)) == 1
    assert _keys(world) == ["k0001", "k0002"]


def test_a_row_that_someone_else_appends_between_is_seen(world, sheet, monkeypatch):
    sheet.append(_rows(1))
    ensure = Sheet.ensure_columns

    def meanwhile(self, names):
        world.edit_sheet([("append", ["k0009", "by another program", "00009"])])
        return ensure(self, names)

    monkeypatch.setattr(Sheet, "ensure_columns", meanwhile)
    sheet.append(_rows(2))
    monkeypatch.undo()
    assert sheet.append(_rows(9)) == 0
    assert _keys(world) == ["k0001", "k0009", "k0002"]


def test_a_row_with_a_forbidden_cell_is_taken_out_and_no_other(world, sheet):
    sheet.append(_rows(1, 2, 3))
    world.edit_sheet([("append", ["", "00002", "a note"])])
    assert sheet.withdraw({"k0001": {"00002"}, "k0002": {"00002"}, "k0007": {"00003"}}) == 1
    assert [row[0] for row in world.sheet_values()[1:]] == ["k0001", "k0003", ""]
    assert sheet.withdraw({"k0001": {"00002"}}) == 0
    assert sheet.append(_rows(2)) == 1


def test_keys_that_are_there_are_found_and_an_append_after_that_needs_no_look_of_its_own(world, sheet):
    sheet.append(_rows(1, 2))
    world.edit_sheet([("append", ["k0003", "by hand", "00003"])])
    assert sheet.there(["k0002", "k0003", "k0004"]) == {"k0002", "k0003"}
    reads = world.stats()["sheets"]["reads"]
    assert sheet.append(_rows(3, 4)) == 1
    assert sheet.there([]) == set()
    assert world.stats()["sheets"]["reads"] == reads + 1  # the keys just appended are read back
    assert _keys(world) == ["k0001", "k0002", "k0003", "k0004"]


def test_a_wrong_id_no_permission_and_a_protected_tab_say_so(world):
    settings = world.settings.sheets
    with pytest.raises(RefusedError, match="SPREADSHEET_ID"):
        Sheet(settings.model_copy(update={"spreadsheet_id": "no-such-sheet"})).connect()
    Sheet(settings).prepare(NAMES)
    world.fail("sheets", "403", on="write", times=1)
    with pytest.raises(RefusedError, match="no permission"):
        Sheet(settings).prepare(NAMES)


def test_a_full_spreadsheet_is_said_before(world, sheet):
    sheet.tab.resize(rows=300_000, cols=33)
    with pytest.raises(DeliveryError, match="cells in use"):
        sheet.raise_if_full(5_000)
    sheet.raise_if_full(100)


# Protected, read-only, and other refusals.

_ALL = "consolidated_data"


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        yield engine


def _fails_before_a_lookup_then_resumes(world, engine, match, mended):
    before = world.sheet_values()
    with pytest.raises(JobFailedError, match=match):
        engine.run(SCRIPT, limit_rows=20, progress=False)
    assert world.stats()["idicore"]["calls"] == 0
    assert world.sheet_values() == before
    mended()
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize(
    ("used", "part"),
    [(used, part) for used in (False, True) for part in (_ALL, f"{_ALL}!A2:A", f"{_ALL}!A:A", f"{_ALL}!A1:ZZ1000")] + [(False, f"{_ALL}!A1:A1"), (False, f"{_ALL}!D1:F1")],
)
def test_a_protected_part_fails_a_job_before_its_first_lookup(world, engine, used, part):
    if used:
        engine.run(f"{SCRIPT} ORDER BY \"Lead Number\"", limit_rows=20, progress=False)
    bought = world.stats()["idicore"]["calls"]
    world.protect_sheet(part)
    with pytest.raises(JobFailedError, match="unprotect it for the service account"):
        engine.run(SCRIPT, limit_rows=20, progress=False)
    assert world.stats()["idicore"]["calls"] == bought
    world.protect_sheet()
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert observe(world, engine, job.id).clean


def test_what_is_protected_beside_the_leads_stops_nobody(world, engine):
    engine.run(SCRIPT, limit_rows=20, progress=False)
    rows = world.sheet_values()
    world.protect_sheet(f"{_ALL}!A2:A5", f"{_ALL}!AZ:AZ")
    job = engine.run(SCRIPT, limit_rows=20, progress=False)
    assert job.ok
    assert len(world.sheet_values()) > len(rows)


@pytest.mark.parametrize(("role", "match"), [("reader", "as an editor"), ("none", "no permission")])
def test_a_sheet_that_is_not_shared_as_editor_fails_a_job_before_its_first_lookup(world, engine, role, match):
    world.share_sheet(role)
    _fails_before_a_lookup_then_resumes(world, engine, match, lambda: world.share_sheet("writer"))


@pytest.mark.parametrize(("take", "give"), [(lambda w: w.protect_sheet(_ALL), lambda w: w.protect_sheet()), (lambda w: w.share_sheet("reader"), lambda w: w.share_sheet("writer"))])
def test_a_tab_closed_in_mid_job_fails_it_and_loses_nothing(world, engine, take, give):
    world.configure(latency={"idicore": 0.1})
    handle = engine.submit(SCRIPT, limit_rows=120)
    deadline = time.monotonic() + 60
    while len(world.sheet_values()) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    take(world)
    with pytest.raises(JobFailedError, match="then resume"):
        handle.result(120)
    assert str(handle.status) == "FAILED"
    world.configure(latency={"idicore": 0.0})
    give(world)
    job = engine.resume(handle.id, progress=False)
    assert job.ok
    assert job.counts.balanced
    assert observe(world, engine, job.id).clean
    assert engine.report(job.id).ok


# The header and the tab itself.


@pytest.mark.parametrize("kind", ["applied_then_503", "applied_then_drop", "503", "drop", "html", "429", "truncated"])
@pytest.mark.parametrize("what", ["addSheet", "Lead Key"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_doubtful_tab_or_header_is_made_once(world, kind, what, times):
    world.fail("sheets", kind, times=times, key=what, on="write")
    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 1.0, "worksheet": "new tab"}))
    sheet.connect(prove=True)
    sheet.prepare(NAMES)
    assert sheet.append(_rows(1, 2)) == 2
    header, *rows = world.sheet_values("new tab")
    assert header == NAMES
    assert [row[0] for row in rows] == ["k0001", "k0002"]
    assert [tab.title for tab in sheet.tab.spreadsheet.worksheets()].count("new tab") == 1


_ANSWERS = {
    "nothing": "{}",
    "no updates": '{"updates": null}',
    "empty updates": '{"updates": {}}',
    "too few": '{"updates": {"updatedRows": 1, "updatedRange": "consolidated_data!A2:C2"}}',
    "too many": '{"updates": {"updatedRows": 40, "updatedRange": "consolidated_data!A2:C41"}}',
    "a word": '{"updates": {"updatedRows": "many"}}',
    "a list": "[]",
    "null": "null",
    "a wrong range": '{"updates": {"updatedRows": 20, "updatedRange": "consolidated_data!A900:C919"}}',
    "no range": '{"updates": {"updatedRows": 20}}',
    "html": "<html><body>Sign in</body></html>",
}


@pytest.mark.parametrize("answer", _ANSWERS.values(), ids=_ANSWERS)
@pytest.mark.parametrize("applied", [True, False])
def test_an_append_whose_answer_makes_no_sense_is_looked_for(world, sheet, answer, applied):
    if not applied and '"updatedRows": 20' in answer:
        return  # Google would have to say that it wrote what it did not write: see the next test
    world.fail("sheets", "body", body=answer, key="k0003", applied=applied)
    assert sheet.append(_rows(*range(20))) == 20
    assert sheet.append(_rows(*range(10, 30))) == 10
    assert sorted(_keys(world)) == [f"k{n:04}" for n in range(30)]


def test_jobs_that_make_tab_and_header_at_once_make_one(world):
    """Two machines share no lock: here, two addresses of one server."""
    base = world.settings.sheets.model_copy(update={"worksheet": "new tab", "timeout_s": 5.0})
    made = [base, base.model_copy(update={"base_url": base.base_url.replace("127.0.0.1", "localhost")})]
    together = threading.Barrier(2)

    def work(number):
        sheet = Sheet(made[number])
        together.wait(30)
        sheet.connect(prove=True)
        together.wait(30)
        sheet.prepare(NAMES)
        return sum(sheet.append([{"Lead Key": f"k{number}{n}", "Name": "x", "Zip": f"0{n}"}]) for n in range(3))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [3, 3]
    header, *rows = world.sheet_values("new tab")
    assert header == NAMES
    assert sorted(rows) == sorted([f"k{a}{n}", "x", f"0{n}"] for a in range(2) for n in range(3))


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("renamed", ["Key", "", "lead key"])
def test_a_key_column_that_was_renamed_is_said_and_nothing_is_doubled(world, sheet, renamed, fresh):
    sheet.append(_rows(1, 2))
    world.edit_sheet(lambda rows: [[renamed, *rows[0][1:]], *rows[1:]])
    before = world.sheet_values()
    later = Sheet(world.settings.sheets) if fresh else sheet
    with pytest.raises(DeliveryError, match="name it so again"):
        later.append(_rows(1, 2, 3))
    with pytest.raises(DeliveryError, match="name it so again"):
        later.prepare(NAMES)
    assert world.sheet_values() == before
    world.edit_sheet(lambda rows: [NAMES, *rows[1:]])
    assert later.append(_rows(1, 2, 3)) == 1
    assert _keys(world) == ["k0001", "k0002", "k0003"]


def test_a_person_s_own_table_gets_our_columns_at_its_right(world):
    world.edit_sheet(lambda rows: [["Mine", "Zip"], ["a", "04013"]])
    sheet = Sheet(world.settings.sheets)
    sheet.prepare(NAMES)
    assert sheet.append(_rows(1)) == 1
    assert world.sheet_values()[0] == ["Mine", "Zip", "Lead Key", "Name"]


def test_a_key_column_renamed_in_mid_job_fails_it_and_doubles_nothing(world, engine):
    world.configure(latency={"idicore": 0.1})
    handle = engine.submit(SCRIPT, limit_rows=120)
    deadline = time.monotonic() + 60
    while len(world.sheet_values()) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    world.edit_sheet(lambda rows: [["Key" if name == "Lead Key" else name for name in rows[0]], *rows[1:]])
    with pytest.raises(JobFailedError, match="name it so again"):
        handle.result(120)
    world.configure(latency={"idicore": 0.0})
    with pytest.raises(JobFailedError, match="name it so again"):
        engine.resume(handle.id, progress=False)
    world.edit_sheet(lambda rows: [["Lead Key" if name == "Key" else name for name in rows[0]], *rows[1:]])
    job = engine.resume(handle.id, progress=False)
    assert observe(world, engine, job.id).clean

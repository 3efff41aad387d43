"""One row a lead in the sheet, whatever the API and the people in the sheet do meanwhile."""

from __future__ import annotations

import random
import threading
import time

import pytest
from sheet_rows import NAMES, keys_in, rows_of

from leadflow.errors import DeliveryError
from leadflow.services.sheets import Sheet


def test_what_is_written_is_text(world, sheet):
    sheet.append(rows_of(7))
    assert world.sheet_values()[1] == ["k0007", "=1+7", "00007"]


def test_a_key_that_is_there_is_not_written_again(world, sheet):
    assert sheet.append(rows_of(1, 2)) == 2
    assert sheet.append(rows_of(2, 3)) == 1
    assert keys_in(world) == ["k0001", "k0002", "k0003"]


@pytest.mark.parametrize(
    "kind", ["applied_then_503", "applied_then_drop", "503", "drop", "500", "html", "truncated", "429"]
)
@pytest.mark.parametrize("times", [1, 3])
def test_a_doubtful_append_is_neither_lost_nor_doubled(world, sheet, kind, times):
    world.fail("sheets", kind, times=times, on="write")
    assert sheet.append(rows_of(*range(20))) == 20
    assert sorted(keys_in(world)) == [f"k{n:04}" for n in range(20)]


def test_an_append_applied_late_is_found_at_the_end(world, sheet):
    world.fail("sheets", "applied_late", s=2.0)
    sheet.append(rows_of(1, 2, 3))
    deadline = time.monotonic() + 30
    while len(keys_in(world)) < 6 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(keys_in(world)) == 6, "the late append never came; this test tests nothing"
    assert sheet.settle_doubts() == 3
    assert keys_in(world) == ["k0001", "k0002", "k0003"]


def test_a_late_row_is_taken_out_by_the_next_job_and_notes_stay(world, sheet):
    sheet.append(rows_of(1, 2))
    rows = world.sheet_values()
    world.edit_sheet(
        [
            ("set", 2, [*rows[1], "called, wants a call back"]),
            ("append", rows[1]),
            ("append", ["", "a note of mine", ""]),
        ]
    )
    later = Sheet(world.settings.sheets)
    assert later.prepare(NAMES) == 1
    assert world.sheet_values()[1] == [*rows[1], "called, wants a call back"]
    assert ["", "a note of mine"] in world.sheet_values()


def test_a_row_that_a_person_copied_and_changed_stays(world, sheet):
    sheet.append(rows_of(1))
    world.edit_sheet([("append", ["k0001", "another name", "00001"])])
    assert Sheet(world.settings.sheets).prepare(NAMES) == 0
    assert len(keys_in(world)) == 2


def test_people_sort_while_rows_are_appended_and_doubles_taken_out(world, sheet):
    quick = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 5.0}))
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
            quick.append(rows_of(*range(start, start + 20)))
            world.edit_sheet(lambda rows: [*rows, rows[1], rows[2]])
            quick.prepare(NAMES)
        quick.prepare(NAMES)
    finally:
        done.set()
        person.join()
    assert sorted(keys_in(world)) == [f"k{n:04}" for n in range(80)]


def test_columns_moved_by_a_person_are_followed(world, sheet):
    sheet.append(rows_of(1))
    world.edit_sheet(
        lambda rows: [["Mine", *reversed(row)] if n == 0 else ["x", *reversed(row)] for n, row in enumerate(rows)]
    )
    sheet.append(rows_of(1, 2))
    header, *rows = world.sheet_values()
    assert header == ["Mine", "Zip", "Name", "Lead Key"]
    assert rows[1][1:] == ["00002", "=1+2", "k0002"]
    assert len(rows) == 2


def test_a_column_deleted_by_a_person_comes_back(world, sheet):
    sheet.append(rows_of(1))
    world.edit_sheet(lambda rows: [row[:2] for row in rows])
    sheet.append(rows_of(2))
    header, *rows = world.sheet_values()
    assert header == NAMES
    assert rows[1] == ["k0002", "=1+2", "00002"]


def test_a_header_sorted_away_is_said_and_nothing_is_doubled(world, sheet):
    sheet.append(rows_of(1, 2))
    world.edit_sheet(lambda rows: [rows[1], rows[2], rows[0]])
    with pytest.raises(DeliveryError, match="row 1"):
        sheet.append(rows_of(1, 2, 3))
    with pytest.raises(DeliveryError, match="row 1"):
        Sheet(world.settings.sheets).prepare(NAMES)
    assert len(world.sheet_values()) == 3


def test_blank_rows_and_a_person_s_rows_are_not_overwritten(world, sheet):
    sheet.append(rows_of(1))
    world.edit_sheet([("append", []), ("append", ["", "total", "1"])])
    sheet.append(rows_of(2))
    assert sorted(keys_in(world)) == ["k0001", "k0002"]
    assert ["", "total", "1"] in world.sheet_values()


def test_rows_stay_in_their_columns_when_a_person_puts_one_before_the_first(world, sheet):
    sheet.append(rows_of(1))
    world.edit_sheet(lambda rows: [["", *row] for row in rows])
    sheet.append(rows_of(2))
    header, *rows = world.sheet_values()
    assert header == ["Column A", *NAMES]
    assert rows == [["", "k0001", "=1+1", "00001"], ["", "k0002", "=1+2", "00002"]]


def test_an_append_beside_its_columns_is_taken_back(world, sheet, monkeypatch):
    sheet.append(rows_of(1))
    ensure, moved = Sheet.ensure_columns, []

    def too_late(self, names):
        done = ensure(self, names)
        if not moved:
            moved.append(world.edit_sheet(lambda rows: [["", *row] for row in rows]))
        return done

    monkeypatch.setattr(Sheet, "ensure_columns", too_late)
    assert sheet.append(rows_of(2)) == 1
    assert world.sheet_values()[0] == ["Column A", *NAMES]
    assert [row[1] for row in world.sheet_values()[1:]] == ["k0001", "k0002"]
    assert sheet.append(rows_of(1, 2)) == 0


def test_a_row_that_someone_else_appends_between_is_seen(world, sheet, monkeypatch):
    sheet.append(rows_of(1))
    ensure = Sheet.ensure_columns

    def meanwhile(self, names):
        world.edit_sheet([("append", ["k0009", "by another program", "00009"])])
        return ensure(self, names)

    monkeypatch.setattr(Sheet, "ensure_columns", meanwhile)
    sheet.append(rows_of(2))
    monkeypatch.undo()
    assert sheet.append(rows_of(9)) == 0
    assert keys_in(world) == ["k0001", "k0009", "k0002"]


def test_a_row_with_a_forbidden_cell_is_taken_out_and_no_other(world, sheet):
    sheet.append(rows_of(1, 2, 3))
    world.edit_sheet([("append", ["", "00002", "a note"])])
    assert sheet.withdraw({"k0001": {"00002"}, "k0002": {"00002"}, "k0007": {"00003"}}) == 1
    assert [row[0] for row in world.sheet_values()[1:]] == ["k0001", "k0003", ""]
    assert sheet.withdraw({"k0001": {"00002"}}) == 0
    assert sheet.append(rows_of(2)) == 1


def test_keys_that_are_there_are_found_and_an_append_after_that_needs_no_look_of_its_own(world, sheet):
    sheet.append(rows_of(1, 2))
    world.edit_sheet([("append", ["k0003", "by hand", "00003"])])
    assert sheet.there(["k0002", "k0003", "k0004"]) == {"k0002", "k0003"}
    reads = world.stats()["sheets"]["reads"]
    assert sheet.append(rows_of(3, 4)) == 1
    assert sheet.there([]) == set()
    assert world.stats()["sheets"]["reads"] == reads + 1  # the keys just appended are read back
    assert keys_in(world) == ["k0001", "k0002", "k0003", "k0004"]


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
    assert sheet.append(rows_of(*range(20))) == 20
    assert sheet.append(rows_of(*range(10, 30))) == 10
    assert sorted(keys_in(world)) == [f"k{n:04}" for n in range(30)]

"""Columns of our own, brought up to date in rows that are there, while people work in the sheet."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sheet_rows import NAMES, keys_of, rows_of

from leadflow.errors import DeliveryError, RefusedError
from leadflow.services.sheets import Sheet, cells

OURS = [*NAMES, "Count", "Date"]


@pytest.fixture(params=["read back by rows", "read back by columns"])
def sheet(world, request, monkeypatch):
    if request.param == "read back by columns":
        monkeypatch.setattr(cells, "_MOST_WRITTEN_RUNS", 0)
    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 1.0}))
    sheet.prepare(OURS)
    sheet.append(rows_of(*range(1, 7)))
    return sheet


def _shown(world, *names):
    header, *rows = world.sheet_values()
    places = [header.index(name) for name in ("Lead Key", *names)]
    wide = [[*row, *[""] * len(header)] for row in rows]
    return {row[places[0]]: tuple(row[n] for n in places[1:]) for row in wide if row[places[0]]}


def test_cells_of_several_columns_go_to_the_rows_of_their_keys_in_one_write(world, sheet):
    writes = world.stats()["sheets"]["writes"]
    before = world.sheet_values()
    assert (
        sheet.update_cells(
            {"k0002": {"Count": "2", "Date": "2026-11-25"}, "k0005": {"Count": "=1+1"}, "k0099": {"Count": "9"}}
        )
        == 2
    )
    assert world.stats()["sheets"]["writes"] == writes + 1
    assert [row[:3] for row in world.sheet_values()] == [row[:3] for row in before]
    assert _shown(world, "Count", "Date")["k0002"] == ("2", "2026-11-25")
    assert _shown(world, "Count", "Date")["k0005"] == ("=1+1", "")
    assert len(world.sheet_values()) == 7


def test_what_is_there_already_is_not_written_again(world, sheet):
    sheet.update_cells({"k0002": {"Count": "2"}})
    writes = world.stats()["sheets"]["writes"]
    assert sheet.update_cells({"k0002": {"Count": "2"}}) == 0
    assert world.stats()["sheets"]["writes"] == writes
    assert sheet.update_cells({"k0002": {"Count": ""}}) == 1
    assert _shown(world, "Count")["k0002"] == ("",)


def _meanwhile(world, monkeypatch, edit, times=1):
    """A person edits between the read and the write."""
    write, done = Sheet._write, []

    def late(self, *args):
        if len(done) < times:
            done.append(world.edit_sheet(edit))
        return write(self, *args)

    monkeypatch.setattr(Sheet, "_write", late)


_EDITS = {
    "sorts": lambda rows: [rows[0], *reversed(rows[1:])],
    "inserts a row": lambda rows: [rows[0], ["", "mine"], *rows[1:]],
    "inserts two rows in the middle": lambda rows: [*rows[:3], ["", "mine"], ["", "too"], *rows[3:]],
    "deletes a row": lambda rows: [rows[0], *rows[2:]],
    "rotates": lambda rows: [rows[0], *rows[3:], *rows[1:3]],
    "puts a column before ours": lambda rows: [
        [*row[:3], "Mine" if n == 0 else "", *row[3:]] for n, row in enumerate(rows)
    ],
}


@pytest.mark.parametrize("edit", _EDITS.values(), ids=_EDITS)
def test_an_edit_between_read_and_write_is_found_and_mended(world, sheet, monkeypatch, edit):
    sheet.update_cells({key: {"Count": f"{n}0"} for n, key in enumerate(keys_of(1, 2, 3, 4, 5, 6), 1)})
    _meanwhile(world, monkeypatch, edit)
    sheet.update_cells({"k0002": {"Count": "2"}, "k0003": {"Count": "3"}, "k0006": {"Count": "6"}})
    expected = {"k0001": "10", "k0002": "2", "k0003": "3", "k0004": "40", "k0005": "50", "k0006": "6"}
    shown = _shown(world, "Count")
    assert {key: cell for key, (cell,) in shown.items()} == {
        key: cell for key, cell in expected.items() if key in shown
    }
    header, *rows = world.sheet_values()
    ours = header.index("Count")
    numbers = set(expected.values()) | {"2", "3", "6"}
    assert not [cell for row in rows for n, cell in enumerate(row) if n != ours and cell in numbers]
    assert not [row for row in rows if row[header.index("Lead Key")] == "" and row[ours : ours + 1] not in ([], [""])]


def test_a_column_of_a_person_s_that_took_our_place_is_said(world, sheet, monkeypatch):
    world.edit_sheet(
        lambda rows: [[*row, *[""] * (5 - len(row)), "Mine" if n == 0 else f"note {n}"] for n, row in enumerate(rows)]
    )
    sheet.key_list()
    _meanwhile(world, monkeypatch, lambda rows: [[*row[:3], row[5], row[3], row[4]] for row in rows])
    with pytest.raises(DeliveryError, match=r"'Mine' may have been written over.*Version history"):
        sheet.update_cells({"k0002": {"Count": "2"}})


def test_a_column_put_first_in_that_moment_is_said_since_ours_shifted_onto_another(world, sheet, monkeypatch):
    _meanwhile(world, monkeypatch, lambda rows: [["Mine", *rows[0]], *(["x", *row] for row in rows[1:])])
    with pytest.raises(DeliveryError, match=r"'Zip' may have been written over.*Version history"):
        sheet.update_cells({"k0002": {"Count": "2"}})


def test_columns_moved_after_the_write_are_no_matter(world, sheet, monkeypatch):
    read, reads = Sheet.read_columns, []

    def late(self, names, first=2):
        reads.append(1)
        if len(reads) == 2:
            world.edit_sheet(lambda rows: [list(reversed([*row, *[""] * (5 - len(row))])) for row in rows])
        return read(self, names, first)

    monkeypatch.setattr(Sheet, "read_columns", late)
    assert sheet.update_cells({"k0002": {"Count": "2"}}) == 1
    assert _shown(world, "Count", "Zip")["k0002"] == ("2", "00002")


@pytest.mark.parametrize(
    "kind", ["claimed", "503", "applied_then_503", "applied_then_drop", "drop", "html", "429", "truncated"]
)
def test_a_write_in_doubt_is_read_back_and_sent_again(world, sheet, kind):
    world.fail("sheets", kind, times=2, on="write")
    assert sheet.update_cells({"k0002": {"Count": "2"}, "k0004": {"Date": "4"}}) == 2
    assert _shown(world, "Count", "Date") == {
        **dict.fromkeys(keys_of(1, 3, 5, 6), ("", "")),
        "k0002": ("2", ""),
        "k0004": ("", "4"),
    }


def test_a_write_that_never_arrives_is_said(world, sheet):
    world.fail("sheets", "claimed", times=1000)
    with pytest.raises(DeliveryError, match="could not be brought up to date"):
        sheet.update_cells({"k0002": {"Count": "2"}})


def test_a_protected_cell_is_refused_and_nothing_is_written(world, sheet):
    world.protect_sheet("consolidated_data!D4:D4")
    with pytest.raises(RefusedError, match="protected"):
        sheet.update_cells({key: {"Count": "2"} for key in keys_of(1, 2, 3)})
    assert set(_shown(world, "Count").values()) == {("",)}


def test_a_column_that_is_not_there_is_left_out(world, sheet):
    assert sheet.update_cells({"k0002": {"No Such": "2"}}) == 0
    assert sheet.update_cells({}) == 0


def test_every_row_of_a_key_is_brought_up_to_date(world, sheet):
    world.edit_sheet([("append", ["k0002", "copied by a person"])])
    assert sheet.update_cells({"k0002": {"Count": "2"}}) == 1
    assert [row[3] for row in world.sheet_values() if row[0] == "k0002"] == ["2", "2"]


def test_many_cells_far_from_each_other_are_read_back_in_one_call(world, sheet):
    sheet.append(rows_of(*range(10, 400)))
    wanted = {key: {"Count": "1"} for key in keys_of(*range(10, 400, 6))}
    reads = world.stats()["sheets"]["reads"]
    assert sheet.update_cells(wanted) == 65
    assert world.stats()["sheets"]["reads"] == reads + 2, "all rows before the write, and the written columns after it"
    assert {key for key, (count,) in _shown(world, "Count").items() if count} == wanted.keys()


def test_a_person_s_row_above_cells_far_from_each_other_is_seen(world, sheet, monkeypatch):
    sheet.append(rows_of(*range(10, 400)))
    _meanwhile(world, monkeypatch, lambda rows: [rows[0], ["", "mine"], *rows[1:]])
    wanted = {key: {"Count": "1"} for key in keys_of(*range(10, 400, 6))}
    assert sheet.update_cells(wanted) >= 65
    assert {key for key, (count,) in _shown(world, "Count").items() if count} == wanted.keys()


def test_more_cells_than_one_request_takes(world, sheet, monkeypatch):
    monkeypatch.setattr(cells, "_CELLS_A_WRITE", 2)
    assert sheet.update_cells({key: {"Count": "1"} for key in keys_of(1, 2, 3, 4, 5)}) == 5
    assert _shown(world, "Count")["k0005"] == ("1",)


def test_people_sort_all_the_time(world, sheet):
    world.configure(quotas={"sheets_reads": 60_000, "sheets_writes": 60_000})
    quick = Sheet(
        world.settings.sheets.model_copy(
            update={"timeout_s": 5.0, "attempts": 60, "reads_per_minute": 60_000, "writes_per_minute": 60_000}
        )
    )
    done, dice = threading.Event(), random.Random(5)

    def sort():
        while not done.wait(0.02):
            world.edit_sheet(lambda rows: [rows[0], *dice.sample(rows[1:], len(rows) - 1)])

    person = threading.Thread(target=sort)
    person.start()
    try:
        quick.key_list()
        for n in range(4):
            quick.update_cells({key: {"Count": f"{n}{key}"} for key in keys_of(1, 2, 3)})
    finally:
        done.set()
        person.join()
    assert _shown(world, "Count") == {
        **{key: (f"3{key}",) for key in keys_of(1, 2, 3)},
        **dict.fromkeys(keys_of(4, 5, 6), ("",)),
    }


@given(st.dictionaries(st.integers(0, 400), st.text("ab", max_size=2), max_size=30))
@effort(max_examples=200, deadline=None)
def test_runs_hold_each_text_in_its_row_and_nothing_else(texts):
    found = {}
    for first, run in cells._runs(texts):
        found |= {first + n: text for n, text in enumerate(run) if text is not None}
    assert found == texts

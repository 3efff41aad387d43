"""All rows of a key leave a tab in one request, whatever people do meanwhile; nothing else leaves it."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sheet_rows import NAMES, keys_in, keys_of, rows_of

from leadflow.errors import DeliveryError, RefusedError
from leadflow.services.sheets import Sheet
from leadflow.services.sheets.deletion import lowest
from leadflow.services.sheets.lost_rows import lost_rows

_HEADER = ["Lead Key", "Name", "Zip"]


def _fast(world):
    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 5.0}))
    sheet.prepare(NAMES)
    return sheet


def test_five_hundred_scattered_rows_are_one_request(world, sheet):
    sheet.append(rows_of(*range(1500)))
    wanted = keys_of(*range(0, 1500, 3))
    before = world.stats()["sheets"]
    assert sorted(sheet.take_out(wanted)) == wanted
    after = world.stats()["sheets"]
    assert after["writes"] - before["writes"] == 1
    assert after["reads"] - before["reads"] <= 4
    assert keys_in(world) == [f"k{n:04}" for n in range(1500) if n % 3]


def test_copies_go_and_rows_of_people_stay(world, sheet):
    sheet.append(rows_of(1, 2, 3))
    world.edit_sheet([("append", ["k0002", "copied", "call back"]), ("append", ["", "mine"]), ("append", ["k9", "x"])])
    assert sheet.take_out(["k0002", "k0077"]) == ["k0002"]
    assert world.sheet_values() == [
        _HEADER, ["k0001", "=1+1", "00001"], ["k0003", "=1+3", "00003"], ["", "mine"], ["k9", "x"],
    ]  # fmt: skip
    assert sheet.take_out(["k0002"]) == []


@pytest.mark.parametrize(
    "kind", ["applied_then_503", "applied_then_drop", "503", "drop", "429", "truncated", "claimed"]
)
def test_a_request_in_doubt_takes_out_the_right_rows_and_no_other(world, sheet, kind):
    sheet.append(rows_of(*range(20)))
    world.fail("sheets", kind, times=2, key="deleteDimension")
    assert sheet.take_out(keys_of(3, 7, 8, 19)) == keys_of(3, 7, 8, 19)
    assert keys_in(world) == keys_of(*(n for n in range(20) if n not in (3, 7, 8, 19)))


_EDITS = {
    "sorts": lambda rows: [rows[0], *reversed(rows[1:])],
    "inserts a row": lambda rows: [rows[0], ["", "a new one"], *rows[1:]],
    "deletes a row": lambda rows: [rows[0], *rows[2:]],
    "rotates": lambda rows: [rows[0], *rows[4:], *rows[1:4]],
    "moves the columns": lambda rows: [list(reversed([*row, *[""] * (3 - len(row))])) for row in rows],
    "adds a column": lambda rows: [["Mine" if n == 0 else "x", *row] for n, row in enumerate(rows)],
    "types a note": lambda rows: [*rows[:5], [*rows[5], "a note"], *rows[6:]],
    "sorts and types a note": lambda rows: [rows[0], *reversed([*rows[1:5], [*rows[5], "a note"], *rows[6:]])],
}


@pytest.mark.parametrize("edit", _EDITS.values(), ids=_EDITS)
def test_an_edit_just_before_the_delete_costs_nobody_a_row(world, sheet, monkeypatch, edit):
    sheet.append(rows_of(*range(8)))
    world.edit_sheet([("append", ["k0006", "copied", "note"]), ("append", ["", "mine"]), ("append", ["", "mine too"])])
    delete, done = Sheet._delete, []

    def late(self, *args):
        if not done:
            done.append(world.edit_sheet(edit))
        return delete(self, *args)

    monkeypatch.setattr(Sheet, "_delete", late)
    sheet.take_out(keys_of(2, 5))
    header, *rows = world.sheet_values()
    column = header.index("Lead Key")
    found = sorted(row[column] for row in rows if len(row) > column and row[column])
    assert set(found) - {"k0000"} == set(keys_of(1, 3, 4, 6, 7))  # a person deleted k0000 in one of the cases
    assert found.count("k0006") == 2
    texts = [cell for row in rows for cell in row]
    assert texts.count("mine") == texts.count("mine too") == 1


def test_people_sort_all_the_time(world):
    sheet = _fast(world)
    sheet.append(rows_of(*range(60)))
    world.edit_sheet(lambda rows: [*rows, ["", "mine"], ["k0059", "copied", "note"]])
    done, dice = threading.Event(), random.Random(5)

    def sort():
        while not done.is_set():
            world.edit_sheet(lambda rows: [rows[0], *dice.sample(rows[1:], len(rows) - 1)])

    person = threading.Thread(target=sort)
    person.start()
    try:
        for start in range(0, 40, 10):
            sheet.take_out(keys_of(*range(start, start + 10)))
    finally:
        done.set()
        person.join()
    assert sorted(set(keys_in(world))) == keys_of(*range(40, 60))
    assert keys_in(world).count("k0059") == 2
    assert ["", "mine"] in world.sheet_values()


def test_a_protected_row_is_refused_and_nothing_is_deleted(world, sheet):
    sheet.append(rows_of(1, 2, 3, 4))
    world.protect_sheet("consolidated_data!A3:C3")
    with pytest.raises(RefusedError, match="protected"):
        sheet.take_out(keys_of(1, 2, 4))
    assert keys_in(world) == keys_of(1, 2, 3, 4)


def test_rows_that_stay_are_said_by_a_key(world, sheet):
    sheet.append(rows_of(1, 2))
    world.fail("sheets", "claimed", times=1000, key="deleteDimension")
    with pytest.raises(DeliveryError, match="could not be taken out, such as that of lead k0002"):
        sheet.take_out(["k0002"])


def test_a_key_column_that_was_renamed_is_no_proof_that_the_rows_are_gone(world, sheet):
    sheet.append(rows_of(1, 2))
    world.edit_sheet(lambda rows: [["Key", *rows[0][1:]], *rows[1:]])
    with pytest.raises(DeliveryError, match="'Lead Key', so leads cannot be recognized"):
        sheet.take_out(["k0002"])
    with pytest.raises(DeliveryError, match="cannot be recognized"):
        Sheet(world.settings.sheets).take_out(["k0002"])


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_all_rows_of_a_tab_that_was_cut_to_them_can_go(world, sheet, frozen):
    sheet.append(rows_of(*range(6)))
    sheet.tab.freeze(rows=frozen)
    world.resize_sheet()
    assert sheet.take_out(keys_of(*range(6))) == keys_of(*range(6))
    assert keys_in(world) == []
    assert Sheet(world.settings.sheets).append(rows_of(9)) == 1


def test_copies_typed_meanwhile_are_handed_over_before_they_go(world, sheet):
    sheet.append(rows_of(1, 2, 3))
    seen = []

    def copy(rows):
        fresh = [row for row in rows if row not in seen]
        seen.extend(fresh)
        if len(seen) == 1:
            world.edit_sheet([("set", 3, ["k0002", "=1+2", "00002", "she wants a call back"])])
        return len(fresh)

    assert sheet.take_out(["k0002"], copy) == ["k0002"]
    assert [row.get("Column D") for row in seen] == [None, "she wants a call back"]


_GRIDS = st.lists(
    st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.sampled_from(["", "x", "y"]), st.sampled_from(["", "1"])),
    min_size=1, max_size=8,
).map(lambda rows: [["Lead Key", "Notes", "Zip"], *map(list, rows)])  # fmt: skip


@given(_GRIDS, st.data())
@effort(max_examples=300, deadline=None)
def test_what_a_misplaced_delete_took_is_what_is_lost(grid, data):
    numbers = range(2, len(grid) + 1)
    meant = data.draw(st.sets(st.sampled_from(numbers)))
    shuffled = [grid[0], *data.draw(st.permutations(grid[1:]))]
    now = [row for n, row in enumerate(shuffled, 1) if n not in meant]
    lost = lost_rows(grid, meant, now, "Lead Key")
    after = [row for row in now[1:] if any(row)]
    after += [[row.get(name, "") for name in grid[0]] for row in lost]
    for n in numbers:
        if n not in meant and any(grid[n - 1]):
            assert grid[n - 1] in after
            after.remove(grid[n - 1])
    targets = [grid[n - 1] for n in meant]
    assert all(row in targets for row in after)  # what is there besides are the rows that were to go


@given(st.sets(st.integers(2, 60)), st.integers(1, 9))
def test_the_lowest_rows_are_whole_ranges_from_the_bottom(rows, ranges):
    found = lowest(rows, ranges)
    assert set(found) <= rows
    assert all(row in found for row in rows if found and row >= min(found))

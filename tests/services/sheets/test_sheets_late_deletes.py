"""A delete that Google does after its error, or after its answer, takes no other row out."""

from __future__ import annotations

import time

import pytest
from sheet_rows import keys_in, keys_of, rows_of

from leadflow.services.sheets import Sheet


def _doubled(world, sheet, count):
    """Rows that are in the sheet twice, as a late append leaves them."""
    sheet.append(rows_of(*range(count)))
    for row in world.sheet_values()[1:]:
        world.edit_sheet([("append", row)])


def _wait_for_late_writes(world):
    deadline = time.monotonic() + 30
    while world.stats()["sheets"]["waiting"] and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["applied_late", "claimed"])
@pytest.mark.parametrize("late_s", [0.3, 1.5])
@pytest.mark.parametrize("after", [0, 1])
def test_a_late_delete_of_a_duplicate_takes_no_row_that_was_appended_since(world, sheet, kind, late_s, after):
    _doubled(world, sheet, 3)
    world.fail("sheets", kind, key="deleteDimension", s=late_s, after=after)
    again = Sheet(sheet.settings)
    again.prepare(["Lead Key", "Name", "Zip"])
    again.append(rows_of(*range(3, 9)))
    _wait_for_late_writes(world)
    assert sorted(keys_in(world)) == keys_of(*range(9))


@pytest.mark.parametrize("kind", ["applied_late", "claimed"])
@pytest.mark.parametrize("late_s", [0.3, 1.5])
def test_a_late_delete_of_a_forbidden_row_takes_no_row_that_was_appended_since(world, sheet, kind, late_s):
    sheet.append(rows_of(*range(5)))
    world.fail("sheets", kind, key="deleteDimension", s=late_s)
    assert sheet.withdraw({"k0004": {"00004"}}) == 1
    sheet.append(rows_of(*range(5, 8)))
    _wait_for_late_writes(world)
    assert sorted(keys_in(world)) == keys_of(0, 1, 2, 3, 5, 6, 7)


@pytest.mark.parametrize("kind", ["applied_late", "claimed", "applied_then_503"])
def test_an_append_that_is_taken_back_late_takes_no_other_row(world, sheet, monkeypatch, kind):
    sheet.append(rows_of(0, 1))
    ensure, moved = Sheet.ensure_columns, []

    def too_late(self, names):
        done = ensure(self, names)
        if not moved:
            moved.append(world.edit_sheet(lambda rows: [[row[0], row[2], row[1]] for row in rows]))
            world.fail("sheets", kind, key="deleteDimension", s=1.0)
        return done

    monkeypatch.setattr(Sheet, "ensure_columns", too_late)
    assert sheet.append(rows_of(2, 3)) == 2
    sheet.append(rows_of(4, 5))
    _wait_for_late_writes(world)
    assert keys_in(world) == keys_of(*range(6))


def test_cells_that_are_written_late_undo_no_later_write(world, sheet):
    sheet.append(rows_of(0, 1))
    world.fail("sheets", "applied_late", key="first", s=1.0)
    sheet.update_cells({"k0001": {"Name": "first"}})
    sheet.update_cells({"k0001": {"Name": "second"}})
    _wait_for_late_writes(world)
    assert world.sheet_values()[2] == ["k0001", "second", "00001"]


def test_a_job_ends_only_when_an_append_answered_with_an_error_must_have_come(world, sheet):
    world.fail("sheets", "applied_late", key="k0001", s=1.0)
    assert sheet.append(rows_of(1, 2)) == 2
    assert sheet.settle_doubts() == 2
    assert keys_in(world) == keys_of(1, 2)

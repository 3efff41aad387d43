"""A blank tab is begun with one write, so that its first rows do not wait for Google's quota."""

from __future__ import annotations

import time

import pytest

from leadflow.errors import RefusedError
from leadflow.services.sheets import Sheet

NAMES = ["Lead Key", *(f"Column {n}" for n in range(1, 60))]


def _calls(world):
    stats = world.stats()["sheets"]
    return stats.get("reads", 0), stats.get("writes", 0)


def test_a_blank_tab_gets_its_columns_and_its_header_in_one_write(world):
    sheet = Sheet(world.settings.sheets)
    sheet.connect(prove=True)
    before = _calls(world)
    sheet.prepare(NAMES)
    assert sheet.append([{"Lead Key": "k1", "Column 59": "=1+1"}]) == 1
    reads, writes = (after - first for after, first in zip(_calls(world), before, strict=True))
    assert (reads, writes) == (4, 2)  # the tab and its grid, the new header, and the appended row read back
    assert world.sheet_values()[0] == NAMES
    assert world.sheet_values()[1][0] == "k1"


def test_a_look_just_before_spares_the_beginning_its_own(world):
    sheet = Sheet(world.settings.sheets)
    sheet.connect(prove=True)
    sheet.look_if_blank()
    before = _calls(world)
    sheet.prepare(NAMES)
    assert [after - first for after, first in zip(_calls(world), before, strict=True)] == [1, 1]
    assert world.sheet_values()[0] == NAMES


@pytest.mark.parametrize("other", ["a person", "another job"])
def test_a_header_that_came_after_the_look_is_kept(world, other):
    sheet = Sheet(world.settings.sheets)
    sheet.connect(prove=True)
    sheet.look_if_blank()
    if other == "a person":
        time.sleep(1.1)  # what comes within a second may be written over, as if both had typed at once
        world.edit_sheet([("set", 1, ["Mine", "Lead Key"])])
    else:
        Sheet(world.settings.sheets).prepare(["Mine", "Lead Key"])
    sheet.prepare(NAMES[:3])
    assert world.sheet_values()[0][:2] == ["Mine", "Lead Key"]
    assert set(NAMES[:3]) <= set(world.sheet_values()[0])


def test_a_look_finds_the_header_of_another_job(world):
    sheet = Sheet(world.settings.sheets)
    sheet.connect(prove=True)
    Sheet(world.settings.sheets).prepare(["Mine", "Lead Key"])
    sheet.look_if_blank()
    sheet.prepare(NAMES[:3])
    assert world.sheet_values()[0][:2] == ["Mine", "Lead Key"]


@pytest.mark.parametrize("kind", ["applied_then_503", "applied_then_drop", "503", "drop", "429"])
def test_a_beginning_that_breaks_off_leaves_one_header(world, kind):
    sheet = Sheet(world.settings.sheets)
    sheet.connect(prove=True)
    world.fail("sheets", kind, times=1, on="write")
    sheet.prepare(NAMES)
    assert sheet.append([{"Lead Key": "k1"}]) == 1
    assert [row[0] for row in world.sheet_values()] == ["Lead Key", "k1"]
    assert world.sheet_values()[0] == NAMES


def test_a_header_that_a_person_wrote_meanwhile_is_kept(world):
    sheet = Sheet(world.settings.sheets)
    sheet.connect(prove=True)
    world.edit_sheet([("set", 1, ["Mine", "Lead Key"])])
    sheet.prepare(NAMES[:3])
    assert world.sheet_values()[0][:2] == ["Mine", "Lead Key"]
    assert set(NAMES[:3]) <= set(world.sheet_values()[0])


def test_a_blank_tab_that_is_protected_is_refused_and_stays_blank(world):
    sheet = Sheet(world.settings.sheets)
    sheet.connect()
    world.protect_sheet(f"{world.settings.sheets.worksheet}!1:1")
    with pytest.raises(RefusedError, match="protected"):
        sheet.prepare(NAMES)
    assert world.sheet_values() == []

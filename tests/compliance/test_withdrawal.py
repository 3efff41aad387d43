"""A withdrawn row leaves the callers' tab with all its notes, without its phones, once."""

from __future__ import annotations

import pytest
from outcome import sheet_rows

import leadflow as lf
from leadflow.compliance.withdrawal import WITHDRAWAL_ID, withdraw
from leadflow.errors import DeliveryError, RefusedError, SettingsError
from leadflow.events import JobLog
from leadflow.services.sheets import Sheet
from leadflow.settings.compliance import ComplianceSettings

_NAMES = ["Lead Key", "First Name", "Phone 1", "Phone 1 Verdict", "Phone 2", "Scrubbed At", "Job Id"]
_MOVE, _DELETE = ComplianceSettings(), ComplianceSettings(withdraw="delete")


def _row(number):
    cells = [
        f"k{number}",
        f"Ann {number}",
        f"+1504555010{number}",
        "clean",
        f"+1504555011{number}",
        "2026-11-01",
        "job",
    ]
    return dict(zip(_NAMES, cells, strict=True))


@pytest.fixture
def sheet(world):
    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 2.0}))
    sheet.prepare(_NAMES)
    sheet.append([_row(n) for n in range(1, 7)])
    return sheet


def _withdrawn(world):
    header, *rows = world.sheet_values("Withdrawn") or [[]]
    return [dict(zip(header, row, strict=False)) for row in rows]


def _note(world, number, text, column="Notes"):
    def write(rows):
        width = rows[0].index(column) if column in rows[0] else len(rows[0])
        rows[0][width:] = [column]
        row = next(row for row in rows if row[0] == f"k{number}")
        row += [""] * (width + 1 - len(row))
        row[width] = text
        return rows

    world.edit_sheet(write)


def _callers(world):
    return [row["Lead Key"] for row in sheet_rows(world)]


def test_a_row_moves_with_the_notes_and_without_the_phones(world, sheet):
    _note(world, 2, "wants a call back")
    said = []
    assert withdraw({"k2": "dnc", "k5": "litigator", "k77": "dnc"}, sheet, _MOVE, emit=said.append) == ["k2", "k5"]
    assert _callers(world) == ["k1", "k3", "k4", "k6"]
    one, other = _withdrawn(world)
    assert (one["Lead Key"], one["Why"], one["Notes"], one["First Name"]) == ("k2", "dnc", "wants a call back", "Ann 2")
    assert (other["Lead Key"], other["Why"]) == ("k5", "litigator")
    assert one["Withdrawn At"].endswith(" UTC")
    assert "Phone 1" not in one
    assert "+1504" not in str(world.sheet_values("Withdrawn"))
    assert [event.text() for event in said if isinstance(event, JobLog)] == [
        "Withdrew 2 leads (dnc 1, litigator 1): their rows were moved to tab Withdrawn"
    ]


def test_rows_are_only_deleted_if_the_settings_say_so(world, sheet):
    assert withdraw({"k2": "dnc"}, sheet, _DELETE) == ["k2"]
    assert _callers(world) == ["k1", "k3", "k4", "k5", "k6"]
    assert _withdrawn(world) == []


def test_copies_with_other_notes_all_move_and_equal_copies_move_once(world, sheet):
    copy = world.sheet_values()[2]
    for note in ("one", "two", "two"):
        world.edit_sheet([("append", [*copy, note])])
    assert withdraw({"k2": "dnc"}, sheet, _MOVE) == ["k2"]
    assert sorted(row.get("Column H", "") for row in _withdrawn(world)) == ["", "one", "two"]
    assert "k2" not in _callers(world)


def test_columns_without_a_name_or_with_the_same_name_keep_their_cells(world, sheet):
    names = ["Notes", "", "Notes", "Why", "Withdrawn At"]
    cells = ["a", "b", "c", "d", "e"]
    world.edit_sheet(lambda rows: [[*row, *(names if n == 0 else cells)] for n, row in enumerate(rows)])
    withdraw({"k2": "dnc"}, sheet, _MOVE)
    (row,) = _withdrawn(world)
    found = [row[name] for name in ("Notes", "Column I", "Notes (2)", "Why (2)", "Withdrawn At (2)")]
    assert (found, row["Why"]) == (cells, "dnc")


def test_a_row_that_was_moved_before_the_kill_is_only_deleted(world, sheet, monkeypatch):
    monkeypatch.setattr(Sheet, "_delete", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        withdraw({"k2": "dnc"}, sheet, _MOVE)
    monkeypatch.undo()
    assert "k2" in _callers(world)
    assert len(_withdrawn(world)) == 1
    again = Sheet(world.settings.sheets)
    assert withdraw({"k2": "dnc"}, again, _MOVE) == ["k2"]
    assert "k2" not in _callers(world)
    assert len(_withdrawn(world)) == 1


def test_a_note_typed_while_the_row_moves_moves_too(world, sheet, monkeypatch):
    append, done = Sheet.append, []

    def meanwhile(self, rows):
        added = append(self, rows)
        if not done and self.settings.worksheet == "Withdrawn":
            done.append(_note(world, 2, "typed meanwhile"))
        return added

    monkeypatch.setattr(Sheet, "append", meanwhile)
    withdraw({"k2": "dnc"}, sheet, _MOVE)
    assert [row.get("Notes", "") for row in _withdrawn(world)] == ["", "typed meanwhile"]
    assert "k2" not in _callers(world)


@pytest.mark.parametrize("kind", ["applied_then_503", "applied_then_drop", "503", "drop", "429", "claimed"])
@pytest.mark.parametrize("after", range(5))
def test_any_write_may_fail_and_each_row_is_moved_once(world, sheet, kind, after):
    world.fail("sheets", kind, times=1, after=after, on="write")
    assert sorted(withdraw({"k2": "dnc", "k3": "dnc"}, sheet, _MOVE)) == ["k2", "k3"]
    assert _callers(world) == ["k1", "k4", "k5", "k6"]
    assert [row["Lead Key"] for row in _withdrawn(world)] == ["k2", "k3"]


def test_a_tab_that_cannot_be_made_leaves_the_rows_without_their_phones(world, sheet):
    world.fail("sheets", "403", times=100, key="addSheet")
    with pytest.raises(
        DeliveryError, match=r"could not be moved to tab Withdrawn.*share the sheet.*without their phones"
    ):
        withdraw({"k2": "dnc", "k3": "dnc"}, sheet, _MOVE)
    rows = {row["Lead Key"]: row for row in sheet_rows(world)}
    assert len(rows) == 6
    assert [rows[f"k{n}"]["Phone 1"] == rows[f"k{n}"]["Phone 2"] == "" for n in range(1, 7)] == [
        False, True, True, False, False, False,
    ]  # fmt: skip
    world.heal()
    assert withdraw({"k2": "dnc", "k3": "dnc"}, sheet, _MOVE) == ["k2", "k3"]
    assert [row["Lead Key"] for row in _withdrawn(world)] == ["k2", "k3"]


def test_a_protected_tab_for_withdrawn_rows_is_said(world, sheet):
    withdraw({"k1": "dnc"}, sheet, _MOVE)
    world.protect_sheet("Withdrawn!A1:Z")
    with pytest.raises(DeliveryError, match=r"could not be moved to tab Withdrawn.*protected.*without their phones"):
        withdraw({"k2": "dnc"}, Sheet(world.settings.sheets), _MOVE)
    assert "k2" in _callers(world)


def test_protected_rows_are_said_and_none_counts_as_withdrawn(world, sheet):
    world.protect_sheet("consolidated_data!A1:Z")
    with pytest.raises(RefusedError, match="protected"):
        withdraw({"k2": "dnc"}, sheet, _MOVE)
    assert "k2" in _callers(world)
    assert "+15045550102" in str(sheet_rows(world))


def test_the_same_lead_withdrawn_from_two_machines_is_there_once(world, sheet, monkeypatch):
    other, append, done = Sheet(world.settings.sheets), Sheet.append, []

    def meanwhile(self, rows):
        if not done and self.settings.worksheet == "Withdrawn":
            done.append(1)
            withdraw({"k2": "unchecked"}, other, _MOVE)
        return append(self, rows)

    monkeypatch.setattr(Sheet, "append", meanwhile)
    withdraw({"k2": "dnc"}, sheet, _MOVE)
    assert len(_withdrawn(world)) == 1
    assert _callers(world) == ["k1", "k3", "k4", "k5", "k6"]


def test_a_lead_that_was_delivered_again_is_another_row(world, sheet):
    withdraw({"k2": "dnc"}, sheet, _MOVE)
    sheet.append([{**_row(2), "Job Id": "another"}])
    assert withdraw({"k2": "dnc"}, sheet, _MOVE) == ["k2"]
    assert [row["Job Id"] for row in _withdrawn(world)] == ["job", "another"]
    assert len({row[WITHDRAWAL_ID] for row in _withdrawn(world)}) == 2


def test_the_callers_tab_is_no_place_for_withdrawn_rows(world):
    same = {"compliance": ComplianceSettings(withdrawn_tab="Consolidated_Data")}
    with pytest.raises(SettingsError, match="LEADFLOW_COMPLIANCE__WITHDRAWN_TAB"):
        lf.Engine(world.settings.model_copy(update=same))

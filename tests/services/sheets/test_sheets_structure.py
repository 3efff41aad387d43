"""What people do to a tab's structure loses no row and no money: protect, hide, merge, type, cut, blank rows."""

from __future__ import annotations

import time

import pytest
from outcome import SCRIPT, observe
from sheet_rows import NAMES, keys_in, keys_of, rows_of

import leadflow as lf
from leadflow.errors import DeliveryError, JobFailedError, RefusedError
from leadflow.services.sheets import Sheet
from leadflow.services.sheets.client import letters

_TAB = "consolidated_data"


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings.model_copy(update={"batch_size": 20})) as engine:
        yield engine


def _opened(world, prove=True, **changed):
    sheet = Sheet(world.settings.sheets.model_copy(update={"timeout_s": 5.0, **changed}))
    sheet.connect(prove=prove)
    return sheet


def _first_job(engine):
    return engine.run(f'{SCRIPT} ORDER BY "Lead Number"', limit_rows=20, progress=False)


# Protected rows.


def test_a_protected_header_with_free_rows_below_is_writable(world, engine):
    _first_job(engine)
    world.protect_sheet(f"{_TAB}!1:1")
    job = engine.run(SCRIPT, limit_rows=30, progress=False)
    assert job.ok
    assert observe(world, engine, job.id).clean


@pytest.mark.parametrize("rows", ["2:9", "1:2", "A2:A2"])
def test_protected_rows_below_the_header_are_refused_at_the_start(world, sheet, rows):
    world.protect_sheet(f"{_TAB}!{rows}")
    with pytest.raises(RefusedError, match="unprotect it"):
        _opened(world)


def test_a_column_that_is_missing_in_a_protected_header_is_refused(world, sheet):
    world.protect_sheet(f"{_TAB}!1:1")
    later = _opened(world)
    with pytest.raises(RefusedError, match="unprotect it"):
        later.prepare([*NAMES, "New"])


_MORE = 'SELECT r.*, 1 AS "Own Note" FROM RAW_LEADS r'


def test_a_script_s_column_that_is_missing_in_a_protected_header_costs_no_money(world, engine):
    _first_job(engine)
    bought = world.stats()["idicore"]["calls"]
    world.protect_sheet(f"{_TAB}!1:1")
    with pytest.raises(JobFailedError, match="unprotect it"):
        engine.run(_MORE, limit_rows=30, progress=False)
    assert world.stats()["idicore"]["calls"] == bought
    world.protect_sheet()
    job = engine.resume(lf.jobs()["id"].iloc[0], progress=False)
    assert job.ok
    assert observe(world, engine, job.id).clean
    assert "Own Note" in world.sheet_values()[0]


def test_a_script_s_column_that_a_table_would_convert_costs_no_money(world, engine):
    _first_job(engine)
    assert engine.run(_MORE, limit_rows=5, progress=False).ok
    width = len(world.sheet_values()[0])
    world.table_sheet(f"{_TAB}!A1:{letters(width - 1)}20", {"Own Note": "DOUBLE"})
    bought = world.stats()["idicore"]["calls"]
    with pytest.raises(JobFailedError, match="'Own Note' \\(DOUBLE\\)"):
        engine.run(_MORE, limit_rows=30, progress=False)
    assert world.stats()["idicore"]["calls"] == bought


def test_a_job_without_leads_adds_no_column(world, engine):
    _first_job(engine)
    before = world.sheet_values()
    assert engine.run(f"{_MORE} WHERE \"Lead Number\" = 'none'", progress=False).ok
    assert world.sheet_values() == before


# The titles of tabs.


def test_a_tab_whose_title_differs_in_case_is_the_tab(world, sheet):
    sheet.append(rows_of(1))
    later = _opened(world, worksheet="CONSOLIDATED_Data")
    later.prepare(NAMES)
    assert later.append(rows_of(1, 2)) == 1
    assert later._lock._tab is sheet._lock._tab
    assert keys_in(world) == keys_of(1, 2)


def test_a_new_tab_has_as_many_columns_as_its_header(world):
    sheet = _opened(world, worksheet="new tab")
    sheet.prepare(NAMES)
    sheet.append(rows_of(1))
    assert sheet.tab.col_count == len(NAMES)
    sheet.prepare([*NAMES, "One", "Two"])
    assert _opened(world, worksheet="new tab").tab.col_count == len(NAMES) + 2


# Where an append lands.

_LAYOUTS = {
    "a blank row in the middle": lambda rows: [*rows[:3], [], *rows[3:]],
    "two blank rows and a note": lambda rows: [*rows[:2], [], [], ["", "", "note"], [], *rows[2:]],
    "a column without a name": lambda rows: [[row[0], "", *row[1:]] for row in rows],
    "a column without a name, and another table before it": lambda rows: [
        ["Mine" if n == 0 else "x" * (n < 2), "", *row] for n, row in enumerate(rows)
    ],
    "columns without a name": lambda rows: [[row[0], "", row[1], "", row[2]] for row in rows],
    "a note two columns away": lambda rows: [[*row, "", "", "note" * (n == 9)] for n, row in enumerate(rows)],
    "a first column without cells": lambda rows: [["", *row] for row in rows],
    "a table below": lambda rows: [*rows, [], ["", "Total", "9"]],
}


@pytest.mark.parametrize("layout", _LAYOUTS.values(), ids=_LAYOUTS)
@pytest.mark.parametrize("cut", [False, True])
def test_an_append_finds_the_end_of_a_tab_whatever_its_tables(world, layout, cut):
    sheet = _opened(world)
    sheet.prepare(NAMES)
    sheet.append(rows_of(*range(10)))
    world.edit_sheet(layout)
    if cut:
        world.resize_sheet()
    before = world.sheet_values()
    later = _opened(world)
    later.prepare(NAMES)
    later.append(rows_of(10, 11))
    reads = world.stats()["sheets"]["bytes"]
    assert later.append(rows_of(11, 12, 13)) == 2
    assert later.append(rows_of(14)) == 1
    assert world.stats()["sheets"]["bytes"] - reads < 20_000
    assert sorted(keys_in(world)) == keys_of(*range(15))
    after = world.sheet_values()
    assert [row for row in before[1:] if row not in after] == []
    column = after[0].index("Zip")
    assert {row[column] for row in after[1:] if len(row) > column and row[column].startswith("0")} == {
        f"0{n:04}" for n in range(15)
    }


@pytest.mark.parametrize("hidden", ["A:A", "A:C", "B:B", "2:4", "9:11", "1:1", "2:90"])
@pytest.mark.parametrize("appends", ["astray", "kept"])
def test_hidden_rows_and_columns_lead_no_row_astray(world, hidden, appends):
    sheet = _opened(world)
    sheet.prepare(NAMES)
    sheet.append(rows_of(*range(10)))
    world.hide_sheet(f"{_TAB}!{hidden}", appends=appends)
    later = _opened(world)
    later.prepare(NAMES)
    assert later.append(rows_of(9, 10, 11)) == 2
    assert later.append(rows_of(12)) == 1
    assert world.sheet_values()[0] == NAMES
    assert sorted(keys_in(world)) == keys_of(*range(13))
    assert keys_in(world)[-1] == "k0012"


@pytest.mark.parametrize("there", [0, 10])
@pytest.mark.parametrize("cut", [False, True])
def test_no_row_is_above_the_header_for_a_moment_if_the_first_column_is_hidden(world, monkeypatch, there, cut):
    sheet = _opened(world)
    sheet.prepare(NAMES)
    sheet.append(rows_of(*range(there)))
    world.hide_sheet(f"{_TAB}!A:A")
    if cut and there:  # with the header alone, the grid has no cell below it
        world.resize_sheet()
    later, heads = _opened(world), []
    later.prepare(NAMES)
    send = Sheet._append_at

    def watched(self, *args):
        try:
            return send(self, *args)
        finally:
            heads.append(world.sheet_values()[0])

    monkeypatch.setattr(Sheet, "_append_at", watched)
    assert later.append(rows_of(20, 21)) == 2
    assert later.append(rows_of(22)) == 1
    assert later.append(rows_of(23)) == 1
    assert len(heads) >= 3
    assert all(head == NAMES for head in heads)
    assert sorted(keys_in(world)) == keys_of(*range(there), *range(20, 24))
    if not cut:
        assert keys_in(world)[-1] == "k0023"


def test_a_grid_that_ends_with_the_header_takes_rows(world):
    sheet = _opened(world)
    sheet.prepare(NAMES)
    world.resize_sheet()
    later = _opened(world)
    later.prepare(NAMES)
    assert later.append(rows_of(1, 2)) == 2
    assert later.append(rows_of(3)) == 1
    assert world.sheet_values() == [NAMES, *(list(row.values()) for row in rows_of(1, 2, 3))]


def test_a_job_with_a_hidden_first_column_delivers_each_lead_once(world, engine):
    _first_job(engine)
    world.hide_sheet(f"{_TAB}!A:A")
    job = engine.run(SCRIPT, limit_rows=60, progress=False)
    assert job.ok
    assert observe(world, engine, job.id).clean


# A grid that a person cut.


@pytest.mark.parametrize("columns", [None, 60])
def test_a_grid_cut_in_mid_job_is_followed(world, engine, columns):
    world.configure(latency={"idicore": 0.05})
    handle = engine.submit(SCRIPT, limit_rows=80)
    deadline = time.monotonic() + 60
    while len(world.sheet_values()) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    world.resize_sheet(columns=columns)
    assert handle.result(120).ok
    assert observe(world, engine, handle.id).clean


def test_columns_that_a_person_cut_are_added_again_and_none_that_a_person_added_is_lost(world, sheet):
    sheet.append(rows_of(1))
    world.resize_sheet()
    sheet.ensure_columns([*NAMES, "New"])
    assert world.sheet_values()[0] == [*NAMES, "New"]
    world.resize_sheet(columns=40, rows=50)
    world.edit_sheet(lambda rows: [[*row, *[""] * (39 - len(row)), "far"] for row in rows])
    names = [*NAMES, "New", *(f"N{n}" for n in range(3))]
    sheet.ensure_columns(names)
    assert [row[39] for row in world.sheet_values()] == ["far", "far"]
    assert set(names) <= set(world.sheet_values()[0])


def test_rows_cut_between_a_read_and_a_write_are_no_refusal(world, sheet, monkeypatch):
    sheet.prepare([*NAMES, "Count"])
    sheet.append(rows_of(1, 2, 3, 4))
    write, done = Sheet._write, []

    def late(self, *args):
        if not done:
            done.append(world.resize_sheet(rows=3))
        return write(self, *args)

    monkeypatch.setattr(Sheet, "_write", late)
    sheet.update_cells({key: {"Count": "2"} for key in keys_of(2, 4)})
    assert world.sheet_values()[1:] == [["k0001", "=1+1", "00001"], ["k0002", "=1+2", "00002", "2"]]


# Merged cells.


@pytest.mark.parametrize("merged", ["A3:A4", "A2:B3", "A1:A2", "C10:C30", "C1:D1", "E1:F1", "B11:B12"])
def test_merged_cells_that_would_hide_leads_fail_a_job_before_money(world, engine, merged):
    sheet = _opened(world)
    sheet.prepare(NAMES)
    sheet.append(rows_of(*range(10)))
    world.merge_sheet(f"{_TAB}!{merged}")
    with pytest.raises(JobFailedError, match=r"are merged, and only .*unmerge them.*then resume"):
        engine.run(SCRIPT, limit_rows=20, progress=False)
    assert world.stats()["idicore"]["calls"] == 0
    world.merge_sheet()
    later = _opened(world)
    later.prepare(NAMES)
    later.append(rows_of(*range(12)))
    assert keys_in(world)[-1] == "k0011"


@pytest.mark.parametrize("merged", ["B3:C3", "B2:B4", "E2:E4", "C20:D20", "I1:J1"])
def test_merged_cells_that_hide_no_key_stop_nobody(world, merged):
    sheet = _opened(world)
    sheet.prepare(NAMES)
    sheet.append(rows_of(*range(10)))
    world.merge_sheet(f"{_TAB}!{merged}")
    later = _opened(world)
    later.prepare([*NAMES, "One", "Two", "Three"])
    assert later.append(rows_of(9, 10)) == 1
    assert later.append(rows_of(11)) == 1
    assert {*NAMES, "One", "Two", "Three"} <= set(world.sheet_values()[0])
    assert sorted(keys_in(world)) == keys_of(*range(12))


def test_a_mark_in_merged_cells_does_not_end_the_job(world, sheet):
    sheet.prepare([*NAMES, "Count"])
    sheet.append(rows_of(1, 2, 3, 4))
    world.merge_sheet(f"{_TAB}!D2:D3")
    assert sheet.update_cells({key: {"Count": "2"} for key in keys_of(1, 2, 3)}) == 3
    assert [row[3:] for row in world.sheet_values()[1:]] == [["2"], [], ["2"], []]


def test_merged_cells_in_an_empty_tab_are_refused(world):
    world.merge_sheet(f"{_TAB}!A1:C1")
    with pytest.raises(RefusedError, match="A1:C1 of tab consolidated_data are merged"):
        _opened(world)


# Typed tables.


@pytest.mark.parametrize("converts", [False, True])
def test_a_typed_column_that_may_change_texts_fails_a_job_before_money(world, engine, converts):
    _first_job(engine)
    bought = world.stats()["idicore"]["calls"]
    world.table_sheet(_TAB, {"Zip": "DOUBLE", "Lead Key": "TEXT"}, converts=converts)
    with pytest.raises(JobFailedError, match=r"'Zip' \(DOUBLE\); set their type to Text"):
        engine.run(SCRIPT, limit_rows=30, progress=False)
    assert world.stats()["idicore"]["calls"] == bought


def test_a_table_of_texts_grows_with_what_is_appended(world):
    sheet = _opened(world)
    sheet.prepare([*NAMES, "Called"])
    sheet.append(rows_of(*range(5)))
    world.table_sheet(f"{_TAB}!A1:D6", {"Zip": "TEXT", "Called": "BOOLEAN"}, converts=True)
    later = _opened(world)
    later.prepare(NAMES)
    assert later.append(rows_of(4, 5, 6)) == 2
    assert later.append(rows_of(7)) == 1
    assert world.sheet_values()[-1] == ["k0007", "=1+7", "00007", "FALSE"]
    assert later._describe()["tables"][0]["range"]["endRowIndex"] == 9


# A large sheet.


def test_two_rows_of_a_key_that_differ_do_not_cost_the_whole_sheet_at_each_start(world):
    sheet = _opened(world)
    wide = [*NAMES, "Notes"]
    sheet.prepare(wide)
    rows = [[*row.values(), "n" * 500] for row in rows_of(*range(2_000))]
    world.edit_sheet(lambda head: [*head, *rows, [rows[5][0], "other", *rows[5][2:]], rows[1_200]])
    before = world.stats()["sheets"]["bytes"]
    later = _opened(world)
    assert later.prepare(wide) == 1  # the whole tab is read before a row is deleted
    assert world.stats()["sheets"]["bytes"] - before > 1_000_000
    before = world.stats()["sheets"]["bytes"]
    later = _opened(world)
    assert later.prepare(wide) == 0
    assert world.stats()["sheets"]["bytes"] - before < 300_000
    assert later.withdraw({"k0003": {"none"}}) == 0
    assert later.withdraw({"k0003": {"00003"}}) == 1
    assert len(keys_in(world)) == 2_000


def test_an_append_that_says_the_tab_got_smaller_all_the_time_is_given_up(world, sheet, monkeypatch):
    sheet.append(rows_of(1, 2))
    world.edit_sheet(lambda rows: [*rows[:2], [], *rows[2:]])
    monkeypatch.setattr(Sheet, "_start", lambda self: "A90000")
    with pytest.raises(DeliveryError, match="making tab consolidated_data smaller"):
        sheet.append(rows_of(3))

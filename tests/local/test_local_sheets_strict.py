"""The stand-in for Google Sheets is as strict as Google where people change a spreadsheet's structure."""

from __future__ import annotations

import pytest
import requests
from gspread.exceptions import APIError
from standins import sheet_client

from leadflow.local import World
from leadflow.local.pretty import pretty
from leadflow.local.regions import last_region, moved

_TAB = "consolidated_data"


def _append(world, values, where="A1"):
    return (
        sheet_client(world)
        .worksheet(_TAB)
        .append_rows(values, value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range=where)
    )


def _tables(*rows):
    return [[{".": ""}.get(cell, cell) for cell in row] for row in rows]


# The example of Google's guide to appending: tables A1:C2 and B4:D6.
_GUIDE = _tables("xxx.", "xxx.", "....", ".xxx", ".xxx", ".xxx")


@pytest.mark.parametrize(
    ("cells", "wanted", "found"),
    [
        (_GUIDE, (0, 0, 1, 1), (0, 0, 2, 3)),  # A1
        (_GUIDE, (3, 1, 4, 2), (3, 1, 6, 4)),  # B4
        (_GUIDE, (4, 2, 5, 4), (3, 1, 6, 4)),  # C5:D5
        (_GUIDE, (1, 1, 4, 4), (3, 1, 6, 4)),  # B2:D4
        (_GUIDE, (2, 0, 10, 7), (3, 1, 6, 4)),  # A3:G10
        (_GUIDE, (0, 0, 10**9, 10**9), (3, 1, 6, 4)),  # the whole tab
        (_GUIDE, (3, 4, 4, 5), None),  # E4
        (_GUIDE, (3, 0, 4, 1), None),  # A4
        (_tables("x.x"), (0, 0, 1, 1), (0, 0, 1, 1)),
        (_tables("x.x"), (0, 0, 10**9, 10**9), (0, 2, 1, 3)),
        (_tables("x.x"), (0, 1, 1, 2), None),
        (_tables("xxx", "x.x", "..x", "x.."), (0, 0, 1, 1), (0, 0, 4, 3)),
        (_tables(".xx", "..x", "x.x"), (0, 0, 1, 1), (0, 0, 3, 3)),
        (_tables(".x", "x."), (0, 0, 1, 1), (0, 0, 2, 2)),
        (_tables("x", ".", "x"), (1, 0, 2, 1), None),
        ([], (0, 0, 1, 1), None),
    ],
)
def test_a_table_is_a_block_in_two_dimensions(cells, wanted, found):
    assert last_region(cells, wanted) == found


@pytest.mark.parametrize(
    ("start", "count", "after"),
    [
        (0, 2, (4, 0, 6, 3)),
        (2, 2, (4, 0, 6, 3)),
        (3, 2, (2, 0, 6, 3)),
        (4, 2, (2, 0, 4, 3)),
        (0, -1, (1, 0, 3, 3)),
        (3, -1, (2, 0, 3, 3)),
        (2, -2, None),
        (1, -2, (1, 0, 2, 3)),
        (4, -2, (2, 0, 4, 3)),
    ],
)
def test_a_block_moves_with_its_rows(start, count, after):
    assert moved((2, 0, 4, 3), 0, start, count) == after


def test_an_append_sees_the_table_of_its_cell_alone(world: World):
    world.edit_sheet(lambda _: [["x", "", "y"]])
    answer = _append(world, [["1", "2"]])
    assert answer["tableRange"] == f"{_TAB}!A1"
    assert answer["updates"]["updatedRange"] == f"{_TAB}!A2:B2"
    below = _append(world, [["3"]], "A9")
    assert "tableRange" not in below
    assert below["updates"]["updatedRange"] == f"{_TAB}!A9"
    with pytest.raises(APIError, match="exceeds grid limits"):
        _append(world, [["4"]], "A90000")


def test_hidden_cells_lead_appends_astray(world: World):
    world.edit_sheet(lambda _: [["h", "i"], ["1", "2"]])
    world.hide_sheet(f"{_TAB}!A:A")
    assert _append(world, [["3", "4"]])["updates"]["updatedRange"] == f"{_TAB}!A1:B1"
    world.hide_sheet()
    world.hide_sheet(f"{_TAB}!A:A", appends="kept")
    assert _append(world, [["5", "6"]])["updates"]["updatedRange"] == f"{_TAB}!A4:B4"
    assert world.sheet_values() == [["3", "4"], ["h", "i"], ["1", "2"], ["5", "6"]]


def test_merged_cells_keep_the_first_value_alone(world: World):
    world.edit_sheet(lambda _: [["a", "b"], ["c", "d"], ["e", "f"]])
    world.merge_sheet(f"{_TAB}!A2:A3")
    tab = sheet_client(world).worksheet(_TAB)
    assert tab.get_all_values() == [["a", "b"], ["c", "d"], ["", "f"]]
    tab.update([["x"], ["y"]], "A2:A3", raw=True)
    assert tab.get_all_values() == [["a", "b"], ["x", "d"], ["", "f"]]
    tab.insert_row(["new"], 3)
    merges = sheet_client(world).fetch_sheet_metadata()["sheets"][0]["merges"]
    assert merges == [{"startRowIndex": 1, "endRowIndex": 4, "endColumnIndex": 1}]
    world.merge_sheet()
    assert "merges" not in sheet_client(world).fetch_sheet_metadata()["sheets"][0]


def test_an_append_extends_a_typed_table(world: World):
    world.edit_sheet(lambda _: [["Key", "Zip", "Done"], ["a", "00501", ""], ["", "", ""], ["note"]])
    world.table_sheet(f"{_TAB}!A1:C2", {"Zip": "DOUBLE", "Done": "BOOLEAN"}, converts=True)
    assert _append(world, [["b", "00502", ""]])["updates"]["updatedRange"] == f"{_TAB}!A3:C3"
    assert world.sheet_values()[2] == ["b", "502", "FALSE"]
    table = sheet_client(world).fetch_sheet_metadata()["sheets"][0]["tables"][0]
    assert table["range"]["endRowIndex"] == 3
    assert table["columnProperties"][1] == {"columnIndex": 1, "columnName": "Zip", "columnType": "DOUBLE"}
    world.table_sheet(None)
    tab = sheet_client(world).worksheet(_TAB)
    grid = {"startRowIndex": 0, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 2}
    tab.spreadsheet.batch_update({"requests": [{"addTable": {"table": {"name": "Leads", "range": grid}}}]})
    assert sheet_client(world).fetch_sheet_metadata()["sheets"][0]["tables"][0]["name"] == "Leads"


def test_tab_titles_are_blind_to_case(world: World):
    tab = sheet_client(world).worksheet(_TAB)
    tab.update([["x"]], "A1")
    values = tab.spreadsheet.values_get("CONSOLIDATED_data!A1:B1")
    assert values["range"] == f"{_TAB}!A1:B1"
    assert values["values"] == [["x"]]
    with pytest.raises(APIError, match="already exists"):
        tab.spreadsheet.add_worksheet("Consolidated_Data", 1, 1)


def test_a_grid_that_a_person_cut_refuses_what_is_outside(world: World):
    world.edit_sheet(lambda _: [["a", "b"], ["c", "d"]])
    world.resize_sheet()
    tab = sheet_client(world).worksheet(_TAB)
    assert (tab.row_count, tab.col_count) == (2, 2)
    with pytest.raises(APIError, match="exceeds grid limits"):
        tab.update([["x"]], "C1")
    world.resize_sheet(rows=1, columns=1)
    assert world.sheet_values() == [["a"]]


def test_answers_are_printed_as_google_does(world: World):
    world.edit_sheet(lambda _: [["a", 'é"']])
    base = f"{world.settings.sheets.base_url}/v4/spreadsheets/{world.settings.sheets.spreadsheet_id}"
    found = requests.get(f"{base}/values/{_TAB}!A1:B1", timeout=10)
    assert found.text.splitlines()[1:3] == [f'  "range": "{_TAB}!A1:B1",', '  "majorDimension": "ROWS",']
    assert found.json()["values"] == [["a", 'é"']]
    compact = requests.get(f"{base}/values/{_TAB}!A1:B1", params={"prettyPrint": "false"}, timeout=10)
    assert compact.json() == found.json()
    assert "\n" not in compact.text
    assert pretty({"a": [], "b": [[1, True, None]]}) == (
        '{\n  "a": [],\n  "b": [\n    [\n      1,\n      true,\n      null\n    ]\n  ]\n}'
    )


def test_a_used_up_quota_names_no_time_to_wait(world: World):
    world.configure(quotas={"sheets_reads": 1})
    base = f"{world.settings.sheets.base_url}/v4/spreadsheets/{world.settings.sheets.spreadsheet_id}"
    answers = [requests.get(base, timeout=10) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert "Retry-After" not in answers[1].headers


def _delete(tab, *rows):
    place = {"sheetId": tab.id, "dimension": "ROWS"}
    return {"requests": [{"deleteDimension": {"range": {**place, "startIndex": a, "endIndex": b}}} for a, b in rows]}


def test_a_batch_of_deletes_is_applied_in_order_and_as_a_whole(world: World):
    world.edit_sheet(lambda _: [["key"], *([f"k{n}"] for n in range(6))])
    tab = sheet_client(world).worksheet(_TAB)
    tab.spreadsheet.batch_update(_delete(tab, (5, 6), (1, 3)))
    assert world.sheet_values() == [["key"], ["k2"], ["k3"], ["k5"]]
    with pytest.raises(APIError, match=r"Invalid requests\[1\]\.deleteDimension: Cannot delete a dimension"):
        tab.spreadsheet.batch_update(_delete(tab, (1, 2), (5000, 5001)))
    with pytest.raises(APIError, match="Must specify at least one request"):
        tab.spreadsheet.batch_update({"requests": []})
    world.protect_sheet(f"{_TAB}!A2:A2")
    with pytest.raises(APIError, match="protected"):
        tab.spreadsheet.batch_update(_delete(tab, (3, 4), (1, 2)))
    assert world.sheet_values() == [["key"], ["k2"], ["k3"], ["k5"]]


def test_all_rows_that_are_not_frozen_cannot_be_deleted(world: World):
    world.edit_sheet(lambda _: [["key"], ["k1"], ["k2"]])
    tab = sheet_client(world).worksheet(_TAB)
    tab.freeze(rows=1)
    world.resize_sheet()
    with pytest.raises(APIError, match="not possible to delete all non-frozen rows"):
        tab.spreadsheet.batch_update(_delete(tab, (1, 3)))
    with pytest.raises(APIError, match="delete all"):
        tab.spreadsheet.batch_update(_delete(tab, (0, 3)))
    tab.spreadsheet.batch_update(_delete(tab, (1, 2)))
    assert world.sheet_values() == [["key"], ["k2"]]

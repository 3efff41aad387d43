"""What has a place in the stand-in's spreadsheet moves with inserted and deleted rows and columns, as at Google."""

from __future__ import annotations

import pytest
from gspread.exceptions import APIError
from sheet_rows import NAMES, keys_in, keys_of, rows_of
from standins import sheet_client

from leadflow.local import World
from leadflow.local.regions import OPEN, moved
from leadflow.services.sheets import Sheet

_TAB = "consolidated_data"


def _filled(world: World, rows: int = 10):
    world.edit_sheet(lambda _: [["Key", "Name", "Zip"], *([f"k{n}", f"n{n}", f"{n}"] for n in range(rows))])


def _described(world: World):
    tab = sheet_client(world).fetch_sheet_metadata()["sheets"][0]
    bounds = ("startRowIndex", "startColumnIndex", "endRowIndex", "endColumnIndex")

    def box(part):
        return tuple(part.get(name) for name in bounds)

    return {
        "protected": [box(part["range"]) for part in tab.get("protectedRanges", [])],
        "merged": [box(part) for part in tab.get("merges", [])],
        "filter": box(tab["basicFilter"]["range"]) if "basicFilter" in tab else None,
        "tables": [box(part["range"]) for part in tab.get("tables", [])],
    }


def _placed(world: World):
    """All four kinds of places: rows 5 and 6, columns A and B."""
    _filled(world)
    world.protect_sheet(f"{_TAB}!A5:B6")
    world.merge_sheet(f"{_TAB}!A5:B6")
    world.filter_sheet(f"{_TAB}!A5:B6", appends="kept")
    world.table_sheet(f"{_TAB}!A5:B6")


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (("insert", 2, []), (5, None, 7, 2)),
        (("insert", 5, []), (5, None, 7, 2)),
        (("insert", 6, []), (4, None, 7, 2)),
        (("insert", 7, []), (4, None, 6, 2)),
        (("delete", 2), (3, None, 5, 2)),
        (("delete", 5), (4, None, 5, 2)),
        (("delete", 7), (4, None, 6, 2)),
        (("insert column", 1), (4, 1, 6, 3)),
        (("insert column", 2), (4, None, 6, 3)),
        (("insert column", 3), (4, None, 6, 2)),
        (("delete column", 1), (4, None, 6, 1)),
    ],
    ids=str,
)
def test_places_move_with_rows_and_columns(world: World, edit, after):
    _placed(world)
    world.edit_sheet([edit])
    assert _described(world) == {"protected": [after], "merged": [after], "filter": after, "tables": [after]}


def test_places_go_with_all_of_their_rows(world: World):
    _placed(world)
    world.edit_sheet([("delete", 5), ("delete", 5)])
    assert _described(world) == {"protected": [], "merged": [], "filter": None, "tables": []}
    _placed(world)
    world.resize_sheet(rows=4)
    assert _described(world) == {"protected": [], "merged": [], "filter": None, "tables": []}


def test_a_sort_moves_cells_alone(world: World):
    _filled(world, 4)
    world.protect_sheet(f"{_TAB}!A2:A2")
    world.edit_sheet([("sort", 1, True)])
    assert [row[0] for row in world.sheet_values()] == ["Key", "k3", "k2", "k1", "k0"]
    assert _described(world)["protected"] == [(1, None, 2, 1)]
    world.merge_sheet(f"{_TAB}!A3:A4")
    with pytest.raises(Exception, match="vertically merged"):
        world.edit_sheet([("sort", 1)])


def _sort(world: World, *specs, first=1, left=0):
    where = {"sheetId": sheet_client(world).worksheet(_TAB).id, "startRowIndex": first, "startColumnIndex": left}
    orders = [{"dimensionIndex": column, "sortOrder": order} for column, order in specs]
    sheet_client(world).batch_update({"requests": [{"sortRange": {"range": where, "sortSpecs": orders}}]})


def test_a_sort_by_the_api_is_stable_puts_numbers_first_and_blanks_last(world: World):
    rows = [["a", 2], ["", 1], ["b", "x"], ["a", 10], ["b", ""]]
    world.edit_sheet(lambda _: [["Key", "N"], *rows])
    _sort(world, (0, "DESCENDING"), (1, "ASCENDING"))
    assert world.sheet_values()[1:] == [["b", "x"], ["b"], ["a", "2"], ["a", "10"], ["", "1"]]
    _sort(world, (1, "ASCENDING"), left=1)  # the first column stays: the pairs are torn, as at Google
    assert world.sheet_values()[1:] == [["b", "1"], ["b", "2"], ["a", "10"], ["a", "x"]]


def test_a_sort_by_the_api_that_is_refused_moves_nothing(world: World):
    _filled(world, 4)
    before = world.sheet_values()
    world.protect_sheet(f"{_TAB}!A2:A2")
    for column, why in ((0, "protected"), (50_000_000, "must be in the range")):
        with pytest.raises(APIError, match=why):
            _sort(world, (column, "ASCENDING"))
    assert world.sheet_values() == before


@pytest.mark.parametrize("whole", ["A:B", "1:2", _TAB])
def test_whole_columns_and_the_whole_tab_stay_protected(world: World, whole):
    _filled(world)
    world.protect_sheet(whole if whole == _TAB else f"{_TAB}!{whole}")
    before = _described(world)["protected"]
    world.edit_sheet([("insert", 1, [])] if whole != "1:2" else [("insert column", 1)])
    assert _described(world)["protected"] == before


def test_an_open_bound_stays_open():
    assert moved((0, 1, OPEN, 2), 0, 3, -2) == (0, 1, OPEN, 2)
    assert moved((5, 1, OPEN, 2), 0, 0, -2) == (3, 1, OPEN, 2)
    assert moved((5, 1, OPEN, 2), 0, 0, 2) == (7, 1, OPEN, 2)


def test_a_delete_of_rows_that_is_refused_moves_nothing(world: World):
    _filled(world)
    world.protect_sheet(f"{_TAB}!A5:B6")
    with pytest.raises(APIError, match="protected"):
        sheet_client(world).worksheet(_TAB).delete_rows(3, 5)
    assert _described(world)["protected"] == [(4, None, 6, 2)]


# leadflow beside them.


def test_appends_push_a_protected_note_down_and_never_write_into_it(world: World, sheet: Sheet):
    sheet.append(rows_of(*range(3)))
    world.edit_sheet([("append", []), ("append", []), ("set", 8, ["", "Do not delete", "these lines"])])
    world.protect_sheet(f"{_TAB}!8:9")
    for n in range(3, 7):
        assert sheet.append(rows_of(n)) == 1
    assert sorted(keys_in(world)) == keys_of(*range(7))
    assert world.sheet_values()[11] == ["", "Do not delete", "these lines"]
    assert _described(world)["protected"] == [(11, None, 13, None)]


def test_a_duplicate_above_a_protected_row_is_taken_out(world: World, sheet: Sheet):
    sheet.append(rows_of(*range(3)))
    world.edit_sheet([("append", world.sheet_values()[1])])
    world.edit_sheet([("append", []), ("append", ["", "mine"])])
    world.protect_sheet(f"{_TAB}!7:7")
    later = Sheet(sheet.settings)
    assert later.prepare(NAMES) == 1
    assert keys_in(world) == keys_of(*range(3))
    assert _described(world)["protected"] == [(5, None, 6, None)]


@pytest.mark.parametrize("edit", [("insert", 2, []), ("delete", 3), ("sort", 1, True), ("insert column", 2)], ids=str)
def test_merged_notes_beside_the_leads_move_and_no_lead_is_lost(world: World, sheet: Sheet, edit):
    sheet.append(rows_of(*range(6)))
    world.merge_sheet(f"{_TAB}!E4:F4")
    world.filter_sheet(f"{_TAB}!A1:C7", appends="kept")
    world.edit_sheet([edit])
    before = set(keys_in(world))
    assert sheet.append(rows_of(6, 7)) == 2
    assert set(keys_in(world)) == before | {"k0006", "k0007"}
    assert Sheet(sheet.settings).prepare(NAMES) == 0

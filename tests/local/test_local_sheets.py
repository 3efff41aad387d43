"""The stand-in for Google Sheets, with gspread."""

from __future__ import annotations

import time

import pytest
from gspread.exceptions import APIError
from standins import sheet_client

from leadflow.local import World


def test_sheet_with_gspread(world: World):
    tab = sheet_client(world).worksheet("consolidated_data")
    tab.update([["Lead Key", "Zip"], ["a", "04013"], ["b", "=1+1"]], "A1", raw=True)
    assert tab.get_all_values() == [["Lead Key", "Zip"], ["a", "04013"], ["b", "=1+1"]]
    tab.append_rows([["c", "007"]], value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range="A1")
    assert tab.col_values(1) == ["Lead Key", "a", "b", "c"]
    tab.update([["00123"]], "B2", raw=False)
    assert tab.acell("B2").value == "123"
    tab.add_rows(5)
    tab.add_cols(2)
    tab.insert_row(["x"], 2)
    tab.delete_rows(2)
    tab.batch_update([{"range": "A5:B5", "values": [["d", "1"]]}])
    assert tab.batch_get(["A4:A5", "B1"]) == [[["c"], ["d"]], [["Zip"]]]
    fresh = sheet_client(world).worksheet("consolidated_data")
    assert (fresh.row_count, fresh.col_count) == (1006, 28)
    tab.freeze(rows=1)
    tab.batch_clear(["A5:B5"])
    other = sheet_client(world).add_worksheet("two words's", 10, 3)
    other.update([["1"]], "A1")
    assert world.sheet_values("two words's") == [["1"]]
    other.clear()
    assert other.get_all_values() in ([], [[]])
    assert world.stats()["sheets"]["rows"] == 3


@pytest.mark.usual_quota
def test_sheet_refuses_as_google_does(world: World):
    book = sheet_client(world)
    tab = book.worksheet("consolidated_data")
    with pytest.raises(APIError, match="exceeds grid limits"):
        tab.update([["x"]], "A1001")
    with pytest.raises(APIError, match="already exists"):
        book.add_worksheet("consolidated_data", 1, 1)
    with pytest.raises(APIError, match="tried writing to row"):
        tab.update([["x"], ["y"]], "A1:B1")
    for n in range(60 - world.stats()["sheets"]["writes"]):
        tab.update([[str(n)]], "A1")
    with pytest.raises(APIError) as refusal:
        tab.update([["one too many"]], "A1")
    assert refusal.value.code == 429
    assert refusal.value.error["status"] == "RESOURCE_EXHAUSTED"
    assert world.stats()["sheets"]["refused"] == 1


def test_sheet_write_applied_though_it_failed(world: World):
    tab = sheet_client(world).worksheet("consolidated_data")
    world.fail("sheets", "applied_then_503")
    with pytest.raises(APIError):
        tab.append_rows([["a"]])
    assert world.sheet_values() == [["a"]]
    world.fail("sheets", "applied_then_drop")
    with pytest.raises(Exception, match=r"aborted|reset|closed"):
        tab.append_rows([["b"]])
    world.fail("sheets", "applied_late", s=0.3)
    with pytest.raises(APIError):
        tab.append_rows([["c"]])
    assert world.sheet_values() == [["a"], ["b"]]
    time.sleep(0.5)
    assert world.sheet_values() == [["a"], ["b"], ["c"]]


def test_people_edit_the_sheet(world: World):
    world.edit_sheet([("append", ["h"]), ("append", ["1"]), ("insert", 2, ["0"])])
    world.edit_sheet(lambda rows: [rows[0], *reversed(rows[1:])])
    assert world.sheet_values() == [["h"], ["1"], ["0"]]
    world.edit_sheet([("delete", 2), ("set", 2, ["9"])])
    assert world.sheet_values() == [["h"], ["9"]]

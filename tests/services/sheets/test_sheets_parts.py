"""A large append goes out in parts, since Google recommends a size of requests."""

from __future__ import annotations

import json

import pytest
from sheet_rows import NAMES, keys_in, keys_of, rows_of

from leadflow.services.sheets import Sheet

_FOUR_ROWS = sum(len(json.dumps(list(row.values()))) for row in rows_of(*range(4)))


def test_a_large_append_is_sent_in_parts_and_looks_at_the_keys_once(world, sheet, monkeypatch):
    sheet.append(rows_of(0))
    before = world.stats()["sheets"]
    monkeypatch.setattr("leadflow.services.sheets.append._PAYLOAD_BYTES", _FOUR_ROWS)
    assert sheet.append(rows_of(*range(9))) == 8
    after = world.stats()["sheets"]
    assert keys_in(world) == keys_of(*range(9))
    assert after["writes"] - before["writes"] == 3
    assert after["reads"] - before["reads"] == 1 + 3, "a look, and what each part has added"


@pytest.mark.parametrize("part", [1, 2])
def test_a_row_that_another_machine_adds_between_the_parts_of_an_append_stays(world, sheet, monkeypatch, part):
    """The look counts for two seconds, so the lead may be there twice for a moment, as with any two machines."""
    monkeypatch.setattr("leadflow.services.sheets.append._PAYLOAD_BYTES", _FOUR_ROWS)
    sheet.append(rows_of(50))
    shown, calls = Sheet._is_shown, []

    def meanwhile(self, values, first, seen):
        found = shown(self, values, first, seen)
        calls.append(first)
        if len(calls) == part:
            world.edit_sheet([("append", ["k0009", "=1+9", "00009"])])
        return found

    monkeypatch.setattr(Sheet, "_is_shown", meanwhile)
    sheet.append(rows_of(*range(12)))
    sheet.settle_doubts()
    assert sorted(keys_in(world)) == keys_of(*range(12), 50)


def test_a_row_larger_than_a_part_goes_alone(world, sheet, monkeypatch):
    monkeypatch.setattr("leadflow.services.sheets.append._PAYLOAD_BYTES", _FOUR_ROWS)
    writes = world.stats()["sheets"]["writes"]
    long = [{**row, "Name": "x" * 2 * _FOUR_ROWS} for row in rows_of(1, 2)]
    assert sheet.append([*rows_of(0), *long, *rows_of(3, 4)]) == 5
    assert keys_in(world) == keys_of(*range(5))
    assert world.stats()["sheets"]["writes"] - writes == 4


def test_blank_cells_of_a_wide_sheet_count(world, sheet, monkeypatch):
    sheet.prepare([*NAMES, *(f"Mine {n}" for n in range(100))])
    monkeypatch.setattr("leadflow.services.sheets.append._PAYLOAD_BYTES", 2 * 100 * len('"", ') + _FOUR_ROWS)
    writes = world.stats()["sheets"]["writes"]
    assert sheet.append(rows_of(*range(6))) == 6
    assert keys_in(world) == keys_of(*range(6))
    assert world.stats()["sheets"]["writes"] - writes == 3

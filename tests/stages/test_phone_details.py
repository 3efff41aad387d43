"""Line type, last seen and rank of each phone go to the sheet, beside the phone that they belong to."""

from __future__ import annotations

import polars as pl
import pytest
from outcome import SCRIPT, sheet_rows
from sheet_rows import NAMES

import leadflow as lf
from leadflow.errors import SettingsError
from leadflow.leads.people import Answer, Phone
from leadflow.leads.phone_columns import names_phones_only
from leadflow.services.sheets import Sheet
from leadflow.settings import Policy
from leadflow.stages import deliver
from leadflow.stages.lead_phones import with_script_phones
from leadflow.stages.lookup import lookup_people
from leadflow.stages.sheet_rows import sheet_columns

_DETAILS = ("Line Type", "Last Seen", "Rank")
_LISTS = ("phones", "phone_types", "phone_last_seen", "phone_ranks")
_WHO = {"person_key": "k1", "first_name": "Ann", "last_name": "Lee", "address": "1 Elm St", "city": "Bath"}
_WHO |= {"state": "NH", "zip": "03740"}


def _frame(**more):
    lists = {
        "phones": ["+12125550105", "+12125550106", "+12125550107"],
        "phone_types": ["Mobile", "Landline", "VoIP"],
        "phone_last_seen": ["20260115", "recently", ""],
        "phone_ranks": ["1", "2", ""],
        "litigator_verdicts": ["clean"] * 3,
        "dnc_verdicts": ["clean", "dnc", "clean"],
        **more,
    }
    return pl.DataFrame({**{name: [value] for name, value in _WHO.items()}, **{k: [v] for k, v in lists.items()}})


def _row(world, frame, policy=None):
    assert deliver(frame, Sheet(world.settings.sheets), policy=policy)["delivered"].all()
    (row,) = sheet_rows(world)
    return row


def test_the_details_stand_beside_their_phone_when_another_is_held_back(world):
    row = _row(world, _frame())
    assert [row[f"Phone 1{part}"] for part in ("", " Line Type", " Last Seen", " Rank")] == [
        "+12125550105", "Mobile", "2026-01-15", "1",
    ]  # fmt: skip
    assert [row[f"Phone 2{part}"] for part in ("", " Line Type", " Last Seen", " Rank")] == [
        "+12125550107",
        "VoIP",
        "",
        "",
    ]
    assert [row[f"Phone 3{part}"] for part in ("", " Line Type", " Last Seen", " Rank")] == [""] * 4


@pytest.mark.parametrize("text", ["20260230", "2026", "spring 2025", "20260101x", "0", "1.5", "2026-01-05T10:00"])
def test_a_date_that_is_none_stays_as_the_vendor_gave_it(world, text):
    assert _row(world, _frame(phone_last_seen=[text, "", ""]))["Phone 1 Last Seen"] == text


def test_a_phone_in_a_detail_never_reaches_the_sheet(world):
    row = _row(world, _frame(phone_last_seen=["2125550106", "", ""], phone_types=["call 212-555-0106", "", ""]))
    assert (row["Phone 1 Last Seen"], row["Phone 1 Line Type"]) == ("", "")


def test_a_setting_says_which(world):
    row = _row(world, _frame(), Policy(phone_details=("rank",)))
    assert "Phone 1 Rank" in row
    assert not {"Phone 1 Line Type", "Phone 1 Last Seen"} & set(row)
    assert not [name for name in sheet_columns(Policy(phone_details=())) if name.endswith(_DETAILS)]
    with pytest.raises(SettingsError, match="phone_details"):
        Policy(phone_details="rank, carrier")


def test_a_frame_without_details_has_blank_cells(world):
    frame = _frame().drop("phone_types", "phone_last_seen", "phone_ranks")
    assert [_row(world, frame)[f"Phone 1 {name}"] for name in _DETAILS] == ["", "", ""]


def test_phones_of_the_script_keep_the_lists_aligned():
    leads = pl.DataFrame({
        "lookup_status": ["found", "no_match"],
        "phones": [["+12125550105"], []],
        "phone_types": [["Mobile"], []],
        "phone_last_seen": [["20260115"], []],
        "phone_ranks": [["1"], []],
        "Cell": ["212-555-0109", "212-555-0110"],
    }, schema_overrides=dict.fromkeys(_LISTS, pl.List(pl.String)))  # fmt: skip
    done = with_script_phones(leads, Policy(script_phones="check"))
    assert done["phone_types"].to_list() == [["Mobile", "script"], ["script"]]
    assert done["phone_last_seen"].to_list() == [["20260115", ""], [""]]
    assert done["phone_ranks"].to_list() == [["1", ""], [""]]


def test_the_lookup_says_what_idicore_answered():
    phones = Phone("+12125550105", "Mobile", 2, "20260115"), Phone("+12125550106", "", 9_999)
    known = {"k1": Answer("k1", "found", phones)}

    class Nothing:
        def queue(self, work, ready):
            assert not ready
            return {}

    done = lookup_people(pl.DataFrame([_WHO]), Nothing(), known=known)
    assert done["phone_types"].to_list() == [["Mobile", ""]]
    assert done["phone_last_seen"].to_list() == [["20260115", ""]]
    assert done["phone_ranks"].to_list() == [["2", ""]]


def test_an_old_header_gets_the_columns_at_its_right(world):
    sheet = Sheet(world.settings.sheets)
    old = [name for name in sheet_columns(Policy(phone_details=())) if name not in ("Call Window", "Callable Until")]
    sheet.prepare([world.settings.sheets.key_column, *old])
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=40, progress=False)
    header = world.sheet_values()[0]
    assert header[: len(old) + 1] == [world.settings.sheets.key_column, *old]
    assert {"Phone 1 Line Type", "Phone 3 Rank", "Call Window", "Callable Until"} <= set(header[len(old) + 1 :])
    rows = sheet_rows(world)
    assert {row["Phone 1 Line Type"] for row in rows} <= {"Mobile", "Landline", "VoIP"}
    assert all(row["Phone 1 Last Seen"].startswith("20") and row["Phone 1 Rank"] for row in rows)
    assert all(bool(row["Phone 2"]) == bool(row["Phone 2 Last Seen"]) for row in rows)


def test_no_detail_s_name_is_taken_for_a_phone_s():
    assert NAMES
    assert not [name for name in _DETAILS if names_phones_only(f"Phone 1 {name}")]

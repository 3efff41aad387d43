"""engine.check() and the sheet: how it is shared, its tab, header, protection, filter, typed tables and room."""

from __future__ import annotations

import json

import pytest
from account_check import SHEET_ROWS, changed, check, not_ok, ready
from sheet_rows import NAMES

from leadflow.services.sheets import Sheet

_TAB = "consolidated_data"
_TYPED = "Typed tables and merged cells"
_OF_THE_TAB = ["Header", "Protected ranges", "Filter", _TYPED]


def test_a_sheet_that_is_shared_with_a_reader(world):
    settings = ready(world)
    world.share_sheet("reader")
    found = check(world, settings)
    assert not_ok(found) == {"Spreadsheet sharing": "failed", "Protected ranges": "warning"}
    assert "as a reader" in found["Spreadsheet sharing"].found
    assert "as an editor" in found["Spreadsheet sharing"].what_to_do
    assert found["Protected ranges"].found == "not checked, since Spreadsheet sharing failed"
    assert found["Tab"].found == f"{_TAB} is there"


def test_a_sheet_that_is_not_shared(world):
    settings = ready(world)
    world.share_sheet("none")
    found = check(world, settings)
    assert found["Spreadsheet"].status == "failed"
    assert "no permission" in found["Spreadsheet"].found
    assert "LEADFLOW_SHEETS__SPREADSHEET_ID" in found["Spreadsheet"].what_to_do
    assert set(not_ok(found)) == set(SHEET_ROWS[1:])
    assert all(found[what].found.startswith("not checked, since ") for what in SHEET_ROWS[2:])


def test_a_wrong_id(world):
    found = check(world, ready(world, sheets={"spreadsheet_id": "no-such-sheet"}))
    assert found["Spreadsheet"].status == "failed"
    assert "no spreadsheet with that id" in found["Spreadsheet"].found
    assert found["Room in the spreadsheet"].found == "not checked, since Spreadsheet failed"


@pytest.mark.parametrize(("kind", "words"), [("401", "refused the sign-in"), ("403", "no permission"), ("503", "503")])
def test_google_refuses_or_is_down(world, kind, words):
    settings = ready(world)
    world.fail("sheets", kind, times=50, on="read")
    with_faults = check(world, settings)
    world.heal()
    assert with_faults["Spreadsheet"].status == "failed"
    assert words in with_faults["Spreadsheet"].found


def test_google_fails_in_the_middle(world):
    settings = ready(world)
    world.fail("sheets", "503", times=50, on="read", after=1)
    found = check(world, settings)
    world.heal()
    assert not_ok(found) == {"Header": "failed", "Protected ranges": "warning", _TYPED: "warning"}
    assert found["Spreadsheet sharing"].status == "ok"


def test_a_tab_that_is_not_there(world):
    found = check(world, ready(world, sheets={"worksheet": "callers"}))
    assert not_ok(found) == dict.fromkeys(["Tab", *_OF_THE_TAB], "warning")
    assert found["Tab"].found == "callers is not there; a run would make it"
    assert all(found[what].found == "not checked, since tab callers is not there" for what in _OF_THE_TAB)
    assert found["Spreadsheet sharing"].status == "ok"
    assert world.sheet_values("callers") == []


def test_a_tab_that_is_not_there_in_a_sheet_for_reading(world):
    settings = ready(world, sheets={"worksheet": "callers"})
    world.share_sheet("reader")
    found = check(world, settings)
    assert found["Spreadsheet sharing"].status == "failed"
    assert found["Tab"].status == "warning"


def test_a_tab_in_other_letters(world):
    found = check(world, ready(world, sheets={"worksheet": "Consolidated_Data"}))
    assert not_ok(found) == {"Tab": "warning"}
    assert found["Tab"].found == f"Consolidated_Data is there as {_TAB}"
    assert _TAB in found["Tab"].what_to_do


# The header.


def test_a_header_that_was_moved(world):
    settings = ready(world)
    world.edit_sheet([("insert", 1, ["a note"])])
    found = check(world, settings)
    assert not_ok(found) == {"Header": "failed", "Protected ranges": "warning", _TYPED: "warning"}
    assert "row 1 of tab consolidated_data is not the header any more" in found["Header"].found
    assert "resume" not in found["Header"].found


def test_a_tab_that_lost_its_key_column(world):
    settings = ready(world)
    world.edit_sheet([("append", ["k1", "Ann"])])
    world.edit_sheet(lambda rows: [["Renamed", *rows[0][1:]], *rows[1:]])
    found = check(world, settings)
    assert found["Header"].status == "failed"
    assert "has no column 'Lead Key' any more" in found["Header"].found


def test_a_tab_of_other_people(world):
    settings = ready(world)
    world.edit_sheet(lambda rows: [["Campaign", "Owner"], ["June", "Kim"]])
    found = check(world, settings)
    assert not_ok(found) == {"Header": "warning"}
    assert "none is 'Lead Key'; a run would add" in found["Header"].found


def test_columns_that_a_run_would_add(world):
    settings = ready(world)
    world.edit_sheet(lambda rows: [NAMES])
    found = check(world, settings)
    assert found["Header"].status == "ok"
    assert "a run would add" in found["Header"].found
    assert "Held Phones" in found["Header"].found


def test_leads_that_are_there_twice(world):
    settings = ready(world)
    world.edit_sheet([("append", ["k1", "Ann"]), ("append", ["k2", "Bo"]), ("append", ["k1", "Ann"])])
    found = check(world, settings)
    assert not_ok(found) == {"Header": "warning"}
    assert "3 leads below them; 1 rows repeat a lead" in found["Header"].found


# Protection, filter, typed tables, room.


@pytest.mark.parametrize("part", [_TAB, f"{_TAB}!A2:A", f"{_TAB}!A:A", f"{_TAB}!A1:ZZ1000"])
def test_a_part_where_a_run_writes_is_protected(world, part):
    settings = ready(world)
    world.protect_sheet(part)
    found = check(world, settings)
    assert not_ok(found) == {"Protected ranges": "failed"}
    assert "protected" in found["Protected ranges"].found
    assert "unprotect it for this account" in found["Protected ranges"].what_to_do
    assert "as a writer" in found["Spreadsheet sharing"].found


def test_a_part_beside_the_leads_is_protected(world):
    settings = ready(world)
    world.protect_sheet(f"{_TAB}!AZ:AZ")
    found = check(world, settings)
    assert not_ok(found) == {}
    assert found["Protected ranges"].found == "1 ranges are protected, none where a run writes"


@pytest.mark.parametrize("hides", [True, False])
def test_a_filter_is_on(world, hides):
    settings = ready(world)
    world.filter_sheet(_TAB, hides=hides)
    found = check(world, settings)
    assert not_ok(found) == {"Filter": "warning"}
    assert ("hides rows" in found["Filter"].found) == hides
    assert "Remove filter" in found["Filter"].what_to_do


@pytest.mark.parametrize(("types", "status"), [({"Zip": "DOUBLE"}, "failed"), ({"Zip": "TEXT"}, "ok"), ({}, "ok")])
def test_a_typed_table(world, types, status):
    settings = ready(world)
    world.table_sheet(_TAB, types)
    found = check(world, settings)
    assert not_ok(found) == ({} if status == "ok" else {_TYPED: status})
    assert ("'Zip' (DOUBLE)" in found[_TYPED].found) == (status == "failed")
    assert ("to text" in found[_TYPED].what_to_do) == (status == "failed")


@pytest.mark.parametrize(("part", "status"), [(f"{_TAB}!A2:B9", "failed"), (f"{_TAB}!AX2:AZ9", "ok")])
def test_merged_cells(world, part, status):
    settings = ready(world)
    Sheet(settings.sheets).tab.resize(cols=60)
    world.merge_sheet(part)
    found = check(world, settings)
    assert not_ok(found) == ({} if status == "ok" else {_TYPED: status})
    assert ("are merged" in found[_TYPED].found) == (status == "failed")


def test_a_protected_header_with_free_rows_below(world):
    settings = ready(world)
    world.protect_sheet(f"{_TAB}!1:1")
    assert not_ok(check(world, settings)) == {}


@pytest.mark.parametrize(
    ("rows", "columns", "status"), [(400_000, 25, "failed"), (399_000, 25, "warning"), (300_000, 25, "ok")]
)
def test_room_in_the_spreadsheet(world, rows, columns, status):
    settings = ready(world)
    Sheet(settings.sheets).tab.resize(rows=rows, cols=columns)
    found = check(world, settings)
    assert found["Room in the spreadsheet"].status == status
    assert f"{rows * columns:,} of 10,000,000 cells" in found["Room in the spreadsheet"].found


# Credentials.


def test_a_credentials_file_that_is_not_there(world, tmp_path):
    found = check(world, ready(world, sheets={"credentials_file": tmp_path / "none.json"}))
    assert found["Google credentials"].status == "failed"
    assert "LEADFLOW_SHEETS__CREDENTIALS_FILE" in found["Google credentials"].what_to_do
    assert found["Spreadsheet"].found == "not checked, since Google credentials failed"
    assert found["Tab"].found == "not checked, since Spreadsheet was not checked"


def test_the_service_account_s_address_is_shown_and_its_key_is_not(world, tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "account.json"
    members = {
        "type": "service_account",
        "client_email": "loader@leads.iam.gserviceaccount.com",
        "token_uri": f"{world.url}/control/stats",  # no token: Google's own server is never called
        "private_key": key.decode(),
        "private_key_id": "key-id-123",
    }
    path.write_text(json.dumps(members))
    found = check(world, changed(ready(world), {"sheets": {"credentials_file": path}}))
    assert found["Google credentials"].found == "service account loader@leads.iam.gserviceaccount.com"
    assert found["Spreadsheet"].status == "failed"
    text = "".join(row.found + row.what_to_do for row in found.values())
    assert "PRIVATE KEY" not in text
    assert "key-id-123" not in text

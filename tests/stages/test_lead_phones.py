"""Every phone of a frame is read and checked, or holds its lead back."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from outcome import sheet_rows
from phone_writings import (
    CLEAN,
    DNC,
    PHONE_NAMES,
    WHO,
    checked_frame,
    sheet_shows,
)

from leadflow.errors import ColumnsError, InputError
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.settings import Policy
from leadflow.stages import check_litigators, consolidate, deliver
from leadflow.stages.settle import settle


@pytest.fixture
def checks(world):
    return LitigatorList(world.settings.litigator), DncScrub(world.settings.dnc)


@pytest.mark.parametrize(
    ("cell", "phones"),
    [
        ("5045550114.0", ["+15045550114"]),
        ("504-555-0114 / 504-555-0115", ["+15045550114", "+15045550115"]),
        ("504-555-0114 (cell)", ["+15045550114"]),
        ("5045550114;5045550115", ["+15045550114", "+15045550115"]),
        ("h: 504-555-0114 w: 504-555-0115 x9", ["+15045550114", "+15045550115"]),
        ("504-555-0114, 555-0115", ["+15045550114", ""]),
        ("5.045550114E9", ["+15045550114"]),
        ("5.04555E+09", [""]),
        ("555-0114", [""]),
        ("+44 20 7946 0958", [""]),
        ("504-555-01", [""]),
        ("five oh four five five five oh one one four", [""]),
        ("1-800-FLOWERS", ["+18003569377"]),
        ("2026-07-07", [""]),
        ("unknown", []),
        ("", []),
        (None, []),
        (5045550114, ["+15045550114"]),
        (5045550114.0, ["+15045550114"]),
        ("\uff15\uff10\uff14\uff15\uff15\uff15\uff10\uff11\uff11\uff14", ["+15045550114"]),
    ],
)
def test_every_cell_of_a_phone_column_yields_its_phones_or_a_place_that_stays_unchecked(world, checks, cell, phones):
    done = checked_frame(
        pd.DataFrame({**{k: [v] for k, v in WHO.items()}, "Phone": pd.Series([cell], dtype=object)}), checks
    )
    assert done["phones"].tolist() == [phones]
    for verdicts in (done["litigator_verdicts"][0], done["dnc_verdicts"][0]):
        assert len(verdicts) == len(phones)
        assert [v == "unchecked" for v in verdicts] == [not phone for phone in phones]


def test_an_unreadable_phone_before_a_clean_one_keeps_its_place_and_holds_the_lead(world, checks):
    done = checked_frame(pd.DataFrame([{**WHO, "Phone 1": "504-555-01", "Phone 2": CLEAN}]), checks)
    assert done["phones"].tolist() == [["", f"+1{CLEAN}"]]
    assert done["litigator_verdicts"].tolist() == done["dnc_verdicts"].tolist() == [["unchecked", "clean"]]
    settled = settle(done, Policy())
    assert (settled["verdicts"][0], settled["disposition"][0], settled["reason"][0]) == (
        ["unchecked", "clean"],
        "retry",
        "unchecked",
    )
    brave = settle(done, Policy(hold_lead_on_litigator=False))
    assert brave["disposition"].tolist() == ["deliver"]
    assert deliver(brave, Sheet(world.settings.sheets))["delivered"].tolist() == [True]
    (row,) = sheet_rows(world)
    assert (row["Phone 1"], row["Phone 2"], row["Held Phones"]) == (f"+1{CLEAN}", "", "1 unchecked")


def test_a_column_that_holds_phones_is_looked_at_beside_one_that_is_named_so(checks):
    frame = pd.DataFrame({"Phone": ["504-555-0114"], "Reach At": ["504-555-0115"], "Account": ["9995550143"]})
    assert check_litigators(frame, checks[0])["phones"].tolist() == [["+15045550114", "+15045550115"]]


def test_a_cell_that_is_a_list_of_many_phones_yields_them_all(checks):
    numbers = [f"504555{n:04d}" for n in range(100, 130)]
    done = check_litigators(pd.DataFrame({"Mobile": [numbers, []]}), checks[0])
    assert done["phones"].tolist() == [[f"+1{number}" for number in numbers], []]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ({"Phone": ["504-555-0114"]}, "the leads are a dict"),
        (pd.Series(["504-555-0114"]), "the leads are a Series"),
        (None, "the leads are a NoneType"),
        (pl.LazyFrame({"Phone": ["504-555-0114"]}), "collect"),
        (pd.DataFrame({0: ["504-555-0114"]}), "1 columns have a name that is no text"),
        (pd.DataFrame([["504-555-0114"] * 2], columns=["Phone", "Phone"]), "two columns are named Phone"),
    ],
)
def test_what_is_no_frame_is_refused_in_one_line(checks, frame, says):
    with pytest.raises(InputError, match=says) as refused:
        check_litigators(frame, checks[0])
    assert "\n" not in str(refused.value)


def test_every_phone_column_of_a_frame_is_looked_at(checks):
    numbers = [f"504555{n:04d}" for n in range(100, 100 + len(PHONE_NAMES))]
    done = check_litigators(pd.DataFrame([dict(zip(PHONE_NAMES, numbers, strict=True))]), checks[0])
    assert done["phones"].tolist() == [[f"+1{number}" for number in numbers]]
    assert len(done["litigator_verdicts"][0]) == len(PHONE_NAMES)


def test_a_frame_s_phones_are_found_by_what_its_columns_hold_when_no_name_says_so(checks):
    done = check_litigators(pd.DataFrame({"Reach": ["504-555-0114", "call 504-555-0115"], "n": ["1", "2"]}), checks[0])
    assert done["phones"].tolist() == [["+15045550114"], ["+15045550115"]]
    with pytest.raises(ColumnsError, match="phones"):
        check_litigators(pd.DataFrame({"Account": ["9995550143", "2345"], "Name": ["x", "y"]}), checks[0])


def test_what_leadflow_wrote_beside_a_phone_is_no_phone(checks):
    frame = pd.DataFrame(
        [
            {
                "Phone 1": "504-555-0114",
                "Phone 1 Verdict": "clean",
                "Phone 1 Time Zone": "America/Chicago",
                "Held Phones": "1 dnc",
                "Phone Verified Date": "2026-07-07",
            }
        ]
    )
    assert check_litigators(frame, checks[0])["phones"].tolist() == [["+15045550114"]]


@pytest.mark.parametrize(
    ("given", "phones"),
    [
        ([["504-555-0114", "5045550115"]], [["+15045550114", "+15045550115"]]),
        ([np.array(["504-555-0114", None], dtype=object)], [["+15045550114"]]),
        (["504-555-0114; (504) 555-0115"], [["+15045550114", "+15045550115"]]),
        ([["+15045550114", "", "555-0115"]], [["+15045550114", "", ""]]),
        ([[5045550114]], [["+15045550114"]]),
        ([None], [[]]),
        ([{"home": "504-555-0114", "kind": "home"}], [["+15045550114"]]),
        ([("504-555-0114", pd.NA, np.nan)], [["+15045550114"]]),
        ([["504-555-0114", "unknown"]], [["+15045550114", ""]]),
        ([[{"number": "504-555-0114", "kind": "home"}]], [["+15045550114"]]),
    ],
)
def test_a_list_of_phones_may_be_written_in_any_way(checks, given, phones):
    done = checked_frame(pd.DataFrame({"phones": given}), checks)
    assert done["phones"].tolist() == phones
    assert [len(v) for v in done["dnc_verdicts"]] == [len(p) for p in phones]


def test_the_lists_are_never_asked_about_a_place_without_a_phone(world, checks):
    done = checked_frame(pd.DataFrame({"Phone": ["555-0114", "12345"]}), checks)
    assert done["litigator_verdicts"].tolist() == [["unchecked"], ["unchecked"]]
    stats = world.stats()
    assert (stats["litigator"]["calls"], stats["dnc"]["calls"]) == (0, 0)


def test_a_verdict_beside_what_is_no_phone_clears_nothing(world):
    who = pd.DataFrame(
        [
            {
                "person_key": "k",
                **WHO,
                "phones": ["305 555 0116", ""],
                "litigator_verdicts": ["clean"] * 2,
                "dnc_verdicts": ["clean"] * 2,
            }
        ]
    )
    done = deliver(who, Sheet(world.settings.sheets))
    assert (done["verdicts"][0], done["delivered"].tolist()) == (["unchecked", "unchecked"], [False])


def test_the_tables_keep_no_place_without_a_phone(world, checks):
    settled = settle(
        checked_frame(pd.DataFrame([{**WHO, "Phone 1": "555-0114", "Phone 2": CLEAN}]), checks),
        Policy(hold_lead_on_litigator=False),
    )
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        warehouse.ensure_tables()
        consolidate(settled.assign(delivered=True, emails=[[]]), warehouse)
        ((phones,),) = warehouse.execute('SELECT "phones" FROM PERSON_CACHE')
    assert json.loads(phones) == [f"+1{CLEAN}"]


def test_cells_of_any_type_are_read(world, checks):
    kinds = {
        "number": pl.Series([int(DNC)]),
        "float": pl.Series([float(DNC)]),
        "decimal": pl.Series([Decimal(DNC)]),
        "list": pl.Series([["a", f"({DNC[:3]}) {DNC[3:6]}-{DNC[6:]}"]]),
        "struct": pl.Series([{"home": DNC}]),
        "binary": pl.Series([DNC.encode()]),
        "category": pl.Series([DNC], dtype=pl.Categorical),
        "duration": pl.Series([timedelta(seconds=5)]),
        "truth": pl.Series([True]),
    }
    frame = pl.DataFrame({**{k: [v] for k, v in WHO.items()}, "Phone": [CLEAN], **kinds})
    assert deliver(checked_frame(frame, checks), Sheet(world.settings.sheets))["delivered"].to_list() == [True]
    assert not sheet_shows(world, DNC)
    assert sheet_rows(world)[0]["truth"] == "True"

"""What reads like a phone is never delivered unchecked: by what a cell holds, whatever its column is called."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outcome import SCRIPT, sheet_rows, table_keys

import leadflow as lf
from leadflow.errors import ColumnsError, InputError
from leadflow.events import JobLog
from leadflow.leads.phone_columns import is_phone_column, names_phones_only
from leadflow.leads.phone_text import FIRST_LOOK, IS_DATE, MAY_HOLD_PHONE, phones_in, places_in, reads_like_phone
from leadflow.leads.verdicts import Verdict
from leadflow.local import sample
from leadflow.local.people import dnc_code, is_litigator
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.sheets import Sheet
from leadflow.services.warehouse import Warehouse
from leadflow.settings import Policy
from leadflow.stages import check_dnc, check_litigators, consolidate, deliver
from leadflow.stages.phone_cells import phone_cells
from leadflow.stages.settle import settle
from leadflow.stages.withheld import withhold

_DNC, _CLEAN, _LITIGATOR = "3055550116", "2125550105", "4805550114"
_WHO = {"First Name": "Ann", "Last Name": "Lee", "Address": "1 Elm St", "City": "Bath", "State": "ME", "Zip": "04530"}

# Ways to write 305 555 0116, each with the digits in place.
WRITINGS = [
    "{a}{b}{c}",
    "({a}) {b}-{c}",
    "{a}-{b}-{c}",
    "{a}.{b}.{c}",
    "{a} {b} {c}",
    "({a}){b}{c}",
    "({a})  {b} - {c}",
    "{a}/{b}/{c}",
    "{a}/{b}-{c}",
    "{a}_{b}_{c}",
    "{a},{b},{c}",
    "{a}·{b}·{c}",
    "{a}•{b}•{c}",
    "[{a}] {b}-{c}",
    "{a} - {b} - {c}",
    "{a}\n{b}\n{c}",
    "{a}\t{b}\t{c}",
    "{a} {b}{c}",
    "{a}.{b}{c}",
    "{a}{b}-{c}",
    "+1{a}{b}{c}",
    "+1 {a} {b} {c}",
    "1-{a}-{b}-{c}",
    "1{a}{b}{c}",
    "1.{a}.{b}.{c}",
    "+1 ({a}) {b}-{c} x12",
    "{a}-{b}-{c} ext. 5",
    "001 {a} {b} {c}",
    "0{a}{b}{c}",
    "000{a}{b}{c}",
    "{a}{b}{c}.0",
    "{a}{b}{c}.00",
    "'{a}{b}{c}",
    '="{a}{b}{c}"',
    "tel:+1{a}{b}{c}",
    "tel:{a}-{b}-{c}",
    "https://wa.me/1{a}{b}{c}",
    "whatsapp://send?phone=1{a}{b}{c}",
    "{a}\u2013{b}\u2013{c}",
    "{a}\u2014{b}\u2014{c}",
    "{a}\u2011{b}\u2011{c}",
    "{a}\u2212{b}\u2212{c}",
    "{a}\u00a0{b}\u00a0{c}",
    "{a}\u202f{b}\u202f{c}",
    "\u200b{a}\u200b{b}\u200b{c}",
    "\u202a{a}{b}{c}\u202c",
    "{a}\u00ad{b}\u00ad{c}",
    "({a})-{b}-{c}",
    "{a}%20{b}%20{c}",
    "{a}&nbsp;{b}&nbsp;{c}",
    "{a}&#45;{b}&#45;{c}",
    "<b>{a}</b> <i>{b}</i>{c}",
    "{a}\\u002d{b}\\u002d{c}",
    '{{"phone": "{a}-{b}-{c}"}}',
    "['{a}{b}{c}']",
    "ph{a}{b}{c}x",
    "{a}{b}{c}@vtext.com",
    "call {a} {b} {c} after 5",
    "owner's cell is {a}-{b}-{c}, wife 2026-07-07",
    "2026-07-07 12:30 {a}-{b}-{c}",
    "{a}-{b}-{c} / 212-555-0105",
    "12 beds; {a}{b}{c}; 3",
]
_SHAPED = {
    "grouped as thousands": lambda d: f"{d[0]},{d[1:4]},{d[4:7]},{d[7:]}",
    "one by one": " ".join,
    "one by one with dashes": "-".join,
    "in pairs": lambda d: " ".join(d[n : n + 2] for n in range(0, 10, 2)),
    "last four in pairs": lambda d: f"{d[:3]} {d[3:6]} {d[6:8]} {d[8:]}",
    "scientific": lambda d: f"{d[0]}.{d[1:]}E9",
    "scientific with a sign": lambda d: f"{d[0]}.{d[1:]}e+09",
    "full width": lambda d: "".join(chr(0xFF10 + int(n)) for n in d),
    "Arabic digits": lambda d: "".join(chr(0x660 + int(n)) for n in d),
    "mathematical digits": lambda d: "".join(chr(0x1D7CE + int(n)) for n in d),
    "key caps": lambda d: "".join(f"{n}\ufe0f\u20e3" for n in d),
    "twice without a blank": lambda d: d + "2125550105",
    "the letter O": lambda d: f"{d[:3]}-{d[3:6]}-{d[6:]}".replace("0", "O"),
    "in words": lambda d: " ".join(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][int(n)] for n in d
    ),
    "in words with oh": lambda d: "-".join(
        ["oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][int(n)] for n in d
    ),
}
OTHERS = [
    "area 504 number 5550143",
    "five0four5five5zero1four3",
    "fiveohfourfivefivefiveohonefourthree",
    "call five oh four 555 0143",
    "1800FLOWERS",
    "888-CALL-NOW",
    "5045 550 143",
    "50 4555 0143",
    "50.45550143E8",
    "5.045550143E+009",
    "5_045_550_143",
    "5.045.550.143",
    "555-0143",
    "call 5550143",
    "ph: 555 0143",
    "+44 20 7946 0958",
    "011 44 20 7946 0958",
    "whatsapp 07400 123456",
    "1-800-FLOWERS",
    "800-FLOWERS",
    "(504) 555-HOME",
    "1 800 GOT JUNK",
    "504          555          0143",
    "504 dash 555 dash 0143",
    "504 dot 555 dot 0143",
    "call\\n504\\n555\\n0143",
]
HARMLESS = [
    "44783.013715482935",
    "21.125.28.189",
    "62 / 74 / 6 / 29 / 60 / 6",
    "script-20260526-214932-9006a0",
    "script-20260719-185556-8d53fb",
    "1833 County Road 12",
    "1800 Flowers St",
    "855 Harvest Ln",
    "833-4 Eastern Ave",
    "",
    " ",
    "2026-07-07",
    "07/06/2026",
    "7/16/2026 14:30:22",
    "2026-07-07 12:30:11.234567 -0500",
    "2026-07-07T12:30:11.234567-0500",
    "26-07-07 12:30",
    "25/12/2026 14:30",
    "2024-06-01 to 2024-07-01",
    "0001012",
    "1e5",
    "FHA; Expired",
    "70105-1234",
    "701051234",
    "$1,250,000",
    "350250.0000",
    "250.3333333333",
    "29.951065 -90.071532",
    "-122.4194155",
    "123-45-6789",
    "APN 123-456-7890",
    "123 Main St 70105",
    "1783425600000",
    "1783425600",
    "1cb56ac2c06f816fa8d889c02fb44661",
    "550e8400-e29b-41d4-a716-919345678901",
    "4111 1111 1111 1111",
    "N65W24000 MAIN ST",
    "PSC 3 BOX 1234",
    "32-15 104-20 35th Ave",
    "4521 S 350 W",
    "3 beds, 2 baths, 1,850 sqft, 2019",
    "called 2026-07-07",
    "Called 07/06/2026 at 10:30",
    "built 1998, 350 sqm, 250",
    "Lead 123456789",
    "192.168.100.200",
    "800-square-foot house",
    "POINT(-90.0715 29.9511)",
    "one two three",
    "America/New_York, America/Chicago",
    "sold 350250 2019",
    "1998-2019",
    "99.5%",
    "ISBN 978-3-16-148410-0",
    "1Z999AA10123456784",
    "2.5E9",
]
PHONE_NAMES = """
Phone|PHONE_1|Phone Number|PHONENUMBER|phoneNumber2|Mobile|MOBILE_NO|Mobile Number|MOBILENUMBER|Cell|CELL_PHONE|
CELLNO|Cellphone|Cellular|Landline|LAND_LINE|CONTACT_NUMBER|ContactNo|Contact #|Home Phone|HOMEPHONE|Home #|
WORK_PHONE|Work Number|Office Phone|Business Phone|Telephone|TELEPHONE_NUMBER|Tel|TEL_NO|TELNUM|Tel.|WhatsApp|
Whats App No|Fax|FAX_NUMBER|SMS|SMS_NUMBER|Ph|PH_NO|Phn|Mob|Day Phone|DAYTIME_NUMBER|Evening Phone|Alt Phone|
Primary Phone|Best Number|Best Number To Call|Callback Number|Call Back|Emergency Contact Number|MSISDN|VoIP|
Owner Phone 3|Spouse Mobile|TELEFONO|Celular|Movil|Direct Dial|Pager|Toll Free|phone_e164|Phones|Wireless Phone|
Caller ID|HOMEMOBILE|HPHONE|H_PHONE|HM_PHONE|WK_PHONE|WPHONE|CPHONE|EVE_PHONE|LL_PHONE|Teléfono|Intl Phone|
ST_PHONE_1|Wireless|WIRELESS_NUMBER|Direct Line|HotLine|MDN|E164|CB_NUMBER|Alt #|ALT_NUMBER|Spouse#|DIALED_NUMBER""".replace(
    "\n", ""
).split("|")


def _written(digits):
    a, b, c = digits[:3], digits[3:6], digits[6:]
    return [w.format(a=a, b=b, c=c) for w in WRITINGS] + [shape(digits) for shape in _SHAPED.values()]


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


@pytest.fixture
def checks(world):
    return LitigatorList(world.settings.litigator), DncScrub(world.settings.dnc)


def _checked(frame, checks):
    litigators, dnc = checks
    return check_dnc(check_litigators(frame, litigators), dnc)


def _shows(world, digits):
    """The cells of the sheet, the header's too and the key's, that have these digits in their order."""
    cells = [cell for row in world.sheet_values() for cell in row]
    return [cell for cell in cells if digits in re.sub(r"\D", "", cell)]


@pytest.mark.parametrize("text", _written(_DNC) + OTHERS)
def test_a_person_could_dial_it(text):
    assert reads_like_phone(text)
    assert pl.Series([text]).str.contains(FIRST_LOOK).all()
    assert pl.Series([text]).str.contains(MAY_HOLD_PHONE).all()
    assert not pl.Series([text]).str.contains(IS_DATE).any()


@pytest.mark.parametrize("text", HARMLESS)
def test_nobody_could_dial_it(text):
    assert not reads_like_phone(text)
    assert not phones_in(text)


@pytest.mark.parametrize("name", PHONE_NAMES)
def test_a_name_hints_at_phones(name):
    assert is_phone_column(name)
    assert names_phones_only(name)


@pytest.mark.parametrize(
    "name",
    [
        "Lead Number",
        "Cancelled",
        "Hotel",
        "Excellent",
        "Mobile Home",
        "APN",
        "Cellar",
        "Account Number",
        "Automobile",
        "Graph",
        "Area",
        "House Number",
        "Telemetry",
        "Loan Number",
        "Primary Number",
        "Secondary Number",
        "Day Number",
        "Direct Mail",
    ],
)
def test_a_name_hints_at_nothing(name):
    assert not is_phone_column(name)


def test_the_sample_s_own_columns_are_all_delivered_and_nobody_is_warned(world, engine):
    job = engine.run(SCRIPT, limit_rows=300, progress=False)
    own = ["Lead Number", "Campaign Date", "Lead Campaign", "Lead Source", "Ref ID"]
    leads = pd.read_csv(sample("leads.csv"), dtype=str, keep_default_na=False)
    known = {tuple(row) for row in leads[own].itertuples(index=False)}
    rows = sheet_rows(world)
    assert len(rows) > 200
    assert {tuple(row.get(name, "") for name in own) for row in rows} <= known
    assert not engine.trace(job.id)["message"].str.contains("kept from the sheet").any()


def test_a_script_s_phones_under_all_the_usual_names_and_in_notes_are_withheld_and_each_column_is_told_once(
    world, engine
):
    picked = ", ".join(f"'{_DNC}' AS \"{name}\"" for name in PHONE_NAMES)
    job = engine.run(
        f"SELECT r.*, {picked}, 'call (305) 555-0116 first' AS NOTES, '{_DNC}' AS REMARK, 'mobile' AS \"Phone Type\" "
        "FROM RAW_LEADS r",
        limit_rows=40,
        progress=False,
    )
    assert sheet_rows(world)
    assert not _shows(world, _DNC)
    assert {row["Script Phone Type"] for row in sheet_rows(world)} == {"mobile"}
    assert not {"NOTES", "REMARK", "Landline", "CONTACT_NUMBER"} & set(world.sheet_values()[0])
    told = engine.trace(job.id)["message"]
    for name in ("NOTES", "REMARK", "Landline", "CONTACT_NUMBER"):
        assert told.str.startswith(f"40 cells of column {name} are kept from the sheet").sum() == 1
    assert not told.str.contains("0116").any()


def test_a_resumed_job_says_once_more_what_it_withholds(world, engine):
    script = f"SELECT r.*, 'call {_DNC}' AS NOTES, '{_DNC}' AS MOBILE FROM RAW_LEADS r"
    stopped = engine.run(script, limit_rows=30, max_lookups=10, progress=False)
    assert engine.resume(stopped.id, max_lookups=40, progress=False).ok
    told = engine.trace(stopped.id)["message"]
    for name in ("NOTES", "MOBILE"):
        assert told.str.contains(f"cells of column {name} are kept from the sheet").sum() == 2
    assert not _shows(world, _DNC)


def test_only_the_cells_that_hold_one_are_withheld_and_the_rest_of_the_column_goes_along(world, engine):
    notes = f"CASE WHEN ENDSWITH(r.\"Lead Number\", '1') THEN 'ring {_DNC}' ELSE 'has a dog' END AS NOTES"
    engine.run(f"SELECT r.*, {notes} FROM RAW_LEADS r", limit_rows=60, progress=False)
    found = {row["Lead Number"][-1] == "1": row.get("NOTES", "") for row in sheet_rows(world)}
    assert found == {True: "", False: "has a dog"}
    assert not _shows(world, _DNC)


def test_a_number_that_is_no_phone_passes_once_the_policy_names_its_column(world):
    script = f"SELECT r.*, '{_DNC}' AS ACCOUNT, '{_DNC}' AS \"Phone Plan\", '{_DNC}' AS OTHER FROM RAW_LEADS r"
    policy = world.settings.policy.model_copy(update={"not_phones": ("account", "PHONE PLAN")})
    with lf.Engine(world.settings.model_copy(update={"policy": policy})) as engine:
        engine.run(script, limit_rows=20, progress=False)
    assert {(row["ACCOUNT"], row["Script Phone Plan"], row.get("OTHER", "")) for row in sheet_rows(world)} == {
        (_DNC, _DNC, "")
    }


def test_a_column_that_nobody_named_is_not_delivered_when_its_text_is_a_phone(world, engine):
    job = engine.run(f'SELECT r.*, 7 AS "{_DNC}", 7 AS "305-555-0116" FROM RAW_LEADS r', limit_rows=10, progress=False)
    assert sheet_rows(world)
    assert not _shows(world, _DNC)
    told = engine.trace(job.id)["message"]
    assert told.str.contains("of a column whose name reads like a phone").any()
    assert not told.str.contains("0116").any()


def test_a_phone_in_two_or_three_columns_is_withheld(world, engine):
    parts = "'305' AS \"Area Code\", '5550116' AS LINE, '305' AS P1, '555' AS P2, '0116' AS P3"
    parts += ", '305' AS REGION, '5550116' AS REST, 'x' AS KEPT"
    engine.run(f"SELECT r.*, {parts} FROM RAW_LEADS r", limit_rows=20, progress=False)
    rows = sheet_rows(world)
    assert rows
    for row in rows:
        assert not any(row.get(name, "") for name in ("Area Code", "LINE", "P1", "P2", "P3", "REGION", "REST"))
        assert row["KEPT"] == "x"


def test_a_phone_in_a_name_an_address_an_e_mail_or_a_key_reaches_nobody(world, checks):
    people = [
        {**_WHO, "Address": f"12 Elm St call {_DNC}"},
        {**_WHO, "First Name": "Ann 305-555-0116"},
        {**_WHO, "City": "Bath (305) 555.0116"},
        {**_WHO, "Last Name": "Roe", "emails": [f"{_DNC}@vtext.com", "ann@example.com"]},
        {**_WHO, "Last Name": "Doe", "person_key": _DNC},
    ]
    keyed = [{"person_key": f"k{n}", "emails": [], **who, "Phone": _CLEAN} for n, who in enumerate(people)]
    heard = []
    done = deliver(
        _checked(pd.DataFrame(keyed), checks), Sheet(world.settings.sheets), job_id=f"job-{_DNC}", emit=heard.append
    )
    assert done["delivered"].tolist() == [True, True, True, True, False]
    assert done["reason"].tolist()[-1] == "bad_cell"
    assert not _shows(world, _DNC)
    assert {row["Phone 1"] for row in sheet_rows(world)} == {f"+1{_CLEAN}"}
    assert "ann@example.com" in {row["Email 2"] for row in sheet_rows(world)}
    told = [event.message for event in heard if isinstance(event, JobLog) and event.level == "warning"]
    assert {
        name
        for name in ("Address", "First Name", "City", "Email 1", "Job Id")
        if any(f"column {name} " in line for line in told)
    } == {"Address", "First Name", "City", "Email 1", "Job Id"}
    assert not [line for line in told if _DNC in re.sub(r"\D", "", line)]


def test_no_writing_of_a_phone_under_any_name_comes_through_to_the_sheet(world, checks):
    names = ["NOTES", "Lead Source", "Ref ID", "x", "Phone Type", "emails_old", "Zip 2", "JSON", "Reach", "Job Id"]
    planted = [*_written(_DNC), *_written(_LITIGATOR)]
    rows = [
        {"person_key": f"k{n}", **_WHO, "Phone": _CLEAN, **dict.fromkeys(names, "fine"), names[n % len(names)]: text}
        for n, text in enumerate(planted)
    ]
    done = deliver(_checked(pd.DataFrame(rows), checks), Sheet(world.settings.sheets))
    assert done["delivered"].all()
    assert not set(planted) & {cell for row in world.sheet_values() for cell in row}
    assert not _shows(world, _DNC)
    assert not _shows(world, _LITIGATOR)


_NUMBER = st.from_regex(r"[2-9]\d\d[2-9]\d{6}", fullmatch=True).filter(str.isascii)
_AROUND = st.text("abcdefghij ,.;:()!?é日\n", max_size=12)


@given(_NUMBER, st.integers(0, len(WRITINGS) + len(_SHAPED) - 1), _AROUND, _AROUND, st.text(max_size=15), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
def test_a_planted_phone_is_withheld_whatever_stands_around_it(number, way, before, after, name, is_own):
    writing = _written(number)[way]
    if way == len(WRITINGS) + list(_SHAPED).index("twice without a blank") or writing[0] == "=":
        before = after = ""
    cell = f"{before} {writing} {after}"
    rows = pl.DataFrame({"key": ["a", "b"], "cell": [cell, "nothing here"]})
    left, counts = withhold(rows, Policy(), {"cell": name or "x"} if is_own else {}, ["key"])
    assert (
        left["cell"].to_list() == ["", "nothing here"]
        if not is_own or not is_phone_column(name)
        else number not in left["cell"].to_list()[0]
    )
    assert sum(counts.values()) >= 1


@given(
    st.lists(
        st.one_of(
            st.text(max_size=40),
            st.dates().map(str),
            st.datetimes().map(str),
            st.integers(0, 999_999).map(str),
            st.floats(0, 10_000, width=32).map(str),
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(deadline=None, max_examples=200)
def test_what_the_quick_look_lets_through_holds_no_phone(cells):
    """Polars looks first, and what it does not stop at is never read: so it must stop at all that reads like one."""
    column = pl.Series(cells)
    looked = column.str.contains(FIRST_LOOK) & column.str.contains(MAY_HOLD_PHONE) & ~column.str.contains(IS_DATE)
    assert not [cell for cell, seen in zip(cells, looked, strict=True) if not seen and reads_like_phone(cell)]


@given(
    st.lists(st.from_regex(r"[A-Za-z ,.']{0,20}[0-9]{0,6}[A-Za-z ,.']{1,20}", fullmatch=True), min_size=1, max_size=10)
)
@settings(deadline=None, max_examples=200)
def test_a_text_without_a_phone_comes_through_as_it_was(cells):
    rows = pl.DataFrame({"cell": cells})
    left, counts = withhold(rows, Policy(), {"cell": "NOTES"}, [])
    assert (left["cell"].to_list(), counts) == (cells, {})


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
    done = _checked(
        pd.DataFrame({**{k: [v] for k, v in _WHO.items()}, "Phone": pd.Series([cell], dtype=object)}), checks
    )
    assert done["phones"].tolist() == [phones]
    for verdicts in (done["litigator_verdicts"][0], done["dnc_verdicts"][0]):
        assert len(verdicts) == len(phones)
        assert [v == "unchecked" for v in verdicts] == [not phone for phone in phones]


def test_an_unreadable_phone_before_a_clean_one_keeps_its_place_and_holds_the_lead(world, checks):
    done = _checked(pd.DataFrame([{**_WHO, "Phone 1": "504-555-01", "Phone 2": _CLEAN}]), checks)
    assert done["phones"].tolist() == [["", f"+1{_CLEAN}"]]
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
    assert (row["Phone 1"], row["Phone 2"], row["Held Phones"]) == (f"+1{_CLEAN}", "", "1 unchecked")


@pytest.mark.parametrize(
    "name", ["Phone Score", "Phone Last Seen", "Phone Count", "Phone Type", "Phone Line Type", "Phone Id"]
)
def test_what_is_said_of_a_phone_is_no_phone(name):
    assert is_phone_column(name)
    assert not names_phones_only(name)


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
    done = _checked(pd.DataFrame({"phones": given}), checks)
    assert done["phones"].tolist() == phones
    assert [len(v) for v in done["dnc_verdicts"]] == [len(p) for p in phones]


def test_the_lists_are_never_asked_about_a_place_without_a_phone(world, checks):
    done = _checked(pd.DataFrame({"Phone": ["555-0114", "12345"]}), checks)
    assert done["litigator_verdicts"].tolist() == [["unchecked"], ["unchecked"]]
    stats = world.stats()
    assert (stats["litigator"]["calls"], stats["dnc"]["calls"]) == (0, 0)


def test_a_verdict_beside_what_is_no_phone_clears_nothing(world):
    who = pd.DataFrame(
        [
            {
                "person_key": "k",
                **_WHO,
                "phones": ["305 555 0116", ""],
                "litigator_verdicts": ["clean"] * 2,
                "dnc_verdicts": ["clean"] * 2,
            }
        ]
    )
    done = deliver(who, Sheet(world.settings.sheets))
    assert (done["verdicts"][0], done["delivered"].tolist()) == (["unchecked", "unchecked"], [False])


def _checking(world, **more):
    return world.settings.model_copy(
        update={"policy": world.settings.policy.model_copy(update={"script_phones": "check", **more})}
    )


def _own_phones(world):
    return [row[f"Phone {n}"] for row in sheet_rows(world) for n in range(1, 8) if row.get(f"Phone {n}")]


def test_with_check_a_script_s_phones_are_checked_and_delivered_behind_the_bought_ones(world):
    own = next(
        f"70255501{n:02d}"
        for n in range(100)
        if dnc_code(f"70255501{n:02d}") == "C" and not is_litigator(f"70255501{n:02d}")
    )
    listed = next(
        f"70255501{n:02d}"
        for n in range(100)
        if dnc_code(f"70255501{n:02d}") == "D" and not is_litigator(f"70255501{n:02d}")
    )
    script = f"SELECT r.*, 'ask at 702-555-{own[-4:]}, not at {listed}' AS NOTES, '{own}' AS MOBILE FROM RAW_LEADS r"
    with lf.Engine(_checking(world, phones_delivered=8)) as engine:
        job = engine.run(script, limit_rows=40, progress=False)
        assert job.ok
        assert engine.report(job.id).ok
        told = engine.trace(job.id)["message"]
    rows = sheet_rows(world)
    assert rows
    for row in rows:
        phones = [row[f"Phone {n}"] for n in range(1, 9) if row[f"Phone {n}"]]
        assert phones[-1] == f"+1{own}"
        assert row[f"Phone {len(phones)} Verdict"] == "clean"
        assert "dnc" in row["Held Phones"]
        assert row.get("NOTES", "") == row.get("MOBILE", "") == ""
    assert not _shows(world, listed)
    # A lead of which idiCORE knows nothing, or no phone, has the script's.
    assert {"no_match", "no_phone"} & set(job.counts.held) == set()
    assert told.str.contains("of column NOTES are kept .* are checked, and delivered").any()
    assert not told.str.contains("script_phones=check").any()


def test_with_check_a_litigator_s_phone_of_the_script_holds_the_lead(world):
    with lf.Engine(_checking(world)) as engine:
        job = engine.run(f"SELECT r.*, '{_LITIGATOR}' AS MOBILE FROM RAW_LEADS r", limit_rows=20, progress=False)
    assert job.counts.delivered == 0
    assert job.counts.held.get("litigator", 0) >= 18
    assert not _shows(world, _LITIGATOR)


def test_with_check_a_column_that_holds_no_phones_is_not_read_for_any(world):
    with lf.Engine(_checking(world, not_phones=("ACCOUNT",))) as engine:
        engine.run(f"SELECT r.*, '{_LITIGATOR}' AS ACCOUNT FROM RAW_LEADS r", limit_rows=20, progress=False)
    assert {row["ACCOUNT"] for row in sheet_rows(world)} == {_LITIGATOR}
    assert f"+1{_LITIGATOR}" not in _own_phones(world)


def test_forget_takes_the_checks_of_a_script_s_phones_too(world):
    with lf.Engine(_checking(world)) as engine:
        job = engine.run(f"SELECT r.*, '{_CLEAN}' AS MOBILE FROM RAW_LEADS r", limit_rows=5, progress=False)
        assert engine.checkpoints.scrubs([f"+1{_CLEAN}"], "dnc")
        engine.forget(engine.checkpoints.keys(job.id)[0])
        assert not engine.checkpoints.scrubs([f"+1{_CLEAN}"], "dnc")


def test_the_tables_keep_the_script_s_columns_whole(world, engine):
    engine.run(f"SELECT r.*, 'call {_DNC}' AS NOTES FROM RAW_LEADS r", limit_rows=10, progress=False)
    assert {json.loads(extra)["NOTES"] for extra in table_keys(world, "UNIQUE_CONSOLIDATED_DATA", "Extra")} == {
        f"call {_DNC}"
    }


def test_the_tables_keep_no_place_without_a_phone(world, checks):
    settled = settle(
        _checked(pd.DataFrame([{**_WHO, "Phone 1": "555-0114", "Phone 2": _CLEAN}]), checks),
        Policy(hold_lead_on_litigator=False),
    )
    with Warehouse(world.settings.warehouse) as warehouse:
        warehouse.connect()
        warehouse.ensure_tables()
        consolidate(settled.assign(delivered=True, emails=[[]]), warehouse)
        ((phones,),) = warehouse.execute('SELECT "phones" FROM PERSON_CACHE')
    assert json.loads(phones) == [f"+1{_CLEAN}"]


def test_a_look_at_a_batch_costs_little():
    """200 rows of 40 columns: some 2 to 5 ms on two busy cores, and never a matter of reading each cell."""
    kinds = [
        "{n:07d}",
        "2026-07-{d:02d}",
        "FHA; Expired",
        "List Broker",
        "{n}",
        "8364 Calle Sol Apt 4",
        "{n}.25",
        "wants 3 beds and a pool; call later",
        "2026-07-{d:02d} 12:30:11.{n:03d}",
        "x",
    ]
    frame = pl.DataFrame({f"c{c}": [kinds[c % 10].format(n=n, d=n % 28 + 1) for n in range(200)] for c in range(40)})
    own = {name: name for name in frame.columns}
    times = []
    for _ in range(20):
        began = time.perf_counter()
        assert phone_cells(frame, Policy(), own) == {}
        times.append(time.perf_counter() - began)
    assert min(times) < 0.02


def test_places_never_hide_a_second_number():
    assert places_in("504-555-0114 or 5550115") == ["+15045550114", ""]
    assert places_in("504-555-0114 x5550115") == ["+15045550114", ""]
    assert Verdict.UNCHECKED not in places_in("none")


def test_cells_of_any_type_are_read(world, checks):
    kinds = {
        "number": pl.Series([int(_DNC)]),
        "float": pl.Series([float(_DNC)]),
        "decimal": pl.Series([Decimal(_DNC)]),
        "list": pl.Series([["a", f"({_DNC[:3]}) {_DNC[3:6]}-{_DNC[6:]}"]]),
        "struct": pl.Series([{"home": _DNC}]),
        "binary": pl.Series([_DNC.encode()]),
        "category": pl.Series([_DNC], dtype=pl.Categorical),
        "duration": pl.Series([timedelta(seconds=5)]),
        "truth": pl.Series([True]),
    }
    frame = pl.DataFrame({**{k: [v] for k, v in _WHO.items()}, "Phone": [_CLEAN], **kinds})
    assert deliver(_checked(frame, checks), Sheet(world.settings.sheets))["delivered"].to_list() == [True]
    assert not _shows(world, _DNC)
    assert sheet_rows(world)[0]["truth"] == "True"

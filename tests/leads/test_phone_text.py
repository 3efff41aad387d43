"""What a text or a column's name holds of phones."""

from __future__ import annotations

import time

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phone_writings import (
    DNC,
    PHONE_NAMES,
    SHAPED,
    WRITINGS,
    all_writings,
)

from leadflow.leads.phone_columns import is_phone_column, names_phones_only
from leadflow.leads.phone_text import FIRST_LOOK, IS_DATE, MAY_HOLD_PHONE, phones_in, places_in, reads_like_phone
from leadflow.leads.verdicts import Verdict
from leadflow.settings import Policy
from leadflow.stages.phone_cells import phone_cells
from leadflow.stages.withheld import withhold

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


@pytest.mark.parametrize("text", all_writings(DNC) + OTHERS)
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


_NUMBER = st.from_regex(r"[2-9]\d\d[2-9]\d{6}", fullmatch=True).filter(str.isascii)


_AROUND = st.text("abcdefghij ,.;:()!?é日\n", max_size=12)


@given(_NUMBER, st.integers(0, len(WRITINGS) + len(SHAPED) - 1), _AROUND, _AROUND, st.text(max_size=15), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
def test_a_planted_phone_is_withheld_whatever_stands_around_it(number, way, before, after, name, is_own):
    writing = all_writings(number)[way]
    if way == len(WRITINGS) + list(SHAPED).index("twice without a blank") or writing[0] == "=":
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
    "name", ["Phone Score", "Phone Last Seen", "Phone Count", "Phone Type", "Phone Line Type", "Phone Id"]
)
def test_what_is_said_of_a_phone_is_no_phone(name):
    assert is_phone_column(name)
    assert not names_phones_only(name)


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

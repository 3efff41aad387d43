"""What engine.suppress accepts: phones in any writing, keys, frames. What it cannot read is named by its position."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.compliance.requests import read_requests, read_terms
from leadflow.errors import ColumnsError, InputError
from leadflow.leads.columns import person_key
from leadflow.leads.suppressions import Suppression, merged, suppression_id, with_id
from leadflow.settings.compliance import ComplianceSettings

DIGITS = "5045550143"
KEY = "4179c819395d78f401c8a2dfe5982f8"


def _phones(given):
    return [request.phone for request in read_requests(given, None)]


@pytest.mark.parametrize(
    "text",
    [
        *("(504) 555-0143", "504.555.0143", "+1 504 555 0143", "15045550143", "504-555-0143 x12", " 5045550143 "),
        *("tel: 504 555 0143", "\u00a0504\u2010555\u20100143", "5045550143.0", "(504)555-0143 (cell)"),
        5045550143,
        5045550143.0,
    ],
)
def test_a_phone_in_any_writing(text):
    assert _phones(text) == _phones([text]) == [f"+1{DIGITS}"]


def test_several_in_one_text_and_the_same_twice():
    assert _phones(["504-555-0143 / 504-555-0144", "5045550144"]) == ["+15045550143", "+15045550144"]


@pytest.mark.parametrize(
    "entry", ["", " ", "n/a", None, float("nan"), "555-0143", KEY, "+44 20 7946 0958", "504-555-0143 / 555-0144", "x"]
)
def test_what_is_no_us_phone_is_named_by_position_and_not_shown(entry):
    with pytest.raises(InputError, match="entry 2 is no US phone; nothing was changed") as caught:
        read_requests(["504-555-0143", entry], None)
    assert not any(digits in str(caught.value) for digits in ("0143", "555", "7946", KEY))


@pytest.mark.parametrize("nothing", [[], (), pd.DataFrame({"Phone 1": []}), pl.DataFrame({"person_key": []}), None])
def test_nothing_at_all_is_an_error(nothing):
    with pytest.raises(InputError, match="nothing to suppress"):
        read_requests(nothing, None)


def test_an_object_that_is_no_list_is_named_by_its_type():
    with pytest.raises(InputError, match="a object was given"):
        read_requests(object(), None)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_frame_gives_the_phones_and_the_key_of_each_row(frame):
    rows = frame(
        {
            "Lead Key": [KEY, "", "k3"],
            "Phone 1": ["(504) 555-0143", "504-555-0144", ""],
            "Phone 1 Verdict": ["clean", "clean", ""],
            "Cell": ["", None, "n/a"],
        }
    )
    found = [(r.position, r.phone, r.lead_key) for r in read_requests(rows, None)]
    assert found == [(1, "", KEY), (1, "+15045550143", ""), (2, "+15045550144", ""), (3, "", "k3")]


def test_a_frame_with_lists_of_phones():
    rows = pl.DataFrame({"person_key": ["k"], "phones": [["+15045550143", "+15045550144"]]})
    assert [(r.phone, r.lead_key) for r in read_requests(rows, None)] == [
        ("", "k"),
        ("+15045550143", ""),
        ("+15045550144", ""),
    ]


def test_a_frame_without_phones_or_keys_is_an_error_with_its_columns():
    with pytest.raises(ColumnsError, match="Colour"):
        read_requests(pd.DataFrame({"Colour": ["red"]}), None)


def test_an_unreadable_cell_of_a_frame_is_named_by_row_and_column():
    rows = pd.DataFrame({"Phone 1": ["504-555-0143", "555-0144"]})
    with pytest.raises(InputError, match="row 2, column 'Phone 1'") as caught:
        read_requests(rows, None)
    assert "0144" not in str(caught.value)


def test_keys_of_a_script_may_be_anything_but_a_phone_and_nothing():
    assert [r.lead_key for r in read_requests(None, ["A-17", KEY, "A-17"])] == ["A-17", KEY]
    with pytest.raises(InputError, match="lead key 2 is empty"):
        read_requests(None, ["A-17", " "])
    with pytest.raises(InputError, match="reads like a phone") as caught:
        read_requests(None, "504-555-0143")
    assert "0143" not in str(caught.value)


@pytest.mark.parametrize("name", ["reason", "by"])
@pytest.mark.parametrize("text", ["", "  ", None, 7, "x" * 201, "call 504-555-0143"])
def test_reason_and_author_are_short_texts_without_phones(name, text):
    words = {"reason": "asked", "by": "ann", name: text}
    with pytest.raises(InputError, match=name) as caught:
        read_terms(ComplianceSettings(), words["reason"], words["by"], "all", None, "test")
    assert "504-555" not in str(caught.value)


@pytest.mark.parametrize("scope", ["", "a" * 101, "x'; DROP TABLE", "\n"])
def test_a_scope_is_a_plain_word(scope):
    with pytest.raises(InputError, match="scope"):
        read_terms(ComplianceSettings(), "asked", "ann", scope, None, "test")
    assert read_terms(ComplianceSettings(), "asked", "ann", " Solar 2 ", None, "test").scope == "solar 2"


def test_an_expiry_before_ten_years_is_refused():
    year = datetime.now(timezone.utc).year
    for early in ("2027-01-01", date(year + 9, 12, 31), "soon", datetime(year + 1, 1, 1)):
        with pytest.raises(InputError, match="expires"):
            read_terms(ComplianceSettings(), "asked", "ann", "all", early, "test")
    with pytest.raises(InputError, match="20 years"):
        read_terms(ComplianceSettings(keep_opt_outs_years=20), "asked", "ann", "all", date(year + 11, 1, 1), "test")
    for late in (f"{year + 11}-01-01", date(year + 11, 1, 1), datetime(year + 11, 1, 1)):
        assert read_terms(ComplianceSettings(), "a", "b", "all", late, "test").expires == date(year + 11, 1, 1)


_AT = datetime(2026, 11, 1, tzinfo=timezone.utc)
_DAYS = st.none() | st.dates(date(2037, 1, 1), date(2060, 1, 1))


def _entry(expires, reason="asked"):
    return with_id(Suppression("", "+15045550143", "", reason, "call", "ann", _AT, "all", expires))


@given(st.lists(_DAYS, min_size=1, max_size=6))
def test_requests_in_any_order_and_number_leave_one_entry_with_the_longest_expiry(expiries):
    requests = [_entry(day) for day in expiries] * 2
    known = {}
    for request in requests:
        entry = merged(request, known.values(), date(2026, 11, 28))
        known[entry.id] = entry
    [left] = known.values()
    assert left.expires_on == (None if None in expiries else max(expiries))
    assert left.id == suppression_id("+15045550143", "", "all")


def test_a_request_that_has_expired_starts_anew_and_the_old_entry_stays():
    old = _entry(date(2025, 1, 1), "long ago")
    new = merged(_entry(None), [old], date(2026, 11, 28))
    assert (new.id, new.reason) != (old.id, old.reason)
    assert merged(_entry(None, "again"), [old, new], date(2026, 11, 28)) == new
    assert merged(_entry(None), [old], date(2026, 11, 28)).id == new.id
    assert merged(_entry(None), [old], date(2025, 1, 1)).id == old.id


def test_the_mark_of_a_forgotten_person_is_no_request():
    mark = with_id(Suppression("", "", "k", "forgotten", "engine.forget", "ann", _AT))
    asked = with_id(Suppression("", "", "k", "asked", "call", "ann", _AT))
    assert mark.id != asked.id
    assert merged(asked, [mark], date(2026, 11, 28)) == asked


def test_a_computed_key_among_phones_is_a_person():
    key = person_key("Ann", "Lee", "1 Elm St", "Bath", "NH", "03740")
    found = read_requests([key, "(504) 555-0143"], None)
    assert [(request.lead_key, request.phone) for request in found] == [(key, ""), ("", "+15045550143")]

"""lf.may_call: which rows may be called at a moment, why not, and when again."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leadflow as lf
from leadflow.errors import ColumnsError, InputError
from leadflow.leads.area_codes import STATE_OF
from leadflow.leads.calling_hours import STATE_ZONES, lead_windows, read_hours

_UTC = timezone.utc
_NOON = datetime(2026, 11, 25, 18, 0, tzinfo=_UTC)  # a Wednesday, noon in Chicago
_SUNDAY = datetime(2026, 11, 29, 18, 0, tzinfo=_UTC)


def _one(cells, at=_NOON, **options):
    done = lf.may_call(pl.DataFrame([cells]), at, **options).row(0, named=True)
    return done["may_call"], done["why"], done["next_time"]


def test_a_row_inside_its_hours_and_one_outside():
    assert _one({"State": "NY", "Phone 1": "212-555-0143"}) == (True, "inside the calling hours", _NOON)
    allowed, why, again = _one({"State": "LA", "Phone 1": "504-555-0143"}, _SUNDAY)
    assert (allowed, why) == (False, "LA: no calls on Sunday (Central)")
    assert again == datetime(2026, 11, 30, 14, 0, tzinfo=_UTC)


def test_the_number_s_zone_counts_beside_the_lead_s():
    at = datetime(2026, 11, 25, 15, 0, tzinfo=_UTC)  # 10 am in New York, 7 am in Los Angeles
    assert _one({"State": "NY", "Phone 1": "2125550143"}, at)[0]
    allowed, why, again = _one({"State": "NY", "Phone 1": "2135550143"}, at)
    assert not allowed
    assert why == "the number's area, CA: 8am-9pm, and it is 7am there (Pacific)"
    assert again == datetime(2026, 11, 25, 16, 0, tzinfo=_UTC)


def test_a_holiday_and_a_limit_of_calls_are_told():
    thanksgiving = datetime(2026, 11, 26, 18, 0, tzinfo=_UTC)
    assert _one({"state": "Utah"}, thanksgiving)[1].startswith("UT: no calls on Thanksgiving")
    assert _one({"state": "FL"})[1] == "inside the calling hours; at most 3 calls in 24 hours"
    assert _one({"state": "LA"})[1].endswith("not in a state of emergency in Louisiana")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_both_kinds_of_frames_keep_their_kind_rows_and_order(frame):
    done = lf.may_call(frame({"State": ["NY", "LA", "NY"], "Note": ["a", "b", "c"]}), _SUNDAY)
    assert isinstance(done, frame)
    assert list(done["may_call"]) == [True, False, True]
    assert list(done["Note"]) == ["a", "b", "c"]


def test_a_pandas_frame_keeps_its_index():
    frame = pd.DataFrame({"State": ["NY", "LA"]}, index=[7, 3])
    assert lf.may_call(frame, _SUNDAY)["may_call"].to_dict() == {7: True, 3: False}
    assert str(lf.may_call(frame, _SUNDAY)["next_time"].dtype) == "datetime64[us, UTC]"


def test_an_empty_frame_has_the_columns():
    done = lf.may_call(pl.DataFrame({"State": []}, {"State": pl.String}), _NOON)
    assert done.columns[-3:] == ["may_call", "why", "next_time"]


def test_a_moment_without_a_zone_is_refused():
    for at in (datetime(2026, 11, 25, 12), "2026-11-25", date(2026, 11, 25), 5):
        with pytest.raises(InputError, match="at "):
            lf.may_call(pl.DataFrame({"State": ["NY"]}), at)


def test_now_is_the_default():
    assert lf.may_call(pl.DataFrame({"State": ["NY"]})).height == 1


def test_a_frame_without_state_and_phones_is_refused():
    with pytest.raises(ColumnsError, match="state or phones"):
        lf.may_call(pl.DataFrame({"Note": ["x"]}), _NOON)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"State": "", "Phone 1": ""}, "the row has no phone that can be read"),
        ({"State": "NY", "Phone 1": "n/a"}, "the row has no phone that can be read"),
        ({"State": ""}, "neither state nor number is known"),
        ({"State": "NY", "Call Window": "after work"}, "the cell in Call Window cannot be read"),
        ({"State": "NY", "Call Window": "no calls"}, "the sheet's Call Window: no calls at any time"),
        ({"State": "NY", "Callable Until": ""}, "Callable Until has no date, so it is unknown"),
        ({"State": "NY", "Callable Until": "12/29/2026"}, "Callable Until has no date, so it is unknown"),
        ({"State": "NY", "Callable Until": "2026-11-25"}, "the checks counted until 2026-11-25"),
        ({"State": "NY", "Phone 1": "416-555-0143"}, "a number that is no US consumer's: no calls at any time"),
        ({"State": "NY", "disposition": "held", "reason": "litigator"}, "held back: litigator"),
        ({"State": "NY", "disposition": None}, "held back: no disposition"),
    ],
)
def test_rows_that_may_never_be_called_say_why(cells, why):
    allowed, told, again = _one(cells)
    assert (allowed, again) == (False, None)
    assert told.startswith(why)


def test_a_callers_own_disposition_says_nothing():
    assert _one({"State": "NY", "Disposition": "left a voicemail"})[0]


def test_until_the_checks_run_out_and_not_later():
    evening = datetime(2026, 11, 26, 3, 0, tzinfo=_UTC)
    row = {"State": "NY", "Callable Until": "2026-11-27"}
    assert _one(row) == (True, "inside the calling hours", _NOON)
    assert _one(row, evening)[2] == datetime(2026, 11, 26, 13, 0, tzinfo=_UTC)
    assert _one({**row, "Callable Until": "2026-11-26"}, evening)[2] is None
    assert _one({**row, "Callable Until": date(2026, 11, 27)})[0]
    assert _one({**row, "callable_until": "2026-11-27"})[0]


def test_the_sheet_s_call_window_counts_beside_the_table():
    row = {"State": "NY", "Call Window": "Mon-Sat 9am-11am, no Sun, no holidays (Eastern)"}
    allowed, why, again = _one(row)
    assert (allowed, why) == (False, "the sheet's Call Window: 9am-11am, and it is 1pm there (Eastern)")
    assert again == datetime(2026, 11, 27, 14, 0, tzinfo=_UTC)  # not on Thanksgiving


def test_a_file_of_hours(tmp_path):
    path = tmp_path / "h.csv"
    path.write_text(
        "state,weekday,saturday,sunday,holidays,calls_a_day,source,as_of\nNY,none,none,none,none,,x,2026-11-01\n"
    )
    assert _one({"State": "NY"}, hours=path) == (False, "NY: no calls at any time", None)
    with pytest.raises(InputError, match="cannot be read"):
        lf.may_call(pl.DataFrame({"State": ["NY"]}), _NOON, hours=tmp_path / "none.csv")


def test_no_phone_is_in_a_reason():
    rows = pl.DataFrame({"State": ["NY"] * 24, "Phone 1": ["212-555-0143"] * 24})
    for n in range(24):
        told = lf.may_call(rows[:1], _NOON + timedelta(hours=n))["why"][0]
        assert "555" not in told
        assert "0143" not in told


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([*STATE_ZONES, "", "Tennessee"]), st.sampled_from(sorted(STATE_OF))),
        min_size=1,
        max_size=8,
    ),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(_UTC)),
)
def test_may_call_implies_every_window_and_next_time_too(rows, at):
    frame = pl.DataFrame({"State": [s for s, _ in rows], "Phone 1": [f"{code}-555-0143" for _, code in rows]})
    for (state, code), row in zip(rows, lf.may_call(frame, at).iter_rows(named=True), strict=True):
        windows = lead_windows(state, [f"+1{code}5550143"], read_hours())
        assert row["may_call"] == all(window.allows(at) for window in windows)
        again = row["next_time"]
        assert (again == at) == row["may_call"]
        assert again is None or all(window.allows(again) for window in windows)

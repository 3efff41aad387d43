"""When a lead may be called: the table by state, windows across time zones and clock changes, the text and back."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.errors import InputError, SettingsError
from leadflow.leads.area_codes import STATE_OF
from leadflow.leads.calling_hours import (
    STATE_ZONES,
    Window,
    describe,
    lead_windows,
    next_open,
    number_zones,
    read_calling_window,
    read_description,
    read_hours,
    storable_window,
)
from leadflow.leads.calling_hours.table import COLUMNS
from leadflow.leads.calling_hours.windows import FEDERAL_DAYS, holidays_of
from leadflow.leads.calling_hours.zones import LABELS
from leadflow.leads.phone_text import phones_in, reads_like_phone
from leadflow.settings import Policy
from leadflow.stages.phone_cells import phone_cells

_HOURS = read_hours()
_UTC = timezone.utc
_HEADER = ",".join(COLUMNS)
# The hours around the four clock changes of two years, any hour of them, and the ends of years.
_CHANGES = [datetime(2026, 3, 8, tzinfo=_UTC), datetime(2026, 11, 1, tzinfo=_UTC), datetime(2027, 1, 1, tzinfo=_UTC)]
instants = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(_UTC)),
    st.builds(lambda day, s: day + timedelta(seconds=s), st.sampled_from(_CHANGES), st.integers(-90_000, 172_800)),
)
phones = st.builds(lambda code, line: f"+1{code}55501{line:02}", st.sampled_from(sorted(STATE_OF)), st.integers(0, 99))
states = st.sampled_from([*sorted(STATE_ZONES), "Texas", "la.", "", "Lousiana", "AE"])
answers = st.sampled_from(
    ["", "8:00-21:00;8:00-21:00;8:00-21:00", "9:00-20:30;10:00-18:00;No calls", "0:00-24:00;0:00-24:00;0:00-24:00"]
)
leads = st.builds(
    lambda state, numbers, answer: lead_windows(state, numbers, _HOURS, dict.fromkeys(numbers, answer)),
    states,
    st.lists(phones, max_size=3),
    answers,
).filter(bool)


def _minute(window, at):
    local = at.astimezone(ZoneInfo(window.zone))
    return local.weekday(), local.hour * 60 + local.minute, local.date()


@settings(max_examples=300, deadline=None)
@given(leads, instants)
def test_a_call_that_is_allowed_lies_inside_every_window_in_its_own_zone(windows, at):
    opens = next_open(windows, at)
    if opens is None:
        return
    assert opens >= at
    for window in windows:
        day, minute, local = _minute(window, opens)
        start, end = window.days[day]
        assert start <= minute < end
        assert not any(local in holidays_of(code, local.year) for code in window.holidays)


@settings(max_examples=120, deadline=None)
@given(leads, instants)
def test_the_next_time_is_the_first_allowed_minute(windows, at):
    opens = next_open(windows, at)
    first = at.replace(second=0, microsecond=0)
    first += timedelta(minutes=1) if first < at else timedelta(0)
    end = min(opens, first + timedelta(hours=30)) if opens else first + timedelta(hours=30)
    while first < end:
        assert not all(window.allows(first) for window in windows)
        first += timedelta(minutes=1)


@pytest.mark.parametrize("start", [0, 60, 90, 120, 150, 179])
@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)])
def test_hours_in_the_middle_of_a_change_of_the_clocks(start, day):
    """No table has such hours today; DNCScrub's answer or another table might."""
    window = Window("America/New_York", ((start, start + 45),) * 7)
    at = datetime.combine(day, datetime.min.time(), _UTC)
    for n in range(0, 60 * 30, 7):
        opens = next_open([window], at + timedelta(minutes=n))
        probe = at + timedelta(minutes=n)
        while probe < opens:
            assert not window.allows(probe)
            probe += timedelta(minutes=1)
        assert window.allows(opens)


@settings(max_examples=300, deadline=None)
@given(leads, instants)
def test_what_the_text_allows_the_windows_allow(windows, at):
    """The text has one zone and no dates, so it may be stricter, and never wider."""
    text = describe(windows)
    (read,) = read_description(text)
    if any(window.is_holiday(_minute(window, at)[2]) for window in windows):
        return
    if read.allows(at):
        assert all(window.allows(at) for window in windows), text


@settings(max_examples=200, deadline=None)
@given(leads)
def test_the_text_is_short_says_its_zone_and_reads_like_no_phone(windows):
    text = describe(windows)
    assert len(text) <= 100
    assert text == "no calls" or text.endswith(tuple(f"({label})" for label in LABELS.values()))
    assert not reads_like_phone(text)
    assert phones_in(text) == ()
    frame = pl.DataFrame({"Call Window": [text], "Script Call Window": [text]})
    assert phone_cells(frame, Policy(), {"Script Call Window": "Call Window"}) == {}


def test_the_text_of_a_lead_in_louisiana_with_a_number_of_new_york():
    assert describe(lead_windows("LA", ["+12125550143"], _HOURS)) == "Mon-Sat 8am-8pm, no Sun, no holidays (Central)"
    assert describe(lead_windows("CA", ["+12125550143"], _HOURS)) == "every day 8am-6pm (Pacific)"


@pytest.mark.parametrize("state", ["PR", "GU", "VI", "AS", "MP", "DC", "NY", "AK", "HI"])
def test_a_state_or_territory_without_a_row_has_the_federal_hours(state):
    assert _HOURS.of(state).days == FEDERAL_DAYS
    assert set(STATE_ZONES) >= set(STATE_OF.values())


def test_what_is_uncertain_is_not_coded():
    assert _HOURS.of("PA").days == FEDERAL_DAYS  # no Sunday calls from 2026-10-18: one page only


def test_nothing_known_allows_nothing():
    assert lead_windows("", [], _HOURS) == ()
    assert next_open([], datetime.now(_UTC)) is None
    assert describe(()) == "no calls"


def test_a_state_that_cannot_be_read_has_the_strictest_hours():
    (first, *_) = lead_windows("Lousiana", ["+12125550143"], _HOURS)
    assert first.days == (*[(600, 1080)] * 6, None)
    assert "US-LA" in first.holidays


def test_a_number_outside_the_us_is_never_called():
    windows = lead_windows("NY", ["+14165550143"], _HOURS)
    assert describe(windows) == "no calls"
    assert next_open(windows, datetime.now(_UTC)) is None


@pytest.mark.parametrize("code", sorted(STATE_OF))
def test_every_area_code_has_zones_that_callers_know(code):
    zones = number_zones(f"+1{code}5550143")
    assert zones
    assert set(zones) <= LABELS.keys()
    assert len(zones) <= 3


def test_two_days_of_another_zone_in_one_day_of_the_lead():
    early, late = Window("America/New_York", ((480, 1260),) * 7), Window("Pacific/Guam", ((0, 1440),) * 7)
    assert describe([late, early]).startswith("every day midnight-11am and 11pm-midnight")


@pytest.mark.parametrize(
    ("answer", "closed"),
    [
        ("8:00-21:00;8:00-21:00;No calls", [6]),
        ("08:00-21:00; none ;", [5, 6]),
        ("0:00-24:00;0:00-24:00;0:00-0:00", [6]),
        ("NO CALLS", list(range(7))),
        ("8:00:00-21:00:00;8:00-21:00;closed", [6]),
    ],
)
def test_answers_of_the_vendor(answer, closed):
    days = read_calling_window(answer)
    assert [n for n, span in enumerate(days) if span is None] == closed
    assert storable_window(answer) == answer.strip()


@pytest.mark.parametrize(
    "answer",
    ["21:00-8:00;8:00-21:00;8:00-21:00", "8:00-21:00", "8:00-21:00;8:00-21:00", "8-21;8-21;8-21", "8:00-25:00;;",
     "a;b;c", "8:00-24:30;8:00-21:00;8:00-21:00", ";;", "call Ann at 504-555-0143", "8:00-21:00;8:00-21:00;?;"],
)  # fmt: skip
def test_answers_that_cannot_be_read_count_as_none_and_are_not_recorded(answer):
    assert read_calling_window(answer) is None
    assert storable_window(answer) == "unreadable"


@pytest.mark.parametrize("value", [0, 8, True, ["8:00"], {"a": 1}, 1.5])
def test_an_answer_of_another_type_cannot_be_read(value):
    assert storable_window(value) == "unreadable"


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    days = read_calling_window(text)
    assert days is None or len(days) == 7
    found = read_description(text)
    assert found is None or all(isinstance(window, Window) for window in found)


def _file(tmp_path, *rows, header=_HEADER):
    path = tmp_path / "hours.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8-sig")
    return path


def test_a_file_replaces_the_rows_that_it_has(tmp_path):
    path = _file(tmp_path, "ny,10:00-19:00,none,none,US US-NY,2,our counsel,2026-11-01")
    hours = read_hours(path)
    assert hours.of("NY").days == (*[(600, 1140)] * 5, None, None)
    assert (hours.of("NY").holidays, hours.of("NY").calls_a_day) == (("US", "US-NY"), 2)
    assert hours.of("TX") == _HOURS.of("TX")
    assert describe(lead_windows("NY", [], hours)) == (
        "Mon-Fri 10am-7pm, no Sat-Sun, no holidays, at most 2 calls in 24 h (Eastern)"
    )
    path.write_text(f"{_HEADER}\nNY,9:00-19:00,none,none,none,,x,2026-11-01\n")
    assert read_hours(path).of("NY").days[0] == (540, 1140)


_ROW = ["NY", "9:00-20:00", "9:00-20:00", "none", "none", "", "x", "2026-11-01"]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("state", "XX"), ("state", ""), ("state", "AE"), ("weekday", "9-20"), ("weekday", "9:00-9:00"),
        ("saturday", "20:00-9:00"), ("sunday", ""), ("sunday", "9:00-25:00"), ("sunday", "7:00-20:00"),
        ("weekday", "9:00-22:00"), ("holidays", ""), ("holidays", "US-XX"), ("holidays", "all"),
        ("calls_a_day", "0"), ("calls_a_day", "three"), ("as_of", "soon"), ("as_of", ""),
    ],
)  # fmt: skip
def test_a_file_is_read_strictly_and_the_error_names_line_and_column(tmp_path, column, text):
    cells = [text if name == column else cell for name, cell in zip(COLUMNS, _ROW, strict=True)]
    path = _file(tmp_path, ",".join(["TX", *_ROW[1:]]), ",".join(cells))
    with pytest.raises(InputError, match=rf"line 3, column {column}: "):
        read_hours(path)


@pytest.mark.parametrize(
    ("header", "rows", "told"),
    [
        (_HEADER.replace("sunday", "sundays"), [",".join(_ROW)], "column 'sundays' is unknown"),
        (_HEADER.replace(",sunday", ""), [], "column sunday is missing"),
        (f"{_HEADER},state", [], "stands there twice"),
        (_HEADER, [",".join(_ROW), ",".join(_ROW)], "line 3, column state: NY has a row already"),
        (_HEADER, [",".join(_ROW[:-1])], "line 2: it has 7 cells"),
        (_HEADER, ['"NY,9:00'], "not CSV"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path, header, rows, told):
    with pytest.raises(InputError, match=told):
        read_hours(_file(tmp_path, *rows, header=header))


def test_a_file_that_is_missing_empty_or_no_text_is_refused(tmp_path):
    for content in (None, b"", b"\xff\xfe\x00"):
        path = tmp_path / "x.csv"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=r"x\.csv"):
            read_hours(path)


def test_the_engine_refuses_a_wrong_file_before_any_money(world, tmp_path):
    import leadflow as lf

    path = _file(tmp_path, "NY,9-20,none,none,none,,x,2026-11-01")
    settings = world.settings.model_copy(update={"compliance": {"calling_hours_file": str(path)}})
    with pytest.raises(SettingsError, match=r"CALLING_HOURS_FILE: .*line 2, column weekday"):
        lf.Engine(settings)

"""What a re-scrub decides: nothing is taken for lawful that is not proven to be."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.compliance.rescrub import Renewal, RenewedCells, decided, renewals
from leadflow.compliance.shown_leads import read_scrubbed, read_until, shown_leads
from leadflow.leads.callable_until import NO_LONGER
from leadflow.leads.calling_hours import read_hours
from leadflow.leads.verdicts import CALLABLE, Scrub, Verdict
from leadflow.run.rescrub_list import pools_of
from leadflow.services.sheets.cells import Columns
from leadflow.settings import Policy
from leadflow.stages.scrub_texts import scrub_text

_NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
_A, _B = "+15045550143", "+15045550144"
_HEADER = ["Lead Key", "Phone 1", "Phone 2", "Scrubbed At", "Callable Until", "State", "Zip"]


def _columns(*rows, header=_HEADER):
    wide = [[*row, *[""] * (len(header) - len(row))] for row in rows]
    cells = {name: [row[n] for row in wide] for n, name in enumerate(header) if name != "Lead Key"}
    return Columns(list(header), [row[0] for row in wide], cells)


def _shown(*rows, older=25.0, max_age=31.0, header=_HEADER):
    return shown_leads(_columns(*rows, header=header), older, max_age, _NOW).to_dicts()


def _dates(days, until=31):
    at = _NOW - timedelta(days=days)
    return [f"{at:%Y-%m-%d %H:%M} UTC", (at + timedelta(days=until)).date().isoformat()]


def test_a_row_without_a_key_is_no_lead():
    assert [lead["person_key"] for lead in _shown(["", _A], ["k1", _A], ["", ""])] == ["k1"]


@pytest.mark.parametrize(
    ("dates", "due"),
    [
        (_dates(1), False), (_dates(24.9), False), (_dates(25), True), (_dates(40), True), (["", ""], True),
        ([_dates(1)[0], ""], True), (["", _dates(1)[1]], True), (["yesterday", _dates(1)[1]], True),
        ([_dates(1)[0], "soon"], True), (["11/27/2026 9:00", _dates(1)[1]], True), (_dates(-2), True),
        ([_dates(1)[0], "2099-01-01"], True), (_dates(1, until=5), True), (["2026-11-27", _dates(1)[1]], True),
    ],
)  # fmt: skip
def test_a_date_that_is_old_missing_or_cannot_be_read_makes_a_row_due(dates, due):
    assert _shown(["k1", _A, "", *dates])[0]["is_due"] is due


def test_an_age_of_zero_takes_every_row():
    assert _shown(["k1", _A, "", *_dates(0)], older=0.0)[0]["is_due"]


def test_a_policy_of_fewer_days_makes_rows_due_before_they_run_out():
    assert _shown(["k1", _A, "", *_dates(20, until=20)], max_age=20.0)[0]["is_due"]


@pytest.mark.parametrize(
    ("dates", "until"),
    [
        (_dates(10), date(2026, 12, 19)), ([_dates(10)[0], ""], date(2026, 12, 19)),
        (["", "2026-12-01"], date(2026, 12, 1)), ([_dates(10)[0], "2026-12-01"], date(2026, 12, 1)),
        ([_dates(10)[0], "?"], NO_LONGER), (["?", "2026-12-01"], NO_LONGER),
        (["", ""], NO_LONGER), (["", "2099-01-01"], NO_LONGER),
    ],
)  # fmt: skip
def test_old_checks_count_until_the_earlier_date_and_not_at_all_if_one_cannot_be_read(dates, until):
    assert _shown(["k1", _A, "", *dates])[0]["counts_until"] == until


def test_all_rows_of_a_lead_count_together():
    (lead,) = _shown(["k1", _A, "", *_dates(1)], ["k1", _B, "call her", *_dates(30)])
    assert lead["phones"] == [_A, _B, ""]
    assert lead["is_due"]
    assert lead["counts_until"] == date(2026, 11, 29)


def test_a_phone_is_read_however_people_write_it():
    (lead,) = _shown(["k1", "(504) 555-0143", "504.555.0144 x2", *_dates(1)])
    assert lead["phones"] == [_A, _B]


@given(st.text(max_size=24))
def test_no_text_in_a_date_cell_is_an_error_or_a_time_to_come(text):
    scrubbed, until = read_scrubbed(text, _NOW), read_until(text, _NOW)
    assert scrubbed is None or scrubbed <= _NOW + timedelta(minutes=5)
    assert until is None or until <= _NOW.date() + timedelta(days=32)


def _leads(*rows):
    """Leads: key, phones, verdicts, gaps, the date until which the old checks count."""
    at = _NOW - timedelta(minutes=1)
    text = scrub_text(Scrub("", "dnc", Verdict.CLEAN, "dncscrub", "C", at, at.date().isoformat()))
    names = ("person_key", "phones", "verdicts", "dnc_not_covered", "counts_until")
    frame = pl.DataFrame(list(rows), schema=list(names), orient="row", infer_schema_length=None).with_columns(
        pl.col("phones").cast(pl.List(pl.String)),
        pl.col("verdicts").cast(pl.List(pl.String)),
        pl.col("dnc_not_covered").cast(pl.List(pl.String)),
    )
    texts = pl.Series([[text] * len(phones) for phones in frame["phones"].to_list()], dtype=pl.List(pl.String))
    times = pl.lit(f"{at:%Y-%m-%d %H:%M} UTC")
    return frame.with_columns(
        texts.alias("litigator_checks"), texts.alias("dnc_checks"),
        times.alias("litigator_scrubbed_at"), times.alias("dnc_scrubbed_at"),
    )  # fmt: skip


_SOON, _OVER = _NOW.date() + timedelta(days=2), _NOW.date()


@pytest.mark.parametrize(
    ("phones", "verdicts", "gaps", "until", "expected"),
    [
        ([_A, _B], ["clean", "clean_wireless"], ["", ""], _OVER, ("renewed", "")),
        ([_A, _B], ["clean", "dnc"], ["", ""], _SOON, ("withdrawn", "dnc")),
        ([_A, _B], ["dnc", "litigator"], ["", ""], _SOON, ("withdrawn", "litigator")),
        ([_A, _B], ["unchecked", "hold"], ["", ""], _SOON, ("withdrawn", "hold")),
        ([_A, _B], ["unchecked", "clean"], ["", ""], _SOON, ("retry", "unchecked")),
        ([_A, _B], ["unchecked", "clean"], ["", ""], _OVER, ("withdrawn", "unchecked")),
        ([_A, _B], ["unchecked", "clean"], ["area code 504", ""], _SOON, ("withdrawn", "not_covered")),
        ([_A, ""], ["clean", "unchecked"], ["", ""], _SOON, ("withdrawn", "unreadable_phone")),
        ([], [], [], _SOON, ("withdrawn", "no_phone")),
        ([_A], ["state_wireless"], [""], _SOON, ("withdrawn", "state_wireless")),
    ],
)
def test_the_outcome_of_a_lead(phones, verdicts, gaps, until, expected):
    found = decided(_leads(("k1", phones, verdicts, gaps, until)), Policy(), _NOW.date())
    assert found.select("disposition", "reason").row(0) == expected


def test_a_wireless_phone_goes_if_the_policy_delivers_none_any_more():
    lead = _leads(("k1", [_A], ["clean_wireless"], [""], _SOON))
    found = decided(lead, Policy(deliver_wireless=False), _NOW.date())
    assert found.select("disposition", "reason").row(0) == ("withdrawn", "wireless")


@given(st.lists(st.sampled_from([str(v) for v in Verdict]), min_size=1, max_size=3), st.booleans(), st.booleans())
def test_no_lead_is_renewed_unless_each_phone_may_be_called(verdicts, wireless, is_over):
    lead = _leads(
        ("k1", [_A, _B, "+15045550145"][: len(verdicts)], verdicts, [""] * len(verdicts), _OVER if is_over else _SOON)
    )
    outcome, reason = (
        decided(lead, Policy(deliver_wireless=wireless), _NOW.date()).select("disposition", "reason").row(0)
    )
    callable_now = CALLABLE if wireless else CALLABLE - {Verdict.CLEAN_WIRELESS}
    assert (outcome == "renewed") == all(Verdict(word) in callable_now for word in verdicts)
    assert outcome != "retry" or not is_over
    assert (reason == "") == (outcome == "renewed")


def _renewal(**verdicts):
    return Renewal({_A: Verdict.CLEAN, **verdicts}, "2026-11-28 11:59 UTC", "2026-12-29")


def test_a_renewed_lead_gets_the_dates_and_each_phone_its_verdict():
    leads = decided(_leads(("k1", [_A, _B], ["clean", "clean_wireless"], ["", ""], _OVER)), Policy(), _NOW.date())
    cells = RenewedCells(renewals(leads, read_hours()))
    found = cells(_columns(["k1", "", _B, *_dates(28)], ["k2", _A]))
    assert found == {
        "k1": {
            "Scrubbed At": "2026-11-28 11:59 UTC",
            "Callable Until": "2026-12-29",
            "Call Window": found["k1"]["Call Window"],
            "Phone 2 Verdict": "clean_wireless",
        }
    }
    assert (cells.present, cells.changed) == ({"k1", "k2"}, set())
    assert "no Sun" in found["k1"]["Call Window"]  # the numbers are Louisiana's


def test_a_phone_typed_meanwhile_keeps_the_old_dates():
    cells = RenewedCells({"k1": _renewal()})
    assert cells(_columns(["k1", _A, _B, *_dates(28)])) == {}
    assert cells.changed == {"k1"}
    assert cells(_columns(["k1", "call her", "", *_dates(28)])) == {}
    assert cells.changed == {"k1"}


def test_dates_that_another_machine_wrote_later_stay_but_not_those_of_a_time_to_come():
    cells = RenewedCells({"k1": Renewal({_A: Verdict.CLEAN}, f"{_ago(9)} UTC", _in(31))})
    assert cells(_columns(["k1", _A, "", f"{_ago(5)} UTC", _in(31)])) == {}
    assert cells(_columns(["k1", _A, "", "2099-01-01 00:00 UTC", _in(31)])) != {}
    assert cells(_columns(["k1", _A, "", f"{_ago(5)} UTC", "2099-01-01"])) != {}


def test_copies_with_other_phones_in_one_place_get_the_worse_verdict():
    cells = RenewedCells({"k1": _renewal(**{_B: Verdict.CLEAN_WIRELESS})})
    found = cells(_columns(["k1", _A, "", *_dates(28)], ["k1", _B, "", *_dates(28)]))
    assert found["k1"]["Phone 1 Verdict"] == "clean_wireless"


def _ago(minutes):
    return f"{datetime.now(timezone.utc) - timedelta(minutes=minutes):%Y-%m-%d %H:%M}"


def _in(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).date().isoformat()


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 30))
def test_pools_hold_all_leads_in_order_and_no_more_phones_than_a_request(sizes, most):
    lists = pl.Series("phones", [[_A] * n for n in sizes], pl.List(pl.String))
    leads = pl.DataFrame([pl.Series("person_key", [str(n) for n in range(len(sizes))], pl.String), lists])
    pools = pools_of(leads, most)
    assert [key for pool in pools for key in pool["person_key"]] == [str(n) for n in range(len(sizes))]
    found = [pool["phones"].list.len().to_list() for pool in pools]
    assert all(sum(map(bool, lengths)) <= 1 or sum(lengths) <= most for lengths in found)

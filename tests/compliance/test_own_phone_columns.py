"""A number in a phone column that callers added is looked at by an opt-out and by a re-scrub alike."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opt_outs import ASKED, recorded
from outcome import sheet_rows
from rescrubbing import age, list_phones, no_reuse, row_of, set_cells, withdrawn_rows

import leadflow as lf
from leadflow.leads.phone_columns import is_shown_phone, shown_phone_columns
from leadflow.stages.shared_phones import SHARED_WITH, with_shared

_OWN = "+12125550187"  # of no sample lead
_COLUMNS = ["Phone 11", "phone 12", "Phone 100", "Phone 1 (2)", "PHONE #4"]


@pytest.fixture
def engine(world):
    with lf.Engine(no_reuse(world)) as engine:
        engine.run("SELECT * FROM RAW_LEADS", limit_rows=12, progress=False)
        yield engine


def _type_in(world, column):
    key = sheet_rows(world)[0]["Lead Key"]
    set_cells(world, {key: {column: "(212) 555-0187"}})
    return key


@pytest.mark.parametrize("column", _COLUMNS)
def test_an_opt_out_withdraws_the_row(world, engine, column):
    key = _type_in(world, column)
    assert engine.suppress(_OWN, **ASKED).withdrawn == 1
    assert not row_of(world, key)
    assert recorded(world, key) == ("withdrawn", "suppressed")
    assert "(212) 555-0187" not in withdrawn_rows(world)[0].values()


@pytest.mark.parametrize("column", _COLUMNS[:2])
def test_a_re_scrub_withdraws_the_row(world, engine, column):
    key = _type_in(world, column)
    age(world, 28)
    list_phones(world, _OWN)
    assert engine.rescrub(progress=False).counts.withdrawn == {"dnc": 1}
    assert not row_of(world, key)


@given(st.integers(1, 10**6), st.sampled_from(["Phone {}", "phone {}", " Phone  {} ", "Phone {} (2)", "PHONE #{}"]))
def test_a_column_of_any_number_shows_phones(number, title):
    name = title.format(number)
    assert is_shown_phone(name)
    assert shown_phone_columns([name, "Phone 1 Verdict", "Notes"]) == [name]


@pytest.mark.parametrize(
    "name", ["Phone 0", "Phone", "Phone 1 Verdict", "Phone 2 Time Zone", "Home Phone 1", "Phones 1"]
)
def test_other_columns_do_not(name):
    assert not is_shown_phone(name)


def test_columns_are_in_the_order_of_their_numbers():
    assert shown_phone_columns(["Phone 10", "phone 2", "Phone 1"]) == ["Phone 1", "phone 2", "Phone 10"]


def test_a_number_in_such_a_column_counts_as_shared():
    rows = pl.DataFrame({"key": ["a", "b", "c"], "Phone 1": [_OWN, "", ""], "phone 11": ["", _OWN, ""]})
    assert with_shared(rows, "key")[SHARED_WITH].to_list() == ["1", "1", ""]

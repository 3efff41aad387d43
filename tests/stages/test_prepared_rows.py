"""The rows of several batches that are made one by one and then joined are those that are made at once."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.settings import ComplianceSettings, Policy
from leadflow.stages.prepared_rows import joined_rows, prepare_rows

_CLEAN = [f"+1212555{n:04}" for n in range(100, 120)]
_LEAD = st.fixed_dictionaries(
    {
        "person_key": st.sampled_from([f"k{n}" for n in range(12)]),
        "first_name": st.sampled_from(["Ann", "Bob", "Cid"]),
        "lookup_pid": st.sampled_from(["", "p1", "p2", "p3"]),
        "phones": st.lists(st.sampled_from(_CLEAN), max_size=3, unique=True),
        "litigator_verdicts": st.sampled_from(["clean", "litigator"]),
        "note": st.sampled_from(["", "a note", "call 212-555-0101", "x" * 50_001, "a\x00b"]),
        "Cell": st.sampled_from(["", "2125550101", "none"]),
    }
)


def _frame(leads):
    rows = [
        {
            **lead,
            "last_name": "Lee",
            "address": "1 Elm St",
            "city": "Bath",
            "state": "NH",
            "zip": "03740",
            "emails": [],
            "litigator_verdicts": [lead["litigator_verdicts"] for _ in lead["phones"]],
            "dnc_verdicts": ["clean" for _ in lead["phones"]],
        }
        for lead in leads
    ]
    lists = dict.fromkeys(("phones", "emails", "litigator_verdicts", "dnc_verdicts"), pl.List(pl.String))
    return pl.DataFrame(rows, schema_overrides=lists)


def _prepared(leads):
    return prepare_rows(_frame(leads), "Lead Key", Policy(), ComplianceSettings(), "june-1")


def _shown(prepared):
    """The rows by key, without cells that are blank."""
    return [{name: cell for name, cell in row.items() if cell} for row in prepared.rows.to_dicts()]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(_LEAD, min_size=2, max_size=9, unique_by=lambda lead: lead["person_key"]),
    st.sets(st.integers(1, 8), max_size=3),
)
def test_rows_joined_are_the_rows_made_at_once(leads, cuts):
    bounds = [0, *sorted(cut for cut in cuts if cut < len(leads)), len(leads)]
    parts = [_prepared(leads[start:end]) for start, end in pairwise(bounds)]
    joined, whole = joined_rows(parts), _prepared(leads)
    assert _shown(joined) == _shown(whole)
    settled = ["person_key", "disposition", "shown_phones"]
    assert joined.leads.select(settled).rows() == whole.leads.select(settled).rows()
    assert set(joined.bad) == set(whole.bad)
    assert set(joined.rows.columns) <= set(joined.columns)


_ANN = {
    "first_name": "Ann",
    "lookup_pid": "p1",
    "phones": _CLEAN[:1],
    "litigator_verdicts": "clean",
    "note": "",
    "Cell": "",
}


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_first_batch_has_the_row_of_a_person_whom_two_have(order):
    joined = joined_rows([_prepared([{**_ANN, "person_key": key}]) for key in order])
    assert joined.rows["Lead Key"].to_list() == [order[0]]
    assert joined.leads["reason"].to_list() == ["", "duplicate_person"]


def test_counts_of_withheld_cells_are_added_up():
    lead = {**_ANN, "lookup_pid": "", "note": "call 212-555-0101", "Cell": "2125550101"}
    joined = joined_rows([_prepared([{**lead, "person_key": key}]) for key in ("a", "b", "c")])
    assert dict(joined.withheld) == {"note": 3, "Cell": 3}

"""Entries of the ledger: their ids, which checks of a lead become one, and what frames of other makers give."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.services.warehouse.tables import LEDGER_COLUMNS, LONGEST_WORDS
from leadflow.settings import Policy
from leadflow.stages import check_dnc, check_litigators
from leadflow.stages.ledger_entries import (
    CHECK,
    DELIVERED,
    UNREADABLE_LIST,
    WITHDRAWN,
    check_entry,
    entries_frame,
    entries_of,
    entry_id,
    event_entry,
)
from leadflow.stages.scrub_texts import read_scrub, scrub_text
from leadflow.stages.settle import settle
from leadflow.stages.shown_phones import with_shown_phones

_AT = datetime(2026, 11, 1, 15, 30, 7, 654_321, tzinfo=timezone.utc)
_PHONES = ["+15045550143", "+15045550144"]
_TEXTS = st.text(max_size=20)


def _scrub(phone=_PHONES[0], kind="dnc", verdict=Verdict.CLEAN, at=_AT, **more):
    fields = {"provider": "dncscrub", "code": "C", "list_date": "2026-11-01", "policy": "p1", **more}
    return Scrub(phone, kind, verdict, checked_at=at, **fields)


_SCRUBS = st.builds(
    Scrub,
    st.sampled_from(_PHONES),
    st.sampled_from(["litigator", "dnc"]),
    st.sampled_from(Verdict),
    _TEXTS,
    _TEXTS,
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(timezone.utc)),
    _TEXTS | st.dates().map(str),
    _TEXTS,
    _TEXTS,
)


@given(_SCRUBS)
def test_a_scrub_is_carried_whole_and_without_its_phone(scrub):
    text = scrub_text(scrub)
    assert scrub.phone not in text
    assert read_scrub(text, scrub.phone, scrub.check) == scrub


@pytest.mark.parametrize("text", [None, "", "?", "[]", "{}", "7", '{"verdict":"clean"}', '{"verdict":"x"}', "null"])
def test_a_text_that_is_no_scrub_is_none(text):
    assert read_scrub(text, _PHONES[0], "dnc") is None


@given(_TEXTS, _SCRUBS, _TEXTS, _TEXTS)
def test_the_id_is_of_the_values_and_of_nothing_else(key, scrub, job, reason):
    entry = check_entry(key, scrub, job, reason)
    assert set(entry) == set(LEDGER_COLUMNS)
    assert entry["ENTRY_ID"] == entry_id(entry) == check_entry(key, scrub, job, reason)["ENTRY_ID"]
    assert len(entry["ENTRY_ID"]) == 32
    assert entry_id({**entry, "ENTRY_ID": "other"}) == entry["ENTRY_ID"]
    assert max(map(len, (entry["PROVIDER"], entry["CODE"], entry["POLICY"], entry["REASON"]))) <= LONGEST_WORDS


@given(_SCRUBS, st.sampled_from([name for name in LEDGER_COLUMNS if name != "ENTRY_ID"]))
def test_any_other_value_is_another_id(scrub, name):
    entry = check_entry("k1", scrub, "j1")
    assert entry_id({**entry, name: entry[name] + "x"}) != entry["ENTRY_ID"]


def test_the_id_can_be_recomputed_by_hand():
    entry = check_entry("k1", _scrub(), "j1")
    said = ["check", "j1", "k1", _PHONES[0], "2026-11-01 15:30:07", "dnc", "dncscrub", "C", "clean", "2026-11-01", "p1"]
    assert entry["ENTRY_ID"] == hashlib.sha256("\x1f".join([*said, ""]).encode()).hexdigest()[:32]


def test_an_event_is_one_however_often_and_whenever_it_is_written():
    first = event_entry(DELIVERED, "k1", _PHONES[0], "j1", _AT)
    later = event_entry(DELIVERED, "k1", _PHONES[0], "j1", _AT + timedelta(days=2))
    assert first["ENTRY_ID"] == later["ENTRY_ID"]
    assert entries_frame([first, later]).to_dicts() == [first]
    others = [
        event_entry(WITHDRAWN, "k1", _PHONES[0], "j1", _AT),
        event_entry(DELIVERED, "k2", _PHONES[0], "j1", _AT),
        event_entry(DELIVERED, "k1", _PHONES[1], "j1", _AT),
        event_entry(DELIVERED, "k1", _PHONES[0], "j2", _AT),
    ]
    assert entries_frame([first, *others]).height == 5


@pytest.mark.parametrize("day", ["soon", "11/01/2026", "2026-13-01", "0"])
def test_a_list_date_that_cannot_be_read_is_said_and_not_stored_as_a_date(day):
    entry = check_entry("k1", _scrub(list_date=day), "j1")
    assert (entry["LIST_DATE"], entry["REASON"]) == ("", UNREADABLE_LIST)


# From leads to entries.


class _List:
    """A check that knows what is said of a phone, and nothing of the others."""

    provider, policy = "dncscrub", "p1"

    def __init__(self, kind, verdicts, gap=None):
        self._scrubs = {phone: _scrub(phone, kind, verdict) for phone, verdict in verdicts.items()}
        if gap is not None:
            self.coverage = lambda: type("Coverage", (), {"gap": lambda _, digits, state=None: gap})()

    def check(self, phones, stop=None):
        return {phone: self._scrubs[phone] for phone in phones if phone in self._scrubs}


def _checked(leads, litigator, dnc, gap=None):
    leads = check_litigators(leads, _List("litigator", litigator))
    return check_dnc(leads, _List("dnc", dnc, gap))


def _leads(phones, **columns):
    return pl.DataFrame({"person_key": [f"k{n}" for n in range(len(phones))], "phones": phones, **columns})


_CLEAN = dict.fromkeys(_PHONES, Verdict.CLEAN)


def _said(entries):
    return sorted((e["LEAD_KEY"], e["PHONE"], e["EVENT"], e["KIND"], e["VERDICT"]) for e in entries.to_dicts())


def test_each_check_of_each_phone_is_an_entry_also_of_leads_to_retry_and_held():
    leads = _checked(_leads([_PHONES, [_PHONES[0]], []]), _CLEAN, {_PHONES[0]: Verdict.DNC})
    leads = settle(leads, Policy())
    assert leads["disposition"].to_list() == ["retry", "held", "held"]
    entries = entries_of(leads.with_columns(delivered=pl.lit(False)), "j1", _AT)
    assert _said(entries) == [
        ("k0", _PHONES[0], CHECK, "dnc", "dnc"),
        ("k0", _PHONES[0], CHECK, "litigator", "clean"),
        ("k0", _PHONES[1], CHECK, "litigator", "clean"),
        ("k1", _PHONES[0], CHECK, "dnc", "dnc"),
        ("k1", _PHONES[0], CHECK, "litigator", "clean"),
    ]


def test_a_phone_that_the_list_does_not_cover_is_unchecked_in_the_ledger_too():
    leads = _checked(_leads([[_PHONES[0]]]), _CLEAN, _CLEAN, gap="area code 504")
    [dnc] = [e for e in entries_of(leads, "j1", _AT).to_dicts() if e["KIND"] == "dnc"]
    assert (dnc["VERDICT"], dnc["CODE"], dnc["REASON"]) == ("unchecked", "C", "not covered: area code 504")


def test_a_known_scrub_is_an_entry_too_because_it_decided():
    known = {_PHONES[0]: _scrub(kind="dnc", at=datetime.now(timezone.utc) - timedelta(days=3), list_date="")}
    leads = check_dnc(_leads([[_PHONES[0]]]), _List("dnc", {}), known=known)
    [entry] = entries_of(leads, "j1", _AT).to_dicts()
    assert entry["EVENT_AT"] == known[_PHONES[0]].checked_at.strftime("%Y-%m-%d %H:%M:%S")


def test_only_the_phones_that_the_row_shows_are_delivered():
    numbers = [f"+1504555010{n}" for n in range(5)]
    verdicts = dict.fromkeys(numbers, Verdict.CLEAN)
    leads = _checked(_leads([numbers]), verdicts, {**verdicts, numbers[1]: Verdict.DNC})
    leads = with_shown_phones(settle(leads, Policy(phones_delivered=2)), Policy(phones_delivered=2))
    assert leads["shown_phones"].to_list() == [[numbers[0], numbers[2]]]
    assert leads["callable_until"].to_list() == ["2026-12-02"]
    entries = entries_of(leads.with_columns(delivered=pl.lit(True)), "j1", _AT)
    assert [e["PHONE"] for e in entries.to_dicts() if e["EVENT"] == DELIVERED] == [numbers[0], numbers[2]]
    undone = entries_of(leads.with_columns(delivered=pl.lit(False)), "j1", _AT)
    assert set(undone["EVENT"]) == {CHECK}


def test_the_oldest_check_of_the_shown_phones_decides_and_that_of_others_does_not():
    old = _scrub(_PHONES[1], at=_AT - timedelta(days=9), list_date="")
    leads = _checked(_leads([_PHONES]), _CLEAN, _CLEAN).with_columns(
        pl.Series("dnc_checks", [[scrub_text(_scrub(_PHONES[0], list_date="")), scrub_text(old)]])
    )
    settled = settle(leads, Policy())
    assert with_shown_phones(settled, Policy())["callable_until"].to_list() == ["2026-11-23"]
    assert with_shown_phones(settled, Policy(phones_delivered=1))["callable_until"].to_list() == ["2026-12-02"]
    assert with_shown_phones(settled, Policy(max_scrub_age_days=10))["callable_until"].to_list() == ["2026-11-02"]


def test_frames_without_the_columns_of_the_checks_work_as_before():
    leads = _leads([_PHONES]).with_columns(
        pl.Series("litigator_verdicts", [["clean", "clean"]]), pl.Series("dnc_verdicts", [["clean", "dnc"]])
    )
    shown = with_shown_phones(settle(leads, Policy()), Policy())
    assert (shown["callable_until"].to_list(), shown["shown_phones"].to_list()) == ([""], [[_PHONES[0]]])
    # A frame that deliver of an earlier version made: which phones its row shows is not known.
    assert entries_of(leads, "j1", _AT).is_empty()
    [entry] = entries_of(leads.with_columns(delivered=pl.lit(True)), "j1", _AT).to_dicts()
    assert (entry["EVENT"], entry["PHONE"]) == (DELIVERED, "")


@pytest.mark.parametrize("text", ["", "{}", "?"])
def test_a_shown_phone_whose_check_cannot_be_read_is_over(text):
    leads = _checked(_leads([_PHONES]), _CLEAN, _CLEAN).with_columns(
        pl.Series("dnc_checks", [[scrub_text(_scrub()), text]])
    )
    assert with_shown_phones(settle(leads, Policy()), Policy())["callable_until"].to_list() == ["1970-01-01"]


def test_a_phone_twice_and_phones_that_cannot_be_read():
    leads = _checked(_leads([[_PHONES[0], _PHONES[0], ""], None, [""]]), _CLEAN, _CLEAN)
    assert _said(entries_of(leads, "j1", _AT)) == [
        ("k0", _PHONES[0], CHECK, "dnc", "clean"),
        ("k0", _PHONES[0], CHECK, "litigator", "clean"),
    ]


def test_pandas_frames_carry_the_checks_too():
    frame = check_dnc(pd.DataFrame({"Phone 1": ["(504) 555-0143"]}), _List("dnc", _CLEAN))
    assert read_scrub(frame["dnc_checks"][0][0], _PHONES[0], "dnc") == _scrub()

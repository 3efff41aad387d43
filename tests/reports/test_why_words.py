"""The sentence of lf.why is true for every order of events, and an unknown lead is answered with what was searched."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_jobs import record_job

import leadflow as lf
from leadflow.errors import LeadNotFound, SettingsError
from leadflow.reports.lead_facts import history_facts, why
from leadflow.reports.why import (
    CHECKED,
    DELIVERED,
    FORGOTTEN,
    HELD,
    LEFT_OUT,
    LISTED,
    RECORDED,
    RENEWED,
    RETRY,
    WAITING,
    WITHDRAWN,
    Fact,
)
from leadflow.reports.why_words import sentence

_AT, _TODAY, _UNTIL = datetime(2026, 11, 1, tzinfo=timezone.utc), date(2026, 11, 20), date(2026, 12, 2)


def _fact(what, reason="", job="june", day=0, **more):
    return Fact(_AT + timedelta(days=day), what, "history", job, reason, **more)


def _said(*facts):
    return sentence("k1", sorted(facts, key=lambda fact: fact.order), _TODAY)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ([_fact(DELIVERED, until=_UNTIL)], ["was delivered by job june on 2026-11-01", "before 2026-12-02"]),
        ([_fact(DELIVERED, until=date(2026, 11, 10))], ["may not be called any more since 2026-11-10"]),
        (
            [
                _fact(DELIVERED, until=_UNTIL),
                _fact(RENEWED, job="again", day=9, rescrub=True, until=date(2026, 12, 11)),
            ],
            ["was delivered by job june", "renewed by re-scrub again on 2026-11-10", "before 2026-12-11"],
        ),
        (
            [_fact(DELIVERED), _fact(WITHDRAWN, "dnc", "again", 9, rescrub=True)],
            ["was delivered by job june", "withdrawn by re-scrub again on 2026-11-10", "do-not-call list"],
        ),
        ([_fact(DELIVERED), _fact(WITHDRAWN, "suppressed", day=9)], ["and withdrawn on 2026-11-10", "the house's"]),
        ([_fact(DELIVERED), _fact(WITHDRAWN, day=1), _fact(DELIVERED, job="july", day=5)], ["delivered by job july"]),
        ([_fact(DELIVERED), _fact(LISTED, day=3)], ["was delivered", "but on the do-not-call list since 2026-11-04"]),
        ([_fact(HELD, "no_phone"), _fact(LISTED, day=3)], ["held back by job june", "since 2026-11-04"]),
        ([_fact(RETRY, "unchecked")], ["held back for now", "engine.resume('june') tries it again"]),
        ([_fact(RETRY, "unchecked"), _fact(HELD, "dnc", day=1)], ["was held back by job june on 2026-11-02"]),
        ([_fact(LEFT_OUT, "over_limit")], ["was left out by job june", "beyond the row limit"]),
        ([_fact(LEFT_OUT, "over_limit"), _fact(DELIVERED, job="july", day=2)], ["was delivered by job july"]),
        ([_fact(LEFT_OUT, "duplicate"), _fact(HELD, "no_match")], ["held back", "found nobody"]),
        ([_fact(LEFT_OUT, "already_processed", "july", 3), _fact(HELD, "no_match")], ["job june", "found nobody"]),
        ([_fact(LEFT_OUT, "already_processed"), _fact(RECORDED, "no_match", "may", -9, detail="held")], ["job may"]),
        ([_fact(WAITING)], ["not delivered yet", "engine.resume('june')"]),
        ([_fact(HELD, "no_match"), _fact(FORGOTTEN, day=2)], ["held back", "on 2026-11-03", "was forgotten"]),
        ([_fact(FORGOTTEN)], ["was not delivered", "the person was forgotten"]),
        ([_fact(HELD, "ambiguous")], ["engine.review('june') shows them"]),
        (
            [
                _fact(CHECKED, "litigator", place=2, detail="code L, list of 2026-11-01"),
                _fact(CHECKED, "dnc", place=1),
                _fact(HELD, "litigator"),
            ],
            ["litigator list (phone 2: litigator, code L, list of 2026-11-01)."],
        ),
    ],
)
def test_the_sentence_says_what_became_of_the_lead(facts, words):
    said = _said(*facts)
    for word in words:
        assert word in said, said
    assert said.endswith(".")
    assert said.count("was delivered") + said.count("was not delivered") + said.count("is not delivered") == 1


_WHAT = st.sampled_from([DELIVERED, RENEWED, WITHDRAWN, HELD, RETRY, LEFT_OUT, LISTED, FORGOTTEN, CHECKED, RECORDED])
_REASON = st.sampled_from(["", "litigator", "dnc", "no_match", "duplicate", "a word nobody knows", "{job} %s"])


@given(st.lists(st.builds(_fact, _WHAT, _REASON, st.sampled_from(["a", "b"]), st.integers(0, 30)), min_size=1))
def test_the_last_event_of_the_sheet_decides(facts):
    said = _said(*facts)
    shown = [fact for fact in sorted(facts, key=lambda f: f.order) if fact.what in (DELIVERED, RENEWED, WITHDRAWN)]
    assert ("not delivered" in said) == (not shown)
    assert bool(re.search("withdrawn (on|by)", said)) == bool(shown and shown[-1].what == WITHDRAWN)


@pytest.fixture
def jobs(history):
    record_job(history, "june", limit_rows=100, counts={"held": {"over_limit": 500_000}})
    checks = {
        "k" * 3: '[{"phone": 2, "verdict": "litigator", "check": "litigator", "code": "L", "list": "2026-11-01"}]'
    }
    history.record_leads("june", 1, [("kkk", "held", "litigator")], checks=checks)
    history.record_left_out("june", {"over_limit": ["0" * 31 + "1"], "duplicate": ["not a key"]})
    history.flush()
    return history


def _why(history, key):
    return why([key], history_facts(history, [key]), history=history)


def test_the_history_names_the_phone_by_its_place(jobs):
    found = _why(jobs, "kkk")
    assert "(phone 2: litigator, litigator check, code L, list of 2026-11-01)" in found.sentence
    assert found.evidence[["what", "reason", "place"]].values.tolist() == [
        ["checked", "litigator", 2],
        ["held", "litigator", 0],
    ]
    assert "phone 2, litigator check" in found._repr_html_()
    assert "phone 2, litigator check" in repr(found)


def test_a_lead_over_the_limit_is_told_so(jobs):
    assert "beyond the row limit" in _why(jobs, "0" * 31 + "1").sentence


def test_the_keys_that_are_left_out_are_those_of_the_last_extraction(jobs):
    jobs.record_left_out("june", {"over_limit": ["0" * 31 + "2"]})
    assert not history_facts(jobs, ["0" * 31 + "1"])
    assert history_facts(jobs, ["0" * 31 + "2"])


def test_an_unknown_key_is_answered_with_what_was_searched(jobs):
    with pytest.raises(LeadNotFound) as caught:
        _why(jobs, "f" * 32)
    said = str(caught.value)
    assert f"nothing is known of lead {'f' * 32}" in said
    assert f"1 job in {jobs.path}" in said
    assert "Job june left out 500,000 leads as over_limit and recorded the keys of 1" in said


def test_a_text_that_is_no_key_is_not_repeated(jobs):
    with pytest.raises(LeadNotFound, match="A key has 32 letters and digits") as caught:
        _why(jobs, "Ann Lee")
    assert "Ann Lee" not in str(caught.value)


def test_without_settings_a_key_is_answered_from_the_history(jobs, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("LEADFLOW_WAREHOUSE__ACCOUNT", "LEADFLOW_IDICORE__CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    found = lf.why("kkk")
    assert "litigator" in found.sentence
    assert found.notes[0].startswith("Only the history was looked at")
    with pytest.raises(SettingsError):
        lf.why(last="Lee")

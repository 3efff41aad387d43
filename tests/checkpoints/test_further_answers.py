"""The answers of further sources: stored with what they cost, counted by source, gone with their person and job."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from leadflow.checkpoints import Checkpoints
from leadflow.checkpoints.further import Bought
from leadflow.leads.people import Answer, Phone
from leadflow.leads.verdicts import Scrub, Verdict


@pytest.fixture
def store(tmp_path):
    store = Checkpoints(tmp_path / "checkpoints.sqlite")
    store.add_job("j", {"name": "j"})
    store.add_leads("j", 1, 1, [{"person_key": key, "first_name": "Ann"} for key in ("a", "b", "c")])
    yield store
    store.close()


def _found(key, *phones):
    return Answer(key, "found", tuple(Phone(phone) for phone in phones), source="s")


def test_answers_are_kept_by_lead_and_source_with_their_cost(store):
    store.save_further("j", "s", _found("a", "+15045550143"), 0.28)
    store.save_further("j", "s", Answer("b", "no_match", source="s"), 0.0)
    store.save_further("j", "t", _found("a"), 0.1)
    store.count_lost("j", "s", 0.28)
    store.count_lost("j", "s", 0.28)
    assert store.further_answers(["a", "b", "c"], "s").keys() == {"a", "b"}
    assert store.further_bought("j") == {"s": Bought(2, 1, pytest.approx(0.84), 2), "t": Bought(1, 0, 0.1, 0)}
    assert store.further_bought("another") == {}


def test_phones_of_all_sources_are_owed_their_checks(store):
    store.save_answer("j", _found("a", "+15045550143", "+15045550144"))
    store.save_further("j", "s", _found("a", "+15045550145"), 0.1)
    store.save_further("j", "s", _found("b", "+15045550146"), 0.1)
    assert store.phones_owed("j") == {"a": 3, "b": 1}
    store.settle("j", [("a", "held", "all_suppressed")])
    assert store.phones_owed("j") == {"b": 1}


def test_a_forgotten_person_leaves_no_answer_and_none_can_come_after(store):
    store.save_further("j", "s", _found("a", "+15045550143"), 0.1)
    now = datetime.now(timezone.utc)
    store.save_scrubs([Scrub("+15045550143", "complaints", Verdict.CLEAN, "own", "", now)], "j")
    assert store.forget("a") > 0
    assert not store.further_answers(["a"], "s")
    assert not store.scrubs(["+15045550143"], "complaints")
    store.save_further("j", "s", _found("a", "+15045550143"), 0.1)
    assert not store.further_answers(["a"], "s")


def test_old_jobs_take_their_answers_with_them(store):
    store.save_further("j", "s", _found("a", "+15045550143"), 0.1)
    store.count_lost("j", "s", 0.1)
    store.end("j")
    assert store.prune(-1) == 1
    assert store.further_bought("j") == {}
    assert not store.further_answers(["a"], "s")


def test_flagged_numbers_are_counted_for_their_job(store):
    now = datetime.now(timezone.utc)
    verdicts = (Verdict.DNC, Verdict.CLEAN, Verdict.HOLD, Verdict.LITIGATOR)
    scrubs = [Scrub(f"+150455501{n}", "complaints", word, "own", "", now) for n, word in enumerate(verdicts, 40)]
    store.save_scrubs(scrubs, "j")
    store.save_scrubs(scrubs[:1], "j")
    store.save_scrubs(scrubs)
    assert (store.flagged_numbers("j"), store.checked("j")) == ({"complaints": 3}, {"complaints": 5})


def test_hit_rates_need_twenty_answers(store):
    for n in range(19):
        store.save_further("j", "s", _found(f"k{n}", *(["+15045550143"] if n % 2 else [])), 0.1)
    assert store.further_hit_rate("s") is None
    store.save_further("j", "s", _found("k19", "+15045550143"), 0.1)
    assert store.further_hit_rate("s") == 0.5
    assert store.hit_rate() is None

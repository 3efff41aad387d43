"""The local copy of the do-not-call list: the first time stays, the longest expiry counts, the table has the word."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from leadflow.checkpoints import Checkpoints
from leadflow.leads.suppressions import Suppression, suppression_id

PHONE = "+15045550143"
FIRST = datetime(2026, 11, 1, 9, tzinfo=timezone.utc)


def _entry(phone="", key="", scope="all", expires=None, at=FIRST, reason="asked"):
    return Suppression(suppression_id(phone, key, scope), phone, key, reason, "call", "ann", at, scope, expires)


@pytest.fixture
def checkpoints(tmp_path):
    made = Checkpoints(tmp_path / "checkpoints.sqlite")
    yield made
    made.close()


def test_the_same_entry_again_changes_nothing(checkpoints):
    checkpoints.save_suppressions([_entry(PHONE)], in_table=False)
    checkpoints.save_suppressions([_entry(PHONE, reason="again")], in_table=False)
    [found] = checkpoints.suppression_entries()
    assert found.suppression == _entry(PHONE)
    assert not found.in_table


def test_what_the_table_says_replaces_what_was_said_here(checkpoints):
    checkpoints.save_suppressions([_entry(PHONE)], in_table=False)
    earlier = _entry(PHONE, at=datetime(2026, 10, 1, tzinfo=timezone.utc), reason="first")
    checkpoints.save_suppressions([earlier], in_table=True)
    [found] = checkpoints.suppression_entries()
    assert (found.suppression, found.in_table) == (earlier, True)


@pytest.mark.parametrize("longer", [None, date(2040, 1, 1)])
def test_a_longer_expiry_counts_before_and_after_the_table_knows_it(checkpoints, longer):
    short, long = _entry(PHONE, expires=date(2037, 1, 1)), _entry(PHONE, expires=longer)
    checkpoints.save_suppressions([short], in_table=True)
    checkpoints.save_suppressions([long], in_table=False)
    checkpoints.save_suppressions([short], in_table=True)  # a read that began before
    [found] = checkpoints.suppression_entries()
    assert (found.suppression.expires_on, found.in_table) == (longer, False)
    checkpoints.save_suppressions([long], in_table=True)
    [found] = checkpoints.suppression_entries()
    assert (found.suppression.expires_on, found.in_table) == (longer, True)


def test_the_table_may_shorten_an_entry_and_take_it_away(checkpoints):
    checkpoints.save_suppressions([_entry(PHONE), _entry(key="k")], in_table=True)
    checkpoints.save_suppressions([_entry(PHONE, expires=date(2020, 1, 1))], in_table=True)
    assert not checkpoints.suppressed().phones
    checkpoints.drop_suppressions([_entry(PHONE).id])
    assert [entry.suppression.lead_key for entry in checkpoints.suppression_entries()] == ["k"]


def test_scopes_and_expiries_decide_what_a_job_obeys(checkpoints):
    entries = [
        _entry(key="everywhere"),
        _entry(key="solar", scope="solar"),
        _entry(key="roofs", scope="roofs"),
        _entry(key="old", expires=date(2026, 1, 1)),
    ]
    checkpoints.save_suppressions(entries, in_table=True)
    day = date(2026, 11, 28)
    assert checkpoints.suppressed("all", day).keys == {"everywhere", "solar", "roofs"}
    assert checkpoints.suppressed("solar", day).keys == {"everywhere", "solar"}
    assert "old" in checkpoints.suppressed("all", date(2026, 1, 1)).keys


def test_only_what_is_asked_for_is_found(checkpoints):
    checkpoints.save_suppressions([_entry(PHONE), _entry(key="k"), _entry("+15045550144", "both")], in_table=True)
    found = checkpoints.suppressed_among([PHONE, "", "+15045550199"], ["both", "", "other"])
    assert (found.phones, found.keys) == ({PHONE}, {"both"})
    assert not checkpoints.suppressed_among([], [])


def test_a_target_is_done_up_to_the_furthest_entry(checkpoints):
    checkpoints.record_target("sheet", 3)
    checkpoints.record_target("sheet", None, "not shared")
    target = checkpoints.suppression_targets()["sheet"]
    assert (target.seq, target.obstacle) == (3, "not shared")
    checkpoints.record_target("sheet", 2)
    target = checkpoints.suppression_targets()["sheet"]
    assert (target.seq, target.obstacle) == (3, "")


def test_an_entry_is_closed_only_when_the_table_has_it(checkpoints):
    checkpoints.save_suppressions([_entry(PHONE)], in_table=False)
    checkpoints.save_suppressions([_entry(key="k")], in_table=True)
    checkpoints.close_suppressions(checkpoints.last_suppression())
    assert [entry.suppression.phone for entry in checkpoints.suppression_entries(open_only=True)] == [PHONE]


def test_no_repr_shows_a_phone(checkpoints):
    checkpoints.save_suppressions([_entry(PHONE, "k")], in_table=True)
    [found] = checkpoints.suppression_entries()
    for shown in (found, found.suppression, checkpoints.suppressed()):
        assert "504" not in repr(shown)


def test_a_forgotten_person_leaves_the_key_alone(checkpoints):
    checkpoints.forget("k", _entry(key="k", reason="forgotten"))
    [found] = checkpoints.suppression_entries()
    assert (found.suppression.phone, found.suppression.lead_key) == ("", "k")
    checkpoints.forget("k", _entry(key="k", reason="forgotten"))
    assert len(checkpoints.suppression_entries()) == 1

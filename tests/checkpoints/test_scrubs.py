"""Scrubs in the checkpoints: the newest of each phone and kind comes back as it was, and each counts as paid for."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadflow.checkpoints import Checkpoints
from leadflow.leads.verdicts import FLAGGED, Scrub, Verdict

_PHONES = ["+15045550143", "+12075550199", "+12125550105", 'no "phone"', "n\u00fcmero \u260e"]
_KINDS = ["dnc", "litigator"]
_ZONES = [timezone.utc, timezone(timedelta(hours=-6)), timezone(timedelta(hours=5, minutes=30))]
_TIMES = st.datetimes(
    datetime(2026, 10, 1), datetime(2026, 11, 29), timezones=st.sampled_from([None, *_ZONES]), allow_imaginary=False
) | st.just(datetime(2026, 11, 1, tzinfo=timezone.utc))
_WORDS = st.sampled_from(["", "C", "c", "True", "1", "2026-11-01", "nul\x00l", 'quote " and \\', "\u00e9"])
_SCRUBS = st.builds(
    Scrub, st.sampled_from(_PHONES), st.sampled_from(_KINDS), st.sampled_from(Verdict), _WORDS, _WORDS, _TIMES, _WORDS,
    _WORDS, _WORDS,
)  # fmt: skip


@pytest.fixture
def store(tmp_path):
    store = Checkpoints(tmp_path / "checkpoints.sqlite")
    yield store
    store.close()


@given(calls=st.lists(st.lists(_SCRUBS, max_size=12), max_size=3))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_newest_scrub_of_each_phone_and_kind_comes_back(store, calls):
    expected = {kind: store.scrubs(_PHONES, kind) for kind in _KINDS}
    for scrubs in calls:
        store.save_scrubs(scrubs)
        for scrub in scrubs:
            expected[scrub.check][scrub.phone] = scrub
    assert {kind: store.scrubs(_PHONES, kind) for kind in _KINDS} == expected


@given(scrubs=st.lists(_SCRUBS, max_size=12))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_check_that_a_job_paid_for_is_counted(store, scrubs):
    before, flagged = Counter(store.checked("j")), Counter(_flagged(store))
    store.save_scrubs(scrubs, "j")
    store.save_scrubs(scrubs)  # without a job: not paid for
    assert Counter(store.checked("j")) == before + Counter(scrub.check for scrub in scrubs)
    found = Counter(scrub.check for scrub in scrubs if scrub.verdict in FLAGGED)
    assert Counter(_flagged(store)) == flagged + found


def _flagged(store):
    with store.reading() as db:
        return dict(db.execute("SELECT kind, numbers FROM flagged WHERE job_id = 'j'").fetchall())

"""Evidence: every entry of a phone or a lead, and what was known on a day; what is not recorded is not allowed."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from outcome import SCRIPT, phones_of, sheet_rows
from privacy import traceback_text, words_in

import leadflow as lf
from leadflow.compliance.ledger import check_entry, event_entry, record
from leadflow.errors import InputError, RefusedError
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.services.warehouse import Warehouse
from leadflow.stages.ledger_entries import DELIVERED, WITHDRAWN

_PHONE, _OTHER = "+15045550143", "+15045550144"
_AT = datetime(2026, 11, 1, 15, 30, tzinfo=timezone.utc)
_DAY = timedelta(days=1)


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        with Warehouse(world.settings.warehouse) as warehouse:
            warehouse.ensure_tables()
        yield engine


@pytest.fixture
def write(world):
    def written(*entries):
        with Warehouse(world.settings.warehouse) as warehouse:
            record(warehouse, entries)

    return written


def _check(kind, at=_AT, verdict=Verdict.CLEAN, key="k1", phone=_PHONE, job="j1", reason="", said="", **more):
    scrub = Scrub(phone, kind, verdict, "dncscrub", "C", at, **{"list_date": at.date().isoformat(), **more})
    return check_entry(key, scrub, job, reason, said)


def _both(**more):
    return _check("litigator", **more), _check("dnc", **more)


def _allowed(engine, on, **asked):
    found = engine.evidence(**{"phone": _PHONE, **asked}, on=on)
    assert found["kind"].tolist() == ["litigator", "dnc"] * (len(found) // 2)
    answers = found.groupby("phone")["allowed"].unique()
    assert all(len(answer) == 1 for answer in answers)
    return bool(found["allowed"].all())


def test_all_that_is_known_of_a_phone_in_any_writing_in_time_order(engine, write):
    write(
        event_entry(WITHDRAWN, "k1", _PHONE, "j2", _AT + 9 * _DAY, "opt-out"),
        *_both(),
        event_entry(DELIVERED, "k1", _PHONE, "j1", _AT),
        *_both(phone=_OTHER),
        _check("dnc", at=_AT + 8 * _DAY, verdict=Verdict.DNC, key="k2", job="j2"),
    )
    for writing in (_PHONE, "(504) 555-0143", "504.555.0143", "1-504-555-0143", 5045550143, 5045550143.0):
        found = engine.evidence(writing)
        assert found["event"].tolist() == ["check", "check", "delivered", "check", "withdrawn"]
    assert found["time"].is_monotonic_increasing
    assert str(found["time"].dt.tz) == "UTC"
    assert found["verdict"].tolist() == ["clean", "clean", "", "dnc", ""]
    assert found["lead_key"].tolist() == ["k1", "k1", "k1", "k2", "k1"]
    assert found["reason"].iloc[-1] == "opt-out"
    assert engine.evidence(person_key="k1")["phone"].tolist().count(_OTHER) == 2
    assert len(engine.evidence(_PHONE, person_key="k2")) == 1
    assert engine.evidence(person_key="nobody").empty


@pytest.mark.parametrize("reading", [date, str, "datetime"])
@pytest.mark.parametrize(
    ("days", "allowed"), [(-1, False), (0, True), (1, True), (29, True), (30, True), (31, False), (400, False)]
)
def test_the_edge_of_31_days(engine, write, days, allowed, reading):
    write(*_both())
    day = (_AT + days * _DAY).date()
    on = day if reading is date else day.isoformat() if reading is str else f"{day} 23:59:59"
    assert _allowed(engine, on) is allowed


def test_a_time_of_the_day_is_judged_to_the_second(engine, write):
    write(*_both(list_date=""))
    assert not _allowed(engine, "2026-11-01 15:29:59")
    assert _allowed(engine, "2026-11-01 15:30:00")
    assert _allowed(engine, datetime(2026, 12, 2, 15, 30, tzinfo=timezone.utc))
    assert not _allowed(engine, "2026-12-02 15:30:01")
    assert not _allowed(engine, "2026-12-02 07:30:01-08:00")


def test_a_list_may_be_too_old_before_its_check_is(engine, write):
    write(*_both(list_date="2026-10-15"))
    assert _allowed(engine, "2026-11-15")
    assert not _allowed(engine, "2026-11-16")


@pytest.mark.parametrize("missing", [0, 1])
def test_one_check_is_not_enough(engine, write, missing):
    write(_both()[1 - missing])
    found = engine.evidence(_PHONE, on="2026-11-02")
    assert not found["allowed"].any()
    assert found["why"][missing] == "no check is recorded"


def test_nothing_recorded_is_not_allowed(engine):
    found = engine.evidence(_PHONE, on="2026-11-02")
    assert found["allowed"].tolist() == [False, False]
    assert engine.evidence(person_key="nobody", on="2026-11-02")["allowed"].tolist() == [False, False]


@pytest.mark.parametrize("verdict", [v for v in Verdict if v not in (Verdict.CLEAN, Verdict.CLEAN_WIRELESS)])
def test_any_verdict_but_clean_is_not_allowed(engine, write, verdict):
    write(_check("litigator"), _check("dnc", verdict=verdict))
    assert not _allowed(engine, "2026-11-02")


def test_the_last_check_decides(engine, write):
    write(*_both(verdict=Verdict.DNC), *_both(at=_AT + 5 * _DAY), *_both(at=_AT + 9 * _DAY, verdict=Verdict.LITIGATOR))
    assert [_allowed(engine, f"2026-11-{day:02}") for day in (3, 5, 6, 9, 10)] == [False, False, True, True, False]


def test_of_one_scrub_for_two_leads_the_worst_reading_counts(engine, write):
    covered, gap = _check("dnc"), _check("dnc", key="k2", reason="not covered: state list LA", said="unchecked")
    write(_check("litigator"), covered, gap)
    assert not _allowed(engine, "2026-11-02")
    assert "not covered: state list LA" in engine.evidence(_PHONE, on="2026-11-02")["why"][1]
    assert not _allowed(engine, "2026-11-02", person_key="k2")


def test_a_withdrawn_phone_is_not_allowed_until_it_is_delivered_again(engine, write):
    write(*_both(), event_entry(WITHDRAWN, "k1", _PHONE, "j2", _AT + 2 * _DAY, "opt-out"))
    assert _allowed(engine, "2026-11-02")
    assert not _allowed(engine, "2026-11-03")
    assert "withdrawn 2026-11-03 (opt-out)" in engine.evidence(_PHONE, on="2026-11-04")["why"][0]
    write(event_entry(DELIVERED, "k1", _PHONE, "j3", _AT + 5 * _DAY))
    assert not _allowed(engine, "2026-11-05")
    assert _allowed(engine, "2026-11-06")


def test_a_verdict_of_another_version_is_not_clean(engine, write):
    write(_check("litigator"), _check("dnc", said="cleanish"))
    assert not _allowed(engine, "2026-11-02")


def test_what_a_job_delivered_was_allowed_on_that_day(world, engine):
    job = engine.run(SCRIPT, limit_rows=30, progress=False)
    today = datetime.now(timezone.utc)
    for row in sheet_rows(world)[:5]:
        found = lf.evidence(person_key=row["Lead Key"], on=today)
        shown = found[found["phone"].isin(phones_of(row))]
        assert shown["allowed"].all()
        assert set(shown["job_id"]) == {job.id}
        until = date.fromisoformat(row["Callable Until"])
        assert not lf.evidence(phones_of(row)[0], on=until)["allowed"].any()
        assert lf.evidence(phones_of(row)[0], on=until - _DAY)["allowed"].all()


@pytest.mark.parametrize(
    "asked",
    [
        {"phone": "504 555 014"},
        {"phone": "+44 20 7946 0018"},
        {"phone": ""},
        {"phone": "nan"},
        {"phone": True},
        {"phone": ["5045550143"]},
        {"phone": 5045550143.5},
        {},
        {"person_key": ""},
        {"person_key": 7},
        {"phone": _PHONE, "on": "5045550143x"},
        {"phone": _PHONE, "on": "2026-02-30"},
        {"phone": _PHONE, "on": 20261101.5},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said_without_repeating_it(engine, asked):
    with pytest.raises(InputError) as caught:
        engine.evidence(**asked)
    words = {"504 555 014", "7946 0018", "5045550143", "5045550143.5", "2026-02-30", "20261101.5"}
    # A traceback quotes this test's own lines, not values.
    assert not words_in(str(caught.value), words)


def test_no_phone_is_logged(world, engine, write, logged):
    write(*_both())
    engine.evidence(_PHONE, on="2026-11-02")
    world.fail("snowflake", "sql_error", code=604, key="SCRUB_LEDGER", times=10)
    with pytest.raises(lf.errors.TransientError) as caught:
        engine.evidence(_PHONE)
    said = traceback_text(caught.value) + "".join(text for _, text in logged.records)
    assert not words_in(said.replace('_PHONE, _OTHER = "+15045550143"', ""), {_PHONE, "5045550143"})


def test_a_ledger_that_is_hidden_is_said(world):
    with lf.Engine(world.settings) as engine:
        for ask in (lambda: engine.evidence(_PHONE), engine.stale, engine.prune_records):
            with pytest.raises(RefusedError, match="is missing, or hidden from"):
                ask()

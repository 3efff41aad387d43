"""How long a do-not-call list counts, and jobs with a list that may or may not be used."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest
from dnc_lists import FREE, LISTED, list_service, today
from outcome import SCRIPT, observe, sheet_rows, truth_phones

import leadflow as lf
from leadflow.errors import JobFailedError, RefusedError, SettingsError
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.local.people import AREA_CODES
from leadflow.services.dnc_list import DncListFile
from leadflow.settings import DncSettings
from leadflow.stages import check_dnc


def test_a_list_that_changes_is_read_through_again(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("5045550143\n")
    service = list_service(path)
    assert service.check([LISTED])[LISTED].verdict == Verdict.DNC
    path.write_text("no list any more\n")
    with pytest.raises(RefusedError):
        service.check([LISTED])
    path.write_text("5045550144\n")
    assert service.check([LISTED])[LISTED].verdict == Verdict.CLEAN
    path.write_text("2025550199\n")
    assert service.check([LISTED])[LISTED].code == "not covered: area code 504"


# The date of the list.


def test_the_day_may_be_a_date_of_python(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("5045550143\n")
    assert list_service(path, date.today()).check([LISTED])[LISTED].list_date == date.today().isoformat()


@pytest.mark.parametrize(
    ("days", "usable"), [(0, True), (31, True), (32, False), (400, False), (-2, False), (-300, False)]
)
def test_a_list_counts_for_31_days(tmp_path, days, usable):
    path = tmp_path / "list.csv"
    path.write_text("5045550143\n")
    if usable:
        assert list_service(path, today(days)).check([LISTED])[LISTED].list_date == today(days)
        return
    with pytest.raises(RefusedError, match="31 days"):
        list_service(path, today(days)).check([LISTED])


@pytest.mark.parametrize(("hour", "usable"), [(9, False), (10, True), (23, True)])
def test_a_list_of_tomorrow_counts_once_it_is_that_day_anywhere_on_earth(tmp_path, monkeypatch, hour, usable):
    from leadflow.services.dnc_list import service as dnc_list

    class At(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 11, 25, hour, 30, tzinfo=timezone.utc)

    path = tmp_path / "list.csv"
    path.write_text("5045550143\n")
    monkeypatch.setattr(dnc_list, "datetime", At)
    scrub = Scrub(FREE, "dnc", Verdict.CLEAN, "list", "absent", At.now(), "2026-11-26")
    assert scrub.fresh(At.now(), timedelta(days=31)) is usable
    if usable:
        assert list_service(path, "2026-11-26").check([LISTED])
        return
    with pytest.raises(RefusedError, match="2026-11-26"):
        list_service(path, "2026-11-26").check([LISTED])


def test_the_age_is_that_of_the_moment_of_the_check(tmp_path, monkeypatch):
    from leadflow.services.dnc_list import service as dnc_list

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=2)

    path = tmp_path / "list.csv"
    path.write_text("5045550143\n")
    service = list_service(path, today(30))
    assert service.check([LISTED])
    monkeypatch.setattr(dnc_list, "datetime", Later)
    with pytest.raises(RefusedError, match="31 days"):
        service.check([LISTED])


@pytest.mark.parametrize(
    ("path", "day"),
    [
        (None, "2026-11-01"),
        ("list.csv", None),
        ("list.csv", "11/01/2026"),
        ("list.csv", "2026-02-31"),
        ("list.csv", ""),
    ],
)
def test_a_list_without_path_or_date_is_refused_when_the_engine_is_made(world, path, day):
    dnc = DncSettings(provider="list", list_path=path, list_date=day)
    with pytest.raises(SettingsError, match="LEADFLOW_DNC__LIST_DATE"):
        lf.Engine(world.settings.model_copy(update={"dnc": dnc}))


@pytest.mark.parametrize(
    ("age", "after", "asked"), [(30, 0, 0), (30, 1, 0), (30, 2, 1), (0, 20, 0), (0, 30, 0), (0, 32, 1)]
)
def test_a_scrub_is_as_old_as_its_list(tmp_path, age, after, asked):
    path = tmp_path / "list.csv"
    path.write_text("5045550143\n")
    checked = datetime.now(timezone.utc) - timedelta(days=after)
    scrub = Scrub(
        FREE, "dnc", Verdict.CLEAN, "list", "absent", checked, (checked.date() - timedelta(days=age)).isoformat()
    )
    calls = []

    class Counting(DncListFile):
        def check(self, phones, stop=None):
            calls.append(phones)
            return super().check(phones, stop)

    check_dnc(
        pl.DataFrame({"phones": [[FREE]]}),
        Counting(DncSettings(provider="list", list_path=path, list_date=today())),
        known={FREE: scrub},
    )
    assert len(calls) == asked


@pytest.mark.parametrize(
    "day",
    [
        "2026-99-99",
        "yesterday",
        (datetime.now(timezone.utc).date() + timedelta(days=2)).isoformat(),
        date(2999, 1, 1).isoformat(),
    ],
)
def test_a_scrub_whose_list_has_no_day_or_one_to_come_does_not_count(day):
    now = datetime.now(timezone.utc)
    assert not Scrub(FREE, "dnc", Verdict.CLEAN, "list", "absent", now, day).fresh(now, timedelta(days=31))


# A whole job.


def _job_settings(world, path, day=None):
    covers = ("federal", "wireless", *["CO", "FL", "IN", "LA", "MA", "MO", "OK", "PA", "TN", "TX", "WY"])
    dnc = DncSettings(
        provider="list", list_path=path, list_date=day or today(), list_covers=covers, list_area_codes=AREA_CODES
    )
    return world.settings.model_copy(update={"batch_size": 20, "dnc": dnc})


def _truth_list(path):
    bad = [p["written"] for p in truth_phones() if p["dnc"] or p["dnc_code"] not in ("C", "W", "Y")]
    path.write_text("Phone\n" + "\n".join(bad), encoding="utf-8")
    return path


def test_a_job_with_a_list_delivers_no_listed_phone(world, tmp_path):
    path = _truth_list(tmp_path / "list.csv")
    with lf.Engine(_job_settings(world, path)) as engine:
        job = engine.run(SCRIPT, limit_rows=60, progress=False)
        assert job.counts.delivered > 0
        assert "dnc" in " ".join(row["Held Phones"] for row in sheet_rows(world))
        assert observe(world, engine, job.id).clean
    assert world.stats()["dnc"]["calls"] == 0


@pytest.mark.parametrize("fault", ["gone", "old", "empty"])
def test_a_job_without_a_usable_list_fails_delivers_nothing_and_resumes(world, tmp_path, fault):
    path = _truth_list(tmp_path / "list.csv")
    good = path.read_bytes()
    if fault == "gone":
        path.unlink()
    elif fault == "empty":
        path.write_bytes(b"")
    with (
        lf.Engine(_job_settings(world, path, today(40) if fault == "old" else None)) as engine,
        pytest.raises(JobFailedError, match="do-not-call list"),
    ):
        engine.run(SCRIPT, limit_rows=40, progress=False)
    assert sheet_rows(world) == []
    assert world.stats()["idicore"]["calls"] == 0
    path.write_bytes(good)
    with lf.Engine(_job_settings(world, path)) as engine:
        job = engine.resume(lf.jobs(history=world.settings.history_file)["id"].iloc[0], progress=False)
        assert observe(world, engine, job.id).clean

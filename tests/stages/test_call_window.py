"""The column "Call Window" of the sheet: from the table, and from DNCScrub's answer where it is stricter."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pandas as pd
import pytest
from outcome import SCRIPT, sheet_rows
from phone_writings import CLEAN, WHO, checked_frame

import leadflow as lf
from leadflow.checkpoints import Checkpoints
from leadflow.events import JobLog
from leadflow.leads.calling_hours import read_description
from leadflow.leads.verdicts import Scrub, Verdict
from leadflow.services.dncscrub import DncScrub, LitigatorList
from leadflow.services.sheets import Sheet
from leadflow.settings import ComplianceSettings
from leadflow.stages import check_dnc, check_litigators, deliver

_NEW_YORK = CLEAN[-10:]


@pytest.fixture
def checks(world):
    return LitigatorList(world.settings.litigator), DncScrub(world.settings.dnc)


def _delivered(world, checks, state="LA", **options):
    frame = pd.DataFrame([{**WHO, "State": state, "Zip": "70112", "Phone": CLEAN}])
    done = deliver(checked_frame(frame, checks), Sheet(world.settings.sheets), **options)
    assert done["delivered"].all()
    (row,) = sheet_rows(world)
    return row


def test_the_stricter_of_the_lead_s_state_and_the_number_s_in_the_lead_s_time(world, checks):
    row = _delivered(world, checks)
    assert row["Call Window"] == "Mon-Sat 8am-8pm, no Sun, no holidays (Central)"
    assert list(row).index("Call Window") == list(row).index("Callable Until") + 1


@pytest.mark.parametrize(
    ("answer", "window"),
    [
        ("9:00-20:00;10:00-18:00;No calls", "Mon-Fri 8am-7pm, Sat 9am-5pm, no Sun, no holidays (Central)"),
        ("10:00-24:00;0:00-24:00;;", "Mon-Sat 8am-8pm, no Sun, no holidays (Central)"),
        ("10:00-24:00;0:00-24:00;", "Mon-Fri 9am-8pm, Sat 8am-8pm, no Sun, no holidays (Central)"),
        ("No calls", "no calls"),
        ("", "Mon-Sat 8am-8pm, no Sun, no holidays (Central)"),
    ],
)
def test_dncscrub_s_answer_is_taken_where_it_is_stricter(world, checks, answer, window):
    world.configure(calling_windows={_NEW_YORK: answer})
    assert _delivered(world, checks)["Call Window"] == window


@pytest.mark.parametrize("answer", ["8am-9pm", "call 504-555-0143", None, 7, ["8:00-21:00"]])
def test_an_answer_that_cannot_be_read_is_no_answer_and_a_warning_counts_it(world, checks, answer):
    world.configure(calling_windows={_NEW_YORK: answer})
    told = []
    frame = check_litigators(pd.DataFrame([{**WHO, "State": "LA", "Zip": "70112", "Phone": CLEAN}]), checks[0])
    done = deliver(check_dnc(frame, checks[1], emit=told.append), Sheet(world.settings.sheets))
    assert sheet_rows(world)[0]["Call Window"] == "Mon-Sat 8am-8pm, no Sun, no holidays (Central)"
    warnings = [event.message for event in told if isinstance(event, JobLog) and "calling windows" in event.message]
    assert len(warnings) == (0 if answer is None else 1)
    assert "0143" not in json.dumps(done["dnc_checks"].tolist()) + str(warnings)


def test_a_file_of_the_user_s_and_one_that_broke_meanwhile(world, checks, tmp_path):
    path = tmp_path / "h.csv"
    head = "state,weekday,saturday,sunday,holidays,calls_a_day,source,as_of\n"
    path.write_text(f"{head}LA,9:00-17:00,none,none,US-LA,2,counsel,2026-11-01\n")
    compliance = ComplianceSettings(calling_hours_file=path)
    row = _delivered(world, checks, compliance=compliance)
    assert row["Call Window"] == "Mon-Fri 9am-5pm, no Sat-Sun, no holidays, at most 2 calls in 24 h (Central)"
    path.write_text(head + "LA\n")
    with pytest.raises(lf.errors.InputError, match="line 2"):
        _delivered(world, checks, compliance=compliance)


def test_every_row_of_a_job_has_a_window_that_lf_may_call_reads(world):
    world.configure(calling_windows={})
    with lf.Engine(world.settings) as engine:
        engine.run(SCRIPT, limit_rows=100, progress=False)
    rows = sheet_rows(world)
    assert rows
    assert all(read_description(row["Call Window"]) for row in rows)
    at = datetime(2026, 12, 2, 18, 30, tzinfo=timezone.utc)
    judged = lf.may_call(pd.DataFrame(rows), at)
    assert judged["may_call"].any()
    assert not judged.loc[judged["Call Window"] == "no calls", "may_call"].any()


def test_a_scrub_of_an_earlier_version_has_no_window(tmp_path):
    store = Checkpoints(tmp_path / "c.sqlite")
    at = datetime(2026, 11, 1, tzinfo=timezone.utc)
    scrub = Scrub("+15045550143", "dnc", Verdict.CLEAN, "dncscrub", "C", at, "2026-11-01", "p", "8:00-21:00;;")
    store.save_scrubs([scrub])
    assert store.scrubs([scrub.phone], "dnc") == {scrub.phone: scrub}
    with store.transaction() as db:
        db.execute("UPDATE scrubs SET payload = json_remove(payload, '$.calling_window')")
    assert store.scrubs([scrub.phone], "dnc")[scrub.phone].calling_window == ""
    store.close()

"""A request that breaks off anywhere, or meets a system that is down, is completed later; each record is there once."""

from __future__ import annotations

import json
import signal

import pytest
from job_process import start_job
from opt_outs import (
    ASKED,
    SCRIPT,
    one_with_own_phone,
    recorded,
    shown,
    suppressions,
    with_project,
    withdrawn_events,
)
from outcome import sheet_rows

import leadflow as lf

# The functions before which a process is killed, in the order of their calls.
STEPS = [
    "leadflow.compliance.suppression_work.Work.complete",
    "leadflow.services.warehouse.suppressions._write",
    "leadflow.checkpoints.suppressions.Suppressions.drop_suppressions",
    "leadflow.compliance.suppression_work.ExistingSheet",
    "leadflow.compliance.sheet_sweep.withdraw",
    "leadflow.compliance.suppression_work.Work._count",
    "leadflow.compliance.suppression_work.record_withdrawals",
    "leadflow.compliance.sheet_sweep.record_withdrawn",
    "leadflow.checkpoints.suppressions.Suppressions.withdrawals_recorded",
    "leadflow.services.dncscrub.InternalList.add",
    "leadflow.services.dncscrub.InternalList.listed",
    "leadflow.checkpoints.suppressions.Suppressions.close_suppressions",
]
KILLED = """
import importlib, os, signal, sys
import leadflow as lf

where, name = sys.argv[1].rsplit(".", 1)
try:
    owner = importlib.import_module(where)
except ModuleNotFoundError:
    module, cls = where.rsplit(".", 1)
    owner = getattr(importlib.import_module(module), cls)
setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
with lf.Engine() as engine:
    engine.suppress(sys.argv[2], reason="asked on the phone", by="ann")
"""


@pytest.fixture
def engine(world):
    with lf.Engine(with_project(world.settings)) as engine:
        yield engine


@pytest.fixture
def delivered(world, engine):
    """A lead in the sheet, and a phone of its own."""
    assert engine.run(SCRIPT, limit_rows=25, progress=False).ok
    return one_with_own_phone(world)


def _unreachable(settings, **changes):
    """Settings with a Snowflake that nobody listens for."""
    changes = {"port": 1, "network_timeout_s": 1, **changes}
    return settings.model_copy(update={"warehouse": settings.warehouse.model_copy(update=changes)})


@pytest.mark.parametrize("step", STEPS)
def test_killed_before_any_step_the_next_call_completes_it(world, engine, delivered, step):
    key, phone = delivered
    phones = sorted(shown(world)[key])
    child = start_job(world, KILLED, step, phone, LEADFLOW_DNC__PROJ_ID="P1")
    _, said = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, said
    assert phone in engine.checkpoints.suppressed().phones
    assert engine.complete_suppressions().ok
    assert key not in shown(world)
    assert len(suppressions(world)) == 1
    assert recorded(world, key) == ("withdrawn", "suppressed")
    assert withdrawn_events(world, key) == phones
    assert phone[2:] in world.stats()["dnc"]["internal"]["P1"]
    assert [row[0] for row in world.sheet_values("Withdrawn")[1:]] == [key]
    [entry] = engine.checkpoints.suppression_entries()
    assert entry.closed_at


def test_killed_before_any_step_the_next_job_completes_it(world, engine, delivered):
    key, phone = delivered
    child = start_job(world, KILLED, STEPS[4], phone, LEADFLOW_DNC__PROJ_ID="P1")
    child.communicate(timeout=120)
    assert engine.run(SCRIPT, limit_rows=3, progress=False).ok
    assert key not in shown(world)
    assert recorded(world, key) == ("withdrawn", "suppressed")


def test_without_snowflake_rows_go_all_the_same_and_the_rest_is_said(world, engine, delivered):
    key, phone = delivered
    with lf.Engine(_unreachable(engine.settings)) as cut_off:
        result = cut_off.suppress(phone, **ASKED)
        assert not result.ok
        assert "1 requests are not in SUPPRESSIONS yet" in repr(result)
        assert "rows were taken out" in repr(result)
        assert key not in shown(world)
        [line] = [line for line in cut_off.report(_last_job(engine)).opt_outs if "are open" in line]
        assert "the oldest has used 0 of 10 business days" in line
    assert suppressions(world) == []
    assert engine.run(SCRIPT, limit_rows=3, progress=False).ok
    assert [row[0] for row in suppressions(world)] == [phone]
    assert recorded(world, key) == ("withdrawn", "suppressed")
    assert not engine.checkpoints.suppression_entries(open_only=True)


def _last_job(engine):
    return engine.history.jobs()["id"][0]


def test_without_snowflake_forget_works_and_warns(world, engine, delivered):
    key, _ = delivered
    warned = pytest.warns(UserWarning, match="not in SUPPRESSIONS yet")
    with lf.Engine(_unreachable(engine.settings)) as cut_off, warned:
        assert cut_off.forget(key) > 0
    assert engine.run(SCRIPT, limit_rows=3, progress=False).ok
    assert [(k, why) for _, k, why, *_ in suppressions(world)] == [(key, "forgotten")]


def test_a_sheet_that_may_only_be_read_stays_open_until_it_may_be_written(world, engine, delivered):
    key, phone = delivered
    world.share_sheet("reader")
    result = engine.suppress(phone, **ASKED)
    assert "sheet local-leads-sheet/consolidated_data is not done" in repr(result)
    assert result.frame["dncscrub"].tolist() == ["yes"]
    world.share_sheet("writer")
    assert engine.suppress(phone, **ASKED).ok  # saying it again completes it
    assert key not in shown(world)


def test_a_sheet_that_is_gone_stays_open_until_somebody_says_so(world, engine, delivered):
    key, phone = delivered
    engine.history.start_job(id="old-job", spreadsheet_id="gone-sheet", worksheet="leads", clean_count=3)
    result = engine.suppress(phone, **ASKED)
    assert [text for text in result.open if "gone-sheet" in text]
    assert "complete_suppressions(gone=" in repr(result)
    assert key not in shown(world)
    assert engine.checkpoints.suppression_entries(open_only=True)
    assert not engine.complete_suppressions().ok
    assert engine.complete_suppressions(gone=["gone-sheet"]).ok
    assert not engine.checkpoints.suppression_entries(open_only=True)
    assert engine.suppress("504-555-0143", **ASKED).ok


def test_rows_go_from_every_sheet_that_a_job_delivered_to(world, engine, delivered):
    key, phone = delivered
    other = engine.settings.model_copy(
        update={"sheets": engine.settings.sheets.model_copy(update={"worksheet": "second"})}
    )
    with lf.Engine(other) as second:
        assert second.run(SCRIPT, limit_rows=15, progress=False).ok
        rows = world.sheet_values("second")
        place = rows[0].index("Phone 1")
        mine = rows[1][place]
        assert second.suppress([phone, mine], **ASKED).withdrawn >= 2
    assert key not in shown(world)
    assert mine not in [row[place] for row in world.sheet_values("second")]


def test_a_tab_that_somebody_renamed_is_not_taken_for_done(world, engine, delivered):
    key, phone = delivered
    engine.history.start_job(id="old-job", spreadsheet_id="local-leads-sheet", worksheet="renamed", clean_count=3)
    result = engine.suppress(phone, **ASKED)
    assert any("there is no tab renamed" in text for text in result.open)
    assert key not in shown(world)


@pytest.mark.parametrize("fault", ["503", "html", "drop"])
def test_dncscrub_that_is_down_is_told_later(world, engine, delivered, fault):
    key, phone = delivered
    world.fail("dnc", fault, times=20, on="list")
    dnc = engine.settings.dnc.model_copy(update={"attempts": 1, "timeout_s": 2.0})
    with lf.Engine(engine.settings.model_copy(update={"dnc": dnc})) as impatient:
        result = impatient.suppress(phone, **ASKED)
        assert key not in shown(world)
        if fault == "html":  # an answer that is no answer to add cannot be told from success, but it confirms nothing
            assert result.frame["dncscrub"].tolist() == ["sent, not confirmed"]
        else:
            assert result.frame["dncscrub"].tolist() == ["not yet"]
            world.heal()
            assert impatient.complete_suppressions().ok
            assert phone[2:] in world.stats()["dnc"]["internal"]["P1"]


def test_rows_that_people_copied_without_a_key_are_said(world, engine, delivered):
    key, phone = delivered
    header, *_ = world.sheet_values()
    cells = [""] * len(header)
    cells[header.index("Phone 1")] = phone
    world.edit_sheet([("append", cells)])
    result = engine.suppress(phone, **ASKED)
    assert key not in shown(world)
    assert "rows without a lead key" in repr(result)
    assert phone in {row["Phone 1"] for row in sheet_rows(world)}


def test_a_request_with_an_unreadable_entry_changes_nothing(world, engine, delivered):
    _, phone = delivered
    with pytest.raises(lf.errors.InputError, match="entry 2"):
        engine.suppress([phone, "555-0144"], **ASKED)
    assert suppressions(world) == []
    assert not engine.checkpoints.suppression_entries()
    assert json.dumps(world.stats()["dnc"]["internal"]) == "{}"
